/* SPDX-License-Identifier: Apache-2.0 */
/* The L1 ball within the inputs' range. */
#include "guest/checks/projection.h"

#include "guest/checks/norm.h"

#include <math.h>
#include <string.h>

#define BISECTIONS 48 /* leaves λ wrong by 2^-48 of the largest element */

static float low_of(const struct fgsm_step *step, size_t i)
{
    return step->low == NULL ? step->range_low : step->low[i];
}

static float high_of(const struct fgsm_step *step, size_t i)
{
    return step->low == NULL ? step->range_high : step->high[i];
}

/* How far an element may go from x in the direction of z. */
static double room_of(const struct fgsm_step *step, const float *x, size_t i, double z)
{
    double room = z > 0.0 ? (double)high_of(step, i) - (double)x[i] : (double)x[i] - (double)low_of(step, i);

    return room > 0.0 ? room : 0.0;
}

static double shrink(double magnitude, double lambda, double room)
{
    double left = magnitude > lambda ? magnitude - lambda : 0.0;

    return left < room ? left : room;
}

/* ‖δ‖₁ for a λ. */
static double length_at(const struct fgsm_step *step, const float *x, const float *moved, size_t size, double lambda)
{
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) {
        double z = (double)moved[i] - (double)x[i];

        sum += shrink(fabs(z), lambda, room_of(step, x, i, z));
    }
    return sum;
}

static double find_lambda(const struct fgsm_step *step, const float *x, const float *moved, size_t size)
{
    double low = 0.0, high = 0.0;

    if (length_at(step, x, moved, size, 0.0) <= step->eps)
        return 0.0;
    for (size_t i = 0; i < size; i++)
        high = fmax(high, fabs((double)moved[i] - (double)x[i]));
    for (unsigned n = 0; n < BISECTIONS; n++) {
        double middle = 0.5 * (low + high);

        if (length_at(step, x, moved, size, middle) > step->eps)
            low = middle;
        else
            high = middle;
    }
    return high;
}

void projection_l1(const struct fgsm_step *step, const float *x, size_t size, float *moved)
{
    double lambda = find_lambda(step, x, moved, size);

    for (size_t i = 0; i < size; i++) {
        double z = (double)moved[i] - (double)x[i], delta = shrink(fabs(z), lambda, room_of(step, x, i, z));
        float low = low_of(step, i), high = high_of(step, i);

        if (delta == 0.0) {
            moved[i] = x[i];
            continue;
        }
        moved[i] = x[i] + (float)(z > 0.0 ? delta : -delta);
        moved[i] = moved[i] < low ? low : moved[i];
        moved[i] = moved[i] > high ? high : moved[i];
    }
}

/* --- the sparse step ---------------------------------------------------------------------------------- */

/* |g| as bits, which order as the values do; 0 for what can't move. */
static uint32_t key_of(const struct fgsm_step *step, const float *from, const float *gradient, size_t i)
{
    float magnitude = fabsf(gradient[i]);
    uint32_t bits;

    if (!(magnitude > 0.0f) || (gradient[i] > 0.0f ? from[i] >= high_of(step, i) : from[i] <= low_of(step, i)))
        return 0;
    memcpy(&bits, &magnitude, sizeof bits);
    return bits;
}

/* The k-th largest key, k ≥ 1, byte by byte; *ret_ties: how many that are equal to it belong to the k largest. */
static uint32_t kth_key(const struct fgsm_step *step, const float *from, const float *gradient, size_t size, size_t k,
                        size_t *ret_ties)
{
    uint32_t prefix = 0, mask = 0;

    for (int shift = 24; shift >= 0; shift -= 8) {
        size_t counts[256] = {0};
        uint32_t byte = 255;

        for (size_t i = 0; i < size; i++) {
            uint32_t key = key_of(step, from, gradient, i);

            if ((key & mask) == prefix)
                counts[key >> shift & 255]++;
        }
        for (; byte > 0 && counts[byte] < k; byte--)
            k -= counts[byte];
        prefix |= byte << shift;
        mask |= UINT32_C(255) << shift;
    }
    *ret_ties = k;
    return prefix;
}

void projection_sparse_step(const struct fgsm_step *step, double length, size_t k, const float *from,
                            const float *gradient, size_t size, float *ret_moved)
{
    size_t ties, taken = 0;
    uint32_t least = kth_key(step, from, gradient, size, k, &ties);
    float each;

    for (size_t i = 0; i < size; i++)
        taken += key_of(step, from, gradient, i) > least;
    taken += least > 0 ? ties : 0;
    each = taken > 0 ? (float)(length / (double)taken) : 0.0f;
    for (size_t i = 0; i < size; i++) {
        uint32_t key = key_of(step, from, gradient, i);
        bool tied = key == least && least > 0 && ties > 0;

        ret_moved[i] = from[i] + (key > least || tied ? each * norm_sign(gradient[i]) : 0.0f);
        ties -= tied;
    }
}
