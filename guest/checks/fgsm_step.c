/* SPDX-License-Identifier: Apache-2.0 */
/* The step of the Fast Gradient Method, in the arithmetic of the reference. */
#include "guest/checks/fgsm_step.h"

#include "guest/checks/norm.h"

#include <math.h>

#define POWER_EXPONENT_MAX 120 /* the largest element's power stays within 2^±this, inside f32 */

static float without_nan(float value)
{
    return isnan(value) ? 0.0f : value;
}

/* Brings the largest element to [1, 2) by a power of two where its q-th power would leave f32's range. */
static void keep_in_range(double q, size_t size, float *direction)
{
    float largest = norm_of(PLAN_NORM_INF, direction, size);
    int exponent;

    if (largest == 0.0f || isinf(largest))
        return;
    exponent = ilogbf(largest);
    if (fabs(q * exponent) <= POWER_EXPONENT_MAX)
        return;
    for (size_t i = 0; i < size; i++)
        direction[i] = scalbnf(direction[i], -exponent);
}

static void direction_p(double norm, size_t size, float *direction)
{
    double q = norm / (norm - 1);
    double power = (double)(float)(q - 1);
    float length;

    keep_in_range(q, size, direction);
    length = norm_of(q, direction, size);
    if (length == 0.0f)
        length = INFINITY;
    for (size_t i = 0; i < size; i++)
        direction[i] = (float)norm_power((double)(fabsf(direction[i]) / length), power) * norm_sign(direction[i]);
}

static void direction_1(size_t size, float *direction)
{
    size_t best = 0;
    float sign;

    for (size_t i = 1; i < size; i++)
        if (fabsf(direction[i]) > fabsf(direction[best]))
            best = i;
    sign = norm_sign(direction[best]);
    for (size_t i = 0; i < size; i++)
        direction[i] = 0.0f;
    direction[best] = sign;
}

void fgsm_direction(double norm, const float *gradient, size_t size, float *ret_direction)
{
    for (size_t i = 0; i < size; i++)
        ret_direction[i] = without_nan(gradient[i]);
    if (norm == PLAN_NORM_INF)
        for (size_t i = 0; i < size; i++)
            ret_direction[i] = norm_sign(ret_direction[i]);
    else if (norm == 1)
        direction_1(size, ret_direction);
    else
        direction_p(norm, size, ret_direction);
}

static inline float move_one(float from, float change, float low, float high)
{
    float moved = from + without_nan(change);

    moved = moved < low ? low : moved;
    return moved > high ? high : moved;
}

/* One length and one range for all elements, as locals, so that the loop is vectorised. */
static void move_alike(const struct fgsm_step *step, const float *from, const float *direction, size_t size,
                       float *ret_moved)
{
    const float length = (float)step->step, low = step->range_low, high = step->range_high;

    for (size_t i = 0; i < size; i++)
        ret_moved[i] = move_one(from[i], length * direction[i], low, high);
}

void fgsm_move(const struct fgsm_step *step, const float *from, const float *direction, size_t size, float *ret_moved)
{
    float length = (float)step->step;

    if (step->scale == NULL && step->low == NULL) {
        move_alike(step, from, direction, size, ret_moved);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        float own = step->scale == NULL ? length : (float)(step->step * (double)step->scale[i]);
        float low = step->low == NULL ? step->range_low : step->low[i];
        float high = step->low == NULL ? step->range_high : step->high[i];

        ret_moved[i] = move_one(from[i], own * direction[i], low, high);
    }
}

static float project_inf(float delta, double eps)
{
    double magnitude = fabs((double)delta);

    return (float)((double)norm_sign(delta) * (magnitude < eps ? magnitude : eps));
}

/* δ in `moved`, x + P(δ) afterwards. */
static void project_all_inf(const struct fgsm_step *step, const float *x, size_t size, float *moved)
{
    const double eps = step->eps; /* a local, so that the first loop is vectorised */

    if (step->scale == NULL)
        for (size_t i = 0; i < size; i++)
            moved[i] = x[i] + project_inf(moved[i], eps);
    else
        for (size_t i = 0; i < size; i++)
            moved[i] = x[i] + project_inf(moved[i], (double)(float)(eps * (double)step->scale[i]));
}

/* What the projection multiplies δ by; 1 where δ is 0, as eps / 0 is infinite. */
static double projection_factor(const struct fgsm_step *step, const float *delta, size_t size)
{
    double factor;

    if (!(step->eps > 0.0))
        return 0.0;
    factor = step->eps / (double)norm_of(step->norm, delta, size);
    return factor < 1.0 ? factor : 1.0;
}

void fgsm_project(const struct fgsm_step *step, const float *x, size_t size, float *moved)
{
    double factor;

    for (size_t i = 0; i < size; i++)
        moved[i] = moved[i] - x[i];
    if (step->norm == PLAN_NORM_INF) {
        project_all_inf(step, x, size, moved);
        return;
    }
    factor = projection_factor(step, moved, size);
    for (size_t i = 0; i < size; i++)
        moved[i] = x[i] + (float)((double)moved[i] * factor);
}
