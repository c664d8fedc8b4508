/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attack may do to each element of an input: PLAN_SET_FEATURES, and how an input is brought
 * back to what the elements can be.
 *
 * An integer element is rounded towards its clean value. The columns of a one-hot group change only
 * together: the clean group's largest column and the one that the attack made largest swap their
 * values, or none does. A swap needs both columns to be changeable, their ranges to hold the values,
 * and room in the ball: for norm inf in each column, else in what the elements outside groups and the
 * groups before it (by their number) have left.
 */
#ifndef LAZARET_GUEST_CHECKS_FEATURES_H
#define LAZARET_GUEST_CHECKS_FEATURES_H

#include "guest/checks/check.h"
#include "guest/checks/fgsm_step.h"

struct features {
    size_t size;       /* elements of an input */
    uint32_t taken;    /* of the PLAN_FEATURE_COUNT samples */
    float *values;     /* PLAN_FEATURE_COUNT × size; NULL where the plan has none */
    uint32_t *grouped; /* elements of one-hot groups, by group, then by place */
    size_t grouped_count;
    bool discrete; /* some element is an integer or in a group */
};

MUST_USE int features_open(struct features *features, const struct plan *plan, size_t size, struct error *err);
void features_close(struct features *features);

/* Takes a window of PLAN_SET_FEATURES. ERROR_BAD_INPUT, -EINVAL where a value makes no sense. */
MUST_USE int features_take(struct features *features, const struct check_window *window, struct error *err);

/* One sample of the set; NULL where the plan has none. */
const float *features_of(const struct features *features, enum plan_feature feature);

/* Fills in a step's ranges and, for norm inf, its scale. */
void features_fill_step(const struct features *features, struct fgsm_step *step);

/* Sets to 0 what belongs to elements that may not be changed. */
void features_mask(const struct features *features, float *values);

/*
 * Brings x, which lies in the ball of `step` around clean, back to what the elements can be. Columns
 * that are equally large are told apart by `lean` (larger is preferred; NULL: the first).
 */
void features_settle(const struct features *features, const struct fgsm_step *step, const float *clean,
                     const float *lean, float *x);

#endif
