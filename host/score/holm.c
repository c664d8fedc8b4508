/* SPDX-License-Identifier: Apache-2.0 */
/* Holm's step-down correction for several tests. */
#include "host/score/holm.h"

#include <errno.h>

struct ranked {
    double p;
    size_t index;
};

static int compare(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->p != b->p)
        return a->p < b->p ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

int holm_adjust(const double *p, size_t count, double *ret_adjusted)
{
    CLEANUP_FREE struct ranked *ranked = calloc(count > 0 ? count : 1, sizeof *ranked);
    double floor_so_far = 0.0;

    if (ranked == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!(p[i] >= 0.0 && p[i] <= 1.0))
            return -EINVAL;
        ranked[i] = (struct ranked){p[i], i};
    }
    qsort(ranked, count, sizeof *ranked, compare);
    for (size_t i = 0; i < count; i++) {
        double adjusted = (double)(count - i) * ranked[i].p;

        adjusted = adjusted > 1.0 ? 1.0 : adjusted;
        floor_so_far = adjusted > floor_so_far ? adjusted : floor_so_far;
        ret_adjusted[ranked[i].index] = floor_so_far;
    }
    return 0;
}
