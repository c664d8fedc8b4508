/* SPDX-License-Identifier: Apache-2.0 */
/* Maximum pooling of windows of 2×2 that stand side by side. */
#include "guest/engine/pool_pairs.h"

#include <emmintrin.h>
#include <math.h>

/* Four windows: lane i of values[k] is the k-th element of the i-th. */
struct windows {
    __m128 values[4];
    __m128 nan; /* windows with a NaN */
};

static inline struct windows load_windows(const float *upper, const float *lower)
{
    const __m128 low = _mm_loadu_ps(upper), high = _mm_loadu_ps(upper + 4);
    const __m128 below = _mm_loadu_ps(lower), beyond = _mm_loadu_ps(lower + 4);
    struct windows w = {
        .values = {_mm_shuffle_ps(low, high, _MM_SHUFFLE(2, 0, 2, 0)),
                   _mm_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)),
                   _mm_shuffle_ps(below, beyond, _MM_SHUFFLE(2, 0, 2, 0)),
                   _mm_shuffle_ps(below, beyond, _MM_SHUFFLE(3, 1, 3, 1))},
    };

    w.nan = _mm_or_ps(_mm_cmpunord_ps(w.values[0], w.values[1]), _mm_cmpunord_ps(w.values[2], w.values[3]));
    return w;
}

size_t pool_pairs_maximum(const float *upper, const float *lower, size_t count, float *ret_row)
{
    size_t done = 0;

    for (; done + 4 <= count; done += 4, upper += 8, lower += 8) {
        const struct windows w = load_windows(upper, lower);
        __m128 best = w.values[0];

        for (size_t i = 1; i < 4; i++)
            best = _mm_max_ps(w.values[i], best); /* the second where the first is not above it */
        best = _mm_or_ps(_mm_andnot_ps(w.nan, best), _mm_and_ps(w.nan, _mm_set1_ps(NAN)));
        _mm_storeu_ps(ret_row + done, best);
    }
    return done;
}

/* dx of eight neighbours: dy where even and odd places have it, +0, which changes no sum, where not. */
static inline void add_chosen(float *dx, __m128 even, __m128 odd)
{
    _mm_storeu_ps(dx, _mm_add_ps(_mm_loadu_ps(dx), _mm_unpacklo_ps(even, odd)));
    _mm_storeu_ps(dx + 4, _mm_add_ps(_mm_loadu_ps(dx + 4), _mm_unpackhi_ps(even, odd)));
}

size_t pool_pairs_gradient(const float *upper, const float *lower, const float *dy, size_t count, float *dx_upper,
                           float *dx_lower)
{
    size_t done = 0;

    for (; done + 4 <= count; done += 4, upper += 8, lower += 8, dx_upper += 8, dx_lower += 8) {
        const struct windows w = load_windows(upper, lower);
        __m128 best = w.values[0], left = _mm_loadu_ps(dy + done), above[4], chosen[4];

        if (_mm_movemask_ps(w.nan) != 0)
            break;
        for (size_t i = 1; i < 4; i++) {
            above[i] = _mm_cmpgt_ps(w.values[i], best);
            best = _mm_max_ps(w.values[i], best);
        }
        for (size_t i = 3; i > 0; i--) { /* the last that is above all before it has the maximum */
            chosen[i] = _mm_and_ps(above[i], left);
            left = _mm_andnot_ps(above[i], left);
        }
        add_chosen(dx_upper, left, chosen[1]);
        add_chosen(dx_lower, chosen[2], chosen[3]);
    }
    return done;
}
