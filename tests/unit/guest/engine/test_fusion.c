/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fusion changes no bit: networks run fused and node by node. Folding changes the last bits only: folded
 * networks against the unfolded graph in double, and the weights against the formula.
 */
#include "builder.h"
#include "guest/engine/executor.h"
#include "guest/engine/fold.h"
#include "guest/engine/fusion.h"
#include "guest/model/arena.h"
#include "reference.h"
#include "unit/harness.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BATCH   3u
#define SIZE    9u
#define CLASSES 7u

/* Pads keep the size; stride 2 halves it. */
static uint32_t conv(struct builder *b, uint32_t x, uint64_t out, uint32_t kernel, uint64_t size, uint32_t stride)
{
    uint64_t in = b->values[x].dims[1], batch = b->values[x].dims[0], result = (size + stride - 1) / stride;
    float bound = 1.0f / sqrtf((float)(in * kernel * kernel));
    uint32_t w = builder_constant(b, -bound, bound, DIMS(out, in, kernel, kernel));
    uint32_t bias = builder_constant(b, -0.2f, 0.2f, DIMS(out));
    uint32_t y = builder_node(b, GRAPH_CONV, INPUTS(x, w, bias), DIMS(batch, out, result, result));
    struct graph_window *window = &builder_last(b)->window;

    *window = builder_window(kernel, kernel);
    window->stride[0] = window->stride[1] = stride;
    window->pad_begin[0] = window->pad_begin[1] = window->pad_end[0] = window->pad_end[1] = kernel / 2;
    return y;
}

static uint32_t like(struct builder *b, enum graph_op op, const uint32_t *inputs, uint32_t shape)
{
    return builder_node(b, op, inputs, b->values[shape].rank, b->values[shape].dims);
}

static uint32_t relu(struct builder *b, uint32_t x)
{
    return like(b, GRAPH_RELU, INPUTS(x), x);
}

static uint32_t add(struct builder *b, uint32_t x, uint32_t y)
{
    return like(b, GRAPH_ADD, INPUTS(x, y), x);
}

/* relu(conv(relu(conv(x))) + x), the shortcut computed before or after, or x itself. */
static uint32_t block(struct builder *b, uint32_t x, uint64_t out, uint64_t size, uint32_t stride, bool first)
{
    uint64_t in = b->values[x].dims[1];
    uint32_t shortcut = x, y;

    if (first && stride > 1)
        shortcut = conv(b, x, out, 1, size, stride);
    y = relu(b, conv(b, x, out, 3, size, stride));
    y = conv(b, y, out, 3, (size + stride - 1) / stride, 1);
    if (!first && (stride > 1 || in != out))
        shortcut = conv(b, x, out, 1, size, stride);
    return relu(b, first ? add(b, y, shortcut) : add(b, shortcut, y));
}

static void finish(struct builder *b, uint32_t x)
{
    uint64_t batch = b->values[x].dims[0], channels = b->values[x].dims[1];
    uint32_t w = builder_constant(b, -0.2f, 0.2f, DIMS(CLASSES, channels));
    uint32_t bias = builder_constant(b, -0.2f, 0.2f, DIMS(CLASSES));

    x = builder_node(b, GRAPH_GLOBAL_AVERAGE_POOL, INPUTS(x), DIMS(batch, channels, 1, 1));
    x = builder_node(b, GRAPH_RESHAPE, INPUTS(x), DIMS(batch, channels));
    for (unsigned i = 0; i < 2; i++) {
        uint32_t square = builder_constant(b, -0.2f, 0.2f, DIMS(channels, channels));
        uint32_t row = builder_constant(b, -0.2f, 0.2f, DIMS(channels));

        x = builder_node(b, GRAPH_GEMM, INPUTS(x, square, row), DIMS(batch, channels));
        builder_last(b)->alpha = builder_last(b)->beta = 1;
        x = relu(b, x);
    }
    builder_node(b, GRAPH_GEMM, INPUTS(x, w, bias), DIMS(batch, CLASSES));
    builder_last(b)->alpha = builder_last(b)->beta = 1;
    builder_last(b)->transposed_b = true;
}

/* Blocks of every kind, and values with more than one reader where nothing may be fused. */
static void build(struct builder *b, uint64_t channels, uint64_t seed)
{
    uint32_t x, y, z;

    builder_init(b, BATCH, seed);
    x = builder_input(b, DIMS(BATCH, 3, SIZE, SIZE));
    x = relu(b, conv(b, x, channels, 3, SIZE, 1));
    x = block(b, x, channels, SIZE, 1, true);
    x = block(b, x, channels, SIZE, 1, false);
    y = conv(b, x, channels, 3, SIZE, 1); /* read twice: before and after its Relu */
    z = relu(b, y);
    x = add(b, y, z);
    x = relu(b, add(b, x, x));                              /* both operands one */
    x = relu(b, relu(b, conv(b, x, channels, 1, SIZE, 1))); /* twice */
    x = relu(b, add(b, relu(b, x), z));
    x = block(b, x, channels + 4, SIZE, 2, true);
    x = block(b, x, channels + 8, 5, 2, false);
    finish(b, x);
}

/* Logits, gradients and the layer, for `samples` of the batch. */
struct results {
    float logits[BATCH * CLASSES], gradient[BATCH * 3 * SIZE * SIZE], layer[BATCH * 64 * SIZE * SIZE];
    uint64_t memory;
};

static void run(struct kernels *kernels, const struct graph *graph, uint32_t layer, bool unfused, size_t samples,
                struct results *ret_results)
{
    struct executor_options options = {
        .kernels = kernels, .graph = graph, .layer = layer, .gradient = true, .unfused = unfused};
    struct executor *executor = NULL;
    const float *gradient = NULL;
    uint64_t state = 5;
    float x[BATCH * 3 * SIZE * SIZE];

    memset(ret_results, 0, sizeof(*ret_results));
    builder_fill(&state, -1, 1, BATCH * 3 * SIZE * SIZE, x);
    CU_ASSERT_EQUAL_FATAL(executor_create(&options, &executor, NULL), 0);
    memcpy(executor_input(executor, EXECUTOR_FORWARD), x, sizeof(x));
    CU_ASSERT_EQUAL_FATAL(executor_forward(executor, EXECUTOR_FORWARD, samples, NULL), 0);
    if (layer != GRAPH_NONE)
        memcpy(ret_results->layer, executor_layer(executor),
               graph->values[layer].elements / BATCH * samples * sizeof(float));
    memcpy(executor_input(executor, EXECUTOR_GRADIENT), x, sizeof(x));
    CU_ASSERT_EQUAL_FATAL(executor_forward(executor, EXECUTOR_GRADIENT, samples, NULL), 0);
    memcpy(ret_results->logits, executor_logits(executor, EXECUTOR_GRADIENT), samples * CLASSES * sizeof(float));
    for (size_t i = 0; i < samples * CLASSES; i++)
        executor_logits_gradient(executor)[i] = i % CLASSES == i / CLASSES ? 1 : -0.25f;
    CU_ASSERT_EQUAL_FATAL(executor_backward(executor, &gradient, NULL), 0);
    memcpy(ret_results->gradient, gradient, samples * 3 * SIZE * SIZE * sizeof(float));
    ret_results->memory = executor_memory(executor);
    executor_free(executor);
}

static bool same_results(const struct results *a, const struct results *b)
{
    return memcmp(a->logits, b->logits, sizeof(a->logits)) == 0 &&
           memcmp(a->gradient, b->gradient, sizeof(a->gradient)) == 0 &&
           memcmp(a->layer, b->layer, sizeof(a->layer)) == 0;
}

static void check_fused(uint64_t channels, enum kernel_arithmetic arithmetic, enum kernel_isa isa, unsigned threads)
{
    CLEANUP_FREE struct results *fused = malloc(sizeof(*fused)), *unfused = malloc(sizeof(*unfused));
    struct kernels *kernels = NULL;
    struct builder b;
    double sum = 0;

    if (kernels_create(arithmetic, isa, threads, &kernels, NULL) < 0)
        return;
    build(&b, channels, 3);
    for (size_t samples = 2; samples <= BATCH; samples++) {
        run(kernels, &b.graph, GRAPH_NONE, false, samples, fused);
        run(kernels, &b.graph, GRAPH_NONE, true, samples, unfused);
        CU_ASSERT_TRUE(same_results(fused, unfused));
    }
    for (size_t i = 0; i < BATCH * CLASSES; i++)
        sum += fabs((double)fused->logits[i]);
    for (size_t i = 0; i < BATCH * 3 * SIZE * SIZE; i++)
        sum += fabs((double)fused->gradient[i]);
    CU_ASSERT_TRUE(sum > 0.1); /* not all of it is nothing */
    /* A layer within what would be fused stays a value, with its own bits. */
    for (uint32_t i = 0; i < b.graph.node_count; i += 3) {
        uint32_t layer = b.nodes[i].output;

        if (b.values[layer].elements > BATCH * 64 * SIZE * SIZE)
            continue;
        run(kernels, &b.graph, layer, false, BATCH, fused);
        run(kernels, &b.graph, layer, true, BATCH, unfused);
        CU_ASSERT_TRUE(same_results(fused, unfused));
    }
    builder_free(&b);
    kernels_free(kernels);
}

static void test_fused_same_bits(void)
{
    for (enum kernel_isa isa = KERNEL_ISA_SSE2; isa <= KERNEL_ISA_AVX512; isa++) {
        check_fused(8, KERNEL_MUL_ADD, isa, 1);
        check_fused(8, KERNEL_FMA, isa, 2);
        check_fused(36, KERNEL_MUL_ADD, isa, 2); /* by Winograd */
        check_fused(36, KERNEL_FMA, isa, 1);
    }
}

/* What is fused, by name: else the test above might compare nothing. */
static void test_fusion_plan(void)
{
    CLEANUP_FREE struct fusion_node *plan = NULL;
    uint32_t x, first, second, shortcut, sum, done;
    struct builder b;

    builder_init(&b, 1, 1);
    x = builder_input(&b, DIMS(1, 3, 4, 4));
    first = relu(&b, conv(&b, x, 4, 3, 4, 1)); /* nodes 0, 1 */
    second = conv(&b, first, 4, 3, 4, 1);      /* 2 */
    shortcut = conv(&b, x, 4, 1, 4, 1);        /* 3: after what it is added to */
    sum = add(&b, second, shortcut);           /* 4 */
    done = relu(&b, sum);                      /* 5 */
    plan = fusion_plan(&b.graph, GRAPH_NONE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    CU_ASSERT_TRUE(plan[0].runs_in == 0 && plan[0].relu && plan[0].result == first && plan[1].runs_in == 0);
    CU_ASSERT_TRUE(plan[2].runs_in == 2 && !plan[2].relu && plan[2].addend == GRAPH_NONE && plan[2].result == second);
    CU_ASSERT_TRUE(plan[3].runs_in == 3 && plan[3].relu && plan[3].addend == second && plan[3].result == done);
    CU_ASSERT_TRUE(plan[4].runs_in == 3 && plan[5].runs_in == 3);
    free(plan);
    plan = fusion_plan(&b.graph, sum);
    CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
    CU_ASSERT_TRUE(plan[3].addend == second && plan[3].result == sum && !plan[3].relu && plan[5].runs_in == 5);
    builder_free(&b);
}

/* --- memory ------------------------------------------------------------------------------------- */

static uint64_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return (uint64_t)info.uordblks + info.hblkhd;
}

/* The figure is all that is held, kernels included, and runs take nothing more. */
static void test_memory_known(void)
{
    for (unsigned threads = 1; threads <= 4; threads += 3) {
        struct kernels *kernels = NULL;
        struct executor_options options = {.layer = GRAPH_NONE, .gradient = true};
        struct executor *executor = NULL;
        const float *gradient;
        struct builder b;
        uint64_t before, held, figure;

        build(&b, 40, 3);
        CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, threads, &kernels, NULL), 0);
        options.kernels = kernels;
        options.graph = &b.graph;
        before = allocated();
        CU_ASSERT_EQUAL_FATAL(executor_create(&options, &executor, NULL), 0);
        figure = executor_memory(executor);
        held = allocated();
        if (held > 0) { /* a sanitizer's allocator doesn't say */
            printf("%llu of %llu bytes ", (unsigned long long)(held - before), (unsigned long long)figure);
            CU_ASSERT_TRUE(held - before <= figure + figure / 64 && held - before >= figure - figure / 64);
        }
        for (size_t samples = BATCH; samples > 0; samples--) {
            memset(executor_input(executor, EXECUTOR_FORWARD), 0, sizeof(float) * BATCH * 3 * SIZE * SIZE);
            CU_ASSERT_EQUAL(executor_forward(executor, EXECUTOR_FORWARD, samples, NULL), 0);
            memset(executor_input(executor, EXECUTOR_GRADIENT), 0, sizeof(float) * BATCH * 3 * SIZE * SIZE);
            CU_ASSERT_EQUAL(executor_forward(executor, EXECUTOR_GRADIENT, samples, NULL), 0);
            memset(executor_logits_gradient(executor), 0, sizeof(float) * BATCH * CLASSES);
            CU_ASSERT_EQUAL(executor_backward(executor, &gradient, NULL), 0);
        }
        CU_ASSERT_EQUAL(allocated(), held);
        CU_ASSERT_EQUAL(executor_memory(executor), figure);
        executor_free(executor);
        options.memory_max = figure - 1;
        CU_ASSERT_EQUAL(executor_create(&options, &executor, NULL), -ENOMEM);
        kernels_free(kernels);
        builder_free(&b);
    }
}

/* --- folding ------------------------------------------------------------------------------------ */

static uint32_t norm(struct builder *b, uint32_t x)
{
    uint64_t channels = b->values[x].dims[1];
    uint32_t scale = builder_constant(b, -1.5f, 1.5f, DIMS(channels));
    uint32_t shift = builder_constant(b, -0.5f, 0.5f, DIMS(channels));
    uint32_t mean = builder_constant(b, -0.5f, 0.5f, DIMS(channels));
    uint32_t variance = builder_constant(b, 0.5f, 2, DIMS(channels));
    uint32_t y = like(b, GRAPH_BATCH_NORM, INPUTS(x, scale, shift, mean, variance), x);

    builder_last(b)->epsilon = 1e-3f;
    return y;
}

/* A Conv without bias, a grouped one, a grouped ConvTranspose and both kinds of Gemm, each normalised. */
static void build_norms(struct builder *b, uint32_t *ret_pre)
{
    uint32_t x, w, row;

    builder_init(b, 2, 11);
    x = builder_input(b, DIMS(2, 4, 5, 5));
    x = relu(b, norm(b, conv(b, x, 6, 3, 5, 1)));
    w = builder_constant(b, -0.3f, 0.3f, DIMS(8, 3, 3, 3));
    x = builder_node(b, GRAPH_CONV, INPUTS(x, w), DIMS(2, 8, 3, 3));
    builder_last(b)->window = builder_window(3, 3);
    builder_last(b)->window.groups = 2;
    x = norm(b, norm(b, x));
    w = builder_constant(b, -0.3f, 0.3f, DIMS(8, 3, 2, 2));
    row = builder_constant(b, -0.3f, 0.3f, DIMS(6));
    x = builder_node(b, GRAPH_CONV_TRANSPOSE, INPUTS(x, w, row), DIMS(2, 6, 4, 4));
    builder_last(b)->window = builder_window(2, 2);
    builder_last(b)->window.groups = 2;
    x = norm(b, x);
    x = norm(b, relu(b, x)); /* nothing to fold it into */
    x = builder_node(b, GRAPH_RESHAPE, INPUTS(x), DIMS(2, 96));
    w = builder_constant(b, -0.2f, 0.2f, DIMS(10, 96));
    x = builder_node(b, GRAPH_GEMM, INPUTS(x, w), DIMS(2, 10));
    builder_last(b)->alpha = builder_last(b)->beta = 1;
    builder_last(b)->transposed_b = true;
    *ret_pre = x;
    x = norm(b, x);
    w = builder_constant(b, -0.2f, 0.2f, DIMS(10, CLASSES));
    row = builder_constant(b, -0.2f, 0.2f, DIMS(1, CLASSES));
    x = builder_node(b, GRAPH_GEMM, INPUTS(x, w, row), DIMS(2, CLASSES));
    builder_last(b)->alpha = builder_last(b)->beta = 1;
    norm(b, x);
    CU_ASSERT_EQUAL_FATAL(arena_create((struct arena **)&b->graph.arena), 0);
}

static unsigned count_norms(const struct graph *graph)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == GRAPH_BATCH_NORM;
    return count;
}

static void test_folded_values(void)
{
    struct builder b;
    CLEANUP_FREE double *before = NULL, *after = NULL;
    struct kernels *kernels = NULL;
    struct executor *executor = NULL;
    struct executor_options options = {.layer = GRAPH_NONE};
    double x64[2 * 4 * 5 * 5];
    float x[2 * 4 * 5 * 5];
    uint64_t state = 12;
    uint32_t pre;

    build_norms(&b, &pre);
    builder_fill(&state, -1, 1, HARNESS_COUNT(x), x);
    for (size_t i = 0; i < HARNESS_COUNT(x); i++)
        x64[i] = (double)x[i];
    CU_ASSERT_EQUAL(count_norms(&b.graph), 7);
    before = reference_logits(&b.graph, x64);
    CU_ASSERT_EQUAL_FATAL(fold_norms(&b.graph, GRAPH_NONE, NULL), 0);
    CU_ASSERT_EQUAL(count_norms(&b.graph), 1);
    after = reference_logits(&b.graph, x64);
    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    options.kernels = kernels;
    options.graph = &b.graph;
    CU_ASSERT_EQUAL_FATAL(executor_create(&options, &executor, NULL), 0);
    memcpy(executor_input(executor, EXECUTOR_FORWARD), x, sizeof(x));
    CU_ASSERT_EQUAL_FATAL(executor_forward(executor, EXECUTOR_FORWARD, 2, NULL), 0);
    for (size_t i = 0; i < 2 * CLASSES; i++) {
        CU_ASSERT_DOUBLE_EQUAL(after[i], before[i], 2e-6 * (1 + fabs(before[i]))); /* weights rounded to float */
        CU_ASSERT_DOUBLE_EQUAL((double)executor_logits(executor, EXECUTOR_FORWARD)[i], before[i],
                               1e-5 * (1 + fabs(before[i])));
    }
    executor_free(executor);
    kernels_free(kernels);
    arena_free(b.graph.arena);
    builder_free(&b);
}

/* A normalisation whose input is asked for stays; so does one whose input has another reader. */
static void test_not_folded(void)
{
    struct builder b;
    uint32_t pre, x;

    build_norms(&b, &pre);
    CU_ASSERT_EQUAL_FATAL(fold_norms(&b.graph, pre, NULL), 0);
    CU_ASSERT_EQUAL(count_norms(&b.graph), 2);
    arena_free(b.graph.arena);
    builder_free(&b);

    builder_init(&b, 1, 13);
    x = conv(&b, builder_input(&b, DIMS(1, 3, 4, 4)), 4, 3, 4, 1);
    add(&b, norm(&b, x), x);
    CU_ASSERT_EQUAL_FATAL(arena_create((struct arena **)&b.graph.arena), 0);
    CU_ASSERT_EQUAL_FATAL(fold_norms(&b.graph, GRAPH_NONE, NULL), 0);
    CU_ASSERT_EQUAL(count_norms(&b.graph), 1);
    arena_free(b.graph.arena);
    builder_free(&b);
}

/* weight·s and (bias − mean)·s + shift, in double, rounded once. */
static void test_folded_weights(void)
{
    const float weights[] = {0.1f, -0.7f}, bias[] = {0.3f, 0.2f}, scale[] = {1.25f, -2}, shift[] = {0.5f, 0.1f};
    const float mean[] = {0.1f, -3}, variance[] = {0.7f, 4};
    struct builder b;
    uint32_t x;

    builder_init(&b, 1, 1);
    x = builder_input(&b, DIMS(1, 1, 1, 1));
    x = builder_node(&b, GRAPH_CONV,
                     INPUTS(x, builder_given(&b, weights, DIMS(2, 1, 1, 1)), builder_given(&b, bias, DIMS(2))),
                     DIMS(1, 2, 1, 1));
    builder_last(&b)->window = builder_window(1, 1);
    builder_node(&b, GRAPH_BATCH_NORM,
                 INPUTS(x, builder_given(&b, scale, DIMS(2)), builder_given(&b, shift, DIMS(2)),
                        builder_given(&b, mean, DIMS(2)), builder_given(&b, variance, DIMS(2))),
                 DIMS(1, 2, 1, 1));
    builder_last(&b)->epsilon = 0.01f;
    CU_ASSERT_EQUAL_FATAL(arena_create((struct arena **)&b.graph.arena), 0);
    CU_ASSERT_EQUAL_FATAL(fold_norms(&b.graph, GRAPH_NONE, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(b.graph.node_count, 1);
    CU_ASSERT_EQUAL(b.nodes[0].output, b.graph.logits);
    for (size_t c = 0; c < 2; c++) {
        double s = (double)scale[c] / sqrt((double)variance[c] + (double)0.01f);

        CU_ASSERT_EQUAL(b.graph.values[b.nodes[0].inputs[1]].constant[c], (float)((double)weights[c] * s));
        CU_ASSERT_EQUAL(b.graph.values[b.nodes[0].inputs[2]].constant[c],
                        (float)(((double)bias[c] - (double)mean[c]) * s + (double)shift[c]));
    }
    arena_free(b.graph.arena);
    builder_free(&b);
}

int main(void)
{
    const struct harness_test tests[] = {
        {"fused, the same bits", test_fused_same_bits}, {"what is fused", test_fusion_plan},
        {"memory is known", test_memory_known},         {"folded values", test_folded_values},
        {"what is not folded", test_not_folded},        {"folded weights", test_folded_weights},
    };

    return harness_run("engine: fusion", tests, HARNESS_COUNT(tests));
}
