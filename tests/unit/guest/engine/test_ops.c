/* SPDX-License-Identifier: Apache-2.0 */
/* Each operator against its definition in double (op_check.h). */
#include "op_check.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void test_conv(void)
{
    START(3, 4, 7, 6);
    uint32_t w = builder_constant(&b, -1, 1, DIMS(6, 4, 3, 2));
    uint32_t bias = builder_constant(&b, -1, 1, DIMS(6));

    builder_node(&b, GRAPH_CONV, INPUTS(x, w, bias), DIMS(3, 6, 4, 7));
    builder_last(&b)->window = builder_window(3, 2);
    builder_last(&b)->window.stride[0] = 2;
    builder_last(&b)->window.pad_begin[0] = 1;
    builder_last(&b)->window.pad_end[0] = 1;
    builder_last(&b)->window.pad_begin[1] = 2;
    check(&b);
}

static void test_conv_groups(void)
{
    START(2, 4, 9, 9);
    uint32_t w = builder_constant(&b, -1, 1, DIMS(4, 1, 3, 3));
    uint32_t v = builder_constant(&b, -1, 1, DIMS(6, 2, 2, 3));
    uint32_t y = builder_node(&b, GRAPH_CONV, INPUTS(x, w), DIMS(2, 4, 5, 5));

    builder_last(&b)->window = builder_window(3, 3);
    builder_last(&b)->window.dilation[0] = builder_last(&b)->window.dilation[1] = 2;
    builder_last(&b)->window.groups = 4;
    builder_node(&b, GRAPH_CONV, INPUTS(y, v, GRAPH_NONE), DIMS(2, 6, 4, 2));
    builder_last(&b)->window = builder_window(2, 3);
    builder_last(&b)->window.stride[1] = 2;
    builder_last(&b)->window.groups = 2;
    check(&b);
}

static void test_conv_transpose(void)
{
    START(2, 4, 3, 4);
    uint32_t w = builder_constant(&b, -1, 1, DIMS(4, 3, 3, 2));
    uint32_t bias = builder_constant(&b, -1, 1, DIMS(6));

    builder_node(&b, GRAPH_CONV_TRANSPOSE, INPUTS(x, w, bias), DIMS(2, 6, 6, 10));
    builder_last(&b)->window = builder_window(3, 2);
    builder_last(&b)->window.stride[0] = 2;
    builder_last(&b)->window.stride[1] = 3;
    builder_last(&b)->window.pad_begin[0] = builder_last(&b)->window.pad_end[0] = 1;
    builder_last(&b)->window.pad_end[1] = 1;
    builder_last(&b)->window.output_pad[0] = 1;
    builder_last(&b)->window.groups = 2;
    check(&b);
}

static void gemm(bool transposed_b, bool with_c, uint32_t c_rank, const uint64_t *c_dims)
{
    START(3, 5);
    uint32_t w = builder_constant(&b, -1, 1, DIMS(transposed_b ? 4 : 5, transposed_b ? 5 : 4));
    uint32_t c = builder_constant(&b, -1, 1, c_rank, c_dims);

    builder_node(&b, GRAPH_GEMM, INPUTS(x, w, with_c ? c : GRAPH_NONE), DIMS(3, 4));
    builder_last(&b)->alpha = 0.5f;
    builder_last(&b)->beta = 1.5f;
    builder_last(&b)->transposed_b = transposed_b;
    check(&b);
}

static void test_gemm(void)
{
    gemm(false, false, DIMS(1));
    gemm(true, true, DIMS(4));
    gemm(false, true, DIMS(1, 4));
    gemm(true, true, SCALAR);
}

/* Both operands and C computed, in all four layouts: samples mix, so only the whole batch runs. */
static void gemm_computed(bool transposed_a, bool transposed_b)
{
    START(2, 6);
    uint32_t a = builder_node(&b, GRAPH_RESHAPE, INPUTS(x), DIMS(transposed_a ? 3 : 4, transposed_a ? 4 : 3));
    uint32_t w = builder_node(&b, GRAPH_RESHAPE, INPUTS(x), DIMS(transposed_b ? 4 : 3, transposed_b ? 3 : 4));
    uint32_t v = builder_constant(&b, -1, 1, DIMS(2, 6));
    uint32_t moved = builder_node(&b, GRAPH_MUL, INPUTS(x, v), DIMS(2, 6));
    uint32_t c = builder_node(&b, GRAPH_REDUCE_MEAN, INPUTS(moved), DIMS(1));

    builder_last(&b)->reduce[0] = builder_last(&b)->reduce[1] = true;
    builder_node(&b, GRAPH_GEMM, INPUTS(a, w, c), DIMS(4, 4));
    builder_last(&b)->alpha = -1.25f;
    builder_last(&b)->beta = 0.75f;
    builder_last(&b)->transposed_a = transposed_a;
    builder_last(&b)->transposed_b = transposed_b;
    check_range(&b, -2, 2, false);
}

static void test_gemm_computed(void)
{
    gemm_computed(false, false);
    gemm_computed(true, false);
    gemm_computed(false, true);
    gemm_computed(true, true);
}

static void test_matmul(void)
{
    START(3, 4, 5);
    uint32_t w = builder_constant(&b, -1, 1, DIMS(5, 2));
    uint32_t v = builder_constant(&b, -1, 1, DIMS(2));
    uint32_t y = builder_node(&b, GRAPH_MATMUL, INPUTS(x, w), DIMS(3, 4, 2));

    builder_node(&b, GRAPH_MATMUL, INPUTS(y, v), DIMS(3, 4));
    check(&b);
}

/* Attention's shape: x·xᵀ, with a broadcast operand in each place. */
static void test_matmul_computed(void)
{
    START(2, 3, 4, 5);
    uint32_t w = builder_constant(&b, -1, 1, DIMS(1, 3, 5, 4));
    uint32_t y, t, z;

    t = builder_node(&b, GRAPH_TRANSPOSE, INPUTS(x), DIMS(2, 3, 5, 4));
    memcpy(builder_last(&b)->permutation, (uint32_t[]){0, 1, 3, 2}, 4 * sizeof(uint32_t));
    y = builder_node(&b, GRAPH_MATMUL, INPUTS(x, t), DIMS(2, 3, 4, 4));
    z = builder_node(&b, GRAPH_SLICE, INPUTS(x), DIMS(2, 1, 4, 5));
    for (uint32_t i = 0; i < 4; i++)
        builder_last(&b)->step[i] = 1;
    z = builder_node(&b, GRAPH_MATMUL, INPUTS(y, z), DIMS(2, 3, 4, 5));
    builder_node(&b, GRAPH_MATMUL, INPUTS(z, w), DIMS(2, 3, 4, 4));
    check_range(&b, -1, 1, true);
}

static void test_matmul_vectors(void)
{
    START(1, 5);
    uint32_t v = builder_node(&b, GRAPH_RESHAPE, INPUTS(x), DIMS(5));
    uint32_t w = builder_constant(&b, -1, 1, DIMS(2, 5, 3));
    uint32_t y = builder_node(&b, GRAPH_MATMUL, INPUTS(v, w), DIMS(2, 3));
    uint32_t u = builder_constant(&b, -1, 1, DIMS(4, 2));

    builder_node(&b, GRAPH_MATMUL, INPUTS(u, y), DIMS(4, 3));
    check(&b);
}

static void test_batch_norm(void)
{
    START(3, 4, 3, 2);
    uint32_t scale = builder_constant(&b, -1, 1, DIMS(4));
    uint32_t bias = builder_constant(&b, -1, 1, DIMS(4));
    uint32_t mean = builder_constant(&b, -1, 1, DIMS(4));
    uint32_t variance = builder_constant(&b, 0.25f, 2, DIMS(4));

    builder_node(&b, GRAPH_BATCH_NORM, INPUTS(x, scale, bias, mean, variance), DIMS(3, 4, 3, 2));
    builder_last(&b)->epsilon = 1e-3f;
    check(&b);
}

static void unary(enum graph_op op, float alpha, float beta)
{
    START(3, 17);

    builder_node(&b, op, INPUTS(x), DIMS(3, 17));
    builder_last(&b)->alpha = alpha;
    builder_last(&b)->beta = beta;
    check_range(&b, -3, 3, true);
}

static void test_unary(void)
{
    unary(GRAPH_RELU, 0, 0);
    unary(GRAPH_LEAKY_RELU, 0.1f, 0);
    unary(GRAPH_SIGMOID, 0, 0);
    unary(GRAPH_TANH, 0, 0);
    unary(GRAPH_HARD_SIGMOID, 0.2f, 0.5f);
    unary(GRAPH_CLIP, -1, 2);
    unary(GRAPH_CLIP, -INFINITY, INFINITY);
    unary(GRAPH_ELU, 1.5f, 0);
    unary(GRAPH_ERF, 0, 0);
}

static void softmax(enum graph_op op, uint32_t axis, uint32_t axis_end)
{
    START(2, 3, 4, 2);

    builder_node(&b, op, INPUTS(x), DIMS(2, 3, 4, 2));
    builder_last(&b)->axis = axis;
    builder_last(&b)->axis_end = axis_end;
    check_range(&b, -4, 4, axis > 0);
}

static void test_softmax(void)
{
    softmax(GRAPH_SOFTMAX, 1, 2);
    softmax(GRAPH_SOFTMAX, 3, 4);
    softmax(GRAPH_SOFTMAX, 1, 4);
    softmax(GRAPH_SOFTMAX, 0, 1);
    softmax(GRAPH_LOG_SOFTMAX, 2, 3);
    softmax(GRAPH_LOG_SOFTMAX, 1, 4);
}

static void pool(enum graph_op op, bool include_pad, bool beyond)
{
    START(2, 3, 7, 6);
    struct graph_window window = builder_window(3, 2);

    /* With `beyond` the last row of windows reaches over the padding, as ceil_mode makes it. */
    window.stride[0] = 3;
    window.stride[1] = 2;
    window.dilation[1] = beyond ? 1 : 2;
    window.pad_begin[0] = window.pad_end[1] = 1;
    window.count_include_pad = include_pad;
    builder_node(&b, op, INPUTS(x), DIMS(2, 3, beyond ? 3 : 2, 3));
    builder_last(&b)->window = window;
    check(&b);
}

static void test_pool(void)
{
    pool(GRAPH_MAX_POOL, false, false);
    pool(GRAPH_MAX_POOL, false, true);
    pool(GRAPH_AVERAGE_POOL, false, false);
    pool(GRAPH_AVERAGE_POOL, true, false);
    pool(GRAPH_AVERAGE_POOL, true, true);
}

static void test_global_average_pool(void)
{
    START(2, 3, 5, 4);

    builder_node(&b, GRAPH_GLOBAL_AVERAGE_POOL, INPUTS(x), DIMS(2, 3, 1, 1));
    check(&b);
}

static void binary(enum graph_op op, bool constant_first, uint32_t rank, const uint64_t *dims)
{
    START(3, 4, 2, 5);
    uint32_t c = builder_constant(&b, 0.5f, 2, rank, dims);

    if (constant_first)
        builder_node(&b, op, INPUTS(c, x), DIMS(3, 4, 2, 5));
    else
        builder_node(&b, op, INPUTS(x, c), DIMS(3, 4, 2, 5));
    check_range(&b, 0.5f, 2, true);
}

static void test_binary(void)
{
    for (enum graph_op op = GRAPH_ADD; op <= GRAPH_DIV; op++)
        for (int first = 0; first < 2; first++) {
            binary(op, first, SCALAR);
            binary(op, first, DIMS(5));
            binary(op, first, DIMS(4, 1, 1));
            binary(op, first, DIMS(1, 4, 1, 5));
            binary(op, first, DIMS(4, 2, 5));
        }
}

/* Both operands computed; one of them broadcast, then added up in the backward pass. */
static void binary_computed(enum graph_op op, bool swapped)
{
    START(2, 4, 3, 2);
    uint32_t pooled = builder_node(&b, GRAPH_GLOBAL_AVERAGE_POOL, INPUTS(x), DIMS(2, 4, 1, 1));

    if (swapped)
        builder_node(&b, op, INPUTS(pooled, x), DIMS(2, 4, 3, 2));
    else
        builder_node(&b, op, INPUTS(x, pooled), DIMS(2, 4, 3, 2));
    check_range(&b, 0.5f, 2, true);
}

static void test_binary_computed(void)
{
    for (enum graph_op op = GRAPH_ADD; op <= GRAPH_DIV; op++) {
        binary_computed(op, false);
        binary_computed(op, true);
    }
}

/* The same value twice in one node. */
static void test_binary_twice(void)
{
    START(2, 5);
    uint32_t y = builder_node(&b, GRAPH_MUL, INPUTS(x, x), DIMS(2, 5));

    y = builder_node(&b, GRAPH_ADD, INPUTS(y, y), DIMS(2, 5));
    builder_node(&b, GRAPH_DIV, INPUTS(y, x), DIMS(2, 5));
    check_range(&b, 0.5f, 2, true);
}

static void test_concat(void)
{
    START(2, 3, 4);
    uint32_t y = builder_node(&b, GRAPH_TANH, INPUTS(x), DIMS(2, 3, 4));
    uint32_t c = builder_given(&b, (float[8]){1, 2, 3, 4, 1, 2, 3, 4}, DIMS(2, 1, 4));
    uint32_t z = builder_node(&b, GRAPH_CONCAT, INPUTS(x, y, c, x), DIMS(2, 10, 4));

    builder_last(&b)->axis = 1;
    builder_node(&b, GRAPH_CONCAT, INPUTS(z, z), DIMS(2, 10, 8));
    builder_last(&b)->axis = 2;
    check(&b);
}

static void test_transpose(void)
{
    START(2, 3, 4, 5);
    uint32_t y = builder_node(&b, GRAPH_TRANSPOSE, INPUTS(x), DIMS(2, 5, 3, 4));

    memcpy(builder_last(&b)->permutation, (uint32_t[]){0, 3, 1, 2}, 4 * sizeof(uint32_t));
    builder_node(&b, GRAPH_TANH, INPUTS(y), DIMS(2, 5, 3, 4));
    check(&b);
}

static void test_transpose_batch(void)
{
    START(2, 3, 4);

    builder_node(&b, GRAPH_TRANSPOSE, INPUTS(x), DIMS(4, 2, 3));
    memcpy(builder_last(&b)->permutation, (uint32_t[]){2, 0, 1}, 3 * sizeof(uint32_t));
    check_range(&b, -2, 2, false);
}

static void test_gather(void)
{
    static const int64_t indices[] = {2, 0, 2, 1};
    START(2, 3, 4);

    builder_node(&b, GRAPH_GATHER, INPUTS(x), DIMS(2, 2, 2, 4));
    builder_last(&b)->axis = 1;
    builder_last(&b)->indices = indices;
    builder_last(&b)->index_count = 4;
    check(&b);
}

static void test_slice(void)
{
    START(2, 6, 5);

    builder_node(&b, GRAPH_SLICE, INPUTS(x), DIMS(2, 3, 4));
    memcpy(builder_last(&b)->start, (int64_t[]){0, 5, 1}, 3 * sizeof(int64_t));
    memcpy(builder_last(&b)->step, (int64_t[]){1, -2, 1}, 3 * sizeof(int64_t));
    check(&b);
}

static void pad(enum graph_pad_mode mode)
{
    START(2, 2, 4, 5);

    builder_node(&b, GRAPH_PAD, INPUTS(x), DIMS(2, 2, 7, 8));
    memcpy(builder_last(&b)->pad_begin, (uint32_t[]){0, 0, 1, 3}, 4 * sizeof(uint32_t));
    memcpy(builder_last(&b)->pad_end, (uint32_t[]){0, 0, 2, 0}, 4 * sizeof(uint32_t));
    builder_last(&b)->pad_mode = mode;
    builder_last(&b)->pad_value = 0.5f;
    check(&b);
}

static void test_pad(void)
{
    pad(GRAPH_PAD_CONSTANT);
    pad(GRAPH_PAD_REFLECT);
    pad(GRAPH_PAD_EDGE);
}

static void reduce(bool channels, bool rows, bool columns, uint32_t rank, const uint64_t *dims)
{
    START(2, 3, 4, 5);

    builder_node(&b, GRAPH_REDUCE_MEAN, INPUTS(x), rank, dims);
    builder_last(&b)->reduce[1] = channels;
    builder_last(&b)->reduce[2] = rows;
    builder_last(&b)->reduce[3] = columns;
    check(&b);
}

static void test_reduce_mean(void)
{
    reduce(false, true, true, DIMS(2, 3, 1, 1));
    reduce(false, true, false, DIMS(2, 3, 5));
    reduce(true, false, false, DIMS(2, 1, 4, 5));
    reduce(true, false, true, DIMS(2, 4));
    reduce(true, true, true, DIMS(2, 1));
}

static const struct harness_test tests[] = {
    {"conv: stride, uneven pads, bias", test_conv},
    {"conv: groups, dilation, depthwise", test_conv_groups},
    {"conv transpose: stride, pads, output pad, groups", test_conv_transpose},
    {"gemm: constant B", test_gemm},
    {"gemm: everything computed", test_gemm_computed},
    {"matmul: constant matrix and vector", test_matmul},
    {"matmul: computed, broadcast", test_matmul_computed},
    {"matmul: vectors", test_matmul_vectors},
    {"batch norm", test_batch_norm},
    {"unary", test_unary},
    {"softmax, log softmax", test_softmax},
    {"max and average pool", test_pool},
    {"global average pool", test_global_average_pool},
    {"binary: broadcast constants", test_binary},
    {"binary: both computed", test_binary_computed},
    {"binary: one value twice", test_binary_twice},
    {"concat", test_concat},
    {"transpose", test_transpose},
    {"transpose of the batch", test_transpose_batch},
    {"gather", test_gather},
    {"slice", test_slice},
    {"pad", test_pad},
    {"reduce mean", test_reduce_mean},
};

int main(void)
{
    return harness_run("engine-ops", tests, HARNESS_COUNT(tests));
}
