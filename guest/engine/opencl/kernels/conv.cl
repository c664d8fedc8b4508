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

static float read_source(__global const float *source, int4 term, int row, int column, uint height, uint width,
                         bool inside)
{
    int r = row + term.y, c = column + term.z;

    return inside && r >= 0 && r < (int)height && c >= 0 && c < (int)width ? source[term.x] : 0.0f;
}

/* Groups of few outputs: an item an output. Also of no terms at all, whose sums are +0. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
conv_narrow(PLACE(source), PLACE(packed), __global const int4 *terms_table, PLACE(bias), PLACE(addend), PLACE(mask),
            PLACE(result), struct conv_shape shape)
{
    OPEN(bias);
    OPEN(addend);
    OPEN(mask);
    OPEN(result);
    const uint plane = max(shape.rows * shape.columns, 1u), i = get_global_id(0), p = i % plane;
    const uint channel = i / plane % max(shape.result_channels, 1u);
    const uint image = i / plane / max(shape.result_channels, 1u), group = channel / max(shape.outputs, 1u);
    const int row = (int)(p / max(shape.columns, 1u) * shape.row_step);
    const int column = (int)(p % max(shape.columns, 1u) * shape.column_step);
    float sum = 0.0f;
    uint to, unused;

    if (image >= shape.images)
        return;
    __global const float *weights = packed_buffer + packed_place + (ulong)group * shape.terms * shape.padded +
                                    (channel - group * shape.outputs);
    __global const float *source =
        source_buffer + source_place +
        ((ulong)image * shape.source_channels + group * shape.group_channels) * shape.height * shape.width +
        (long)row * shape.width + column;
    for (uint k = 0; k < shape.terms; k++)
        sum = fma(read_source(source, terms_table[k], row, column, shape.height, shape.width, true),
                  weights[k * shape.padded], sum);
    to = (image * shape.result_channels + channel) * shape.result_plane + place_of(&shape, p, &unused);
    result[to] = finished(sum, shape.flags, MAYBE(shape.flags, HAS_BIAS) ? bias[channel] : 0.0f, addend, mask, to);
}
