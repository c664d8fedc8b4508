/* SPDX-License-Identifier: Apache-2.0 */
/* Which classes of a model look poisoned. */
#include "host/score/clustering.h"

#include "host/score/fisher.h"
#include "host/score/holm.h"

#include <errno.h>

static int examine(const struct clustering_class *class, struct clustering_verdict *ret_verdict)
{
    const uint64_t *train = class->sizes, *test = class->test_sizes;
    struct clustering_verdict verdict = {0};
    double share;

    for (unsigned i = 0; i < 2; i++)
        if (train[i] > CLUSTERING_COUNT_MAX || test[i] > CLUSTERING_COUNT_MAX)
            return -EINVAL;
    verdict.tested = train[0] + train[1] > 0 && test[0] + test[1] > 0;
    if (verdict.tested) {
        verdict.p = fisher_exact(train[0], train[1], test[0], test[1]);
        share = (double)train[0] / (double)(train[0] + train[1]) - (double)test[0] / (double)(test[0] + test[1]);
        verdict.cluster = share > 0.0 ? 0 : 1;
        verdict.effect = share > 0.0 ? share : -share;
        verdict.test_share = (double)test[verdict.cluster] / (double)(test[0] + test[1]);
    }
    *ret_verdict = verdict;
    return 0;
}

int clustering_decide(const struct clustering_rule *rule, const struct clustering_class *classes, size_t count,
                      struct clustering_verdict *ret_verdicts)
{
    CLEANUP_FREE double *p = calloc(count > 0 ? count : 1, sizeof *p);
    size_t tested = 0;
    int r;

    if (p == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        r = examine(&classes[i], &ret_verdicts[i]);
        if (r < 0)
            return r;
        if (ret_verdicts[i].tested)
            p[tested++] = ret_verdicts[i].p;
    }
    r = holm_adjust(p, tested, p);
    if (r < 0)
        return r;
    tested = 0;
    for (size_t i = 0; i < count; i++) {
        struct clustering_verdict *verdict = &ret_verdicts[i];

        if (!verdict->tested)
            continue;
        verdict->p_holm = p[tested++];
        verdict->suspicious = verdict->p_holm <= rule->alpha && verdict->effect >= rule->effect_min &&
                              verdict->test_share <= rule->test_share_max;
    }
    return 0;
}
