/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of each kind of check as JSON, for evaluation.c alone. */
#ifndef LAZARET_HOST_SCORE_FIGURES_H
#define LAZARET_HOST_SCORE_FIGURES_H

#include "host/score/evaluation.h"

/* Adds a check's own fields to the object `check_json`. Errors as evaluation_build()'s. */
typedef int figures_add(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                        struct error *err);

figures_add figures_add_scan, figures_add_clean_accuracy, figures_add_attack, figures_add_robustness,
    figures_add_clustering, figures_add_spectrum, figures_add_trigger_scan, figures_add_neural_cleanse,
    figures_add_strip, figures_add_drift;

/* Sets a new value (reference taken); counts a missing one as a failure. */
static inline void figures_set(json_t *object, const char *key, json_t *value, int *failures)
{
    *failures += json_object_set_new(object, key, value) != 0;
}

/* Appends a new value likewise. */
static inline void figures_append(json_t *array, json_t *value, int *failures)
{
    *failures += json_array_append_new(array, value) != 0;
}

/* The value, or with failures NULL, and the reference is dropped. */
json_t *figures_finish(json_t *value, int failures);

/* A count of at most 2^53. */
json_t *figures_new_count(uint64_t count);

/* A ratio as a decimal string, null where the whole is 0. */
json_t *figures_new_ratio(uint64_t part, uint64_t whole);

/* [low, high] of Wilson's 95% interval. */
json_t *figures_new_interval(uint64_t part, uint64_t whole);

/* Sets the ratio at `key` and Wilson's interval of it at `interval_key`. */
void figures_set_proportion(json_t *object, const char *key, const char *interval_key, uint64_t part, uint64_t whole,
                            int *failures);

MUST_USE int figures_no_memory(struct error *err);

/* A figure of the guest's that can't be: ERROR_GUEST, -EBADMSG. */
MUST_USE int figures_refuse(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The layer's name as the guest says it. */
MUST_USE int figures_set_layer(const struct evaluation_check *check, json_t *check_json, struct error *err);

/* A table of exactly `expected` rows, which the guest's message must have had; else as figures_refuse(). */
MUST_USE int figures_check_rows(const struct score_table *table, uint64_t expected, const char *what,
                                struct error *err);

/* A trigger's place: rows [row, row + height) and columns [col, col + width) of the input. */
struct figures_box {
    uint64_t row, col, height, width;
};
MUST_USE int figures_check_box(const struct evaluation_input *input, const struct figures_box *box, uint64_t target,
                               struct error *err);
void figures_set_box(json_t *object, const struct figures_box *box, int *failures);

/* How many of `count` values each class has, those of no class left out; the caller frees. NULL without memory. */
uint64_t *figures_count_classes(const int32_t *values, size_t count, uint32_t classes);

#endif
