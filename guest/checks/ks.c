/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two-sample test: the distance, then the method.
 *
 * Theory of operation. With m and n values, F₁ − F₂ moves in steps of 1/(mn): +n at a value of the
 * first sample, −m at one of the second, and counts only where a value differs from the next. So the
 * distance is found in whole numbers, and is a whole number of steps of 1/lcm(m, n).
 */
#include "guest/checks/ks_internal.h"
#include "guest/checks/real.h"

#include <errno.h>
#include <math.h>

__extension__ typedef __int128 wide; /* m·n of samples up to KS_VALUES_MAX */

/* --- sorting ------------------------------------------------------------------------------------ */

#define RADIX_BITS    8u
#define RADIX_BUCKETS (1u << RADIX_BITS)
#define RADIX_SMALL   48u /* values that insertion sorts faster */

typedef uint32_t __attribute__((may_alias)) sort_key; /* in the place of a float */

/* Unsigned numbers in the order of the floats they stand for. */
static uint32_t key_of(uint32_t bits)
{
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

static uint32_t bits_of(uint32_t key)
{
    return (key & 0x80000000u) != 0 ? key & 0x7fffffffu : ~key;
}

static void sort_few(sort_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t key = keys[i];
        size_t j = i;

        for (; j > 0 && keys[j - 1] > key; j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

/* Radix sort from the top byte down, in place ("American flag"): nothing is allocated, at most four levels deep. */
static void sort_keys(sort_key *keys, size_t count, unsigned shift)
{
    size_t next[RADIX_BUCKETS] = {0}, end[RADIX_BUCKETS], start = 0;

    if (count <= RADIX_SMALL) {
        sort_few(keys, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        next[keys[i] >> shift & (RADIX_BUCKETS - 1)]++;
    for (unsigned b = 0; b < RADIX_BUCKETS; b++) {
        size_t size = next[b];

        next[b] = start;
        end[b] = start += size;
    }
    for (unsigned b = 0; b < RADIX_BUCKETS; b++)
        while (next[b] < end[b]) {
            uint32_t key = keys[next[b]];
            unsigned home = key >> shift & (RADIX_BUCKETS - 1);

            keys[next[b]] = keys[next[home]];
            keys[next[home]++] = key;
        }
    start = 0;
    for (unsigned b = 0; shift > 0 && b < RADIX_BUCKETS; b++) {
        sort_keys(keys + start, end[b] - start, shift - RADIX_BITS);
        start = end[b];
    }
}

void ks_sort(float *values, size_t count)
{
    sort_key *keys = (void *)values;

    for (size_t i = 0; i < count; i++)
        keys[i] = key_of(keys[i] == 0x80000000u ? 0 : keys[i]);
    sort_keys(keys, count, 24);
    for (size_t i = 0; i < count; i++)
        keys[i] = bits_of(keys[i]);
}

/* --- the distance ------------------------------------------------------------------------------- */

/* The largest and the least of F₁ − F₂, in steps of 1/(mn). */
static void find_extremes(const struct ks_sample *first, const struct ks_sample *second, wide *ret_largest,
                          wide *ret_least)
{
    size_t i = 0, j = 0;
    wide gap = 0, largest = 0, least = 0;

    while (i < first->count && j < second->count) {
        float value = first->values[i] < second->values[j] ? first->values[i] : second->values[j];

        for (; i < first->count && first->values[i] <= value; i++)
            gap += (wide)second->count;
        for (; j < second->count && second->values[j] <= value; j++)
            gap -= (wide)first->count;
        if (gap > largest)
            largest = gap;
        if (gap < least)
            least = gap;
    }
    *ret_largest = largest; /* the rest of the longer sample leads back to 0 */
    *ret_least = least;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b > 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static struct ks_gap measure_gap(const struct ks_sample *first, const struct ks_sample *second,
                                 enum ks_alternative alternative)
{
    struct ks_gap gap = {.divisor = common_divisor(first->count, second->count)};
    wide largest, least, chosen;

    find_extremes(first, second, &largest, &least);
    chosen = alternative == KS_LESS || (alternative == KS_TWO_SIDED && -least > largest) ? -least : largest;
    gap.larger = first->count > second->count ? first->count : second->count;
    gap.smaller = first->count > second->count ? second->count : first->count;
    gap.steps = (uint64_t)(chosen / (wide)gap.divisor);
    return gap;
}

/* --- the test ----------------------------------------------------------------------------------- */

/* Hodges' equation 5.3, one-sided. */
static double hodges_tail(double m, double n, double d)
{
    double z = sqrt(m * n / (m + n)) * d;

    return real_exp(-2.0 * z * z - 2.0 * z * (m + 2.0 * n) / sqrt(m * n * (m + n)) / 3.0);
}

static int asymptotic(const struct ks_gap *gap, enum ks_alternative alternative, double d, double *ret_p)
{
    double m = (double)gap->larger, n = (double)gap->smaller, effective = rint(m * n / (m + n));

    if (alternative != KS_TWO_SIDED) {
        *ret_p = hodges_tail(m, n, d);
        return 0;
    }
    return ks_two_sided_tail(effective < 1.0 ? 1 : (uint64_t)effective, d, ret_p);
}

/* Whether SciPy tries the exact method. */
static bool wants_exact(const struct ks_gap *gap, enum ks_method method)
{
    uint64_t m = gap->larger / gap->divisor, n = gap->smaller / gap->divisor;

    if (method == KS_AUTO)
        return gap->larger <= KS_AUTO_MAX;
    return method == KS_EXACT && (double)m < (double)INT32_MAX / (double)n;
}

int ks_two_sample(const struct ks_sample *first, const struct ks_sample *second, enum ks_alternative alternative,
                  enum ks_method method, struct ks_result *ret_result)
{
    struct ks_result result = {.exact = false};
    struct ks_gap gap;
    int r = -ERANGE;

    if (first->count == 0 || second->count == 0 || first->count > KS_VALUES_MAX || second->count > KS_VALUES_MAX)
        return -EINVAL;
    gap = measure_gap(first, second, alternative);
    result.d = (double)gap.steps / ((double)(gap.larger / gap.divisor) * (double)gap.smaller);
    if (wants_exact(&gap, method))
        r = ks_exact(&gap, alternative, &result.p);
    result.exact = r == 0;
    if (r == -ERANGE)
        r = asymptotic(&gap, alternative, result.d, &result.p);
    if (r < 0)
        return r;
    result.p = result.p < 0.0 ? 0.0 : result.p > 1.0 ? 1.0 : result.p;
    *ret_result = result;
    return 0;
}
