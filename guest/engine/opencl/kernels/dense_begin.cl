/* SPDX-License-Identifier: Apache-2.0 */
/* A matrix product's tiles: the operands of product.cl, which comes next. */
#define LOAD_LEFT(term, at_m)                                                                                          \
    (tile_m + (at_m) < shape.m ? left_matrix[(ulong)(tile_m + (at_m)) * shape.left_m + (ulong)(term)*shape.left_k]    \
                               : 0.0f)
#define LOAD_RIGHT(term) (inside ? right_matrix[(ulong)(term)*shape.right_k] : 0.0f)

GROUP __kernel void NAMED(dense)(PLACE(left_operand), PLACE(right_operand), __global const uint4 *products, PLACE(c),
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
