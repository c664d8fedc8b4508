/* SPDX-License-Identifier: Apache-2.0 */
/* Norms of vectors, and the powers that they need, in a fixed order: the same bits on every machine. */
#ifndef LAZARET_GUEST_CHECKS_NORM_H
#define LAZARET_GUEST_CHECKS_NORM_H

#include "wire/plan.h"

#include <stddef.h>

/*
 * ‖v‖_p of `size` values as numpy.linalg.norm gives it for f32: |v|^p rounded to f32, summed pairwise,
 * the root rounded to f32. Powers are correctly rounded but for about one in a million; numpy's own
 * depend on the processor (with AVX-512 one in five is the neighbouring f32), so that for p other than
 * 1, 2 and inf the result is numpy's only where numpy's powers are exact. PLAN_NORM_INF: the largest |v|.
 */
float norm_of(double norm, const float *values, size_t size);

/* 1, -1, or 0 for zeros and NaN; inline, so that loops over elements are free of branches. */
static inline float norm_sign(float value)
{
    return (float)((value > 0.0f) - (value < 0.0f));
}

/* x^y for finite x ≥ 0 and y > 0; relative error below 1e-13 where the result is a normal f32. */
double norm_power(double x, double y);

#endif
