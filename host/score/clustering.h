/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which classes of a model look poisoned: activation clustering decided by trusted test data.
 *
 * The guest splits each class's training activations in two clusters, and says into which of them
 * the test samples of that predicted class fall. In a clean class both sets spread alike. Where the
 * training set is poisoned, one cluster holds the poison, and the test set has next to none of it.
 * A class is suspicious where all three hold:
 *  - the split differs between training and test: Fisher's exact test of [[training 0, training 1],
 *    [test 0, test 1]], Holm's correction over all classes tested, p at most alpha;
 *  - one cluster's share of the training samples exceeds its share of the test samples by at least
 *    effect_min: with many samples alone, a p-value would find differences that mean nothing;
 *  - that cluster holds at most test_share_max of the test samples: next to none.
 * Silhouette decides nothing: clean classes reach higher values than poisoned ones.
 */
#ifndef LAZARET_HOST_SCORE_CLUSTERING_H
#define LAZARET_HOST_SCORE_CLUSTERING_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTERING_COUNT_MAX (UINT64_C(1) << 40) /* of any size */

struct clustering_rule { /* the policy's */
    double alpha, effect_min, test_share_max;
};

struct clustering_class {
    uint32_t label;
    uint64_t sizes[2], test_sizes[2];
};

struct clustering_verdict {
    bool tested;       /* false: no training samples, or no test samples, to compare */
    double p, p_holm;  /* where tested */
    double effect;     /* training share less test share of `cluster`, in [0, 1] */
    double test_share; /* of `cluster`, in [0, 1] */
    uint32_t cluster;  /* the one that training fills more than test */
    bool suspicious;
};

/* Decides `count` classes at once. -EINVAL for a size beyond CLUSTERING_COUNT_MAX, -ENOMEM. */
MUST_USE int clustering_decide(const struct clustering_rule *rule, const struct clustering_class *classes, size_t count,
                               struct clustering_verdict *ret_verdicts);

#endif
