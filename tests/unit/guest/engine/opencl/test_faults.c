/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that are not there, lack something, or fail: OpenCL's calls go through layers here (--wrap) that lie or
 * break, one at a time, above the real device. Each must end as an error that says what happened, and never as a
 * figure.
 */
#include "bench/opencl/residual.h"
#include "guest/engine/executor.h"
#include "guest/engine/network.h"
#include "guest/engine/opencl/internal.h"
#include "unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What the layer does now. */
static struct {
    cl_int platforms; /* status of clGetPlatformIDs */
    cl_device_fp_config lacking;
    cl_ulong memory;   /* reported, unless 0 */
    cl_int build;      /* status of clBuildProgram */
    cl_int allocation; /* status of clCreateBuffer, after so many */
    unsigned allocations_left;
    cl_int launch; /* status of kernels' starts, after so many */
    unsigned launches_left;
    cl_int ending; /* how started kernels are said to have ended, after so many */
    unsigned endings_left;
    bool spoils;    /* a probe's result is changed on the way back */
    cl_int reading; /* status of reads */
} fault;

cl_int __real_clGetPlatformIDs(cl_uint count, cl_platform_id *platforms, cl_uint *found);
cl_int __real_clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t size, void *value, size_t *needed);
cl_int __real_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *data);
cl_mem __real_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *status);
cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
                                     cl_event *event);
cl_int __real_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *value, size_t *needed);
cl_int __real_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                                  void *to, cl_uint waits, const cl_event *list, cl_event *event);

cl_int __wrap_clGetPlatformIDs(cl_uint count, cl_platform_id *platforms, cl_uint *found);
cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t size, void *value, size_t *needed);
cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *data);
cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *status);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
                                     cl_event *event);
cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *value, size_t *needed);
cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                                  void *to, cl_uint waits, const cl_event *list, cl_event *event);

cl_int __wrap_clGetPlatformIDs(cl_uint count, cl_platform_id *platforms, cl_uint *found)
{
    return fault.platforms != CL_SUCCESS ? fault.platforms : __real_clGetPlatformIDs(count, platforms, found);
}

cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t size, void *value, size_t *needed)
{
    cl_int status = __real_clGetDeviceInfo(id, what, size, value, needed);

    if (what == CL_DEVICE_SINGLE_FP_CONFIG && status == CL_SUCCESS)
        *(cl_device_fp_config *)value &= ~fault.lacking;
    if (what == CL_DEVICE_GLOBAL_MEM_SIZE && status == CL_SUCCESS && fault.memory != 0)
        *(cl_ulong *)value = fault.memory;
    return status;
}

cl_int __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                             void(CL_CALLBACK *notify)(cl_program, void *), void *data)
{
    if (fault.build != CL_SUCCESS) /* a real compiler's refusal, with its own words */
        return __real_clBuildProgram(program, count, devices, "-cl-std=CL1.2 -DGROUP_X=oops", notify, data);
    return __real_clBuildProgram(program, count, devices, options, notify, data);
}

cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *status)
{
    if (fault.allocation != CL_SUCCESS && fault.allocations_left-- == 0) {
        *status = fault.allocation;
        return NULL;
    }
    return __real_clCreateBuffer(context, flags, size, host, status);
}

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
                                     cl_event *event)
{
    if (fault.launch != CL_SUCCESS && fault.launches_left-- == 0)
        return fault.launch;
    return __real_clEnqueueNDRangeKernel(queue, kernel, dims, offset, global, local, waits, list, event);
}

cl_int __wrap_clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *value, size_t *needed)
{
    cl_int status = __real_clGetEventInfo(event, what, size, value, needed);

    if (what == CL_EVENT_COMMAND_EXECUTION_STATUS && fault.ending != CL_SUCCESS && fault.endings_left-- == 0)
        *(cl_int *)value = fault.ending;
    return status;
}

cl_int __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size,
                                  void *to, cl_uint waits, const cl_event *list, cl_event *event)
{
    cl_int status = fault.reading != CL_SUCCESS
                        ? fault.reading
                        : __real_clEnqueueReadBuffer(queue, buffer, blocking, offset, size, to, waits, list, event);

    if (fault.spoils && status == CL_SUCCESS)
        ((uint8_t *)to)[100 * 32 + 8] ^= 1; /* the last bit of one division */
    return status;
}

/* --- opening ----------------------------------------------------------------------------------------------- */

static void refused(const char *words, int code)
{
    const struct opencl_options options = {.programs_fd = -1};
    struct device *device = NULL;
    struct error err = {0};
    int r = opencl_open(&options, &device, &err);

    CU_ASSERT_EQUAL(r, code);
    CU_ASSERT_PTR_NULL(device);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    (void)fprintf(stderr, "\n    %s", err.text);
    memset(&fault, 0, sizeof fault);
}

static void test_refusals(void)
{
    static const struct {
        cl_device_fp_config bit;
        const char *words;
    } lacks[] = {{CL_FP_FMA, "fused multiply-add"},
                 {CL_FP_DENORM, "denormals"},
                 {CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT, "correctly rounded division"}};

    fault.platforms = -1001;
    refused("no OpenCL driver has a device here", -ENODEV);
    for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
        fault.lacking = lacks[i].bit;
        refused(lacks[i].words, -ENODEV);
    }
    fault.build = CL_BUILD_PROGRAM_FAILURE;
    refused("its compiler refuses the kernels: CL_BUILD_PROGRAM_FAILURE", -EIO);
    fault.spoils = true;
    refused("does not compute what it reports: its division", -ENOTSUP);
    fault.allocation = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    refused("CL_MEM_OBJECT_ALLOCATION_FAILURE", -ENOMEM);
    fault.memory = 1 << 10;
    refused("the device has", -ENOMEM);
    fault.launch = CL_OUT_OF_RESOURCES;
    fault.launches_left = 3;
    refused("CL_OUT_OF_RESOURCES", -EIO);
}

/* --- running ------------------------------------------------------------------------------------------------ */

struct attempt {
    struct builder b;
    struct device *device;
    struct kernels *kernels;
    struct executor *executor;
};

static int open_attempt(struct attempt *attempt, uint64_t memory, struct error *err)
{
    const struct opencl_options options = {.programs_fd = -1, .no_probe = true, .memory_max = memory};
    struct executor_options executor = {.layer = GRAPH_NONE, .gradient = true};
    double products;

    memset(attempt, 0, sizeof *attempt);
    CU_ASSERT_EQUAL_FATAL(opencl_open(&options, &attempt->device, err), 0);
    residual_18(&attempt->b, 1, &products);
    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, 1, &attempt->kernels, err), 0);
    CU_ASSERT_EQUAL_FATAL(kernels_attach(attempt->kernels, attempt->device, err), 0);
    executor.kernels = attempt->kernels;
    executor.graph = &attempt->b.graph;
    return executor_create(&executor, &attempt->executor, err);
}

static void close_attempt(struct attempt *attempt)
{
    memset(&fault, 0, sizeof fault);
    executor_free(attempt->executor);
    kernels_free(attempt->kernels);
    opencl_close(attempt->device);
    builder_free(&attempt->b);
}

static int run_attempt(struct attempt *attempt, struct error *err)
{
    memset(executor_input(attempt->executor, EXECUTOR_GRADIENT), 0, (size_t)3 * 32 * 32 * sizeof(float));
    return executor_forward(attempt->executor, EXECUTOR_GRADIENT, 1, err);
}

static void test_memory(void)
{
    static struct attempt attempt;
    struct error err = {0};

    CU_ASSERT_EQUAL(open_attempt(&attempt, (uint64_t)20 << 20, &err), -ENOMEM);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the device has 20 MiB"));
    (void)fprintf(stderr, "\n    %s", err.text);
    close_attempt(&attempt);
}

/* The device goes away in the middle: at a start, by how a kernel ended, or at the fetching of results. */
static void test_gone(void)
{
    static struct attempt attempt;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(open_attempt(&attempt, 0, &err), 0);
    CU_ASSERT_EQUAL(run_attempt(&attempt, &err), 0);
    for (unsigned after = 0; after < 40; after += 13) {
        fault.launch = CL_DEVICE_NOT_AVAILABLE;
        fault.launches_left = after;
        CU_ASSERT_EQUAL(run_attempt(&attempt, &err), -EIO);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "CL_DEVICE_NOT_AVAILABLE"));
        memset(&fault, 0, sizeof fault);
        fault.ending = CL_OUT_OF_RESOURCES;
        fault.endings_left = after;
        CU_ASSERT_EQUAL(run_attempt(&attempt, &err), -EIO);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "it failed while it computed: CL_OUT_OF_RESOURCES"));
        memset(&fault, 0, sizeof fault);
    }
    fault.reading = CL_INVALID_CONTEXT;
    CU_ASSERT_EQUAL(run_attempt(&attempt, &err), -EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "CL_INVALID_CONTEXT"));
    memset(&fault, 0, sizeof fault);
    CU_ASSERT_EQUAL(run_attempt(&attempt, &err), 0);
    close_attempt(&attempt);
}

static void test_class(void)
{
    static struct device device;
    struct kernels *kernels = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, &err), 0);
    CU_ASSERT_EQUAL(kernels_attach(kernels, &device, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    kernels_free(kernels);
}

/* docs/gpu.md's table, which must say of each operator what the code does. */
static void test_table(void)
{
    FILE *page = fopen("docs/gpu.md", "re");
    char line[1024];
    unsigned seen = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    while (fgets(line, sizeof line, page) != NULL) {
        char name[64], forward[64], backward[64];

        if (sscanf(line, "| `%63[^`]` | %63[^|]| %63[^|]|", name, forward, backward) != 3)
            continue;
        for (unsigned op = 0; op < GRAPH_OP_COUNT; op++)
            if (strcmp(name, graph_op_name((enum graph_op)op)) == 0) {
                seen++;
                CU_ASSERT_EQUAL(strncmp(forward, "device", 6) == 0, opencl_has_forward((enum graph_op)op));
                CU_ASSERT_EQUAL(strncmp(backward, "device", 6) == 0, opencl_has_backward((enum graph_op)op));
            }
    }
    CU_ASSERT_EQUAL(seen, GRAPH_OP_COUNT);
    (void)fclose(page);
}

int main(void)
{
    static const struct harness_test tests[] = {{"refused devices", test_refusals},
                                                {"too little memory", test_memory},
                                                {"gone in mid-run", test_gone},
                                                {"mul-add has no device", test_class},
                                                {"the docs' table", test_table}};
    const struct opencl_options options = {.programs_fd = -1};
    struct device *device = NULL;
    struct error err = {0};

    if (opencl_open(&options, &device, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return HARNESS_SKIPPED;
    }
    opencl_close(device);
    return harness_run("opencl: faults", tests, HARNESS_COUNT(tests));
}
