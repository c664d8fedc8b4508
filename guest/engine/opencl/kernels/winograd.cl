/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Winograd's transforms: the lines of guest/engine/kernels/shared/winograd_lines.h, columns first, then rows; the
 * products between them are product.cl's. V and M are [point][channel][tile], tiles by image, row and column.
 */
struct winograd_shape {
    uint edge, tiles, across, down; /* tiles: of the images under way; across and down of one image */
    uint channels, height, width;   /* of the tensor that is read or written */
    int first_row, first_column;    /* of the source, for tile (0, 0) */
    uint first_image;
    uint flags;
};

/* edge is a constant where this is inlined. */
static void transform_input(const uint edge, __global const float *source, __global float *points,
                            const struct winograd_shape *shape, uint tile, uint channel)
{
    const uint size = edge + 2, of_image = tile % (shape->across * shape->down);
    const uint image = shape->first_image + tile / (shape->across * shape->down);
    const int first_row = shape->first_row + (int)(of_image / shape->across * edge);
    const int first_column = shape->first_column + (int)(of_image % shape->across * edge);
    const ulong step = (ulong)shape->channels * shape->tiles;
    __global const float *plane = source + ((ulong)image * shape->channels + channel) * shape->height * shape->width;
    __global float *to = points + (ulong)channel * shape->tiles + tile;
    float half_way[6][6];

    for (uint c = 0; c < size; c++) {
        float d[6];
        int column = first_column + (int)c;

        for (uint r = 0; r < size; r++) {
            int row = first_row + (int)r;
            bool inside = row >= 0 && row < (int)shape->height && column >= 0 && column < (int)shape->width;

            d[r] = inside ? plane[row * (int)shape->width + column] : 0.0f;
        }
        input_line(edge, d, half_way[c]);
    }
    for (uint r = 0; r < size; r++) {
        float d[6], line[6];

        for (uint c = 0; c < size; c++)
            d[c] = half_way[c][r];
        input_line(edge, d, line);
        for (uint c = 0; c < size; c++)
            to[(r * size + c) * step] = line[c];
    }
}

static void transform_output(const uint edge, __global const float *points, __global float *result,
                             __global const float *bias, __global const float *addend, __global const float *mask,
                             const struct winograd_shape *shape, uint tile, uint channel)
{
    const uint size = edge + 2, of_image = tile % (shape->across * shape->down);
    const uint image = shape->first_image + tile / (shape->across * shape->down);
    const uint first_row = of_image / shape->across * edge, first_column = of_image % shape->across * edge;
    const ulong step = (ulong)shape->channels * shape->tiles;
    const uint plane = (image * shape->channels + channel) * shape->height * shape->width;
    __global const float *from = points + (ulong)channel * shape->tiles + tile;
    float half_way[6][4];

    for (uint c = 0; c < size; c++) {
        float m[6];

        for (uint r = 0; r < size; r++)
            m[r] = from[(r * size + c) * step];
        output_line(edge, m, half_way[c]);
    }
    for (uint r = 0; r < edge && first_row + r < shape->height; r++) {
        float m[6], y[4];

        for (uint c = 0; c < size; c++)
            m[c] = half_way[c][r];
        output_line(edge, m, y);
        for (uint c = 0; c < edge && first_column + c < shape->width; c++) {
            uint at = plane + (first_row + r) * shape->width + first_column + c;

            result[at] = finished(y[c], shape->flags, MAYBE(shape->flags, HAS_BIAS) ? bias[channel] : 0.0f, addend,
                                  mask, at);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
winograd_input(PLACE(source), PLACE(points), struct winograd_shape shape)
{
    OPEN(source);
    OPEN(points);
    const uint tile = get_global_id(0), channel = get_global_id(1);

    if (tile >= shape.tiles || channel >= shape.channels)
        return;
    if (shape.edge == 2)
        transform_input(2, source, points, &shape, tile, channel);
    else
        transform_input(4, source, points, &shape, tile, channel);
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
winograd_output(PLACE(points), PLACE(bias), PLACE(addend), PLACE(mask), PLACE(result), struct winograd_shape shape)
{
    OPEN(points);
    OPEN(bias);
    OPEN(addend);
    OPEN(mask);
    OPEN(result);
    const uint tile = get_global_id(0), channel = get_global_id(1);

    if (tile >= shape.tiles || channel >= shape.channels)
        return;
    if (shape.edge == 2)
        transform_output(2, points, result, bias, addend, mask, &shape, tile, channel);
    else
        transform_output(4, points, result, bias, addend, mask, &shape, tile, channel);
}
