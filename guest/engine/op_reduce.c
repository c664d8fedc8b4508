/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReduceSum: 0 plus the reduced elements in the input's row-major order; ReduceMean: divided by their number.
 * Backward: dy, divided by that number, everywhere.
 */
#include "guest/engine/op_states.h"
#include "guest/engine/ops.h"
#include "guest/engine/walk.h"

#include <errno.h>
#include <string.h>

struct reduce_run {
    const struct reduce_state *state;
    const float *in;
    float *out;
    bool backward;
};

static int plan(struct op_node *op, struct error *err)
{
    const struct graph_value *x = op_input(op, 0);
    struct reduce_state *state = op_allocate_state(op, sizeof(*state));
    struct graph_value kept;
    size_t elements = 1;

    if (state == NULL)
        return op_no_memory(op, err);
    if (op->node->input_count != 1 || x == NULL)
        return op_refuse(op, err, "must have one input");
    kept = *x;
    for (uint32_t axis = 0; axis < x->rank; axis++) {
        if (op->node->attributes.reduce[axis])
            kept.dims[axis] = 1;
        elements *= kept.dims[axis];
    }
    if (elements != op_output(op)->elements)
        return op_refuse(op, err, "the output's size is not that of the axes that stay");
    state->divisor = op->node->op == GRAPH_REDUCE_SUM ? 1.0f : (float)(x->elements / elements);
    state->walk = walk_over(x);
    if (!walk_broadcast(&state->walk, 0, &kept) || !walk_broadcast(&state->walk, 1, x))
        return op_refuse(op, err, "the input's shape is wrong");
    walk_collapse(&state->walk);
    state->parallel = state->walk.rank > 1 && state->walk.stride[0][0] != 0;
    return 0;
}

static void row_work(const struct reduce_run *r, size_t out_offset, size_t in_offset, size_t count)
{
    const struct walk *walk = &r->state->walk;
    size_t step = walk->stride[0][walk->rank - 1];
    float divisor = r->state->divisor;
    const float *in = r->in + (r->backward ? out_offset : in_offset);
    float *out = r->out + (r->backward ? in_offset : out_offset);

    if (r->backward) {
        for (size_t i = 0; i < count; i++)
            out[i] = in[i * step] / divisor;
    } else if (step == 0) {
        float sum = *out;

        for (size_t i = 0; i < count; i++)
            sum += in[i];
        *out = sum;
    } else {
        for (size_t i = 0; i < count; i++)
            out[i * step] += in[i];
    }
}

/* Positions [first, last) of axis 0. */
static void work(void *argument, size_t first, size_t last)
{
    const struct reduce_run *r = argument;
    const struct walk *walk = &r->state->walk;
    struct walk_row row;
    size_t inner_rows;

    if (walk->rank == 1) {
        row_work(r, first * walk->stride[0][0], first, last - first);
        return;
    }
    inner_rows = walk_rows(walk, 1);
    walk_start(walk, first * inner_rows, &row);
    for (size_t i = first * inner_rows; i < last * inner_rows; i++, walk_next(walk, &row))
        row_work(r, row.offset[0], row.offset[1], walk->dims[walk->rank - 1]);
}

static void run_all(const struct op_run *run, struct reduce_run *r)
{
    const struct walk *walk = &r->state->walk;
    size_t outermost = op_part(run, walk->dims[0]);
    size_t cost = walk->rank == 1 ? 1 : walk_rows(walk, 1) * walk->dims[walk->rank - 1];

    if (r->state->parallel)
        op_parallel(run->op, outermost, cost, work, r);
    else
        work(r, 0, outermost);
}

static int forward(const struct op_run *run)
{
    struct reduce_run r = {.state = run->op->state, .in = run->inputs[0], .out = run->output};
    size_t count = op_part(run, op_output(run->op)->elements);

    memset(run->output, 0, count * sizeof(float));
    run_all(run, &r);
    for (size_t i = 0; i < count; i++)
        run->output[i] = run->output[i] / r.state->divisor;
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct reduce_run r = {.state = run->op->state, .in = dy, .out = ret_dx, .backward = true};

    (void)input;
    run_all(run, &r);
    return 0;
}

const struct op op_reduce_mean = {.plan = plan, .forward = forward, .backward = backward};
const struct op op_reduce_sum = {.plan = plan, .forward = forward, .backward = backward};
