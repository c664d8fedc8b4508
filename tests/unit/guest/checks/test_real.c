/* SPDX-License-Identifier: Apache-2.0 */
/* exp, log, tanh and factorials of fixed order, against values of 60 digits. */
#include "unit/harness.h"

#include "guest/checks/real.h"

#include <math.h>
#include <stdio.h>

/* tests/fixtures/checks/real.txt: function, argument, value; the value rounded from 60 digits (real.py). */
#define VALUES "tests/fixtures/checks/real.txt"

static double ulps(double value, double expected)
{
    int exponent;

    if (value == expected)
        return 0.0;
    (void)frexp(expected, &exponent);
    return fabs(value - expected) / ldexp(1.0, exponent - 53 < -1074 ? -1074 : exponent - 53);
}

static double apply(const char *function, double x)
{
    switch (function[0]) {
    case 'e':
        return real_exp(x);
    case 'l':
        return real_log(x);
    case 't':
        return real_tanh(x);
    case 'f':
        return real_log_factorial(x);
    default:
        return real_stirling_rest(x);
    }
}

static void test_values(void)
{
    static const struct {
        const char *name;
        double limit; /* ulps, of the correctly rounded value */
    } functions[] = {{"exp", 1}, {"log", 1}, {"tanh", 1}, {"factorial", 2}, {"stirling", 2}};
    double worst[HARNESS_COUNT(functions)] = {0.0};
    unsigned counts[HARNESS_COUNT(functions)] = {0};
    FILE *file = fopen(VALUES, "r");
    char name[16];
    double x, value;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (fscanf(file, "%15s %la %la", name, &x, &value) == 3) {
        for (size_t i = 0; i < HARNESS_COUNT(functions); i++) {
            double error;

            if (functions[i].name[0] != name[0])
                continue;
            error = ulps(apply(name, x), value);
            counts[i]++;
            if (error > worst[i])
                worst[i] = error;
        }
    }
    (void)fclose(file);
    for (size_t i = 0; i < HARNESS_COUNT(functions); i++) {
        CU_ASSERT(counts[i] >= 40);
        CU_ASSERT(worst[i] <= functions[i].limit);
        printf("(%s: %.2f ulp) ", functions[i].name, worst[i]);
    }
}

static void test_edges(void)
{
    CU_ASSERT_EQUAL(real_exp(0.0), 1.0);
    CU_ASSERT_EQUAL(real_exp(710.0), INFINITY);
    CU_ASSERT_EQUAL(real_exp(-INFINITY), 0.0);
    CU_ASSERT(real_exp(-745.1) > 0.0);
    CU_ASSERT(isnan(real_exp(NAN)));
    CU_ASSERT_EQUAL(real_log(1.0), 0.0);
    CU_ASSERT_EQUAL(real_log(0.0), -INFINITY);
    CU_ASSERT(isnan(real_log(-1.0)));
    CU_ASSERT_EQUAL(real_log(INFINITY), INFINITY);
    CU_ASSERT_EQUAL(real_tanh(-INFINITY), -1.0);
    CU_ASSERT(isnan(real_tanh(NAN)));
    CU_ASSERT_EQUAL(real_tanh(-0.75), -real_tanh(0.75));
    CU_ASSERT_EQUAL(real_power(3.0, 20), 3486784401.0);
    CU_ASSERT_EQUAL(real_power(0.0, 0), 1.0);
    CU_ASSERT_EQUAL(real_log_factorial(1.0), 0.0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"values of 60 digits", test_values},
        {"edges", test_edges},
    };

    return harness_run("real functions", tests, HARNESS_COUNT(tests));
}
