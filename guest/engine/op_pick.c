/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pick: the input and the output fall into as many equal blocks; element i of a block of the output is element
 * indices[i] of the same block of the input, or a fill.
 *
 * The gradient of an input element is 0 plus those of the outputs that read it, in the output's order.
 */
#include "guest/engine/ops.h"

#include <string.h>

struct pick_state {
    size_t blocks, in, out; /* elements of a block */
};

struct pick_run {
    const struct pick_state *state;
    const struct graph_attributes *attributes;
    const float *from;
    float *to;
    bool backward;
};

static int plan(struct op_node *op, struct error *err)
{
    const struct graph_attributes *attributes = &op->node->attributes;
    const struct graph_value *x = op_input(op, 0), *y = op_output(op);
    struct pick_state *state = op_allocate_state(op, sizeof(*state));

    if (state == NULL)
        return op_no_memory(op, err);
    if (op->node->input_count != 1 || x == NULL)
        return op_refuse(op, err, "must have one input");
    if (attributes->index_count == 0 || attributes->indices == NULL || y->elements % attributes->index_count != 0)
        return op_refuse(op, err, "its output does not fall into blocks");
    state->out = attributes->index_count;
    state->blocks = y->elements / state->out;
    if (x->elements % state->blocks != 0)
        return op_refuse(op, err, "its input does not fall into as many blocks as its output");
    state->in = x->elements / state->blocks;
    for (size_t i = 0; i < state->out; i++)
        if (attributes->indices[i] < -1 || (attributes->indices[i] >= 0 && (size_t)attributes->indices[i] >= state->in))
            return op_refuse(op, err, "an index is outside its block");
    return 0;
}

static void work(void *argument, size_t first, size_t last)
{
    const struct pick_run *r = argument;
    const struct pick_state *state = r->state;
    const int64_t *indices = r->attributes->indices;

    for (size_t block = first; block < last; block++) {
        const float *from = r->from + block * (r->backward ? state->out : state->in);
        float *to = r->to + block * (r->backward ? state->in : state->out);

        for (size_t i = 0; i < state->out; i++) {
            if (r->backward && indices[i] >= 0)
                to[indices[i]] += from[i];
            else if (!r->backward)
                to[i] = indices[i] < 0 ? r->attributes->pad_value : from[indices[i]];
        }
    }
}

static int forward(const struct op_run *run)
{
    struct pick_run r = {.state = run->op->state,
                         .attributes = &run->op->node->attributes,
                         .from = run->inputs[0],
                         .to = run->output};

    op_parallel(run->op, op_part(run, r.state->blocks), r.state->out, work, &r);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct pick_run r = {.state = run->op->state,
                         .attributes = &run->op->node->attributes,
                         .from = dy,
                         .to = ret_dx,
                         .backward = true};

    (void)input;
    memset(ret_dx, 0, op_part(run, op_input(run->op, 0)->elements) * sizeof(float));
    op_parallel(run->op, op_part(run, r.state->blocks), r.state->out, work, &r);
    return 0;
}

const struct op op_pick = {.plan = plan, .forward = forward, .backward = backward};
