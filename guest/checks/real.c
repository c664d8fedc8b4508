/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elementary functions of fixed order: the argument is brought into a small interval by exact steps,
 * where a truncated series is good to a fraction of an ulp.
 */
#include "guest/checks/real.h"

#include <math.h>
#include <string.h>

#define LN2_HIGH     0x1.62e42fee00000p-1 /* 32 bits: times an exponent it is exact */
#define LN2_LOW      0x1.a39ef35793c76p-33
#define LOG2_E       0x1.71547652b82fep+0
#define HALF_LOG_2PI 0x1.d67f1c864beb5p-1

#define EXP_LARGEST     709.782712893384
#define EXP_SMALLEST    (-745.1332191019412)
#define TANH_SERIES     0.55 /* below: the continued fraction */
#define TANH_ONE        19.1
#define FACTORIAL_TABLE 16u

/* 2^n for a normal exponent. */
static double power_of_two(int n)
{
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

double real_exp(double x)
{
    double k, r, sum = 0.0;
    int n;

    if (isnan(x) || x > EXP_LARGEST)
        return isnan(x) ? x : INFINITY;
    if (x < EXP_SMALLEST)
        return 0.0;
    k = floor(x * LOG2_E + 0.5);
    r = x - k * LN2_HIGH - k * LN2_LOW; /* |r| ≤ ½ ln 2 */
    for (unsigned i = 13; i >= 3; i--)
        sum = (1.0 + sum) * r / (double)i;
    sum = r + r * r / 2.0 * (1.0 + sum);
    n = (int)k / 2;
    return (1.0 + sum) * power_of_two(n) * power_of_two((int)k - n); /* two steps: one alone may overflow */
}

double real_log(double x)
{
    double f, s, z, sum = 0.0, k;
    int exponent = 0;

    if (isnan(x) || x == INFINITY)
        return x;
    if (x <= 0.0)
        return x == 0.0 ? -INFINITY : NAN;
    x = frexp(x, &exponent); /* exact */
    if (x < REAL_SQRT2 / 2.0) {
        x *= 2.0;
        exponent--;
    }
    f = x - 1.0;
    s = f / (2.0 + f);
    z = s * s;
    for (unsigned i = 23; i >= 3; i -= 2)
        sum = (1.0 / (double)i + sum) * z;
    k = (double)exponent;
    /* ln(1 + f) = 2s + 2s(z/3 + z²/5 + …), and 2s = f − s·f */
    return k * LN2_HIGH + (f - (s * (f - 2.0 * sum) - k * LN2_LOW));
}

/* Lambert's continued fraction: x / (1 + x²/(3 + x²/(5 + …))). */
static double tanh_fraction(double x)
{
    double z = x * x, tail = 0.0;

    for (unsigned i = 19; i >= 3; i -= 2)
        tail = z / ((double)i + tail);
    return x / (1.0 + tail);
}

double real_tanh(double x)
{
    double size = fabs(x), value;

    if (!(size >= TANH_SERIES))
        return tanh_fraction(x);
    value = size > TANH_ONE ? 1.0 : 1.0 - 2.0 / (real_exp(2.0 * size) + 1.0);
    return x < 0.0 ? -value : value;
}

double real_power(double x, uint64_t n)
{
    double result = 1.0;

    for (; n > 0; n >>= 1) {
        if ((n & 1u) != 0)
            result *= x;
        x *= x;
    }
    return result;
}

double real_stirling_rest(double n)
{
    static const double rests[FACTORIAL_TABLE] = {
        0.0,
        0.08106146679532726,
        0.0413406959554093,
        0.02767792568499834,
        0.020790672103765093,
        0.016644691189821193,
        0.013876128823070748,
        0.01189670994589177,
        0.010411265261972096,
        0.009255462182712733,
        0.00833056343336287,
        0.007573675487951841,
        0.00694284010720953,
        0.006408994188004207,
        0.0059513701127588475,
        0.005554733551962801,
    };
    static const double series[] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360};
    double z = 1.0 / (n * n), sum = 0.0;

    if (n < (double)FACTORIAL_TABLE)
        return rests[(unsigned)n];
    for (unsigned i = sizeof series / sizeof series[0]; i-- > 0;)
        sum = sum * z + series[i];
    return sum / n;
}

double real_log_factorial(double n)
{
    double log_n;

    if (n < 2.0)
        return 0.0;
    log_n = real_log(n);
    return n * (log_n - 1.0) + (log_n / 2.0 + (HALF_LOG_2PI + real_stirling_rest(n)));
}
