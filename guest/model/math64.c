/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions in double; each says how its argument is reduced and where its series ends. */
#include "guest/model/math64.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PI_HALF  0x1.921fb54442d18p+0
#define LN2_HIGH 0x1.62e42fee00000p-1 /* 32 bits: times an exponent it is exact */
#define LN2_LOW  0x1.a39ef35793c76p-33
#define ROUNDER  0x1.8p52 /* adding and taking it away rounds to an integer */

static uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Horner's rule over 1/n! from term `last` down to term `first`: sum of r^(n-first)/n!. */
static double taylor_exp(double r, unsigned first, unsigned last)
{
    static const double inverse[] = {1.0,
                                     1.0,
                                     1.0 / 2,
                                     1.0 / 6,
                                     1.0 / 24,
                                     1.0 / 120,
                                     1.0 / 720,
                                     1.0 / 5040,
                                     1.0 / 40320,
                                     1.0 / 362880,
                                     1.0 / 3628800,
                                     1.0 / 39916800,
                                     1.0 / 479001600,
                                     1.0 / 6227020800.0,
                                     1.0 / 87178291200.0};
    double sum = inverse[last];

    while (last > first)
        sum = sum * r + inverse[--last];
    return sum;
}

/* 2^n · e^r with |r| <= ln 2 / 2: the remainder after r^14/14! is below 1e-19. */
double math64_exp(double x)
{
    double n, r;

    if (x != x)
        return x;
    if (x > 709.0)
        return (double)INFINITY;
    if (x < -700.0)
        return 0.0;
    n = (x * 0x1.71547652b82fep+0 + ROUNDER) - ROUNDER;
    r = (x - n * LN2_HIGH) - n * LN2_LOW;
    return taylor_exp(r, 0, 14) * from_bits((uint64_t)((int64_t)n + 1023) << 52);
}

double math64_expm1(double x)
{
    if (x > -0.35 && x < 0.35)
        return x * taylor_exp(x, 1, 14);
    return math64_exp(x) - 1.0;
}

/* 2·atanh(s) = 2(s + s³/3 + s⁵/5 ...); |s| <= 0.1716, so that the term after s^21 is below 2e-18. */
static double twice_atanh(double s)
{
    double z = s * s, sum = 1.0 / 21;

    for (int n = 19; n > 0; n -= 2)
        sum = sum * z + 1.0 / n;
    return 2.0 * s * sum;
}

double math64_log(double x)
{
    uint64_t bits = bits_of(x);
    int64_t exponent;
    double m;

    if (x != x || x == (double)INFINITY)
        return x;
    if (x <= 0.0)
        return x < 0.0 ? (double)NAN : -(double)INFINITY;
    exponent = (int64_t)(bits >> 52) - 1023;
    m = from_bits((bits & 0xfffffffffffffu) | (uint64_t)1023 << 52);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m = m * 0.5;
        exponent++;
    }
    return (double)exponent * LN2_HIGH + (twice_atanh((m - 1.0) / (m + 1.0)) + (double)exponent * LN2_LOW);
}

double math64_log1p(double x)
{
    if (x > -0.29 && x < 0.41)
        return twice_atanh(x / (2.0 + x));
    return math64_log(1.0 + x);
}

double math64_sqrt(double x)
{
    return __builtin_sqrt(x); /* exact by IEEE 754; an instruction */
}

static bool is_integer(double y)
{
    double magnitude = y < 0 ? -y : y;

    return magnitude >= 0x1p52 || (magnitude + 0x1p52) - 0x1p52 == magnitude;
}

static bool is_odd(double y)
{
    double magnitude = y < 0 ? -y : y;

    return is_integer(y) && magnitude < 0x1p53 && ((uint64_t)magnitude & 1) != 0;
}

double math64_pow(double x, double y)
{
    double magnitude = x < 0 ? -x : x, result;
    bool negative = (bits_of(x) >> 63) != 0 && is_odd(y);

    if (y == 0.0 || x == 1.0)
        return 1.0;
    if (x != x || y != y)
        return (double)NAN;
    if (y == (double)INFINITY || y == -(double)INFINITY) {
        if (magnitude == 1.0)
            return 1.0;
        return (magnitude > 1.0) == (y > 0) ? (double)INFINITY : 0.0;
    }
    if (x < 0.0 && x != -(double)INFINITY && !is_integer(y))
        return (double)NAN;
    if (magnitude == 0.0)
        result = y < 0 ? (double)INFINITY : 0.0;
    else if (magnitude == (double)INFINITY)
        result = y < 0 ? 0.0 : (double)INFINITY;
    else
        result = math64_exp(y * math64_log(magnitude));
    return negative ? -result : result;
}

/* --- sine and cosine -------------------------------------------------------------------------------------- */

/* Bits of 2/pi behind a word of zeros. */
static const uint32_t two_over_pi[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0,
                                       0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561};

/*
 * x·2/pi modulo 4: of x = m·2^e, bits of 2/pi whose product with 2^e is a multiple of 4 are left out, and the next
 * 128 taken; m times those, modulo 2^128, has the quadrant in its two top bits and the fraction below.
 */
static unsigned reduce_large(float x, double *ret_rest)
{
    uint32_t bits;
    int e, start;
    unsigned __int128 window = 0, product;
    unsigned quadrant;

    memcpy(&bits, &x, sizeof bits);
    e = (int)(bits >> 23 & 255) - 150;
    start = e + 30;
    for (int i = 0; i < 5; i++) { /* 160 bits from the word where the window starts */
        int word = start / 32 + i, shift = 96 + start % 32 - 32 * i;
        unsigned __int128 part = word < 9 ? two_over_pi[word] : 0;

        window |= shift >= 0 ? part << shift : part >> -shift;
    }
    product = window * ((bits & 0x7fffffu) | 0x800000u);
    quadrant = (unsigned)(product >> 126);
    product <<= 2;
    if ((product >> 127) != 0)
        quadrant++;
    *ret_rest = (double)(__int128)product * 0x1p-128 * PI_HALF;
    return quadrant;
}

/* |x| = n·pi/2 + rest; the quadrant is n modulo 4. */
static unsigned reduce(float x, double *ret_rest)
{
    double n;

    if (x >= 1024.0f)
        return reduce_large(x, ret_rest) & 3;
    n = ((double)x * 0x1.45f306dc9c883p-1 + ROUNDER) - ROUNDER;
    /* pi/2 in three parts, the first two of 33 bits: their products with n are exact */
    *ret_rest =
        (((double)x - n * 0x1.921fb54400000p+0) - n * 0x1.0b4611a600000p-34) - n * 0x1.3198a2e037073p-69;
    return (unsigned)(int)n & 3;
}

/* |r| <= pi/4: the terms left out are below 1e-19. */
static double sine_series(double r)
{
    static const double terms[] = {-1.0 / 121645100408832000.0, 1.0 / 355687428096000.0, -1.0 / 1307674368000.0,
                                   1.0 / 6227020800.0,          -1.0 / 39916800,         1.0 / 362880,
                                   -1.0 / 5040,                 1.0 / 120,               -1.0 / 6};
    double z = r * r, sum = terms[0];

    for (int i = 1; i < 9; i++)
        sum = sum * z + terms[i];
    return r + r * (z * sum);
}

static double cosine_series(double r)
{
    static const double terms[] = {1.0 / 2432902008176640000.0, -1.0 / 6402373705728000.0, 1.0 / 20922789888000.0,
                                   -1.0 / 87178291200.0,        1.0 / 479001600,           -1.0 / 3628800,
                                   1.0 / 40320,                 -1.0 / 720,                1.0 / 24};
    double z = r * r, sum = terms[0];

    for (int i = 1; i < 9; i++)
        sum = sum * z + terms[i];
    return 1.0 - (0.5 * z - z * z * sum);
}

static double quadrant_value(unsigned quadrant, double rest)
{
    switch (quadrant & 3) {
    case 0:
        return sine_series(rest);
    case 1:
        return cosine_series(rest);
    case 2:
        return -sine_series(rest);
    default:
        return -cosine_series(rest);
    }
}

double math64_sin(float x)
{
    double rest, y;
    unsigned quadrant;

    if (!(x - x == 0.0f))
        return (double)NAN;
    quadrant = reduce(x < 0 ? -x : x, &rest);
    y = quadrant_value(quadrant, rest);
    return x < 0 ? -y : y;
}

double math64_cos(float x)
{
    double rest;
    unsigned quadrant;

    if (!(x - x == 0.0f))
        return (double)NAN;
    quadrant = reduce(x < 0 ? -x : x, &rest);
    return quadrant_value(quadrant + 1, rest);
}

double math64_tan(float x)
{
    return math64_sin(x) / math64_cos(x);
}

/* --- inverse and hyperbolic functions ------------------------------------------------------------------------ */

/* atan(x) = atan(c) + atan((x-c)/(1+xc)) with c the nearest quarter: the series ends below 1e-17. */
double math64_atan(double x)
{
    static const double centres[] = {0.0, 0x1.f5b75f92c80ddp-3, 0x1.dac670561bb4fp-2, 0x1.4978fa3269ee1p-1,
                                     0x1.921fb54442d18p-1};
    double a = x < 0 ? -x : x, t, z, sum = 1.0 / 17, centre;
    bool inverted = a > 1.0;

    if (x != x)
        return x;
    if (inverted)
        a = 1.0 / a;
    centre = (a * 4.0 + ROUNDER) - ROUNDER;
    t = (a - centre * 0.25) / (1.0 + a * (centre * 0.25));
    z = t * t;
    for (int n = 15; n > 0; n -= 2)
        sum = 1.0 / n - sum * z;
    t = centres[(int)centre] + t * sum;
    if (inverted)
        t = PI_HALF - t;
    return x < 0 ? -t : t;
}

double math64_asin(double x)
{
    double rest = (1.0 - x) * (1.0 + x);

    if (!(rest >= 0.0))
        return (double)NAN;
    if (rest == 0.0)
        return x < 0 ? -PI_HALF : PI_HALF;
    return math64_atan(x / math64_sqrt(rest));
}

double math64_acos(double x)
{
    if (!(x >= -1.0 && x <= 1.0))
        return (double)NAN;
    if (x == -1.0)
        return 2.0 * PI_HALF;
    return 2.0 * math64_atan(math64_sqrt((1.0 - x) / (1.0 + x)));
}

double math64_sinh(double x)
{
    double a = x < 0 ? -x : x, t;

    if (a < 0.35) { /* the odd terms of exp's series */
        double z = x * x;

        t = 1.0 / 6227020800.0;
        t = t * z + 1.0 / 39916800;
        t = t * z + 1.0 / 362880;
        t = t * z + 1.0 / 5040;
        t = t * z + 1.0 / 120;
        t = t * z + 1.0 / 6;
        return x + x * (z * t);
    }
    return 0.5 * math64_exp(x) - 0.5 * math64_exp(-x);
}

double math64_cosh(double x)
{
    return 0.5 * math64_exp(x) + 0.5 * math64_exp(-x);
}

double math64_tanh(double x)
{
    double a = x < 0 ? -x : x, t;

    if (x != x)
        return x;
    t = a > 20.0 ? 1.0 : math64_expm1(2.0 * a);
    t = a > 20.0 ? 1.0 : t / (t + 2.0);
    return x < 0 ? -t : t;
}

double math64_asinh(double x)
{
    double a = x < 0 ? -x : x, t;

    if (x != x || a == (double)INFINITY)
        return x;
    t = math64_log1p(a + a * a / (1.0 + math64_sqrt(1.0 + a * a)));
    return x < 0 ? -t : t;
}

double math64_acosh(double x)
{
    if (!(x >= 1.0))
        return (double)NAN;
    return math64_log1p((x - 1.0) + math64_sqrt((x - 1.0) * (x + 1.0)));
}

double math64_atanh(double x)
{
    double a = x < 0 ? -x : x, t;

    if (!(a <= 1.0))
        return (double)NAN;
    t = a == 1.0 ? (double)INFINITY : 0.5 * math64_log1p(2.0 * a / (1.0 - a));
    return x < 0 ? -t : t;
}
