/* SPDX-License-Identifier: Apache-2.0 */
/* The sums as kernels.h and convolution.c document them, one output at a time: nothing clever. */
#ifndef LAZARET_TESTS_KERNELS_REFERENCE_H
#define LAZARET_TESTS_KERNELS_REFERENCE_H

#include "guest/engine/kernels/kernels.h"

void reference_conv_forward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *x,
                            const float *weights, const float *bias, float *ret_y);
void reference_conv_backward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *dy,
                             const float *weights, float *ret_dx);
void reference_gemm(enum kernel_arithmetic arithmetic, const struct kernel_gemm *gemm, const float *a, const float *b,
                    float *ret_c);

/* Of convolutions that kernel_conv_method says are Winograd's; the two above take them here by themselves. */
void reference_winograd_forward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *x,
                                const float *weights, const float *bias, float *ret_y);
void reference_winograd_backward(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, const float *dy,
                                 const float *weights, float *ret_dx);

#endif
