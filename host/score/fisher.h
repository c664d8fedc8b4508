/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fisher's exact test of a 2×2 table, two-sided.
 *
 * The p-value is the sum of the probabilities of all tables with the same margins that are no more
 * probable than the observed one; tables within a relative 1e-7 of it count as equally probable, as
 * in R's fisher.test. Probabilities are the hypergeometric distribution's, relative to its mode, by
 * the ratio of neighbours P(k+1)/P(k) = (r1-k)(c1-k)/((k+1)(r2-c1+k+1)): no factorials, logarithms
 * or libm, so that every machine gets the same bits. The relative error stays below 1e-9 for counts
 * to 10^6; probabilities below some 1e-290 come out as 0.
 */
#ifndef LAZARET_HOST_SCORE_FISHER_H
#define LAZARET_HOST_SCORE_FISHER_H

#include <stdint.h>

#define FISHER_COUNT_MAX (UINT64_C(1) << 40) /* of any cell; the work grows with the root of it */

/* The table [[a, b], [c, d]], each at most FISHER_COUNT_MAX. 1 where a row or column is empty. */
double fisher_exact(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

#endif
