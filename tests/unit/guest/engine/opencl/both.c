/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into the engine's own tests with --wrap: every executor of the class `fma` gets a twin on an OpenCL device,
 * which is given the same inputs, and whose logits, layers and gradients must be the same bits.
 */
#include "guest/engine/executor.h"
#include "guest/engine/kernels/internal.h"
#include "guest/engine/opencl/opencl.h"
#include "unit/harness.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct twin {
    struct executor *real, *device;
    struct kernels *kernels;
    const struct graph *graph;
    uint32_t layer;
    size_t samples;
    struct twin *next;
};

static struct twin *twins;
static struct device *opened;
static unsigned long compared;

int __real_executor_create(const struct executor_options *options, struct executor **ret_executor, struct error *err);
void __real_executor_free(struct executor *executor);
int __real_executor_forward(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err);
int __real_executor_start(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err);
int __real_executor_finish(struct executor *executor, enum executor_pass pass, struct error *err);
int __real_executor_backward(struct executor *executor, const float **ret_gradient, struct error *err);
int __real_executor_backward_start(struct executor *executor, struct error *err);
int __real_executor_backward_finish(struct executor *executor, const float **ret_gradient, struct error *err);

int __wrap_executor_create(const struct executor_options *options, struct executor **ret_executor, struct error *err);
void __wrap_executor_free(struct executor *executor);
int __wrap_executor_forward(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err);
int __wrap_executor_start(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err);
int __wrap_executor_finish(struct executor *executor, enum executor_pass pass, struct error *err);
int __wrap_executor_backward(struct executor *executor, const float **ret_gradient, struct error *err);
int __wrap_executor_backward_start(struct executor *executor, struct error *err);
int __wrap_executor_backward_finish(struct executor *executor, const float **ret_gradient, struct error *err);

static void say_what_was_compared(void)
{
    (void)printf("numbers compared with the device's: %lu\n", compared);
    opencl_close(opened);
}

/* The test has nothing to say without a device: 77, which ctest takes for skipped. */
static struct device *the_device(void)
{
    const char *tiles = getenv("LAZARET_TEST_TILES");
    const struct opencl_options options = {.programs_fd = -1,
                                           .tiles = tiles != NULL && strcmp(tiles, "large") == 0 ? OPENCL_TILES_LARGE
                                                                                                 : OPENCL_TILES_AUTO};
    struct error err = {0};

    if (opened != NULL)
        return opened;
    if (opencl_open(&options, &opened, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(77);
    }
    (void)atexit(say_what_was_compared);
    return opened;
}

static struct twin *twin_of(const struct executor *executor)
{
    struct twin *twin = twins;

    while (twin != NULL && twin->real != executor)
        twin = twin->next;
    return twin;
}

static size_t elements_of(const struct twin *twin, uint32_t value)
{
    size_t elements = twin->graph->values[value].elements;

    return twin->samples == twin->graph->batch ? elements : elements / twin->graph->batch * twin->samples;
}

static void compare(const struct twin *twin, const char *what, const float *wanted, const float *got, uint32_t value)
{
    size_t count = elements_of(twin, value), wrong = 0;

    for (size_t i = 0; i < count; i++) {
        if (memcmp(&wanted[i], &got[i], sizeof(float)) == 0 || (isnan(wanted[i]) && isnan(got[i])))
            continue;
        if (wrong++ == 0)
            (void)fprintf(stderr, "%s: element %zu of %zu is %a on the device, %a here\n", what, i, count,
                          (double)got[i], (double)wanted[i]);
    }
    compared += count;
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong > 0)
        for (uint32_t i = 0; i < twin->graph->node_count; i++)
            (void)fprintf(stderr, "%s%s%s", i == 0 ? "  nodes: " : " ", graph_node_op_name(&twin->graph->nodes[i]),
                          i + 1 == twin->graph->node_count ? "\n" : "");
}

#ifdef TWINS_FMA
/* Tests of the class mul-add alone: the device has none, so here they compute in fma. */
int __real_kernels_create(enum kernel_arithmetic arithmetic, enum kernel_isa isa, unsigned threads,
                          struct kernels **ret_kernels, struct error *err);
int __wrap_kernels_create(enum kernel_arithmetic arithmetic, enum kernel_isa isa, unsigned threads,
                          struct kernels **ret_kernels, struct error *err);

int __wrap_kernels_create(enum kernel_arithmetic arithmetic, enum kernel_isa isa, unsigned threads,
                          struct kernels **ret_kernels, struct error *err)
{
    (void)arithmetic;
    return __real_kernels_create(KERNEL_FMA, isa, threads, ret_kernels, err);
}
#endif

/* The driver's memory is no matter of tests that count the engine's. */
struct mallinfo2 __wrap_mallinfo2(void);

struct mallinfo2 __wrap_mallinfo2(void)
{
    return (struct mallinfo2){0};
}

int __wrap_executor_create(const struct executor_options *options, struct executor **ret_executor, struct error *err)
{
    struct executor_options other = *options;
    struct error why = {0};
    struct twin *twin;
    int r = __real_executor_create(options, ret_executor, err);

    if (r < 0 || options->kernels->arithmetic != KERNEL_FMA || options->kernels->device != NULL)
        return r;
    twin = calloc(1, sizeof *twin);
    CU_ASSERT_PTR_NOT_NULL_FATAL(twin);
    *twin = (struct twin){.real = *ret_executor, .graph = options->graph, .layer = options->layer, .next = twins};
    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, 1, &twin->kernels, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(kernels_attach(twin->kernels, the_device(), NULL), 0);
    other.kernels = twin->kernels;
    other.memory_max = 0;
    if (__real_executor_create(&other, &twin->device, &why) < 0) {
        (void)fprintf(stderr, "%s\n", why.text);
        CU_FAIL_FATAL("no twin on the device");
    }
    twins = twin;
    return r;
}

void __wrap_executor_free(struct executor *executor)
{
    struct twin *twin = twin_of(executor), **link = &twins;

    __real_executor_free(executor);
    if (twin == NULL)
        return;
    while (*link != twin)
        link = &(*link)->next;
    *link = twin->next;
    __real_executor_free(twin->device);
    kernels_free(twin->kernels);
    free(twin);
}

static void say(int r, const struct error *err)
{
    if (r < 0)
        (void)fprintf(stderr, "on the device: %s\n", err->text);
    CU_ASSERT_EQUAL_FATAL(r, 0);
}

/* Before the processor runs, as an operator may write over its input. */
static void copy_input(struct twin *twin, enum executor_pass pass, size_t samples)
{
    twin->samples = samples;
    memcpy(executor_input(twin->device, pass), executor_input(twin->real, pass),
           elements_of(twin, twin->graph->input) * sizeof(float));
}

static void compare_values(struct twin *twin, enum executor_pass pass)
{
    compare(twin, "logits", executor_logits(twin->real, pass), executor_logits(twin->device, pass),
            twin->graph->logits);
    if (pass == EXECUTOR_FORWARD && twin->layer != GRAPH_NONE)
        compare(twin, "layer", executor_layer(twin->real), executor_layer(twin->device), twin->layer);
}

int __wrap_executor_forward(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    struct twin *twin = twin_of(executor);
    struct error why = {0};
    int r;

    if (twin == NULL || samples == 0 || samples > twin->graph->batch)
        return __real_executor_forward(executor, pass, samples, err);
    copy_input(twin, pass, samples);
    r = __real_executor_forward(executor, pass, samples, err);
    if (r == 0) {
        say(__real_executor_forward(twin->device, pass, samples, &why), &why);
        compare_values(twin, pass);
    }
    return r;
}

int __wrap_executor_start(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    struct twin *twin = twin_of(executor);
    struct error why = {0};
    int r;

    if (twin == NULL)
        return __real_executor_start(executor, pass, samples, err);
    copy_input(twin, pass, samples);
    r = __real_executor_start(executor, pass, samples, err);
    if (r == 0)
        say(__real_executor_start(twin->device, pass, samples, &why), &why);
    return r;
}

int __wrap_executor_finish(struct executor *executor, enum executor_pass pass, struct error *err)
{
    struct twin *twin = twin_of(executor);
    struct error why = {0};
    int r = __real_executor_finish(executor, pass, err);

    if (r < 0 || twin == NULL)
        return r;
    say(__real_executor_finish(twin->device, pass, &why), &why);
    compare_values(twin, pass);
    return r;
}

static void copy_logits_gradient(struct twin *twin)
{
    memcpy(executor_logits_gradient(twin->device), executor_logits_gradient(twin->real),
           elements_of(twin, twin->graph->logits) * sizeof(float));
}

int __wrap_executor_backward(struct executor *executor, const float **ret_gradient, struct error *err)
{
    struct twin *twin = twin_of(executor);
    const float *gradient = NULL;
    struct error why = {0};
    int r;

    if (twin == NULL || twin->samples == 0)
        return __real_executor_backward(executor, ret_gradient, err);
    copy_logits_gradient(twin);
    r = __real_executor_backward(executor, ret_gradient, err);
    if (r < 0)
        return r;
    say(__real_executor_backward(twin->device, &gradient, &why), &why);
    compare(twin, "gradient", *ret_gradient, gradient, twin->graph->input);
    return r;
}

int __wrap_executor_backward_start(struct executor *executor, struct error *err)
{
    struct twin *twin = twin_of(executor);
    struct error why = {0};
    int r;

    if (twin == NULL)
        return __real_executor_backward_start(executor, err);
    copy_logits_gradient(twin);
    r = __real_executor_backward_start(executor, err);
    if (r == 0)
        say(__real_executor_backward_start(twin->device, &why), &why);
    return r;
}

int __wrap_executor_backward_finish(struct executor *executor, const float **ret_gradient, struct error *err)
{
    struct twin *twin = twin_of(executor);
    const float *gradient = NULL;
    struct error why = {0};
    int r = __real_executor_backward_finish(executor, ret_gradient, err);

    if (r < 0 || twin == NULL)
        return r;
    say(__real_executor_backward_finish(twin->device, &gradient, &why), &why);
    compare(twin, "gradient", *ret_gradient, gradient, twin->graph->input);
    return r;
}
