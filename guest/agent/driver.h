/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver of devices that an agent may bring: lazaret-agent brings none, lazaret-agent-opencl OpenCL's.
 *
 * A worker opens it after its confinement has begun and before it looks at a byte of the model; what a driver and its
 * compiler need is a profile of its own (guest/sandbox/driver.c).
 */
#ifndef LAZARET_GUEST_AGENT_DRIVER_H
#define LAZARET_GUEST_AGENT_DRIVER_H

#include "guest/engine/device.h"

struct agent_driver {
    const char *name; /* what a plan's `isa` calls it */
    /*
     * The file of compiled programs is the job's: the first worker fills it, before it reads of the model, and the
     * others read it.
     */
    int (*open)(int programs_fd, bool first, struct device **ret_device, struct error *err);
};

extern const struct agent_driver driver_opencl;

/* A file in memory for compiled programs, or -1: then every worker compiles. */
int driver_programs_file(void);

/* Nothing can be written to it afterwards. */
void driver_seal_programs(int fd);

/* Where drivers keep what they compile, in the variables that they look at. */
void driver_set_environment(void);

/* Checks the devices and prints the one that would be taken; an exit status. */
int driver_print_device(const struct agent_driver *driver);

#endif
