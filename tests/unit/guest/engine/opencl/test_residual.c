/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ResNet-18's logits, predictions, loss and gradients on the device and here, bit for bit, with the kernels' tiles
 * for processors and for GPUs: direct convolutions, strides, both of Winograd's, products, sums.
 */
#include "bench/opencl/residual.h"
#include "guest/engine/executor.h"
#include "guest/engine/loss.h"
#include "guest/engine/network.h"
#include "guest/engine/opencl/opencl.h"
#include "unit/harness.h"

#include <stdio.h>
#include <string.h>

#define BATCH   2u
#define CLASSES 10u
#define INPUT   ((size_t)3 * 32 * 32)

static const int32_t labels[BATCH] = {3, 9};

struct results {
    float logits[BATCH * CLASSES], gradients[2][BATCH * INPUT]; /* of the labels, and of the predictions */
    int32_t predictions[BATCH];
};

static void run(struct builder *b, struct device *device, const float *x, struct results *ret_results)
{
    struct executor_options options = {.graph = &b->graph, .layer = GRAPH_NONE, .gradient = true};
    struct kernels *kernels = NULL;
    struct executor *executor = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, 2, &kernels, &err), 0);
    if (device != NULL)
        CU_ASSERT_EQUAL_FATAL(kernels_attach(kernels, device, &err), 0);
    options.kernels = kernels;
    if (executor_create(&options, &executor, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("executor_create");
    }
    for (unsigned i = 0; i < 2; i++) {
        const int32_t *chosen = i == 0 ? labels : NULL;
        const float *gradient = NULL;

        memcpy(executor_input(executor, EXECUTOR_GRADIENT), x, BATCH * INPUT * sizeof *x);
        CU_ASSERT_EQUAL_FATAL(executor_forward(executor, EXECUTOR_GRADIENT, BATCH, &err), 0);
        memcpy(ret_results->logits, executor_logits(executor, EXECUTOR_GRADIENT), sizeof ret_results->logits);
        if (device != NULL) {
            CU_ASSERT_EQUAL_FATAL(executor_loss(executor, chosen, &err), 0);
        } else {
            for (size_t k = 0; k < BATCH; k++)
                ret_results->predictions[k] = network_argmax(ret_results->logits + k * CLASSES, CLASSES);
            CU_ASSERT_EQUAL_FATAL(loss_gradient(kernels, ret_results->logits,
                                                chosen != NULL ? chosen : ret_results->predictions, BATCH, CLASSES,
                                                executor_logits_gradient(executor)),
                                  0);
        }
        CU_ASSERT_EQUAL_FATAL(executor_backward(executor, &gradient, &err), 0);
        memcpy(ret_results->gradients[i], gradient, sizeof ret_results->gradients[i]);
        if (device != NULL)
            CU_ASSERT_EQUAL_FATAL(executor_predictions(executor, BATCH, ret_results->predictions, &err), 0);
    }
    executor_free(executor);
    kernels_free(kernels);
}

static void compare(enum opencl_tiles tiles)
{
    const struct opencl_options options = {.programs_fd = -1, .tiles = tiles};
    static struct results wanted, got;
    static struct builder b;
    struct device *device = NULL;
    struct error err = {0};
    float *x = malloc(BATCH * INPUT * sizeof *x);
    double products;

    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    if (opencl_open(&options, &device, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(HARNESS_SKIPPED);
    }
    memset(&wanted, 0, sizeof wanted);
    memset(&got, 1, sizeof got);
    residual_18(&b, BATCH, &products);
    builder_fill(&b.random, 0, 1, BATCH * INPUT, x);
    run(&b, NULL, x, &wanted);
    run(&b, device, x, &got);
    CU_ASSERT(memcmp(wanted.logits, got.logits, sizeof got.logits) == 0);
    CU_ASSERT(memcmp(wanted.predictions, got.predictions, sizeof got.predictions) == 0);
    CU_ASSERT(memcmp(wanted.gradients, got.gradients, sizeof got.gradients) == 0);
    CU_ASSERT(memcmp(wanted.gradients[0], wanted.gradients[1], sizeof got.gradients[0]) != 0);
    builder_free(&b);
    opencl_close(device);
    free(x);
}

static void test_small(void)
{
    compare(OPENCL_TILES_SMALL);
}

static void test_large(void)
{
    compare(OPENCL_TILES_LARGE);
}

int main(void)
{
    static const struct harness_test tests[] = {{"ResNet-18, tiles for processors", test_small},
                                                {"ResNet-18, tiles for GPUs", test_large}};

    return harness_run("opencl: ResNet-18", tests, HARNESS_COUNT(tests));
}
