/* SPDX-License-Identifier: Apache-2.0 */
/* The projection on an L1 ball within the inputs' range, and the sparse step that goes with it. */
#ifndef LAZARET_GUEST_CHECKS_PROJECTION_H
#define LAZARET_GUEST_CHECKS_PROJECTION_H

#include "guest/checks/fgsm_step.h"

/*
 * The point nearest to `moved` (in the Euclidean norm) of all that lie within `eps` of x in the L1 norm and in
 * step's range: δ_i = clip(sign(z_i)·max(|z_i| − λ, 0)) with z = moved − x, which is Duchi et al. 2008's
 * projection on the simplex with a bound for each element (Croce and Hein 2021, arXiv:2103.01208). λ is the
 * smallest that fits, found by bisection from above, so that ‖δ‖₁ ≤ eps but for
 * the rounding of x + δ. In place.
 */
void projection_l1(const struct fgsm_step *step, const float *x, size_t size, float *moved);

/*
 * The sparse step: from + length/k·sign(g) for the k elements of the largest |g| that can still move, those at
 * the end of their range in their gradient's direction left out (of equals the first are taken). Fewer than k
 * elements with a gradient: all of them. Not clipped; ret_moved is not `from`.
 */
void projection_sparse_step(const struct fgsm_step *step, double length, size_t k, const float *from,
                            const float *gradient, size_t size, float *ret_moved);

#endif
