/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a graph as a whole: that it is well formed, and that its samples don't meet. */
#ifndef LAZARET_GUEST_ENGINE_SAMPLES_H
#define LAZARET_GUEST_ENGINE_SAMPLES_H

#include "base/error.h"
#include "guest/model/graph.h"

/*
 * ERROR_BAD_INPUT, -EINVAL where indices, ranks or element counts are wrong, a value is used before it
 * is computed or computed twice, or the logits don't depend on the input.
 */
MUST_USE int samples_check_graph(const struct graph *graph, struct error *err);

/*
 * Whether it is certain that sample b is the b-th of `batch` equal blocks of every computed value and
 * depends on nothing but the b-th input: then a batch changes no bit, and the first n blocks can be
 * computed alone. A graph for one input always is so. False where it can't be shown.
 */
bool samples_are_independent(const struct graph *graph);

/* Marks the values that depend on the input: `ret_depends` has value_count entries. */
void samples_mark_dependent(const struct graph *graph, bool *ret_depends);

#endif
