/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering element by element, of floats and of integers.
 *
 * Integers and truths that depend on the input are computed in f32, which holds every whole number up to 2^24:
 * each such value carries a bound, types of 8 and 16 bits are wrapped as C does, and what could pass 2^24 is
 * refused, so that no such result is ever rounded.
 */
#include "guest/model/lower.h"

#include <errno.h>
#include <string.h>

int64_t lower_narrow(int64_t value, int32_t type)
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

double lower_type_bound(int32_t type)
{
    switch (type) {
    case ONNX_BOOL:
        return 1;
    case ONNX_UINT8:
        return 255;
    case ONNX_INT8:
        return 128;
    case ONNX_UINT16:
        return 65535;
    case ONNX_INT16:
        return 32768;
    default:
        return LOWER_EXACT_MAX;
    }
}

static bool is_signed(int32_t type)
{
    return type == ONNX_INT8 || type == ONNX_INT16 || type == ONNX_INT32 || type == ONNX_INT64;
}

int lower_settle(struct lower *lower, uint32_t value, int32_t type, double bound, uint32_t *ret_value)
{
    double most = lower_type_bound(type);
    int r;

    if (type != ONNX_FLOAT && bound > LOWER_EXACT_MAX)
        return lower_unsupported(lower, "its integers may reach %.0f; beyond 2^24 they are not computed with", bound);
    if (type != ONNX_FLOAT && most < LOWER_EXACT_MAX && bound > most) {
        float modulus = (float)(is_signed(type) ? 2 * most : most + 1);
        struct graph_attributes attributes = {.function = FUNCTION_WRAP,
                                              .alpha = modulus,
                                              .beta = is_signed(type) ? (float)-most : 0};

        r = lower_emit(lower, GRAPH_FUNCTION, &value, 1, &attributes, lower->values[value].rank,
                       lower->values[value].dims, &value);
        if (r < 0)
            return r;
        bound = most;
    }
    lower->values[value].type = type;
    lower->values[value].bound = bound;
    *ret_value = value;
    return 0;
}

int lower_constant_value(struct lower *lower, int32_t type, const void *elements, uint32_t rank, const uint64_t *dims,
                         uint32_t *ret_value)
{
    struct lower_value made = {
        .type = type, .rank = rank, .constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};
    size_t size = type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t);
    uint64_t count = dims_elements(rank, dims);
    void *room = NULL;
    int r = count == UINT64_MAX ? 0 : lower_fold_room(lower, count, size, &room);

    if (r < 0)
        return r;
    if (room == NULL)
        return lower_unsupported(lower, "the constants made here take more than %llu bytes",
                                 (unsigned long long)MODEL_FOLD_BYTES_MAX);
    if (rank > 0)
        memcpy(made.dims, dims, rank * sizeof *dims);
    if (count > 0)
        memcpy(room, elements, count * size);
    if (type == ONNX_FLOAT)
        made.floats = room;
    else
        made.integers = room;
    return lower_add_value(lower, &made, ret_value);
}

/* --- functions of one number ------------------------------------------------------------------------------------ */

static bool is_truth(enum function function)
{
    return function == FUNCTION_NOT || function == FUNCTION_IS_NAN || function == FUNCTION_IS_INF ||
           function == FUNCTION_IS_OTHER;
}

static int integer_function(enum function function, int64_t x, int64_t *ret_value)
{
    switch (function) {
    case FUNCTION_ABS:
    case FUNCTION_NEG:
        if (x == INT64_MIN)
            return -ERANGE;
        *ret_value = function == FUNCTION_NEG || x < 0 ? -x : x;
        return 0;
    case FUNCTION_SIGN:
        *ret_value = (x > 0) - (x < 0);
        return 0;
    case FUNCTION_NOT:
        *ret_value = x == 0;
        return 0;
    case FUNCTION_IS_OTHER:
        *ret_value = x != 0;
        return 0;
    case FUNCTION_FLOOR:
    case FUNCTION_CEIL:
    case FUNCTION_ROUND:
    case FUNCTION_TRUNCATE:
        *ret_value = x;
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

/* Elements of a constant under a function into `made`, whose type is settled. */
static int fold_function(struct lower *lower, enum function function, uint32_t value, const float *parameters,
                         struct lower_value *made, void *room)
{
    struct lower_value from = lower->values[value];
    const int64_t *integers = NULL;
    const float *floats = NULL;
    int r = from.type == ONNX_FLOAT ? lower_floats(lower, value, &floats) : lower_integers(lower, value, &integers);

    for (uint64_t i = 0; r == 0 && i < from.elements; i++) {
        int64_t whole = 0;

        if (floats != NULL) {
            float y = function_value(function, floats[i], parameters[0], parameters[1]);

            if (made->type == ONNX_FLOAT)
                ((float *)room)[i] = y;
            else
                ((int64_t *)room)[i] = y != 0;
            continue;
        }
        r = integer_function(function, integers[i], &whole);
        ((int64_t *)room)[i] = lower_narrow(whole, made->type);
    }
    if (r == -ERANGE || r == -EOPNOTSUPP)
        return lower_unsupported(lower, "%s of these integers is not supported", function_name(function));
    return r;
}

int lower_function(struct lower *lower, enum function function, uint32_t value, float alpha, float beta,
                   uint32_t *ret_value)
{
    struct lower_value x = lower->values[value];
    struct lower_value made = {.type = is_truth(function) ? (int32_t)ONNX_BOOL : x.type,
                               .rank = x.rank,
                               .constant = true,
                               .producer = GRAPH_NONE,
                               .source = GRAPH_NONE};
    struct graph_attributes attributes = {.function = function, .alpha = alpha, .beta = beta};
    void *room = NULL;
    int64_t ignored;
    int r;

    memcpy(made.dims, x.dims, sizeof made.dims);
    if (x.constant) {
        r = lower_fold_room(lower, x.elements, made.type == ONNX_FLOAT ? sizeof(float) : sizeof(int64_t), &room);
        if (r == 0 && room != NULL)
            r = fold_function(lower, function, value, (float[]){alpha, beta}, &made, room);
        if (r < 0)
            return r;
        if (room != NULL) {
            made.floats = made.type == ONNX_FLOAT ? room : NULL;
            made.integers = made.type == ONNX_FLOAT ? NULL : room;
            return lower_add_value(lower, &made, ret_value);
        }
    }
    if (x.type != ONNX_FLOAT && integer_function(function, 1, &ignored) < 0)
        return lower_unsupported(lower, "%s of %s is not supported", function_name(function), onnx_type_name(x.type));
    r = lower_emit(lower, GRAPH_FUNCTION, &value, 1, &attributes, x.rank, x.dims, ret_value);
    if (r < 0)
        return r;
    /* A signed type holds one number more below than above: its magnitude may have to wrap. */
    return lower_settle(lower, *ret_value, made.type,
                        is_truth(function) || function == FUNCTION_SIGN ? 1 : x.bound + (is_signed(x.type) ? 1 : 0),
                        ret_value);
}

/* --- pairs ------------------------------------------------------------------------------------------------------ */

/* Element i of floats in `room` as element i of int64. */
static void widen_truth(uint8_t *room, uint64_t i)
{
    float truth;
    int64_t wide;

    memcpy(&truth, room + i * sizeof truth, sizeof truth);
    wide = truth != 0;
    memcpy(room + i * sizeof wide, &wide, sizeof wide);
}

static int fold_two(struct lower *lower, struct fold_pair pair, const uint32_t *inputs, struct lower_value *made,
                    void *room)
{
    struct lower_value a = lower->values[inputs[0]], b = lower->values[inputs[1]];
    uint64_t elements = dims_elements(made->rank, made->dims);
    const int64_t *left_integers = NULL, *right_integers = NULL;
    const float *left = NULL, *right = NULL;
    bool floats = a.type == ONNX_FLOAT;
    int64_t *integers = room;
    int r = floats ? lower_floats(lower, inputs[0], &left) : lower_integers(lower, inputs[0], &left_integers);

    if (r == 0)
        r = floats ? lower_floats(lower, inputs[1], &right) : lower_integers(lower, inputs[1], &right_integers);
    if (r < 0)
        return r;
    if (floats) {
        fold_floats(pair, room, made->rank, made->dims, left, &a, right, &b);
        for (uint64_t i = elements; made->type != ONNX_FLOAT && i > 0; i--) /* in place, from the end */
            widen_truth(room, i - 1);
        return 0;
    }
    r = fold_integers(pair, integers, made->rank, made->dims, left_integers, &a, right_integers, &b);
    if (r == -ERANGE)
        return lower_bad(lower, "its integers overflow, or are divided by zero");
    if (r < 0)
        return lower_unsupported(lower, "it is not supported for %s", onnx_type_name(a.type));
    for (uint64_t i = 0; i < elements; i++)
        integers[i] = lower_narrow(integers[i], made->type);
    return 0;
}

/* The largest magnitude of a value: its own bound where computed, of a constant that of its elements. */
static int magnitude(struct lower *lower, uint32_t value, double *ret_bound)
{
    const int64_t *integers;
    int r;

    *ret_bound = lower->values[value].bound;
    if (!lower->values[value].constant)
        return 0;
    r = lower_integers(lower, value, &integers);
    *ret_bound = 0;
    for (uint64_t i = 0; r == 0 && i < lower->values[value].elements; i++) {
        double size = integers[i] < 0 ? -(double)integers[i] : (double)integers[i];

        if (size > *ret_bound)
            *ret_bound = size;
    }
    return r;
}

static int bound_pair(struct lower *lower, struct fold_pair pair, const uint32_t *inputs, double *ret_bound)
{
    double a, b;
    int r = magnitude(lower, inputs[0], &a);

    if (r == 0)
        r = magnitude(lower, inputs[1], &b);
    if (r < 0)
        return r;
    if (pair.op == GRAPH_FUNCTION2 && function2_is_truth(pair.function))
        *ret_bound = 1;
    else if (pair.op == GRAPH_ADD || pair.op == GRAPH_SUB)
        *ret_bound = a + b;
    else if (pair.op == GRAPH_MUL)
        *ret_bound = a * b;
    else if (pair.op == GRAPH_FUNCTION2 && pair.function == FUNCTION2_POW)
        *ret_bound = 2 * LOWER_EXACT_MAX; /* refused where it is not wrapped either */
    else
        *ret_bound = a > b ? a : b;
    return 0;
}

static int emit_two(struct lower *lower, struct fold_pair pair, const uint32_t *inputs, const struct lower_value *made,
                    uint32_t *ret_value)
{
    struct graph_attributes attributes = {.function2 = pair.function};
    bool integers = lower->values[inputs[0]].type != ONNX_FLOAT;
    double bound = 1;
    int r = integers ? bound_pair(lower, pair, inputs, &bound) : 0;

    if (integers && pair.op == GRAPH_DIV) {
        pair.op = GRAPH_FUNCTION2;
        attributes.function2 = FUNCTION2_DIVIDE_INTEGERS;
    }
    if (r == 0)
        r = lower_emit(lower, pair.op, inputs, 2, &attributes, made->rank, made->dims, ret_value);
    return r < 0 ? r : lower_settle(lower, *ret_value, made->type, bound, ret_value);
}

int lower_pair(struct lower *lower, struct fold_pair pair, uint32_t left, uint32_t right, uint32_t *ret_value)
{
    struct lower_value made = {.constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};
    struct lower_value a = lower->values[left], b = lower->values[right];
    uint32_t inputs[2] = {left, right};
    uint64_t elements;
    void *room = NULL;
    int r = 0;

    if (a.type != b.type)
        return lower_bad(lower, "its inputs are of %s and of %s", onnx_type_name(a.type), onnx_type_name(b.type));
    if (!dims_broadcast(a.rank, a.dims, b.rank, b.dims, &made.rank, made.dims))
        return lower_bad(lower, "%s and %s don't fit together", DIMS_TEXT(a.rank, a.dims), DIMS_TEXT(b.rank, b.dims));
    elements = dims_elements(made.rank, made.dims);
    if (elements == UINT64_MAX)
        return lower_bad(lower, "%s has more than 2^33 elements", DIMS_TEXT(made.rank, made.dims));
    made.type = pair.op == GRAPH_FUNCTION2 && function2_is_truth(pair.function) ? (int32_t)ONNX_BOOL : a.type;
    if (a.constant && b.constant)
        r = lower_fold_room(lower, elements, sizeof(int64_t), &room);
    if (r == 0 && room != NULL)
        r = fold_two(lower, pair, inputs, &made, room);
    if (r < 0)
        return r;
    if (room == NULL)
        return emit_two(lower, pair, inputs, &made, ret_value);
    made.floats = made.type == ONNX_FLOAT ? room : NULL;
    made.integers = made.type == ONNX_FLOAT ? NULL : room;
    return lower_add_value(lower, &made, ret_value);
}
