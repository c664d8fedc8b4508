/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution's tiles: the operands of product.cl, which comes next. */
#define LOAD_LEFT(term, at_m) weights[(term)*shape.padded + tile_m + (at_m)]
#define LOAD_RIGHT(term)      read_source(source, terms_table[term], row, column, shape.height, shape.width, inside)

GROUP __kernel void NAMED(conv)(PLACE(source), PLACE(packed), __global const int4 *terms_table, PLACE(bias), PLACE(addend),
                         PLACE(mask), PLACE(result), struct conv_shape shape)
{
    OPEN(bias);
    OPEN(addend);
    OPEN(mask);
    OPEN(result);
    const uint positions = shape.images * shape.rows * shape.columns, terms = shape.terms;
    const uint tile_m = get_group_id(1) * TILE_M, tile_n = get_group_id(0) * TILE_N, group = get_group_id(2);
    const uint right_n = (get_local_id(1) * GROUP_X + get_local_id(0)) % TILE_N;
    const uint position = tile_n + right_n, plane = max(shape.rows * shape.columns, 1u);
    const bool inside = position < positions;
    const uint image = inside ? position / plane : 0, rest = inside ? position % plane : 0;
    const int row = (int)(rest / max(shape.columns, 1u) * shape.row_step);
    const int column = (int)(rest % max(shape.columns, 1u) * shape.column_step);
    __global const float *weights = packed_buffer + packed_place + (ulong)group * shape.terms * shape.padded;
    __global const float *source =
        source_buffer + source_place +
        ((ulong)image * shape.source_channels + group * shape.group_channels) * shape.height * shape.width +
        (long)row * shape.width + column;
