/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of the Fast Gradient Method (Goodfellow et al. 2014, arXiv:1412.6572), from a gradient
 * to an adversarial input, in exactly the arithmetic of the Adversarial Robustness Toolbox 1.20 on
 * numpy: its arrays are reproduced bit for bit.
 *
 *   direction  d = sign(g)·u with sign(0) = 0, and u: norm inf: 1; norm 2: |g| / ‖g‖₂, a norm of 0
 *              taken as infinity; norm 1: 1 at the first maximum of |g|, else 0
 *   step       a = clip(x + eps·d) to the range, NaN of eps·d taken as 0
 *   projection x + P(a − x), not clipped again; P: norm inf: sign(δ)·min(|δ|, eps); norms 2 and 1:
 *              δ·min(1, eps/‖δ‖)
 *
 * eps is f64 and rounded to f32 in the step, not in the projection, whose result is rounded to f32.
 * Norms are f32, summed pairwise (see the source).
 */
#ifndef LAZARET_GUEST_CHECKS_FGSM_STEP_H
#define LAZARET_GUEST_CHECKS_FGSM_STEP_H

#include "wire/plan.h"

#include <stddef.h>

struct fgsm_step {
    double norm;
    double eps; /* in the input's own units, at least 0 */
    float range_low, range_high;
};

/* One input's direction from its gradient; both of `size` elements, NaN in the gradient counts as
 * 0. */
void fgsm_direction(double norm, const float *gradient, size_t size, float *ret_direction);

/* One adversarial input from x and its direction, all of `size` elements. */
void fgsm_perturb(const struct fgsm_step *step, const float *x, const float *direction, size_t size,
                  float *ret_adversarial);

#endif
