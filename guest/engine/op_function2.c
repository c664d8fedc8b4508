/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of two numbers with numpy's broadcasting (function.h).
 *
 * The gradient of an input that was broadcast is 0 plus the terms of the outputs that read it, in those
 * outputs' row-major order. A term is 0 where the derivative is, whatever dy.
 */
#include "guest/engine/broadcast.h"

#include <string.h>

struct function2_run {
    const struct op_node *op;
    const float *a, *b, *dy;
    float *out; /* y, or the gradient of input `input` */
    uint32_t input;
};

static int plan(struct op_node *op, struct error *err)
{
    if ((unsigned)op->node->attributes.function2 >= FUNCTION2_COUNT)
        return op_refuse(op, err, "its function is not known");
    return broadcast_plan(op, err);
}

static void row_work(const struct function2_run *r, size_t at_a, size_t at_b, size_t at_y, size_t count)
{
    const struct broadcast *state = r->op->state;
    enum function2 function = r->op->node->attributes.function2;
    uint32_t last = state->walk.rank - 1;
    size_t step_a = state->walk.stride[0][last], step_b = state->walk.stride[1][last];
    size_t step = state->walk.stride[r->input][last];
    float *out = r->out + (r->dy == NULL ? at_y : r->input == 0 ? at_a : at_b);

    for (size_t i = 0; i < count; i++) {
        float a = r->a[at_a + i * step_a], b = r->b[at_b + i * step_b], slope;

        if (r->dy == NULL) {
            out[i] = function2_value(function, a, b);
            continue;
        }
        slope = function2_slope(function, r->input, a, b);
        slope = slope == 0.0f ? 0.0f : r->dy[at_y + i] * slope;
        out[i * step] = state->repeated[r->input] ? out[i * step] + slope : slope;
    }
}

static void work(void *argument, size_t first, size_t last)
{
    const struct function2_run *r = argument;
    const struct walk *walk = &((const struct broadcast *)r->op->state)->walk;
    struct walk_row row;

    if (walk->rank == 1) {
        row_work(r, first * walk->stride[0][0], first * walk->stride[1][0], first, last - first);
        return;
    }
    walk_start(walk, first, &row);
    for (size_t i = first; i < last; i++, walk_next(walk, &row))
        row_work(r, row.offset[0], row.offset[1], row.offset[2], walk->dims[walk->rank - 1]);
}

static void run_all(const struct op_run *run, struct function2_run *r, bool parallel)
{
    const struct walk *walk = &((const struct broadcast *)run->op->state)->walk;
    size_t outermost = op_part(run, walk->dims[0]);
    size_t count = walk->rank == 1 ? outermost : walk_rows(walk, outermost);
    size_t cost = walk->rank == 1 ? 8 : 8 * walk->dims[walk->rank - 1];

    if (parallel)
        op_parallel(run->op, count, cost, work, r);
    else
        work(r, 0, count);
}

static int forward(const struct op_run *run)
{
    struct function2_run r = {.op = run->op, .a = run->inputs[0], .b = run->inputs[1], .out = run->output};

    run_all(run, &r, true);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    const struct broadcast *state = run->op->state;
    struct function2_run r = {
        .op = run->op, .a = run->inputs[0], .b = run->inputs[1], .dy = dy, .out = ret_dx, .input = input};

    if (state->repeated[input])
        memset(ret_dx, 0, op_part(run, op_input(run->op, input)->elements) * sizeof(float));
    run_all(run, &r, !state->repeated[input]);
    return 0;
}

const struct op op_function2 = {.needs = {OP_NEEDS_SELF | OP_NEEDS_OTHERS, OP_NEEDS_SELF | OP_NEEDS_OTHERS},
                                .plan = plan,
                                .forward = forward,
                                .backward = backward};
