/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what is constant once shapes are known: Size, ConstantOfShape, Range, OneHot, EyeLike, NonZero. */
#include "guest/model/compose.h"

#include <errno.h>
#include <string.h>

static int no_memory(struct lower *lower)
{
    return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
}

/* Room for elements of a type, within what folding may take. */
static int make_room(struct lower *lower, uint64_t count, void **ret_room)
{
    if (count > MODEL_FOLD_BYTES_MAX / sizeof(int64_t))
        return lower_unsupported(lower, "a constant of %llu elements; the limit is %llu", (unsigned long long)count,
                                 (unsigned long long)(MODEL_FOLD_BYTES_MAX / sizeof(int64_t)));
    *ret_room = calloc(count + 1, sizeof(int64_t));
    return *ret_room == NULL ? no_memory(lower) : 0;
}

int lower_size(struct lower *lower)
{
    struct lower_value x;
    uint32_t input;
    int r = lower_any(lower, 0, &input, &x);

    return r < 0 ? r
                 : lower_constant_value(lower, ONNX_INT64, &(int64_t){(int64_t)x.elements}, 0, NULL, &lower->result);
}

/* Attribute value, a tensor of one element: its type, and the element as a float or as an integer. */
static int take_fill(struct lower *lower, int32_t *ret_type, float *ret_float, int64_t *ret_integer)
{
    const struct onnx_attribute *value = lower_attribute(lower, "value");
    struct span file = {lower->model->data, lower->model->size};

    *ret_type = ONNX_FLOAT;
    *ret_float = 0;
    *ret_integer = 0;
    if (value == NULL)
        return 0;
    if (!value->has_t || value->t.elements != 1)
        return lower_bad(lower, "attribute value must be a tensor of one element");
    *ret_type = onnx_type_is_float(value->t.type) ? (int32_t)ONNX_FLOAT : value->t.type;
    return *ret_type == ONNX_FLOAT ? onnx_tensor_floats(file, &value->t, ret_float, lower->err)
                                   : onnx_tensor_integers(file, &value->t, ret_integer, lower->err);
}

int lower_constant_of_shape(struct lower *lower)
{
    const int64_t *shape;
    uint64_t dims[GRAPH_RANK_MAX], rank, count;
    CLEANUP_FREE void *room = NULL;
    int32_t type = ONNX_FLOAT;
    int64_t integer = 0;
    float number = 0;
    int r = lower_list(lower, 0, &shape, &rank);

    if (r == 0 && shape == NULL)
        r = lower_bad(lower, "its shape is missing");
    if (r == 0)
        r = take_fill(lower, &type, &number, &integer);
    if (r < 0)
        return r;
    if (rank > GRAPH_RANK_MAX)
        return lower_unsupported(lower, "its shape has %llu dimensions; the limit is %u", (unsigned long long)rank,
                                 GRAPH_RANK_MAX);
    for (uint64_t i = 0; i < rank; i++) {
        if (shape[i] < 0 || shape[i] > (int64_t)MODEL_DIM_MAX)
            return lower_bad(lower, "dimension %llu of its shape is %lld", (unsigned long long)i, (long long)shape[i]);
        dims[i] = (uint64_t)shape[i];
    }
    count = dims_elements((uint32_t)rank, dims);
    if (count == UINT64_MAX)
        return lower_bad(lower, "%s has more than 2^33 elements", DIMS_TEXT((uint32_t)rank, dims));
    r = make_room(lower, count, &room);
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        if (type == ONNX_FLOAT)
            ((float *)room)[i] = number;
        else
            ((int64_t *)room)[i] = integer;
    }
    return r < 0 ? r : lower_constant_value(lower, type, room, (uint32_t)rank, dims, &lower->result);
}

/* Start, limit and step of one type; elements are start + i·step, as the specification has it. */
int lower_range(struct lower *lower)
{
    CLEANUP_FREE void *room = NULL;
    double bounds[3], steps;
    struct lower_value first;
    uint32_t value;
    uint64_t count;
    int r = lower_any(lower, 0, &value, &first);

    for (uint32_t i = 0; r == 0 && i < 3; i++)
        r = lower_scalar(lower, i, 0, &bounds[i]);
    if (r < 0)
        return r;
    steps = (bounds[1] - bounds[0]) / bounds[2];
    if (!(bounds[2] > 0 || bounds[2] < 0) || !(steps <= (double)MODEL_INTEGERS_MAX))
        return lower_bad(lower, "a range from %g to %g by %g", bounds[0], bounds[1], bounds[2]);
    count = steps > 0 ? (uint64_t)steps : 0;
    count += (double)count < steps ? 1 : 0;
    r = make_room(lower, count, &room);
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        if (first.type == ONNX_FLOAT)
            ((float *)room)[i] = (float)bounds[0] + (float)i * (float)bounds[2];
        else
            ((int64_t *)room)[i] = (int64_t)bounds[0] + (int64_t)i * (int64_t)bounds[2];
    }
    return r < 0 ? r : lower_constant_value(lower, first.type, room, 1, &count, &lower->result);
}

/*
 * OneHot: the index, with a new axis behind it, compared with 0, 1, 2, ..., then off + truth·(on − off) chosen by
 * Where; so it is folded where indices are constant, and computed where they are an ArgMax, say.
 */
int lower_one_hot(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t indices = compose_input(&c, 0), values = compose_input(&c, 2), axis = 0, counted = GRAPH_NONE, negative;
    struct lower_value x = compose_record(&c, indices), given = compose_record(&c, values);
    uint64_t dims[GRAPH_RANK_MAX], count, ones[GRAPH_RANK_MAX];
    CLEANUP_FREE void *room = NULL;
    int64_t asked = -1;
    double depth = 0;

    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "axis", -1, &asked));
    if (c.code == 0)
        compose_check(&c, lower_scalar(lower, 1, 0, &depth));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, asked, x.rank + 1, &axis));
    if (c.code < 0)
        return c.code;
    if (!(depth >= 1 && depth <= (double)MODEL_INTEGERS_MAX) || x.rank == GRAPH_RANK_MAX || given.elements != 2)
        return lower_bad(lower, "a depth of %g for indices of %s and %llu values", depth, DIMS_TEXT(x.rank, x.dims),
                         (unsigned long long)given.elements);
    count = (uint64_t)depth;
    compose_check(&c, make_room(lower, count, &room));
    for (uint64_t i = 0; c.code == 0 && i < count; i++) {
        if (x.type == ONNX_FLOAT)
            ((float *)room)[i] = (float)i;
        else
            ((int64_t *)room)[i] = (int64_t)i;
    }
    for (uint32_t i = 0; i <= x.rank; i++) {
        dims[i] = i == axis ? 1 : x.dims[i < axis ? i : i - 1];
        ones[i] = i == axis ? count : 1;
    }
    indices = compose_reshape(&c, indices, x.rank + 1, dims);
    if (c.code == 0)
        compose_check(&c, lower_constant_value(lower, x.type, room, x.rank + 1, ones, &counted));
    /* Indices may count from the end: −1 is the last. */
    if (x.type == ONNX_FLOAT)
        memcpy(room, &(float){(float)depth}, sizeof(float));
    else
        memcpy(room, &(int64_t){(int64_t)count}, sizeof(int64_t));
    negative = GRAPH_NONE;
    if (c.code == 0)
        compose_check(&c, lower_constant_value(lower, x.type, room, 0, NULL, &negative));
    negative = compose_function2(&c, FUNCTION2_EQUAL, indices, compose_sub(&c, counted, negative));
    negative = compose_function2(&c, FUNCTION2_OR, compose_function2(&c, FUNCTION2_EQUAL, indices, counted), negative);
    return compose_end(&c, compose_where(&c, negative, compose_slice(&c, values, 0, 1, 1, 1),
                                         compose_slice(&c, values, 0, 0, 1, 1)));
}

int lower_eye_like(struct lower *lower)
{
    CLEANUP_FREE void *room = NULL;
    struct lower_value x;
    int64_t k = 0, type;
    uint32_t input;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0)
        r = lower_attribute_int(lower, "k", 0, &k);
    if (r == 0)
        r = lower_attribute_int(lower, "dtype", x.type, &type);
    if (r < 0)
        return r;
    if (x.rank != 2 || type < 0 || type > ONNX_BFLOAT16)
        return lower_bad(lower, "its input is %s; a matrix is needed", DIMS_TEXT(x.rank, x.dims));
    type = onnx_type_is_float((int32_t)type) ? (int64_t)ONNX_FLOAT : type;
    r = make_room(lower, x.elements, &room);
    for (uint64_t i = 0; r == 0 && i < x.elements; i++) {
        bool one = (int64_t)(i % x.dims[1]) == (int64_t)(i / x.dims[1]) + k;

        if (type == ONNX_FLOAT)
            ((float *)room)[i] = one ? 1.0f : 0.0f;
        else
            ((int64_t *)room)[i] = one;
    }
    return r < 0 ? r : lower_constant_value(lower, (int32_t)type, room, 2, x.dims, &lower->result);
}

int lower_non_zero(struct lower *lower)
{
    CLEANUP_FREE void *room = NULL;
    struct lower_value x;
    const int64_t *given;
    uint32_t input;
    uint64_t found = 0, dims[2];
    int64_t *to;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0 && !x.constant)
        return lower_unsupported(lower, "how many elements are not zero depends on the input's data");
    if (r == 0)
        r = lower_cast_value(lower, input, ONNX_BOOL, &input);
    if (r == 0)
        r = lower_integers(lower, input, &given);
    if (r == 0)
        r = make_room(lower, x.elements > MODEL_ELEMENTS_MAX / GRAPH_RANK_MAX ? UINT64_MAX : x.elements * x.rank, &room);
    if (r < 0)
        return r;
    for (uint64_t i = 0; i < x.elements; i++)
        found += given[i] != 0;
    to = room;
    for (uint64_t i = 0, at = 0; i < x.elements; i++) {
        uint64_t rest = i;

        if (given[i] == 0)
            continue;
        for (uint32_t axis = x.rank; axis > 0; axis--) {
            to[(axis - 1) * found + at] = (int64_t)(rest % x.dims[axis - 1]);
            rest /= x.dims[axis - 1];
        }
        at++;
    }
    dims[0] = x.rank;
    dims[1] = found;
    return lower_constant_value(lower, ONNX_INT64, room, 2, dims, &lower->result);
}
