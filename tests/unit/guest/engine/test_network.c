/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of small ONNX files: fixed batches, inputs that meet, one logit, the contract's scale. */
#include "guest/engine/network.h"
#include "unit/guest/model/builder.h"
#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FEATURES 4u
#define COUNT    7u

struct opened {
    struct bytes bytes;
    struct model *model;
    struct model_contract contract;
    struct kernels *kernels;
};

static const float weights[FEATURES] = {0.5f, -1.5f, 2, 0.25f};
static float x[COUNT][FEATURES];

/* Finishes the file and opens it for inputs of FEATURES. */
static struct opened open_file(struct file *file)
{
    struct opened opened = {.bytes = file_finish(file), .contract = {.sample_rank = 1, .sample_dims = {FEATURES}}};
    struct error err = {0};

    if (model_open(opened.bytes.data, opened.bytes.size, &opened.model, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("model_open");
    }
    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &opened.kernels, NULL), 0);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < FEATURES; j++)
            x[i][j] = (float)((i * 31 + j * 17) % 13) / 8 - 0.75f;
    return opened;
}

static void close_file(struct opened *opened)
{
    kernels_free(opened->kernels);
    model_free(opened->model);
    bytes_free(&opened->bytes);
}

static int create(const struct opened *opened, uint32_t batch, struct network **ret_network, struct error *err)
{
    const struct network_options options = {
        .kernels = opened->kernels, .model = opened->model, .contract = &opened->contract, .batch = batch};

    return network_create(&options, ret_network, err);
}

/* logits = x − mean of the batch: each input sees the others. */
static struct file mixing(int64_t batch)
{
    struct file file = file_start(13);
    struct bytes node = node_make("ReduceMean", "x", "mean");

    attribute_ints(&node, "axes", 1, (const int64_t[]){0});
    attribute_int(&node, "keepdims", 1);
    file_node(&file, node);
    file_simple(&file, "Sub", "x mean", "logits");
    file_input(&file, "x", 2, (const int64_t[]){batch, FEATURES});
    file_output(&file, "logits");
    return file;
}

static void test_mixing_runs_alone(void)
{
    struct file file = mixing(-1);
    struct opened opened = open_file(&file);
    struct network *network = NULL;
    float logits[COUNT][FEATURES];

    CU_ASSERT_EQUAL_FATAL(create(&opened, 5, &network, NULL), 0);
    CU_ASSERT_EQUAL(network_batch(network), 1);
    CU_ASSERT_EQUAL(network_logits(network, x[0], COUNT, logits[0], NULL), 0);
    for (size_t i = 0; i < COUNT * FEATURES; i++)
        CU_ASSERT_EQUAL(logits[i / FEATURES][i % FEATURES], 0);
    network_free(network);
    close_file(&opened);
}

static void test_mixing_fixed_is_refused(void)
{
    struct file file = mixing(3);
    struct opened opened = open_file(&file);
    struct network *network = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(create(&opened, 5, &network, &err), -ENOTSUP);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NULL(network);
    close_file(&opened);
}

static void gradients(int64_t fixed, uint32_t batch, uint32_t settled, float ret_gradient[COUNT][FEATURES])
{
    struct file file = file_start(13);
    struct opened opened;
    struct network *network = NULL;

    file_simple(&file, "Tanh", "x", "logits");
    file_input(&file, "x", 2, (const int64_t[]){fixed, FEATURES});
    file_output(&file, "logits");
    opened = open_file(&file);
    CU_ASSERT_EQUAL_FATAL(create(&opened, batch, &network, NULL), 0);
    CU_ASSERT_EQUAL(network_batch(network), settled);
    CU_ASSERT_EQUAL(network_gradient(network, x[0], COUNT, NULL, ret_gradient[0], NULL, NULL), 0);
    network_free(network);
    close_file(&opened);
}

static void test_fixed_batch(void)
{
    float free_batch[COUNT][FEATURES], fixed_batch[COUNT][FEATURES];

    gradients(-1, 4, 4, free_batch);
    gradients(3, 64, 3, fixed_batch);
    CU_ASSERT(memcmp(free_batch, fixed_batch, sizeof(free_batch)) == 0);
}

/* logit = x · weights, one for two classes. */
static void test_one_logit(void)
{
    struct file file = file_start(13);
    const int32_t labels[COUNT] = {0, 1, 1, 0, 1, 0, 0};
    struct opened opened;
    struct network *network = NULL;
    float logits[COUNT], gradient[COUNT][FEATURES];
    int32_t predictions[COUNT];
    struct error err = {0};

    file_initializer(&file, tensor_floats("w", 2, (const int64_t[]){FEATURES, 1}, weights));
    file_simple(&file, "MatMul", "x w", "logit");
    file_simple(&file, "Sigmoid", "logit", "probability");
    file_input(&file, "x", 2, (const int64_t[]){-1, FEATURES});
    file_output(&file, "probability");
    opened = open_file(&file);
    CU_ASSERT_EQUAL_FATAL(create(&opened, 2, &network, &err), 0);
    CU_ASSERT_EQUAL(network_classes(network), 1);
    CU_ASSERT_EQUAL(network_logits(network, x[0], COUNT, logits, NULL), 0);
    CU_ASSERT_EQUAL(network_gradient(network, x[0], COUNT, labels, gradient[0], predictions, NULL), 0);
    for (size_t i = 0; i < COUNT; i++) {
        double z = 0, p;

        for (size_t j = 0; j < FEATURES; j++)
            z += (double)x[i][j] * (double)weights[j];
        CU_ASSERT_DOUBLE_EQUAL((double)logits[i], z, 1e-6);
        CU_ASSERT_EQUAL(predictions[i], z > 0);
        p = 1 / (1 + exp(-z));
        for (size_t j = 0; j < FEATURES; j++)
            CU_ASSERT_DOUBLE_EQUAL((double)gradient[i][j], (p - labels[i]) * (double)weights[j], 1e-6);
    }
    network_free(network);
    close_file(&opened);
}

/* A scale and offset a feature: d/dx of f(x·scale + offset) is scale·f'. */
static void test_scale_by_channel(void)
{
    static const float scale[FEATURES] = {2, 0.5f, 1, 4}, offset[FEATURES] = {1, 0, -1, 0.5f};
    struct file file = file_start(13);
    struct opened opened;
    struct network *plain = NULL, *scaled = NULL;
    struct network_options options = {.batch = 3, .scale = scale, .offset = offset};
    float moved[COUNT][FEATURES], a[COUNT][FEATURES], b[COUNT][FEATURES];

    file_simple(&file, "Tanh", "x", "logits");
    file_input(&file, "x", 2, (const int64_t[]){-1, FEATURES});
    file_output(&file, "logits");
    opened = open_file(&file);
    options.kernels = opened.kernels;
    options.model = opened.model;
    options.contract = &opened.contract;
    CU_ASSERT_EQUAL_FATAL(create(&opened, 3, &plain, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(network_create(&options, &scaled, NULL), 0);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < FEATURES; j++)
            moved[i][j] = x[i][j] * scale[j] + offset[j];
    CU_ASSERT_EQUAL(network_gradient(plain, moved[0], COUNT, NULL, a[0], NULL, NULL), 0);
    CU_ASSERT_EQUAL(network_gradient(scaled, x[0], COUNT, NULL, b[0], NULL, NULL), 0);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < FEATURES; j++)
            CU_ASSERT_EQUAL(b[i][j], a[i][j] * scale[j]);
    CU_ASSERT_EQUAL(network_logits(plain, moved[0], COUNT, a[0], NULL), 0);
    CU_ASSERT_EQUAL(network_logits(scaled, x[0], COUNT, b[0], NULL), 0);
    CU_ASSERT(memcmp(a, b, sizeof(a)) == 0);
    network_free(plain);
    network_free(scaled);
    close_file(&opened);
}

/* A batch that no machine holds is an error, not a crash. */
static void test_batch_too_large(void)
{
    struct file file = file_start(13);
    struct opened opened;
    struct network *network = NULL;
    struct error err = {0};

    file_simple(&file, "Tanh", "x", "logits");
    file_input(&file, "x", 2, (const int64_t[]){-1, 1 << 30});
    file_output(&file, "logits");
    opened = open_file(&file);
    opened.contract.sample_dims[0] = 1 << 30;
    CU_ASSERT(create(&opened, UINT32_MAX, &network, &err) < 0);
    CU_ASSERT(err.text[0] != '\0');
    CU_ASSERT_PTR_NULL(network);
    close_file(&opened);
}

/* network_memory is the least limit that will do, and is known to whoever is refused. */
static void test_memory_limit(void)
{
    struct file file = file_start(13);
    struct opened opened;
    struct network *network = NULL;
    struct network_options options = {.batch = 64};
    struct error err = {0};
    uint64_t needed;

    file_initializer(&file, tensor_floats("w", 2, (const int64_t[]){FEATURES, 1}, weights));
    file_simple(&file, "Tanh", "x", "y");
    file_simple(&file, "MatMul", "y w", "logit");
    file_input(&file, "x", 2, (const int64_t[]){-1, FEATURES});
    file_output(&file, "logit");
    opened = open_file(&file);
    options.kernels = opened.kernels;
    options.model = opened.model;
    options.contract = &opened.contract;
    CU_ASSERT_EQUAL_FATAL(network_create(&options, &network, NULL), 0);
    needed = network_memory(network);
    network_free(TAKE_POINTER(network));
    options.memory_max = needed - 1;
    CU_ASSERT_EQUAL(network_create(&options, &network, &err), -ENOMEM);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "in batches of 64"));
    CU_ASSERT_PTR_NULL(network);
    options.memory_max = 8;
    CU_ASSERT_EQUAL(network_create(&options, &network, &err), -ENOMEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "weights"));
    options.memory_max = needed;
    CU_ASSERT_EQUAL_FATAL(network_create(&options, &network, NULL), 0);
    CU_ASSERT_EQUAL(network_memory(network), needed);
    network_free(network);
    close_file(&opened);
}

static const struct harness_test tests[] = {
    {"inputs that meet are run alone", test_mixing_runs_alone},
    {"inputs that meet in a fixed batch are refused", test_mixing_fixed_is_refused},
    {"fixed batch", test_fixed_batch},
    {"one logit", test_one_logit},
    {"scale and offset by channel", test_scale_by_channel},
    {"a batch too large", test_batch_too_large},
    {"a limit of memory", test_memory_limit},
};

int main(void)
{
    return harness_run("engine-network", tests, HARNESS_COUNT(tests));
}
