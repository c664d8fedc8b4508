/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole network: the same bits for every batch, thread count and instruction set, the right values,
 * and graphs that are wrong or were tampered with.
 */
#include "builder.h"
#include "digest/sha256.h"
#include "guest/engine/executor.h"
#include "guest/engine/loss.h"
#include "guest/engine/memory_plan.h"
#include "reference.h"
#include "sample_network.h"
#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAMPLES 64u

/* AddressSanitizer must let an allocation fail as it fails without it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Logits, then gradients, of SAMPLES inputs. */
struct result {
    float logits[SAMPLES * SAMPLE_NETWORK_CLASSES];
    float gradients[SAMPLES * SAMPLE_NETWORK_INPUT];
};

static void make_inputs(float *ret_x)
{
    uint64_t state = 7;

    builder_fill(&state, -1, 1, (size_t)SAMPLES * SAMPLE_NETWORK_INPUT, ret_x);
}

static void run_batch(struct executor *executor, struct kernels *kernels, const float *x, size_t first, size_t samples,
                      struct result *result)
{
    int32_t labels[SAMPLES];
    const float *gradient = NULL;

    for (size_t i = 0; i < samples; i++)
        labels[i] = (int32_t)((first + i) % SAMPLE_NETWORK_CLASSES);
    memcpy(executor_input(executor, EXECUTOR_GRADIENT), x + first * SAMPLE_NETWORK_INPUT,
           samples * SAMPLE_NETWORK_INPUT * sizeof(float));
    CU_ASSERT_EQUAL_FATAL(executor_forward(executor, EXECUTOR_GRADIENT, samples, NULL), 0);
    memcpy(result->logits + first * SAMPLE_NETWORK_CLASSES, executor_logits(executor, EXECUTOR_GRADIENT),
           samples * SAMPLE_NETWORK_CLASSES * sizeof(float));
    CU_ASSERT_EQUAL_FATAL(loss_gradient(kernels, executor_logits(executor, EXECUTOR_GRADIENT), labels, samples,
                                        SAMPLE_NETWORK_CLASSES, executor_logits_gradient(executor)),
                          0);
    CU_ASSERT_EQUAL_FATAL(executor_backward(executor, &gradient, NULL), 0);
    memcpy(result->gradients + first * SAMPLE_NETWORK_INPUT, gradient, samples * SAMPLE_NETWORK_INPUT * sizeof(float));
}

static void run_network(struct kernels *kernels, uint32_t batch, const float *x, struct result *ret_result)
{
    struct builder b;
    struct executor *executor = NULL;
    struct executor_options options = {.kernels = kernels, .layer = GRAPH_NONE, .gradient = true};
    struct error err = {0};

    sample_network_build(&b, batch);
    options.graph = &b.graph;
    if (executor_create(&options, &executor, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("executor_create");
    }
    CU_ASSERT(executor_takes_fewer(executor));
    for (size_t first = 0; first < SAMPLES; first += batch)
        run_batch(executor, kernels, x, first, SAMPLES - first < batch ? SAMPLES - first : batch, ret_result);
    executor_free(executor);
    builder_free(&b);
}

static void same_bits(enum kernel_arithmetic arithmetic, const char *golden)
{
    CLEANUP_FREE float *x = malloc((size_t)SAMPLES * SAMPLE_NETWORK_INPUT * sizeof(float));
    CLEANUP_FREE struct result *first = calloc(1, sizeof(*first)), *other = calloc(1, sizeof(*other));
    static const uint32_t batches[] = {7, 1, 64};
    char hex[SHA256_HEX_SIZE];
    uint8_t digest[SHA256_SIZE];
    bool have_first = false;

    make_inputs(x);
    for (enum kernel_isa isa = KERNEL_ISA_SSE2; isa <= KERNEL_ISA_AVX512; isa++)
        for (unsigned threads = 1; threads <= 2; threads++) {
            struct kernels *kernels = NULL;

            if (kernels_create(arithmetic, isa, threads, &kernels, NULL) < 0)
                continue;
            for (size_t i = 0; i < 3; i++) {
                run_network(kernels, batches[i], x, have_first ? other : first);
                CU_ASSERT(!have_first || memcmp(first, other, sizeof(*first)) == 0);
                have_first = true;
            }
            kernels_free(kernels);
        }
    sha256_of(first, sizeof(*first), digest);
    sha256_to_hex(digest, hex);
    if (strcmp(hex, golden) != 0)
        (void)fprintf(stderr, "digest %s, not %s\n", hex, golden);
    CU_ASSERT_STRING_EQUAL(hex, golden);
}

static void test_same_bits_mul_add(void)
{
    same_bits(KERNEL_MUL_ADD, "eab69540347e4167276993292f921efc7a1ed522e8a12bc4170f424fdc32a0bb");
}

static void test_same_bits_fma(void)
{
    same_bits(KERNEL_FMA, "512a5269b119ab8006d3ed1b7f2590b373bf6fd8887f15f42c341997abca7fae");
}

/* --- values ----------------------------------------------------------------------------------- */

/* The whole network against the reference in double, forward and backward. */
static void test_sample_network_values(void)
{
    struct builder b;
    struct kernels *kernels = NULL;
    CLEANUP_FREE float *x = malloc((size_t)SAMPLES * SAMPLE_NETWORK_INPUT * sizeof(float));
    CLEANUP_FREE struct result *result = calloc(1, sizeof(*result));
    CLEANUP_FREE double *logits = NULL;
    double x64[SAMPLE_NETWORK_INPUT], weights[SAMPLE_NETWORK_CLASSES], wanted[SAMPLE_NETWORK_INPUT];
    double sum = 0, largest = 0, worst = 0;

    make_inputs(x);
    for (size_t i = 0; i < SAMPLE_NETWORK_INPUT; i++)
        x64[i] = (double)x[i];
    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 2, &kernels, NULL), 0);
    run_network(kernels, SAMPLES, x, result);
    sample_network_build(&b, 1);
    logits = reference_logits(&b.graph, x64);
    for (size_t j = 0; j < SAMPLE_NETWORK_CLASSES; j++) {
        CU_ASSERT_DOUBLE_EQUAL((double)result->logits[j], logits[j], 1e-5);
        sum += exp(logits[j]);
    }
    for (size_t j = 0; j < SAMPLE_NETWORK_CLASSES; j++)
        weights[j] = exp(logits[j]) / sum - (j == 0);
    reference_gradient(&b.graph, x64, weights, 1e-7, wanted);
    for (size_t i = 0; i < SAMPLE_NETWORK_INPUT; i++) {
        largest = fmax(largest, fabs(wanted[i]));
        worst = fmax(worst, fabs(wanted[i] - (double)result->gradients[i]));
    }
    (void)printf("largest gradient %.3g, worst error %.3g ", largest, worst);
    CU_ASSERT(worst < 1e-5 * largest + 1e-8);
    kernels_free(kernels);
    builder_free(&b);
}

/* Runs a graph of one operator on x with dy; single-threaded. */
static void run_op(struct builder *b, const float *x, const float *dy, float *ret_y, float *ret_dx)
{
    struct kernels *kernels = NULL;
    struct executor *executor = NULL;
    struct executor_options options = {.graph = &b->graph, .layer = GRAPH_NONE, .gradient = true};
    const struct graph_value *in = &b->values[b->graph.input], *out = &b->values[b->graph.logits];
    const float *gradient = NULL;

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    options.kernels = kernels;
    CU_ASSERT_EQUAL_FATAL(executor_create(&options, &executor, NULL), 0);
    memcpy(executor_input(executor, EXECUTOR_GRADIENT), x, in->elements * sizeof(float));
    CU_ASSERT_EQUAL_FATAL(executor_forward(executor, EXECUTOR_GRADIENT, b->graph.batch, NULL), 0);
    memcpy(ret_y, executor_logits(executor, EXECUTOR_GRADIENT), out->elements * sizeof(float));
    memcpy(executor_logits_gradient(executor), dy, out->elements * sizeof(float));
    CU_ASSERT_EQUAL_FATAL(executor_backward(executor, &gradient, NULL), 0);
    memcpy(ret_dx, gradient, in->elements * sizeof(float));
    executor_free(executor);
    kernels_free(kernels);
}

static void check_unary(enum graph_op op, float alpha, float beta, const float *wanted_y, const float *wanted_dx)
{
    const float x[8] = {-1, -0.0f, 0, 1, 2, NAN, INFINITY, -INFINITY};
    const float dy[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    float y[8], dx[8];
    struct builder b;

    builder_init(&b, 1, 1);
    builder_node(&b, op, INPUTS(builder_input(&b, DIMS(1, 8))), DIMS(1, 8));
    builder_last(&b)->alpha = alpha;
    builder_last(&b)->beta = beta;
    run_op(&b, x, dy, y, dx);
    for (size_t i = 0; i < 8; i++) {
        CU_ASSERT(y[i] == wanted_y[i] || (isnan(y[i]) && isnan(wanted_y[i])));
        CU_ASSERT_EQUAL(dx[i], wanted_dx[i]);
    }
    builder_free(&b);
}

/* Where a derivative has two sides: torch's choices. */
static void test_edges(void)
{
    check_unary(GRAPH_RELU, 0, 0, (float[]){0, 0, 0, 1, 2, NAN, INFINITY, 0}, (float[]){0, 0, 0, 1, 1, 1, 1, 0});
    check_unary(GRAPH_CLIP, 0, 2, (float[]){0, 0, 0, 1, 2, NAN, 2, 0}, (float[]){0, 1, 1, 1, 1, 0, 0, 0});
    check_unary(GRAPH_LEAKY_RELU, 0.5f, 0, (float[]){-0.5f, 0, 0, 1, 2, NAN, INFINITY, -INFINITY},
                (float[]){0.5f, 0.5f, 0.5f, 1, 1, 0.5f, 1, 0.5f});
    check_unary(GRAPH_HARD_SIGMOID, 0.5f, 0, (float[]){0, 0, 0, 0.5f, 1, NAN, 1, 0},
                (float[]){0, 0, 0, 0.5f, 0, 0, 0, 0});
}

static void test_max_pool_ties(void)
{
    /* Two windows of 2 × 2 beside each other: all equal; a maximum twice, row before column. */
    const float x[8] = {1, 1, 2, 5, 1, 1, 5, 0}, dy[2] = {3, 7};
    const float wanted[8] = {3, 0, 0, 7, 0, 0, 0, 0};
    float y[2], dx[8];
    struct builder b;

    builder_init(&b, 1, 1);
    builder_node(&b, GRAPH_MAX_POOL, INPUTS(builder_input(&b, DIMS(1, 1, 2, 4))), DIMS(1, 1, 1, 2));
    builder_last(&b)->window = builder_window(2, 2);
    builder_last(&b)->window.stride[1] = 2;
    run_op(&b, x, dy, y, dx);
    CU_ASSERT(y[0] == 1 && y[1] == 5);
    CU_ASSERT(memcmp(dx, wanted, sizeof(dx)) == 0);
    builder_free(&b);
}

static void test_loss(void)
{
    struct kernels *kernels = NULL;
    const float logits[] = {1, 2, 3, 100, 0, 50, -3, -3, 9};
    const int32_t labels[] = {1, 0, 2};
    float g[9], binary[4];

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    CU_ASSERT_EQUAL(loss_gradient(kernels, logits, labels, 3, 3, g), 0);
    for (size_t i = 0; i < 3; i++) {
        size_t top = 3 * i + (i == 1 ? 0 : 2);
        double sum = 0;

        for (size_t j = 0; j < 3; j++)
            sum += exp((double)logits[3 * i + j] - (double)logits[top]);
        for (size_t j = 0; j < 3; j++) {
            double p = exp((double)logits[3 * i + j] - (double)logits[top]) / sum;
            double others = 0;

            for (size_t k = 0; k < 3; k++)
                if (k != j)
                    others += exp((double)logits[3 * i + k] - (double)logits[top]) / sum;
            p = (int32_t)j == labels[i] ? -others : p;
            CU_ASSERT(fabs((double)g[3 * i + j] - p) <= 1e-6 * fabs(p) + 1e-38);
        }
    }
    /* p rounds to 1 and yet the gradient lives. */
    CU_ASSERT(g[3] < 0 && g[5] > 0 && g[3] == -g[5]);
    CU_ASSERT_EQUAL(loss_gradient(kernels, (float[]){0, 2, 2, -40}, (int32_t[]){0, 1, 0, 1}, 4, 1, binary), 0);
    CU_ASSERT_DOUBLE_EQUAL((double)binary[0], 0.5, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL((double)binary[1], -1 / (1 + exp(2.0)), 1e-7);
    CU_ASSERT_DOUBLE_EQUAL((double)binary[2], 1 / (1 + exp(-2.0)), 1e-7);
    CU_ASSERT_DOUBLE_EQUAL((double)binary[3], -1, 1e-7);
    CU_ASSERT_EQUAL(loss_gradient(kernels, logits, (int32_t[]){3}, 1, 3, g), -EINVAL);
    CU_ASSERT_EQUAL(loss_gradient(kernels, logits, (int32_t[]){-1}, 1, 3, g), -EINVAL);
    CU_ASSERT_EQUAL(loss_gradient(kernels, logits, (int32_t[]){2}, 1, 1, g), -EINVAL);
    kernels_free(kernels);
}

/* --- memory ------------------------------------------------------------------------------------- */

static void test_memory_plan(void)
{
    struct memory_buffer buffers[200];
    uint64_t state = 3;

    for (int round = 0; round < 20; round++) {
        size_t arena = 0, total = 0;

        for (size_t i = 0; i < 200; i++) {
            uint32_t first = (uint32_t)builder_random(&state, 0, 50);

            buffers[i] = (struct memory_buffer){.size = (size_t)builder_random(&state, 1, 1000),
                                                .first = first,
                                                .last = first + (uint32_t)builder_random(&state, 0, 9)};
            total += buffers[i].size;
        }
        CU_ASSERT_EQUAL_FATAL(memory_plan(buffers, 200, &arena), 0);
        CU_ASSERT(arena < total / 2);
        for (size_t i = 0; i < 200; i++) {
            CU_ASSERT(buffers[i].offset % MEMORY_PLAN_ALIGNMENT == 0 && buffers[i].offset + buffers[i].size <= arena);
            for (size_t j = 0; j < i; j++)
                CU_ASSERT(buffers[i].first > buffers[j].last || buffers[j].first > buffers[i].last ||
                          buffers[i].offset >= buffers[j].offset + buffers[j].size ||
                          buffers[j].offset >= buffers[i].offset + buffers[i].size);
        }
    }
    buffers[0].size = SIZE_MAX / 4;
    CU_ASSERT_EQUAL(memory_plan(buffers, 1, &(size_t){0}), -EOVERFLOW);
}

/* A chain of elementwise operators works in place: one buffer forward, two backward. */
static void test_in_place(void)
{
    struct builder b;
    struct kernels *kernels = NULL;
    struct executor *executor = NULL;
    struct executor_options options = {.graph = &b.graph, .layer = GRAPH_NONE};
    uint32_t x;

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    options.kernels = kernels;
    builder_init(&b, 16, 1);
    x = builder_input(&b, DIMS(16, 65536));
    for (int i = 0; i < 10; i++)
        x = builder_node(&b, i % 2 == 0 ? GRAPH_RELU : GRAPH_RESHAPE, INPUTS(x), DIMS(16, 65536));
    CU_ASSERT_EQUAL_FATAL(executor_create(&options, &executor, NULL), 0);
    CU_ASSERT(executor_memory(executor) < UINT64_C(16) * 65536 * 4 + 65536);
    executor_free(executor);
    kernels_free(kernels);
    builder_free(&b);
}

static void test_no_memory(void)
{
    struct builder b;
    struct kernels *kernels = NULL;
    struct executor *executor = NULL;
    struct executor_options options = {.graph = &b.graph, .layer = GRAPH_NONE, .gradient = true};
    struct error err = {0};
    uint64_t huge = UINT64_C(1) << 40;

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    options.kernels = kernels;
    builder_init(&b, 1024, 1);
    builder_node(&b, GRAPH_TANH, INPUTS(builder_input(&b, DIMS(1024, huge))), DIMS(1024, huge));
    CU_ASSERT_EQUAL(executor_create(&options, &executor, &err), -ENOMEM);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    builder_free(&b);
    kernels_free(kernels);
}

/* --- wrong graphs ------------------------------------------------------------------------------- */

/* Creates and, where that is not refused, runs a graph forward and backward. */
static int create_and_run(const struct graph *graph, struct kernels *kernels)
{
    struct executor *executor = NULL;
    struct executor_options options = {.kernels = kernels, .graph = graph, .layer = GRAPH_NONE, .gradient = true};
    const float *gradient = NULL;
    struct error err = {0};
    int ret = executor_create(&options, &executor, &err);

    if (ret < 0) {
        CU_ASSERT_EQUAL(err.code, ret);
        CU_ASSERT(err.text[0] != '\0');
        return ret;
    }
    memset(executor_input(executor, EXECUTOR_GRADIENT), 0, graph->values[graph->input].elements * sizeof(float));
    CU_ASSERT_EQUAL(executor_forward(executor, EXECUTOR_GRADIENT, graph->batch, NULL), 0);
    memset(executor_logits_gradient(executor), 0, graph->values[graph->logits].elements * sizeof(float));
    CU_ASSERT_EQUAL(executor_backward(executor, &gradient, NULL), 0);
    executor_free(executor);
    return 0;
}

static void test_wrong_graphs(void)
{
    struct builder b;
    struct kernels *kernels = NULL;

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    sample_network_build(&b, 2);
    CU_ASSERT_EQUAL(create_and_run(&b.graph, kernels), 0);
    b.values[b.nodes[3].output].elements++;
    CU_ASSERT_EQUAL(create_and_run(&b.graph, kernels), -EINVAL);
    b.values[b.nodes[3].output].elements--;
    b.nodes[3].inputs[0] = b.nodes[5].output; /* used before it is computed */
    CU_ASSERT_EQUAL(create_and_run(&b.graph, kernels), -EINVAL);
    b.nodes[3].inputs[0] = b.graph.value_count;
    CU_ASSERT_EQUAL(create_and_run(&b.graph, kernels), -EINVAL);
    b.nodes[3].inputs[0] = b.nodes[2].output;
    b.nodes[0].op = GRAPH_OP_COUNT;
    CU_ASSERT_EQUAL(create_and_run(&b.graph, kernels), -ENOSYS);
    b.nodes[0].op = GRAPH_CONV;
    b.graph.logits = b.nodes[0].inputs[1];
    CU_ASSERT_EQUAL(create_and_run(&b.graph, kernels), -EINVAL);
    builder_free(&b);
    kernels_free(kernels);
}

/* A small change of one number of a node or shape. */
static void tamper(struct builder *b, uint64_t *state)
{
    struct graph_node *node = &b->nodes[(size_t)builder_random(state, 0, (float)b->graph.node_count)];
    struct graph_value *value = &b->values[(size_t)builder_random(state, 0, (float)b->graph.value_count)];
    uint32_t number = (uint32_t)builder_random(state, 0, 12);
    uint32_t which = (uint32_t)builder_random(state, 0, 2);

    switch ((int)builder_random(state, 0, 12)) {
    case 0:
        node->op = (enum graph_op)builder_random(state, 0, GRAPH_OP_COUNT);
        break;
    case 1:
        node->attributes.window.kernel[which] = number;
        break;
    case 2:
        node->attributes.window.stride[which] = number;
        break;
    case 3:
        node->attributes.window.pad_begin[which] = number;
        break;
    case 4:
        node->attributes.window.groups = number;
        break;
    case 5:
        node->attributes.axis = number;
        break;
    case 6:
        node->attributes.permutation[which] = number;
        break;
    case 7:
        node->attributes.start[which] = (int64_t)number - 6;
        break;
    case 8:
        node->attributes.transposed_a = !node->attributes.transposed_a;
        break;
    case 9:
        node->inputs[0] = (uint32_t)builder_random(state, 0, (float)b->graph.value_count);
        break;
    case 10: /* another shape of the same size */
        if (value->rank >= 2 && value->dims[0] % 2 == 0) {
            value->dims[0] /= 2;
            value->dims[value->rank - 1] *= 2;
        }
        break;
    default:
        if (value->constant == NULL && value->rank > 0) {
            value->elements = value->elements / value->dims[0] * (number + 1);
            value->dims[0] = number + 1;
        }
        break;
    }
}

/* Whatever a graph says, it is refused or runs inside its memory (for the sanitizers to see). */
static void test_tampered_graphs(void)
{
    struct kernels *kernels = NULL;
    uint64_t state = 11;
    int refused = 0, ran = 0;

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, NULL), 0);
    for (int round = 0; round < 600; round++) {
        struct builder b;

        sample_network_build(&b, 2);
        for (int i = 0; i <= round % 2; i++)
            tamper(&b, &state);
        if (create_and_run(&b.graph, kernels) < 0)
            refused++;
        else
            ran++;
        builder_free(&b);
    }
    (void)printf("%d refused, %d ran ", refused, ran);
    CU_ASSERT(refused > 100 && ran > 30);
    kernels_free(kernels);
}

static const struct harness_test tests[] = {
    {"same bits: mul-add", test_same_bits_mul_add},
    {"same bits: fma", test_same_bits_fma},
    {"sample network: values", test_sample_network_values},
    {"edges of derivatives", test_edges},
    {"max pool: ties", test_max_pool_ties},
    {"loss", test_loss},
    {"memory plan", test_memory_plan},
    {"memory: in place", test_in_place},
    {"memory: not enough", test_no_memory},
    {"wrong graphs", test_wrong_graphs},
    {"tampered graphs", test_tampered_graphs},
};

int main(void)
{
    return harness_run("engine-executor", tests, HARNESS_COUNT(tests));
}
