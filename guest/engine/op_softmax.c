/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax and LogSoftmax over axes [axis, axis_end) taken as one.
 *
 * z = x − max; s = 0 plus exp(z) in ascending order; y = exp(z)/s, or z − log(s). Backward, with sums
 * likewise from 0 in ascending order: dx = (dy − Σ dy·y)·y, or dy − exp(y)·Σ dy.
 */
#include "guest/engine/ops.h"

#include <errno.h>

struct softmax_run {
    size_t length, inner; /* of the axis; of what lies inside it (its stride) */
    bool logarithm;
    const float *x, *y, *dy;
    float *out, *sums;
};

static int plan(struct op_node *op, struct error *err)
{
    const struct graph_attributes *attributes = &op->node->attributes;
    const struct graph_value *x = op_input(op, 0);

    if (op->node->input_count != 1 || x == NULL || x->elements != op_output(op)->elements ||
        attributes->axis >= attributes->axis_end || attributes->axis_end > x->rank)
        return op_refuse(op, err, "must have one input, an output of its size and an axis inside");
    if (op->node->op == GRAPH_LOG_SOFTMAX)
        op->scratch_forward = x->elements / op_span(x, attributes->axis, attributes->axis_end);
    return 0;
}

static struct softmax_run describe(const struct op_run *run)
{
    const struct graph_value *x = op_input(run->op, 0);
    const struct graph_attributes *attributes = &run->op->node->attributes;

    return (struct softmax_run){.length = op_span(x, attributes->axis, attributes->axis_end),
                                .inner = op_span(x, attributes->axis_end, x->rank),
                                .logarithm = run->op->node->op == GRAPH_LOG_SOFTMAX,
                                .x = run->inputs[0],
                                .y = run->output,
                                .out = run->output,
                                .sums = run->scratch};
}

/* Where line number `line` starts; its elements lie `inner` apart. */
static size_t line_start(const struct softmax_run *r, size_t line)
{
    return line / r->inner * r->length * r->inner + line % r->inner;
}

static void subtract_maximum(void *argument, size_t first, size_t last)
{
    const struct softmax_run r = *(const struct softmax_run *)argument;

    for (size_t line = first; line < last; line++) {
        const float *x = r.x + line_start(&r, line);
        float *out = r.out + line_start(&r, line);
        float maximum = x[0];

        for (size_t i = 1; i < r.length; i++)
            if (x[i * r.inner] > maximum)
                maximum = x[i * r.inner];
        for (size_t i = 0; i < r.length; i++)
            out[i * r.inner] = x[i * r.inner] - maximum;
    }
}

/* The sum of each line's exponentials; Softmax divides by it at once. */
static void sum_exponentials(void *argument, size_t first, size_t last)
{
    const struct softmax_run r = *(const struct softmax_run *)argument;

    for (size_t line = first; line < last; line++) {
        float *y = r.out + line_start(&r, line);
        float sum = 0.0f;

        for (size_t i = 0; i < r.length; i++)
            sum += y[i * r.inner];
        if (r.logarithm)
            r.sums[line] = sum;
        else
            for (size_t i = 0; i < r.length; i++)
                y[i * r.inner] = y[i * r.inner] / sum;
    }
}

static void subtract_logarithm(void *argument, size_t first, size_t last)
{
    const struct softmax_run r = *(const struct softmax_run *)argument;

    for (size_t line = first; line < last; line++)
        for (size_t i = 0; i < r.length; i++)
            r.out[line_start(&r, line) + i * r.inner] -= r.sums[line];
}

static int forward(const struct op_run *run)
{
    struct softmax_run r = describe(run);
    size_t count = op_part(run, op_output(run->op)->elements);
    size_t lines = count / r.length;

    op_parallel(run->op, lines, r.length, subtract_maximum, &r);
    kernel_exp(run->op->kernels, run->output, run->output, count);
    op_parallel(run->op, lines, r.length, sum_exponentials, &r);
    if (!r.logarithm)
        return 0;
    /* z again: the output held its exponentials in between. */
    op_parallel(run->op, lines, r.length, subtract_maximum, &r);
    kernel_log(run->op->kernels, r.sums, r.sums, lines);
    op_parallel(run->op, lines, r.length, subtract_logarithm, &r);
    return 0;
}

static void softmax_gradient(void *argument, size_t first, size_t last)
{
    const struct softmax_run r = *(const struct softmax_run *)argument;

    for (size_t line = first; line < last; line++) {
        size_t start = line_start(&r, line);
        float sum = 0.0f;

        for (size_t i = start; i < start + r.length * r.inner; i += r.inner)
            sum += r.dy[i] * r.y[i];
        for (size_t i = start; i < start + r.length * r.inner; i += r.inner)
            r.out[i] = (r.dy[i] - sum) * r.y[i];
    }
}

/* out holds exp(y) when this starts. */
static void log_softmax_gradient(void *argument, size_t first, size_t last)
{
    const struct softmax_run r = *(const struct softmax_run *)argument;

    for (size_t line = first; line < last; line++) {
        size_t start = line_start(&r, line);
        float sum = 0.0f;

        for (size_t i = start; i < start + r.length * r.inner; i += r.inner)
            sum += r.dy[i];
        for (size_t i = start; i < start + r.length * r.inner; i += r.inner)
            r.out[i] = r.dy[i] - r.out[i] * sum;
    }
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct softmax_run r = describe(run);
    size_t count = op_part(run, op_output(run->op)->elements);

    (void)input;
    r.dy = dy;
    r.out = ret_dx;
    if (r.logarithm)
        kernel_exp(run->op->kernels, run->output, ret_dx, count);
    op_parallel(run->op, count / r.length, r.length, r.logarithm ? log_softmax_gradient : softmax_gradient, &r);
    return 0;
}

const struct op op_softmax = {.needs = {OP_NEEDS_OUTPUT, 0}, .plan = plan, .forward = forward, .backward = backward};
const struct op op_log_softmax = {
    .needs = {OP_NEEDS_OUTPUT, 0}, .plan = plan, .forward = forward, .backward = backward};
