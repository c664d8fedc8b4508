/* SPDX-License-Identifier: Apache-2.0 */
/* The sums as documented, one output at a time. */
#include "reference.h"

#include <math.h>

static float add_term(enum kernel_arithmetic arithmetic, float a, float b, float sum)
{
    volatile float product; /* rounded on its own */

    if (arithmetic == KERNEL_FMA)
        return fmaf(a, b, sum);
    product = a * b;
    return sum + product;
}

static float element(const float *planes, size_t plane, size_t height, size_t width, ptrdiff_t row, ptrdiff_t column)
{
    if (row < 0 || column < 0 || row >= (ptrdiff_t)height || column >= (ptrdiff_t)width)
        return 0;
    return planes[(plane * height + (size_t)row) * width + (size_t)column];
}

static float forward_sum(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *x,
                         const float *weights, size_t n, size_t o, size_t i, size_t j)
{
    size_t in = conv->in_channels / conv->groups, out = conv->out_channels / conv->groups;
    const float *w = weights + o * in * conv->kernel_height * conv->kernel_width;
    float sum = 0;

    for (size_t c = 0; c < in; c++)
        for (size_t p = 0; p < conv->kernel_height; p++)
            for (size_t q = 0; q < conv->kernel_width; q++) {
                ptrdiff_t row =
                    (ptrdiff_t)(i * conv->stride_height + p * conv->dilation_height) - (ptrdiff_t)conv->pad_top;
                ptrdiff_t column =
                    (ptrdiff_t)(j * conv->stride_width + q * conv->dilation_width) - (ptrdiff_t)conv->pad_left;
                float value =
                    element(x, n * conv->in_channels + o / out * in + c, conv->in_height, conv->in_width, row, column);

                sum = add_term(arithmetic, value, *w++, sum);
            }
    return sum;
}

void reference_conv_forward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *x,
                            const float *weights, const float *bias, float *ret_y)
{
    if (kernel_conv_method(conv) != KERNEL_DIRECT) {
        reference_winograd_forward(arithmetic, conv, x, weights, bias, ret_y);
        return;
    }
    for (size_t n = 0; n < conv->batch; n++)
        for (size_t o = 0; o < conv->out_channels; o++)
            for (size_t i = 0; i < conv->out_height; i++)
                for (size_t j = 0; j < conv->out_width; j++) {
                    float sum = forward_sum(arithmetic, conv, x, weights, n, o, i, j);

                    *ret_y++ = bias == NULL ? sum : sum + bias[o];
                }
}

static float backward_sum(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *dy,
                          const float *weights, size_t n, size_t c, size_t i, size_t j)
{
    size_t in = conv->in_channels / conv->groups, out = conv->out_channels / conv->groups;
    size_t kernel = conv->kernel_height * conv->kernel_width;
    ptrdiff_t stride_height = (ptrdiff_t)conv->stride_height, stride_width = (ptrdiff_t)conv->stride_width;
    float sum = 0;

    for (size_t channel = c / in * out; channel < (c / in + 1) * out; channel++)
        for (size_t p = 0; p < conv->kernel_height; p++)
            for (size_t q = 0; q < conv->kernel_width; q++) {
                ptrdiff_t row = (ptrdiff_t)(i + conv->pad_top) - (ptrdiff_t)(p * conv->dilation_height);
                ptrdiff_t column = (ptrdiff_t)(j + conv->pad_left) - (ptrdiff_t)(q * conv->dilation_width);
                float value, weight;

                if (row % stride_height != 0 || column % stride_width != 0)
                    continue;
                value = element(dy, n * conv->out_channels + channel, conv->out_height, conv->out_width,
                                row / stride_height, column / stride_width);
                weight = weights[(channel * in + c % in) * kernel + p * conv->kernel_width + q];
                sum = add_term(arithmetic, value, weight, sum);
            }
    return sum;
}

void reference_conv_backward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *dy,
                             const float *weights, float *ret_dx)
{
    if (kernel_conv_backward_method(conv) != KERNEL_DIRECT) {
        reference_winograd_backward(arithmetic, conv, dy, weights, ret_dx);
        return;
    }
    for (size_t n = 0; n < conv->batch; n++)
        for (size_t c = 0; c < conv->in_channels; c++)
            for (size_t i = 0; i < conv->in_height; i++)
                for (size_t j = 0; j < conv->in_width; j++)
                    *ret_dx++ = backward_sum(arithmetic, conv, dy, weights, n, c, i, j);
}

void reference_gemm(enum kernel_arithmetic arithmetic, const struct kernel_gemm *gemm, const float *a, const float *b,
                    float *ret_c)
{
    for (size_t i = 0; i < gemm->m; i++)
        for (size_t j = 0; j < gemm->n; j++) {
            float sum = 0;

            for (size_t k = 0; k < gemm->k; k++)
                sum = add_term(arithmetic, a[gemm->transposed_a ? k * gemm->lda + i : i * gemm->lda + k],
                               b[gemm->transposed_b ? j * gemm->ldb + k : k * gemm->ldb + j], sum);
            ret_c[i * gemm->ldc + j] = sum;
        }
}
