/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact p-values of the two-sample test.
 *
 * Theory of operation. All orders in which m and n values can fall together are equally likely: a
 * path of m steps in i and n steps in j, whose distance is the largest |i/m − j/n|. With equal sizes
 * the reflection principle gives the share of paths that reach h in closed form. Otherwise let
 * A(i, j) be the chance that a random path to (i, j) has reached h: 1 where (i, j) itself has,
 * else (i·A(i−1, j) + j·A(i, j−1)) / (i + j), as that is the share of paths by each neighbour
 * (Viehmann). Every term is positive, so that small p-values keep their digits. The cells of one
 * antidiagonal i + j = s depend on those of s − 1 alone, not on each other.
 */
#include "guest/checks/ks_internal.h"
#include "guest/checks/real.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LOG_LARGEST 709.782712893384 /* ln of the largest double */

/* --- equal sizes ---------------------------------------------------------------------------------- */

/* C(2n, n − kh − h) / C(2n, n − kh), in h factors; 0 once they are no longer doubles. */
static double reflection_ratio(uint64_t n, uint64_t h, uint64_t k)
{
    double ratio = 1.0, above = (double)(n - k * h), below = (double)(n + k * h + 1);

    for (uint64_t j = 0; j < h && ratio > 0.0; j++)
        ratio = (above - (double)j) * ratio / (below + (double)j);
    return ratio;
}

/* 2·(a₀(1 − a₁(1 − a₂(…)))): the reflections of both lines, one in the other. */
static double equal_two_sided(uint64_t n, uint64_t h)
{
    double p = 0.0;

    for (uint64_t k = n / h + 1; k-- > 0;)
        p = reflection_ratio(n, h, k) * (1.0 - p);
    return 2.0 * p;
}

/* --- different sizes -------------------------------------------------------------------------------- */

struct walk {
    uint64_t m, n;   /* steps in i and in j */
    uint64_t mg, ng; /* m and n without their common divisor */
    uint64_t h;      /* reached where ng·i − mg·j ≥ h, two-sided also where ≤ −h */
    bool two_sided;
    double *now, *before;  /* of one antidiagonal, by j + 1 */
    const double *indices; /* 0, 1, 2, … */
};

/* The cells of antidiagonal s that have not reached h: j from *ret_low to *ret_high; false where there are none. */
static bool window_of(const struct walk *walk, uint64_t s, uint64_t *ret_low, uint64_t *ret_high)
{
    uint64_t side = walk->mg + walk->ng, along = walk->ng * s;
    uint64_t low = along >= walk->h ? (along - walk->h) / side + 1 : 0;
    uint64_t high = walk->two_sided ? (along + walk->h - 1) / side : s;

    if (s > walk->m && low < s - walk->m)
        low = s - walk->m;
    if (high > s)
        high = s;
    if (high > walk->n)
        high = walk->n;
    *ret_low = low;
    *ret_high = high;
    return low <= high;
}

/* before and now are moved by one: [j + 1] is cell j. */
static void step(double *restrict now, const double *restrict before, const double *restrict indices, uint64_t s,
                 uint64_t low, uint64_t high)
{
    double all = (double)s, inverse = 1.0 / all;

    for (uint64_t j = low; j <= high; j++)
        now[j + 1] = ((all - indices[j]) * before[j + 1] + indices[j] * before[j]) * inverse;
}

static double walk_paths(struct walk *walk)
{
    uint64_t low, high;

    if (!window_of(walk, 0, &low, &high))
        return 1.0;
    walk->before[0] = walk->before[2] = 1.0;
    walk->before[1] = 0.0;
    for (uint64_t s = 1; s <= walk->m + walk->n; s++) {
        double *swap = walk->before;

        if (!window_of(walk, s, &low, &high))
            return 1.0; /* every path passes through cells that have */
        step(walk->now, walk->before, walk->indices, s, low, high);
        walk->now[low] = walk->now[high + 2] = 1.0; /* the cells beside the window have */
        walk->before = walk->now;
        walk->now = swap;
    }
    return walk->before[walk->n + 1];
}

static int unequal(const struct ks_gap *gap, bool two_sided, double *ret_p)
{
    CLEANUP_FREE double *cells = calloc(3 * (gap->smaller + 3), sizeof *cells);
    double *indices = cells != NULL ? cells + 2 * (gap->smaller + 3) : NULL;
    struct walk walk = {.m = gap->larger,
                        .n = gap->smaller,
                        .mg = gap->larger / gap->divisor,
                        .ng = gap->smaller / gap->divisor,
                        .h = gap->steps,
                        .two_sided = two_sided,
                        .now = cells,
                        .before = cells != NULL ? cells + gap->smaller + 3 : NULL,
                        .indices = indices};

    if (cells == NULL)
        return -ENOMEM;
    for (uint64_t j = 0; j < gap->smaller + 3; j++)
        indices[j] = (double)j;
    *ret_p = walk_paths(&walk);
    return 0;
}

/* Steps that the walk takes, at most. */
static double count_cells(const struct ks_gap *gap, bool two_sided)
{
    double side = (double)(gap->larger / gap->divisor) + (double)(gap->smaller / gap->divisor);
    double width = two_sided ? 2.0 * (double)gap->steps / side + 1.0 : (double)gap->smaller + 1.0;

    if (width > (double)gap->smaller + 1.0)
        width = (double)gap->smaller + 1.0;
    return width * ((double)gap->larger + (double)gap->smaller);
}

/* ln C(m + n, n) beyond a double: where SciPy's count of paths overflows. */
static bool paths_overflow(const struct ks_gap *gap)
{
    double m = (double)gap->larger, n = (double)gap->smaller;

    return real_log_factorial(m + n) - real_log_factorial(m) - real_log_factorial(n) > LOG_LARGEST;
}

int ks_exact(const struct ks_gap *gap, enum ks_alternative alternative, double *ret_p)
{
    bool two_sided = alternative == KS_TWO_SIDED;

    if (gap->steps == 0) {
        *ret_p = 1.0;
        return 0;
    }
    if (gap->larger == gap->smaller) {
        if ((double)gap->larger > (double)KS_CELLS_MAX)
            return -ERANGE;
        *ret_p = two_sided ? equal_two_sided(gap->larger, gap->steps) : reflection_ratio(gap->larger, gap->steps, 0);
        return 0;
    }
    if ((!two_sided && paths_overflow(gap)) || count_cells(gap, two_sided) > (double)KS_CELLS_MAX)
        return -ERANGE;
    return unequal(gap, two_sided, ret_p);
}
