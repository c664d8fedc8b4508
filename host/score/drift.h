/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tensors of a model have drifted from a reference model's: Holm's correction of the guest's
 * Kolmogorov-Smirnov tests, and the effect size.
 *
 * A tensor has drifted where its corrected p is at most alpha and its distance D at least the minimum: with many
 * weights alone, a p-value would find differences that mean nothing. Drift is no sign of a trojan.
 */
#ifndef LAZARET_HOST_SCORE_DRIFT_H
#define LAZARET_HOST_SCORE_DRIFT_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct drift_rule { /* the policy's */
    double alpha, minimum_effect;
};

struct drift_tensor {
    bool compared;
    double d, p;   /* where compared, both in [0, 1] */
    double p_holm; /* result, over the tensors compared */
    bool drifted;  /* result */
};

/* Fills in the results of `count` tensors. -ENOMEM; -EINVAL for a p outside [0, 1]. */
MUST_USE int drift_decide(const struct drift_rule *rule, struct drift_tensor *tensors, size_t count);

#endif
