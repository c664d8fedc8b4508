/* SPDX-License-Identifier: Apache-2.0 */
/* Operators put together from simpler ones: arithmetic. */
#include "guest/model/compose.h"

#include <math.h>
#include <string.h>

/* The value, which the call that gave the code may have written, or GRAPH_NONE and the fault. */
static uint32_t done(struct compose *compose, int code, const uint32_t *value)
{
    if (code < 0 && compose->code == 0)
        compose->code = code;
    return code < 0 ? GRAPH_NONE : *value;
}

uint32_t compose_input(struct compose *compose, uint32_t index)
{
    struct lower_value ignored;
    uint32_t value = GRAPH_NONE;

    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_any(compose->lower, index, &value, &ignored), &value);
}

uint32_t compose_floats(struct compose *compose, uint32_t index)
{
    struct lower_value ignored;
    uint32_t value = GRAPH_NONE;

    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_data(compose->lower, index, &value, &ignored), &value);
}

struct lower_value compose_record(const struct compose *compose, uint32_t value)
{
    return compose->code < 0 || value == GRAPH_NONE ? (struct lower_value){0} : compose->lower->values[value];
}

uint32_t compose_constant(struct compose *compose, const float *floats, uint32_t rank, const uint64_t *dims)
{
    uint32_t value = GRAPH_NONE;

    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_constant_value(compose->lower, ONNX_FLOAT, floats, rank, dims, &value), &value);
}

uint32_t compose_number(struct compose *compose, float number)
{
    return compose_constant(compose, &number, 0, NULL);
}

static uint32_t pair(struct compose *compose, struct fold_pair operation, uint32_t a, uint32_t b)
{
    uint32_t value = GRAPH_NONE;

    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_pair(compose->lower, operation, a, b, &value), &value);
}

uint32_t compose_add(struct compose *compose, uint32_t a, uint32_t b)
{
    return pair(compose, (struct fold_pair){.op = GRAPH_ADD}, a, b);
}

uint32_t compose_sub(struct compose *compose, uint32_t a, uint32_t b)
{
    return pair(compose, (struct fold_pair){.op = GRAPH_SUB}, a, b);
}

uint32_t compose_mul(struct compose *compose, uint32_t a, uint32_t b)
{
    return pair(compose, (struct fold_pair){.op = GRAPH_MUL}, a, b);
}

uint32_t compose_div(struct compose *compose, uint32_t a, uint32_t b)
{
    return pair(compose, (struct fold_pair){.op = GRAPH_DIV}, a, b);
}

uint32_t compose_function2(struct compose *compose, enum function2 function, uint32_t a, uint32_t b)
{
    return pair(compose, (struct fold_pair){.op = GRAPH_FUNCTION2, .function = function}, a, b);
}

uint32_t compose_function_of(struct compose *compose, enum function function, uint32_t x, float alpha, float beta)
{
    uint32_t value = GRAPH_NONE;

    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_function(compose->lower, function, x, alpha, beta, &value), &value);
}

uint32_t compose_function(struct compose *compose, enum function function, uint32_t x)
{
    return compose_function_of(compose, function, x, 0, 0);
}

uint32_t compose_cast(struct compose *compose, uint32_t x, int32_t type)
{
    uint32_t value = GRAPH_NONE;

    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_cast_value(compose->lower, x, type, &value), &value);
}

uint32_t compose_retype(struct compose *compose, uint32_t x, int32_t type, double bound)
{
    struct lower_value record = compose_record(compose, x);
    uint32_t value = GRAPH_NONE;
    int r;

    if (compose->code < 0)
        return GRAPH_NONE;
    r = lower_emit(compose->lower, GRAPH_RESHAPE, &x, 1, NULL, record.rank, record.dims, &value);
    if (r == 0)
        r = lower_settle(compose->lower, value, type, bound, &value);
    return done(compose, r, &value);
}

void compose_check(struct compose *compose, int code)
{
    (void)done(compose, code, &(uint32_t){GRAPH_NONE});
}

uint32_t compose_settle(struct compose *compose, uint32_t x, int32_t type, double bound)
{
    if (compose->code < 0)
        return GRAPH_NONE;
    return done(compose, lower_settle(compose->lower, x, type, bound, &x), &x);
}

uint32_t compose_unary(struct compose *compose, enum graph_op op, uint32_t x, float alpha, float beta)
{
    struct graph_attributes attributes = {.alpha = alpha, .beta = beta};
    struct lower_value record = compose_record(compose, x);
    uint32_t value = GRAPH_NONE;
    int r;

    if (compose->code < 0)
        return GRAPH_NONE;
    r = lower_emit(compose->lower, op, &x, 1, &attributes, record.rank, record.dims, &value);
    if (r < 0)
        return done(compose, r, &value);
    return record.type == ONNX_FLOAT ? value : compose_settle(compose, value, record.type, record.bound);
}

uint32_t compose_clip(struct compose *compose, uint32_t x, double low, double high)
{
    struct lower_value record = compose_record(compose, x);
    uint32_t bound = GRAPH_NONE;

    if (!record.constant || compose->code < 0)
        return compose_unary(compose, GRAPH_CLIP, x, (float)low, (float)high);
    for (unsigned i = 0; i < 2; i++) {
        double number = i == 0 ? low : high;

        if (number == -(double)INFINITY || number == (double)INFINITY)
            continue;
        bound = compose_number(compose, (float)number);
        if (record.type != ONNX_FLOAT && compose->code == 0) {
            int r = lower_constant_value(compose->lower, record.type, &(int64_t){(int64_t)number}, 0, NULL, &bound);

            bound = done(compose, r, &bound);
        }
        x = compose_function2(compose, i == 0 ? FUNCTION2_MAX : FUNCTION2_MIN, x, bound);
    }
    return x;
}

uint32_t compose_matmul(struct compose *compose, uint32_t a, uint32_t b)
{
    struct lower_value left = compose_record(compose, a), right = compose_record(compose, b);
    uint64_t dims[GRAPH_RANK_MAX];
    uint32_t rank, value = GRAPH_NONE;
    int r;

    if (compose->code < 0)
        return GRAPH_NONE;
    if (left.rank < 2 || right.rank < 2 || left.dims[left.rank - 1] != right.dims[right.rank - 2] ||
        !dims_broadcast(left.rank - 2, left.dims, right.rank - 2, right.dims, &rank, dims))
        return done(compose,
                    lower_bad(compose->lower, "%s can't be multiplied by %s", DIMS_TEXT(left.rank, left.dims),
                              DIMS_TEXT(right.rank, right.dims)),
                    &value);
    dims[rank++] = left.dims[left.rank - 2];
    dims[rank++] = right.dims[right.rank - 1];
    r = lower_emit(compose->lower, GRAPH_MATMUL, (uint32_t[]){a, b}, 2, NULL, rank, dims, &value);
    return done(compose, r, &value);
}

uint32_t compose_reduce(struct compose *compose, enum graph_op op, uint32_t x, const bool *axes)
{
    struct graph_attributes attributes = {0};
    struct lower_value record = compose_record(compose, x);
    uint32_t value = GRAPH_NONE;
    int r;

    if (compose->code < 0)
        return GRAPH_NONE;
    for (uint32_t i = 0; i < record.rank; i++) {
        attributes.reduce[i] = axes[i];
        record.dims[i] = axes[i] ? 1 : record.dims[i];
    }
    r = lower_emit(compose->lower, op, &x, 1, &attributes, record.rank, record.dims, &value);
    return done(compose, r, &value);
}

uint32_t compose_along(struct compose *compose, enum graph_op op, uint32_t x, const struct graph_attributes *attributes,
                       uint64_t length)
{
    struct lower_value record = compose_record(compose, x);
    uint32_t value = GRAPH_NONE;
    int r;

    if (compose->code < 0)
        return GRAPH_NONE;
    for (uint32_t i = attributes->axis; i < attributes->axis_end; i++)
        record.dims[i] = i == attributes->axis ? length : 1;
    r = lower_emit(compose->lower, op, &x, 1, attributes, record.rank, record.dims, &value);
    return done(compose, r, &value);
}

void compose_output(struct compose *compose, uint32_t k, uint32_t result)
{
    if (compose->code == 0)
        compose->lower->more[k] = result;
}

int compose_end(struct compose *compose, uint32_t result)
{
    if (compose->code == 0)
        compose->lower->result = result;
    return compose->code;
}
