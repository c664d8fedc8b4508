/* SPDX-License-Identifier: Apache-2.0 */
/* What the lowering of operators that move elements shares. Internal to the importer. */
#ifndef LAZARET_GUEST_MODEL_LOWER_MOVE_H
#define LAZARET_GUEST_MODEL_LOWER_MOVE_H

#include "guest/model/lower.h"

struct move { /* a node that moves elements, and how to fold it */
    enum graph_op op;
    uint32_t input;
    struct lower_value x;
    struct graph_attributes attributes;
    uint32_t rank;
    uint64_t dims[GRAPH_RANK_MAX];
};

/* Input 0, of any type; the result's shape starts as the input's. */
MUST_USE int move_take(struct lower *lower, struct move *move);
/* The node, for a computed value or a constant too large to fold; it has its input's type. */
MUST_USE int move_emit(struct lower *lower, const struct move *move);
/* The node, or its result where it is a strided copy of a constant: result[i] = x[base + sum of index·stride]. */
MUST_USE int move_strided(struct lower *lower, const struct move *move, const int64_t *strides, int64_t base);
/* The same for a GRAPH_GATHER with its attributes set. */
MUST_USE int move_gather(struct lower *lower, const struct move *move);
/* lower_before.c: the transposition that made a value and took axis 0 from its place, or NULL. */
const struct graph_node *move_transposed(const struct lower *lower, uint32_t value);
/* A Slice or Gather of what that node made, taken before it. */
MUST_USE int move_before_transpose(struct lower *lower, const struct move *move, const struct graph_node *node);
/* A reshape that only drops axes of 1 of such a value, done before it; says whether it was one. */
MUST_USE int move_drop_before(struct lower *lower, uint32_t value, uint32_t rank, const uint64_t *dims,
                              bool *ret_dropped, uint32_t *ret_value);
/* Values of one type, which differ along the axis alone, put together; count is at least 1. */
MUST_USE int move_concat(struct lower *lower, const uint32_t *parts, uint32_t count, uint32_t axis);
/* A constant with the result's shape, whose elements are in `room`. */
MUST_USE int move_fold_end(struct lower *lower, const struct move *move, void *room);

/* A constant's elements, and room for those of the result; NULL room where it is computed or too much to fold. */
MUST_USE int move_fold_start(struct lower *lower, const struct move *move, size_t *ret_size, const void **ret_from,
                             void **ret_room);

#endif
