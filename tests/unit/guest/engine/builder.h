/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs built by hand for tests, with seeded random constants. */
#ifndef LAZARET_TESTS_ENGINE_BUILDER_H
#define LAZARET_TESTS_ENGINE_BUILDER_H

#include "guest/model/graph.h"

#define BUILDER_VALUES_MAX 384
#define BUILDER_NODES_MAX  160

struct builder {
    struct graph graph;
    struct graph_value values[BUILDER_VALUES_MAX];
    struct graph_node nodes[BUILDER_NODES_MAX];
    float *constants[BUILDER_VALUES_MAX]; /* owned */
    uint64_t random;
};

/* A shape as two arguments: its rank and its dims. */
#define DIMS(...)                                                                                                      \
    (uint32_t)(sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)), (const uint64_t[])                               \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define SCALAR 0, NULL

/* Inputs of a node as one argument, ended by BUILDER_END. */
#define BUILDER_END UINT32_MAX - 1
#define INPUTS(...) ((const uint32_t[]){__VA_ARGS__, BUILDER_END})

void builder_init(struct builder *builder, uint32_t batch, uint64_t seed);
void builder_free(struct builder *builder);

uint32_t builder_input(struct builder *builder, uint32_t rank, const uint64_t *dims);

/* Constants uniform in [low, high). */
uint32_t builder_constant(struct builder *builder, float low, float high, uint32_t rank, const uint64_t *dims);
uint32_t builder_given(struct builder *builder, const float *data, uint32_t rank, const uint64_t *dims);

/* Adds a node; its attributes may be set through the pointer that builder_last gives. The output
 * becomes the logits, and what were the logits become the penultimate layer. */
uint32_t builder_node(struct builder *builder, enum graph_op op, const uint32_t *inputs, uint32_t rank,
                      const uint64_t *dims);
struct graph_attributes *builder_last(struct builder *builder);

/* Attributes of windows without pads, dilation or groups. */
struct graph_window builder_window(uint32_t height, uint32_t width);

/* Uniform numbers in [low, high), reproducible. */
float builder_random(uint64_t *state, float low, float high);
void builder_fill(uint64_t *state, float low, float high, size_t count, float *ret_data);

#endif
