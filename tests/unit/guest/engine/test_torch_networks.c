/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole networks that torch exported, against torch's logits and gradients in double (tests/fixtures/networks/make):
 * a residual CNN, an MLP of many activations, and vision transformers.
 */
#include "guest/engine/network.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAMPLES   6u
#define FILE_MAX  ((size_t)1 << 20)
#define TOLERANCE 1e-5 /* of the largest element */

static void *read_file(const char *name, const char *kind, size_t *ret_size)
{
    char path[256];
    FILE *file;
    void *data = NULL;

    (void)snprintf(path, sizeof path, "tests/fixtures/networks/%s.%s", name, kind);
    file = fopen(path, "rb");
    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_FATAL(posix_memalign(&data, 64, FILE_MAX) == 0);
    *ret_size = fread(data, 1, FILE_MAX, file);
    (void)fclose(file);
    return data;
}

static double worst(const float *got, const float *expected, size_t count)
{
    double most = 0, largest = 0;

    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)got[i] - (double)expected[i]);

        if (!(off <= most))
            most = off;
        if (fabs((double)expected[i]) > largest)
            largest = fabs((double)expected[i]);
    }
    return most / largest;
}

static void run(struct network *network, const char *name)
{
    size_t size, logits_size, gradient_size, classes = network_classes(network), in = network_input_size(network);
    CLEANUP_FREE float *x = read_file(name, "x.f32", &size), *logits = read_file(name, "logits.f32", &logits_size);
    CLEANUP_FREE float *gradient = read_file(name, "gradient.f32", &gradient_size);
    CLEANUP_FREE float *got = calloc(SAMPLES * classes, sizeof *got), *slope = calloc(SAMPLES * in, sizeof *slope);
    int32_t labels[SAMPLES];
    double forward, backward;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(size, SAMPLES * in * sizeof *x);
    CU_ASSERT_EQUAL_FATAL(logits_size, SAMPLES * classes * sizeof *x);
    CU_ASSERT_EQUAL_FATAL(gradient_size, size);
    for (uint32_t i = 0; i < SAMPLES; i++)
        labels[i] = (int32_t)(i % classes);
    CU_ASSERT_EQUAL_FATAL(network_logits(network, x, SAMPLES, got, &err), 0);
    CU_ASSERT_EQUAL_FATAL(network_gradient(network, x, SAMPLES, labels, slope, NULL, &err), 0);
    forward = worst(got, logits, SAMPLES * classes);
    backward = worst(slope, gradient, SAMPLES * in);
    printf("\n    %s: batch %u, logits off by %.2g of their largest, gradients by %.2g ", name, network_batch(network),
           forward, backward);
    CU_ASSERT(forward <= TOLERANCE);
    CU_ASSERT(backward <= TOLERANCE);
}

static void check(const char *name, const struct model_contract *contract)
{
    size_t size;
    CLEANUP_FREE void *file = read_file(name, "onnx", &size);
    struct kernels *kernels = NULL;
    struct network *network = NULL;
    struct model *model = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, &err), 0);
    if (model_open(file, size, &model, &err) == 0) {
        struct network_options options = {.kernels = kernels, .model = model, .contract = contract, .batch = 4};

        if (network_create(&options, &network, &err) == 0) {
            CU_ASSERT_EQUAL(network_batch(network), 4); /* its samples were found to be independent */
            run(network, name);
        }
    }
    if (network == NULL) {
        printf("\n    %s: %s\n", name, err.text);
        CU_FAIL("refused");
    }
    network_free(network);
    model_free(model);
    kernels_free(kernels);
}

static void test_residual(void)
{
    check("residual", &(struct model_contract){.sample_rank = 3, .sample_dims = {3, 12, 12}});
}

static void test_mlp(void)
{
    check("mlp", &(struct model_contract){.sample_rank = 1, .sample_dims = {20}});
}

static void test_transformers(void)
{
    check("vit-opset13", &(struct model_contract){.sample_rank = 3, .sample_dims = {1, 16, 16}});
    check("vit", &(struct model_contract){.sample_rank = 3, .sample_dims = {1, 16, 16}});
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"residual CNN", test_residual},
        {"MLP", test_mlp},
        {"vision transformers", test_transformers},
    };

    return harness_run("torch networks", tests, HARNESS_COUNT(tests));
}
