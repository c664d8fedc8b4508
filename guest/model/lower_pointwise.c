/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of element-wise operators, Softmax, means and casts. */
#include "guest/model/lower.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int emit_unary(struct lower *lower, enum graph_op op, const struct graph_attributes *attributes)
{
    struct lower_value x;
    uint32_t input;
    int r = lower_data(lower, 0, &input, &x);

    return r < 0 ? r : lower_emit(lower, op, &input, 1, attributes, x.rank, x.dims, &lower->result);
}

int lower_relu(struct lower *lower)
{
    return emit_unary(lower, GRAPH_RELU, NULL);
}

int lower_sigmoid(struct lower *lower)
{
    return emit_unary(lower, GRAPH_SIGMOID, NULL);
}

int lower_tanh(struct lower *lower)
{
    return emit_unary(lower, GRAPH_TANH, NULL);
}

int lower_erf(struct lower *lower)
{
    return emit_unary(lower, GRAPH_ERF, NULL);
}

int lower_leaky_relu(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    int r = lower_attribute_float(lower, "alpha", 0.01f, &attributes.alpha);

    return r < 0 ? r : emit_unary(lower, GRAPH_LEAKY_RELU, &attributes);
}

int lower_elu(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    int r = lower_attribute_float(lower, "alpha", 1, &attributes.alpha);

    return r < 0 ? r : emit_unary(lower, GRAPH_ELU, &attributes);
}

int lower_hard_sigmoid(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    int r = lower_attribute_float(lower, "alpha", 0.2f, &attributes.alpha);

    if (r == 0)
        r = lower_attribute_float(lower, "beta", 0.5f, &attributes.beta);
    return r < 0 ? r : emit_unary(lower, GRAPH_HARD_SIGMOID, &attributes);
}

/* A bound of Clip at an input: a constant scalar, or left out. */
static int clip_bound(struct lower *lower, uint32_t index, float *bound)
{
    struct lower_value record;
    const float *floats;
    uint32_t value;
    int r;

    if (lower_input(lower, index) == GRAPH_NONE)
        return 0;
    r = lower_parameter(lower, index, GRAPH_NONE, &value, &record);
    if (r < 0)
        return r;
    if (record.elements != 1)
        return lower_bad(lower, "its bound at input %u is %s, not a scalar", index,
                         DIMS_TEXT(record.rank, record.dims));
    r = lower_floats(lower, value, &floats);
    if (r < 0)
        return r;
    if (isnan(floats[0]))
        return lower_bad(lower, "its bound at input %u is not a number", index);
    *bound = floats[0];
    return 0;
}

int lower_clip(struct lower *lower)
{
    struct graph_attributes attributes = {.alpha = -INFINITY, .beta = INFINITY};
    int r = 0;

    if (lower->model->opset < 11) {
        if (lower->node->input_count > 1)
            return lower_bad(lower, "bounds as inputs came with operator set 11");
        r = lower_attribute_float(lower, "min", -INFINITY, &attributes.alpha);
        if (r == 0)
            r = lower_attribute_float(lower, "max", INFINITY, &attributes.beta);
    } else {
        r = clip_bound(lower, 1, &attributes.alpha);
        if (r == 0)
            r = clip_bound(lower, 2, &attributes.beta);
    }
    return r < 0 ? r : emit_unary(lower, GRAPH_CLIP, &attributes);
}

/* Before operator set 13 the axis and all behind it count as one; since then the axis alone. */
static int emit_softmax(struct lower *lower, enum graph_op op)
{
    struct graph_attributes attributes = {0};
    bool flattens = lower->model->opset < 13;
    struct lower_value x;
    int64_t axis;
    uint32_t input;
    int r = lower_data(lower, 0, &input, &x);

    if (r == 0)
        r = lower_attribute_int(lower, "axis", flattens ? 1 : -1, &axis);
    if (r == 0)
        r = lower_axis(lower, axis, x.rank, &attributes.axis);
    if (r < 0)
        return r;
    attributes.axis_end = flattens ? x.rank : attributes.axis + 1;
    return lower_emit(lower, op, &input, 1, &attributes, x.rank, x.dims, &lower->result);
}

int lower_softmax(struct lower *lower)
{
    return emit_softmax(lower, GRAPH_SOFTMAX);
}

int lower_log_softmax(struct lower *lower)
{
    return emit_softmax(lower, GRAPH_LOG_SOFTMAX);
}

/* --- arithmetic ------------------------------------------------------------------------------ */

static int fold_pair(struct lower *lower, enum graph_op op, const uint32_t *inputs, const struct lower_value *shape)
{
    struct lower_value made = *shape;
    struct lower_value a = lower->values[inputs[0]], b = lower->values[inputs[1]];
    bool floats = a.type == ONNX_FLOAT;
    uint64_t elements = dims_elements(made.rank, made.dims);
    const int64_t *left_integers, *right_integers;
    const float *left, *right;
    void *room;
    int r = lower_fold_room(lower, elements, floats ? sizeof(float) : sizeof(int64_t), &room);

    if (r < 0)
        return r;
    if (room == NULL && floats)
        return lower_emit(lower, op, inputs, 2, NULL, made.rank, made.dims, &lower->result);
    if (room == NULL)
        return lower_unsupported(lower, "%s integers are too many to work out here", DIMS_TEXT(made.rank, made.dims));
    if (floats) {
        r = lower_floats(lower, inputs[0], &left);
        if (r == 0)
            r = lower_floats(lower, inputs[1], &right);
        if (r < 0)
            return r;
        fold_floats(op, room, made.rank, made.dims, left, &a, right, &b);
        made.floats = room;
    } else {
        r = lower_integers(lower, inputs[0], &left_integers);
        if (r == 0)
            r = lower_integers(lower, inputs[1], &right_integers);
        if (r < 0)
            return r;
        r = fold_integers(op, room, made.rank, made.dims, left_integers, &a, right_integers, &b);
        if (r < 0)
            return lower_bad(lower, "its integers overflow, or are divided by zero");
        made.integers = room;
    }
    return lower_add_value(lower, &made, &lower->result);
}

static int emit_pair(struct lower *lower, enum graph_op op)
{
    struct lower_value made = {.constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};
    const struct lower_value *a, *b;
    uint32_t inputs[2] = {lower_input(lower, 0), lower_input(lower, 1)};

    if (inputs[0] == GRAPH_NONE || inputs[1] == GRAPH_NONE)
        return lower_bad(lower, "one of its two inputs is missing");
    a = &lower->values[inputs[0]];
    b = &lower->values[inputs[1]];
    if (a->type != b->type)
        return lower_bad(lower, "its inputs are of %s and of %s", onnx_type_name(a->type), onnx_type_name(b->type));
    if (!dims_broadcast(a->rank, a->dims, b->rank, b->dims, &made.rank, made.dims))
        return lower_bad(lower, "%s and %s don't fit together", DIMS_TEXT(a->rank, a->dims),
                         DIMS_TEXT(b->rank, b->dims));
    if (dims_elements(made.rank, made.dims) == UINT64_MAX)
        return lower_bad(lower, "%s has more than 2^33 elements", DIMS_TEXT(made.rank, made.dims));
    made.type = a->type;
    if (a->constant && b->constant)
        return fold_pair(lower, op, inputs, &made);
    return lower_emit(lower, op, inputs, 2, NULL, made.rank, made.dims, &lower->result);
}

int lower_add(struct lower *lower)
{
    return emit_pair(lower, GRAPH_ADD);
}

int lower_sub(struct lower *lower)
{
    return emit_pair(lower, GRAPH_SUB);
}

int lower_mul(struct lower *lower)
{
    return emit_pair(lower, GRAPH_MUL);
}

int lower_div(struct lower *lower)
{
    return emit_pair(lower, GRAPH_DIV);
}

int lower_reduce_mean(struct lower *lower)
{
    struct graph_attributes attributes = {0};
    struct lower_value x;
    uint64_t dims[GRAPH_RANK_MAX];
    const int64_t *axes;
    int64_t keep;
    uint32_t input, count, axis, rank = 0;
    int r = lower_data(lower, 0, &input, &x);

    if (r == 0)
        r = lower_attribute_int(lower, "keepdims", 1, &keep);
    if (r == 0)
        r = lower_attribute_ints(lower, "axes", &axes, &count);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < x.rank; i++)
        attributes.reduce[i] = axes == NULL || count == 0;
    for (uint32_t i = 0; i < count; i++) {
        r = lower_axis(lower, axes[i], x.rank, &axis);
        if (r < 0)
            return r;
        attributes.reduce[axis] = true;
    }
    for (uint32_t i = 0; i < x.rank; i++)
        if (!attributes.reduce[i] || keep != 0)
            dims[rank++] = attributes.reduce[i] ? 1 : x.dims[i];
    return lower_emit(lower, GRAPH_REDUCE_MEAN, &input, 1, &attributes, rank, dims, &lower->result);
}

/* --- casts ----------------------------------------------------------------------------------- */

/* What an integer becomes in a narrower type, as C converts it. */
static int64_t narrow(int64_t value, int32_t type)
{
    switch (type) {
    case ONNX_BOOL:
        return value != 0;
    case ONNX_UINT8:
        return (uint8_t)value;
    case ONNX_INT8:
        return (int8_t)value;
    case ONNX_UINT16:
        return (uint16_t)value;
    case ONNX_INT16:
        return (int16_t)value;
    case ONNX_UINT32:
        return (uint32_t)value;
    case ONNX_INT32:
        return (int32_t)value;
    default:
        return value;
    }
}

static int cast_integers(struct lower *lower, uint32_t input, struct lower_value *made, void *room)
{
    const int64_t *from;
    int r = lower_integers(lower, input, &from);

    if (r < 0)
        return r;
    for (uint64_t i = 0; i < made->elements; i++) {
        if (made->type == ONNX_FLOAT)
            ((float *)room)[i] = (float)from[i];
        else
            ((int64_t *)room)[i] = narrow(from[i], made->type);
    }
    return 0;
}

static int cast_floats(struct lower *lower, uint32_t input, struct lower_value *made, int64_t *room)
{
    const float *from;
    int r = lower_floats(lower, input, &from);

    if (r < 0)
        return r;
    for (uint64_t i = 0; i < made->elements; i++) {
        if (made->type == ONNX_BOOL) {
            room[i] = from[i] != 0;
            continue;
        }
        if (!(from[i] > -0x1p63f && from[i] < 0x1p63f))
            return lower_bad(lower, "element %llu does not fit into an integer", (unsigned long long)i);
        room[i] = narrow((int64_t)from[i], made->type);
    }
    return 0;
}

int lower_cast(struct lower *lower)
{
    uint32_t input = lower_input(lower, 0);
    const struct lower_value *x;
    struct lower_value made;
    int64_t to;
    void *room;
    int r = lower_attribute_int(lower, "to", ONNX_UNDEFINED, &to);

    if (r < 0)
        return r;
    if (input == GRAPH_NONE)
        return lower_bad(lower, "its input is missing");
    x = &lower->values[input];
    if (to < 0 || to > ONNX_BFLOAT16 || (!onnx_type_is_float((int32_t)to) && !onnx_type_is_integer((int32_t)to)))
        return lower_unsupported(lower, "a cast to type %lld (%s)", (long long)to,
                                 to < 0 || to > INT32_MAX ? "unknown" : onnx_type_name((int32_t)to));
    if (x->type == ONNX_FLOAT && to == ONNX_FLOAT) {
        lower->result = input;
        return 0;
    }
    if (!x->constant || to == ONNX_FLOAT16 || to == ONNX_BFLOAT16)
        return lower_unsupported(lower, "%s cast to %s; values that depend on the input stay float32",
                                 x->constant ? "a constant" : "a computed value", onnx_type_name((int32_t)to));
    made = *x;
    made.name = (struct span){0};
    made.type = onnx_type_is_float((int32_t)to) ? ONNX_FLOAT : (int32_t)to;
    if (x->type == ONNX_FLOAT && made.type == ONNX_FLOAT) {
        lower->result = input;
        return 0;
    }
    made.producer = made.source = GRAPH_NONE;
    made.tensor = NULL;
    made.floats = NULL;
    made.integers = NULL;
    r = lower_fold_room(lower, made.elements, sizeof(int64_t), &room);
    if (r < 0)
        return r;
    if (room == NULL)
        return lower_unsupported(lower, "%llu constants are too many to cast here", (unsigned long long)made.elements);
    r = x->type == ONNX_FLOAT ? cast_floats(lower, input, &made, room) : cast_integers(lower, input, &made, room);
    if (r < 0)
        return r;
    if (made.type == ONNX_FLOAT)
        made.floats = room;
    else
        made.integers = room;
    return lower_add_value(lower, &made, &lower->result);
}
