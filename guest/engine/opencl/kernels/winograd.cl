/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Winograd's transforms: guest/engine/kernels/winograd_loops.c operation by operation; the products between them are
 * dense.cl's. V and M are [point][channel][tile], tiles by image, row and column.
 */
struct winograd_shape {
    uint edge, tiles, across, down; /* tiles: of the images under way; across and down of one image */
    uint channels, height, width;   /* of the tensor that is read or written */
    int first_row, first_column;    /* of the source, for tile (0, 0) */
    uint first_image;
    uint flags;
};

#define A1 0.625f
#define A2 0.390625f
#define A3 0.244140625f
#define B1 1.5f
#define B2 2.25f
#define B3 3.375f
#define AB 2.640625f
#define PR 0.87890625f

static void input_line(const uint edge, const float *d, float *ret_r)
{
    if (edge == 2) {
        ret_r[0] = d[0] - d[2];
        ret_r[1] = d[1] + d[2];
        ret_r[2] = d[2] - d[1];
        ret_r[3] = d[1] - d[3];
    } else {
        float even_a = d[4] - B2 * d[2], odd_a = A1 * (d[3] - B2 * d[1]);
        float even_b = d[4] - A2 * d[2], odd_b = B1 * (d[3] - A2 * d[1]);

        ret_r[0] = (d[4] - AB * d[2]) + PR * d[0];
        ret_r[1] = even_a + odd_a;
        ret_r[2] = even_a - odd_a;
        ret_r[3] = even_b + odd_b;
        ret_r[4] = even_b - odd_b;
        ret_r[5] = (d[5] - AB * d[3]) + PR * d[1];
    }
}

static void output_line(const uint edge, const float *m, float *ret_y)
{
    if (edge == 2) {
        ret_y[0] = (m[0] + m[1]) + m[2];
        ret_y[1] = (m[1] - m[2]) - m[3];
    } else {
        float even_a = m[1] + m[2], odd_a = m[1] - m[2];
        float even_b = m[3] + m[4], odd_b = m[3] - m[4];

        ret_y[0] = (m[0] + even_a) + even_b;
        ret_y[1] = A1 * odd_a + B1 * odd_b;
        ret_y[2] = A2 * even_a + B2 * even_b;
        ret_y[3] = (A3 * odd_a + B3 * odd_b) + m[5];
    }
}

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
