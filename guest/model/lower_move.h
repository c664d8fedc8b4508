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
/* The node, for a computed value or a constant too large to fold. */
MUST_USE int move_emit(struct lower *lower, const struct move *move);
/* A constant with the result's shape, whose elements are in `room`. */
MUST_USE int move_fold_end(struct lower *lower, const struct move *move, void *room);

#endif
