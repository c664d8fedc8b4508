/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Independent components: the rotation of whitened points whose coordinates are least Gaussian
 * (Hyvärinen 1999, IEEE Transactions on Neural Networks 10, 3: FastICA, symmetric, g = tanh).
 *
 * Settings are ART's: it ends when no component turns by more than FAST_ICA_TOLERANCE (1 − |cos|), or
 * after FAST_ICA_ITERATIONS_MAX rounds, whichever comes first, with what it then has. f64, one fixed
 * order, tanh of real.h. A rotation moves no point nearer to another: what clusters by distance finds
 * the same groups in whitened points as in their independent components.
 */
#ifndef LAZARET_GUEST_CHECKS_FAST_ICA_H
#define LAZARET_GUEST_CHECKS_FAST_ICA_H

#include "guest/checks/kmeans.h"

#define FAST_ICA_ITERATIONS_MAX 1000u
#define FAST_ICA_TOLERANCE      0.005

/* A start: dims × dims numbers in [−1, 1) from random_start(seed, stream, FAST_ICA_STREAM). */
#define FAST_ICA_STREAM (UINT64_MAX - 1u)
void fast_ica_start(const uint8_t seed[SHA256_SIZE], uint64_t stream, size_t dims, double *ret_rotation);

/*
 * `rotation` (dims × dims, row-major; a row a component) is the start and becomes the result, an
 * orthogonal matrix. Points have mean 0 and unit covariance. -EDOM where the start is singular or
 * values are not finite; -ENOMEM.
 */
MUST_USE int fast_ica_rotate(const struct kmeans_points *points, double *rotation, uint32_t *ret_iterations);

#endif
