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

#define LOAD_LEFT(term, at_m)                                                                                          \
    (tile_m + (at_m) < shape.m ? left_matrix[(ulong)(tile_m + (at_m)) * shape.left_m + (ulong)(term)*shape.left_k]    \
                               : 0.0f)
#define LOAD_RIGHT(term) (inside ? right_matrix[(ulong)(term)*shape.right_k] : 0.0f)

GROUP __kernel void dense(PLACE(left_operand), PLACE(right_operand), __global const uint4 *products, PLACE(c),
                          PLACE(result), struct dense_shape shape)
{
    OPEN(c);
    const uint terms = shape.k, z = get_group_id(2);
    const uint tile_m = get_group_id(1) * TILE_M, tile_n = get_group_id(0) * TILE_N;
    const uint right_n = (get_local_id(1) * GROUP_X + get_local_id(0)) % TILE_N;
    const bool inside = tile_n + right_n < shape.n, listed = MAYBE(shape.flags, DENSE_TABLE);
    const ulong left_at = listed ? products[z].x : (ulong)z * shape.left_step;
    const ulong right_at = listed ? products[z].y : (ulong)z * shape.right_step;
    const ulong result_at = listed ? products[z].z : (ulong)z * shape.result_step;
    __global const float *left_matrix = left_operand_buffer + left_operand_place + left_at;
    __global const float *right_matrix =
        right_operand_buffer + right_operand_place + right_at + (ulong)(tile_n + right_n) * shape.right_n;
    __global float *result = result_buffer + result_place + result_at;
