/* SPDX-License-Identifier: Apache-2.0 */
/* A device's life: context, queues. */
#include "guest/engine/opencl/internal.h"

#include <errno.h>
#include <string.h>

void opencl_close(struct device *base)
{
    struct opencl_device *device = (struct opencl_device *)(void *)base;

    if (device == NULL)
        return;
    if (device->transfer != NULL)
        (void)clReleaseCommandQueue(device->transfer);
    if (device->queue != NULL)
        (void)clReleaseCommandQueue(device->queue);
    if (device->context != NULL)
        (void)clReleaseContext(device->context);
    free(device);
}

static void cleanup_device(struct opencl_device **device)
{
    if (*device != NULL)
        opencl_close(&(*device)->base);
}

static int open_context(struct opencl_device *device, struct error *err)
{
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)device->platform, 0};
    cl_int status;

    device->context = clCreateContext(properties, 1, &device->id, NULL, NULL, &status);
    if (status != CL_SUCCESS)
        return opencl_failed(device, "its context can't be made", status, err);
    device->queue = clCreateCommandQueue(device->context, device->id, 0, &status);
    if (status == CL_SUCCESS)
        device->transfer = clCreateCommandQueue(device->context, device->id, 0, &status);
    return status == CL_SUCCESS ? 0 : opencl_failed(device, "its queues can't be made", status, err);
}

int opencl_open(const struct opencl_options *options, struct device **ret_device, struct error *err)
{
    CLEANUP(cleanup_device) struct opencl_device *device = calloc(1, sizeof *device);
    int r;

    if (device == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an OpenCL device");
    r = opencl_choose(device, err);
    if (r < 0)
        return r;
    device->large_tiles = options->tiles == OPENCL_TILES_LARGE ||
                          (options->tiles == OPENCL_TILES_AUTO && (device->type & CL_DEVICE_TYPE_CPU) == 0);
    if (options->memory_max > 0 && options->memory_max < device->memory)
        device->memory = options->memory_max;
    r = open_context(device, err);
    if (r < 0)
        return r;
    *ret_device = &device->base;
    device = NULL;
    return 0;
}
