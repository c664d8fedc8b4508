/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluator in double: functions by libm, choices, reductions along an axis, and what picks. */
#include "reference_ops.h"

#include <math.h>

static double function(enum function f, double x, double alpha, double beta)
{
    switch (f) {
    case FUNCTION_ABS:
        return fabs(x);
    case FUNCTION_NEG:
        return -x;
    case FUNCTION_EXP:
        return exp(x);
    case FUNCTION_LOG:
        return log(x);
    case FUNCTION_SQRT:
        return sqrt(x);
    case FUNCTION_RECIPROCAL:
        return 1 / x;
    case FUNCTION_FLOOR:
        return floor(x);
    case FUNCTION_CEIL:
        return ceil(x);
    case FUNCTION_ROUND:
        return nearbyint(x);
    case FUNCTION_TRUNCATE:
        return trunc(x);
    case FUNCTION_SIGN:
        return (x > 0) - (x < 0);
    case FUNCTION_SIN:
        return sin(x);
    case FUNCTION_COS:
        return cos(x);
    case FUNCTION_TAN:
        return tan(x);
    case FUNCTION_ASIN:
        return asin(x);
    case FUNCTION_ACOS:
        return acos(x);
    case FUNCTION_ATAN:
        return atan(x);
    case FUNCTION_SINH:
        return sinh(x);
    case FUNCTION_COSH:
        return cosh(x);
    case FUNCTION_ASINH:
        return asinh(x);
    case FUNCTION_ACOSH:
        return acosh(x);
    case FUNCTION_ATANH:
        return atanh(x);
    case FUNCTION_SOFTPLUS:
        return log1p(exp(-fabs(x))) + fmax(x, 0);
    case FUNCTION_SOFTSIGN:
        return x / (1 + fabs(x));
    case FUNCTION_SELU:
        return beta * (x > 0 ? x : alpha * expm1(x));
    case FUNCTION_CELU:
        return fmax(0, x) + fmin(0, alpha * expm1(x / alpha));
    case FUNCTION_THRESHOLDED_RELU:
        return x > alpha ? x : 0;
    case FUNCTION_MISH:
        return x * tanh(log1p(exp(x)));
    case FUNCTION_HARD_SWISH:
        return x * fmin(fmax(x / 6 + 0.5, 0), 1);
    case FUNCTION_SHRINK:
        return x < -alpha ? x + beta : x > alpha ? x - beta : 0;
    case FUNCTION_NOT:
        return x == 0;
    case FUNCTION_IS_NAN:
        return isnan(x) != 0;
    case FUNCTION_IS_INF:
        return isinf(x) != 0 && (x > 0 ? alpha : beta) != 0;
    case FUNCTION_IS_OTHER:
        return x != 0;
    case FUNCTION_WRAP:
        return x - floor((x - beta) / alpha) * alpha;
    default: /* roundings to narrower floats have the slope of what they round */
        return x;
    }
}

static double function2(enum function2 f, double a, double b)
{
    switch (f) {
    case FUNCTION2_POW:
        return pow(a, b);
    case FUNCTION2_MIN:
        return fmin(a, b);
    case FUNCTION2_MAX:
        return fmax(a, b);
    case FUNCTION2_MOD:
        return a - floor(a / b) * b;
    case FUNCTION2_FMOD:
        return fmod(a, b);
    case FUNCTION2_DIVIDE_INTEGERS:
        return trunc(a / b);
    case FUNCTION2_PRELU:
        return a < 0 ? a * b : a;
    case FUNCTION2_EQUAL:
        return a == b;
    case FUNCTION2_LESS:
        return a < b;
    case FUNCTION2_LESS_OR_EQUAL:
        return a <= b;
    case FUNCTION2_GREATER:
        return a > b;
    case FUNCTION2_GREATER_OR_EQUAL:
        return a >= b;
    case FUNCTION2_AND:
        return a != 0 && b != 0;
    case FUNCTION2_OR:
        return a != 0 || b != 0;
    default:
        return (a != 0) != (b != 0);
    }
}

/* Of the elements x[k·step]: how many are ahead of element k in falling order, of equal ones the first first. */
static size_t rank_of(const double *x, size_t length, size_t step, size_t k, bool last_first)
{
    size_t ahead = 0;

    for (size_t i = 0; i < length; i++)
        ahead += x[i * step] > x[k * step] || (x[i * step] == x[k * step] && (last_first ? i > k : i < k));
    return ahead;
}

static size_t find_rank(const double *x, size_t length, size_t step, size_t rank, bool last_first)
{
    for (size_t k = 0; k < length; k++)
        if (rank_of(x, length, step, k, last_first) == rank)
            return k;
    return 0;
}

static double along(const struct graph_node *node, const struct reference_tensor *in, size_t i)
{
    const struct graph_attributes *a = &node->attributes;
    size_t length = 1, inner = 1, per_line, outer, own, at;
    const double *x;
    double result = node->op == GRAPH_REDUCE_PROD ? 1 : 0;

    for (uint32_t axis = a->axis; axis < in->shape->rank; axis++) {
        if (axis < a->axis_end)
            length *= in->shape->dims[axis];
        else
            inner *= in->shape->dims[axis];
    }
    per_line = node->op == GRAPH_TOP_K ? a->kept : node->op == GRAPH_HARDMAX || node->op == GRAPH_CUM_SUM ? length : 1;
    outer = i / inner / per_line;
    own = i / inner % per_line;
    x = in->data + outer * length * inner + i % inner;
    switch (node->op) {
    case GRAPH_REDUCE_PROD:
        for (size_t k = 0; k < length; k++)
            result *= x[k * inner];
        return result;
    case GRAPH_CUM_SUM:
        for (size_t k = 0; k < length; k++)
            if ((a->last_first ? k > own : k < own) || (k == own && !a->leaves_itself_out))
                result += x[k * inner];
        return result;
    case GRAPH_TOP_K:
        at = find_rank(x, length, inner, own, false);
        return a->gives_positions ? (double)at : x[at * inner];
    default:
        at = find_rank(x, length, inner, 0, a->last_first);
        return node->op == GRAPH_REDUCE_MAX ? x[at * inner] : node->op == GRAPH_ARG_MAX ? (double)at : own == at;
    }
}

static double pick(const struct graph_attributes *a, const struct reference_tensor *in, const struct graph_value *y,
                   size_t i)
{
    size_t blocks = y->elements / a->index_count, size = in->shape->elements / blocks;
    int64_t index = a->indices[i % a->index_count];

    return index < 0 ? (double)a->pad_value : in->data[i / a->index_count * size + (size_t)index];
}

double reference_more(const struct graph_node *node, const struct reference_tensor *in, const struct graph_value *y,
                      size_t i, const size_t *index)
{
    const struct graph_attributes *a = &node->attributes;

    switch (node->op) {
    case GRAPH_FUNCTION:
        return function(a->function, in->data[i], (double)a->alpha, (double)a->beta);
    case GRAPH_FUNCTION2:
        return function2(a->function2, reference_broadcast(&in[0], y, index), reference_broadcast(&in[1], y, index));
    case GRAPH_WHERE:
        return reference_broadcast(&in[reference_broadcast(&in[0], y, index) != 0 ? 1 : 2], y, index);
    case GRAPH_PICK:
        return pick(a, in, y, i);
    default:
        return along(node, in, i);
    }
}
