/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ResNet-18's logits, predictions, loss and gradients on the device and here, bit for bit, with the kernels' tiles
 * for processors and for GPUs: direct convolutions, strides, both of Winograd's, products, sums. And how its programs
 * come to be: compiled once, then loaded from the job's file; one that makes no sense is compiled again.
 */
#include "bench/opencl/residual.h"
#include "guest/engine/executor.h"
#include "guest/engine/loss.h"
#include "guest/engine/network.h"
#include "guest/engine/opencl/internal.h"
#include "unit/harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BATCH   2u
#define CLASSES 10u
#define INPUT   ((size_t)3 * 32 * 32)

/* Counted by layers above the driver's calls (--wrap). */
static unsigned compiled, whole_tiles, half_tiles;

cl_program __real_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                            cl_int *status);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                            cl_int *status);
cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
                                     cl_event *event);

cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                            cl_int *status)
{
    compiled++;
    return __real_clCreateProgramWithSource(context, count, texts, sizes, status);
}

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
                                     cl_event *event)
{
    char name[64] = "";

    (void)clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    whole_tiles += strcmp(name, "conv") == 0 || strcmp(name, "dense") == 0;
    half_tiles += strcmp(name, "conv_half") == 0 || strcmp(name, "dense_half") == 0;
    return __real_clEnqueueNDRangeKernel(queue, kernel, dims, offset, global, local, waits, list, event);
}

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
    whole_tiles = half_tiles = 0; /* those of the start are no work */
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
    CU_ASSERT(whole_tiles > 0);
    CU_ASSERT_EQUAL(half_tiles, 0);
}

static void test_large(void)
{
    compare(OPENCL_TILES_LARGE);
    CU_ASSERT(whole_tiles > 0);
    CU_ASSERT(half_tiles > 0); /* of 64 channels */
}

/* Opens a device with this file of programs; how often that compiled. */
static unsigned open_with(int fd)
{
    const struct opencl_options options = {.programs_fd = fd, .no_probe = true};
    struct device *device = NULL;
    struct error err = {0};

    compiled = 0;
    CU_ASSERT_EQUAL_FATAL(opencl_open(&options, &device, &err), 0);
    opencl_close(device);
    return compiled;
}

static void test_programs(void)
{
    static const char nonsense[] = "no programs of any driver's";
    int fd = memfd_create("programs", MFD_CLOEXEC);

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(open_with(fd), 1);
    CU_ASSERT(lseek(fd, 0, SEEK_END) > 4096);
    CU_ASSERT_EQUAL(open_with(fd), 0);
    CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
    CU_ASSERT_EQUAL(pwrite(fd, nonsense, sizeof nonsense, 0), (ssize_t)sizeof nonsense);
    CU_ASSERT_EQUAL(open_with(fd), 1);
    (void)close(fd);
}

int main(void)
{
    static const struct harness_test tests[] = {{"ResNet-18, tiles for processors", test_small},
                                                {"ResNet-18, tiles for GPUs", test_large},
                                                {"programs are compiled once", test_programs}};

    return harness_run("opencl: ResNet-18", tests, HARNESS_COUNT(tests));
}
