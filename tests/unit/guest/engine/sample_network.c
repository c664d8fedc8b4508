/* SPDX-License-Identifier: Apache-2.0 */
/* One network that uses nearly every operator. */
#include "sample_network.h"

#include <string.h>

/* A convolution that keeps the image's size. */
static uint32_t conv(struct builder *b, uint32_t x, uint64_t batch, uint64_t in, uint64_t out, uint32_t kernel,
                     uint64_t size)
{
    float bound = 1.0f / (float)(kernel + 1);
    uint32_t w = builder_constant(b, -bound, bound, DIMS(out, in, kernel, kernel));
    uint32_t bias = builder_constant(b, -0.5f, 0.5f, DIMS(out));
    uint32_t y = builder_node(b, GRAPH_CONV, INPUTS(x, w, bias), DIMS(batch, out, size, size));
    struct graph_window *window = &builder_last(b)->window;

    *window = builder_window(kernel, kernel);
    window->pad_begin[0] = window->pad_begin[1] = window->pad_end[0] = window->pad_end[1] = kernel / 2;
    return y;
}

static uint32_t batch_norm(struct builder *b, uint32_t x, uint64_t batch, uint64_t channels, uint64_t size)
{
    uint32_t scale = builder_constant(b, 0.5f, 1.5f, DIMS(channels));
    uint32_t bias = builder_constant(b, -0.5f, 0.5f, DIMS(channels));
    uint32_t mean = builder_constant(b, -0.5f, 0.5f, DIMS(channels));
    uint32_t variance = builder_constant(b, 0.5f, 2, DIMS(channels));
    uint32_t y =
        builder_node(b, GRAPH_BATCH_NORM, INPUTS(x, scale, bias, mean, variance), DIMS(batch, channels, size, size));

    builder_last(b)->epsilon = 1e-5f;
    return y;
}

/* y + conv(relu(bn(conv(y)))), after a first convolution; 8 channels of 10 × 10. */
static uint32_t residual(struct builder *b, uint32_t x, uint64_t n)
{
    uint32_t y = conv(b, x, n, 3, 8, 3, 10);
    uint32_t z;

    y = batch_norm(b, y, n, 8, 10);
    y = builder_node(b, GRAPH_RELU, INPUTS(y), DIMS(n, 8, 10, 10));
    z = conv(b, y, n, 8, 8, 3, 10);
    z = batch_norm(b, z, n, 8, 10);
    z = builder_node(b, GRAPH_LEAKY_RELU, INPUTS(z), DIMS(n, 8, 10, 10));
    builder_last(b)->alpha = 0.1f;
    return builder_node(b, GRAPH_ADD, INPUTS(z, y), DIMS(n, 8, 10, 10));
}

static uint32_t squeeze_and_excite(struct builder *b, uint32_t x, uint64_t n)
{
    uint32_t gate = builder_node(b, GRAPH_GLOBAL_AVERAGE_POOL, INPUTS(x), DIMS(n, 8, 1, 1));

    gate = conv(b, gate, n, 8, 8, 1, 1);
    gate = builder_node(b, GRAPH_HARD_SIGMOID, INPUTS(gate), DIMS(n, 8, 1, 1));
    builder_last(b)->alpha = 0.2f;
    builder_last(b)->beta = 0.5f;
    return builder_node(b, GRAPH_MUL, INPUTS(x, gate), DIMS(n, 8, 10, 10));
}

static uint32_t shuffle_and_pool(struct builder *b, uint32_t x, uint64_t n)
{
    uint32_t y = builder_node(b, GRAPH_RESHAPE, INPUTS(x), DIMS(n, 2, 4, 10, 10));
    uint32_t high, low;

    y = builder_node(b, GRAPH_TRANSPOSE, INPUTS(y), DIMS(n, 4, 2, 10, 10));
    memcpy(builder_last(b)->permutation, (uint32_t[]){0, 2, 1, 3, 4}, 5 * sizeof(uint32_t));
    y = builder_node(b, GRAPH_RESHAPE, INPUTS(y), DIMS(n, 8, 10, 10));
    high = builder_node(b, GRAPH_MAX_POOL, INPUTS(y), DIMS(n, 8, 5, 5));
    builder_last(b)->window = builder_window(2, 2);
    builder_last(b)->window.stride[0] = builder_last(b)->window.stride[1] = 2;
    low = builder_node(b, GRAPH_AVERAGE_POOL, INPUTS(y), DIMS(n, 8, 5, 5));
    builder_last(b)->window = builder_window(3, 3);
    builder_last(b)->window.stride[0] = builder_last(b)->window.stride[1] = 2;
    builder_last(b)->window.pad_begin[0] = builder_last(b)->window.pad_begin[1] = 1;
    y = builder_node(b, GRAPH_CONCAT, INPUTS(high, low), DIMS(n, 16, 5, 5));
    builder_last(b)->axis = 1;
    return y;
}

/* softmax(t·tᵀ)·t over 25 tokens of 16 features, then GELU of a dense layer. */
static uint32_t attention(struct builder *b, uint32_t x, uint64_t n)
{
    uint32_t w = builder_constant(b, -0.3f, 0.3f, DIMS(16, 12));
    uint32_t root = builder_given(b, (float[]){1.41421356f}, SCALAR);
    uint32_t one = builder_given(b, (float[]){1}, DIMS(1));
    uint32_t half = builder_given(b, (float[]){0.5f}, DIMS(1));
    uint32_t t = builder_node(b, GRAPH_RESHAPE, INPUTS(x), DIMS(n, 16, 25));
    uint32_t tokens = builder_node(b, GRAPH_TRANSPOSE, INPUTS(t), DIMS(n, 25, 16));
    uint32_t y, gelu;

    memcpy(builder_last(b)->permutation, (uint32_t[]){0, 2, 1}, 3 * sizeof(uint32_t));
    y = builder_node(b, GRAPH_MATMUL, INPUTS(tokens, t), DIMS(n, 25, 25));
    y = builder_node(b, GRAPH_SOFTMAX, INPUTS(y), DIMS(n, 25, 25));
    builder_last(b)->axis = 2;
    builder_last(b)->axis_end = 3;
    y = builder_node(b, GRAPH_MATMUL, INPUTS(y, tokens), DIMS(n, 25, 16));
    y = builder_node(b, GRAPH_SUB, INPUTS(y, tokens), DIMS(n, 25, 16));
    y = builder_node(b, GRAPH_MATMUL, INPUTS(y, w), DIMS(n, 25, 12));
    gelu = builder_node(b, GRAPH_DIV, INPUTS(y, root), DIMS(n, 25, 12));
    gelu = builder_node(b, GRAPH_ERF, INPUTS(gelu), DIMS(n, 25, 12));
    gelu = builder_node(b, GRAPH_ADD, INPUTS(gelu, one), DIMS(n, 25, 12));
    gelu = builder_node(b, GRAPH_MUL, INPUTS(y, gelu), DIMS(n, 25, 12));
    return builder_node(b, GRAPH_MUL, INPUTS(gelu, half), DIMS(n, 25, 12));
}

static void classifier(struct builder *b, uint32_t x, uint64_t n)
{
    static const int64_t order[] = {3, 1, 2, 0, 3};
    uint32_t w1 = builder_constant(b, -0.5f, 0.5f, DIMS(20, 15));
    uint32_t w2 = builder_constant(b, -0.5f, 0.5f, DIMS(SAMPLE_NETWORK_CLASSES, 20));
    uint32_t bias1 = builder_constant(b, -0.5f, 0.5f, DIMS(20));
    uint32_t bias2 = builder_constant(b, -0.5f, 0.5f, DIMS(SAMPLE_NETWORK_CLASSES));
    uint32_t y = builder_node(b, GRAPH_REDUCE_MEAN, INPUTS(x), DIMS(n, 12));
    uint32_t z;

    builder_last(b)->reduce[1] = true;
    z = builder_node(b, GRAPH_GATHER, INPUTS(y), DIMS(n, 5));
    builder_last(b)->axis = 1;
    builder_last(b)->indices = order;
    builder_last(b)->index_count = 5;
    z = builder_node(b, GRAPH_TANH, INPUTS(z), DIMS(n, 5));
    y = builder_node(b, GRAPH_SLICE, INPUTS(y), DIMS(n, 10));
    builder_last(b)->start[1] = 2;
    builder_last(b)->step[0] = builder_last(b)->step[1] = 1;
    y = builder_node(b, GRAPH_CONCAT, INPUTS(y, z), DIMS(n, 15));
    builder_last(b)->axis = 1;
    y = builder_node(b, GRAPH_GEMM, INPUTS(y, w1, bias1), DIMS(n, 20));
    builder_last(b)->alpha = builder_last(b)->beta = 1;
    builder_last(b)->transposed_b = true;
    y = builder_node(b, GRAPH_SIGMOID, INPUTS(y), DIMS(n, 20));
    builder_node(b, GRAPH_GEMM, INPUTS(y, w2, bias2), DIMS(n, SAMPLE_NETWORK_CLASSES));
    builder_last(b)->alpha = builder_last(b)->beta = 1;
    builder_last(b)->transposed_b = true;
}

void sample_network_build(struct builder *builder, uint32_t batch)
{
    uint32_t x;

    builder_init(builder, batch, 20240613);
    x = builder_input(builder, DIMS(batch, 3, 10, 10));
    x = residual(builder, x, batch);
    x = squeeze_and_excite(builder, x, batch);
    x = shuffle_and_pool(builder, x, batch);
    x = attention(builder, x, batch);
    classifier(builder, x, batch);
}
