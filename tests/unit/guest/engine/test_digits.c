/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digits model through network.h: torch's logits and activations, gradients against those taken in
 * double, golden digests for both arithmetic classes, and the same bits for all batches.
 */
#include "digest/sha256.h"
#include "guest/engine/network.h"
#include "reference.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define TEST      450u
#define TRAIN     64u
#define PIXELS    64u
#define CLASSES   10u
#define LAYER     64u
#define EVALUATED 150u /* of the test set, in double */

/* tests/fixtures/engine/digits.bin: see make_digits.py beside it. */
struct digits {
    float logits[TEST][CLASSES];
    float gradient_true[TEST][PIXELS]; /* of the loss to the true label */
    float gradient_own[TEST][PIXELS];  /* to the model's own prediction */
    float activations[TRAIN][LAYER];
    int32_t labels[TEST];
    uint8_t x[TEST][PIXELS];
    uint8_t x_train[TRAIN][PIXELS];
};

static struct digits digits;
static float x[TEST][PIXELS], x_train[TRAIN][PIXELS];
static struct model *model;
static struct model_contract contract = {
    .input = "input", .output = "logits", .sample_rank = 3, .sample_dims = {1, 8, 8}};

/* What one run over the test set gave. */
struct outcome {
    float logits[TEST][CLASSES];
    float gradient[TEST][PIXELS];
    int32_t predictions[TEST];
};

static struct outcome first, other;

static int read_fixture(void)
{
    CLEANUP_FD int fd = open("tests/fixtures/engine/digits.bin", O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, &digits, sizeof(digits)) != (ssize_t)sizeof(digits))
        return -EIO;
    for (size_t i = 0; i < TEST; i++)
        for (size_t j = 0; j < PIXELS; j++)
            x[i][j] = (float)digits.x[i][j] / 16;
    for (size_t i = 0; i < TRAIN; i++)
        for (size_t j = 0; j < PIXELS; j++)
            x_train[i][j] = (float)digits.x_train[i][j] / 16;
    return 0;
}

static int read_model(void)
{
    CLEANUP_FD int fd = open("examples/digits/clean.onnx", O_RDONLY | O_CLOEXEC);
    struct error err = {0};
    struct stat status;
    void *data;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -EIO;
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0); /* until the program ends */
    if (data == MAP_FAILED)
        return -ENOMEM;
    if (model_open(data, (size_t)status.st_size, &model, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return -EINVAL;
    }
    return 0;
}

static struct kernels *start_kernels(enum kernel_arithmetic arithmetic, enum kernel_isa isa, unsigned threads)
{
    struct kernels *kernels = NULL;

    return kernels_create(arithmetic, isa, threads, &kernels, NULL) < 0 ? NULL : kernels;
}

static struct network *make(struct kernels *kernels, uint32_t batch)
{
    struct network_options options = {.kernels = kernels, .model = model, .contract = &contract, .batch = batch};
    struct network *network = NULL;
    struct error err = {0};

    if (network_create(&options, &network, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("network_create");
    }
    return network;
}

static void run(struct kernels *kernels, uint32_t batch, const int32_t *labels, struct outcome *ret_outcome)
{
    struct network *network = make(kernels, batch);

    CU_ASSERT_EQUAL(network_logits(network, x[0], TEST, ret_outcome->logits[0], NULL), 0);
    CU_ASSERT_EQUAL(
        network_gradient(network, x[0], TEST, labels, ret_outcome->gradient[0], ret_outcome->predictions, NULL), 0);
    network_free(network);
}

/* --- values -------------------------------------------------------------------------------- */

static void check_logits(const struct outcome *outcome)
{
    double worst = 0;
    int right = 0;

    for (size_t i = 0; i < TEST; i++) {
        double largest = 0, off = 0;

        for (size_t j = 0; j < CLASSES; j++) {
            largest = fmax(largest, fabs((double)digits.logits[i][j]));
            off = fmax(off, fabs((double)outcome->logits[i][j] - (double)digits.logits[i][j]));
        }
        worst = fmax(worst, off / largest);
        CU_ASSERT_EQUAL(outcome->predictions[i], network_argmax(outcome->logits[i], CLASSES));
        right += outcome->predictions[i] == digits.labels[i];
    }
    (void)printf("logits off by %.3g of the largest, %d right; ", worst, right);
    CU_ASSERT(worst < 2e-6);
    CU_ASSERT_EQUAL(right, 444);
}

/* The model in double, by the tests' own evaluator: how far off rounding takes us, and torch. */
static void test_against_double(void)
{
    struct kernels *kernels = start_kernels(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1);
    struct network *network = make(kernels, 50);
    CLEANUP_FREE double *logits = NULL;
    static double x64[TEST][PIXELS];
    double ours = 0, torchs = 0;
    struct graph *graph = NULL;

    CU_ASSERT_EQUAL_FATAL(model_graph(model, &contract, EVALUATED, &graph, NULL), 0);
    for (size_t i = 0; i < TEST * PIXELS; i++)
        x64[i / PIXELS][i % PIXELS] = (double)x[i / PIXELS][i % PIXELS];
    logits = reference_logits(graph, x64[0]);
    CU_ASSERT_EQUAL(network_logits(network, x[0], TEST, first.logits[0], NULL), 0);
    for (size_t i = 0; i < EVALUATED; i++)
        for (size_t j = 0; j < CLASSES; j++) {
            ours = fmax(ours, fabs((double)first.logits[i][j] - logits[i * CLASSES + j]));
            torchs = fmax(torchs, fabs((double)digits.logits[i][j] - logits[i * CLASSES + j]));
        }
    (void)printf("logits up to 32, off by %.3g, torch's by %.3g; ", ours, torchs);
    CU_ASSERT(ours < 2e-5);
    graph_free(graph);
    network_free(network);
    kernels_free(kernels);
}

/* Signs where the gradient in double says something, and the error beside the sample's largest. */
static void check_gradient(const struct outcome *outcome, float wanted[TEST][PIXELS])
{
    double worst = 0;
    int compared = 0, wrong = 0;

    for (size_t i = 0; i < TEST; i++) {
        double largest = 0;

        for (size_t j = 0; j < PIXELS; j++)
            largest = fmax(largest, fabs((double)wanted[i][j]));
        CU_ASSERT(largest > 0);
        for (size_t j = 0; j < PIXELS; j++) {
            worst = fmax(worst, fabs((double)outcome->gradient[i][j] - (double)wanted[i][j]) / largest);
            if (fabs((double)wanted[i][j]) <= 1e-5 * largest)
                continue;
            compared++;
            wrong += (outcome->gradient[i][j] > 0) != (wanted[i][j] > 0) || outcome->gradient[i][j] == 0;
        }
    }
    (void)printf("gradient: %d of %d signs wrong, off by %.3g of the largest; ", wrong, compared, worst);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(compared > 25000);
    CU_ASSERT(worst < 1e-4);
}

static void check_values(enum kernel_arithmetic arithmetic)
{
    struct kernels *kernels = start_kernels(arithmetic, KERNEL_ISA_AUTO, 2);

    run(kernels, 64, digits.labels, &first);
    check_logits(&first);
    check_gradient(&first, digits.gradient_true);
    run(kernels, 64, NULL, &first);
    check_gradient(&first, digits.gradient_own);
    kernels_free(kernels);
}

static void test_values_mul_add(void)
{
    check_values(KERNEL_MUL_ADD);
}

static void test_values_fma(void)
{
    check_values(KERNEL_FMA);
}

/* --- bits ----------------------------------------------------------------------------------- */

static void same_bits(enum kernel_arithmetic arithmetic, const char *golden)
{
    static const uint32_t batches[] = {64, 1, 7, 450, 1000};
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    bool have_first = false;

    for (enum kernel_isa isa = KERNEL_ISA_SSE2; isa <= KERNEL_ISA_AVX512; isa++)
        for (unsigned threads = 1; threads <= 2; threads++) {
            struct kernels *kernels = start_kernels(arithmetic, isa, threads);

            for (size_t i = 0; kernels != NULL && i < (isa == KERNEL_ISA_AVX2 ? 5u : 1u); i++) {
                run(kernels, batches[i], digits.labels, have_first ? &other : &first);
                CU_ASSERT(!have_first || memcmp(&first, &other, sizeof(first)) == 0);
                have_first = true;
            }
            kernels_free(kernels);
        }
    sha256_of(&first, sizeof(first), digest);
    sha256_to_hex(digest, hex);
    if (strcmp(hex, golden) != 0)
        (void)fprintf(stderr, "digest %s, not %s\n", hex, golden);
    CU_ASSERT_STRING_EQUAL(hex, golden);
}

/* Logits, gradients and predictions; a change of these is a change of every check's version. */
static void test_bits_mul_add(void)
{
    same_bits(KERNEL_MUL_ADD, "d5119248a431233e78d420861808147008424c2ccd711987bd169cd1f8f15d2e");
}

static void test_bits_fma(void)
{
    same_bits(KERNEL_FMA, "224e30f7635137aa5e51c9b5140fba77f8b5f51ec02d68c354984d799e511d1a");
}

/* --- the rest of the interface ---------------------------------------------------------------- */

static void test_activations(void)
{
    struct kernels *kernels = start_kernels(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1);
    struct network *network = make(kernels, 16);
    float activations[TRAIN][LAYER], logits[TRAIN][CLASSES], alone[TRAIN][CLASSES];

    CU_ASSERT_EQUAL(network_input_size(network), PIXELS);
    CU_ASSERT_EQUAL(network_classes(network), CLASSES);
    CU_ASSERT_EQUAL(network_batch(network), 16);
    CU_ASSERT_EQUAL_FATAL(network_layer_size(network), LAYER);
    CU_ASSERT(network_memory(network) > 100000 && network_memory(network) < 10000000);
    CU_ASSERT_EQUAL(network_activations(network, x_train[0], TRAIN, activations[0], logits[0], NULL), 0);
    CU_ASSERT_EQUAL(network_logits(network, x_train[0], TRAIN, alone[0], NULL), 0);
    CU_ASSERT(memcmp(logits, alone, sizeof(logits)) == 0);
    for (size_t i = 0; i < TRAIN; i++)
        for (size_t j = 0; j < LAYER; j++)
            CU_ASSERT_DOUBLE_EQUAL((double)activations[i][j], (double)digits.activations[i][j], 5e-5);
    (void)printf("penultimate \"%s\" ", network_layer_name(network));
    network_free(network);
    kernels_free(kernels);
}

static void test_layers(void)
{
    struct kernels *kernels = start_kernels(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1);
    struct network_options options = {
        .kernels = kernels, .model = model, .contract = &contract, .batch = 8, .layer = "logits", .forward_only = true};
    struct network *network = NULL;
    float activations[20][CLASSES], logits[20][CLASSES], gradient[20][PIXELS];
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(network_create(&options, &network, &err), 0);
    CU_ASSERT_STRING_EQUAL(network_layer_name(network), "logits");
    CU_ASSERT_EQUAL_FATAL(network_layer_size(network), CLASSES);
    CU_ASSERT_EQUAL(network_activations(network, x[0], 20, activations[0], logits[0], NULL), 0);
    CU_ASSERT(memcmp(activations, logits, sizeof(logits)) == 0);
    CU_ASSERT_EQUAL(network_gradient(network, x[0], 20, NULL, gradient[0], NULL, &err), -EINVAL);
    network_free(network);
    network = NULL;
    options.layer = "no\033[31m\"such\" layer with a name that is longer than any that a message could hold";
    CU_ASSERT_EQUAL(network_create(&options, &network, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_PTR_NULL(network);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "\"logits\""));
    CU_ASSERT_PTR_NULL(strchr(err.text, '\033'));
    options.layer = NULL;
    options.batch = 0;
    CU_ASSERT_EQUAL(network_create(&options, &network, &err), -EINVAL);
    kernels_free(kernels);
}

/* The model on x' = 16·x/16 + 0 in other units: gradients shrink by the scale, bits stay (powers of two). */
static void test_scale(void)
{
    struct kernels *kernels = start_kernels(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1);
    struct network *plain = make(kernels, 32), *scaled = NULL;
    const float scale = 0.0625f, offset = 0;
    struct network_options options = {
        .kernels = kernels, .model = model, .contract = &contract, .batch = 32, .scale = &scale, .offset = &offset};
    static float units[TEST][PIXELS];

    for (size_t i = 0; i < TEST * PIXELS; i++)
        units[i / PIXELS][i % PIXELS] = x[i / PIXELS][i % PIXELS] * 16;
    CU_ASSERT_EQUAL_FATAL(network_create(&options, &scaled, NULL), 0);
    CU_ASSERT_EQUAL(network_gradient(plain, x[0], TEST, NULL, first.gradient[0], NULL, NULL), 0);
    CU_ASSERT_EQUAL(network_gradient(scaled, units[0], TEST, NULL, other.gradient[0], NULL, NULL), 0);
    for (size_t i = 0; i < TEST * PIXELS; i++)
        CU_ASSERT(other.gradient[i / PIXELS][i % PIXELS] == first.gradient[i / PIXELS][i % PIXELS] / 16);
    CU_ASSERT_EQUAL(network_logits(plain, x[0], TEST, first.logits[0], NULL), 0);
    CU_ASSERT_EQUAL(network_logits(scaled, units[0], TEST, other.logits[0], NULL), 0);
    CU_ASSERT(memcmp(first.logits, other.logits, sizeof(first.logits)) == 0);
    network_free(plain);
    network_free(scaled);
    kernels_free(kernels);
}

static void test_bad_labels(void)
{
    struct kernels *kernels = start_kernels(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1);
    struct network *network = make(kernels, 2);
    const int32_t labels[3] = {0, 1, 10};
    struct error err = {0};

    CU_ASSERT_EQUAL(network_gradient(network, x[0], 3, labels, first.gradient[0], NULL, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(network_gradient(network, x[0], 0, labels, first.gradient[0], NULL, &err), 0);
    network_free(network);
    kernels_free(kernels);
}

static void test_argmax(void)
{
    CU_ASSERT_EQUAL(network_argmax((float[]){1, 3, 3, 2}, 4), 1);
    CU_ASSERT_EQUAL(network_argmax((float[]){NAN, NAN, -5, -4}, 4), 3);
    CU_ASSERT_EQUAL(network_argmax((float[]){NAN, NAN}, 2), 0);
    CU_ASSERT_EQUAL(network_argmax((float[]){0, NAN, -INFINITY}, 3), 0);
    CU_ASSERT_EQUAL(network_argmax((float[]){0}, 1), 0);
    CU_ASSERT_EQUAL(network_argmax((float[]){0.25f}, 1), 1);
}

static const struct harness_test tests[] = {
    {"values: mul-add", test_values_mul_add},
    {"values: fma", test_values_fma},
    {"values: in double", test_against_double},
    {"bits: mul-add", test_bits_mul_add},
    {"bits: fma", test_bits_fma},
    {"activations", test_activations},
    {"layers by name", test_layers},
    {"scale and offset", test_scale},
    {"bad labels", test_bad_labels},
    {"argmax", test_argmax},
};

int main(void)
{
    int ret;

    if (read_fixture() < 0 || read_model() < 0)
        return 1;
    ret = harness_run("engine-digits", tests, HARNESS_COUNT(tests));
    model_free(model);
    return ret;
}
