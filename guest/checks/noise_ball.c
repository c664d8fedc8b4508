/* SPDX-License-Identifier: Apache-2.0 */
/* Random points of a ball. */
#include "guest/checks/noise_ball.h"

#include "guest/checks/norm.h"
#include "guest/checks/real.h"

#include <math.h>

static double uniform_sign(struct random_stream *stream)
{
    return 2.0 * random_unit(stream) - 1.0;
}

/* Two independent standard normal numbers. */
static void gaussian_pair(struct random_stream *stream, double ret_pair[2])
{
    double a, b, square, factor;

    do {
        a = uniform_sign(stream);
        b = uniform_sign(stream);
        square = a * a + b * b;
    } while (!(square > 0.0 && square < 1.0));
    factor = sqrt(-2.0 * real_log(square) / square);
    ret_pair[0] = a * factor;
    ret_pair[1] = b * factor;
}

/* Σ of squares, in f64 and in order. */
static double fill_gaussian(struct random_stream *stream, size_t size, float *ret_point)
{
    double sum = 0.0, pair[2] = {0.0, 0.0};

    for (size_t i = 0; i < size; i++) {
        if (i % 2 == 0)
            gaussian_pair(stream, pair);
        ret_point[i] = (float)pair[i % 2];
        sum += (double)ret_point[i] * (double)ret_point[i];
    }
    return sum;
}

static void scale_by(double factor, size_t size, float *point)
{
    for (size_t i = 0; i < size; i++)
        point[i] = (float)((double)point[i] * factor);
}

static void ball_2(struct random_stream *stream, bool surface, size_t size, float *ret_point)
{
    double sum = fill_gaussian(stream, size, ret_point), pair[2];

    if (!surface) {
        gaussian_pair(stream, pair);
        sum += pair[0] * pair[0] + pair[1] * pair[1];
    }
    scale_by(sum > 0.0 ? 1.0 / sqrt(sum) : 0.0, size, ret_point);
}

/* −ln u for u in (0, 1]. */
static double exponential(struct random_stream *stream)
{
    return -real_log(1.0 - random_unit(stream));
}

static void ball_1(struct random_stream *stream, bool surface, size_t size, float *ret_point)
{
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) {
        double magnitude = exponential(stream);

        sum += magnitude;
        ret_point[i] = (float)(random_u64(stream) >> 63 != 0 ? -magnitude : magnitude);
    }
    if (!surface)
        sum += exponential(stream);
    scale_by(sum > 0.0 ? 1.0 / sum : 0.0, size, ret_point);
}

static void ball_p(struct random_stream *stream, double norm, bool surface, size_t size, float *ret_point)
{
    double length, radius = 1.0;

    (void)fill_gaussian(stream, size, ret_point);
    length = (double)norm_of(norm, ret_point, size);
    if (!surface)
        radius = norm_power(random_unit(stream), 1.0 / (double)size);
    scale_by(length > 0.0 ? radius / length : 0.0, size, ret_point);
}

void noise_ball(struct random_stream *stream, double norm, bool surface, size_t size, float *ret_point)
{
    if (norm == PLAN_NORM_INF)
        for (size_t i = 0; i < size; i++)
            ret_point[i] = (float)uniform_sign(stream);
    else if (norm == 2)
        ball_2(stream, surface, size, ret_point);
    else if (norm == 1)
        ball_1(stream, surface, size, ret_point);
    else
        ball_p(stream, norm, surface, size, ret_point);
}
