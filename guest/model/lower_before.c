/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of a transposed value taken before the transposition.
 *
 * Attention is often written with the axis of query, key and value brought in front of the batch, and then picked
 * from. Picked first, less is moved, and the batch stays in front all the way, which is how the engine knows that
 * samples are independent.
 */
#include "guest/model/lower_move.h"

#include <string.h>

static const struct graph_node *transposition(const struct lower *lower, uint32_t value)
{
    uint32_t producer = lower->values[value].producer;

    return producer == GRAPH_NONE || lower->nodes[producer].op != GRAPH_TRANSPOSE ? NULL : &lower->nodes[producer];
}

const struct graph_node *move_transposed(const struct lower *lower, uint32_t value)
{
    const struct graph_node *node = transposition(lower, value);

    /* Of two transpositions in a row the first is left alone: no chain of them is walked. */
    if (node == NULL || node->attributes.permutation[0] == 0 || transposition(lower, node->inputs[0]) != NULL)
        return NULL;
    return node;
}

/* The transposition of `x`, which keeps its type. */
static int transpose(struct lower *lower, uint32_t x, const uint32_t *permutation, uint32_t rank)
{
    struct lower_value record = lower->values[x];
    struct move move = {.op = GRAPH_TRANSPOSE, .input = x, .x = record, .rank = rank};

    for (uint32_t i = 0; i < rank; i++) {
        move.attributes.permutation[i] = permutation[i];
        move.dims[i] = record.dims[permutation[i]];
    }
    return move_emit(lower, &move);
}

int move_before_transpose(struct lower *lower, const struct move *move, const struct graph_node *node)
{
    const struct graph_attributes outer = node->attributes; /* a copy: nodes move as more are made */
    struct move inner = *move;
    uint32_t rank = move->x.rank;
    int r;

    inner.input = node->inputs[0];
    inner.x = lower->values[inner.input];
    inner.rank = rank;
    memcpy(inner.dims, inner.x.dims, sizeof inner.dims);
    if (move->op == GRAPH_GATHER) {
        inner.attributes.axis = outer.permutation[move->attributes.axis];
        inner.dims[inner.attributes.axis] = move->attributes.index_count;
    }
    for (uint32_t i = 0; move->op == GRAPH_SLICE && i < rank; i++) {
        inner.attributes.start[outer.permutation[i]] = move->attributes.start[i];
        inner.attributes.step[outer.permutation[i]] = move->attributes.step[i];
        inner.dims[outer.permutation[i]] = move->dims[i];
    }
    r = move_emit(lower, &inner);
    if (r == 0)
        r = transpose(lower, lower->result, outer.permutation, rank);
    return r < 0 ? r : lower_reshape(lower, lower->result, move->rank, move->dims, &lower->result);
}

int move_drop_before(struct lower *lower, uint32_t value, uint32_t rank, const uint64_t *dims, bool *ret_dropped,
                     uint32_t *ret_value)
{
    const struct graph_node *node = move_transposed(lower, value);
    struct lower_value whole = lower->values[value], from;
    bool stays[GRAPH_RANK_MAX] = {false}; /* axes of the transposed value's own input */
    uint32_t permutation[GRAPH_RANK_MAX], place[GRAPH_RANK_MAX], kept = 0, count = 0, input;
    uint64_t shape[GRAPH_RANK_MAX];
    int r;

    *ret_dropped = false;
    if (node == NULL || rank >= whole.rank)
        return 0;
    for (uint32_t i = 0; i < whole.rank; i++) {
        bool fits = count < rank && whole.dims[i] == dims[count];

        /* An axis of 1 goes where what is left would not fit otherwise. */
        if (whole.dims[i] == 1 && (!fits || whole.rank - i > rank - count))
            continue;
        if (!fits)
            return 0;
        stays[node->attributes.permutation[i]] = true;
        permutation[count++] = node->attributes.permutation[i];
    }
    if (count != rank)
        return 0;
    input = node->inputs[0];
    from = lower->values[input];
    for (uint32_t i = 0; i < from.rank; i++) {
        place[i] = kept;
        if (stays[i])
            shape[kept++] = from.dims[i];
    }
    for (uint32_t i = 0; i < rank; i++)
        permutation[i] = place[permutation[i]];
    r = lower_reshape(lower, input, rank, shape, &input);
    if (r == 0)
        r = transpose(lower, input, permutation, rank);
    *ret_dropped = r == 0;
    *ret_value = lower->result;
    return r;
}
