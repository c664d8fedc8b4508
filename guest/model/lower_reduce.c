/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of reductions: the Reduce operators, and pooling over whole images. */
#include "guest/model/compose.h"

#include <errno.h>
#include <string.h>

struct reduction {
    uint32_t input;
    struct lower_value x;
    bool axes[GRAPH_RANK_MAX];
    bool keeps, nothing; /* `nothing`: no axis is reduced, as the node asks */
};

/* Axes as an input since operator set 13 for ReduceSum and 18 for the others, before an attribute; none means all. */
static void take(struct compose *c, struct reduction *ret_reduction)
{
    struct lower *lower = c->lower;
    struct reduction reduction = {.input = compose_input(c, 0)};
    uint32_t since = span_equal(lower->node->op, "ReduceSum") ? 13 : 18, listed = 0;
    int64_t keep = 1, nothing = 0;
    const int64_t *axes = NULL;
    uint64_t count = 0;

    reduction.x = compose_record(c, reduction.input);
    if (c->code == 0)
        compose_check(c, lower_attribute_int(lower, "keepdims", 1, &keep));
    if (c->code == 0 && lower->model->opset >= since) {
        compose_check(c, lower_attribute_int(lower, "noop_with_empty_axes", 0, &nothing));
        if (c->code == 0)
            compose_check(c, lower_list(lower, 1, &axes, &count));
    } else if (c->code == 0) {
        if (lower->node->input_count > 1)
            compose_check(c, lower_bad(lower, "axes as an input came with operator set %u", since));
        if (c->code == 0)
            compose_check(c, lower_attribute_ints(lower, "axes", &axes, &listed));
        count = listed;
    }
    if (c->code == 0)
        compose_check(c, lower_mark_axes(lower, axes, count, reduction.x.rank, reduction.axes));
    if (c->code < 0)
        return;
    for (uint32_t i = 0; i < reduction.x.rank && count == 0; i++)
        reduction.axes[i] = nothing == 0;
    reduction.nothing = count == 0 && nothing != 0;
    reduction.keeps = keep != 0;
    *ret_reduction = reduction;
}

/* The result in its final shape. */
static uint32_t shape_result(struct compose *c, const struct reduction *reduction, uint32_t value)
{
    uint64_t dims[GRAPH_RANK_MAX];
    uint32_t rank = 0;

    for (uint32_t i = 0; i < reduction->x.rank; i++)
        if (!reduction->axes[i] || reduction->keeps)
            dims[rank++] = reduction->axes[i] ? 1 : reduction->x.dims[i];
    return compose_reshape(c, value, rank, dims);
}

/* --- constants of integers ----------------------------------------------------------------------------------- */

static int fold_step(struct span op, int64_t x, int64_t *accumulator)
{
    if (span_equal(op, "ReduceMax"))
        *accumulator = x > *accumulator ? x : *accumulator;
    else if (span_equal(op, "ReduceMin"))
        *accumulator = x < *accumulator ? x : *accumulator;
    else if (span_equal(op, "ReduceSum"))
        return __builtin_add_overflow(*accumulator, x, accumulator) ? -ERANGE : 0;
    else if (span_equal(op, "ReduceProd"))
        return __builtin_mul_overflow(*accumulator, x, accumulator) ? -ERANGE : 0;
    else
        return -EOPNOTSUPP;
    return 0;
}

static int fold(struct lower *lower, const struct reduction *reduction, uint32_t *ret_value)
{
    struct span op = lower->node->op;
    const struct lower_value *x = &reduction->x;
    uint64_t dims[GRAPH_RANK_MAX];
    int64_t strides[GRAPH_RANK_MAX], start;
    const int64_t *from;
    CLEANUP_FREE int64_t *to = NULL;
    uint64_t count;
    int r = lower_integers(lower, reduction->input, &from);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = reduction->axes[i] ? 1 : x->dims[i];
    count = dims_elements(x->rank, dims);
    to = calloc(count + 1, sizeof *to);
    if (to == NULL)
        return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
    start = span_equal(op, "ReduceMax")    ? INT64_MIN
            : span_equal(op, "ReduceMin")  ? INT64_MAX
            : span_equal(op, "ReduceProd") ? 1
                                           : 0;
    for (uint64_t i = 0; i < count; i++)
        to[i] = start;
    fold_strides(x->rank, dims, strides);
    for (uint64_t i = 0; r == 0 && i < x->elements; i++) {
        uint64_t rest = i, at = 0;

        for (uint32_t axis = x->rank; axis > 0; axis--) {
            if (!reduction->axes[axis - 1])
                at += rest % x->dims[axis - 1] * (uint64_t)strides[axis - 1];
            rest /= x->dims[axis - 1];
        }
        r = fold_step(op, from[i], &to[at]);
    }
    if (r < 0)
        return lower_unsupported(lower, "it is not supported for these integers");
    for (uint64_t i = 0; i < count; i++)
        to[i] = lower_narrow(to[i], x->type);
    return lower_constant_value(lower, x->type, to, x->rank, dims, ret_value);
}

/* --- computed ---------------------------------------------------------------------------------------------------- */

static uint32_t reduce_sum(struct compose *c, const struct reduction *reduction, uint32_t x)
{
    return compose_reduce(c, GRAPH_REDUCE_SUM, x, reduction->axes);
}

/* ReduceMax or ReduceProd over axes that may lie apart: those that stay first, the others behind, taken as one. */
static uint32_t reduce_along(struct compose *c, enum graph_op op, const struct reduction *reduction, uint32_t x)
{
    struct graph_attributes attributes = {.axis_end = reduction->x.rank};
    uint32_t permutation[GRAPH_RANK_MAX], at = 0, first = 0, count = 0;
    uint64_t dims[GRAPH_RANK_MAX];
    bool together = true;

    for (uint32_t i = 0; i < reduction->x.rank; i++) {
        dims[i] = reduction->axes[i] ? 1 : reduction->x.dims[i];
        first = reduction->axes[i] && count == 0 ? i : first;
        together = together && (!reduction->axes[i] || count == 0 || reduction->axes[i - 1]);
        count += reduction->axes[i];
    }
    if (together) {
        attributes.axis = first;
        attributes.axis_end = first + count;
        return count == 0 ? x : compose_along(c, op, x, &attributes, 1);
    }
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < reduction->x.rank; i++)
            if (reduction->axes[i] == (pass == 1))
                permutation[at++] = i;
    attributes.axis = reduction->x.rank - count;
    x = compose_along(c, op, compose_transpose(c, x, permutation), &attributes, 1);
    return compose_reshape(c, x, reduction->x.rank, dims);
}

static uint32_t log_sum_exp(struct compose *c, const struct reduction *reduction, uint32_t x)
{
    uint32_t top = reduce_along(c, GRAPH_REDUCE_MAX, reduction, x);
    uint32_t sum = reduce_sum(c, reduction, compose_function(c, FUNCTION_EXP, compose_sub(c, x, top)));

    return compose_add(c, compose_function(c, FUNCTION_LOG, sum), top);
}

static uint32_t reduce_floats(struct compose *c, const struct reduction *reduction, uint32_t x)
{
    struct span op = c->lower->node->op;

    if (span_equal(op, "ReduceSum"))
        return reduce_sum(c, reduction, x);
    if (span_equal(op, "ReduceMean"))
        return compose_reduce(c, GRAPH_REDUCE_MEAN, x, reduction->axes);
    if (span_equal(op, "ReduceMax"))
        return reduce_along(c, GRAPH_REDUCE_MAX, reduction, x);
    if (span_equal(op, "ReduceMin")) {
        x = reduce_along(c, GRAPH_REDUCE_MAX, reduction, compose_function(c, FUNCTION_NEG, x));
        return compose_function(c, FUNCTION_NEG, x);
    }
    if (span_equal(op, "ReduceProd"))
        return reduce_along(c, GRAPH_REDUCE_PROD, reduction, x);
    if (span_equal(op, "ReduceL1"))
        return reduce_sum(c, reduction, compose_function(c, FUNCTION_ABS, x));
    if (span_equal(op, "ReduceL2"))
        return compose_function(c, FUNCTION_SQRT, reduce_sum(c, reduction, compose_mul(c, x, x)));
    if (span_equal(op, "ReduceSumSquare"))
        return reduce_sum(c, reduction, compose_mul(c, x, x));
    if (span_equal(op, "ReduceLogSum"))
        return compose_function(c, FUNCTION_LOG, reduce_sum(c, reduction, x));
    return log_sum_exp(c, reduction, x);
}

int lower_reduce(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct reduction reduction = {0};
    uint32_t value, x;
    double bound;

    take(&c, &reduction);
    if (c.code < 0)
        return c.code;
    if (reduction.nothing)
        return compose_end(&c, reduction.input);
    if (reduction.x.type != ONNX_FLOAT && reduction.x.constant) {
        compose_check(&c, fold(lower, &reduction, &value));
        return compose_end(&c, c.code < 0 ? GRAPH_NONE : shape_result(&c, &reduction, value));
    }
    if (reduction.x.type == ONNX_FLOAT)
        return compose_end(&c, shape_result(&c, &reduction, reduce_floats(&c, &reduction, reduction.input)));
    if (!span_equal(lower->node->op, "ReduceMax") && !span_equal(lower->node->op, "ReduceMin") &&
        !span_equal(lower->node->op, "ReduceSum"))
        return lower_unsupported(lower, "it is not supported for computed %s", onnx_type_name(reduction.x.type));
    x = compose_retype(&c, reduction.input, ONNX_FLOAT, 0);
    bound = reduction.x.bound;
    if (span_equal(lower->node->op, "ReduceSum"))
        for (uint32_t i = 0; i < reduction.x.rank; i++)
            bound *= reduction.axes[i] ? (double)reduction.x.dims[i] : 1;
    value = shape_result(&c, &reduction, reduce_floats(&c, &reduction, x));
    return compose_end(&c, compose_retype(&c, value, reduction.x.type, bound));
}

/* --- whole images -------------------------------------------------------------------------------------------------- */

/* Axes from the third on, which stay as 1. */
static void take_images(struct compose *c, struct reduction *ret_reduction)
{
    *ret_reduction = (struct reduction){.input = compose_floats(c, 0), .keeps = true};
    ret_reduction->x = compose_record(c, ret_reduction->input);
    if (c->code == 0 && ret_reduction->x.rank < 3)
        compose_check(c, lower_bad(c->lower, "its input is %s; batch x channels x height x width is needed",
                                   DIMS_TEXT(ret_reduction->x.rank, ret_reduction->x.dims)));
    for (uint32_t i = 2; i < ret_reduction->x.rank; i++)
        ret_reduction->axes[i] = true;
}

int lower_global_max_pool(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct reduction reduction;

    take_images(&c, &reduction);
    return compose_end(&c, reduce_along(&c, GRAPH_REDUCE_MAX, &reduction, reduction.input));
}

/* The p-th root of a sum of p-th powers of magnitudes. */
static uint32_t norm(struct compose *c, const struct reduction *reduction, uint32_t x, int64_t p)
{
    x = compose_function(c, FUNCTION_ABS, x);
    if (p == 1)
        return reduce_sum(c, reduction, x);
    if (p == 2)
        return compose_function(c, FUNCTION_SQRT, reduce_sum(c, reduction, compose_mul(c, x, x)));
    x = compose_function2(c, FUNCTION2_POW, x, compose_number(c, (float)p));
    return compose_function2(c, FUNCTION2_POW, reduce_sum(c, reduction, x), compose_number(c, 1.0f / (float)p));
}

int lower_global_lp_pool(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct reduction reduction;
    int64_t p = 2;

    take_images(&c, &reduction);
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "p", 2, &p));
    if (c.code == 0 && (p < 1 || p > 1024))
        return lower_bad(lower, "attribute p is %lld", (long long)p);
    return compose_end(&c, norm(&c, &reduction, reduction.input, p));
}

int lower_lp_normalization(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct reduction reduction = {.input = compose_floats(&c, 0)};
    int64_t axis = -1, p = 2;
    uint32_t at = 0;

    reduction.x = compose_record(&c, reduction.input);
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "axis", -1, &axis));
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "p", 2, &p));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, axis, reduction.x.rank, &at));
    if (c.code == 0 && p != 1 && p != 2)
        return lower_bad(lower, "attribute p is %lld; 1 and 2 are possible", (long long)p);
    reduction.axes[at] = true;
    return compose_end(&c, compose_div(&c, reduction.input, norm(&c, &reduction, reduction.input, p)));
}
