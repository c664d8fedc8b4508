/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact sign test, one-sided: McNemar's exact test of paired yes-or-no outcomes.
 *
 * Of the pairs that differ, `first` say yes only to the first thing and `second` only to the second. If both were
 * equally strong, each such pair would fall either way by a fair coin (McNemar 1947, Psychometrika 12; exact form:
 * Conover, "Practical Nonparametric Statistics", section 3.4). The p-value is P(X ≥ first) for X ~ Binomial(first +
 * second, 1/2), from ratios of neighbouring probabilities relative to the mode: no factorials or libm, so that every
 * machine gets the same bits.
 */
#ifndef LAZARET_HOST_SCORE_SIGN_TEST_H
#define LAZARET_HOST_SCORE_SIGN_TEST_H

#include <stdint.h>

/* 1 where no pair differs. The work grows with the root of the counts, each at most 2^40. */
double sign_test_greater(uint64_t first, uint64_t second);

#endif
