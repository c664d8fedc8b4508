/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exp, tanh, erf, sigmoid, log: the error against libm's double over all of f32, special values,
 * the same bits on every instruction set, and digests that pin them.
 */
#include "cases.h"
#include "digest/sha256.h"
#include "unit/harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Every STEP-th bit pattern: a prime, so that all exponents meet all kinds of low bits. */
#define STEP  509u
#define BLOCK 8192u

static struct cases_context contexts[CASES_MAX];
static size_t context_count;

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static const struct function {
    const char *name;
    void (*run)(struct kernels *kernels, const float *x, float *ret_y, size_t count);
    double (*truth)(double x);
    double ulp;         /* the largest error that elementwise.c documents */
    const char *digest; /* of the function over its samples, NaN as 0 */
} functions[] = {
    {"exp", kernel_exp, exp, 1.2, "e3e817b1976b5f91ba07bc755660e797eb319ae74a52fe923c3f3d20c06d8809"},
    {"tanh", kernel_tanh, tanh, 1.4, "b52c9cf445dcd711d2cee503bb1ad09640034d46a3c92c4433838e0c7a6a436b"},
    {"erf", kernel_erf, erf, 1.3, "16c05850778238144d53d2f6c44f68c579b50c148027d75b4498c3a55efa4a3a"},
    {"sigmoid", kernel_sigmoid, sigmoid, 2.4, "3c953ac47d215d462deadbef880b3574f2363ec346a9de553f05f216ca473a04"},
    {"log", kernel_log, log, 0.9, "b4219d4044e023dff95572e58204a0a2031e6e0080c82dd37088f4025261e3ed"},
};

/* The distance in units of the last place that an f32 of the truth's size has. */
static double error_ulp(float got, double truth)
{
    int exponent;

    if (isnan(truth) || isnan(got))
        return isnan(truth) && isnan(got) ? 0 : INFINITY;
    if (isinf((float)truth)) /* beyond f32, or so near that rounding gets there */
        return got == (float)truth || fabsf(got) == FLT_MAX ? 0 : INFINITY;
    if (isinf(got))
        return INFINITY;
    (void)frexp(truth, &exponent);
    if (exponent < FLT_MIN_EXP)
        exponent = FLT_MIN_EXP;
    return fabs((double)got - truth) / ldexp(1, exponent - FLT_MANT_DIG);
}

/* One block of samples in every context: the largest error of the first, equality of the others. */
static bool run_block(const struct function *function, const float *x, float *ret_y, double *worst, float *ret_where)
{
    float other[BLOCK];

    function->run(contexts[0].kernels, x, ret_y, BLOCK);
    for (size_t i = 0; i < BLOCK; i++) {
        double error = error_ulp(ret_y[i], function->truth((double)x[i]));

        if (error > *worst) {
            *worst = error;
            *ret_where = x[i];
        }
    }
    for (size_t c = CASES_THREADS; c < context_count; c += CASES_THREADS) {
        function->run(contexts[c].kernels, x, other, BLOCK);
        if (!cases_same(ret_y, other, BLOCK)) {
            printf("%s: %s\n", function->name, kernel_isa_name(contexts[c].isa));
            return false;
        }
    }
    return true;
}

static void check_function(const struct function *function)
{
    float x[BLOCK], y[BLOCK], where = 0;
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    struct sha256 hash;
    double worst = 0;
    bool same = true;

    sha256_start(&hash);
    for (uint64_t bits = 0; bits <= UINT32_MAX && same;) {
        for (size_t i = 0; i < BLOCK; i++, bits += STEP) {
            uint32_t pattern = (uint32_t)bits; /* the last block goes round to the start */

            memcpy(&x[i], &pattern, sizeof(pattern));
        }
        same = run_block(function, x, y, &worst, &where);
        for (size_t i = 0; i < BLOCK; i++)
            y[i] = isnan(y[i]) ? 0 : y[i];
        sha256_update(&hash, y, sizeof(y));
    }
    sha256_finish(&hash, digest);
    sha256_to_hex(digest, hex);
    printf("%s: %.3f ulp at %a ", function->name, worst, (double)where);
    CU_ASSERT_TRUE(same);
    CU_ASSERT_TRUE(worst <= function->ulp);
    CU_ASSERT_STRING_EQUAL(hex, function->digest);
    if (strcmp(hex, function->digest) != 0)
        printf("%s ", hex);
}

static void test_exp(void)
{
    check_function(&functions[0]);
}

static void test_tanh(void)
{
    check_function(&functions[1]);
}

static void test_erf(void)
{
    check_function(&functions[2]);
}

static void test_sigmoid(void)
{
    check_function(&functions[3]);
}

static void test_log(void)
{
    check_function(&functions[4]);
}

/* Values that are exact, with their signs. */
static void test_special_values(void)
{
    const struct {
        unsigned function;
        float x, y;
    } cases[] = {
        {0, 0.0f, 1.0f},
        {0, -0.0f, 1.0f},
        {0, INFINITY, INFINITY},
        {0, -INFINITY, 0.0f},
        {0, 89.0f, INFINITY},
        {0, FLT_MAX, INFINITY},
        {0, -104.0f, 0.0f},
        {0, -FLT_MAX, 0.0f},
        {0, FLT_TRUE_MIN, 1.0f},
        {0, -103.0f, FLT_TRUE_MIN},
        {0, NAN, NAN},
        {1, 0.0f, 0.0f},
        {1, -0.0f, -0.0f},
        {1, INFINITY, 1.0f},
        {1, -INFINITY, -1.0f},
        {1, 10.0f, 1.0f},
        {1, -FLT_MAX, -1.0f},
        {1, FLT_TRUE_MIN, FLT_TRUE_MIN},
        {1, NAN, NAN},
        {2, 0.0f, 0.0f},
        {2, -0.0f, -0.0f},
        {2, INFINITY, 1.0f},
        {2, -INFINITY, -1.0f},
        {2, 4.0f, 1.0f},
        {2, -FLT_MAX, -1.0f},
        {2, NAN, NAN},
        {3, 0.0f, 0.5f},
        {3, -0.0f, 0.5f},
        {3, INFINITY, 1.0f},
        {3, -INFINITY, 0.0f},
        {3, FLT_MAX, 1.0f},
        {3, -FLT_MAX, 0.0f},
        {3, -103.0f, FLT_TRUE_MIN},
        {3, NAN, NAN},
        {4, 1.0f, 0.0f},
        {4, 0.0f, -INFINITY},
        {4, -0.0f, -INFINITY},
        {4, INFINITY, INFINITY},
        {4, -1.0f, NAN},
        {4, -FLT_TRUE_MIN, NAN},
        {4, -INFINITY, NAN},
        {4, NAN, NAN},
        {4, FLT_TRUE_MIN, -0x1.9d1dap+6f},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        for (size_t c = 0; c < context_count; c += CASES_THREADS) {
            float y;

            functions[cases[i].function].run(contexts[c].kernels, &cases[i].x, &y, 1);
            if (!cases_same(&y, &cases[i].y, 1)) {
                printf("%s(%a) ", functions[cases[i].function].name, (double)cases[i].x);
                CU_FAIL("special value");
            }
        }
}

/* Where a value lies, how many there are, how many threads, and working in place change nothing. */
static void test_any_count(void)
{
    enum { COUNT = 20000 };
    CLEANUP_FREE float *x = cases_floats(COUNT), *whole = cases_floats(COUNT), *part = cases_floats(COUNT + 1);
    const size_t counts[] = {0, 1, 3, 7, 15, 16, 17, 33, 4096, 4097, 9999, COUNT};
    uint64_t state = 1;

    cases_fill(&state, CASES_PLAIN, x, COUNT);
    for (size_t f = 0; f < HARNESS_COUNT(functions); f++) {
        functions[f].run(contexts[0].kernels, x, whole, COUNT);
        for (size_t c = 0; c < context_count; c++)
            for (size_t n = 0; n < HARNESS_COUNT(counts); n++) {
                memcpy(part, x, COUNT * sizeof(*x));
                part[counts[n]] = 12345.0f;
                functions[f].run(contexts[c].kernels, part, part, counts[n]);
                CU_ASSERT_TRUE(cases_same(part, whole, counts[n]));
                CU_ASSERT_EQUAL(part[counts[n]], 12345.0f);
            }
    }
}

int main(void)
{
    const struct harness_test tests[] = {
        {"exp", test_exp},
        {"tanh", test_tanh},
        {"erf", test_erf},
        {"sigmoid", test_sigmoid},
        {"log", test_log},
        {"special values", test_special_values},
        {"any count", test_any_count},
    };
    int status;

    context_count = cases_open(contexts);
    status = harness_run("kernels: elementwise", tests, HARNESS_COUNT(tests));
    cases_close(contexts, context_count);
    return status;
}
