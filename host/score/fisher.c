/* SPDX-License-Identifier: Apache-2.0 */
/* Fisher's exact test of a 2×2 table by ratios of neighbouring probabilities. */
#include "host/score/fisher.h"

#include <stdbool.h>

#define FISHER_TIE   1.0000001
#define FISHER_SMALL 1e-295 /* relative to the mode; below it nothing counts in a double */

/* The margins: k is the upper left cell. */
struct margins {
    double row1, row2, column1;
    uint64_t low, high, mode; /* of k */
};

static struct margins margins_of(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t row1 = a + b, row2 = c + d, column1 = a + c;
    unsigned __int128 mode = (unsigned __int128)(column1 + 1) * (row1 + 1) / (row1 + row2 + 2);
    struct margins margins = {.row1 = (double)row1, .row2 = (double)row2, .column1 = (double)column1};

    margins.low = column1 > row2 ? column1 - row2 : 0;
    margins.high = column1 < row1 ? column1 : row1;
    margins.mode = (uint64_t)mode;
    if (margins.mode < margins.low)
        margins.mode = margins.low;
    if (margins.mode > margins.high)
        margins.mode = margins.high;
    return margins;
}

/* P(k+1)/P(k). */
static double ratio_up(const struct margins *margins, uint64_t k)
{
    double at = (double)k;

    return (margins->row1 - at) * (margins->column1 - at) /
           ((at + 1.0) * (margins->row2 - margins->column1 + at + 1.0));
}

/* P(k)/P(mode), walking from the mode; 0 once it is below FISHER_SMALL. */
static double weight_of(const struct margins *margins, uint64_t k)
{
    double weight = 1.0;

    for (uint64_t i = margins->mode; i < k && weight > FISHER_SMALL; i++)
        weight *= ratio_up(margins, i);
    for (uint64_t i = margins->mode; i > k && weight > FISHER_SMALL; i--)
        weight /= ratio_up(margins, i - 1);
    return weight > FISHER_SMALL ? weight : 0.0;
}

/* Adds up one side of the mode, outwards: all weights, and those that are at most `bound`. */
static void sum_side(const struct margins *margins, bool up, double bound, double *total, double *extreme)
{
    double weight = 1.0;
    uint64_t k = margins->mode;

    while (k != (up ? margins->high : margins->low)) {
        weight = up ? weight * ratio_up(margins, k) : weight / ratio_up(margins, k - 1);
        k = up ? k + 1 : k - 1;
        if (weight <= FISHER_SMALL)
            return;
        *total += weight;
        if (weight <= bound)
            *extreme += weight;
    }
}

double fisher_exact(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct margins margins;
    double observed, total = 1.0, extreme = 0.0;

    if (a + b == 0 || c + d == 0 || a + c == 0 || b + d == 0)
        return 1.0;
    margins = margins_of(a, b, c, d);
    observed = weight_of(&margins, a);
    if (observed * FISHER_TIE >= 1.0)
        return 1.0;
    sum_side(&margins, false, observed * FISHER_TIE, &total, &extreme);
    sum_side(&margins, true, observed * FISHER_TIE, &total, &extreme);
    return extreme / total;
}
