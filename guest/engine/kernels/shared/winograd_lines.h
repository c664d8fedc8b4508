/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Winograd's one-dimensional transforms, each line as it is computed; winograd.c says where they come from.
 *
 * One text for two compilers, as functions.h, which says what `real` and SHARED_INLINE are.
 */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_SHARED_WINOGRAD_LINES_H
#define LAZARET_GUEST_ENGINE_KERNELS_SHARED_WINOGRAD_LINES_H

/* The points are 0, ±5/8, ±3/2 and infinity: all constants are exact in f32. */
#define A1 0.625f
#define A2 0.390625f
#define A3 0.244140625f
#define B1 1.5f
#define B2 2.25f
#define B3 3.375f
#define AB 2.640625f   /* a² + b² */
#define PR 0.87890625f /* a²·b² */

SHARED_INLINE void input_line(const unsigned edge, const real *d, real *ret_r)
{
    if (edge == 2) {
        ret_r[0] = d[0] - d[2];
        ret_r[1] = d[1] + d[2];
        ret_r[2] = d[2] - d[1];
        ret_r[3] = d[1] - d[3];
    } else {
        real even_a = d[4] - B2 * d[2], odd_a = A1 * (d[3] - B2 * d[1]);
        real even_b = d[4] - A2 * d[2], odd_b = B1 * (d[3] - A2 * d[1]);

        ret_r[0] = (d[4] - AB * d[2]) + PR * d[0];
        ret_r[1] = even_a + odd_a;
        ret_r[2] = even_a - odd_a;
        ret_r[3] = even_b + odd_b;
        ret_r[4] = even_b - odd_b;
        ret_r[5] = (d[5] - AB * d[3]) + PR * d[1];
    }
}

SHARED_INLINE void output_line(const unsigned edge, const real *m, real *ret_y)
{
    if (edge == 2) {
        ret_y[0] = (m[0] + m[1]) + m[2];
        ret_y[1] = (m[1] - m[2]) - m[3];
    } else {
        real even_a = m[1] + m[2], odd_a = m[1] - m[2];
        real even_b = m[3] + m[4], odd_b = m[3] - m[4];

        ret_y[0] = (m[0] + even_a) + even_b;
        ret_y[1] = A1 * odd_a + B1 * odd_b;
        ret_y[2] = A2 * even_a + B2 * even_b;
        ret_y[3] = (A3 * odd_a + B3 * odd_b) + m[5];
    }
}

#endif
