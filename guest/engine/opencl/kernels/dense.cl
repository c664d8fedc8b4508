/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matrix products, many at once: result(m, n) = 0 plus left(m, k)·right(k, n), k ascending; guest/engine/kernels/gemm.c's
 * order. Then, where asked for: 0 + it; times alpha; plus beta·c; positive part; plus what lies there.
 */
#define DENSE_ZERO_FIRST 1u /* 0 + sum: what a sum of one product is */
#define DENSE_ALPHA      2u
#define DENSE_C          4u
#define DENSE_RELU       8u
#define DENSE_ADD        16u
#define DENSE_TABLE      32u /* places of each product from the table, else z·step */

struct dense_shape {
    uint m, n, k;
    uint left_m, left_k, right_k, right_n, result_m, result_n; /* strides */
    uint left_step, right_step, result_step;                   /* from one product to the next */
    uint c_m, c_n;
    uint flags;
    float alpha, beta;
};
