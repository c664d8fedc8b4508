/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step of the Fast Gradient Method (Goodfellow et al. 2014, arXiv:1412.6572), from a gradient
 * to an adversarial input, in exactly the arithmetic of the Adversarial Robustness Toolbox 1.20 on
 * numpy: its arrays are reproduced bit for bit. Projected gradient descent takes the same step.
 *
 *   direction  d = sign(g)·u with sign(0) = 0, and u: norm inf: 1; norm p > 1, with q = p/(p − 1):
 *              (|g| / ‖g‖_q)^(q − 1), a norm of 0 taken as infinity; norm 1: 1 at the first maximum of
 *              |g|, else 0
 *   step       a = clip(from + step·d) to the range, NaN of step·d taken as 0
 *   projection x + P(a − x), not clipped again; P: norm inf: sign(δ)·min(|δ|, eps); others:
 *              δ·min(1, eps/‖δ‖_p)
 *
 * eps is f64 and rounded to f32 in the step, not in the projection, whose result is rounded to f32.
 * With a scale, norm inf only, each element has its own eps, rounded to f32 in both.
 * Norms are those of norm.h. Where |g|^q would leave f32's range (the reference's direction is then 0
 * or undefined), g is first multiplied by a power of two.
 */
#ifndef LAZARET_GUEST_CHECKS_FGSM_STEP_H
#define LAZARET_GUEST_CHECKS_FGSM_STEP_H

#include "wire/plan.h"

#include <stddef.h>

struct fgsm_step {
    double norm;
    double eps;                  /* in the input's own units, at least 0 */
    double step;                 /* as eps */
    float range_low, range_high; /* infinite: no clipping */
    const float *low, *high;     /* each element's own range instead; both or none, NULL for none */
    const float *scale;          /* multiplies eps and step of each element; NULL but for norm inf */
};

/* One input's direction from its gradient; both of `size` elements, NaN in the gradient counts as 0. */
void fgsm_direction(double norm, const float *gradient, size_t size, float *ret_direction);

/* clip(from + step·d), without projection; ret_moved may be `from`. */
void fgsm_move(const struct fgsm_step *step, const float *from, const float *direction, size_t size, float *ret_moved);

/* x + P(moved − x), in place. */
void fgsm_project(const struct fgsm_step *step, const float *x, size_t size, float *moved);

#endif
