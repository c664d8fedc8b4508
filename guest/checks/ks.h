/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kolmogorov-Smirnov test of two samples: do they come from one distribution?
 *
 * Figures agree with SciPy 1.10's ks_2samp to 1e-9, its choice of method included: exact up to
 * KS_AUTO_MAX values a sample, asymptotic beyond, and asymptotic wherever SciPy's exact method gives
 * up. f64, in one fixed order, the functions of real.h. Sources: Hodges 1958 (Arkiv för Matematik 3,
 * 43), Viehmann 2021 (arXiv:2102.08037), Simard and L'Ecuyer 2011 (Journal of Statistical Software
 * 39, 11).
 */
#ifndef LAZARET_GUEST_CHECKS_KS_H
#define LAZARET_GUEST_CHECKS_KS_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KS_AUTO_MAX   10000u              /* values of the larger sample, for KS_AUTO to be exact */
#define KS_CELLS_MAX  (UINT64_C(1) << 34) /* steps of an exact method; where it takes more, asymptotic */
#define KS_VALUES_MAX (UINT64_C(1) << 40)

enum ks_method { KS_AUTO, KS_EXACT, KS_ASYMPTOTIC };

/* What is held against the hypothesis: F₁ ≠ F₂ somewhere, F₁ < F₂ somewhere, F₁ > F₂ somewhere. */
enum ks_alternative { KS_TWO_SIDED, KS_LESS, KS_GREATER };

/* A sample: finite values in ascending order (ks_sort), borrowed. */
struct ks_sample {
    const float *values;
    size_t count; /* 1 to KS_VALUES_MAX */
};

struct ks_result {
    double d; /* the largest distance of the two empirical distribution functions, in [0, 1] */
    double p; /* the chance of such a distance or a larger one between samples of one distribution */
    bool exact;
};

/* The test. -EINVAL for an empty sample, -ENOMEM. */
MUST_USE int ks_two_sample(const struct ks_sample *first, const struct ks_sample *second,
                           enum ks_alternative alternative, enum ks_method method, struct ks_result *ret_result);

/* Sorts finite values ascending, in place; −0 becomes 0. The result is the same whatever the order they come in. */
void ks_sort(float *values, size_t count);

/*
 * P(Dₙ ≥ d) of the one-sample, two-sided statistic of n values (SciPy's kstwo.sf), by Simard's and
 * L'Ecuyer's choice of methods. -ENOMEM.
 */
MUST_USE int ks_two_sided_tail(uint64_t n, double d, double *ret_p);

/* P(Dₙ⁺ ≥ d) of the one-sided statistic (SciPy's special.smirnov). */
double ks_one_sided_tail(uint64_t n, double d);

#endif
