/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transpose, Slice, Gather and Pad: each output element is one input element, or a fill.
 *
 * All four are separable: the input's offset is a sum of one table's entry an axis of the output. A
 * table entry of FILL means that the element is padding. The gradient of an input element is 0 plus
 * those of the outputs that read it, in the output's row-major order.
 */
#include "guest/engine/op_states.h"
#include "guest/engine/ops.h"

#include <errno.h>
#include <string.h>

#define FILL VIEW_STATE_FILL

struct view_run {
    const struct view_state *state;
    const float *in;
    float *out;
    bool backward;
};

static void release(struct op_node *op)
{
    struct view_state *state = op->state;

    if (state != NULL)
        free(state->tables);
    free(state);
}

/* A state with room for tables of the given dims. */
static int view_create(struct op_node *op, uint32_t rank, const uint64_t *dims, struct error *err)
{
    struct view_state *state = op_allocate_state(op, sizeof(*state));
    size_t total = rank == 0 ? 1 : 0;

    if (state == NULL)
        return op_no_memory(op, err);
    state->rank = rank == 0 ? 1 : rank;
    state->dims[0] = 1;
    for (uint32_t axis = 0; axis < rank; axis++) {
        state->dims[axis] = dims[axis];
        if (__builtin_add_overflow(total, dims[axis], &total))
            return op_no_memory(op, err);
    }
    state->tables = calloc(total, sizeof(size_t));
    if (state->tables == NULL)
        return op_no_memory(op, err);
    op->state_bytes += total * sizeof(size_t);
    state->table[0] = state->tables;
    for (uint32_t axis = 1; axis < state->rank; axis++)
        state->table[axis] = state->table[axis - 1] + state->dims[axis - 1];
    return 0;
}

static void view_finish(struct view_state *state)
{
    uint32_t last = state->rank - 1;

    state->rows_are_runs = true;
    for (size_t i = 0; i < state->dims[last]; i++)
        if (state->table[last][i] == FILL || state->table[last][i] != state->table[last][0] + i)
            state->rows_are_runs = false;
    /* Tables of ascending entries without repetition; others count as sharing. */
    state->outer_is_unique = state->rank > 1;
    for (size_t i = 0; i + 1 < state->dims[0]; i++)
        if (state->table[0][i] == FILL || state->table[0][i + 1] == FILL ||
            state->table[0][i + 1] <= state->table[0][i])
            state->outer_is_unique = false;
}

/* Elements of one step along an axis of value. */
static size_t stride_of(const struct graph_value *value, uint32_t axis)
{
    return op_span(value, axis + 1, value->rank);
}

static int check_one_input(const struct op_node *op, struct error *err)
{
    if (op->node->input_count != 1 || op_input(op, 0) == NULL)
        return op_refuse(op, err, "must have one input");
    return 0;
}

static int check_rank(const struct op_node *op, struct error *err)
{
    int ret = check_one_input(op, err);

    if (ret == 0 && op_input(op, 0)->rank != op_output(op)->rank)
        ret = op_refuse(op, err, "input and output differ in rank");
    return ret;
}

static int plan_transpose(struct op_node *op, struct error *err)
{
    const struct graph_value *y = op_output(op);
    const uint32_t *permutation = op->node->attributes.permutation;
    struct view_state *state;
    unsigned seen = 0;
    int ret = check_rank(op, err);

    if (ret == 0)
        ret = view_create(op, y->rank, y->dims, err);
    if (ret < 0)
        return ret;
    state = op->state;
    for (uint32_t axis = 0; axis < y->rank; axis++) {
        uint32_t from = permutation[axis];

        if (from >= y->rank || (seen & 1u << from) != 0 || op_input(op, 0)->dims[from] != y->dims[axis])
            return op_refuse(op, err, "the permutation doesn't give the output's shape");
        seen |= 1u << from;
        for (size_t i = 0; i < y->dims[axis]; i++)
            state->table[axis][i] = i * stride_of(op_input(op, 0), from);
    }
    view_finish(state);
    return 0;
}

static int plan_slice(struct op_node *op, struct error *err)
{
    const struct graph_attributes *attributes = &op->node->attributes;
    const struct graph_value *y = op_output(op);
    struct view_state *state;
    int ret = check_rank(op, err);

    if (ret == 0)
        ret = view_create(op, y->rank, y->dims, err);
    if (ret < 0)
        return ret;
    state = op->state;
    for (uint32_t axis = 0; axis < y->rank; axis++)
        for (size_t i = 0; i < y->dims[axis]; i++) {
            int64_t position;

            if (__builtin_mul_overflow((int64_t)i, attributes->step[axis], &position) ||
                __builtin_add_overflow(position, attributes->start[axis], &position) || position < 0 ||
                (uint64_t)position >= op_input(op, 0)->dims[axis])
                return op_refuse(op, err, "the slice reaches outside the input");
            state->table[axis][i] = (size_t)position * stride_of(op_input(op, 0), axis);
        }
    view_finish(state);
    return 0;
}

/* The output as the input's shape with the axis replaced by all indices, whatever their own shape. */
static int plan_gather(struct op_node *op, struct error *err)
{
    const struct graph_attributes *attributes = &op->node->attributes;
    struct view_state *state;
    struct graph_value shape;
    size_t others;
    int ret = check_one_input(op, err);

    if (ret < 0)
        return ret;
    shape = *op_input(op, 0);
    if (attributes->axis >= shape.rank || attributes->index_count == 0 || attributes->indices == NULL)
        return op_refuse(op, err, "must have an axis inside its input and indices");
    others = shape.elements / shape.dims[attributes->axis];
    if (op_output(op)->elements % others != 0 || op_output(op)->elements / others != attributes->index_count)
        return op_refuse(op, err, "the output's size is not that of the indices");
    shape.dims[attributes->axis] = attributes->index_count;
    ret = view_create(op, shape.rank, shape.dims, err);
    if (ret < 0)
        return ret;
    state = op->state;
    for (uint32_t axis = 0; axis < shape.rank; axis++)
        for (size_t i = 0; i < shape.dims[axis]; i++) {
            int64_t position = axis == attributes->axis ? attributes->indices[i] : (int64_t)i;

            if (position < 0 || (uint64_t)position >= op_input(op, 0)->dims[axis])
                return op_refuse(op, err, "an index is outside the axis");
            state->table[axis][i] = (size_t)position * stride_of(op_input(op, 0), axis);
        }
    view_finish(state);
    return 0;
}

/* The input's position for a padded one: itself, a mirror image, an edge, or FILL. */
static size_t padded_position(enum graph_pad_mode mode, size_t padded, size_t begin, size_t size)
{
    if (padded >= begin && padded - begin < size)
        return padded - begin;
    if (mode == GRAPH_PAD_EDGE)
        return padded < begin ? 0 : size - 1;
    if (mode == GRAPH_PAD_REFLECT)
        return padded < begin ? begin - padded : 2 * (size - 1) - (padded - begin);
    return FILL;
}

static int plan_pad(struct op_node *op, struct error *err)
{
    const struct graph_attributes *attributes = &op->node->attributes;
    const struct graph_value *y = op_output(op);
    struct view_state *state;
    int ret = check_rank(op, err);

    if (ret == 0)
        ret = view_create(op, y->rank, y->dims, err);
    if (ret < 0)
        return ret;
    state = op->state;
    state->fill = attributes->pad_value;
    for (uint32_t axis = 0; axis < y->rank; axis++) {
        size_t size = op_input(op, 0)->dims[axis];
        size_t begin = attributes->pad_begin[axis];
        size_t end = attributes->pad_end[axis];

        if (y->dims[axis] != size + begin + end)
            return op_refuse(op, err, "the pads don't give the output's shape");
        if (attributes->pad_mode == GRAPH_PAD_REFLECT && (begin >= size || end >= size))
            return op_refuse(op, err, "a reflecting pad is as large as the axis");
        for (size_t i = 0; i < y->dims[axis]; i++) {
            size_t position = padded_position(attributes->pad_mode, i, begin, size);

            state->table[axis][i] = position == FILL ? FILL : position * stride_of(op_input(op, 0), axis);
        }
    }
    view_finish(state);
    return 0;
}

/* Where a row starts in the input, or FILL. `row` counts through all axes but the last. */
static size_t row_base(const struct view_state *state, size_t row)
{
    size_t base = 0;

    for (uint32_t axis = state->rank - 1; axis-- > 0; row /= state->dims[axis]) {
        size_t entry = state->table[axis][row % state->dims[axis]];

        if (entry == FILL)
            return FILL;
        base += entry;
    }
    return base;
}

static void forward_row(const struct view_run *r, size_t base, float *out, size_t count)
{
    const struct view_state *state = r->state;
    const size_t *table = state->table[state->rank - 1];

    if (base != FILL && state->rows_are_runs) {
        memcpy(out, r->in + base + table[0], count * sizeof(float));
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = base == FILL || table[i] == FILL ? state->fill : r->in[base + table[i]];
}

static void backward_row(const struct view_run *r, size_t base, const float *dy, size_t count)
{
    const size_t *table = r->state->table[r->state->rank - 1];

    if (base == FILL)
        return;
    for (size_t i = 0; i < count; i++)
        if (table[i] != FILL)
            r->out[base + table[i]] += dy[i];
}

/* Positions [first, last) of axis 0. */
static void work(void *argument, size_t first, size_t last)
{
    const struct view_run *r = argument;
    const struct view_state *state = r->state;
    size_t length = state->rank == 1 ? last - first : state->dims[state->rank - 1];
    size_t rows = 1;

    for (uint32_t axis = 1; axis + 1 < state->rank; axis++)
        rows *= state->dims[axis];
    if (state->rank == 1)
        last = first + 1; /* one row, that of the run's samples: never split (view_run_all) */
    for (size_t row = first * rows; row < last * rows; row++) {
        size_t base = row_base(state, row);

        if (r->backward)
            backward_row(r, base, r->in + row * length, length);
        else
            forward_row(r, base, r->out + row * length, length);
    }
}

static void view_run_all(const struct op_run *run, struct view_run *r)
{
    const struct view_state *state = r->state;
    size_t outermost = op_part(run, state->dims[0]);
    size_t cost = 1;

    for (uint32_t axis = 1; axis < state->rank; axis++)
        cost *= state->dims[axis];
    if (state->rank > 1 && (!r->backward || state->outer_is_unique))
        op_parallel(run->op, outermost, cost, work, r);
    else
        work(r, 0, outermost);
}

static int forward(const struct op_run *run)
{
    struct view_run r = {.state = run->op->state, .in = run->inputs[0], .out = run->output};

    view_run_all(run, &r);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct view_run r = {.state = run->op->state, .in = dy, .out = ret_dx, .backward = true};

    (void)input;
    memset(ret_dx, 0, op_part(run, op_input(run->op, 0)->elements) * sizeof(float));
    view_run_all(run, &r);
    return 0;
}

const struct op op_transpose = {.plan = plan_transpose, .forward = forward, .backward = backward, .release = release};
const struct op op_slice = {.plan = plan_slice, .forward = forward, .backward = backward, .release = release};
const struct op op_gather = {.plan = plan_gather, .forward = forward, .backward = backward, .release = release};
const struct op op_pad = {.plan = plan_pad, .forward = forward, .backward = backward, .release = release};
