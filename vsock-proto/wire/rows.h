/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of figures that checks send, besides predictions and clusters: one ROW a line.
 *
 * A table has fixed columns: naturals, then finite reals, and a name where it says so. This file is
 * the one place that knows them; the session holds every ROW against it. PROTOCOL.md, section 7.
 */
#ifndef LAZARET_WIRE_ROWS_H
#define LAZARET_WIRE_ROWS_H

#include "wire/plan.h"

#define ROW_NATURALS_MAX 80u
#define ROW_REALS_MAX    8u
#define ROW_NATURAL_MAX  (UINT64_C(1) << 53)
#define ROW_INDICES_MAX  64u /* of samples, at the end of a row's naturals */
#define ROWS_ANY_MAX     4096u

/* Tables of each check, by their number in a ROW; they come in this order. */
enum { ROWS_GRADIENTS };                                  /* fgsm, pgd */
enum { ROWS_SPECTRUM };                                   /* spectral-signature */
enum { ROWS_TARGETS, ROWS_USER_TRIGGERS, ROWS_COVERAGE }; /* trigger-scan */
enum { ROWS_MASKS };                                      /* neural-cleanse */
enum { ROWS_ENTROPY };                                    /* strip */
enum { ROWS_TENSORS };                                    /* weight-drift */

/* Columns of naturals and of reals, table by table. "samples" is what the check worked on. */
enum { GRADIENTS_ZERO, GRADIENTS_SAMPLES, GRADIENTS_NATURALS };
enum { SPECTRUM_LABEL, SPECTRUM_OUTCOME, SPECTRUM_SIZE, SPECTRUM_SUSPECTS, SPECTRUM_INDICES };
enum { SPECTRUM_SHARE, SPECTRUM_CUTOFF, SPECTRUM_TOP, SPECTRUM_REALS };
enum {
    TARGETS_TARGET,
    TARGETS_ROW,
    TARGETS_COL,
    TARGETS_HEIGHT,
    TARGETS_WIDTH,
    TARGETS_COLOUR,   /* its number in the search's order; 16: a faint pattern over the whole image */
    TARGETS_FLIPPED,  /* samples of other predicted classes that turn to the target */
    TARGETS_ELIGIBLE, /* samples of other predicted classes */
    TARGETS_NATURALS
};
enum { TARGETS_VALUE_0, TARGETS_VALUE_1, TARGETS_VALUE_2, TARGETS_REALS }; /* of channels; a faint pattern: amplitude */
enum {
    USER_TRIGGERS_INDEX,
    USER_TRIGGERS_TARGET,
    USER_TRIGGERS_FLIPPED,
    USER_TRIGGERS_ELIGIBLE,
    USER_TRIGGERS_NATURALS
};
enum { COVERAGE_TRIED, COVERAGE_PLACES, COVERAGE_SAMPLES, COVERAGE_IMAGES, COVERAGE_NATURALS };
enum {
    MASKS_TARGET,
    MASKS_ROW, /* the smallest box that holds every mask element of at least a half of the largest */
    MASKS_COL,
    MASKS_HEIGHT,
    MASKS_WIDTH,
    MASKS_FLIPPED,
    MASKS_ELIGIBLE,
    MASKS_ITERATIONS,
    MASKS_NATURALS
};
enum { MASKS_L1, MASKS_LARGEST, MASKS_REALS };
enum { ENTROPY_INDEX, ENTROPY_SAMPLES, ENTROPY_FLAGGED, ENTROPY_NATURALS }; /* of the samples with the trigger on */
enum { ENTROPY_THRESHOLD, ENTROPY_CLEAN_MEAN, ENTROPY_TRIGGERED_MEAN, ENTROPY_REALS };
enum { TENSORS_OUTCOME, TENSORS_ELEMENTS, TENSORS_REFERENCE_ELEMENTS, TENSORS_EXACT, TENSORS_NATURALS };
enum {
    TENSORS_D,
    TENSORS_P,
    TENSORS_MEAN,
    TENSORS_DEVIATION,
    TENSORS_REFERENCE_MEAN,
    TENSORS_REFERENCE_DEVIATION,
    TENSORS_DISTANCE, /* ‖w − r‖₂ / ‖r‖₂ of tensors of one shape; −1 where it can't be said */
    TENSORS_REALS
};

enum spectrum_outcome { SPECTRUM_DONE, SPECTRUM_TOO_SMALL, SPECTRUM_OUTCOME_COUNT };
enum tensor_outcome {
    TENSOR_COMPARED,
    TENSOR_TOO_SMALL,
    TENSOR_ONLY_IN_MODEL,
    TENSOR_ONLY_IN_REFERENCE,
    TENSOR_NOT_FINITE,
    TENSOR_OUTCOME_COUNT
};

struct rows_table {
    bool named;                      /* a row has a name: a tensor's */
    uint32_t naturals, naturals_max; /* columns; beyond the first number: indices of samples */
    uint32_t reals;
    enum { ROWS_ONE, ROWS_A_CLASS, ROWS_A_TRIGGER, ROWS_ANY } rows; /* how many: ROWS_ANY up to ROWS_ANY_MAX */
};

/* The tables of a check; their number is 0 for one without. */
uint32_t rows_tables(enum plan_check_id id, const struct rows_table **ret_tables);

/* Rows that a table must have; UINT64_MAX for ROWS_ANY. */
uint64_t rows_expected(const struct rows_table *table, const struct plan *plan, uint32_t classes);

#endif
