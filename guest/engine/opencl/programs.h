/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels, compiled: their names, their arguments, and how one is started. */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_PROGRAMS_H
#define LAZARET_GUEST_ENGINE_OPENCL_PROGRAMS_H

#include "guest/engine/opencl/internal.h"

/* Compiles the programs, or takes them from the file; makes the kernels and runs each once on nothing. */
MUST_USE int programs_open(struct opencl_device *device, int programs_fd, struct error *err);
void programs_close(struct opencl_device *device);

/* --- starting a kernel ------------------------------------------------------------------------------------- */

struct place {
    cl_mem buffer;
    cl_ulong at; /* floats */
};

struct launch {
    struct opencl_device *device;
    enum opencl_kernel kernel;
    cl_uint next, argument; /* of the signature, of the kernel */
    cl_int status;
};

struct launch launch_begin(struct opencl_device *device, enum opencl_kernel kernel);
void launch_place(struct launch *launch, struct place place);
void launch_buffer(struct launch *launch, cl_mem buffer);
void launch_number(struct launch *launch, size_t number); /* 32 bits: more is an error of the launch */
void launch_float(struct launch *launch, float number);
void launch_shape(struct launch *launch, char kind, const void *shape, size_t size);

/* Items along x, rounded up to groups; groups along y and z. Done when the queue is. */
MUST_USE int launch_run(struct launch *launch, size_t items, size_t y, size_t z, struct error *err);

#endif
