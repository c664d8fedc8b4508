/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution and matrix product in their documented order, one output at a time. */
#include "internal.h"

#include <string.h>

static size_t weight_count(const struct kernel_conv *conv)
{
    return conv->out_channels * (conv->in_channels / conv->groups) * conv->kernel_height *
           conv->kernel_width;
}

size_t kernel_conv_packed_size(const struct kernel_conv *conv)
{
    return weight_count(conv);
}

void kernel_conv_pack(const struct kernels *kernels, const struct kernel_conv *conv,
                      const float *weights, float *ret_packed)
{
    (void)kernels;
    memcpy(ret_packed, weights, weight_count(conv) * sizeof(float));
}

size_t kernel_conv_packed_backward_size(const struct kernel_conv *conv)
{
    return weight_count(conv);
}

void kernel_conv_pack_backward(const struct kernels *kernels, const struct kernel_conv *conv,
                               const float *weights, float *ret_packed)
{
    kernel_conv_pack(kernels, conv, weights, ret_packed);
}

int kernel_conv_forward(struct kernels *kernels, const struct kernel_conv *conv, const float *x,
                        const float *packed, const float *bias, float *ret_y)
{
    size_t in_group = conv->in_channels / conv->groups, out_group = conv->out_channels / conv->groups;

    for (size_t n = 0; n < conv->batch; n++)
        for (size_t o = 0; o < conv->out_channels; o++)
            for (size_t i = 0; i < conv->out_height; i++)
                for (size_t j = 0; j < conv->out_width; j++) {
                    float sum = 0;
                    const float *w = packed + o * in_group * conv->kernel_height * conv->kernel_width;

                    for (size_t c = 0; c < in_group; c++)
                        for (size_t p = 0; p < conv->kernel_height; p++)
                            for (size_t q = 0; q < conv->kernel_width; q++) {
                                size_t channel = o / out_group * in_group + c;
                                size_t row = i * conv->stride_height + p * conv->dilation_height - conv->pad_top;
                                size_t column = j * conv->stride_width + q * conv->dilation_width - conv->pad_left;
                                float value = 0;

                                if (row < conv->in_height && column < conv->in_width)
                                    value = x[((n * conv->in_channels + channel) * conv->in_height + row) * conv->in_width + column];
                                sum = kernel_multiply_add(kernels, value, *w++, sum);
                            }
                    if (bias != NULL)
                        sum += bias[o];
                    *ret_y++ = sum;
                }
    return 0;
}

int kernel_conv_backward_input(struct kernels *kernels, const struct kernel_conv *conv, const float *dy,
                               const float *packed, float *ret_dx)
{
    size_t in_group = conv->in_channels / conv->groups, out_group = conv->out_channels / conv->groups;

    for (size_t n = 0; n < conv->batch; n++)
        for (size_t c = 0; c < conv->in_channels; c++)
            for (size_t i = 0; i < conv->in_height; i++)
                for (size_t j = 0; j < conv->in_width; j++) {
                    float sum = 0;

                    for (size_t o = 0; o < out_group; o++)
                        for (size_t p = 0; p < conv->kernel_height; p++)
                            for (size_t q = 0; q < conv->kernel_width; q++) {
                                size_t channel = c / in_group * out_group + o;
                                ptrdiff_t row = (ptrdiff_t)(i + conv->pad_top) - (ptrdiff_t)(p * conv->dilation_height);
                                ptrdiff_t column = (ptrdiff_t)(j + conv->pad_left) - (ptrdiff_t)(q * conv->dilation_width);
                                float value = 0;

                                if (row % (ptrdiff_t)conv->stride_height != 0 || column % (ptrdiff_t)conv->stride_width != 0)
                                    continue;
                                row /= (ptrdiff_t)conv->stride_height;
                                column /= (ptrdiff_t)conv->stride_width;
                                if (row >= 0 && column >= 0 && row < (ptrdiff_t)conv->out_height && column < (ptrdiff_t)conv->out_width)
                                    value = dy[((n * conv->out_channels + channel) * conv->out_height + (size_t)row) * conv->out_width + (size_t)column];
                                sum = kernel_multiply_add(kernels, value, packed[((channel * in_group + c % in_group) * conv->kernel_height + p) * conv->kernel_width + q], sum);
                            }
                    *ret_dx++ = sum;
                }
    return 0;
}

int kernel_gemm(struct kernels *kernels, const struct kernel_gemm *gemm, const float *a, const float *b,
                float *ret_c)
{
    for (size_t i = 0; i < gemm->m; i++)
        for (size_t j = 0; j < gemm->n; j++) {
            float sum = 0;

            for (size_t k = 0; k < gemm->k; k++)
                sum = kernel_multiply_add(kernels,
                                          gemm->transposed_a ? a[k * gemm->lda + i] : a[i * gemm->lda + k],
                                          gemm->transposed_b ? b[j * gemm->ldb + k] : b[k * gemm->ldb + j], sum);
            ret_c[i * gemm->ldc + j] = sum;
        }
    return 0;
}
