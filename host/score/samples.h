/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of adversarial samples that the guest returned: are they what the attack allows?
 *
 * A sample must be finite, within the spec's range, and no further than eps from its clean input in the attack's norm,
 * any p ≥ 1 or infinity. The attack computes in f32, so neither bound is exact. With u = 2^-24, the unit roundoff of
 * f32, x the clean input and a the adversarial one:
 *  - eps itself is rounded to f32, and the step is scaled by eps divided by its norm, which has been summed in f32 at
 *    worst: a relative 16u of eps covers it;
 *  - a = x + step is rounded once more, by at most u·|a| in each element, so by u·‖a‖ in the norm; the step was the
 *    difference of two f32, clip(x + eps·d) - x, again by at most u·(‖a‖ + ‖x‖).
 * Hence ‖a - x‖ <= eps + 16u·eps + 2u·(‖a‖ + ‖x‖), all norms here in f64. The projection after the clip moves an
 * element towards x, which is in range, so that only rounding can leave the range: 4u·max(|low|, |high|).
 *
 * A minimal curve is not projected: x + eps·d is clipped, and that is all. The clip moves towards x, so that only d's
 * own norm can exceed 1. d's elements are (|g|/‖g‖_q)^(q-1) with q = p/(p-1): an error of a few u in the base comes out
 * q-1 times as large. There the first tolerance is 16(1+q)u·eps.
 *
 * Where the spec constrains single elements, each also keeps its own range, does not move where its mask is 0, and in
 * norm infinity keeps to its own eps, the point's times its scale, with the tolerance above for one element. An integer
 * element that has moved is an integer. Of a one-hot group's columns either none has moved, or two have exchanged their
 * values.
 */
#ifndef LAZARET_HOST_SCORE_SAMPLES_H
#define LAZARET_HOST_SCORE_SAMPLES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLES_NORM_INF 0.0 /* PLAN_NORM_INF */

/* What an attack may do to each element; one value an element of an input. */
struct samples_features {
    const float *low, *high; /* its own range */
    const float *eps_scale;  /* norm infinity: times the point's eps */
    const float *mask;       /* 0: it may not move */
    const float *kind;       /* 0 real, 1 integer, g ≥ 2: a column of the one-hot group g */
};

struct samples_rule {
    const char *check; /* for messages */
    double norm;       /* p ≥ 1, or SAMPLES_NORM_INF */
    bool minimal;
    double eps;           /* in the input's own units */
    const char *eps_text; /* as the policy writes it */
    double range_low, range_high;
    const struct samples_features *features; /* NULL: none */
};

/* The p-norm of a - b in f64, or of a where b is NULL; scaled by the largest element, so that no power overflows. */
double samples_norm(double norm, const float *a, const float *b, size_t count);

/* The largest distance that the rule allows for this pair, without regard to features. */
double samples_distance_max(const struct samples_rule *rule, const float *clean, const float *adversarial,
                            size_t elements);

/*
 * Checks sample number `index`. -EBADMSG (ERROR_GUEST) names check, norm, eps, sample and the figure.
 * ret_distance: its distance from the clean input; may be NULL.
 */
MUST_USE int samples_check(const struct samples_rule *rule, uint64_t index, const float *clean,
                           const float *adversarial, size_t elements, double *ret_distance, struct error *err);

#endif
