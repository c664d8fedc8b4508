/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FGSM with the input's gradient on a ResNet-18 for 3×32×32 inputs, step by step on request, so that
 * bench_resnet18.py can take turns with torch.
 *
 * bench-resnet18 BATCH [ISA] reads lines "fma THREADS" or "mul-add THREADS" and answers each with the CPU and
 * the wall seconds of one attack of BATCH images, the CPU seconds of the busier of two threads, and the bytes that
 * the engine holds.
 */
#include "guest/engine/executor.h"
#include "guest/engine/loss.h"
#include "unit/guest/engine/builder.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLASSES     10
#define INPUT       ((size_t)3 * 32 * 32)
#define BATCH_MAX   1024
#define THREADS_MAX 64u

struct block {
    uint64_t in, out, size, stride; /* size: of the input */
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A convolution and its batch norm, folded into its weights and bias as exporters do. */
static uint32_t conv(struct builder *b, uint32_t x, uint64_t batch, const struct block *block, uint32_t kernel)
{
    uint64_t size = block->size / block->stride;
    uint32_t w = builder_constant(b, -0.05f, 0.05f, DIMS(block->out, block->in, kernel, kernel));
    uint32_t bias = builder_constant(b, -0.5f, 0.5f, DIMS(block->out));
    uint32_t y = builder_node(b, GRAPH_CONV, INPUTS(x, w, bias), DIMS(batch, block->out, size, size));
    struct graph_window *window = &builder_last(b)->window;

    *window = builder_window(kernel, kernel);
    window->stride[0] = window->stride[1] = (uint32_t)block->stride;
    window->pad_begin[0] = window->pad_begin[1] = window->pad_end[0] = window->pad_end[1] = kernel / 2;
    return y;
}

static uint32_t relu(struct builder *b, uint32_t x)
{
    return builder_node(b, GRAPH_RELU, INPUTS(x), b->values[x].rank, b->values[x].dims);
}

static uint32_t basic_block(struct builder *b, uint32_t x, uint64_t batch, struct block block)
{
    struct block second = {block.out, block.out, block.size / block.stride, 1};
    uint32_t y = relu(b, conv(b, x, batch, &block, 3));
    uint32_t shortcut = x;

    y = conv(b, y, batch, &second, 3);
    if (block.in != block.out || block.stride != 1)
        shortcut = conv(b, x, batch, &block, 1);
    return relu(b, builder_node(b, GRAPH_ADD, INPUTS(y, shortcut), b->values[y].rank, b->values[y].dims));
}

static void resnet18(struct builder *b, uint32_t batch)
{
    static const struct block blocks[] = {{64, 64, 32, 1},   {64, 64, 32, 1},  {64, 128, 32, 2}, {128, 128, 16, 1},
                                          {128, 256, 16, 2}, {256, 256, 8, 1}, {256, 512, 8, 2}, {512, 512, 4, 1}};
    uint32_t x, w, bias;

    builder_init(b, batch, 18);
    x = builder_input(b, DIMS(batch, 3, 32, 32));
    x = relu(b, conv(b, x, batch, &(struct block){3, 64, 32, 1}, 3));
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        x = basic_block(b, x, batch, blocks[i]);
    x = builder_node(b, GRAPH_GLOBAL_AVERAGE_POOL, INPUTS(x), DIMS(batch, 512, 1, 1));
    x = builder_node(b, GRAPH_RESHAPE, INPUTS(x), DIMS(batch, 512));
    w = builder_constant(b, -0.05f, 0.05f, DIMS(CLASSES, 512));
    bias = builder_constant(b, -0.5f, 0.5f, DIMS(CLASSES));
    builder_node(b, GRAPH_GEMM, INPUTS(x, w, bias), DIMS(batch, CLASSES));
    builder_last(b)->alpha = builder_last(b)->beta = 1;
    builder_last(b)->transposed_b = true;
}

static void require(int ret, const char *what)
{
    if (ret == 0)
        return;
    (void)fprintf(stderr, "bench-resnet18: %s: %d\n", what, ret);
    exit(70);
}

/* A class with so many threads, made when it is first asked for. */
struct side {
    struct kernels *kernels;
    struct executor *executor;
};

struct bench {
    struct builder b;
    size_t batch;
    enum kernel_isa isa;
    float *x, *adversarial;
    struct side sides[2][THREADS_MAX + 1];
};

static struct side *open_side(struct bench *bench, enum kernel_arithmetic arithmetic, unsigned threads)
{
    struct side *side = &bench->sides[arithmetic][threads];
    struct executor_options options = {.graph = &bench->b.graph, .layer = GRAPH_NONE, .gradient = true};

    if (side->executor == NULL) {
        require(kernels_create(arithmetic, bench->isa, threads, &side->kernels, NULL), "kernels");
        options.kernels = side->kernels;
        require(executor_create(&options, &side->executor, NULL), "executor");
    }
    return side;
}

/* x + eps · sign(gradient), kept within [0, 1]. */
static void attack(struct bench *bench, const struct side *side)
{
    static const int32_t labels[BATCH_MAX];
    struct executor *executor = side->executor;
    const float *gradient;

    memcpy(executor_input(executor, EXECUTOR_GRADIENT), bench->x, bench->batch * INPUT * sizeof(float));
    require(executor_forward(executor, EXECUTOR_GRADIENT, bench->batch, NULL), "forward");
    require(loss_gradient(side->kernels, executor_logits(executor, EXECUTOR_GRADIENT), labels, bench->batch, CLASSES,
                          executor_logits_gradient(executor)),
            "loss");
    require(executor_backward(executor, &gradient, NULL), "backward");
    for (size_t i = 0; i < bench->batch * INPUT; i++) {
        float sign = (float)(gradient[i] > 0) - (float)(gradient[i] < 0), value = bench->x[i] + 0.03f * sign;

        bench->adversarial[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
}

static void answer(struct bench *bench, const char *class, unsigned threads)
{
    enum kernel_arithmetic arithmetic = strcmp(class, "fma") == 0 ? KERNEL_FMA : KERNEL_MUL_ADD;
    const struct side *side = open_side(bench, arithmetic, threads);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), wall = seconds_of(CLOCK_MONOTONIC);
    double own = seconds_of(CLOCK_THREAD_CPUTIME_ID);

    attack(bench, side);
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    own = seconds_of(CLOCK_THREAD_CPUTIME_ID) - own;
    (void)printf("%.9f %.9f %.9f %llu %s\n", cpu, seconds_of(CLOCK_MONOTONIC) - wall, own > cpu - own ? own : cpu - own,
                 (unsigned long long)executor_memory(side->executor), kernel_isa_name(kernels_isa(side->kernels)));
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    char class[16];
    unsigned threads;

    bench.batch = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (bench.batch < 1 || bench.batch > BATCH_MAX || argc > 3 ||
        (argc > 2 && kernel_isa_from_name(argv[2], &bench.isa) < 0)) {
        (void)fputs("usage: bench-resnet18 BATCH [sse2|avx|avx2|avx512]\n", stderr);
        return 64;
    }
    resnet18(&bench.b, (uint32_t)bench.batch);
    bench.x = malloc(bench.batch * INPUT * sizeof(float));
    bench.adversarial = malloc(bench.batch * INPUT * sizeof(float));
    require(bench.x == NULL || bench.adversarial == NULL, "memory");
    builder_fill(&bench.b.random, 0, 1, bench.batch * INPUT, bench.x);
    while (scanf("%15s %u", class, &threads) == 2 && threads >= 1 && threads <= THREADS_MAX)
        answer(&bench, class, threads);
    return 0;
}
