/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of adversarial samples that the guest returned: are they what the attack allows?
 *
 * A sample must be finite, within the spec's range, and no further than eps from its clean input in
 * the attack's norm. The attack computes in f32, so neither bound is exact. With u = 2^-24, the unit
 * roundoff of f32, x the clean input and a the adversarial one:
 *  - eps itself is rounded to f32, and the step is scaled by eps divided by its norm, which has been
 *    summed in f32 at worst: a relative 16u of eps covers it;
 *  - a = x + step is rounded once more, by at most u·|a| in each element, so by u·‖a‖ in the norm;
 *    the step was the difference of two f32, clip(x + eps·d) - x, again by at most u·(‖a‖ + ‖x‖).
 * Hence ‖a - x‖ <= eps + 16u·eps + 2u·(‖a‖ + ‖x‖), all norms here in f64. The projection after the
 * clip moves an element towards x, which is in range, so that only rounding can leave the range:
 * 4u·max(|low|, |high|).
 */
#ifndef LAZARET_HOST_SCORE_SAMPLES_H
#define LAZARET_HOST_SCORE_SAMPLES_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum score_norm { SCORE_NORM_INF, SCORE_NORM_2, SCORE_NORM_1, SCORE_NORM_COUNT };

/* "inf", "2", "1". */
const char *score_norm_name(enum score_norm norm);

struct samples_rule {
    const char *check; /* for messages */
    enum score_norm norm;
    double eps;           /* in the input's own units */
    const char *eps_text; /* as the policy writes it */
    double range_low, range_high;
};

/* The largest distance that the rule allows for this pair. */
double samples_distance_max(const struct samples_rule *rule, const float *clean, const float *adversarial,
                            size_t elements);

/*
 * Checks sample number `index`. -EBADMSG (ERROR_GUEST) names check, norm, eps, sample and the figure.
 * ret_distance: its distance from the clean input; may be NULL.
 */
MUST_USE int samples_check(const struct samples_rule *rule, uint64_t index, const float *clean,
                           const float *adversarial, size_t elements, double *ret_distance, struct error *err);

#endif
