/* SPDX-License-Identifier: Apache-2.0 */
/* Tails of the one-sample statistics: the one-sided sum, and the choice of methods for the two-sided. */
#include "guest/checks/ks_internal.h"
#include "guest/checks/real.h"

#include <math.h>

/* --- one-sided --------------------------------------------------------------------------------------- */

#define SUM_VALUES_MAX 1000000u /* beyond: Maag and Dicaire's approximation, as SciPy has it */
#define DEVIANCE_NEAR  0.1

/* x ln(x/M) + M − x for x ≥ 0 and M > 0, without cancellation where they are close (Loader 2000). */
static double deviance(double x, double mean)
{
    double v = (x - mean) / (x + mean), v2 = v * v, term, sum;

    if (fabs(v) >= DEVIANCE_NEAR)
        return (x > 0.0 ? x * real_log(x / mean) : 0.0) + mean - x;
    sum = (x - mean) * v;
    term = 2.0 * x * v;
    for (unsigned i = 3; i < 40; i += 2) { /* x ln((1 + v)/(1 − v)), its first term apart */
        double next = sum + (term *= v2) / (double)i;

        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

/* C(n, v) p^v (1 − p)^(n − v) with v = np + shift, by its distance from the mode (Loader 2000). 0 < v < n. */
static double binomial_term(double n, double v, double shift, double p)
{
    double q = 1.0 - p;
    double exponent = real_stirling_rest(n) - real_stirling_rest(v) - real_stirling_rest(n - v) -
                      deviance(v, v - shift) - deviance(n - v, n - v + shift);

    if (q <= 0.0)
        return 0.0;
    return real_exp(exponent) * sqrt(n / (2.0 * REAL_PI * v * (n - v)));
}

/* Birnbaum and Tingey: d Σ C(n, v) (d + v/n)^(v − 1) (1 − d − v/n)^(n − v), v from 0 to ⌊n(1 − d)⌋. */
static double birnbaum_tingey(uint64_t count, double d)
{
    double n = (double)count, shift = -n * d, last = floor(n * (1.0 - d));
    double sum = real_power(1.0 - d, count);

    for (double v = 1.0; v <= last && v < n; v += 1.0) {
        double p = d + v / n;

        if (p < 1.0)
            sum += d / p * binomial_term(n, v, shift, p);
    }
    return sum;
}

double ks_one_sided_tail(uint64_t n, double d)
{
    double size = (double)n, bent = 6.0 * size * d + 1.0, p;

    if (d <= 0.0)
        return 1.0;
    if (d >= 1.0)
        return 0.0;
    if (size * d <= 1.0) /* the sum's whole is known, and only its last term is missing */
        p = 1.0 - d * real_power(1.0 + d, n - 1);
    else if (n > SUM_VALUES_MAX)
        p = real_exp(-bent * bent / 18.0 / size);
    else
        p = birnbaum_tingey(n, d);
    return p > 1.0 ? 1.0 : p;
}

/* --- two-sided --------------------------------------------------------------------------------------- */

#define SMALL_VALUES  140u /* Simard and L'Ecuyer: the bounds of the methods differ from here on */
#define DURBIN_VALUES 100000u

/* P(Dₙ < d) for ½ ≤ nd ≤ 1: n! (2d − 1/n)ⁿ (Ruben and Gambino). */
static double ruben_gambino(uint64_t n, double t)
{
    double size = (double)n, product = 1.0;

    if (n > SMALL_VALUES) /* n!/nⁿ = √(2πn) e^(rest − n) */
        return t > 0.5 ? real_exp(real_log(2.0 * REAL_PI * size) / 2.0 - size + real_stirling_rest(size) +
                                  size * real_log(2.0 * t - 1.0))
                       : 0.0;
    for (uint64_t i = 1; i <= n; i++)
        product *= (double)i / size * (2.0 * t - 1.0);
    return product;
}

/* P(Dₙ < d) where it can't be had from the one-sided tail. */
static int two_sided_cdf(uint64_t n, double d, double *ret_cdf)
{
    double size = (double)n, spread = size * d * d;

    if (n <= SMALL_VALUES && spread <= 0.754693)
        return ks_durbin(n, d, ret_cdf);
    if (n > SMALL_VALUES && n <= DURBIN_VALUES && size * (d * sqrt(d)) <= 1.4)
        return ks_durbin(n, d, ret_cdf);
    *ret_cdf = n <= SMALL_VALUES ? ks_pomeranz(n, d) : ks_pelz_good(n, d);
    return 0;
}

/* Whether twice the one-sided tail is the two-sided one, to within rounding. */
static bool is_twice_one_sided(uint64_t n, double d)
{
    double spread = (double)n * d * d;

    return d >= 0.5 || (n <= SMALL_VALUES ? spread > 4.0 : spread >= 2.2);
}

static double clip(double p)
{
    return p < 0.0 ? 0.0 : p > 1.0 ? 1.0 : p;
}

int ks_two_sided_tail(uint64_t n, double d, double *ret_p)
{
    double t = (double)n * d, cdf = 0.0;
    int r = 0;

    if (t <= 0.5 || d >= 1.0) {
        *ret_p = d >= 1.0 ? 0.0 : 1.0;
        return 0;
    }
    if (t <= 1.0)
        cdf = ruben_gambino(n, t);
    else if (t >= (double)n - 1.0) {
        *ret_p = 2.0 * real_power(1.0 - d, n);
        return 0;
    } else if (d < 0.5 && n > SMALL_VALUES && (double)n * d * d >= 370.0) {
        *ret_p = 0.0;
        return 0;
    } else if (is_twice_one_sided(n, d)) {
        *ret_p = clip(2.0 * ks_one_sided_tail(n, d));
        return 0;
    } else
        r = two_sided_cdf(n, d, &cdf);
    if (r == 0)
        *ret_p = clip(1.0 - cdf);
    return r;
}
