/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error of the kernels against double on the 3×3 convolutions of stride 1 of a ResNet-18 for 3×32×32 inputs,
 * forward and backward, beside the direct method's (plain loops in its documented order; the unit tests show
 * that the direct kernels have the same bits).
 *
 * x is the positive part of normal numbers, dy is normal, weights have He's deviation sqrt(2 / (9·channels)).
 * Printed are the largest and the root mean square error over the root mean square of the exact result.
 */
#include "guest/engine/kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    size_t in, out, size;
} layers[] = {{64, 64, 32}, {128, 128, 16}, {256, 256, 8}, {512, 512, 4}};

struct error_sum {
    double largest, squares, exact_squares;
    size_t count;
};

static void *memory(size_t count, size_t size)
{
    void *m = aligned_alloc(64, (count * size + 63) / 64 * 64);

    if (m == NULL) {
        (void)fputs("bench-winograd-error: out of memory\n", stderr);
        exit(69);
    }
    return m;
}

static uint64_t state = 1;

static double uniform(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(state >> 40) + 0.5) * 0x1p-24;
}

static double normal(void)
{
    double radius = sqrt(-2 * log(uniform()));

    return radius * cos(6.283185307179586 * uniform());
}

static void add_error(struct error_sum *sum, float got, double exact)
{
    double error = fabs((double)got - exact);

    sum->largest = error > sum->largest ? error : sum->largest;
    sum->squares += error * error;
    sum->exact_squares += exact * exact;
    sum->count++;
}

/* One output: in double, and in float by either class. backward: kernels turned, channels exchanged. */
static void plain_sums(const struct kernel_conv *c, bool backward, const float *source, const float *weights,
                       size_t channel, size_t row, size_t column, double *ret_exact, float ret_sums[2])
{
    size_t in = c->in_channels;
    double exact = 0;
    float separate = 0, fused = 0;

    for (size_t k = 0; k < in; k++)
        for (size_t p = 0; p < 3; p++)
            for (size_t q = 0; q < 3; q++) {
                size_t y = backward ? row + 1 - p : row + p - 1, x = backward ? column + 1 - q : column + q - 1;
                float value =
                    y < c->in_height && x < c->in_width ? source[(k * c->in_height + y) * c->in_width + x] : 0;
                float weight = weights[((backward ? k * in + channel : channel * in + k) * 3 + p) * 3 + q];
                float product = value * weight;

                exact += (double)value * (double)weight;
                separate = separate + product;
                fused = fmaf(value, weight, fused);
            }
    *ret_exact = exact;
    ret_sums[KERNEL_MUL_ADD] = separate;
    ret_sums[KERNEL_FMA] = fused;
}

static void run_kernel(enum kernel_arithmetic arithmetic, const struct kernel_conv *conv, bool backward,
                       const float *source, const float *weights, float *packed, float *ret_result)
{
    struct kernels *kernels;
    int r;

    if (kernels_create(arithmetic, KERNEL_ISA_AUTO, 1, &kernels, NULL) < 0)
        exit(70);
    if (backward) {
        kernel_conv_pack_backward(kernels, conv, weights, packed);
        r = kernel_conv_backward_input(kernels, conv, source, packed, ret_result);
    } else {
        kernel_conv_pack(kernels, conv, weights, packed);
        r = kernel_conv_forward(kernels, conv, source, packed, NULL, ret_result);
    }
    kernels_free(kernels);
    if (r < 0)
        exit(70);
}

static void print_error(const char *name, const struct error_sum *sum)
{
    double scale = sqrt(sum->exact_squares / (double)sum->count);

    (void)printf(" | %s %.1e %.1e", name, sum->largest / scale, sqrt(sum->squares / (double)sum->count) / scale);
}

static void measure(size_t channels, size_t size, bool backward)
{
    static const char *const names[] = {[KERNEL_MUL_ADD] = "mul-add", [KERNEL_FMA] = "fma"};
    static const char *const methods[] = {"direct", "F(2x2,3x3)", "F(4x4,3x3)"};
    const struct kernel_conv conv = {1, 1, channels, size, size, channels, size, size, 3, 3, 1, 1, 1, 1, 1, 1};
    size_t count = channels * size * size, kernels = channels * channels * 9;
    float *source = memory(count, sizeof(float)), *weights = memory(kernels, sizeof(float));
    float *packed =
        memory(backward ? kernel_conv_packed_backward_size(&conv) : kernel_conv_packed_size(&conv), sizeof(float));
    float *results[2] = {memory(count, sizeof(float)), memory(count, sizeof(float))};
    struct error_sum own[2] = {{0}}, direct[2] = {{0}};

    for (size_t i = 0; i < count; i++) {
        double value = normal();

        source[i] = backward || value > 0 ? (float)value : 0;
    }
    for (size_t i = 0; i < kernels; i++)
        weights[i] = (float)(normal() * sqrt(2 / (9 * (double)channels)));
    for (unsigned class = 0; class < 2; class ++)
        run_kernel((enum kernel_arithmetic) class, &conv, backward, source, weights, packed, results[class]);
    for (size_t i = 0; i < count; i++) {
        double exact;
        float sums[2];

        plain_sums(&conv, backward, source, weights, i / (size * size), i / size % size, i % size, &exact, sums);
        for (unsigned class = 0; class < 2; class ++) {
            add_error(&own[class], results[class][i], exact);
            add_error(&direct[class], sums[class], exact);
        }
    }
    (void)printf("%zu channels, %zux%zu, %s, %s", channels, size, size, backward ? "backward" : "forward",
                 methods[backward ? kernel_conv_backward_method(&conv) : kernel_conv_method(&conv)]);
    for (unsigned class = 0; class < 2; class ++) {
        print_error(names[class], &own[class]);
        print_error("direct", &direct[class]);
        (void)printf(", RMS ratio %.1f", sqrt(own[class].squares / direct[class].squares));
    }
    (void)printf("\n");
    free(source);
    free(weights);
    free(packed);
    free(results[0]);
    free(results[1]);
}

int main(void)
{
    (void)puts("largest and RMS error over the RMS of the exact result");
    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        measure(layers[i].in, layers[i].size, false);
        measure(layers[i].in, layers[i].size, true);
    }
    return 0;
}
