/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_INTERNAL_H
#define LAZARET_GUEST_ENGINE_OPENCL_INTERNAL_H

#include "guest/engine/opencl/opencl.h"

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#define OPENCL_DESCRIPTION_MAX 128u /* the wire's names have as much (PLAN_NAME_MAX) */
#define OPENCL_NAME_MAX        56u

enum opencl_kernel {
    KERNEL_CONV,
    KERNEL_CONV_NARROW,
    KERNEL_DENSE,
    KERNEL_CONV_HALF, /* tiles of half the height */
    KERNEL_DENSE_HALF,
    KERNEL_WINOGRAD_INPUT,
    KERNEL_WINOGRAD_OUTPUT,
    KERNEL_UNARY,
    KERNEL_UNARY_GRADIENT,
    KERNEL_BATCH_NORM,
    KERNEL_ADD,
    KERNEL_FILL,
    KERNEL_BINARY,
    KERNEL_BINARY_GRADIENT,
    KERNEL_POOL,
    KERNEL_POOL_GRADIENT,
    KERNEL_GLOBAL_AVERAGE,
    KERNEL_GLOBAL_AVERAGE_GRADIENT,
    KERNEL_SOFTMAX,
    KERNEL_SOFTMAX_GRADIENT,
    KERNEL_LOSS,
    KERNEL_REDUCE,
    KERNEL_REDUCE_GRADIENT,
    KERNEL_VIEW,
    KERNEL_VIEW_GRADIENT,
    KERNEL_BLOCKS,
    KERNEL_PROBE,
    OPENCL_KERNEL_COUNT
};

#define OPENCL_PENDING_MAX 512u /* kernels whose end has not been looked at */

/* Tiles of the products: a group's outputs. */
struct opencl_tile {
    unsigned m, n, group_x, group_y, item_m, item_n, terms;
    enum opencl_kernel conv, dense; /* the kernels that make them */
};

struct opencl_device {
    struct device base; /* first: the engine knows no more */
    char description[OPENCL_DESCRIPTION_MAX];
    char name[OPENCL_NAME_MAX]; /* for messages */
    cl_platform_id platform;
    cl_device_id id;
    cl_device_type type;
    cl_context context;
    cl_command_queue queue;    /* of kernels and of what they wait for, in order */
    cl_command_queue transfer; /* of inputs that go ahead */
    uint64_t memory, allocation_max;
    struct opencl_tile tile, half; /* of the same groups; half.m 0: there are none */
    cl_program program;
    cl_kernel kernels[OPENCL_KERNEL_COUNT];
    cl_event pending[OPENCL_PENDING_MAX];
    unsigned pending_count;
};

/* Waits for all that was started, and looks at how each of it ended. */
MUST_USE int opencl_settle(struct opencl_device *device, struct error *err);

/* The tiles for a product of so many rows: half as high where the others would be half empty. */
const struct opencl_tile *opencl_tile_for(const struct opencl_device *device, size_t rows);

/* Compares the device's operations with the processor's, bit by bit (probe.c). */
MUST_USE int opencl_probe(struct opencl_device *device, struct error *err);

/* A buffer of so many bytes (0 becomes one float), counted against the device's memory. */
MUST_USE int opencl_allocate(struct opencl_device *device, size_t bytes, const char *what, uint64_t *held,
                             cl_mem *ret_buffer, struct error *err);

extern const struct device_calls opencl_calls;

/* "CL_OUT_OF_RESOURCES", or "error -1234". */
#define OPENCL_STATUS_MAX 40u
const char *opencl_status_text(cl_int status, char ret_text[OPENCL_STATUS_MAX]);

/* ERROR_UNAVAILABLE, -ENOMEM for want of memory, else ERROR_INTERNAL, -EIO: "OpenCL device NAME: WHAT: STATUS". */
int opencl_failed(const struct opencl_device *device, const char *what, cl_int status, struct error *err);

/* The checks of one device; 0, or why it can't be used in ret_reason. */
#define OPENCL_REASON_MAX 128u
MUST_USE int opencl_check_device(cl_device_id id, char ret_reason[OPENCL_REASON_MAX]);

/* Fills platform, id, type, memory, names of the first usable device. */
MUST_USE int opencl_choose(struct opencl_device *device, struct error *err);

#endif
