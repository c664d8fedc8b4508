/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wilson's score interval for a proportion.
 *
 * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
 * (1927), without continuity correction, two-sided 95%: z = 1.959963984540054. Only + - * / and
 * sqrt, which IEEE 754 rounds correctly, so that every machine gets the same bits.
 */
#ifndef LAZARET_HOST_SCORE_INTERVAL_H
#define LAZARET_HOST_SCORE_INTERVAL_H

#include <stdint.h>

struct interval {
    double low, high; /* 0 <= low <= high <= 1 */
};

/* For `successes` of `total`; [0, 1] for a total of 0. Both at most 2^53. */
struct interval interval_wilson(uint64_t successes, uint64_t total);

#endif
