/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks through up to four tensors together in the row-major order of one shape, each by its own
 * strides; stride 0 is broadcasting. The innermost axis is left to the caller's loop.
 */
#ifndef LAZARET_GUEST_ENGINE_WALK_H
#define LAZARET_GUEST_ENGINE_WALK_H

#include "guest/model/graph.h"

#define WALK_TENSORS 4u

struct walk {
    uint32_t rank; /* at least 1 */
    size_t dims[GRAPH_RANK_MAX];
    size_t stride[WALK_TENSORS][GRAPH_RANK_MAX]; /* in elements */
};

/* One row: where it starts in each tensor. */
struct walk_row {
    size_t index[GRAPH_RANK_MAX];
    size_t offset[WALK_TENSORS];
};

/* A walk of value's shape with no tensor in it yet (all strides 0). */
struct walk walk_over(const struct graph_value *shape);

/* Tensor `t` as numpy broadcasts it to the walk's shape; false where it does not fit. */
bool walk_broadcast(struct walk *walk, uint32_t t, const struct graph_value *value);

/* Takes adjacent axes as one wherever every tensor allows it. */
void walk_collapse(struct walk *walk);

/* Rows of the first `outermost` positions of axis 0; with rank 1 that is one row. */
size_t walk_rows(const struct walk *walk, size_t outermost);

void walk_start(const struct walk *walk, size_t row, struct walk_row *ret_row);
void walk_next(const struct walk *walk, struct walk_row *row);

#endif
