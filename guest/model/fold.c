/* SPDX-License-Identifier: Apache-2.0 */
/* Constant folding: strided copies, and element-wise arithmetic with broadcasting. */
#include "guest/model/lower.h"

#include <errno.h>
#include <string.h>

void fold_strides(uint32_t rank, const uint64_t *dims, int64_t *ret_strides)
{
    int64_t stride = 1;

    for (uint32_t i = rank; i > 0; i--) {
        ret_strides[i - 1] = stride;
        stride *= (int64_t)dims[i - 1];
    }
}

/* The next index of a row-major walk; moves the offsets by their strides. */
static void step(uint32_t rank, const uint64_t *dims, uint64_t *index, const int64_t *strides, int64_t *offset,
                 const int64_t *strides_b, int64_t *offset_b)
{
    for (uint32_t i = rank; i > 0; i--) {
        uint32_t axis = i - 1;

        index[axis]++;
        *offset += strides[axis];
        if (strides_b != NULL)
            *offset_b += strides_b[axis];
        if (index[axis] < dims[axis])
            return;
        *offset -= strides[axis] * (int64_t)dims[axis];
        if (strides_b != NULL)
            *offset_b -= strides_b[axis] * (int64_t)dims[axis];
        index[axis] = 0;
    }
}

void fold_copy(void *to, const void *from, size_t size, uint32_t rank, const uint64_t *dims, const int64_t *strides,
               int64_t base)
{
    uint64_t index[GRAPH_RANK_MAX] = {0};
    uint64_t elements = dims_elements(rank, dims);
    int64_t offset = base;

    for (uint64_t i = 0; i < elements; i++) {
        memcpy((uint8_t *)to + i * size, (const uint8_t *)from + (size_t)offset * size, size);
        step(rank, dims, index, strides, &offset, NULL, NULL);
    }
}

/* Strides of an operand over the result's axes: 0 where it is repeated. */
static void broadcast_strides(const struct lower_value *shape, uint32_t rank, int64_t *ret_strides)
{
    int64_t own[GRAPH_RANK_MAX];

    fold_strides(shape->rank, shape->dims, own);
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t missing = rank - shape->rank;

        ret_strides[i] = i < missing || shape->dims[i - missing] == 1 ? 0 : own[i - missing];
    }
}

static float combine_floats(struct fold_pair pair, float left, float right)
{
    switch (pair.op) {
    case GRAPH_ADD:
        return left + right;
    case GRAPH_SUB:
        return left - right;
    case GRAPH_MUL:
        return left * right;
    case GRAPH_DIV:
        return left / right;
    default:
        return function2_value(pair.function, left, right);
    }
}

void fold_floats(struct fold_pair pair, float *to, uint32_t rank, const uint64_t *dims, const float *a,
                 const struct lower_value *shape_a, const float *b, const struct lower_value *shape_b)
{
    uint64_t index[GRAPH_RANK_MAX] = {0};
    uint64_t elements = dims_elements(rank, dims);
    int64_t strides_a[GRAPH_RANK_MAX], strides_b[GRAPH_RANK_MAX];
    int64_t at_a = 0, at_b = 0;

    broadcast_strides(shape_a, rank, strides_a);
    broadcast_strides(shape_b, rank, strides_b);
    for (uint64_t i = 0; i < elements; i++) {
        to[i] = combine_floats(pair, a[at_a], b[at_b]);
        step(rank, dims, index, strides_a, &at_a, strides_b, &at_b);
    }
}

static int power(int64_t base, int64_t exponent, int64_t *ret_value)
{
    int64_t result = 1;

    if (exponent < 0)
        return -ERANGE;
    for (; exponent > 0; exponent--) {
        if (base == 0 || base == 1)
            exponent = 1;
        if (__builtin_mul_overflow(result, base, &result))
            return -ERANGE;
    }
    *ret_value = result;
    return 0;
}

static int divide(enum function2 function, int64_t left, int64_t right, int64_t *ret_value)
{
    int64_t rest;

    if (right == 0 || (left == INT64_MIN && right == -1))
        return -ERANGE;
    rest = left % right;
    if (function == FUNCTION2_MOD && rest != 0 && (rest < 0) != (right < 0))
        rest += right;
    *ret_value = function == FUNCTION2_DIVIDE_INTEGERS ? left / right : rest;
    return 0;
}

static int combine_by(enum function2 function, int64_t left, int64_t right, int64_t *ret_value)
{
    switch (function) {
    case FUNCTION2_POW:
        return power(left, right, ret_value);
    case FUNCTION2_MIN:
        *ret_value = left < right ? left : right;
        return 0;
    case FUNCTION2_MAX:
        *ret_value = left > right ? left : right;
        return 0;
    case FUNCTION2_MOD:
    case FUNCTION2_FMOD:
    case FUNCTION2_DIVIDE_INTEGERS:
        return divide(function, left, right, ret_value);
    case FUNCTION2_EQUAL:
        *ret_value = left == right;
        return 0;
    case FUNCTION2_LESS:
        *ret_value = left < right;
        return 0;
    case FUNCTION2_LESS_OR_EQUAL:
        *ret_value = left <= right;
        return 0;
    case FUNCTION2_GREATER:
        *ret_value = left > right;
        return 0;
    case FUNCTION2_GREATER_OR_EQUAL:
        *ret_value = left >= right;
        return 0;
    case FUNCTION2_AND:
        *ret_value = left != 0 && right != 0;
        return 0;
    case FUNCTION2_OR:
        *ret_value = left != 0 || right != 0;
        return 0;
    case FUNCTION2_XOR:
        *ret_value = (left != 0) != (right != 0);
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

static int combine(struct fold_pair pair, int64_t left, int64_t right, int64_t *ret_value)
{
    switch (pair.op) {
    case GRAPH_ADD:
        return __builtin_add_overflow(left, right, ret_value) ? -ERANGE : 0;
    case GRAPH_SUB:
        return __builtin_sub_overflow(left, right, ret_value) ? -ERANGE : 0;
    case GRAPH_MUL:
        return __builtin_mul_overflow(left, right, ret_value) ? -ERANGE : 0;
    case GRAPH_DIV:
        return divide(FUNCTION2_DIVIDE_INTEGERS, left, right, ret_value);
    default:
        return combine_by(pair.function, left, right, ret_value);
    }
}

int fold_integers(struct fold_pair pair, int64_t *to, uint32_t rank, const uint64_t *dims, const int64_t *a,
                  const struct lower_value *shape_a, const int64_t *b, const struct lower_value *shape_b)
{
    uint64_t index[GRAPH_RANK_MAX] = {0};
    uint64_t elements = dims_elements(rank, dims);
    int64_t strides_a[GRAPH_RANK_MAX], strides_b[GRAPH_RANK_MAX];
    int64_t at_a = 0, at_b = 0;

    broadcast_strides(shape_a, rank, strides_a);
    broadcast_strides(shape_b, rank, strides_b);
    for (uint64_t i = 0; i < elements; i++) {
        int r = combine(pair, a[at_a], b[at_b], &to[i]);

        if (r < 0)
            return r;
        step(rank, dims, index, strides_a, &at_a, strides_b, &at_b);
    }
    return 0;
}
