/* SPDX-License-Identifier: Apache-2.0 */
/* One network that uses nearly every operator, the same weights for any batch. */
#ifndef LAZARET_TESTS_ENGINE_SAMPLE_NETWORK_H
#define LAZARET_TESTS_ENGINE_SAMPLE_NETWORK_H

#include "builder.h"

#define SAMPLE_NETWORK_INPUT   (3 * 10 * 10)
#define SAMPLE_NETWORK_CLASSES 10

/* Residual block, squeeze and excitation, channel shuffle, pooling, attention, GELU, dense layers. */
void sample_network_build(struct builder *builder, uint32_t batch);

#endif
