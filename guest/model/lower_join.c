/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what puts elements together: Pad and Concat. */
#include "guest/model/lower_index.h"
#include "guest/model/lower_move.h"

#include <string.h>

/* --- Pad --------------------------------------------------------------------------------------- */

struct pad {
    const int64_t *pads;
    uint64_t count;
    struct span mode;
    float value;
};

static int take_pad(struct lower *lower, struct pad *ret_pad)
{
    uint32_t count = 0;
    double value;
    int r = lower_attribute_text(lower, "mode", &ret_pad->mode);

    if (r < 0)
        return r;
    if (lower->model->opset < 11) {
        if (lower->node->input_count > 1)
            return lower_bad(lower, "pads as an input came with operator set 11");
        r = lower_attribute_float(lower, "value", 0, &ret_pad->value);
        if (r == 0)
            r = lower_attribute_ints(lower, "pads", &ret_pad->pads, &count);
        ret_pad->count = count;
        return r;
    }
    ret_pad->value = 0;
    r = lower_list(lower, 1, &ret_pad->pads, &ret_pad->count);
    if (r < 0 || lower_input(lower, 2) == GRAPH_NONE)
        return r;
    r = lower_scalar(lower, 2, 0, &value);
    if (r == 0)
        ret_pad->value = (float)value;
    return r;
}

static int pad_mode(struct lower *lower, struct span mode, enum graph_pad_mode *ret_mode)
{
    static const char *const names[] = {
        [GRAPH_PAD_CONSTANT] = "constant", [GRAPH_PAD_REFLECT] = "reflect", [GRAPH_PAD_EDGE] = "edge"};

    *ret_mode = GRAPH_PAD_CONSTANT;
    for (unsigned i = 0; mode.size > 0 && i < 3; i++)
        if (span_equal(mode, names[i])) {
            *ret_mode = (enum graph_pad_mode)i;
            return 0;
        }
    return mode.size == 0 ? 0 : lower_unsupported(lower, "mode '%s' is not known", SPAN_TEXT(mode));
}

/* Negative padding cuts: a Slice in front, whose result is then padded. */
static int cut_negative(struct lower *lower, struct move *move, const int64_t *pads)
{
    struct move cut = *move;
    bool cuts = false;
    int r;

    cut.op = GRAPH_SLICE;
    memset(&cut.attributes, 0, sizeof cut.attributes);
    for (uint32_t i = 0; i < move->rank; i++) {
        int64_t begin = pads[i] < 0 ? pads[i] : 0, end = pads[i + move->rank] < 0 ? pads[i + move->rank] : 0;

        cut.attributes.step[i] = 1;
        cut.attributes.start[i] = -begin;
        if (-(begin + end) >= (int64_t)move->x.dims[i] && begin + end < 0)
            return lower_bad(lower, "its negative padding cuts all of axis %u", i);
        cut.dims[i] -= (uint64_t) - (begin + end);
        cuts = cuts || begin + end < 0;
    }
    if (!cuts)
        return 0;
    r = move_emit(lower, &cut);
    if (r < 0)
        return r;
    move->input = lower->result;
    move->x = lower->values[lower->result];
    return 0;
}

/* The input's position for a padded one, or -1 for the fill. */
static int64_t padded(const struct graph_attributes *attributes, uint32_t axis, uint64_t size, uint64_t i)
{
    int64_t at = (int64_t)i - attributes->pad_begin[axis], last = (int64_t)size - 1;

    if (at >= 0 && at <= last)
        return at;
    if (attributes->pad_mode == GRAPH_PAD_EDGE)
        return at < 0 ? 0 : last;
    if (attributes->pad_mode == GRAPH_PAD_REFLECT)
        return at < 0 ? -at : 2 * last - at;
    return -1;
}

/* Of a constant: which element, or the fill, for each of the result. */
static int fold_pad(struct lower *lower, const struct move *move)
{
    struct compose c = {.lower = lower};
    uint64_t count = dims_elements(move->rank, move->dims), at[GRAPH_RANK_MAX];
    CLEANUP_FREE int64_t *table = index_table(&c, count);

    for (uint64_t i = 0; c.code == 0 && i < count; i++) {
        bool filled = false;

        index_unravel(move->rank, move->dims, i, at);
        for (uint32_t axis = 0; axis < move->rank; axis++) {
            int64_t position = padded(&move->attributes, axis, move->x.dims[axis], at[axis]);

            filled = filled || position < 0;
            at[axis] = (uint64_t)position;
        }
        table[i] = filled ? -1 : (int64_t)index_ravel(move->rank, move->x.dims, at);
    }
    return compose_end(&c, index_pick(&c, move->input, table, move->attributes.pad_value, move->rank, move->dims));
}

int lower_pad(struct lower *lower)
{
    struct move move = {.op = GRAPH_PAD};
    struct pad pad = {0};
    int r = move_take(lower, &move);

    if (r == 0)
        r = take_pad(lower, &pad);
    if (r == 0)
        r = pad_mode(lower, pad.mode, &move.attributes.pad_mode);
    if (r < 0)
        return r;
    if (move.x.elements == 0)
        return lower_bad(lower, "its input %s has no elements", DIMS_TEXT(move.x.rank, move.x.dims));
    if (pad.pads == NULL || pad.count != (uint64_t)move.rank * 2)
        return lower_bad(lower, "%llu numbers of padding for %u dimensions", (unsigned long long)pad.count, move.rank);
    for (uint64_t i = 0; i < pad.count; i++)
        if (pad.pads[i] < -(int64_t)MODEL_DIM_MAX || pad.pads[i] > MODEL_WINDOW_MAX)
            return lower_bad(lower, "padding of %lld; up to %u is possible", (long long)pad.pads[i], MODEL_WINDOW_MAX);
    r = cut_negative(lower, &move, pad.pads);
    if (r < 0)
        return r;
    move.attributes.pad_value = pad.value;
    for (uint32_t i = 0; i < move.rank; i++) {
        int64_t begin = pad.pads[i], end = pad.pads[i + move.rank];
        uint64_t most = move.x.dims[i] - 1;

        move.attributes.pad_begin[i] = begin > 0 ? (uint32_t)begin : 0;
        move.attributes.pad_end[i] = end > 0 ? (uint32_t)end : 0;
        if (move.attributes.pad_mode == GRAPH_PAD_REFLECT &&
            (move.attributes.pad_begin[i] > most || move.attributes.pad_end[i] > most))
            return lower_bad(lower, "axis %u has %llu elements; reflecting %lld and %lld needs more", i,
                             (unsigned long long)move.x.dims[i], (long long)begin, (long long)end);
        move.dims[i] = move.x.dims[i] + move.attributes.pad_begin[i] + move.attributes.pad_end[i];
    }
    return move.x.constant ? fold_pad(lower, &move) : move_emit(lower, &move);
}

/* --- Concat ------------------------------------------------------------------------------------ */

static int check_part(struct lower *lower, const struct move *move, uint32_t axis, uint32_t value)
{
    const struct lower_value *part = &lower->values[value];

    if (part->type != move->x.type)
        return lower_bad(lower, "its inputs are of %s and of %s", onnx_type_name(move->x.type),
                         onnx_type_name(part->type));
    for (uint32_t i = 0; i < move->rank || part->rank != move->rank; i++)
        if (part->rank != move->rank || (i != axis && part->dims[i] != move->x.dims[i]))
            return lower_bad(lower, "%s and %s differ beside axis %u", DIMS_TEXT(move->x.rank, move->x.dims),
                             DIMS_TEXT(part->rank, part->dims), axis);
    return 0;
}

/* Copies one constant part into its place. */
static int fold_part(struct lower *lower, const struct move *move, uint32_t axis, uint32_t value, uint64_t before,
                     uint8_t *room, size_t size)
{
    struct lower_value part = lower->values[value];
    uint64_t outer = dims_elements(axis, part.dims);
    uint64_t inner = dims_elements(part.rank - axis - 1, part.dims + axis + 1);
    const int64_t *integers = NULL;
    const float *floats = NULL;
    const uint8_t *from;
    int r = part.type == ONNX_FLOAT ? lower_floats(lower, value, &floats) : lower_integers(lower, value, &integers);

    if (r < 0 || part.elements == 0)
        return r;
    from = part.type == ONNX_FLOAT ? (const uint8_t *)floats : (const uint8_t *)integers;
    for (uint64_t i = 0; i < outer; i++)
        memcpy(room + (i * move->dims[axis] + before) * inner * size, from + i * part.dims[axis] * inner * size,
               part.dims[axis] * inner * size);
    return 0;
}

static int fold_concat(struct lower *lower, struct move *move, const uint32_t *parts, uint32_t count, void *room)
{
    size_t size = move->x.type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t);
    uint32_t axis = move->attributes.axis;
    uint64_t before = 0;

    for (uint32_t i = 0; i < count; i++) {
        int r = fold_part(lower, move, axis, parts[i], before, room, size);

        if (r < 0)
            return r;
        before += lower->values[parts[i]].dims[axis];
    }
    return move_fold_end(lower, move, room);
}

int move_concat(struct lower *lower, const uint32_t *parts, uint32_t count, uint32_t axis)
{
    struct move move = {.op = GRAPH_CONCAT, .input = parts[0], .x = lower->values[parts[0]]};
    uint32_t kept = 0, full[GRAPH_INPUTS_MAX];
    bool constant = true;
    double bound = 0;
    void *room = NULL;
    int r = 0;

    move.rank = move.x.rank;
    memcpy(move.dims, move.x.dims, sizeof move.dims);
    move.attributes.axis = axis;
    move.dims[axis] = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct lower_value *part = &lower->values[parts[i]];
        double most = part->constant ? lower_type_bound(part->type) : part->bound;

        r = check_part(lower, &move, axis, parts[i]);
        if (r < 0)
            return r;
        constant = constant && part->constant;
        bound = most > bound ? most : bound;
        move.dims[axis] += part->dims[axis];
        if (part->elements > 0)
            full[kept++] = parts[i];
    }
    if (dims_elements(move.rank, move.dims) == UINT64_MAX)
        return lower_bad(lower, "%s has more than 2^33 elements", DIMS_TEXT(move.rank, move.dims));
    if (constant)
        r = lower_fold_room(lower, dims_elements(move.rank, move.dims),
                            move.x.type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t), &room);
    if (r < 0)
        return r;
    if (room != NULL)
        return fold_concat(lower, &move, parts, count, room);
    if (kept == 1) {
        lower->result = full[0];
        return 0;
    }
    r = lower_emit(lower, GRAPH_CONCAT, full, kept, &move.attributes, move.rank, move.dims, &lower->result);
    return r < 0 ? r : lower_settle(lower, lower->result, move.x.type, bound, &lower->result);
}

int lower_concat(struct lower *lower)
{
    struct lower_value x;
    uint32_t input, axis;
    int64_t asked;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0 && lower_attribute(lower, "axis") == NULL)
        r = lower_bad(lower, "attribute axis is missing");
    if (r == 0)
        r = lower_attribute_int(lower, "axis", 0, &asked);
    if (r == 0)
        r = lower_axis(lower, asked, x.rank, &axis);
    for (uint32_t i = 0; r == 0 && i < lower->node->input_count; i++)
        if (lower_input(lower, i) == GRAPH_NONE)
            r = lower_bad(lower, "its input %u is missing", i);
    return r < 0 ? r : move_concat(lower, lower->inputs, lower->node->input_count, axis);
}
