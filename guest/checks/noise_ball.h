/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random points of the unit ball of a norm, from a stream of seeded numbers.
 *
 *   norm inf  uniform in the cube
 *   norm 2    a Gaussian direction (Marsaglia's polar method); inside: two more coordinates than asked
 *             for, normalised and dropped, which is uniform in the ball
 *   norm 1    exponential magnitudes with random signs; inside: with one more magnitude in the sum,
 *             which is uniform in the ball
 *   other p   a Gaussian direction of p-norm 1; inside: times u^(1/size), which is not uniform but fills
 *             the ball
 */
#ifndef LAZARET_GUEST_CHECKS_NOISE_BALL_H
#define LAZARET_GUEST_CHECKS_NOISE_BALL_H

#include "guest/checks/random.h"

#include <stdbool.h>
#include <stddef.h>

/* A point inside the ball, or on its surface (norm inf: inside). */
void noise_ball(struct random_stream *stream, double norm, bool surface, size_t size, float *ret_point);

#endif
