/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GFLOP/s of the convolutions of a ResNet-18 for 3×32×32 inputs, forward and backward to the input,
 * one thread, for each instruction set and class; and of plain loops, with the ratio.
 *
 * bench-conv [BATCH [ISA]]: 8 images by default; ISA is one of sse2, avx, avx2, avx512.
 */
#include "guest/engine/kernels/kernels.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RUNS 5 /* the best counts: other load on the machine only ever slows down */

static const struct layer {
    size_t in, out, size, kernel, stride;
    unsigned count; /* in the network */
} layers[] = {
    {3, 64, 32, 3, 1, 1},    {64, 64, 32, 3, 1, 4},   {64, 128, 32, 3, 2, 1},  {64, 128, 32, 1, 2, 1},
    {128, 128, 16, 3, 1, 3}, {128, 256, 16, 3, 2, 1}, {128, 256, 16, 1, 2, 1}, {256, 256, 8, 3, 1, 3},
    {256, 512, 8, 3, 2, 1},  {256, 512, 8, 1, 2, 1},  {512, 512, 4, 3, 1, 3},
};

#define LAYER_COUNT (sizeof(layers) / sizeof(layers[0]))

struct tensors {
    struct kernel_conv conv;
    float *x, *y, *weights, *forward, *backward;
    double products; /* of one pass */
};

static float *floats(size_t count)
{
    float *memory = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);

    if (memory == NULL) {
        fputs("bench-conv: out of memory\n", stderr);
        exit(69);
    }
    for (size_t i = 0; i < count; i++)
        memory[i] = (float)(i * 2654435761u % 2048) * 0x1p-10f - 1.0f;
    return memory;
}

static void open_tensors(struct tensors *t, const struct layer *layer, size_t batch)
{
    size_t out = layer->size / layer->stride, pad = layer->kernel / 2;

    t->conv = (struct kernel_conv){batch,
                                   1,
                                   layer->in,
                                   layer->size,
                                   layer->size,
                                   layer->out,
                                   out,
                                   out,
                                   layer->kernel,
                                   layer->kernel,
                                   layer->stride,
                                   layer->stride,
                                   1,
                                   1,
                                   pad,
                                   pad};
    t->x = floats(batch * layer->in * layer->size * layer->size);
    t->y = floats(batch * layer->out * out * out);
    t->weights = floats(layer->in * layer->out * layer->kernel * layer->kernel);
    t->forward = floats(kernel_conv_packed_size(&t->conv));
    t->backward = floats(kernel_conv_packed_backward_size(&t->conv));
    t->products = (double)(batch * layer->out * out * out * layer->in * layer->kernel * layer->kernel);
}

static void close_tensors(struct tensors *t)
{
    free(t->x);
    free(t->y);
    free(t->weights);
    free(t->forward);
    free(t->backward);
}

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* What a first attempt would be: no padded copy, no vectors but the compiler's. */
static void plain_forward(const struct tensors *t)
{
    const struct kernel_conv *c = &t->conv;

    for (size_t no = 0; no < c->batch * c->out_channels; no++)
        for (size_t i = 0; i < c->out_height * c->out_width; i++) {
            size_t top = i / c->out_width * c->stride_height, left = i % c->out_width * c->stride_width;
            const float *w = t->weights + no % c->out_channels * c->in_channels * c->kernel_height * c->kernel_width;
            float sum = 0;

            for (size_t k = 0; k < c->in_channels * c->kernel_height; k++)
                for (size_t q = 0; q < c->kernel_width; q++, w++) {
                    size_t row = top + k % c->kernel_height - c->pad_top, column = left + q - c->pad_left;
                    size_t plane = no / c->out_channels * c->in_channels + k / c->kernel_height;

                    if (row < c->in_height && column < c->in_width)
                        sum += t->x[(plane * c->in_height + row) * c->in_width + column] * *w;
                }
            t->y[no * c->out_height * c->out_width + i] = sum;
        }
}

enum pass { PASS_PLAIN, PASS_FORWARD, PASS_BACKWARD };

static double best_seconds(struct kernels *kernels, const struct tensors *t, enum pass pass)
{
    double best = 1e9;

    for (unsigned run = 0; run < (pass == PASS_PLAIN ? 1 : RUNS); run++) {
        double start = cpu_seconds(), seconds;
        int r = 0;

        if (pass == PASS_PLAIN)
            plain_forward(t);
        else if (pass == PASS_FORWARD)
            r = kernel_conv_forward(kernels, &t->conv, t->x, t->forward, NULL, t->y);
        else
            r = kernel_conv_backward_input(kernels, &t->conv, t->y, t->backward, t->x);
        seconds = cpu_seconds() - start;
        if (r < 0) {
            fprintf(stderr, "bench-conv: %s\n", strerror(-r));
            exit(70);
        }
        best = seconds < best ? seconds : best;
    }
    return best;
}

/* The plain side, one image: GFLOP/s over the network's forward pass. */
static double bench_plain(void)
{
    double seconds = 0, products = 0;

    for (size_t l = 0; l < LAYER_COUNT; l++) {
        struct tensors t;

        open_tensors(&t, &layers[l], 1);
        seconds += layers[l].count * best_seconds(NULL, &t, PASS_PLAIN);
        products += layers[l].count * t.products;
        close_tensors(&t);
    }
    return 2e-9 * products / seconds;
}

static void bench_kernels(enum kernel_arithmetic arithmetic, enum kernel_isa isa, size_t batch, double plain)
{
    double seconds = 0, products = 0;
    struct kernels *kernels;

    if (kernels_create(arithmetic, isa, 1, &kernels, NULL) < 0)
        return;
    printf("%s, %s\n", kernel_isa_name(isa), arithmetic == KERNEL_FMA ? "fma" : "mul-add");
    for (size_t l = 0; l < LAYER_COUNT; l++) {
        const struct layer *layer = &layers[l];
        double forward, backward;
        struct tensors t;

        open_tensors(&t, layer, batch);
        kernel_conv_pack(kernels, &t.conv, t.weights, t.forward);
        kernel_conv_pack_backward(kernels, &t.conv, t.weights, t.backward);
        forward = best_seconds(kernels, &t, PASS_FORWARD);
        backward = best_seconds(kernels, &t, PASS_BACKWARD);
        printf("  %4zu -> %4zu, %2zux%zu, kernel %zu, stride %zu: forward %6.1f, backward %6.1f\n", layer->in,
               layer->out, layer->size, layer->size, layer->kernel, layer->stride, 2e-9 * t.products / forward,
               2e-9 * t.products / backward);
        seconds += layer->count * (forward + backward);
        products += 2 * layer->count * t.products;
        close_tensors(&t);
    }
    kernels_free(kernels);
    printf("  network: %.1f GFLOP/s, plain loops %.2f, ratio %.1f\n", 2e-9 * products / seconds, plain,
           2e-9 * products / seconds / plain);
}

int main(int argc, char **argv)
{
    size_t batch = argc > 1 ? strtoul(argv[1], NULL, 10) : 8;
    enum kernel_isa only = KERNEL_ISA_AUTO; /* here: all */
    double plain;

    if (batch == 0 || batch > 1024 || argc > 3 || (argc > 2 && kernel_isa_from_name(argv[2], &only) < 0)) {
        fputs("usage: bench-conv [BATCH [sse2|avx|avx2|avx512]]\n", stderr);
        return 64;
    }
    plain = bench_plain();
    for (unsigned arithmetic = KERNEL_MUL_ADD; arithmetic <= KERNEL_FMA; arithmetic++)
        for (enum kernel_isa isa = KERNEL_ISA_SSE2; isa <= KERNEL_ISA_AVX512; isa++)
            if (only == KERNEL_ISA_AUTO || only == isa)
                bench_kernels((enum kernel_arithmetic)arithmetic, isa, batch, plain);
    return 0;
}
