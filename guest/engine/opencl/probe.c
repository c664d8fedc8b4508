/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: a device is believed when it has computed, bit for bit, what the processor computes.
 *
 * Numbers of all magnitudes, denormals and ties among them; each operation that results rest on, by itself. It finds a
 * compiler that contracts, a division that is off by one place, denormals that are flushed. What it can't show is that
 * a device never fails: that is what replays on another machine are for.
 */
#include "guest/engine/opencl/internal.h"
#include "guest/engine/opencl/programs.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define CASES   4096u
#define RESULTS 8u

static uint32_t next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 32);
}

static float float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Every third case near 1, so that sums cancel; every third of any bits; every third small, with denormals. */
static void fill_cases(float *ret_cases)
{
    uint64_t state = 20140704;

    for (size_t i = 0; i < (size_t)CASES * 3; i++) {
        uint32_t bits = next_number(&state);

        if (i / 3 % 3 == 0)
            bits = (bits & 0x80ffffffu) | 0x3f000000u;
        else if (i / 3 % 3 == 2)
            bits = (bits & 0x83ffffffu) | (i % 3 == 0 ? 0 : 0x1e000000u);
        ret_cases[i] = float_of(bits);
    }
}

static bool same(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

struct probe_memory {
    float cases[CASES * 3], results[CASES * RESULTS], wanted[CASES * RESULTS];
    float exps[CASES], logs[CASES], erfs[CASES], firsts[CASES];
};

static int work_out(struct probe_memory *memory, struct error *err)
{
    struct kernels *kernels = NULL;
    int r = kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, 1, &kernels, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < CASES; i++)
        memory->firsts[i] = memory->cases[i * 3];
    kernel_exp(kernels, memory->firsts, memory->exps, CASES);
    kernel_log(kernels, memory->firsts, memory->logs, CASES);
    kernel_erf(kernels, memory->firsts, memory->erfs, CASES);
    for (size_t i = 0; i < CASES; i++) {
        float a = memory->cases[i * 3], b = memory->cases[i * 3 + 1], c = memory->cases[i * 3 + 2];
        const float wanted[RESULTS] = {fmaf(a, b, c), a * b + c,       a / b,           sqrtf(a),
                                       a - b,         memory->exps[i], memory->logs[i], memory->erfs[i]};

        memcpy(memory->wanted + i * RESULTS, wanted, sizeof wanted);
    }
    kernels_free(kernels);
    return 0;
}

static int compare(const struct opencl_device *device, const struct probe_memory *memory, struct error *err)
{
    static const char *const names[RESULTS] = {
        "fma", "a product and a sum", "division", "square root", "subtraction", "exp", "log", "erf"};

    for (size_t i = 0; i < (size_t)CASES * RESULTS; i++)
        if (!same(memory->results[i], memory->wanted[i]))
            return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP,
                             "OpenCL device \"%s\" does not compute what it reports: its %s differs from the "
                             "processor's in the last bits; use --device cpu",
                             device->name, names[i % RESULTS]);
    return 0;
}

static int run_probe(struct opencl_device *device, struct probe_memory *memory, cl_mem cases, cl_mem results,
                     struct error *err)
{
    struct launch launch = launch_begin(device, KERNEL_PROBE);
    cl_int status =
        clEnqueueWriteBuffer(device->queue, cases, CL_TRUE, 0, sizeof memory->cases, memory->cases, 0, NULL, NULL);
    int r;

    if (status != CL_SUCCESS)
        return opencl_failed(device, "the probe's numbers", status, err);
    launch_place(&launch, (struct place){cases, 0});
    launch_place(&launch, (struct place){results, 0});
    launch_number(&launch, CASES);
    r = launch_run(&launch, CASES, 1, 1, err);
    if (r == 0)
        r = opencl_settle(device, err);
    if (r < 0)
        return r;
    status =
        clEnqueueReadBuffer(device->queue, results, CL_TRUE, 0, sizeof memory->results, memory->results, 0, NULL, NULL);
    return status == CL_SUCCESS ? 0 : opencl_failed(device, "the probe's results", status, err);
}

int opencl_probe(struct opencl_device *device, struct error *err)
{
    CLEANUP_FREE struct probe_memory *memory = calloc(1, sizeof *memory);
    cl_mem cases = NULL, results = NULL;
    uint64_t held = 0;
    int r;

    if (memory == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to probe an OpenCL device");
    fill_cases(memory->cases);
    r = work_out(memory, err);
    if (r == 0)
        r = opencl_allocate(device, sizeof memory->cases, "the probe", &held, &cases, err);
    if (r == 0)
        r = opencl_allocate(device, sizeof memory->results, "the probe", &held, &results, err);
    if (r == 0)
        r = run_probe(device, memory, cases, results, err);
    if (cases != NULL)
        (void)clReleaseMemObject(cases);
    if (results != NULL)
        (void)clReleaseMemObject(results);
    return r < 0 ? r : compare(device, memory, err);
}
