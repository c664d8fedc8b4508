/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of one image's logits and input gradient on a ResNet-18 for 3×32×32 inputs, both classes, one
 * thread; beside it the time of its convolutions alone, so that the ratio is what the rest costs.
 *
 * bench-gradient [BATCH [RUNS]]: 8 images and 5 runs by default; the best run counts. bench_gradient.py
 * prints the same of torch.
 */
#include "guest/engine/executor.h"
#include "guest/engine/loss.h"
#include "unit/guest/engine/builder.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLASSES 10

struct block {
    uint64_t in, out, size, stride; /* size: of the input */
};

static double cpu_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
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
    (void)fprintf(stderr, "bench-gradient: %s: %d\n", what, ret);
    exit(70);
}

static double gradient_seconds(struct executor *executor, struct kernels *kernels, const float *x, size_t batch)
{
    int32_t labels[1024] = {0};
    const float *gradient;
    double start = cpu_seconds();

    memcpy(executor_input(executor, EXECUTOR_GRADIENT), x, batch * 3 * 32 * 32 * sizeof(float));
    require(executor_forward(executor, EXECUTOR_GRADIENT, batch, NULL), "forward");
    require(loss_gradient(kernels, executor_logits(executor, EXECUTOR_GRADIENT), labels, batch, CLASSES,
                          executor_logits_gradient(executor)),
            "loss");
    require(executor_backward(executor, &gradient, NULL), "backward");
    return cpu_seconds() - start;
}

/* The convolutions of the graph alone, forward and backward, on memory of their own. */
static double convolution_seconds(const struct graph *graph, struct kernels *kernels)
{
    double total = 0;

    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        const struct graph_value *x = &graph->values[node->inputs[0]], *y = &graph->values[node->output];
        const struct graph_window *w = &node->attributes.window;
        struct kernel_conv conv = {x->dims[0], 1,          x->dims[1],      x->dims[2],     x->dims[3],   y->dims[1],
                                   y->dims[2], y->dims[3], w->kernel[0],    w->kernel[1],   w->stride[0], w->stride[1],
                                   1,          1,          w->pad_begin[0], w->pad_begin[1]};
        CLEANUP_FREE float *in = NULL, *out = NULL, *forward = NULL, *backward = NULL;
        double start;

        if (node->op != GRAPH_CONV)
            continue;
        in = calloc(x->elements, sizeof(float));
        out = calloc(y->elements, sizeof(float));
        forward = aligned_alloc(64, (kernel_conv_packed_size(&conv) + 16) / 16 * 64);
        backward = aligned_alloc(64, (kernel_conv_packed_backward_size(&conv) + 16) / 16 * 64);
        require(in == NULL || out == NULL || forward == NULL || backward == NULL, "memory");
        memset(in, 0x3c, x->elements * sizeof(float));
        memset(out, 0x3c, y->elements * sizeof(float));
        kernel_conv_pack(kernels, &conv, graph->values[node->inputs[1]].constant, forward);
        kernel_conv_pack_backward(kernels, &conv, graph->values[node->inputs[1]].constant, backward);
        start = cpu_seconds();
        require(kernel_conv_forward(kernels, &conv, in, forward, NULL, out), "forward");
        require(kernel_conv_backward_input(kernels, &conv, out, backward, in), "backward");
        total += cpu_seconds() - start;
    }
    return total;
}

static void measure(enum kernel_arithmetic arithmetic, const char *name, uint32_t batch, int runs)
{
    static struct builder b;
    struct kernels *kernels = NULL;
    struct executor *executor = NULL;
    struct executor_options options = {.graph = &b.graph, .layer = GRAPH_NONE, .gradient = true};
    CLEANUP_FREE float *x = malloc((size_t)batch * 3 * 32 * 32 * sizeof(float));
    double best = 1e30, convolutions = 1e30;

    require(kernels_create(arithmetic, KERNEL_ISA_AUTO, 1, &kernels, NULL), "kernels");
    resnet18(&b, batch);
    options.kernels = kernels;
    require(executor_create(&options, &executor, NULL), "executor");
    builder_fill(&b.random, 0, 1, (size_t)batch * 3 * 32 * 32, x);
    for (int i = 0; i < runs; i++) {
        double seconds = gradient_seconds(executor, kernels, x, batch);

        best = seconds < best ? seconds : best;
        seconds = convolution_seconds(&b.graph, kernels);
        convolutions = seconds < convolutions ? seconds : convolutions;
    }
    (void)printf("%-8s %-7s batch %u: %.2f ms an image, its convolutions alone %.2f ms, ratio %.3f; %.1f MiB\n", name,
                 kernel_isa_name(kernels_isa(kernels)), batch, 1e3 * best / batch, 1e3 * convolutions / batch,
                 best / convolutions, (double)executor_memory(executor) / 1048576);
    executor_free(executor);
    kernels_free(kernels);
    builder_free(&b);
}

int main(int argc, char **argv)
{
    long batch = argc > 1 ? strtol(argv[1], NULL, 10) : 8;
    long runs = argc > 2 ? strtol(argv[2], NULL, 10) : 5;

    if (batch < 1 || batch > 1024 || runs < 1 || runs > 1000) {
        (void)fputs("usage: bench-gradient [BATCH [RUNS]]\n", stderr);
        return 64;
    }
    measure(KERNEL_FMA, "fma", (uint32_t)batch, (int)runs);
    measure(KERNEL_MUL_ADD, "mul-add", (uint32_t)batch, (int)runs);
    return 0;
}
