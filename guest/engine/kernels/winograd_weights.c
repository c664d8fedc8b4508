/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Winograd's method is used, and its weights.
 *
 * Rule. Winograd is used for 3×3 kernels, stride 1, dilation 1, one group, at least CHANNELS_LEAST channels on
 * both sides, and results of at least EDGE_LEAST rows and columns; edge 4 up to PRODUCT_MOST input channels ·
 * output channels, edge 2 above, where the weights of edge 4, four times the model's, would take more memory
 * and time to read than they save. Nothing else enters.
 *
 * G is the construction's of winograd.c's points, in double.
 */
#include "winograd.h"

#include "sweep.h"

#include <string.h>

#define CHANNELS_LEAST 32u
#define EDGE_LEAST     4u
#define PRODUCT_MOST   ((size_t)256 * 256)

static enum kernel_method choose(const struct kernel_conv *conv, size_t height, size_t width)
{
    if (conv->kernel_height != 3 || conv->kernel_width != 3 || conv->stride_height != 1 || conv->stride_width != 1 ||
        conv->dilation_height != 1 || conv->dilation_width != 1 || conv->groups != 1 ||
        conv->in_channels < CHANNELS_LEAST || conv->out_channels < CHANNELS_LEAST || height < EDGE_LEAST ||
        width < EDGE_LEAST)
        return KERNEL_DIRECT;
    return conv->in_channels > PRODUCT_MOST / conv->out_channels ? KERNEL_WINOGRAD_2 : KERNEL_WINOGRAD_4;
}

enum kernel_method kernel_conv_method(const struct kernel_conv *conv)
{
    return choose(conv, conv->out_height, conv->out_width);
}

enum kernel_method kernel_conv_backward_method(const struct kernel_conv *conv)
{
    return choose(conv, conv->in_height, conv->in_width);
}

static unsigned edge_of(enum kernel_method method)
{
    return method == KERNEL_WINOGRAD_2 ? 2 : 4;
}

bool winograd_set_forward(const struct kernel_conv *conv, struct winograd_pass *ret_pass)
{
    enum kernel_method method = kernel_conv_method(conv);

    if (method == KERNEL_DIRECT)
        return false;
    *ret_pass = (struct winograd_pass){
        .edge = edge_of(method),
        .batch = conv->batch,
        .in = conv->in_channels,
        .in_height = conv->in_height,
        .in_width = conv->in_width,
        .out = conv->out_channels,
        .out_height = conv->out_height,
        .out_width = conv->out_width,
        .first_row = -(ptrdiff_t)conv->pad_top,
        .first_column = -(ptrdiff_t)conv->pad_left,
    };
    return true;
}

bool winograd_set_backward(const struct kernel_conv *conv, struct winograd_pass *ret_pass)
{
    enum kernel_method method = kernel_conv_backward_method(conv);

    if (method == KERNEL_DIRECT)
        return false;
    *ret_pass = (struct winograd_pass){
        .edge = edge_of(method),
        .batch = conv->batch,
        .in = conv->out_channels,
        .in_height = conv->out_height,
        .in_width = conv->out_width,
        .out = conv->in_channels,
        .out_height = conv->in_height,
        .out_width = conv->in_width,
        .first_row = (ptrdiff_t)conv->pad_top - 2,
        .first_column = (ptrdiff_t)conv->pad_left - 2,
    };
    return true;
}

/* --- weights ----------------------------------------------------------------------------------- */

/* Rows of G: 1, p, p² of each point, over the product of its differences to the other finite points. */
#define PA (5.0 / 8)
#define PB (3.0 / 2)
#define NA (2 * PA * PA * (PA * PA - PB * PB))
#define NB (2 * PB * PB * (PB * PB - PA * PA))
static const double weights_2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double weights_4[6][3] = {
    {1 / (PA * PA * PB * PB), 0, 0}, {1 / NA, PA / NA, PA *PA / NA},  {1 / NA, -PA / NA, PA *PA / NA},
    {1 / NB, PB / NB, PB *PB / NB},  {1 / NB, -PB / NB, PB *PB / NB}, {0, 0, 1},
};

static void transform_kernel(const double (*g)[3], unsigned size, const double *kernel, float *ret_points)
{
    for (unsigned i = 0; i < size; i++) {
        double line[3];

        for (unsigned c = 0; c < 3; c++)
            line[c] = (g[i][0] * kernel[c] + g[i][1] * kernel[3 + c]) + g[i][2] * kernel[6 + c];
        for (unsigned j = 0; j < size; j++)
            ret_points[i * size + j] = (float)((g[j][0] * line[0] + g[j][1] * line[1]) + g[j][2] * line[2]);
    }
}

size_t winograd_packed_size(const struct winograd_pass *pass, unsigned lanes)
{
    return (size_t)(pass->edge + 2) * (pass->edge + 2) * sweep_packed_size(lanes, pass->out, pass->in);
}

void winograd_transform(const struct winograd_pass *pass, const float *weights, bool backward, size_t o, size_t c,
                        float ret_points[WINOGRAD_POINTS_MAX])
{
    size_t out_step = backward ? 9 : pass->in * 9, in_step = backward ? pass->out * 9 : 9;
    const float *from = weights + o * out_step + c * in_step;
    double kernel[9];

    for (unsigned i = 0; i < 9; i++)
        kernel[i] = (double)from[backward ? 8 - i : i];
    transform_kernel(pass->edge == 2 ? weights_2 : weights_4, pass->edge + 2, kernel, ret_points);
}

void winograd_pack(const struct kernels *kernels, const struct winograd_pass *pass, const float *weights, bool backward,
                   float *ret_packed)
{
    unsigned lanes = kernels->product->lanes, size = pass->edge + 2;
    size_t point = sweep_packed_size(lanes, pass->out, pass->in);

    memset(ret_packed, 0, winograd_packed_size(pass, lanes) * sizeof(*ret_packed)); /* the lanes left over */
    for (size_t o = 0; o < pass->out; o++) {
        struct sweep_slot slot = sweep_slot_of(lanes, pass->out, pass->in, o);

        for (size_t c = 0; c < pass->in; c++) {
            float points[WINOGRAD_POINTS_MAX];

            winograd_transform(pass, weights, backward, o, c, points);
            for (unsigned i = 0; i < size * size; i++)
                ret_packed[i * point + slot.first + c * slot.step] = points[i];
        }
    }
}
