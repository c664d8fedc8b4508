/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of a sample. */
#ifndef LAZARET_GUEST_CHECKS_QUANTILE_H
#define LAZARET_GUEST_CHECKS_QUANTILE_H

#include <stddef.h>

/*
 * The quantile at `share` in [0, 1] of count ≥ 1 values, interpolated between neighbours (numpy's default, Hyndman and
 * Fan's type 7). Sorts the values, ascending; there must be no NaN among them.
 */
double quantile_of(double *values, size_t count, double share);

#endif
