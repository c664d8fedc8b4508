/* SPDX-License-Identifier: Apache-2.0 */
/* Median, MAD and the index by which a target stands out. */
#include "host/score/anomaly.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

/* Sorts in place. */
static double median_of(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0;
}

int anomaly_null_of(const double *values, size_t count, struct anomaly_null *ret_null)
{
    CLEANUP_FREE double *sorted = calloc(count > 0 ? count : 1, sizeof *sorted);
    struct anomaly_null null = {.known = count >= ANOMALY_TARGETS_MIN};

    if (sorted == NULL)
        return -ENOMEM;
    if (null.known) {
        memcpy(sorted, values, count * sizeof *sorted);
        null.median = median_of(sorted, count);
        for (size_t i = 0; i < count; i++)
            sorted[i] = fabs(values[i] - null.median);
        null.mad = median_of(sorted, count);
    }
    *ret_null = null;
    return 0;
}

double anomaly_index(const struct anomaly_null *null, double value)
{
    double distance = fabs(value - null->median);

    if (!null->known || distance == 0.0)
        return 0.0;
    return null->mad > 0.0 ? distance / (ANOMALY_SCALE * null->mad) : INFINITY;
}
