/* SPDX-License-Identifier: Apache-2.0 */
/* Functions, choices, reductions along an axis and what picks, against their definition in double (op_check.h). */
#include "op_check.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void one_function(enum function function, float alpha, float beta, float low, float high)
{
    START(3, 4, 5);

    builder_node(&b, GRAPH_FUNCTION, INPUTS(x), DIMS(3, 4, 5));
    builder_last(&b)->function = function;
    builder_last(&b)->alpha = alpha;
    builder_last(&b)->beta = beta;
    check_range(&b, low, high, true);
}

static void test_functions(void)
{
    static const struct {
        enum function function;
        float alpha, beta, low, high;
    } cases[] = {
        {FUNCTION_ABS, 0, 0, -2, 2},
        {FUNCTION_NEG, 0, 0, -2, 2},
        {FUNCTION_EXP, 0, 0, -2, 2},
        {FUNCTION_LOG, 0, 0, 0.2f, 4},
        {FUNCTION_SQRT, 0, 0, 0.2f, 4},
        {FUNCTION_RECIPROCAL, 0, 0, 0.5f, 4},
        {FUNCTION_FLOOR, 0, 0, -3, 3},
        {FUNCTION_CEIL, 0, 0, -3, 3},
        {FUNCTION_ROUND, 0, 0, -3, 3},
        {FUNCTION_TRUNCATE, 0, 0, -3, 3},
        {FUNCTION_SIGN, 0, 0, -3, 3},
        {FUNCTION_SIN, 0, 0, -9, 9},
        {FUNCTION_SIN, 0, 0, 1000, 2000},
        {FUNCTION_COS, 0, 0, -9, 9},
        {FUNCTION_COS, 0, 0, 1e5f, 2e5f},
        {FUNCTION_TAN, 0, 0, -1.2f, 1.2f},
        {FUNCTION_ASIN, 0, 0, -0.9f, 0.9f},
        {FUNCTION_ACOS, 0, 0, -0.9f, 0.9f},
        {FUNCTION_ATAN, 0, 0, -9, 9},
        {FUNCTION_SINH, 0, 0, -2, 2},
        {FUNCTION_COSH, 0, 0, -2, 2},
        {FUNCTION_ASINH, 0, 0, -9, 9},
        {FUNCTION_ACOSH, 0, 0, 1.2f, 9},
        {FUNCTION_ATANH, 0, 0, -0.9f, 0.9f},
        {FUNCTION_SOFTPLUS, 0, 0, -9, 9},
        {FUNCTION_SOFTSIGN, 0, 0, -9, 9},
        {FUNCTION_SELU, 1.67f, 1.05f, -3, 3},
        {FUNCTION_CELU, 2, 0, -3, 3},
        {FUNCTION_THRESHOLDED_RELU, 0.7f, 0, -3, 3},
        {FUNCTION_MISH, 0, 0, -5, 5},
        {FUNCTION_HARD_SWISH, 0, 0, -5, 5},
        {FUNCTION_SHRINK, 1, 0.5f, -3, 3},
        {FUNCTION_NOT, 0, 0, -3, 3},
        {FUNCTION_IS_NAN, 0, 0, -3, 3},
        {FUNCTION_IS_INF, 1, 1, -3, 3},
        {FUNCTION_IS_OTHER, 0, 0, -3, 3},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        one_function(cases[i].function, cases[i].alpha, cases[i].beta, cases[i].low, cases[i].high);
}

static void test_wrap(void)
{
    CU_ASSERT_EQUAL(function_value(FUNCTION_WRAP, 256, 256, 0), 0);
    CU_ASSERT_EQUAL(function_value(FUNCTION_WRAP, -1, 256, 0), 255);
    CU_ASSERT_EQUAL(function_value(FUNCTION_WRAP, 128, 256, -128), -128);
    CU_ASSERT_EQUAL(function_value(FUNCTION_WRAP, -129, 256, -128), 127);
    CU_ASSERT_EQUAL(function_value(FUNCTION_HALF, 65519, 0, 0), 65504);
    CU_ASSERT(isinf(function_value(FUNCTION_HALF, 65520, 0, 0)));
    CU_ASSERT_EQUAL(function_value(FUNCTION_HALF, 0x1p-25f, 0, 0), 0);
    CU_ASSERT_EQUAL(function_value(FUNCTION_HALF, 0x1.8p-25f, 0, 0), 0x1p-24f);
    CU_ASSERT_EQUAL(function_value(FUNCTION_HALF, -0x1.004p0f, 0, 0), -0x1.004p0f);
    CU_ASSERT_EQUAL(function_value(FUNCTION_HALF, 0x1.002p0f, 0, 0), 1);
    CU_ASSERT_EQUAL(function_value(FUNCTION_BFLOAT16, 0x1.01p0f, 0, 0), 1);
    CU_ASSERT_EQUAL(function_value(FUNCTION_BFLOAT16, 0x1.03p0f, 0, 0), 0x1.04p0f);
    CU_ASSERT(isnan(function_value(FUNCTION_BFLOAT16, NAN, 0, 0)));
}

/* Against a constant of the same shape, one that is broadcast, and another computed value. */
static void one_function2(enum function2 function, float low, float high)
{
    for (unsigned shape = 0; shape < 3; shape++) {
        START(2, 3, 4);
        uint32_t other = shape == 0   ? builder_constant(&b, low, high, DIMS(2, 3, 4))
                         : shape == 1 ? builder_constant(&b, low, high, DIMS(3, 1))
                                      : builder_node(&b, GRAPH_SLICE, INPUTS(x), DIMS(2, 1, 4));

        if (shape == 2)
            for (unsigned i = 0; i < 3; i++)
                builder_last(&b)->step[i] = 1;
        builder_node(&b, GRAPH_FUNCTION2, shape == 1 ? INPUTS(other, x) : INPUTS(x, other), DIMS(2, 3, 4));
        builder_last(&b)->function2 = function;
        check_range(&b, low, high, shape != 0);
    }
}

static void test_functions2(void)
{
    static const enum function2 all[] = {FUNCTION2_MIN,           FUNCTION2_MAX,     FUNCTION2_PRELU,
                                         FUNCTION2_LESS,          FUNCTION2_GREATER, FUNCTION2_LESS_OR_EQUAL,
                                         FUNCTION2_GREATER_OR_EQUAL, FUNCTION2_AND,  FUNCTION2_OR,
                                         FUNCTION2_XOR,           FUNCTION2_EQUAL};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] != FUNCTION2_MIN && all[i] != FUNCTION2_MAX)
            one_function2(all[i], 0.5f, 3);
    one_function2(FUNCTION2_POW, 0.5f, 3);
}

/* What has a kink where both are equal: against a constant alone. */
static void test_extremes_of_two(void)
{
    for (unsigned i = 0; i < 4; i++) {
        static const enum function2 all[] = {FUNCTION2_MIN, FUNCTION2_MAX, FUNCTION2_MOD, FUNCTION2_FMOD};
        START(2, 3, 4);
        uint32_t c = builder_constant(&b, 0.5f, 2, DIMS(4));

        builder_node(&b, GRAPH_FUNCTION2, INPUTS(x, c), DIMS(2, 3, 4));
        builder_last(&b)->function2 = all[i];
        check(&b);
    }
}

static void test_where(void)
{
    START(2, 3, 4);
    uint32_t zero = builder_constant(&b, 0, 0.001f, DIMS(4)), half = builder_constant(&b, -1, 1, DIMS(1, 3, 1));
    uint32_t mask = builder_node(&b, GRAPH_FUNCTION2, INPUTS(x, zero), DIMS(2, 3, 4));
    uint32_t y, z;

    builder_last(&b)->function2 = FUNCTION2_GREATER;
    y = builder_node(&b, GRAPH_MUL, INPUTS(x, x), DIMS(2, 3, 4));
    z = builder_node(&b, GRAPH_SLICE, INPUTS(x), DIMS(2, 1, 4));
    for (unsigned i = 0; i < 3; i++)
        builder_last(&b)->step[i] = 1;
    z = builder_node(&b, GRAPH_WHERE, INPUTS(mask, y, z), DIMS(2, 3, 4));
    builder_node(&b, GRAPH_WHERE, INPUTS(mask, half, z), DIMS(2, 3, 4));
    check(&b);
}

static void test_pick(void)
{
    static const int64_t indices[] = {3, -1, 0, 3, 5};
    START(4, 3, 2);

    builder_node(&b, GRAPH_PICK, INPUTS(x), DIMS(4, 5));
    builder_last(&b)->indices = indices;
    builder_last(&b)->index_count = 5;
    builder_last(&b)->pad_value = 0.5f;
    check(&b);
}

static void along(enum graph_op op, uint32_t axis, uint32_t end, uint32_t rank, const uint64_t *dims, unsigned flags)
{
    START(3, 4, 5, 2);

    builder_node(&b, op, INPUTS(x), rank, dims);
    builder_last(&b)->axis = axis;
    builder_last(&b)->axis_end = end;
    builder_last(&b)->kept = 3;
    builder_last(&b)->last_first = (flags & 1) != 0;
    builder_last(&b)->leaves_itself_out = (flags & 2) != 0;
    builder_last(&b)->gives_positions = (flags & 4) != 0;
    check_range(&b, -2, 2, axis > 0);
}

static void test_along(void)
{
    along(GRAPH_REDUCE_MAX, 1, 2, DIMS(3, 1, 5, 2), 0);
    along(GRAPH_REDUCE_MAX, 2, 4, DIMS(3, 4), 0);
    along(GRAPH_REDUCE_PROD, 1, 3, DIMS(3, 2), 0);
    along(GRAPH_REDUCE_PROD, 3, 4, DIMS(3, 4, 5, 1), 0);
    along(GRAPH_TOP_K, 2, 3, DIMS(3, 4, 3, 2), 0);
    along(GRAPH_TOP_K, 1, 2, DIMS(3, 3, 5, 2), 4);
    along(GRAPH_ARG_MAX, 2, 3, DIMS(3, 4, 1, 2), 0);
    along(GRAPH_HARDMAX, 1, 4, DIMS(3, 4, 5, 2), 0);
    along(GRAPH_CUM_SUM, 2, 3, DIMS(3, 4, 5, 2), 0);
    along(GRAPH_CUM_SUM, 1, 2, DIMS(3, 4, 5, 2), 1);
    along(GRAPH_CUM_SUM, 1, 2, DIMS(3, 4, 5, 2), 2);
    along(GRAPH_CUM_SUM, 3, 4, DIMS(3, 4, 5, 2), 3);
    along(GRAPH_CUM_SUM, 0, 1, DIMS(3, 4, 5, 2), 0);
}

static void test_prod_with_zeros(void)
{
    START(2, 6);
    uint32_t mask = builder_given(&b, (const float[]){1, 0, 1, 1, 1, 1}, DIMS(6));
    uint32_t y = builder_node(&b, GRAPH_MUL, INPUTS(x, mask), DIMS(2, 6));

    builder_node(&b, GRAPH_REDUCE_PROD, INPUTS(y), DIMS(2, 1));
    builder_last(&b)->axis = 1;
    builder_last(&b)->axis_end = 2;
    check(&b);
}

static void test_reduce_sum(void)
{
    START(2, 3, 4);

    builder_node(&b, GRAPH_REDUCE_SUM, INPUTS(x), DIMS(2, 1, 4));
    builder_last(&b)->reduce[1] = true;
    check(&b);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"functions of one number", test_functions},
        {"wrapping and rounding", test_wrap},
        {"functions of two numbers", test_functions2},
        {"minimum, maximum, remainders", test_extremes_of_two},
        {"where", test_where},
        {"pick", test_pick},
        {"along axes", test_along},
        {"product with a zero", test_prod_with_zeros},
        {"reduce sum", test_reduce_sum},
    };

    return harness_run("engine-more-ops", tests, HARNESS_COUNT(tests));
}
