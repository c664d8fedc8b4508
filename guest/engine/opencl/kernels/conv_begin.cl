/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution and its gradient by the direct method: guest/engine/kernels/convolution.c's order of terms.
 *
 * An output position (i, j) of an image reads, for term k, the source at (i·row_step + term.y, j·column_step + term.z)
 * of channel term.w; what lies outside is +0 and takes part. Weights are [group][term][padded outputs].
 */
struct conv_shape {
    uint terms, outputs, padded, images, rows, columns;
    uint source_channels, group_channels, height, width;
    uint row_step, column_step;
    uint result_channels, result_plane, result_width, row_first, row_stride, column_first, column_stride;
    uint flags;
};

/* Where position p's result lies in a channel's plane; the image's number through ret_image. */
static uint place_of(const struct conv_shape *shape, uint p, uint *ret_image)
{
    uint plane = shape->rows * shape->columns, image = p / plane, rest = p % plane;

    *ret_image = image;
    return (shape->row_first + rest / shape->columns * shape->row_stride) * shape->result_width + shape->column_first +
           rest % shape->columns * shape->column_stride;
}

static float finished(float value, uint flags, float bias, __global const float *addend, __global const float *mask,
                      uint at)
{
    if (MAYBE(flags, HAS_BIAS))
        value = value + bias;
    if (MAYBE(flags, HAS_ADDEND))
        value = value + addend[at];
    if (MAYBE(flags, HAS_RELU))
        value = above_zero(value);
    if (MAYBE(flags, HAS_MASK))
        value = mask[at] <= 0.0f ? 0.0f : value;
    return value;
}

#define LOAD_LEFT(term, at_m) weights[(term)*shape.padded + tile_m + (at_m)]
#define LOAD_RIGHT(term)      read_source(source, terms_table[term], row, column, shape.height, shape.width, inside)

static float read_source(__global const float *source, int4 term, int row, int column, uint height, uint width,
                         bool inside)
{
    int r = row + term.y, c = column + term.z;

    return inside && r >= 0 && r < (int)height && c >= 0 && c < (int)width ? source[term.x] : 0.0f;
}

GROUP __kernel void conv(PLACE(source), PLACE(packed), __global const int4 *terms_table, PLACE(bias), PLACE(addend),
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
