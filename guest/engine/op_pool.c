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
#include "guest/engine/pool_pairs.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* One window along one axis: the positions that lie in the image, and how many in the padded image. */
struct span {
    size_t begin; /* the first one's place in the image */
    size_t count;
    size_t padded;
};

struct pool_state {
    struct span *spans;   /* owned; one an output row, then one an output column */
    size_t height, width; /* of an input plane */
    size_t out_height, out_width;
    size_t step_row, step_column; /* dilations */
    bool include_pad;
    bool pairs; /* the columns of all windows stand two by two, side by side */
};

struct pool_run {
    const struct pool_state *state;
    const float *x, *dy; /* dy NULL in the forward pass */
    float *out;
    bool maximum;
};

static void release(struct op_node *op)
{
    struct pool_state *state = op->state;

    if (state != NULL)
        free(state->spans);
    free(state);
}

static int check(const struct op_node *op, struct error *err)
{
    const struct graph_window *window = &op->node->attributes.window;
    const struct graph_value *x = op_input(op, 0);
    const struct graph_value *y = op_output(op);

    if (op->node->input_count != 1 || x == NULL || x->rank != 4 || y->rank != 4 || x->dims[0] != y->dims[0] ||
        x->dims[1] != y->dims[1])
        return op_refuse(op, err, "must have one input of 4 axes and keep batch and channels");
    for (uint32_t axis = 0; axis < 2; axis++) {
        uint64_t padded = x->dims[2 + axis] + window->pad_begin[axis] + window->pad_end[axis];

        if (window->kernel[axis] == 0 || window->stride[axis] == 0 || window->dilation[axis] == 0)
            return op_refuse(op, err, "kernel, stride and dilation must be positive");
        /* With ceil_mode a window may reach beyond the padding, but it starts inside. */
        if (y->dims[2 + axis] - 1 > (padded - 1) / window->stride[axis])
            return op_refuse(op, err, "the output is larger than the windows that fit");
    }
    return 0;
}

/* How many of `kernel` positions, `dilation` apart from `start` on, lie before `end`. */
static size_t positions_before(size_t start, size_t end, size_t dilation, size_t kernel)
{
    size_t count = start >= end ? 0 : (end - start + dilation - 1) / dilation;

    return count < kernel ? count : kernel;
}

/* Window number `o` along an axis of `size`. */
static struct span span_of(const struct graph_window *window, uint32_t axis, size_t o, size_t size)
{
    size_t start = o * window->stride[axis]; /* in the padded image */
    size_t pad = window->pad_begin[axis];
    size_t dilation = window->dilation[axis];
    size_t kernel = window->kernel[axis];
    size_t before = positions_before(start, pad, dilation, kernel);
    size_t inside = positions_before(start, pad + size, dilation, kernel);

    return (struct span){.begin = inside > before ? start + before * dilation - pad : 0,
                         .count = inside - before,
                         .padded = positions_before(start, pad + size + window->pad_end[axis], dilation, kernel)};
}

static int plan(struct op_node *op, struct error *err)
{
    const struct graph_window *window = &op->node->attributes.window;
    struct pool_state *state = op_allocate_state(op, sizeof(*state));
    const struct graph_value *x = op_input(op, 0);
    const struct graph_value *y = op_output(op);
    int ret = check(op, err);

    if (ret < 0)
        return ret;
    if (state == NULL)
        return op_no_memory(op, err);
    *state = (struct pool_state){.height = x->dims[2],
                                 .width = x->dims[3],
                                 .out_height = y->dims[2],
                                 .out_width = y->dims[3],
                                 .step_row = window->dilation[0],
                                 .step_column = window->dilation[1],
                                 .include_pad = window->count_include_pad};
    state->spans = calloc(state->out_height + state->out_width, sizeof(state->spans[0]));
    if (state->spans == NULL)
        return op_no_memory(op, err);
    op->state_bytes += (state->out_height + state->out_width) * sizeof(state->spans[0]);
    for (size_t i = 0; i < state->out_height; i++)
        state->spans[i] = span_of(window, 0, i, state->height);
    state->pairs = state->step_column == 1;
    for (size_t j = 0; j < state->out_width; j++) {
        struct span span = span_of(window, 1, j, state->width);

        state->spans[state->out_height + j] = span;
        state->pairs = state->pairs && span.begin == 2 * j && span.count == 2;
    }
    return 0;
}

/* A window of a plane: its first position in the image, and its spans. */
struct cell {
    size_t first;
    struct span rows, columns;
};

/* A window's elements come in no order, so that a branch on them is a coin toss: selects are meant. */
#define EITHER(condition) __builtin_expect_with_probability((condition), 1, 0.5)

/* Inlined with constant counts for the usual windows. */
static inline __attribute__((always_inline)) float maximum_of(const float *x, size_t rows, size_t columns,
                                                              size_t row_step, size_t column_step)
{
    float best = -INFINITY; /* a window that lies in the padding keeps it */
    int nan = 0;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            float value = x[i * row_step + j * column_step];

            best = EITHER(value > best) ? value : best;
            nan |= value != value;
        }
    return nan ? NAN : best;
}

static inline float cell_maximum(const struct pool_state *state, const struct cell *cell, const float *x)
{
    size_t rows = cell->rows.count, columns = cell->columns.count;
    size_t row_step = state->step_row * state->width;

    if (rows == 2 && columns == 2 && state->step_column == 1)
        return maximum_of(x + cell->first, 2, 2, row_step, 1);
    if (rows == 3 && columns == 3 && state->step_column == 1)
        return maximum_of(x + cell->first, 3, 3, row_step, 1);
    return maximum_of(x + cell->first, rows, columns, row_step, state->step_column);
}

static size_t first_nan(const struct pool_state *state, const struct cell *cell, const float *x)
{
    for (size_t i = 0; i < cell->rows.count; i++)
        for (size_t j = 0; j < cell->columns.count; j++) {
            size_t place = cell->first + i * state->step_row * state->width + j * state->step_column;

            if (isnan(x[place]))
                return place;
        }
    return SIZE_MAX;
}

/* Where the maximum of a window without NaN lies: the first of equals. Inlined as maximum_of is. */
static inline __attribute__((always_inline)) size_t place_of(const float *x, size_t first, size_t rows, size_t columns,
                                                             size_t row_step, size_t column_step, int *ret_nan)
{
    size_t best = first;
    float maximum = x[first];
    int nan = 0;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            size_t place = first + i * row_step + j * column_step;
            float value = x[place];
            bool above = value > maximum;

            best = EITHER(above) ? place : best;
            maximum = EITHER(above) ? value : maximum;
            nan |= value != value;
        }
    *ret_nan = nan;
    return best;
}

/* Where the maximum lies; SIZE_MAX for a window in the padding. */
static inline size_t cell_place(const struct pool_state *state, const struct cell *cell, const float *x)
{
    size_t rows = cell->rows.count, columns = cell->columns.count;
    size_t row_step = state->step_row * state->width, best;
    int nan;

    if (rows == 0 || columns == 0)
        return SIZE_MAX;
    if (rows == 2 && columns == 2 && state->step_column == 1)
        best = place_of(x, cell->first, 2, 2, row_step, 1, &nan);
    else
        best = place_of(x, cell->first, rows, columns, row_step, state->step_column, &nan);
    return nan ? first_nan(state, cell, x) : best;
}

static float cell_divisor(const struct pool_state *state, const struct cell *cell)
{
    if (state->include_pad)
        return (float)(cell->rows.padded * cell->columns.padded);
    return (float)(cell->rows.count * cell->columns.count);
}

static float cell_average(const struct pool_state *state, const struct cell *cell, const float *x)
{
    float divisor = cell_divisor(state, cell);
    float sum = 0.0f;

    for (size_t i = 0; i < cell->rows.count; i++)
        for (size_t j = 0; j < cell->columns.count; j++)
            sum += x[cell->first + i * state->step_row * state->width + j * state->step_column];
    return divisor > 0.0f ? sum / divisor : 0.0f;
}

static void cell_spread(const struct pool_state *state, const struct cell *cell, float dy, float *dx)
{
    float share = dy / cell_divisor(state, cell);

    for (size_t i = 0; i < cell->rows.count; i++)
        for (size_t j = 0; j < cell->columns.count; j++)
            dx[cell->first + i * state->step_row * state->width + j * state->step_column] += share;
}

static inline void run_cell(const struct pool_run *r, const struct pool_state *state, const struct cell *cell,
                            size_t plane, size_t output)
{
    size_t start = plane * state->height * state->width;

    if (r->dy == NULL) {
        r->out[output] = r->maximum ? cell_maximum(state, cell, r->x + start) : cell_average(state, cell, r->x + start);
    } else if (r->maximum) {
        size_t place = cell_place(state, cell, r->x + start);

        if (place != SIZE_MAX)
            r->out[start + place] += r->dy[output];
    } else {
        cell_spread(state, cell, r->dy[output], r->out + start);
    }
}

/* The windows of a row that pool_pairs.h can do; returns how many. `r->out` is of the outputs, or of the inputs' dx. */
static inline size_t run_pairs(const struct pool_run *r, const struct pool_state *state, size_t row, size_t output)
{
    const float *upper = r->x + row, *lower = upper + state->step_row * state->width;
    float *dx = r->out + row;

    if (r->dy == NULL)
        return pool_pairs_maximum(upper, lower, state->out_width, r->out + output);
    return pool_pairs_gradient(upper, lower, r->dy + output, state->out_width, dx, dx + state->step_row * state->width);
}

static void work(void *argument, size_t first, size_t last)
{
    /* Copies, which stores to the result can't reach. */
    const struct pool_run r = *(const struct pool_run *)argument;
    const struct pool_state state = *r.state;
    const bool pairs = r.maximum && state.pairs;
    size_t inner = state.height * state.width;
    size_t output = first * state.out_height * state.out_width;

    if (r.dy != NULL)
        memset(r.out + first * inner, 0, (last - first) * inner * sizeof(float));
    for (size_t plane = first; plane < last; plane++)
        for (size_t i = 0; i < state.out_height; i++) {
            struct cell cell = {.rows = state.spans[i]};
            size_t row = cell.rows.begin * state.width, j = 0;

            if (pairs && cell.rows.count == 2) {
                j = run_pairs(&r, &state, plane * inner + row, output);
                output += j;
            }
            for (; j < state.out_width; j++) {
                cell.columns = state.spans[state.out_height + j];
                cell.first = row + cell.columns.begin;
                run_cell(&r, &state, &cell, plane, output++);
            }
        }
}

static int run_planes(const struct op_run *run, bool maximum, const float *dy, float *out)
{
    const struct graph_value *x = op_input(run->op, 0);
    const struct graph_value *y = op_output(run->op);
    const struct graph_window *window = &run->op->node->attributes.window;
    struct pool_run r = {.state = run->op->state, .x = run->inputs[0], .dy = dy, .out = out, .maximum = maximum};

    op_parallel(run->op, op_part(run, x->dims[0] * x->dims[1]),
                y->dims[2] * y->dims[3] * window->kernel[0] * window->kernel[1], work, &r);
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
    .needs = {OP_NEEDS_SELF, 0}, .plan = plan, .forward = max_forward, .backward = max_backward, .release = release};
const struct op op_average_pool = {
    .plan = plan, .forward = average_forward, .backward = average_backward, .release = release};

/* --- GlobalAveragePool: 0 plus all positions in order, divided by their number ------------------- */

static int plan_global(struct op_node *op, struct error *err)
{
    const struct graph_value *x = op_input(op, 0);

    if (op->node->input_count != 1 || x == NULL || x->rank < 2 || op_output(op)->elements != x->dims[0] * x->dims[1])
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

const struct op op_global_average_pool = {.plan = plan_global, .forward = global_forward, .backward = global_backward};
