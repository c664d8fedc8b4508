/* SPDX-License-Identifier: Apache-2.0 */
/* Norms, powers and logarithms in fixed order. */
#include "guest/checks/norm.h"

#include <math.h>
#include <string.h>

/*
 * numpy sums a contiguous row pairwise (Higham 1993, "The accuracy of floating point summation"):
 * up to PAIRWISE_BLOCK elements by PAIRWISE_LANES partial sums that are then added as a tree,
 * longer rows as two halves, the first a multiple of PAIRWISE_LANES. The order is part of the
 * result.
 */
#define PAIRWISE_BLOCK 128u
#define PAIRWISE_LANES 8u

/* ln 2 in two parts: products of the first with any exponent are exact. */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW  0x1.a39ef35793c76p-33
#define LN2_INVERSE 0x1.71547652b82fep+0

#define LOG_TERMS 11u /* of s^(2k+1)/(2k+1) with |s| ≤ 0.1716: the first left out is below 2^-58 */
#define EXP_TERMS 15u /* of r^k/k! with |r| ≤ ln 2 / 2: the first left out is below 2^-60 */
#define EXP_MAX   709.0
#define EXP_MIN   (-708.0)

#define DOUBLE_FRACTION_BITS 52
#define DOUBLE_BIAS          1023

/* 2^exponent for a normal result. */
static double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + DOUBLE_BIAS) << DOUBLE_FRACTION_BITS;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/*
 * x = m·2^e with m in [√½, √2): ln x = e·ln 2 + 2·atanh(s), s = (m − 1)/(m + 1), as a series.
 */
double norm_log(double x)
{
    uint64_t bits;
    int exponent;
    double m, s, square, sum = 0.0;

    memcpy(&bits, &x, sizeof bits);
    exponent = (int)(bits >> DOUBLE_FRACTION_BITS) - DOUBLE_BIAS;
    m = x * power_of_two(-exponent);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m = m * 0.5;
        exponent++;
    }
    s = (m - 1.0) / (m + 1.0);
    square = s * s;
    for (unsigned k = LOG_TERMS; k > 0; k--)
        sum = sum * square + 1.0 / (double)(2 * k + 1);
    sum = 2.0 * s + 2.0 * s * (square * sum);
    return (double)exponent * LN2_HIGH + ((double)exponent * LN2_LOW + sum);
}

/* e^t = 2^k·e^r with r = t − k·ln 2, as a series. */
static double exponential(double t)
{
    int k;
    double r, sum = 1.0;

    if (t > EXP_MAX)
        return INFINITY;
    if (!(t >= EXP_MIN))
        return 0.0;
    k = (int)(t * LN2_INVERSE + (t < 0 ? -0.5 : 0.5));
    r = (t - (double)k * LN2_HIGH) - (double)k * LN2_LOW;
    for (unsigned n = EXP_TERMS; n > 0; n--)
        sum = 1.0 + sum * r / (double)n;
    return sum * power_of_two(k);
}

double norm_power(double x, double y)
{
    if (y == 1.0)
        return x;
    if (y == 2.0)
        return x * x;
    if (y == 0.5)
        return sqrt(x);
    if (!(x > 0.0))
        return x; /* 0, NaN */
    return exponential(y * norm_log(x));
}

float norm_sign(float value)
{
    return value > 0.0f ? 1.0f : value < 0.0f ? -1.0f : 0.0f;
}

static float term(double norm, float value)
{
    if (norm == 2)
        return value * value;
    if (norm == 1)
        return fabsf(value);
    return (float)norm_power((double)fabsf(value), (double)(float)norm);
}

static float pairwise_block(double norm, const float *values, size_t size)
{
    float lanes[PAIRWISE_LANES], sum;
    size_t whole = size - size % PAIRWISE_LANES;

    for (size_t lane = 0; lane < PAIRWISE_LANES; lane++)
        lanes[lane] = term(norm, values[lane]);
    for (size_t i = PAIRWISE_LANES; i < whole; i += PAIRWISE_LANES)
        for (size_t lane = 0; lane < PAIRWISE_LANES; lane++)
            lanes[lane] += term(norm, values[i + lane]);
    sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    for (size_t i = whole; i < size; i++)
        sum += term(norm, values[i]);
    return sum;
}

/* Recursion depth is the logarithm of the size. */
static float pairwise_sum(double norm, const float *values, size_t size)
{
    float sum = 0.0f;
    size_t half;

    if (size < PAIRWISE_LANES) {
        for (size_t i = 0; i < size; i++)
            sum += term(norm, values[i]);
        return sum;
    }
    if (size <= PAIRWISE_BLOCK)
        return pairwise_block(norm, values, size);
    half = size / 2;
    half -= half % PAIRWISE_LANES;
    return pairwise_sum(norm, values, half) + pairwise_sum(norm, values + half, size - half);
}

static float largest(const float *values, size_t size)
{
    float most = 0.0f;

    for (size_t i = 0; i < size; i++)
        if (fabsf(values[i]) > most)
            most = fabsf(values[i]);
    return most;
}

float norm_of(double norm, const float *values, size_t size)
{
    float sum;

    if (norm == PLAN_NORM_INF)
        return largest(values, size);
    sum = pairwise_sum(norm, values, size);
    if (norm == 1)
        return sum;
    return norm == 2 ? sqrtf(sum) : (float)norm_power((double)sum, (double)(1.0f / (float)norm));
}
