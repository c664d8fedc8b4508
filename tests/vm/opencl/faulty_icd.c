/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenCL driver for tests that is PoCL's until it fails: /etc/OpenCL/fault says of what, and after how many calls.
 *
 * PoCL's objects begin with a pointer to its table of calls (cl_khr_icd); entries of it are replaced here.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_icd.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PLATFORMS_MAX 4u
#define SMALL         ((cl_ulong)512 << 10)
#define HOARD_STEP    ((size_t)16 << 20)

__attribute__((visibility("default"))) cl_int clIcdGetPlatformIDsKHR(cl_uint count, cl_platform_id *platforms,
                                                                     cl_uint *found);
__attribute__((visibility("default"))) void *clGetExtensionFunctionAddress(const char *name);

__attribute__((visibility("default"))) cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform,
                                                                            cl_platform_info what, size_t size,
                                                                            void *value, size_t *needed);

static char kind[16];
static unsigned left;
static cl_icd_dispatch real;

/* Takes memory until there is no more; then says so, or does what compilers do. */
static cl_int hoard(void)
{
    while (malloc(HOARD_STEP) != NULL)
        continue;
    if (strcmp(kind, "abort") == 0)
        abort();
    return CL_OUT_OF_HOST_MEMORY;
}

static cl_int CL_API_CALL launch(cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
                                 const size_t *global, const size_t *local, cl_uint waits, const cl_event *list,
                                 cl_event *event)
{
    if (left-- == 0) {
        left = 0;
        return strcmp(kind, "launch") == 0 ? CL_DEVICE_NOT_AVAILABLE : hoard();
    }
    return real.clEnqueueNDRangeKernel(queue, kernel, dims, offset, global, local, waits, list, event);
}

static cl_int CL_API_CALL build(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                                void(CL_CALLBACK *notify)(cl_program, void *), void *data)
{
    (void)options;
    return real.clBuildProgram(program, count, devices, "-cl-std=CL1.2", notify, data); /* without the tiles' sizes */
}

static cl_int CL_API_CALL device_info(cl_device_id id, cl_device_info what, size_t size, void *value, size_t *needed)
{
    cl_int status = real.clGetDeviceInfo(id, what, size, value, needed);

    if (status == CL_SUCCESS && what == CL_DEVICE_GLOBAL_MEM_SIZE && value != NULL)
        memcpy(value, &(cl_ulong){SMALL}, sizeof(cl_ulong));
    return status;
}

static void replace(cl_icd_dispatch *table)
{
    uintptr_t first = (uintptr_t)table & ~(uintptr_t)4095;

    if (mprotect((void *)first, (uintptr_t)table + sizeof *table - first, PROT_READ | PROT_WRITE) < 0)
        return;
    real = *table;
    if (strcmp(kind, "launch") == 0 || strcmp(kind, "hoard") == 0 || strcmp(kind, "abort") == 0)
        table->clEnqueueNDRangeKernel = launch;
    else if (strcmp(kind, "build") == 0)
        table->clBuildProgram = build;
    else if (strcmp(kind, "memory") == 0)
        table->clGetDeviceInfo = device_info;
}

static void *library(void)
{
    static void *handle;
    FILE *file;

    if (handle != NULL)
        return handle;
    file = fopen("/etc/OpenCL/fault", "re");
    if (file != NULL) {
        if (fscanf(file, "%15s %u", kind, &left) < 1)
            kind[0] = '\0';
        (void)fclose(file);
    }
    handle = dlopen("libpocl.so.2", RTLD_NOW);
    return handle;
}

cl_int clIcdGetPlatformIDsKHR(cl_uint count, cl_platform_id *platforms, cl_uint *found)
{
    static bool replaced;
    cl_int (*get)(cl_uint, cl_platform_id *, cl_uint *) = NULL;
    void *(*address)(const char *) = NULL;
    cl_platform_id own[PLATFORMS_MAX];
    cl_uint own_count = 0;

    if (library() != NULL)
        *(void **)&address = dlsym(library(), "clGetExtensionFunctionAddress");
    if (address != NULL)
        *(void **)&get = address("clIcdGetPlatformIDsKHR");
    if (get == NULL || get(PLATFORMS_MAX, own, &own_count) != CL_SUCCESS || own_count == 0)
        return -1001;
    if (!replaced)
        replace(*(cl_icd_dispatch **)(void *)own[0]);
    replaced = true;
    if (found != NULL)
        *found = 1;
    if (platforms != NULL && count > 0)
        platforms[0] = own[0];
    return CL_SUCCESS;
}

/* The loader asks for it by name. */
cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t size, void *value,
                                     size_t *needed)
{
    cl_icd_dispatch *table = *(cl_icd_dispatch **)(void *)platform;

    return table->clGetPlatformInfo(platform, what, size, value, needed);
}

void *clGetExtensionFunctionAddress(const char *name)
{
    void *(*get)(const char *) = NULL;

    if (strcmp(name, "clIcdGetPlatformIDsKHR") == 0)
        return (void *)clIcdGetPlatformIDsKHR;
    if (strcmp(name, "clGetPlatformInfo") == 0)
        return (void *)clGetPlatformInfo;
    if (library() != NULL)
        *(void **)&get = dlsym(library(), "clGetExtensionFunctionAddress");
    return get != NULL ? get(name) : NULL;
}
