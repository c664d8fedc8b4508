/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaxPool, AveragePool and GlobalAveragePool.
 *
 * A window's positions are taken row by row. Averages: 0 plus the positions inside the image in that
 * order, divided by their number, or with count_include_pad by the positions inside the padded image.
 * The maximum is the first of equals, and a NaN wins; its gradient goes to that one position. Each
 * position's gradient adds the windows in the output's row-major order to 0.
 */
#include "guest/engine/ops.h"

#include <errno.h>
#include <math.h>
#include <string.h>

struct pool_run {
    const struct graph_window *window;
    size_t height, width;         /* of an input plane */
    size_t out_height, out_width;
    const float *x, *dy; /* dy NULL in the forward pass */
    float *out;
    bool maximum;
};

/* The part of a window along one axis that lies inside [0, size), as kernel positions. */
struct span {
    size_t first, last;
    size_t padded; /* how many lie inside the padded image */
};

static int plan(struct op_node *op, struct error *err)
{
    const struct graph_window *window = &op->node->attributes.window;
    const struct graph_value *x = op_input(op, 0);
    const struct graph_value *y = op_output(op);

    if (op->node->input_count != 1 || x == NULL || x->rank != 4 || y->rank != 4 || x->dims[0] != y->dims[0] ||
        x->dims[1] != y->dims[1])
        return op_refuse(op, err, "must have one input of 4 axes and keep batch and channels");
    for (uint32_t axis = 0; axis < 2; axis++) {
        uint64_t last_start, padded;

        if (window->kernel[axis] == 0 || window->stride[axis] == 0 || window->dilation[axis] == 0)
            return op_refuse(op, err, "kernel, stride and dilation must be positive");
        padded = x->dims[2 + axis] + window->pad_begin[axis] + window->pad_end[axis];
        /* With ceil_mode a window may reach beyond the padding, but it starts inside. */
        if (y->dims[2 + axis] - 1 > padded / window->stride[axis])
            return op_refuse(op, err, "the output is larger than the windows that fit");
        last_start = (y->dims[2 + axis] - 1) * window->stride[axis];
        if (last_start >= padded)
            return op_refuse(op, err, "the output is larger than the windows that fit");
    }
    return 0;
}

/* Dilated kernel positions k with origin <= o·stride + k·dilation < limit, in a space moved by pad. */
static struct span span_of(const struct graph_window *window, uint32_t axis, size_t o, size_t size)
{
    size_t start = o * window->stride[axis]; /* in the padded image */
    size_t pad = window->pad_begin[axis];
    size_t dilation = window->dilation[axis];
    size_t kernel = window->kernel[axis];
    size_t end = pad + size;
    size_t padded_end = end + window->pad_end[axis];
    struct span span = {0};

    span.first = start >= pad ? 0 : (pad - start + dilation - 1) / dilation;
    span.last = start >= end ? 0 : (end - start + dilation - 1) / dilation;
    span.padded = start >= padded_end ? 0 : (padded_end - start + dilation - 1) / dilation;
    if (span.first > kernel)
        span.first = kernel;
    if (span.last > kernel)
        span.last = kernel;
    if (span.last < span.first)
        span.last = span.first;
    if (span.padded > kernel)
        span.padded = kernel;
    return span;
}

struct cell { /* one window of one plane */
    struct span rows, columns;
    size_t top, left; /* o·stride; minus the pad it is the image's position */
};

static size_t cell_position(const struct pool_run *r, const struct cell *cell, size_t i, size_t j)
{
    size_t row = cell->top + i * r->window->dilation[0] - r->window->pad_begin[0];
    size_t column = cell->left + j * r->window->dilation[1] - r->window->pad_begin[1];

    return row * r->width + column;
}

/* The position of the maximum; SIZE_MAX for a window that lies in the padding. */
static size_t cell_maximum(const struct pool_run *r, const struct cell *cell, const float *x)
{
    size_t best = SIZE_MAX;

    for (size_t i = cell->rows.first; i < cell->rows.last; i++)
        for (size_t j = cell->columns.first; j < cell->columns.last; j++) {
            size_t position = cell_position(r, cell, i, j);

            if (best == SIZE_MAX || x[position] > x[best] || (isnan(x[position]) && !isnan(x[best])))
                best = position;
        }
    return best;
}

static float cell_divisor(const struct pool_run *r, const struct cell *cell)
{
    if (r->window->count_include_pad)
        return (float)(cell->rows.padded * cell->columns.padded);
    return (float)((cell->rows.last - cell->rows.first) * (cell->columns.last - cell->columns.first));
}

static float cell_average(const struct pool_run *r, const struct cell *cell, const float *x)
{
    float divisor = cell_divisor(r, cell);
    float sum = 0.0f;

    for (size_t i = cell->rows.first; i < cell->rows.last; i++)
        for (size_t j = cell->columns.first; j < cell->columns.last; j++)
            sum += x[cell_position(r, cell, i, j)];
    return divisor > 0.0f ? sum / divisor : 0.0f;
}

static void cell_spread(const struct pool_run *r, const struct cell *cell, float dy, float *dx)
{
    float divisor = cell_divisor(r, cell);

    for (size_t i = cell->rows.first; i < cell->rows.last; i++)
        for (size_t j = cell->columns.first; j < cell->columns.last; j++)
            dx[cell_position(r, cell, i, j)] += dy / divisor;
}

static void cell_run(const struct pool_run *r, const struct cell *cell, size_t plane, size_t output)
{
    const float *x = r->x == NULL ? NULL : r->x + plane * r->height * r->width;
    float *dx = r->out + plane * r->height * r->width;

    output += plane * r->out_height * r->out_width;
    if (r->maximum) {
        size_t best = cell_maximum(r, cell, x);

        if (r->dy == NULL)
            r->out[output] = best == SIZE_MAX ? -INFINITY : x[best];
        else if (best != SIZE_MAX)
            dx[best] += r->dy[output];
    } else if (r->dy == NULL) {
        r->out[output] = cell_average(r, cell, x);
    } else {
        cell_spread(r, cell, r->dy[output], dx);
    }
}

static void work(void *argument, size_t first, size_t last)
{
    const struct pool_run copy = *(const struct pool_run *)argument; /* that stores can't reach */
    const struct pool_run *r = &copy;

    if (r->dy != NULL)
        memset(r->out + first * r->height * r->width, 0, (last - first) * r->height * r->width * sizeof(float));
    for (size_t plane = first; plane < last; plane++)
        for (size_t i = 0; i < r->out_height; i++) {
            struct cell cell = {.rows = span_of(r->window, 0, i, r->height), .top = i * r->window->stride[0]};

            for (size_t j = 0; j < r->out_width; j++) {
                cell.columns = span_of(r->window, 1, j, r->width);
                cell.left = j * r->window->stride[1];
                cell_run(r, &cell, plane, i * r->out_width + j);
            }
        }
}

static int run_planes(const struct op_run *run, bool maximum, const float *dy, float *out)
{
    const struct graph_value *x = op_input(run->op, 0);
    const struct graph_value *y = op_output(run->op);
    const struct graph_window *window = &run->op->node->attributes.window;
    struct pool_run r = {.window = window,
                         .height = x->dims[2],
                         .width = x->dims[3],
                         .out_height = y->dims[2],
                         .out_width = y->dims[3],
                         .x = run->inputs[0],
                         .dy = dy,
                         .out = out,
                         .maximum = maximum};

    op_parallel(run->op, op_part(run, x->dims[0] * x->dims[1]),
                r.out_height * r.out_width * window->kernel[0] * window->kernel[1], work, &r);
    return 0;
}

static int max_forward(const struct op_run *run)
{
    return run_planes(run, true, NULL, run->output);
}

static int max_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return run_planes(run, true, dy, ret_dx);
}

static int average_forward(const struct op_run *run)
{
    return run_planes(run, false, NULL, run->output);
}

static int average_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    (void)input;
    return run_planes(run, false, dy, ret_dx);
}

const struct op op_max_pool = {
    .needs = {OP_NEEDS_SELF, 0}, .plan = plan, .forward = max_forward, .backward = max_backward};
const struct op op_average_pool = {.plan = plan, .forward = average_forward, .backward = average_backward};

/* --- GlobalAveragePool: 0 plus all positions in order, divided by their number ------------------- */

static int plan_global(struct op_node *op, struct error *err)
{
    const struct graph_value *x = op_input(op, 0);

    if (op->node->input_count != 1 || x == NULL || x->rank < 2 ||
        op_output(op)->elements != x->dims[0] * x->dims[1])
        return op_refuse(op, err, "must have one input of 2 axes or more, and one output a channel");
    return 0;
}

static int global_forward(const struct op_run *run)
{
    const struct graph_value *x = op_input(run->op, 0);
    size_t planes = op_part(run, x->dims[0] * x->dims[1]);
    size_t inner = op_span(x, 2, x->rank);

    for (size_t plane = 0; plane < planes; plane++) {
        float sum = 0.0f;

        for (size_t i = 0; i < inner; i++)
            sum += run->inputs[0][plane * inner + i];
        run->output[plane] = sum / (float)inner;
    }
    return 0;
}

static int global_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    const struct graph_value *x = op_input(run->op, 0);
    size_t planes = op_part(run, x->dims[0] * x->dims[1]);
    size_t inner = op_span(x, 2, x->rank);

    (void)input;
    for (size_t plane = 0; plane < planes; plane++) {
        float share = dy[plane] / (float)inner;

        for (size_t i = 0; i < inner; i++)
            ret_dx[plane * inner + i] = share;
    }
    return 0;
}

const struct op op_global_average_pool = {
    .plan = plan_global, .forward = global_forward, .backward = global_backward};
