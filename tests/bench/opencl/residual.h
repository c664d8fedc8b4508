/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of the shapes of ResNet-18 (3×32×32, 10 classes) and ResNet-50 (3×S×S, 1000 classes), of random weights. */
#ifndef LAZARET_TESTS_BENCH_OPENCL_RESIDUAL_H
#define LAZARET_TESTS_BENCH_OPENCL_RESIDUAL_H

#include "unit/guest/engine/builder.h"

/* `product` counts the convolutions' and the last layer's products of one input, forward, as the direct method has
 * them. */
void residual_18(struct builder *b, uint32_t batch, double *ret_products);
void residual_50(struct builder *b, uint32_t batch, uint32_t size, double *ret_products);

#endif
