/* SPDX-License-Identifier: Apache-2.0 */
/* A device's life: context, queues. */
#include "guest/engine/opencl/internal.h"

#include "guest/engine/opencl/programs.h"

#include <errno.h>
#include <string.h>

void opencl_close(struct device *base)
{
    struct opencl_device *device = (struct opencl_device *)(void *)base;

    if (device == NULL)
        return;
    programs_close(device);
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

static void choose_tiles(struct opencl_device *device, enum opencl_tiles tiles)
{
    static const struct opencl_tile small = {
        .group_x = 8, .group_y = 8, .item_m = 4, .item_n = 4, .terms = 8, .conv = KERNEL_CONV, .dense = KERNEL_DENSE};
    static const struct opencl_tile large = {
        .group_x = 16, .group_y = 16, .item_m = 8, .item_n = 8, .terms = 8, .conv = KERNEL_CONV, .dense = KERNEL_DENSE};

    if (tiles == OPENCL_TILES_AUTO)
        tiles = (device->type & CL_DEVICE_TYPE_CPU) != 0 ? OPENCL_TILES_SMALL : OPENCL_TILES_LARGE;
    device->tile = tiles == OPENCL_TILES_LARGE ? large : small;
    device->tile.m = device->tile.group_y * device->tile.item_m;
    device->tile.n = device->tile.group_x * device->tile.item_n;
    if (tiles != OPENCL_TILES_LARGE)
        return;
    device->half = device->tile;
    device->half.item_m /= 2;
    device->half.m /= 2;
    device->half.conv = KERNEL_CONV_HALF;
    device->half.dense = KERNEL_DENSE_HALF;
}

const struct opencl_tile *opencl_tile_for(const struct opencl_device *device, size_t rows)
{
    return rows <= device->half.m ? &device->half : &device->tile;
}

int opencl_settle(struct opencl_device *device, struct error *err)
{
    cl_int status = clFinish(device->queue);

    for (unsigned i = 0; i < device->pending_count; i++) {
        cl_int ended = CL_COMPLETE, asked;

        asked = clGetEventInfo(device->pending[i], CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof ended, &ended, NULL);
        if (status == CL_SUCCESS && (asked != CL_SUCCESS || ended != CL_COMPLETE))
            status = asked != CL_SUCCESS ? asked : ended < 0 ? ended : CL_OUT_OF_RESOURCES;
        (void)clReleaseEvent(device->pending[i]);
    }
    device->pending_count = 0;
    return status == CL_SUCCESS ? 0 : opencl_failed(device, "it failed while it computed", status, err);
}

int opencl_allocate(struct opencl_device *device, size_t bytes, const char *what, uint64_t *held, cl_mem *ret_buffer,
                    struct error *err)
{
    const cl_float zero = 0;
    cl_event event = NULL;
    cl_int status;

    bytes = bytes == 0 ? sizeof(float) : (bytes + 3) / 4 * 4;
    if (bytes > device->allocation_max || *held + bytes > device->memory)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "OpenCL device \"%s\": %s takes %llu MiB besides %llu MiB, and the device has %llu MiB, of "
                         "which %llu MiB in one piece; a smaller --batch needs less",
                         device->name, what, (unsigned long long)(bytes >> 20) + 1, (unsigned long long)(*held >> 20),
                         (unsigned long long)(device->memory >> 20),
                         (unsigned long long)(device->allocation_max >> 20));
    *ret_buffer = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &status);
    if (status != CL_SUCCESS)
        return opencl_failed(device, what, status, err);
    /* Drivers take memory at its first use: it is wanted now. */
    status = clEnqueueFillBuffer(device->queue, *ret_buffer, &zero, sizeof zero, 0, bytes, 0, NULL, &event);
    if (status == CL_SUCCESS)
        status = clWaitForEvents(1, &event);
    if (event != NULL)
        (void)clReleaseEvent(event);
    if (status != CL_SUCCESS) {
        (void)clReleaseMemObject(*ret_buffer);
        *ret_buffer = NULL;
        return opencl_failed(device, what, status, err);
    }
    *held += bytes;
    return 0;
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
    choose_tiles(device, options->tiles);
    if (options->memory_max > 0 && options->memory_max < device->memory)
        device->memory = options->memory_max;
    r = open_context(device, err);
    if (r == 0)
        r = programs_open(device, options->programs_fd, err);
    if (r == 0 && !options->no_probe)
        r = opencl_probe(device, err);
    if (r < 0)
        return r;
    device->base.calls = &opencl_calls;
    *ret_device = &device->base;
    device = NULL;
    return 0;
}
