/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs built by hand for tests. */
#include "builder.h"

#include <stdio.h>
#include <string.h>

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "builder: %s\n", what);
    abort();
}

float builder_random(uint64_t *state, float low, float high)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * ((float)(*state >> 40) / 16777216.0f);
}

void builder_fill(uint64_t *state, float low, float high, size_t count, float *ret_data)
{
    for (size_t i = 0; i < count; i++)
        ret_data[i] = builder_random(state, low, high);
}

void builder_init(struct builder *builder, uint32_t batch, uint64_t seed)
{
    memset(builder, 0, sizeof(*builder));
    builder->graph.values = builder->values;
    builder->graph.nodes = builder->nodes;
    builder->graph.batch = batch;
    builder->graph.penultimate = GRAPH_NONE;
    builder->random = seed;
}

void builder_free(struct builder *builder)
{
    for (size_t i = 0; i < BUILDER_VALUES_MAX; i++)
        free(builder->constants[i]);
}

static uint32_t add_value(struct builder *builder, uint32_t rank, const uint64_t *dims)
{
    uint32_t index = builder->graph.value_count++;
    struct graph_value *value = &builder->values[index];

    require(index < BUILDER_VALUES_MAX, "too many values");
    *value = (struct graph_value){.name = "value", .rank = rank, .elements = 1};
    for (uint32_t i = 0; i < rank; i++) {
        value->dims[i] = dims[i];
        value->elements *= dims[i];
    }
    return index;
}

uint32_t builder_input(struct builder *builder, uint32_t rank, const uint64_t *dims)
{
    builder->graph.input = builder->graph.logits = add_value(builder, rank, dims);
    return builder->graph.input;
}

static float *add_constant(struct builder *builder, uint32_t rank, const uint64_t *dims, uint32_t *ret_index)
{
    uint32_t index = add_value(builder, rank, dims);
    void *memory = NULL;

    require(posix_memalign(&memory, 64, builder->values[index].elements * sizeof(float)) == 0, "no memory");
    builder->constants[index] = memory;
    builder->values[index].constant = memory;
    *ret_index = index;
    return memory;
}

uint32_t builder_constant(struct builder *builder, float low, float high, uint32_t rank, const uint64_t *dims)
{
    uint32_t index;
    float *data = add_constant(builder, rank, dims, &index);

    builder_fill(&builder->random, low, high, builder->values[index].elements, data);
    return index;
}

uint32_t builder_given(struct builder *builder, const float *data, uint32_t rank, const uint64_t *dims)
{
    uint32_t index;
    float *copy = add_constant(builder, rank, dims, &index);

    memcpy(copy, data, builder->values[index].elements * sizeof(float));
    return index;
}

uint32_t builder_node(struct builder *builder, enum graph_op op, const uint32_t *inputs, uint32_t rank,
                      const uint64_t *dims)
{
    struct graph_node *node = &builder->nodes[builder->graph.node_count++];

    require(builder->graph.node_count <= BUILDER_NODES_MAX, "too many nodes");
    node->op = op;
    node->name = "node";
    for (; inputs[node->input_count] != BUILDER_END; node->input_count++)
        node->inputs[node->input_count] = inputs[node->input_count];
    node->output = add_value(builder, rank, dims);
    builder->graph.penultimate = builder->graph.logits;
    builder->graph.logits = node->output;
    return node->output;
}

struct graph_attributes *builder_last(struct builder *builder)
{
    return &builder->nodes[builder->graph.node_count - 1].attributes;
}

struct graph_window builder_window(uint32_t height, uint32_t width)
{
    return (struct graph_window){.kernel = {height, width}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
}
