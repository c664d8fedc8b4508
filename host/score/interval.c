/* SPDX-License-Identifier: Apache-2.0 */
/* Wilson's score interval for a proportion. */
#include "host/score/interval.h"

#include <math.h>

#define INTERVAL_Z 1.959963984540054 /* the normal distribution's 0.975 quantile */

struct interval interval_wilson(uint64_t successes, uint64_t total)
{
    double n = (double)total, p, z2, centre, half, scale;

    if (total == 0 || successes > total)
        return (struct interval){0.0, 1.0};
    p = (double)successes / n;
    z2 = INTERVAL_Z * INTERVAL_Z;
    scale = 1.0 + z2 / n;
    centre = (p + z2 / (2.0 * n)) / scale;
    half = INTERVAL_Z * sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n)) / scale;
    /* At the ends the bound is exactly 0 or 1; rounding must not move it. */
    return (struct interval){
        .low = successes == 0 || centre < half ? 0.0 : centre - half,
        .high = successes == total || centre + half > 1.0 ? 1.0 : centre + half,
    };
}
