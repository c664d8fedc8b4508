/* SPDX-License-Identifier: Apache-2.0 */
/* Norms and powers in fixed order. */
#include "guest/checks/norm.h"

#include "guest/checks/real.h"

#include <math.h>

/*
 * numpy sums a contiguous row pairwise (Higham 1993, "The accuracy of floating point summation"):
 * up to PAIRWISE_BLOCK elements by PAIRWISE_LANES partial sums that are then added as a tree,
 * longer rows as two halves, the first a multiple of PAIRWISE_LANES. The order is part of the
 * result.
 */
#define PAIRWISE_BLOCK 128u
#define PAIRWISE_LANES 8u

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
    return real_exp(y * real_log(x));
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
