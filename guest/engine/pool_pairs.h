/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maximum pooling of windows of 2×2 that stand side by side, four windows at a time: the commonest pooling, in
 * op_pool.c's own steps.
 *
 * Window i of a row reads upper[2i], upper[2i + 1], lower[2i], lower[2i + 1], in that order. The functions return how
 * many windows from the first on are done; the rest is the caller's.
 */
#ifndef LAZARET_GUEST_ENGINE_POOL_PAIRS_H
#define LAZARET_GUEST_ENGINE_POOL_PAIRS_H

#include <stddef.h>

/* The maximum of each window, the first of equals; NaN where the window has one. */
size_t pool_pairs_maximum(const float *upper, const float *lower, size_t count, float *ret_row);

/*
 * Adds dy[i] to the gradient of the place of window i's maximum, the first of equals; stops at a NaN. No gradient may
 * be -0 before: sums that start at +0 never are.
 */
size_t pool_pairs_gradient(const float *upper, const float *lower, const float *dy, size_t count, float *dx_upper,
                           float *dx_lower);

#endif
