/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what picks elements: Transpose, Gather, Slice. Of constants they are folded. */
#include "guest/model/lower_move.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int move_take(struct lower *lower, struct move *move)
{
    move->input = lower_input(lower, 0);
    if (move->input == GRAPH_NONE)
        return lower_bad(lower, "its input 0 is missing");
    move->x = lower->values[move->input];
    move->rank = move->x.rank;
    memcpy(move->dims, move->x.dims, sizeof move->dims);
    return 0;
}

int move_emit(struct lower *lower, const struct move *move)
{
    double bound = move->x.constant ? LOWER_EXACT_MAX : move->x.bound;
    const struct graph_node *transposed =
        move->op == GRAPH_SLICE || move->op == GRAPH_GATHER ? move_transposed(lower, move->input) : NULL;
    int r;

    if (transposed != NULL)
        return move_before_transpose(lower, move, transposed);

    if (move->x.type != ONNX_FLOAT && move->x.constant)
        return lower_unsupported(lower, "%s of %s are too many to work out here", DIMS_TEXT(move->rank, move->dims),
                                 onnx_type_name(move->x.type));
    r = lower_emit(lower, move->op, &move->input, 1, &move->attributes, move->rank, move->dims, &lower->result);
    return r < 0 ? r : lower_settle(lower, lower->result, move->x.type, bound, &lower->result);
}

int move_fold_start(struct lower *lower, const struct move *move, size_t *ret_size, const void **ret_from,
                      void **ret_room)
{
    uint64_t elements = dims_elements(move->rank, move->dims);
    const int64_t *integers = NULL;
    const float *floats = NULL;
    int r;

    *ret_room = NULL;
    *ret_size = move->x.type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t);
    if (!move->x.constant || move->x.elements * *ret_size > MODEL_FOLD_BYTES_MAX)
        return 0;
    if (elements == UINT64_MAX)
        return lower_bad(lower, "%s has more than 2^33 elements", DIMS_TEXT(move->rank, move->dims));
    r = lower_fold_room(lower, elements, *ret_size, ret_room);
    if (r < 0 || *ret_room == NULL)
        return r;
    r = move->x.type == ONNX_FLOAT ? lower_floats(lower, move->input, &floats)
                                   : lower_integers(lower, move->input, &integers);
    *ret_from = move->x.type == ONNX_FLOAT ? (const void *)floats : (const void *)integers;
    return r;
}

int move_fold_end(struct lower *lower, const struct move *move, void *room)
{
    struct lower_value made = {
        .type = move->x.type, .rank = move->rank, .constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};

    memcpy(made.dims, move->dims, sizeof made.dims);
    if (made.type == ONNX_FLOAT)
        made.floats = room;
    else
        made.integers = room;
    return lower_add_value(lower, &made, &lower->result);
}

int move_strided(struct lower *lower, const struct move *move, const int64_t *strides, int64_t base)
{
    const void *from;
    void *room;
    size_t size;
    int r = move_fold_start(lower, move, &size, &from, &room);

    if (r < 0)
        return r;
    if (room == NULL)
        return move_emit(lower, move);
    fold_copy(room, from, size, move->rank, move->dims, strides, base);
    return move_fold_end(lower, move, room);
}

int lower_transpose(struct lower *lower)
{
    struct move move = {.op = GRAPH_TRANSPOSE};
    int64_t own[GRAPH_RANK_MAX], strides[GRAPH_RANK_MAX];
    bool seen[GRAPH_RANK_MAX] = {false};
    const int64_t *permutation;
    uint32_t count, axis;
    int r = move_take(lower, &move);

    if (r == 0)
        r = lower_attribute_ints(lower, "perm", &permutation, &count);
    if (r < 0)
        return r;
    if (permutation != NULL && count != move.rank)
        return lower_bad(lower, "perm has %u numbers for %u dimensions", count, move.rank);
    fold_strides(move.rank, move.x.dims, own);
    for (uint32_t i = 0; i < move.rank; i++) {
        r = lower_axis(lower, permutation != NULL ? permutation[i] : (int64_t)(move.rank - 1 - i), move.rank, &axis);
        if (r < 0)
            return r;
        if (seen[axis])
            return lower_bad(lower, "perm has axis %u twice", axis);
        seen[axis] = true;
        move.attributes.permutation[i] = axis;
        move.dims[i] = move.x.dims[axis];
        strides[i] = own[axis];
    }
    return move_strided(lower, &move, strides, 0);
}

/* --- Gather ------------------------------------------------------------------------------------ */

static int take_indices(struct lower *lower, uint64_t limit, uint32_t *ret_rank, const uint64_t **ret_dims,
                        const int64_t **ret_indices, uint64_t *ret_count)
{
    uint32_t value = lower_input(lower, 1);
    const int64_t *given;
    int64_t *indices;
    void *room;
    int r;

    if (value == GRAPH_NONE)
        return lower_bad(lower, "its indices are missing");
    if (!lower->values[value].constant)
        return lower_unsupported(lower, "its indices depend on the input's data; they must be constant");
    if (lower->values[value].type != ONNX_INT64 && lower->values[value].type != ONNX_INT32)
        return lower_bad(lower, "its indices are of %s", onnx_type_name(lower->values[value].type));
    r = lower_integers(lower, value, &given);
    if (r < 0)
        return r;
    *ret_count = lower->values[value].elements;
    r = lower_fold_room(lower, *ret_count, sizeof *indices, &room);
    if (r < 0)
        return r;
    if (room == NULL)
        return lower_unsupported(lower, "too many indices");
    indices = room;
    for (uint64_t i = 0; i < *ret_count; i++) {
        if (given[i] < -(int64_t)limit || given[i] >= (int64_t)limit)
            return lower_bad(lower, "index %lld is not within %llu", (long long)given[i], (unsigned long long)limit);
        indices[i] = given[i] < 0 ? given[i] + (int64_t)limit : given[i];
    }
    *ret_rank = lower->values[value].rank;
    *ret_dims = lower->values[value].dims;
    *ret_indices = indices;
    return 0;
}

static void fold_gather(void *to, const void *from, size_t size, const struct move *move)
{
    uint32_t axis = move->attributes.axis;
    uint64_t outer = dims_elements(axis, move->x.dims);
    uint64_t inner = dims_elements(move->x.rank - axis - 1, move->x.dims + axis + 1);
    uint64_t run = inner * size;
    uint8_t *at = to;

    for (uint64_t i = 0; i < outer; i++)
        for (size_t k = 0; k < move->attributes.index_count; k++) {
            uint64_t row = i * move->x.dims[axis] + (uint64_t)move->attributes.indices[k];

            memcpy(at, (const uint8_t *)from + row * run, run);
            at += run;
        }
}

int move_gather(struct lower *lower, const struct move *move)
{
    const void *from;
    void *room;
    size_t size;
    int r = move_fold_start(lower, move, &size, &from, &room);

    if (r < 0)
        return r;
    if (room == NULL)
        return move_emit(lower, move);
    if (move->x.elements > 0 && move->attributes.index_count > 0)
        fold_gather(room, from, size, move);
    return move_fold_end(lower, move, room);
}

int lower_gather(struct lower *lower)
{
    struct move move = {.op = GRAPH_GATHER};
    const uint64_t *index_dims = NULL;
    uint64_t count = 0;
    int64_t axis;
    uint32_t index_rank = 0, rank = 0;
    int r = move_take(lower, &move);

    if (r == 0)
        r = lower_attribute_int(lower, "axis", 0, &axis);
    if (r == 0)
        r = lower_axis(lower, axis, move.x.rank, &move.attributes.axis);
    if (r == 0)
        r = take_indices(lower, move.x.dims[move.attributes.axis], &index_rank, &index_dims, &move.attributes.indices,
                         &count);
    if (r < 0)
        return r;
    if (move.x.rank - 1 + index_rank > GRAPH_RANK_MAX)
        return lower_unsupported(lower, "its result has more than %u dimensions", GRAPH_RANK_MAX);
    move.attributes.index_count = count;
    for (uint32_t i = 0; i < move.attributes.axis; i++)
        move.dims[rank++] = move.x.dims[i];
    for (uint32_t i = 0; i < index_rank; i++)
        move.dims[rank++] = index_dims[i];
    for (uint32_t i = move.attributes.axis + 1; i < move.x.rank; i++)
        move.dims[rank++] = move.x.dims[i];
    move.rank = rank;
    return move_gather(lower, &move);
}

/* --- Slice ------------------------------------------------------------------------------------- */

struct slice { /* what is asked for, a number an axis named */
    const int64_t *starts, *ends, *axes, *steps;
    uint64_t count;
};

static int take_slice(struct lower *lower, struct slice *ret_slice)
{
    const char *const names[] = {"starts", "ends", "axes", "steps"};
    const int64_t *lists[4] = {NULL};
    uint64_t counts[4] = {0};
    uint32_t count = 0;
    int r = 0;

    if (lower->model->opset < 10 && lower->node->input_count > 1)
        return lower_bad(lower, "starts as an input came with operator set 10");
    for (uint32_t i = 0; r == 0 && i < 4; i++) {
        if (lower->model->opset >= 10) {
            r = lower_list(lower, i + 1, &lists[i], &counts[i]);
        } else if (i < 3) {
            r = lower_attribute_ints(lower, names[i], &lists[i], &count);
            counts[i] = count;
        }
    }
    if (r < 0)
        return r;
    if (lists[0] == NULL || lists[1] == NULL)
        return lower_bad(lower, "its starts or ends are missing");
    for (uint32_t i = 0; i < 4; i++)
        if (lists[i] != NULL && (counts[i] != counts[0] || counts[i] > GRAPH_RANK_MAX))
            return lower_bad(lower, "%s has %llu numbers, starts has %llu", names[i], (unsigned long long)counts[i],
                             (unsigned long long)counts[0]);
    *ret_slice = (struct slice){lists[0], lists[1], lists[2], lists[3], counts[0]};
    return 0;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* An axis's range as numpy takes it: bounds clamped, so that nothing is out of range. */
static void slice_axis(struct move *move, uint32_t axis, int64_t start, int64_t end, int64_t stride)
{
    int64_t size = (int64_t)move->x.dims[axis];

    /* The extremes of int64 mean "as far as it goes", and must not wrap around. */
    start = clamp(start, -size - 1, size);
    end = clamp(end, -size - 1, size);
    start += start < 0 ? size : 0;
    end += end < 0 ? size : 0;
    if (stride > 0) {
        start = clamp(start, 0, size);
        end = clamp(end, 0, size);
        move->dims[axis] = end > start ? (uint64_t)((end - start - 1) / stride + 1) : 0;
    } else {
        start = clamp(start, -1, size - 1);
        end = clamp(end, -1, size - 1);
        move->dims[axis] = start > end ? (uint64_t)((start - end - 1) / -stride + 1) : 0;
    }
    move->attributes.start[axis] = start;
    move->attributes.step[axis] = stride;
}

int lower_slice(struct lower *lower)
{
    struct move move = {.op = GRAPH_SLICE};
    struct slice slice = {0};
    int64_t own[GRAPH_RANK_MAX], strides[GRAPH_RANK_MAX], base = 0;
    bool seen[GRAPH_RANK_MAX] = {false};
    int r = move_take(lower, &move);

    if (r == 0)
        r = take_slice(lower, &slice);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < move.rank; i++)
        move.attributes.step[i] = 1;
    for (uint64_t i = 0; i < slice.count; i++) {
        uint32_t axis;
        int64_t stride = slice.steps != NULL ? slice.steps[i] : 1;

        r = lower_axis(lower, slice.axes != NULL ? slice.axes[i] : (int64_t)i, move.rank, &axis);
        if (r < 0)
            return r;
        if (seen[axis] || stride == 0)
            return lower_bad(lower, seen[axis] ? "axis %u is there twice" : "the step of axis %u is 0", axis);
        seen[axis] = true;
        /* A step beyond the axis takes one element, whatever its size. */
        slice_axis(&move, axis, slice.starts[i], slice.ends[i],
                   clamp(stride, -(int64_t)move.x.dims[axis] - 1, (int64_t)move.x.dims[axis] + 1));
    }
    fold_strides(move.rank, move.x.dims, own);
    for (uint32_t i = 0; i < move.rank; i++) {
        strides[i] = own[i] * move.attributes.step[i];
        base += move.dims[i] == 0 ? 0 : own[i] * move.attributes.start[i];
    }
    return move_strided(lower, &move, strides, base);
}
