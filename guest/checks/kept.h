/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the searches for triggers keep in memory: test samples, the user's triggers, and how a sample
 * lies as an image.
 */
#ifndef LAZARET_GUEST_CHECKS_KEPT_H
#define LAZARET_GUEST_CHECKS_KEPT_H

#include "guest/checks/check.h"

/* --- a sample as an image -------------------------------------------------------------------- */

#define KEPT_SIDE_MAX     65535u
#define KEPT_CHANNELS_FEW 4u

/* Element (channel, row, col) is x[channel·channel_step + row·row_step + col·col_step]. */
struct kept_shape {
    uint32_t channels, height, width;
    size_t channel_step, row_step, col_step;
};

/*
 * How the contract's samples are images: H×W of one channel; C×H×W; or H×W×C where the first axis is longer than
 * KEPT_CHANNELS_FEW and the last is not. False for samples of another rank, and for sides beyond KEPT_SIDE_MAX.
 */
bool kept_shape_of(const struct plan_contract *contract, struct kept_shape *ret_shape);

/* Why a search can't work on this plan's inputs, as a string that lasts; NULL where it can. */
const char *kept_unfit(const struct check_context *context, struct kept_shape *ret_shape);

/* --- test samples ------------------------------------------------------------------------------ */

/*
 * `count` samples spread evenly over the test set, so that a set sorted by class is well represented: the k-th kept
 * one is sample floor(k·total/count).
 */
struct kept {
    uint32_t count, taken;
    uint64_t total; /* samples of the test set */
    size_t size;    /* floats of one */
    float *x;       /* count × size */
};

/* At most `wanted` samples. ERROR_UNAVAILABLE, -ENOMEM where they don't fit in the check's memory. */
MUST_USE int kept_open(struct kept *kept, const struct check_context *context, uint32_t wanted, struct error *err);
void kept_close(struct kept *kept);

/* Takes what is to be kept of one window; windows come in order. */
void kept_take(struct kept *kept, const struct check_window *window);

/*
 * An order of the samples that takes their classes in turn: the first sample of each, by number, then the second of
 * each, … so that few stand for all. -ENOMEM.
 */
MUST_USE int kept_order(const int32_t *classes, uint32_t count, uint32_t class_count, uint32_t *ret_order);

/* --- the user's triggers ------------------------------------------------------------------------- */

struct kept_triggers {
    uint32_t count;
    size_t size;
    float *values; /* count × (pattern, mask) × size */
};

MUST_USE int kept_triggers_open(struct kept_triggers *triggers, const struct check_context *context, struct error *err);
void kept_triggers_close(struct kept_triggers *triggers);
void kept_triggers_take(struct kept_triggers *triggers, const struct check_window *window);

/* ret_x = x·(1 − mask) + pattern·mask, each operation rounded to f32. */
void kept_triggers_apply(const struct kept_triggers *triggers, uint32_t trigger, const float *x, float *ret_x);

#endif
