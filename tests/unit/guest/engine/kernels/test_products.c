/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution and matrix product, bit for bit against plain loops: every instruction set, both
 * classes, 1 to 3 threads, random and typical shapes; and digests that pin the bits for good.
 */
#include "cases.h"
#include "digest/sha256.h"
#include "reference.h"
#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define RANDOM_SHAPES 160
#define PRODUCTS_MAX  600000u /* of one random shape */

static struct cases_context contexts[CASES_MAX];
static size_t context_count;

/* A convolution with its tensors and what the reference makes of them in both classes. */
struct conv_case {
    struct kernel_conv conv;
    size_t x_count, y_count, w_count;
    float *x, *dy, *weights, *bias;
    float *y[2], *dx[2];
};

static size_t out_size(size_t in, size_t kernel, size_t stride, size_t dilation, size_t pads)
{
    size_t span = (kernel - 1) * dilation + 1;

    return in + pads < span ? 0 : (in + pads - span) / stride + 1;
}

static void print_conv(const struct kernel_conv *c)
{
    printf("batch %zu groups %zu in %zux%zux%zu out %zux%zux%zu kernel %zux%zu stride %zux%zu "
           "dilation %zux%zu pad %zu,%zu\n",
           c->batch, c->groups, c->in_channels, c->in_height, c->in_width, c->out_channels, c->out_height, c->out_width,
           c->kernel_height, c->kernel_width, c->stride_height, c->stride_width, c->dilation_height, c->dilation_width,
           c->pad_top, c->pad_left);
}

static void open_case(struct conv_case *c, const struct kernel_conv *conv, enum cases_values values, uint64_t *state)
{
    *c = (struct conv_case){.conv = *conv};
    c->x_count = conv->batch * conv->in_channels * conv->in_height * conv->in_width;
    c->y_count = conv->batch * conv->out_channels * conv->out_height * conv->out_width;
    c->w_count = conv->out_channels * (conv->in_channels / conv->groups) * conv->kernel_height * conv->kernel_width;
    c->x = cases_floats(c->x_count);
    c->dy = cases_floats(c->y_count);
    c->weights = cases_floats(c->w_count);
    c->bias = cases_floats(conv->out_channels);
    cases_fill(state, values, c->x, c->x_count);
    cases_fill(state, values, c->dy, c->y_count);
    cases_fill(state, values, c->weights, c->w_count);
    cases_fill(state, values, c->bias, conv->out_channels);
    for (unsigned class = 0; class < 2; class ++) {
        c->y[class] = cases_floats(c->y_count);
        c->dx[class] = cases_floats(c->x_count);
        reference_conv_forward((enum kernel_arithmetic) class, conv, c->x, c->weights, c->bias, c->y[class]);
        reference_conv_backward((enum kernel_arithmetic) class, conv, c->dy, c->weights, c->dx[class]);
    }
}

static void close_case(struct conv_case *c)
{
    free(c->x);
    free(c->dy);
    free(c->weights);
    free(c->bias);
    for (unsigned class = 0; class < 2; class ++) {
        free(c->y[class]);
        free(c->dx[class]);
    }
}

#define GUARD 16u /* floats after a result that must stay as they are */

static bool guard_intact(const float *guard)
{
    for (size_t i = 0; i < GUARD; i++)
        if (guard[i] != 12345.0f)
            return false;
    return true;
}

static void set_guard(float *guard)
{
    for (size_t i = 0; i < GUARD; i++)
        guard[i] = 12345.0f;
}

/* One context; the results must be the reference's, and nothing beyond them written. */
static bool agrees(const struct cases_context *context, const struct conv_case *c)
{
    const struct kernel_conv *conv = &c->conv;
    size_t forward_size = kernel_conv_packed_size(conv);
    size_t backward_size = kernel_conv_packed_backward_size(conv);
    CLEANUP_FREE float *forward = cases_floats(forward_size + GUARD);
    CLEANUP_FREE float *backward = cases_floats(backward_size + GUARD);
    CLEANUP_FREE float *y = cases_floats(c->y_count + GUARD), *dx = cases_floats(c->x_count + GUARD);
    bool same;

    set_guard(forward + forward_size);
    set_guard(backward + backward_size);
    set_guard(y + c->y_count);
    set_guard(dx + c->x_count);
    kernel_conv_pack(context->kernels, conv, c->weights, forward);
    kernel_conv_pack_backward(context->kernels, conv, c->weights, backward);
    same = kernel_conv_forward(context->kernels, conv, c->x, forward, c->bias, y) == 0 &&
           cases_same(y, c->y[context->arithmetic], c->y_count) &&
           kernel_conv_backward_input(context->kernels, conv, c->dy, backward, dx) == 0 &&
           cases_same(dx, c->dx[context->arithmetic], c->x_count) && guard_intact(forward + forward_size) &&
           guard_intact(backward + backward_size) && guard_intact(y + c->y_count) && guard_intact(dx + c->x_count);
    if (!same) {
        printf("%s, class %d, %u threads: ", kernel_isa_name(context->isa), (int)context->arithmetic, context->threads);
        print_conv(conv);
    }
    return same;
}

static void check_conv(const struct kernel_conv *conv, enum cases_values values, uint64_t *state)
{
    struct conv_case c;
    bool same = true;

    open_case(&c, conv, values, state);
    for (size_t i = 0; i < context_count && same; i++)
        same = agrees(&contexts[i], &c);
    CU_ASSERT_TRUE(same);
    close_case(&c);
}

/* False where the numbers drawn make no convolution, or too large a one. */
static bool draw_conv(uint64_t *state, struct kernel_conv *ret_conv)
{
    size_t groups = cases_between(state, 0, 2) == 0 ? cases_between(state, 2, 5) : 1;
    size_t wide = cases_between(state, 0, 3) == 0 ? 70 : 9;
    struct kernel_conv conv = {
        .batch = cases_between(state, 1, 4),
        .groups = groups,
        .in_channels = groups * cases_between(state, 1, wide),
        .in_height = cases_between(state, 1, 14),
        .in_width = cases_between(state, 1, 40),
        .out_channels = groups * cases_between(state, 1, wide),
        .kernel_height = cases_between(state, 1, 4),
        .kernel_width = cases_between(state, 1, 4),
        .stride_height = cases_between(state, 1, 3),
        .stride_width = cases_between(state, 1, 3),
        .dilation_height = cases_between(state, 1, 3),
        .dilation_width = cases_between(state, 1, 3),
        .pad_top = cases_between(state, 0, 3),
        .pad_left = cases_between(state, 0, 3),
    };

    if (cases_between(state, 0, 1) == 0)
        conv.in_width = conv.in_height;
    conv.out_height = out_size(conv.in_height, conv.kernel_height, conv.stride_height, conv.dilation_height,
                               conv.pad_top + cases_between(state, 0, 3));
    conv.out_width = out_size(conv.in_width, conv.kernel_width, conv.stride_width, conv.dilation_width,
                              conv.pad_left + cases_between(state, 0, 3));
    *ret_conv = conv;
    return conv.out_height * conv.out_width != 0 && conv.batch * conv.out_height * conv.out_width * conv.out_channels *
                                                            conv.in_channels / groups * conv.kernel_height *
                                                            conv.kernel_width <=
                                                        PRODUCTS_MAX;
}

static void test_random_shapes(void)
{
    uint64_t state = 1;
    struct kernel_conv conv;

    for (unsigned done = 0; done < RANDOM_SHAPES;) {
        if (!draw_conv(&state, &conv))
            continue;
        check_conv(&conv, done % 2 == 0 ? CASES_PLAIN : CASES_MIXED, &state);
        done++;
    }
}

/* batch, channels in and out, groups, size of a square image, kernel, stride, padding */
static struct kernel_conv square(size_t batch, size_t in, size_t out, size_t groups, size_t size, size_t kernel,
                                 size_t stride, size_t pad)
{
    size_t result = out_size(size, kernel, stride, 1, 2 * pad);

    return (struct kernel_conv){batch,  groups, in,     size,   size, out, result, result,
                                kernel, kernel, stride, stride, 1,    1,   pad,    pad};
}

static void test_typical_shapes(void)
{
    const struct kernel_conv convs[] = {
        square(1, 3, 64, 1, 32, 3, 1, 1),   /* a first layer */
        square(5, 64, 80, 1, 4, 3, 1, 1),   /* small images, sums in two stretches */
        square(2, 96, 33, 1, 9, 3, 2, 1),   /* a lane left over */
        square(3, 48, 64, 1, 8, 1, 2, 0),   /* a stride that skips inputs: dx of empty sums */
        square(2, 64, 48, 1, 7, 1, 1, 0),   /* read where it lies */
        square(2, 40, 40, 40, 17, 3, 1, 1), /* depthwise */
        square(2, 40, 40, 40, 16, 5, 2, 2), /* depthwise with a stride */
        square(70, 1, 8, 1, 8, 3, 1, 1),    /* digits */
        square(600, 16, 16, 1, 8, 3, 1, 1), /* images in several chunks */
        square(1, 2, 20, 1, 150, 3, 1, 1),  /* lines longer than a piece */
        square(1, 600, 20, 1, 1, 1, 1, 0),  /* one position */
        square(2, 8, 8, 1, 12, 7, 4, 3),    /* kernel larger than what is left */
    };
    uint64_t state = 2;

    for (size_t i = 0; i < HARNESS_COUNT(convs); i++)
        check_conv(&convs[i], CASES_PLAIN, &state);
}

/* A depthwise image larger than the memory of a thread: in several blocks of lines. */
static void test_large_planes(void)
{
    struct kernel_conv conv = square(1, 2, 2, 2, 200, 3, 1, 1);
    uint64_t state = 3;

    check_conv(&conv, CASES_PLAIN, &state);
    conv = (struct kernel_conv){1, 1, 1, 1, 5000, 1, 1, 5000, 1, 3, 1, 1, 1, 1, 0, 1};
    check_conv(&conv, CASES_PLAIN, &state);
}

/* Infinities, NaN, denormals: fused without the instruction as well. */
static void test_any_bits(void)
{
    uint64_t state = 4;
    struct kernel_conv conv;

    for (unsigned done = 0; done < 40;) {
        if (!draw_conv(&state, &conv))
            continue;
        check_conv(&conv, CASES_ANY_BITS, &state);
        done++;
    }
}

static bool gemm_agrees(const struct kernel_gemm *gemm, enum cases_values values, uint64_t *state)
{
    size_t a_count = (gemm->transposed_a ? gemm->k : gemm->m) * gemm->lda;
    size_t b_count = (gemm->transposed_b ? gemm->n : gemm->k) * gemm->ldb;
    size_t c_count = gemm->m * gemm->ldc;
    CLEANUP_FREE float *a = cases_floats(a_count), *b = cases_floats(b_count);
    CLEANUP_FREE float *c = cases_floats(c_count), *expected = cases_floats(c_count);
    size_t packed_size = kernel_gemm_packed_size(gemm);
    CLEANUP_FREE float *packed = cases_floats(packed_size + GUARD);
    bool same = packed_size > 0;

    cases_fill(state, values, a, a_count);
    cases_fill(state, values, b, b_count);
    for (size_t i = 0; i < context_count && same; i++) {
        memset(c, 0, c_count * sizeof(*c)); /* between the rows, nothing may be written */
        memset(expected, 0, c_count * sizeof(*c));
        reference_gemm(contexts[i].arithmetic, gemm, a, b, expected);
        same = kernel_gemm(contexts[i].kernels, gemm, a, b, c) == 0 && cases_same(c, expected, c_count);
        memset(c, 0, c_count * sizeof(*c));
        set_guard(packed + packed_size);
        kernel_gemm_pack(contexts[i].kernels, gemm, b, packed);
        same = same && kernel_gemm_packed(contexts[i].kernels, gemm, a, packed, c) == 0 &&
               cases_same(c, expected, c_count) && guard_intact(packed + packed_size);
        if (!same)
            printf("%s, class %d: m %zu n %zu k %zu, transposed %d %d\n", kernel_isa_name(contexts[i].isa),
                   (int)contexts[i].arithmetic, gemm->m, gemm->n, gemm->k, gemm->transposed_a, gemm->transposed_b);
    }
    return same;
}

static void test_gemm(void)
{
    uint64_t state = 5;

    for (unsigned i = 0; i < 60; i++) {
        struct kernel_gemm gemm = {
            .m = cases_between(&state, 1, 40),
            .n = cases_between(&state, 1, 90),
            .k = i == 0 ? 0 : cases_between(&state, 1, i % 8 == 0 ? 900 : 40),
            .transposed_a = cases_random(&state) >> 31 != 0,
            .transposed_b = cases_random(&state) >> 31 != 0,
        };

        gemm.lda = (gemm.transposed_a ? gemm.m : gemm.k) + cases_between(&state, 0, 3);
        gemm.ldb = (gemm.transposed_b ? gemm.k : gemm.n) + cases_between(&state, 0, 3);
        gemm.ldc = gemm.n + cases_between(&state, 0, 3);
        CU_ASSERT_TRUE(gemm_agrees(&gemm, (enum cases_values)(i % 3), &state));
    }
}

/* B packed in several parts. */
static void test_gemm_large(void)
{
    const struct kernel_gemm gemm = {3, 700, 1200, 1200, 1200, 700, false, true};
    uint64_t state = 6;

    CU_ASSERT_TRUE(gemm_agrees(&gemm, CASES_PLAIN, &state));
}

static void test_multiply_add(void)
{
    uint64_t state = 7;
    float v[3], fused, separate;

    for (unsigned i = 0; i < 10000; i++)
        for (size_t c = 0; c < context_count; c += CASES_THREADS) {
            float got;

            cases_fill(&state, CASES_ANY_BITS, v, 3);
            fused = fmaf(v[0], v[1], v[2]);
            separate = v[0] * v[1];
            separate += v[2];
            got = kernel_multiply_add(contexts[c].kernels, v[0], v[1], v[2]);
            CU_ASSERT_TRUE_FATAL(cases_same(&got, contexts[c].arithmetic == KERNEL_FMA ? &fused : &separate, 1));
        }
}

/* Shapes that a hostile model could name: refused before a byte is touched. */
static void test_bad_shapes(void)
{
    struct kernel_conv conv = square(1, 4, 4, 1, 4, 3, 1, 1), bad;
    struct kernel_gemm gemm = {2, 2, 2, 1, 2, 2, false, false};
    struct kernels *kernels = contexts[0].kernels;
    float value = 0;

    bad = conv, bad.groups = 3;
    CU_ASSERT_EQUAL(kernel_conv_forward(kernels, &bad, &value, &value, NULL, &value), -EINVAL);
    bad = conv, bad.stride_width = 0;
    CU_ASSERT_EQUAL(kernel_conv_backward_input(kernels, &bad, &value, &value, &value), -EINVAL);
    bad = conv, bad.in_height = SIZE_MAX / 2;
    CU_ASSERT_EQUAL(kernel_conv_forward(kernels, &bad, &value, &value, NULL, &value), -EINVAL);
    CU_ASSERT_EQUAL(kernel_conv_packed_size(&bad), 0);
    CU_ASSERT_EQUAL(kernel_conv_packed_backward_size(&bad), 0);
    bad = conv, bad.batch = 1u << 30, bad.in_channels = 1u << 30;
    CU_ASSERT_EQUAL(kernel_conv_forward(kernels, &bad, &value, &value, NULL, &value), -EINVAL);
    bad = conv, bad.dilation_height = bad.dilation_width = 1u << 30; /* the copy would be exabytes */
    CU_ASSERT_EQUAL(kernel_conv_forward(kernels, &bad, &value, &value, NULL, &value), -EOVERFLOW);
    bad = conv, bad.batch = 0;
    CU_ASSERT_EQUAL(kernel_conv_forward(kernels, &bad, NULL, NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(kernel_gemm(kernels, &gemm, &value, &value, &value), -EINVAL);
    gemm = (struct kernel_gemm){1, 1, 1u << 20, 1u << 20, 1, 1, true, false};
    CU_ASSERT_EQUAL(kernel_gemm(kernels, &gemm, &value, &value, &value), -EOVERFLOW);
}

/* A copy that memory does not suffice for. */
static void test_no_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which needs more address space than any limit */
    struct kernel_conv conv = square(1, 1, 1, 1, 4, 3, 1, 1);
    float x[16] = {0}, y[16];
    struct rlimit before;

    conv.dilation_height = conv.dilation_width = 20000; /* a plane of 6 GiB */
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_AS, &before), 0);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)1 << 30, before.rlim_max}), 0);
    for (size_t i = 0; i < context_count; i += CASES_THREADS) {
        struct kernels *kernels = contexts[i].kernels;
        float packed[16 * 9];

        kernel_conv_pack(kernels, &conv, x, packed);
        CU_ASSERT_EQUAL(kernel_conv_forward(kernels, &conv, x, packed, NULL, y), -ENOMEM);
    }
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_AS, &before), 0);
#endif
}

/* The choice between the methods is part of the bits: channels and result size of ResNet-18's layers and around. */
static void test_method_rule(void)
{
    const struct {
        struct kernel_conv conv;
        enum kernel_method forward, backward;
    } rules[] = {
        {square(1, 1, 16, 1, 8, 3, 1, 1), KERNEL_DIRECT, KERNEL_DIRECT}, /* the digits models */
        {square(1, 16, 32, 1, 8, 3, 1, 1), KERNEL_DIRECT, KERNEL_DIRECT},
        {square(1, 3, 64, 1, 32, 3, 1, 1), KERNEL_DIRECT, KERNEL_DIRECT},
        {square(1, 64, 64, 1, 32, 3, 1, 1), KERNEL_WINOGRAD_4, KERNEL_WINOGRAD_4},
        {square(900, 64, 64, 1, 32, 3, 1, 1), KERNEL_WINOGRAD_4, KERNEL_WINOGRAD_4},
        {square(1, 64, 128, 1, 32, 3, 2, 1), KERNEL_DIRECT, KERNEL_DIRECT},
        {square(1, 256, 256, 1, 8, 3, 1, 1), KERNEL_WINOGRAD_4, KERNEL_WINOGRAD_4},
        {square(1, 512, 512, 1, 4, 3, 1, 1), KERNEL_WINOGRAD_2, KERNEL_WINOGRAD_2},
        {square(1, 256, 257, 1, 4, 3, 1, 1), KERNEL_WINOGRAD_2, KERNEL_WINOGRAD_2},
        {square(1, 32, 32, 1, 5, 3, 1, 0), KERNEL_DIRECT, KERNEL_WINOGRAD_4}, /* 5×5 to 3×3 */
        {square(1, 32, 31, 1, 8, 3, 1, 1), KERNEL_DIRECT, KERNEL_DIRECT},
        {square(1, 64, 64, 2, 8, 3, 1, 1), KERNEL_DIRECT, KERNEL_DIRECT},
        {square(1, 64, 64, 1, 8, 1, 1, 0), KERNEL_DIRECT, KERNEL_DIRECT},
        {square(1, 64, 64, 1, 8, 5, 1, 2), KERNEL_DIRECT, KERNEL_DIRECT},
    };

    for (size_t i = 0; i < HARNESS_COUNT(rules); i++) {
        CU_ASSERT_EQUAL(kernel_conv_method(&rules[i].conv), rules[i].forward);
        CU_ASSERT_EQUAL(kernel_conv_backward_method(&rules[i].conv), rules[i].backward);
    }
}

/* Every remainder of tiles, lanes, chunks and images; pads of all kinds. */
static void test_winograd_shapes(void)
{
    const struct kernel_conv convs[] = {
        square(9, 64, 64, 1, 4, 3, 1, 1),   /* one tile an image */
        square(3, 33, 47, 1, 13, 3, 1, 1),  /* nothing fits */
        square(1, 32, 40, 1, 70, 3, 1, 1),  /* an image in several chunks */
        square(2, 200, 32, 1, 6, 3, 1, 1),  /* sums in two stretches */
        square(2, 257, 256, 1, 5, 3, 1, 1), /* edge 2 */
        square(3, 260, 260, 1, 4, 3, 1, 1),
    };
    uint64_t state = 9;

    for (size_t i = 0; i < HARNESS_COUNT(convs); i++)
        check_conv(&convs[i], CASES_PLAIN, &state);
    for (unsigned i = 0; i < 24; i++) {
        struct kernel_conv conv = square(cases_between(&state, 1, 9), cases_between(&state, 32, 50),
                                         cases_between(&state, 32, 50), 1, 1, 3, 1, 0);

        conv.in_height = cases_between(&state, 4, 11);
        conv.in_width = cases_between(&state, 4, 18);
        conv.pad_top = cases_between(&state, 0, 4);
        conv.pad_left = cases_between(&state, 0, 4);
        conv.out_height = out_size(conv.in_height, 3, 1, 1, conv.pad_top + cases_between(&state, 0, 4));
        conv.out_width = out_size(conv.in_width, 3, 1, 1, conv.pad_left + cases_between(&state, 0, 4));
        check_conv(&conv, i % 3 == 0 ? CASES_MIXED : CASES_PLAIN, &state);
    }
}

/* The same convolution, whatever the method: against the definition in double. */
static void test_winograd_values(void)
{
    const struct kernel_conv convs[] = {
        square(1, 40, 36, 1, 7, 3, 1, 1), square(1, 33, 32, 1, 6, 3, 1, 2),     /* edge 4 */
        square(1, 257, 256, 1, 5, 3, 1, 1), square(1, 256, 260, 1, 4, 3, 1, 0), /* edge 2 */
    };
    uint64_t state = 11;

    for (size_t n = 0; n < HARNESS_COUNT(convs); n++) {
        const struct kernel_conv *conv = &convs[n];
        CLEANUP_FREE float *forward = cases_floats(kernel_conv_packed_size(conv));
        CLEANUP_FREE float *backward = cases_floats(kernel_conv_packed_backward_size(conv));
        CLEANUP_FREE double *dx = NULL;
        double worst = 0;
        struct conv_case c;
        size_t at = 0;

        open_case(&c, conv, CASES_PLAIN, &state);
        dx = calloc(c.x_count, sizeof(double));
        CU_ASSERT_PTR_NOT_NULL_FATAL(dx);
        kernel_conv_pack(contexts[0].kernels, conv, c.weights, forward);
        kernel_conv_pack_backward(contexts[0].kernels, conv, c.weights, backward);
        CU_ASSERT_EQUAL(kernel_conv_forward(contexts[0].kernels, conv, c.x, forward, NULL, c.y[0]), 0);
        CU_ASSERT_EQUAL(kernel_conv_backward_input(contexts[0].kernels, conv, c.dy, backward, c.dx[0]), 0);
        for (size_t o = 0; o < conv->out_channels; o++)
            for (size_t i = 0; i < conv->out_height; i++)
                for (size_t j = 0; j < conv->out_width; j++, at++) {
                    double y = 0;

                    for (size_t k = 0; k < conv->in_channels * 9; k++) {
                        size_t row = i + k / 3 % 3 - conv->pad_top, column = j + k % 3 - conv->pad_left;
                        size_t place = (k / 9 * conv->in_height + row) * conv->in_width + column;

                        if (row >= conv->in_height || column >= conv->in_width)
                            continue;
                        y += (double)c.x[place] * (double)c.weights[o * conv->in_channels * 9 + k];
                        dx[place] += (double)c.dy[at] * (double)c.weights[o * conv->in_channels * 9 + k];
                    }
                    worst = fmax(worst, fabs(y - (double)c.y[0][at]));
                }
        for (size_t i = 0; i < c.x_count; i++)
            worst = fmax(worst, fabs(dx[i] - (double)c.dx[0][i]));
        CU_ASSERT_TRUE(worst < 3e-6 * sqrt((double)conv->in_channels * 9)); /* of numbers in [-1, 1) */
        printf("worst %.1e ", worst);
        close_case(&c);
    }
}

static bool finishes(const struct cases_context *context, const struct conv_case *c)
{
    const struct kernel_finish forward_finish = {.bias = c->bias, .addend = c->dy, .relu = true};
    CLEANUP_FREE float *forward = cases_floats(kernel_conv_packed_size(&c->conv));
    CLEANUP_FREE float *backward = cases_floats(kernel_conv_packed_backward_size(&c->conv));
    CLEANUP_FREE float *y = cases_floats(c->y_count), *dx = cases_floats(c->x_count);
    const struct kernel_finish backward_finish = {.addend = dx, .mask = c->x};

    kernel_conv_pack(context->kernels, &c->conv, c->weights, forward);
    kernel_conv_pack_backward(context->kernels, &c->conv, c->weights, backward);
    memcpy(dx, c->x, c->x_count * sizeof(float));
    return kernel_conv_forward_finish(context->kernels, &c->conv, c->x, forward, &forward_finish, y) == 0 &&
           cases_same(y, c->y[context->arithmetic], c->y_count) &&
           kernel_conv_backward_input_finish(context->kernels, &c->conv, c->dy, backward, &backward_finish, dx) == 0 &&
           cases_same(dx, c->dx[context->arithmetic], c->x_count);
}

/* What a result is finished with, in each order of memory that results are written in. */
static void test_finish(void)
{
    const struct kernel_conv convs[] = {
        square(3, 40, 35, 1, 10, 3, 1, 1),  /* Winograd, edge 4 */
        square(2, 260, 260, 1, 5, 3, 1, 1), /* edge 2 */
        square(3, 9, 33, 1, 9, 3, 2, 1),    /* direct; backward in phases */
        square(2, 8, 8, 1, 9, 1, 3, 0),     /* phases without a tap */
        square(2, 6, 6, 6, 11, 3, 1, 1),    /* lanes of positions */
    };
    uint64_t state = 10;

    for (size_t n = 0; n < HARNESS_COUNT(convs); n++) {
        struct conv_case c;

        open_case(&c, &convs[n], CASES_PLAIN, &state);
        /* y = relu(conv + bias + dy); then dx = where x is positive, x + conv's gradient */
        for (unsigned class = 0; class < 2; class ++) {
            for (size_t j = 0; j < c.y_count; j++)
                c.y[class][j] = c.y[class][j] + c.dy[j] <= 0.0f ? 0.0f : c.y[class][j] + c.dy[j];
            for (size_t j = 0; j < c.x_count; j++)
                c.dx[class][j] = c.x[j] <= 0.0f ? 0.0f : c.x[j] + c.dx[class][j];
        }
        for (size_t i = 0; i < context_count; i++)
            if (contexts[i].threads != 2)
                CU_ASSERT_TRUE(finishes(&contexts[i], &c));
        close_case(&c);
    }
}

/* After a reservation of what the kernels say they need, a run takes no more; more samples than promised may. */
static void test_scratch(void)
{
    const struct kernel_conv convs[] = {
        square(5, 40, 35, 1, 10, 3, 1, 1), square(40, 32, 32, 1, 32, 3, 1, 1), square(3, 9, 33, 1, 9, 3, 2, 1),
        square(2, 6, 6, 6, 11, 3, 1, 1),   square(2, 64, 48, 1, 7, 1, 1, 0),
    };

    for (size_t n = 0; n < HARNESS_COUNT(convs); n++)
        for (unsigned threads = 1; threads <= 4; threads += 3) {
            struct kernel_conv conv = convs[n];
            size_t x_count = conv.batch * conv.in_channels * conv.in_height * conv.in_width;
            size_t y_count = conv.batch * conv.out_channels * conv.out_height * conv.out_width;
            CLEANUP_FREE float *packed = cases_floats(kernel_conv_packed_size(&conv));
            CLEANUP_FREE float *packed_backward = cases_floats(kernel_conv_packed_backward_size(&conv));
            CLEANUP_FREE float *x = cases_floats(x_count), *y = cases_floats(y_count);
            struct kernels *kernels;
            size_t forward, backward;
            uint64_t memory;

            memset(packed, 0, kernel_conv_packed_size(&conv) * sizeof(float));
            memset(packed_backward, 0, kernel_conv_packed_backward_size(&conv) * sizeof(float));
            memset(x, 0, x_count * sizeof(float));
            memset(y, 0, y_count * sizeof(float));
            CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, threads, &kernels, NULL), 0);
            forward = kernel_conv_forward_scratch(kernels, &conv);
            backward = kernel_conv_backward_scratch(kernels, &conv);
            CU_ASSERT_TRUE(forward > 0 && forward < 1u << 28 && backward > 0 && backward < 1u << 28);
            CU_ASSERT_EQUAL(kernels_reserve(kernels, forward > backward ? forward : backward), 0);
            memory = kernels_memory(kernels);
            for (conv.batch = convs[n].batch; conv.batch > 0; conv.batch = conv.batch * 2 / 3) {
                CU_ASSERT_EQUAL(kernel_conv_forward(kernels, &conv, x, packed, NULL, y), 0);
                CU_ASSERT_EQUAL(kernel_conv_backward_input(kernels, &conv, y, packed_backward, x), 0);
            }
            CU_ASSERT_EQUAL(kernels_memory(kernels), memory);
            kernels_free(kernels);
        }
}

/*
 * These digests are the arithmetic that signed results rest on. Where one changes, the version of
 * every check that computes has to change with it, in the same commit, with the reason.
 */
struct golden {
    const char *digests[2]; /* by class */
    struct kernel_conv convs[4];
};

static void check_golden(const struct golden *golden, bool gemm_too)
{
    const struct kernel_gemm gemm = {7, 50, 300, 300, 300, 50, false, true};

    for (size_t i = 0; i < context_count; i++) {
        struct cases_context *context = &contexts[i];
        const char *expected = golden->digests[context->arithmetic];
        CLEANUP_FREE float *a = cases_floats(7 * 300), *b = cases_floats(50 * 300), *c = cases_floats(7 * 50);
        uint64_t state = 8;
        uint8_t digest[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE];
        struct sha256 hash;

        sha256_start(&hash);
        for (size_t n = 0; n < 4 && golden->convs[n].batch != 0; n++) {
            struct conv_case conv;

            open_case(&conv, &golden->convs[n], CASES_PLAIN, &state);
            CU_ASSERT_TRUE(agrees(context, &conv));
            sha256_update(&hash, conv.y[context->arithmetic], conv.y_count * sizeof(float));
            sha256_update(&hash, conv.dx[context->arithmetic], conv.x_count * sizeof(float));
            close_case(&conv);
        }
        cases_fill(&state, CASES_PLAIN, a, 7 * 300);
        cases_fill(&state, CASES_PLAIN, b, 50 * 300);
        CU_ASSERT_EQUAL(kernel_gemm(context->kernels, &gemm, a, b, c), 0);
        if (gemm_too)
            sha256_update(&hash, c, 7 * 50 * sizeof(float));
        sha256_finish(&hash, digest);
        sha256_to_hex(digest, hex);
        CU_ASSERT_STRING_EQUAL(hex, expected);
        if (strcmp(hex, expected) != 0)
            printf("class %d: %s\n", (int)context->arithmetic, hex);
    }
}

static void test_golden_direct(void)
{
    const struct golden golden = {
        {
            [KERNEL_MUL_ADD] = "1a21ebbd76c471eda98059994fa0545070a3a19c5d14e657ea8ff34cdebba30a",
            [KERNEL_FMA] = "7a59437973c56a27a224ef679c3c3f6dbe00a8068cbace90aff93fda4b8687f5",
        },
        {
            square(2, 3, 16, 1, 32, 3, 1, 1),
            square(2, 48, 40, 1, 8, 3, 2, 1),
            square(2, 12, 12, 12, 9, 3, 1, 1),
        },
    };

    check_golden(&golden, true);
}

static void test_golden_winograd(void)
{
    const struct golden golden = {
        {
            [KERNEL_MUL_ADD] = "fa71136723583f3c3251fb316394ae8032275aa6e40b0af065ea0903ea67a952",
            [KERNEL_FMA] = "45bc172de0846e345ac4a4e5f8aa9f520cd8691875a6232dc32b569095c26c23",
        },
        {
            square(1, 64, 64, 1, 4, 3, 1, 1),
            square(2, 33, 40, 1, 9, 3, 1, 1),
            square(1, 257, 256, 1, 5, 3, 1, 1),
        },
    };

    check_golden(&golden, false);
}

int main(void)
{
    const struct harness_test tests[] = {
        {"random shapes", test_random_shapes},
        {"typical shapes", test_typical_shapes},
        {"large planes", test_large_planes},
        {"any bits", test_any_bits},
        {"gemm", test_gemm},
        {"gemm, large", test_gemm_large},
        {"multiply-add", test_multiply_add},
        {"bad shapes", test_bad_shapes},
        {"no memory", test_no_memory},
        {"method rule", test_method_rule},
        {"winograd shapes", test_winograd_shapes},
        {"winograd values", test_winograd_values},
        {"finish", test_finish},
        {"scratch", test_scratch},
        {"golden digests, direct", test_golden_direct},
        {"golden digests, winograd", test_golden_winograd},
    };
    int status;

    context_count = cases_open(contexts);
    status = harness_run("kernels: products", tests, HARNESS_COUNT(tests));
    cases_close(contexts, context_count);
    return status;
}
