/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of each kind of check as JSON, for evaluation.c alone. */
#ifndef LAZARET_HOST_SCORE_FIGURES_H
#define LAZARET_HOST_SCORE_FIGURES_H

#include "host/score/evaluation.h"

/* Adds a check's own fields to the object `check_json`. Errors as evaluation_build()'s. */
typedef int figures_add(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                        struct error *err);

figures_add figures_add_clean_accuracy, figures_add_attack, figures_add_clustering;

/* Sets a new value (reference taken); counts a missing one as a failure. */
static inline void figures_set(json_t *object, const char *key, json_t *value, int *failures)
{
    *failures += json_object_set_new(object, key, value) != 0;
}

/* A ratio as a decimal string, null where the whole is 0. */
json_t *figures_new_ratio(uint64_t part, uint64_t whole);

/* [low, high] of Wilson's 95% interval. */
json_t *figures_new_interval(uint64_t part, uint64_t whole);

MUST_USE int figures_no_memory(struct error *err);

#endif
