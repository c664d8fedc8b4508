/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd's convolution one tile and one channel at a time, every operation in the documented order. */
#include "reference.h"

#include <math.h>
#include <string.h>

#define SIZE_MOST 6

/* A correlation with 3×3 kernels: forward, or backward with kernels turned and channels exchanged. */
struct correlation {
    enum kernel_arithmetic arithmetic;
    unsigned edge;
    size_t in, in_height, in_width, out, out_height, out_width;
    ptrdiff_t first_row, first_column;
    bool backward;
    const float *weights;
};

/* G, by the construction from points p: 1, p, p² over the product of p's differences to the other points. */
static void kernel_line(unsigned edge, const double g[3], double ret_u[SIZE_MOST])
{
    const double points[2][5] = {{0, 1, -1}, {0, 0.625, -0.625, 1.5, -1.5}};
    unsigned count = edge + 1;

    for (unsigned i = 0; i < count; i++) {
        double p = points[edge / 4][i], over = 1;

        for (unsigned j = 0; j < count; j++)
            if (j != i)
                over *= p - points[edge / 4][j];
        if (edge == 2 && i == 0)
            over = 1; /* the sign is in Bᵀ there */
        ret_u[i] = (1 / over * g[0] + p / over * g[1]) + p * p / over * g[2];
    }
    ret_u[count] = g[2];
}

static float times(float a, float b)
{
    volatile float product = a * b;

    return product;
}

static void input_line(unsigned edge, const float d[SIZE_MOST], float ret_v[SIZE_MOST])
{
    const float a = 0.625f, b = 1.5f;

    if (edge == 2) {
        ret_v[0] = d[0] - d[2];
        ret_v[1] = d[1] + d[2];
        ret_v[2] = d[2] - d[1];
        ret_v[3] = d[1] - d[3];
        return;
    }
    ret_v[0] = (d[4] - times(a * a + b * b, d[2])) + times(a * a * b * b, d[0]);
    ret_v[1] = (d[4] - times(b * b, d[2])) + times(a, d[3] - times(b * b, d[1]));
    ret_v[2] = (d[4] - times(b * b, d[2])) - times(a, d[3] - times(b * b, d[1]));
    ret_v[3] = (d[4] - times(a * a, d[2])) + times(b, d[3] - times(a * a, d[1]));
    ret_v[4] = (d[4] - times(a * a, d[2])) - times(b, d[3] - times(a * a, d[1]));
    ret_v[5] = (d[5] - times(a * a + b * b, d[3])) + times(a * a * b * b, d[1]);
}

static void output_line(unsigned edge, const float m[SIZE_MOST], float ret_y[4])
{
    const float a = 0.625f, b = 1.5f;

    if (edge == 2) {
        ret_y[0] = (m[0] + m[1]) + m[2];
        ret_y[1] = (m[1] - m[2]) - m[3];
        return;
    }
    ret_y[0] = (m[0] + (m[1] + m[2])) + (m[3] + m[4]);
    ret_y[1] = times(a, m[1] - m[2]) + times(b, m[3] - m[4]);
    ret_y[2] = times(a * a, m[1] + m[2]) + times(b * b, m[3] + m[4]);
    ret_y[3] = (times(a * a * a, m[1] - m[2]) + times(b * b * b, m[3] - m[4])) + m[5];
}

/* U of one output and input channel. */
static void kernel_points(const struct correlation *c, size_t out, size_t in, float ret_u[SIZE_MOST][SIZE_MOST])
{
    const float *from = c->weights + (c->backward ? in * c->out + out : out * c->in + in) * 9;
    double half[SIZE_MOST][SIZE_MOST], line[3], u[SIZE_MOST];

    for (unsigned column = 0; column < 3; column++) {
        for (unsigned row = 0; row < 3; row++)
            line[row] = (double)from[c->backward ? 8 - (row * 3 + column) : row * 3 + column];
        kernel_line(c->edge, line, u);
        for (unsigned i = 0; i < c->edge + 2; i++)
            half[i][column] = u[i];
    }
    for (unsigned i = 0; i < c->edge + 2; i++) {
        kernel_line(c->edge, half[i], u);
        for (unsigned j = 0; j < c->edge + 2; j++)
            ret_u[i][j] = (float)u[j];
    }
}

/* V of one channel's plane at a tile. */
static void input_points(const struct correlation *c, const float *plane, size_t row, size_t column,
                         float ret_v[SIZE_MOST][SIZE_MOST])
{
    float half[SIZE_MOST][SIZE_MOST], line[SIZE_MOST], points[SIZE_MOST];
    unsigned size = c->edge + 2;

    for (unsigned j = 0; j < size; j++) {
        for (unsigned i = 0; i < size; i++) {
            ptrdiff_t y = c->first_row + (ptrdiff_t)(row + i), x = c->first_column + (ptrdiff_t)(column + j);
            bool inside = y >= 0 && x >= 0 && y < (ptrdiff_t)c->in_height && x < (ptrdiff_t)c->in_width;

            line[i] = inside ? plane[(size_t)y * c->in_width + (size_t)x] : 0;
        }
        input_line(c->edge, line, points);
        for (unsigned i = 0; i < size; i++)
            half[i][j] = points[i];
    }
    for (unsigned i = 0; i < size; i++)
        input_line(c->edge, half[i], ret_v[i]);
}

static void output_tile(const struct correlation *c, float m[SIZE_MOST][SIZE_MOST], float ret_tile[4][4])
{
    float half[4][SIZE_MOST], line[SIZE_MOST], y[4];

    for (unsigned j = 0; j < c->edge + 2; j++) {
        for (unsigned i = 0; i < c->edge + 2; i++)
            line[i] = m[i][j];
        output_line(c->edge, line, y);
        for (unsigned i = 0; i < c->edge; i++)
            half[i][j] = y[i];
    }
    for (unsigned i = 0; i < c->edge; i++)
        output_line(c->edge, half[i], ret_tile[i]);
}

/* One output plane from an image. */
static void output_plane(const struct correlation *c, const float *image, size_t out, const float *u, float *ret_plane)
{
    for (size_t row = 0; row < c->out_height; row += c->edge)
        for (size_t column = 0; column < c->out_width; column += c->edge) {
            float m[SIZE_MOST][SIZE_MOST] = {{0}}, v[SIZE_MOST][SIZE_MOST], tile[4][4];

            for (size_t in = 0; in < c->in; in++) {
                const float *points = u + (out * c->in + in) * SIZE_MOST * SIZE_MOST;

                input_points(c, image + in * c->in_height * c->in_width, row, column, v);
                for (unsigned i = 0; i < c->edge + 2; i++)
                    for (unsigned j = 0; j < c->edge + 2; j++)
                        m[i][j] = c->arithmetic == KERNEL_FMA ? fmaf(v[i][j], points[i * SIZE_MOST + j], m[i][j])
                                                              : m[i][j] + times(v[i][j], points[i * SIZE_MOST + j]);
            }
            output_tile(c, m, tile);
            for (size_t i = 0; i < c->edge && row + i < c->out_height; i++)
                for (size_t j = 0; j < c->edge && column + j < c->out_width; j++)
                    ret_plane[(row + i) * c->out_width + column + j] = tile[i][j];
        }
}

static void correlate(const struct correlation *c, size_t batch, const float *x, const float *bias, float *ret_y)
{
    float *u = calloc(c->out * c->in, sizeof(float[SIZE_MOST][SIZE_MOST]));
    size_t plane = c->out_height * c->out_width;

    if (u == NULL)
        abort();
    for (size_t i = 0; i < c->out * c->in; i++)
        kernel_points(c, i / c->in, i % c->in, (float(*)[SIZE_MOST])(void *)(u + i * SIZE_MOST * SIZE_MOST));
    for (size_t i = 0; i < batch * c->out; i++) {
        output_plane(c, x + i / c->out * c->in * c->in_height * c->in_width, i % c->out, u, ret_y + i * plane);
        for (size_t j = 0; bias != NULL && j < plane; j++)
            ret_y[i * plane + j] += bias[i % c->out];
    }
    free(u);
}

void reference_winograd_forward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *x,
                                const float *weights, const float *bias, float *ret_y)
{
    const struct correlation c = {
        .arithmetic = arithmetic,
        .edge = kernel_conv_method(conv) == KERNEL_WINOGRAD_2 ? 2 : 4,
        .in = conv->in_channels,
        .in_height = conv->in_height,
        .in_width = conv->in_width,
        .out = conv->out_channels,
        .out_height = conv->out_height,
        .out_width = conv->out_width,
        .first_row = -(ptrdiff_t)conv->pad_top,
        .first_column = -(ptrdiff_t)conv->pad_left,
        .weights = weights,
    };

    correlate(&c, conv->batch, x, bias, ret_y);
}

void reference_winograd_backward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *dy,
                                 const float *weights, float *ret_dx)
{
    const struct correlation c = {
        .arithmetic = arithmetic,
        .edge = kernel_conv_backward_method(conv) == KERNEL_WINOGRAD_2 ? 2 : 4,
        .in = conv->out_channels,
        .in_height = conv->out_height,
        .in_width = conv->out_width,
        .out = conv->in_channels,
        .out_height = conv->in_height,
        .out_width = conv->in_width,
        .first_row = (ptrdiff_t)conv->pad_top - 2,
        .first_column = (ptrdiff_t)conv->pad_left - 2,
        .backward = true,
        .weights = weights,
    };

    correlate(&c, conv->batch, dy, NULL, ret_dx);
}
