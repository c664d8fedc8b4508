/* SPDX-License-Identifier: Apache-2.0 */
/* Operators put together from simpler ones: what moves elements. */
#include "guest/model/compose.h"
#include "guest/model/lower_move.h"

#include <string.h>

static uint32_t done(struct compose *compose, int code)
{
    if (code < 0 && compose->code == 0)
        compose->code = code;
    return code < 0 ? GRAPH_NONE : compose->lower->result;
}

static struct move move_of(const struct compose *compose, enum graph_op op, uint32_t x)
{
    struct move move = {.op = op, .input = x, .x = compose_record(compose, x)};

    move.rank = move.x.rank;
    memcpy(move.dims, move.x.dims, sizeof move.dims);
    return move;
}

uint32_t compose_reshape(struct compose *compose, uint32_t x, uint32_t rank, const uint64_t *dims)
{
    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_reshape(compose->lower, x, rank, dims, &compose->lower->result));
}

uint32_t compose_transpose(struct compose *compose, uint32_t x, const uint32_t *permutation)
{
    struct move move = move_of(compose, GRAPH_TRANSPOSE, x);
    int64_t own[GRAPH_RANK_MAX], strides[GRAPH_RANK_MAX];
    bool same = true;

    if (compose->code < 0)
        return GRAPH_NONE;
    fold_strides(move.rank, move.x.dims, own);
    for (uint32_t i = 0; i < move.rank; i++) {
        same = same && permutation[i] == i;
        move.attributes.permutation[i] = permutation[i];
        move.dims[i] = move.x.dims[permutation[i]];
        strides[i] = own[permutation[i]];
    }
    return same ? x : done(compose, move_strided(compose->lower, &move, strides, 0));
}

uint32_t compose_slice(struct compose *compose, uint32_t x, uint32_t axis, int64_t start, uint64_t count, int64_t step)
{
    struct move move = move_of(compose, GRAPH_SLICE, x);
    int64_t strides[GRAPH_RANK_MAX], base;

    if (compose->code < 0)
        return GRAPH_NONE;
    if (start == 0 && step == 1 && count == move.dims[axis])
        return x;
    fold_strides(move.rank, move.x.dims, strides);
    base = count == 0 ? 0 : strides[axis] * start;
    strides[axis] *= step;
    for (uint32_t i = 0; i < move.rank; i++)
        move.attributes.step[i] = 1;
    move.attributes.start[axis] = start;
    move.attributes.step[axis] = step;
    move.dims[axis] = count;
    return done(compose, move_strided(compose->lower, &move, strides, base));
}

/* A copy of indices that the graph owns. */
static int64_t *keep_indices(struct compose *compose, const int64_t *indices, uint64_t count)
{
    void *room = NULL;
    int r = count > SIZE_MAX / sizeof *indices ? -1 : lower_fold_room(compose->lower, count, sizeof *indices, &room);

    if (r == 0 && room == NULL)
        r = lower_unsupported(compose->lower, "%llu indices are too many", (unsigned long long)count);
    (void)done(compose, r);
    if (r == 0)
        memcpy(room, indices, count * sizeof *indices);
    return room;
}

uint32_t compose_gather(struct compose *compose, uint32_t x, uint32_t axis, const int64_t *indices, uint64_t count)
{
    struct move move = move_of(compose, GRAPH_GATHER, x);

    if (compose->code < 0)
        return GRAPH_NONE;
    move.attributes.axis = axis;
    move.attributes.indices = keep_indices(compose, indices, count);
    move.attributes.index_count = count;
    move.dims[axis] = count;
    return compose->code < 0 ? GRAPH_NONE : done(compose, move_gather(compose->lower, &move));
}

static void fold_pick(const struct move *move, void *to, const void *from, size_t size)
{
    const struct graph_attributes *attributes = &move->attributes;
    uint64_t blocks = dims_elements(move->rank, move->dims) / attributes->index_count;
    uint64_t in = move->x.elements / blocks;
    int64_t whole = (int64_t)attributes->pad_value;
    const void *fill = size == sizeof(float) ? (const void *)&attributes->pad_value : &whole;

    for (uint64_t i = 0; i < blocks * attributes->index_count; i++) {
        int64_t index = attributes->indices[i % attributes->index_count];
        uint64_t at = i / attributes->index_count * in + (uint64_t)index;

        memcpy((uint8_t *)to + i * size, index < 0 ? fill : (const uint8_t *)from + at * size, size);
    }
}

uint32_t compose_pick(struct compose *compose, uint32_t x, const int64_t *indices, uint64_t index_count, float fill,
                      uint32_t rank, const uint64_t *dims)
{
    struct move move = move_of(compose, GRAPH_PICK, x);
    const void *from;
    void *room;
    size_t size;
    int r;

    if (compose->code < 0)
        return GRAPH_NONE;
    move.rank = rank;
    memcpy(move.dims, dims, rank * sizeof *dims);
    move.attributes.indices = keep_indices(compose, indices, index_count);
    move.attributes.index_count = index_count;
    move.attributes.pad_value = fill;
    if (compose->code < 0)
        return GRAPH_NONE;
    r = move_fold_start(compose->lower, &move, &size, &from, &room);
    if (r == 0 && room == NULL)
        r = move_emit(compose->lower, &move);
    else if (r == 0) {
        if (index_count > 0 && dims_elements(rank, dims) > 0)
            fold_pick(&move, room, from, size);
        r = move_fold_end(compose->lower, &move, room);
    }
    return done(compose, r);
}

uint32_t compose_concat(struct compose *compose, const uint32_t *parts, uint32_t count, uint32_t axis)
{
    if (compose->code < 0)
        return GRAPH_NONE;
    if (count == 0 || count > GRAPH_INPUTS_MAX)
        return done(compose, lower_unsupported(compose->lower, "%u parts; up to %u are possible", count,
                                               GRAPH_INPUTS_MAX));
    return done(compose, move_concat(compose->lower, parts, count, axis));
}

uint32_t compose_expand(struct compose *compose, uint32_t x, uint32_t rank, const uint64_t *dims)
{
    struct lower_value record = compose_record(compose, x);
    uint64_t full[GRAPH_RANK_MAX];
    uint32_t missing;

    if (compose->code < 0)
        return GRAPH_NONE;
    missing = rank - record.rank;
    for (uint32_t i = 0; i < rank; i++)
        full[i] = i < missing ? 1 : record.dims[i - missing];
    x = compose_reshape(compose, x, rank, full);
    for (uint32_t i = 0; i < rank && compose->code == 0; i++) {
        CLEANUP_FREE int64_t *zeros = NULL;

        if (full[i] == dims[i])
            continue;
        zeros = dims[i] > MODEL_INTEGERS_MAX ? NULL : calloc(dims[i] + 1, sizeof *zeros);
        if (zeros == NULL)
            return done(compose, lower_unsupported(compose->lower, "an axis is repeated %llu times",
                                                   (unsigned long long)dims[i]));
        x = compose_gather(compose, x, i, zeros, dims[i]);
    }
    return x;
}

uint32_t compose_pad(struct compose *compose, uint32_t x, uint32_t axis, uint32_t begin, uint32_t end, float value)
{
    struct move move = move_of(compose, GRAPH_PAD, x);

    if (compose->code < 0)
        return GRAPH_NONE;
    if (begin == 0 && end == 0)
        return x;
    move.attributes.pad_begin[axis] = begin;
    move.attributes.pad_end[axis] = end;
    move.attributes.pad_value = value;
    move.dims[axis] += (uint64_t)begin + end;
    return done(compose, move_emit(compose->lower, &move));
}

static int fold_where(struct lower *lower, const uint32_t *inputs, const struct lower_value *made, void *room)
{
    struct compose compose = {.lower = lower};
    size_t size = made->type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t);
    uint64_t elements = dims_elements(made->rank, made->dims);
    const void *branches[2];
    const int64_t *condition;
    uint32_t wide[3];
    int r = 0;

    for (uint32_t k = 0; k < 3; k++)
        wide[k] = compose_expand(&compose, inputs[k], made->rank, made->dims);
    if (compose.code < 0)
        return compose.code;
    r = lower_integers(lower, wide[0], &condition);
    for (uint32_t k = 0; r == 0 && k < 2; k++) {
        const int64_t *integers = NULL;
        const float *floats = NULL;

        r = made->type == ONNX_FLOAT ? lower_floats(lower, wide[k + 1], &floats)
                                     : lower_integers(lower, wide[k + 1], &integers);
        branches[k] = made->type == ONNX_FLOAT ? (const void *)floats : (const void *)integers;
    }
    for (uint64_t i = 0; r == 0 && i < elements; i++)
        memcpy((uint8_t *)room + i * size, (const uint8_t *)branches[condition[i] != 0 ? 0 : 1] + i * size, size);
    return r;
}

static int where(struct lower *lower, const uint32_t *inputs, uint32_t *ret_value)
{
    struct lower_value made = {.constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};
    struct lower_value records[3];
    double bound = 0;
    bool constant = true;
    void *room = NULL;
    int r = 0;

    for (uint32_t k = 0; k < 3; k++) {
        uint64_t dims[GRAPH_RANK_MAX];
        double most;

        records[k] = lower->values[inputs[k]];
        most = records[k].constant ? lower_type_bound(records[k].type) : records[k].bound;
        memcpy(dims, made.dims, sizeof dims);
        constant = constant && records[k].constant;
        if (k > 0)
            bound = most > bound ? most : bound;
        if (!dims_broadcast(made.rank, dims, records[k].rank, records[k].dims, &made.rank, made.dims))
            return lower_bad(lower, "its input %u, %s, does not fit the others", k,
                             DIMS_TEXT(records[k].rank, records[k].dims));
    }
    if (records[0].type != ONNX_BOOL || records[1].type != records[2].type)
        return lower_bad(lower, "its inputs are of %s, %s and %s", onnx_type_name(records[0].type),
                         onnx_type_name(records[1].type), onnx_type_name(records[2].type));
    if (dims_elements(made.rank, made.dims) == UINT64_MAX)
        return lower_bad(lower, "%s has more than 2^33 elements", DIMS_TEXT(made.rank, made.dims));
    made.type = records[1].type;
    if (constant)
        r = lower_fold_room(lower, dims_elements(made.rank, made.dims), sizeof(int64_t), &room);
    if (r < 0)
        return r;
    if (room == NULL) {
        r = lower_emit(lower, GRAPH_WHERE, inputs, 3, NULL, made.rank, made.dims, ret_value);
        return r < 0 ? r : lower_settle(lower, *ret_value, made.type, bound, ret_value);
    }
    r = fold_where(lower, inputs, &made, room);
    made.floats = made.type == ONNX_FLOAT ? room : NULL;
    made.integers = made.type == ONNX_FLOAT ? NULL : room;
    return r < 0 ? r : lower_add_value(lower, &made, ret_value);
}

uint32_t compose_where(struct compose *compose, uint32_t condition, uint32_t yes, uint32_t no)
{
    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, where(compose->lower, (uint32_t[]){condition, yes, no}, &compose->lower->result));
}
