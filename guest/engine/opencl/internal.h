/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_INTERNAL_H
#define LAZARET_GUEST_ENGINE_OPENCL_INTERNAL_H

#include "guest/engine/opencl/opencl.h"

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#define OPENCL_DESCRIPTION_MAX 128u /* the wire's names have as much (PLAN_NAME_MAX) */
#define OPENCL_NAME_MAX        56u

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
    bool large_tiles;
};

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
