/* SPDX-License-Identifier: Apache-2.0 */
/* Choice of instruction set and arithmetic, threads, and the calls that need nothing more. */
#include "internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    const struct elementwise_table *elementwise;
    const struct winograd_table *winograd;
    const struct product_table *product[2]; /* by enum kernel_arithmetic */
} isas[] = {
    [KERNEL_ISA_SSE2] = {"sse2", &elementwise_sse2, &winograd_sse2, {&product_mul_add_sse2, &product_fma_sse2}},
    [KERNEL_ISA_AVX] = {"avx", &elementwise_avx, &winograd_avx, {&product_mul_add_avx, &product_fma_avx}},
    [KERNEL_ISA_AVX2] = {"avx2", &elementwise_avx2, &winograd_avx2, {&product_mul_add_avx2, &product_fma_avx2}},
    [KERNEL_ISA_AVX512] = {"avx512",
                           &elementwise_avx512,
                           &winograd_avx512,
                           {&product_mul_add_avx512, &product_fma_avx512}},
};

#define ISA_COUNT (sizeof(isas) / sizeof(isas[0]))

/* Whether CPU and operating system both have it. */
static bool isa_available(enum kernel_isa isa)
{
    __builtin_cpu_init();
    switch (isa) {
    case KERNEL_ISA_SSE2:
        return true; /* part of x86-64 */
    case KERNEL_ISA_AVX:
        return __builtin_cpu_supports("avx");
    case KERNEL_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case KERNEL_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case KERNEL_ISA_AUTO:
        break;
    }
    return false;
}

int kernels_create(enum kernel_arithmetic arithmetic, enum kernel_isa isa, unsigned threads,
                   struct kernels **ret_kernels, struct error *err)
{
    CLEANUP(kernels_free_pointer) struct kernels *kernels = NULL;
    int r;

    if (threads == 0 || threads > KERNEL_THREADS_MAX)
        return error_set(err, ERROR_USAGE, -EINVAL, "%u threads: 1 to %u are possible", threads, KERNEL_THREADS_MAX);
    if (arithmetic != KERNEL_MUL_ADD && arithmetic != KERNEL_FMA)
        return error_set(err, ERROR_USAGE, -EINVAL, "unknown arithmetic class %d", (int)arithmetic);
    if (isa == KERNEL_ISA_AUTO) {
        isa = KERNEL_ISA_AVX512;
        while (!isa_available(isa))
            isa--;
    } else if (!isa_available(isa)) {
        return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP, "this CPU has no %s", kernel_isa_name(isa));
    }
    kernels = calloc(1, sizeof(*kernels));
    if (kernels == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the kernels");
    kernels->arithmetic = arithmetic;
    kernels->isa = isa;
    kernels->elementwise = isas[isa].elementwise;
    kernels->winograd = isas[isa].winograd;
    kernels->product = isas[isa].product[arithmetic];
    r = pool_create(threads, &kernels->pool, err);
    if (r < 0)
        return r;
    *ret_kernels = TAKE_POINTER(kernels);
    return 0;
}

void kernels_free(struct kernels *kernels)
{
    if (kernels == NULL)
        return;
    pool_free(kernels->pool);
    free(kernels->scratch);
    free(kernels);
}

int kernels_attach(struct kernels *kernels, struct device *device, struct error *err)
{
    if (device != NULL && kernels->arithmetic != KERNEL_FMA)
        return error_set(err, ERROR_USAGE, -EINVAL, "a device computes in the arithmetic class fma only");
    kernels->device = device;
    return 0;
}

struct device *kernels_device(const struct kernels *kernels)
{
    return kernels->device;
}

float *kernels_scratch(struct kernels *kernels, size_t floats)
{
    if (floats > kernels->scratch_size) {
        free(kernels->scratch);
        kernels->scratch_size = 0;
        kernels->scratch = NULL;
        if (floats > (PTRDIFF_MAX - KERNELS_ALIGNMENT) / sizeof(float))
            return NULL;
        floats = kernels_round_floats(floats);
        kernels->scratch = aligned_alloc(KERNELS_ALIGNMENT, floats * sizeof(float));
        if (kernels->scratch != NULL)
            kernels->scratch_size = floats;
    }
    return kernels->scratch;
}

int kernels_reserve(struct kernels *kernels, size_t scratch_floats)
{
    return scratch_floats == 0 || kernels_scratch(kernels, scratch_floats) != NULL ? 0 : -ENOMEM;
}

uint64_t kernels_memory(const struct kernels *kernels, size_t scratch_floats)
{
    size_t floats = kernels->scratch_size;

    if (scratch_floats > SIZE_MAX / 16)
        return UINT64_MAX / 4;
    if (scratch_floats > floats)
        floats = kernels_round_floats(scratch_floats);
    return sizeof(*kernels) + (uint64_t)floats * sizeof(float);
}

#define SHARED_PRODUCTS 500000.0 /* some 10 microseconds of one thread */

void kernels_share(struct kernels *kernels, double products, size_t count, pool_work work, void *argument)
{
    if (count != 0 && products < SHARED_PRODUCTS)
        work(argument, 0, 0, count);
    else
        pool_run(kernels->pool, count, work, argument);
}

enum kernel_isa kernels_isa(const struct kernels *kernels)
{
    return kernels->isa;
}

const char *kernel_isa_name(enum kernel_isa isa)
{
    return isa == KERNEL_ISA_AUTO || isa >= ISA_COUNT ? "auto" : isas[isa].name;
}

int kernel_isa_from_name(const char *name, enum kernel_isa *ret_isa)
{
    for (enum kernel_isa isa = KERNEL_ISA_AUTO; isa < ISA_COUNT; isa++) {
        if (strcmp(name, kernel_isa_name(isa)) == 0) {
            *ret_isa = isa;
            return 0;
        }
    }
    return -EINVAL;
}

struct parallel_call {
    void (*work)(void *argument, size_t first, size_t last);
    void *argument;
};

static void parallel_work(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct parallel_call *call = argument;

    (void)worker;
    call->work(call->argument, first, last);
}

void kernels_parallel(struct kernels *kernels, size_t count, void (*work)(void *argument, size_t first, size_t last),
                      void *argument)
{
    struct parallel_call call = {work, argument};

    pool_run(kernels->pool, count, parallel_work, &call);
}

/* A function of so many elements takes about as long as waking a thread. */
#define ELEMENTWISE_BLOCK ((size_t)4096)

struct elementwise_call {
    elementwise_function *function;
    const float *x;
    float *y;
    size_t count;
};

/* Blocks `first` to `last` of ELEMENTWISE_BLOCK elements. */
static void elementwise_work(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct elementwise_call *call = argument;
    size_t begin = first * ELEMENTWISE_BLOCK, end = last * ELEMENTWISE_BLOCK;

    (void)worker;
    if (end > call->count)
        end = call->count;
    call->function(call->x + begin, call->y + begin, end - begin);
}

static void run_elementwise(struct kernels *kernels, elementwise_function *function, const float *x, float *ret_y,
                            size_t count)
{
    struct elementwise_call call = {function, x, ret_y, count};
    size_t blocks = count / ELEMENTWISE_BLOCK + (count % ELEMENTWISE_BLOCK != 0);

    pool_run(kernels->pool, blocks, elementwise_work, &call);
}

void kernel_exp(struct kernels *kernels, const float *x, float *ret_y, size_t count)
{
    run_elementwise(kernels, kernels->elementwise->exp, x, ret_y, count);
}

void kernel_tanh(struct kernels *kernels, const float *x, float *ret_y, size_t count)
{
    run_elementwise(kernels, kernels->elementwise->tanh, x, ret_y, count);
}

void kernel_erf(struct kernels *kernels, const float *x, float *ret_y, size_t count)
{
    run_elementwise(kernels, kernels->elementwise->erf, x, ret_y, count);
}

void kernel_sigmoid(struct kernels *kernels, const float *x, float *ret_y, size_t count)
{
    run_elementwise(kernels, kernels->elementwise->sigmoid, x, ret_y, count);
}

void kernel_log(struct kernels *kernels, const float *x, float *ret_y, size_t count)
{
    run_elementwise(kernels, kernels->elementwise->log, x, ret_y, count);
}

float kernel_multiply_add(const struct kernels *kernels, float a, float b, float accumulator)
{
    return kernels->arithmetic == KERNEL_FMA ? fmaf(a, b, accumulator) : a * b + accumulator;
}
