/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A graph against its definition in double: forward directly, backward against central differences, in both
 * arithmetic classes, and for fewer samples than the batch with the same bits.
 */
#ifndef LAZARET_TESTS_ENGINE_OP_CHECK_H
#define LAZARET_TESTS_ENGINE_OP_CHECK_H

#include "builder.h"

/* For inputs in [low, high); frees the builder. `independent`: the samples of a batch are known to be so. */
void check_range(struct builder *b, float low, float high, bool independent);

/* In [-2, 2), independent. */
void check(struct builder *b);

/* A builder with an input; `x` is its value. */
#define START(batch, ...)                                                                                              \
    struct builder b;                                                                                                  \
    uint32_t x;                                                                                                        \
    builder_init(&b, batch, __LINE__);                                                                                 \
    x = builder_input(&b, DIMS(batch, __VA_ARGS__))

#endif
