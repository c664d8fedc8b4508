/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL 1.2 devices as back ends of the engine, with the bits of the arithmetic class `fma`.
 *
 * Only devices that report fused multiply-add, denormals and correctly rounded division and square root are taken, and
 * of these only those that then compute a probe's results bit for bit as the processor does (probe.c).
 */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_OPENCL_H
#define LAZARET_GUEST_ENGINE_OPENCL_OPENCL_H

#include "base/error.h"
#include "guest/engine/device.h"

/* What kernels are compiled for; the bits are the same. */
enum opencl_tiles {
    OPENCL_TILES_AUTO,  /* by the device's kind */
    OPENCL_TILES_SMALL, /* for processors */
    OPENCL_TILES_LARGE, /* for GPUs */
};

struct opencl_options {
    enum opencl_tiles tiles;
    int programs_fd;     /* a file of compiled programs: read where it has some, else written; -1: none */
    bool no_probe;       /* of the arithmetic, where another process has done it on this device for this job */
    uint64_t memory_max; /* bytes of the device's memory to take at most; 0: what it has */
};

/*
 * The first usable device: GPUs first, then accelerators, then processors, each in the loader's order; its context,
 * queues and compiled programs. All threads of the driver that our calls start exist when this returns, and nothing is
 * left to be compiled. ERROR_UNAVAILABLE where there is no driver or no device that can do it, saying why each can't.
 */
MUST_USE int opencl_open(const struct opencl_options *options, struct device **ret_device, struct error *err);
void opencl_close(struct device *device);

/* Whether an operator has kernels for the pass: the table of docs/gpu.md. */
bool opencl_has_forward(enum graph_op op);
bool opencl_has_backward(enum graph_op op);

#endif
