/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What asks for the largest elements along axes: ReduceMax, ArgMax, Hardmax and TopK.
 *
 * A NaN counts as larger than any number, so that it can't hide. Of equal elements the first comes first (for
 * ArgMax the last, where that is asked for); it alone gets the gradient. Positions have none.
 */
#include "guest/engine/ops.h"

#include <string.h>

struct extreme_run {
    const struct op_axes *axes;
    const struct graph_attributes *attributes;
    enum graph_op op;
    const float *x, *dy;
    float *out;
};

static int plan_size(struct op_node *op, size_t per_line, struct error *err)
{
    struct op_axes *axes = op_allocate_state(op, sizeof(*axes));
    int ret;

    if (axes == NULL)
        return op_no_memory(op, err);
    ret = op_take_axes(op, axes, err);
    if (ret < 0)
        return ret;
    if (op->node->op == GRAPH_HARDMAX)
        per_line = axes->length;
    if (per_line > axes->length || axes->outer * per_line * axes->inner != op_output(op)->elements)
        return op_refuse(op, err, "the output's size is wrong");
    if (axes->length > (size_t)1 << 24)
        return op_refuse(op, err, "more than 2^24 elements are compared");
    return 0;
}

static int plan_one(struct op_node *op, struct error *err)
{
    return plan_size(op, 1, err);
}

static int plan_top_k(struct op_node *op, struct error *err)
{
    return plan_size(op, op->node->attributes.kept, err);
}

static bool larger(float a, float b)
{
    return a > b || (a != a && b == b);
}

static size_t find_largest(const float *x, size_t length, size_t step, bool last)
{
    size_t best = 0;

    for (size_t i = 1; i < length; i++)
        if (larger(x[i * step], x[best * step]) || (last && !larger(x[best * step], x[i * step])))
            best = i;
    return best;
}

/* The element that follows `before` in falling order, the first of equal ones first; length: none before. */
static size_t find_next(const float *x, size_t length, size_t step, size_t before)
{
    size_t best = length;

    for (size_t i = 0; i < length; i++) {
        float value = x[i * step];

        if (before < length && (larger(value, x[before * step]) ||
                                (!larger(x[before * step], value) && i <= before)))
            continue; /* it came already */
        if (best == length || larger(value, x[best * step]))
            best = i;
    }
    return best;
}

static void forward_line(const struct extreme_run *r, const float *x, float *y)
{
    size_t length = r->axes->length, step = r->axes->inner, at;

    if (r->op == GRAPH_TOP_K) {
        at = length;
        for (size_t k = 0; k < r->attributes->kept; k++) {
            at = find_next(x, length, step, at);
            y[k * step] = r->attributes->gives_positions ? (float)at : x[at * step];
        }
        return;
    }
    at = find_largest(x, length, step, r->attributes->last_first);
    if (r->op == GRAPH_REDUCE_MAX)
        *y = x[at * step];
    else if (r->op == GRAPH_ARG_MAX)
        *y = (float)at;
    else
        for (size_t i = 0; i < length; i++)
            y[i * step] = i == at ? 1.0f : 0.0f;
}

static void backward_line(const struct extreme_run *r, const float *x, const float *dy, float *dx)
{
    size_t length = r->axes->length, step = r->axes->inner, at = length;

    if (r->op == GRAPH_REDUCE_MAX)
        dx[find_largest(x, length, step, false) * step] = *dy;
    for (size_t k = 0; r->op == GRAPH_TOP_K && k < r->attributes->kept; k++) {
        at = find_next(x, length, step, at);
        dx[at * step] = dy[k * step];
    }
}

static size_t per_line(const struct extreme_run *r)
{
    return r->op == GRAPH_TOP_K ? r->attributes->kept : r->op == GRAPH_HARDMAX ? r->axes->length : 1;
}

/* Positions [first, last) of the outer axes. */
static void work(void *argument, size_t first, size_t last)
{
    const struct extreme_run *r = argument;
    size_t inner = r->axes->inner, in = r->axes->length * inner, out = per_line(r) * inner;

    for (size_t i = first; i < last; i++)
        for (size_t k = 0; k < inner; k++) {
            if (r->dy == NULL)
                forward_line(r, r->x + i * in + k, r->out + i * out + k);
            else
                backward_line(r, r->x + i * in + k, r->dy + i * out + k, r->out + i * in + k);
        }
}

static int forward(const struct op_run *run)
{
    struct extreme_run r = {.axes = run->op->state,
                            .attributes = &run->op->node->attributes,
                            .op = run->op->node->op,
                            .x = run->inputs[0],
                            .out = run->output};

    op_parallel(run->op, op_part(run, r.axes->outer), r.axes->length * r.axes->inner, work, &r);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct extreme_run r = {.axes = run->op->state,
                            .attributes = &run->op->node->attributes,
                            .op = run->op->node->op,
                            .x = run->inputs[0],
                            .dy = dy,
                            .out = ret_dx};

    (void)input;
    memset(ret_dx, 0, op_part(run, op_input(run->op, 0)->elements) * sizeof(float));
    if (!r.attributes->gives_positions)
        op_parallel(run->op, op_part(run, r.axes->outer), r.axes->length * r.axes->inner, work, &r);
    return 0;
}

static int backward_nothing(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    (void)dy;
    memset(ret_dx, 0, op_part(run, op_input(run->op, 0)->elements) * sizeof(float));
    return 0;
}

const struct op op_reduce_max = {
    .needs = {OP_NEEDS_SELF, 0}, .plan = plan_one, .forward = forward, .backward = backward};
const struct op op_top_k = {
    .needs = {OP_NEEDS_SELF, 0}, .plan = plan_top_k, .forward = forward, .backward = backward};
const struct op op_arg_max = {.plan = plan_one, .forward = forward, .backward = backward_nothing};
const struct op op_hardmax = {.plan = plan_one, .forward = forward, .backward = backward_nothing};
