/* SPDX-License-Identifier: Apache-2.0 */
/* The step of the Fast Gradient Method, in the arithmetic of the reference. */
#include "guest/checks/fgsm_step.h"

#include <math.h>

/*
 * numpy sums a contiguous row pairwise (Higham 1993, "The accuracy of floating point summation"):
 * up to PAIRWISE_BLOCK elements by PAIRWISE_LANES partial sums that are then added as a tree,
 * longer rows as two halves, the first a multiple of PAIRWISE_LANES. The order is part of the
 * result.
 */
#define PAIRWISE_BLOCK 128u
#define PAIRWISE_LANES 8u

static float term(double norm, float value)
{
    return norm == 2 ? value * value : fabsf(value);
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

static float vector_norm(double norm, const float *values, size_t size)
{
    float sum = pairwise_sum(norm, values, size);

    return norm == 2 ? sqrtf(sum) : sum;
}

static float sign_of(float value)
{
    return value > 0.0f ? 1.0f : value < 0.0f ? -1.0f : 0.0f;
}

static float without_nan(float value)
{
    return isnan(value) ? 0.0f : value;
}

static void direction_2(size_t size, float *direction)
{
    float norm = vector_norm(2, direction, size);

    if (norm == 0.0f)
        norm = INFINITY;
    for (size_t i = 0; i < size; i++)
        direction[i] = fabsf(direction[i]) / norm * sign_of(direction[i]);
}

static void direction_1(size_t size, float *direction)
{
    size_t best = 0;
    float sign;

    for (size_t i = 1; i < size; i++)
        if (fabsf(direction[i]) > fabsf(direction[best]))
            best = i;
    sign = sign_of(direction[best]);
    for (size_t i = 0; i < size; i++)
        direction[i] = 0.0f;
    direction[best] = sign;
}

void fgsm_direction(double norm, const float *gradient, size_t size, float *ret_direction)
{
    for (size_t i = 0; i < size; i++)
        ret_direction[i] = without_nan(gradient[i]);
    if (norm == 2)
        direction_2(size, ret_direction);
    else if (norm == 1)
        direction_1(size, ret_direction);
    else
        for (size_t i = 0; i < size; i++)
            ret_direction[i] = sign_of(ret_direction[i]);
}

/* What the projection multiplies δ by; 1 where δ is 0, as eps / 0 is infinite. */
static double projection_factor(const struct fgsm_step *step, const float *delta, size_t size)
{
    float norm = vector_norm(step->norm, delta, size);
    double factor = step->eps / (double)norm;

    return factor < 1.0 ? factor : 1.0;
}

static float project_inf(float delta, double eps)
{
    double magnitude = fabs((double)delta);

    return (float)((double)sign_of(delta) * (magnitude < eps ? magnitude : eps));
}

void fgsm_perturb(const struct fgsm_step *step, const float *x, const float *direction, size_t size,
                  float *ret_adversarial)
{
    float eps = (float)step->eps;
    double factor;

    for (size_t i = 0; i < size; i++) {
        float moved = x[i] + without_nan(eps * direction[i]);

        moved = moved < step->range_low ? step->range_low : moved;
        moved = moved > step->range_high ? step->range_high : moved;
        ret_adversarial[i] = moved - x[i];
    }
    if (step->norm == PLAN_NORM_INF) {
        for (size_t i = 0; i < size; i++)
            ret_adversarial[i] = x[i] + project_inf(ret_adversarial[i], step->eps);
        return;
    }
    factor = step->eps > 0.0 ? projection_factor(step, ret_adversarial, size) : 0.0;
    for (size_t i = 0; i < size; i++)
        ret_adversarial[i] = x[i] + (float)((double)ret_adversarial[i] * factor);
}
