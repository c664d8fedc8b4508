/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of a sample. */
#include "guest/checks/quantile.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double quantile_of(double *values, size_t count, double share)
{
    double position = share * (double)(count - 1);
    size_t below = (size_t)position;

    qsort(values, count, sizeof *values, compare);
    if (below + 1 >= count)
        return values[count - 1];
    return values[below] + (values[below + 1] - values[below]) * (position - (double)below);
}
