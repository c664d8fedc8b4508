/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Add, Sub, Mul and Div with numpy's broadcasting.
 *
 * The gradient of an input that was broadcast is 0 plus the terms of the outputs that read it, in
 * those outputs' row-major order.
 */
#include "guest/engine/broadcast.h"

#include <errno.h>
#include <string.h>

struct binary_run {
    const struct op_node *op;
    const struct broadcast *state;
    const float *a, *b, *dy;
    float *out; /* y, or the gradient of input `input` */
    uint32_t input;
    size_t outermost; /* positions of axis 0 in this run */
    bool relu;
};

/* Inlined with constant steps, so that these loops are vectorised. */
static inline __attribute__((always_inline)) void forward_loop(enum graph_op op, const float *a, size_t step_a,
                                                               const float *b, size_t step_b, float *y, size_t count)
{
    switch (op) {
    case GRAPH_ADD:
        for (size_t i = 0; i < count; i++)
            y[i] = a[i * step_a] + b[i * step_b];
        break;
    case GRAPH_SUB:
        for (size_t i = 0; i < count; i++)
            y[i] = a[i * step_a] - b[i * step_b];
        break;
    case GRAPH_MUL:
        for (size_t i = 0; i < count; i++)
            y[i] = a[i * step_a] * b[i * step_b];
        break;
    default:
        for (size_t i = 0; i < count; i++)
            y[i] = a[i * step_a] / b[i * step_b];
        break;
    }
}

/* One row of y = a ? b; steps are 0 or 1, or the stride of a sole broadcast axis. */
static void forward_row(enum graph_op op, const float *a, size_t step_a, const float *b, size_t step_b, float *y,
                        size_t count)
{
    if (step_a == 1 && step_b == 1)
        forward_loop(op, a, 1, b, 1, y, count);
    else if (step_a == 1 && step_b == 0)
        forward_loop(op, a, 1, b, 0, y, count);
    else
        forward_loop(op, a, step_a, b, step_b, y, count);
}

/* The term of one output in the gradient of input `input`. */
static inline float gradient_term(enum graph_op op, uint32_t input, const float *a, const float *b, float dy)
{
    switch (op) {
    case GRAPH_ADD:
        return dy;
    case GRAPH_SUB:
        return input == 0 ? dy : -dy;
    case GRAPH_MUL:
        return input == 0 ? dy * *b : dy * *a;
    default:
        return input == 0 ? dy / *b : -dy * ((*a / *b) / *b);
    }
}

static inline void backward_loop(enum graph_op op, uint32_t input, const float *a, size_t step_a, const float *b,
                                 size_t step_b, const float *dy, float *dx, size_t step_out, bool add, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float term =
            gradient_term(op, input, a == NULL ? NULL : a + i * step_a, b == NULL ? NULL : b + i * step_b, dy[i]);

        dx[i * step_out] = add ? dx[i * step_out] + term : term;
    }
}

static void multiply_row(const float *dy, const float *other, size_t step, float *dx, size_t count)
{
    float factor = *other;

    if (step == 1)
        for (size_t i = 0; i < count; i++)
            dx[i] = dy[i] * other[i];
    else
        for (size_t i = 0; i < count; i++)
            dx[i] = dy[i] * factor;
}

/* One row of the gradient, added where the input is repeated; a or b may be NULL where not read. */
static void backward_row(const struct binary_run *r, size_t offset_a, size_t offset_b, size_t offset_y, size_t count)
{
    const struct walk *walk = &r->state->walk;
    enum graph_op op = r->op->node->op;
    size_t step_a = r->a == NULL ? 0 : walk->stride[0][walk->rank - 1];
    size_t step_b = r->b == NULL ? 0 : walk->stride[1][walk->rank - 1];
    size_t step_out = walk->stride[r->input][walk->rank - 1];
    const float *a = r->a == NULL ? NULL : r->a + offset_a;
    const float *b = r->b == NULL ? NULL : r->b + offset_b;
    const float *dy = r->dy + offset_y;
    float *dx = r->out + (r->input == 0 ? offset_a : offset_b);

    if (r->state->repeated[r->input])
        backward_loop(op, r->input, a, step_a, b, step_b, dy, dx, step_out, true, count);
    else if (op == GRAPH_ADD && step_out == 1 && dx == dy)
        return; /* in place */
    else if (op == GRAPH_ADD && step_out == 1)
        memcpy(dx, dy, count * sizeof(float));
    else if (op == GRAPH_MUL && step_out == 1 && r->input == 0 && step_b <= 1)
        multiply_row(dy, b, step_b, dx, count);
    else if (op == GRAPH_MUL && step_out == 1 && r->input == 1 && step_a <= 1)
        multiply_row(dy, a, step_a, dx, count);
    else
        backward_loop(op, r->input, a, step_a, b, step_b, dy, dx, step_out, false, count);
}

#define RELU_BLOCK ((size_t)4096) /* elements that are still in the cache when they are read again */

/* Block by block, the sum and its positive part. */
static void relu_row(const struct binary_run *r, const float *a, const float *b, float *y, size_t count)
{
    const struct walk *walk = &r->state->walk;
    size_t step_a = walk->stride[0][walk->rank - 1], step_b = walk->stride[1][walk->rank - 1];

    for (size_t done = 0; done < count; done += RELU_BLOCK) {
        size_t some = count - done < RELU_BLOCK ? count - done : RELU_BLOCK;
        float *block = y + done;

        forward_row(r->op->node->op, a + done * step_a, step_a, b + done * step_b, step_b, block, some);
        for (size_t i = 0; i < some; i++)
            block[i] = block[i] <= 0.0f ? 0.0f : block[i];
    }
}

static void row_work(const struct binary_run *r, size_t offset_a, size_t offset_b, size_t offset_y, size_t count)
{
    const struct walk *walk = &r->state->walk;

    if (r->relu)
        relu_row(r, r->a + offset_a, r->b + offset_b, r->out + offset_y, count);
    else if (r->dy == NULL)
        forward_row(r->op->node->op, r->a + offset_a, walk->stride[0][walk->rank - 1], r->b + offset_b,
                    walk->stride[1][walk->rank - 1], r->out + offset_y, count);
    else
        backward_row(r, offset_a, offset_b, offset_y, count);
}

/* Rows [first, last); of a walk with one axis, its positions [first, last). */
static void work(void *argument, size_t first, size_t last)
{
    const struct binary_run *r = argument;
    const struct walk *walk = &r->state->walk;
    struct walk_row row;

    if (walk->rank == 1) {
        row_work(r, first * walk->stride[0][0], first * walk->stride[1][0], first, last - first);
        return;
    }
    walk_start(walk, first, &row);
    for (size_t i = first; i < last; i++, walk_next(walk, &row))
        row_work(r, row.offset[0], row.offset[1], row.offset[2], walk->dims[walk->rank - 1]);
}

static void run_all(struct binary_run *r, bool parallel)
{
    const struct walk *walk = &r->state->walk;
    size_t count = walk->rank == 1 ? r->outermost : walk_rows(walk, r->outermost);
    size_t cost = walk->rank == 1 ? 1 : walk->dims[walk->rank - 1];

    if (parallel)
        op_parallel(r->op, count, cost, work, r);
    else
        work(r, 0, count);
}

static int forward(const struct op_run *run)
{
    const struct broadcast *state = run->op->state;
    struct binary_run r = {.op = run->op,
                           .state = state,
                           .a = run->inputs[0],
                           .b = run->inputs[1],
                           .out = run->output,
                           .relu = run->finish.relu,
                           .outermost = op_part(run, state->walk.dims[0])};

    run_all(&r, true);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    const struct broadcast *state = run->op->state;
    struct binary_run r = {.op = run->op,
                           .state = state,
                           .a = run->inputs[0],
                           .b = run->inputs[1],
                           .dy = dy,
                           .out = ret_dx,
                           .input = input,
                           .outermost = op_part(run, state->walk.dims[0])};

    if (state->repeated[input])
        memset(ret_dx, 0, op_part(run, op_input(run->op, input)->elements) * sizeof(float));
    run_all(&r, !state->repeated[input]);
    return 0;
}

const struct op op_add = {.finishes = OP_FINISHES_RELU,
                          .in_place = true,
                          .in_place_backward = true,
                          .plan = broadcast_plan,
                          .forward = forward,
                          .backward = backward};
const struct op op_sub = {
    .in_place = true, .in_place_backward = true, .plan = broadcast_plan, .forward = forward, .backward = backward};
const struct op op_mul = {.needs = {OP_NEEDS_OTHERS, OP_NEEDS_OTHERS},
                          .in_place = true,
                          .in_place_backward = true,
                          .plan = broadcast_plan,
                          .forward = forward,
                          .backward = backward};
const struct op op_div = {.needs = {OP_NEEDS_OTHERS, OP_NEEDS_SELF | OP_NEEDS_OTHERS},
                          .in_place = true,
                          .in_place_backward = true,
                          .plan = broadcast_plan,
                          .forward = forward,
                          .backward = backward};
