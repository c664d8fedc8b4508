/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of casts.
 *
 * Floats are held as f32, whatever their type: a cast to float16 or bfloat16 rounds to it, one to float64 changes
 * nothing. A computed float becomes an integer by losing its fraction; what a type of 8 or 16 bits can't hold
 * becomes its nearest (ONNX leaves it open). A whole f32 is exact whatever its size, so that wider types need no
 * bound for a cast alone.
 */
#include "guest/model/compose.h"

#include <string.h>

static int cast_integers(struct lower *lower, uint32_t input, const struct lower_value *made, void *room)
{
    const int64_t *from;
    int r = lower_integers(lower, input, &from);

    for (uint64_t i = 0; r == 0 && i < made->elements; i++) {
        if (made->type == ONNX_FLOAT)
            ((float *)room)[i] = (float)from[i];
        else
            ((int64_t *)room)[i] = lower_narrow(from[i], made->type);
    }
    return r;
}

static int cast_floats(struct lower *lower, uint32_t input, const struct lower_value *made, int64_t *room)
{
    const float *from;
    int r = lower_floats(lower, input, &from);

    for (uint64_t i = 0; r == 0 && i < made->elements; i++) {
        if (made->type == ONNX_BOOL) {
            room[i] = from[i] != 0;
            continue;
        }
        if (!(from[i] > -0x1p63f && from[i] < 0x1p63f))
            return lower_bad(lower, "element %llu does not fit into an integer", (unsigned long long)i);
        room[i] = lower_narrow((int64_t)from[i], made->type);
    }
    return r;
}

/* A constant between a float and an integer type, or two integer types. */
static int cast_constant(struct lower *lower, uint32_t input, int32_t type, uint32_t *ret_value)
{
    struct lower_value x = lower->values[input];
    struct lower_value made = {
        .type = type, .rank = x.rank, .constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};
    void *room;
    int r;

    memcpy(made.dims, x.dims, sizeof made.dims);
    made.elements = x.elements;
    r = lower_fold_room(lower, made.elements, sizeof(int64_t), &room);
    if (r < 0)
        return r;
    if (room == NULL)
        return lower_unsupported(lower, "%llu constants are too many to cast here", (unsigned long long)made.elements);
    r = x.type == ONNX_FLOAT ? cast_floats(lower, input, &made, room) : cast_integers(lower, input, &made, room);
    if (r < 0)
        return r;
    if (made.type == ONNX_FLOAT)
        made.floats = room;
    else
        made.integers = room;
    return lower_add_value(lower, &made, ret_value);
}

static int cast_computed(struct lower *lower, uint32_t input, int32_t type, uint32_t *ret_value)
{
    struct lower_value x = lower->values[input];
    struct compose c = {.lower = lower};
    double bound = lower_type_bound(type);
    uint32_t value;

    if (type == ONNX_BOOL)
        return lower_function(lower, FUNCTION_IS_OTHER, input, 0, 0, ret_value);
    if (x.type != ONNX_FLOAT) {
        *ret_value = compose_retype(&c, input, type, type == ONNX_FLOAT ? 0 : x.bound);
        return c.code;
    }
    value = compose_function(&c, FUNCTION_TRUNCATE, input);
    if (bound < LOWER_EXACT_MAX) {
        bool from_zero = type == ONNX_UINT8 || type == ONNX_UINT16;

        value = compose_clip(&c, value, from_zero ? 0 : -bound, from_zero ? bound : bound - 1);
    }
    *ret_value = compose_settle(&c, value, type, bound);
    return c.code;
}

int lower_cast_value(struct lower *lower, uint32_t input, int32_t type, uint32_t *ret_value)
{
    struct lower_value x = lower->values[input];
    int r;

    if (onnx_type_is_float(type) && x.type != ONNX_FLOAT) {
        r = x.constant ? cast_constant(lower, input, ONNX_FLOAT, &input) : cast_computed(lower, input, ONNX_FLOAT, &input);
        return r < 0 ? r : lower_cast_value(lower, input, type, ret_value);
    }
    if (type == ONNX_FLOAT16 || type == ONNX_BFLOAT16)
        return lower_function(lower, type == ONNX_FLOAT16 ? FUNCTION_HALF : FUNCTION_BFLOAT16, input, 0, 0, ret_value);
    if (x.type == type || onnx_type_is_float(type)) {
        *ret_value = input;
        return 0;
    }
    return x.constant ? cast_constant(lower, input, type, ret_value) : cast_computed(lower, input, type, ret_value);
}

int lower_cast(struct lower *lower)
{
    struct lower_value x;
    uint32_t input;
    int64_t to;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0)
        r = lower_attribute_int(lower, "to", ONNX_UNDEFINED, &to);
    if (r < 0)
        return r;
    if (to < 0 || to > ONNX_BFLOAT16 || (!onnx_type_is_float((int32_t)to) && !onnx_type_is_integer((int32_t)to)))
        return lower_unsupported(lower, "a cast to type %lld (%s)", (long long)to,
                                 to < 0 || to > INT32_MAX ? "unknown" : onnx_type_name((int32_t)to));
    return lower_cast_value(lower, input, (int32_t)to, &lower->result);
}

/* The type that a value has in the model; of computed floats it is not known, and taken for float32. */
static int32_t own_type(const struct lower_value *value)
{
    return value->tensor != NULL ? value->tensor->type : value->type;
}

int lower_cast_like(struct lower *lower)
{
    struct lower_value x, like;
    uint32_t input, ignored;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0)
        r = lower_any(lower, 1, &ignored, &like);
    return r < 0 ? r : lower_cast_value(lower, input, own_type(&like), &lower->result);
}
