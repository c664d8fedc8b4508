/* SPDX-License-Identifier: Apache-2.0 */
/* The exact sign test by ratios of neighbouring binomial probabilities. */
#include "host/score/sign_test.h"

#define SIGN_SMALL 1e-295 /* relative to the mode; below it nothing counts in a double */

/*
 * The sum over k ≥ `from` of P(k)/P(mode), for `from` at least the mode, n/2 rounded up. P(k+1)/P(k) = (n-k)/(k+1),
 * at most 1 there.
 */
static double tail(uint64_t n, uint64_t mode, uint64_t from)
{
    double weight = 1.0, sum = 0.0;

    for (uint64_t k = mode; k <= n && weight > SIGN_SMALL; k++) {
        sum += k >= from ? weight : 0.0;
        weight *= (double)(n - k) / ((double)k + 1.0);
    }
    return sum;
}

double sign_test_greater(uint64_t first, uint64_t second)
{
    uint64_t n = first + second, mode = (n + 1) / 2;
    double upper, whole;

    if (n == 0)
        return 1.0;
    upper = tail(n, mode, mode);
    whole = n % 2 == 1 ? 2.0 * upper : 2.0 * upper - 1.0; /* symmetric about n/2; an even n has its mode once */
    if (first >= mode)
        return tail(n, mode, first) / whole;
    return 1.0 - tail(n, mode, second + 1) / whole; /* P(X ≥ first) = 1 − P(X ≥ n − first + 1) */
}
