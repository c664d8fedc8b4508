/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libvirt controller: a process inside the sandbox that opens the embedded driver, starts the
 * domain, reports its end, and destroys it on demand.
 */
#ifndef LAZARET_HOST_VM_CONTROLLER_H
#define LAZARET_HOST_VM_CONTROLLER_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTROLLER_DOMAIN "lazaret"

struct controller_options {
    const char *xml;
    int control_fd;         /* STARTED or FAILED, then EXITED go out; DESTROY comes in */
    int cache_fd;           /* folder that keeps libvirt's knowledge of QEMU between jobs; -1: none */
    int cpu;                /* to run on while libvirt looks at the CPU; -1: any */
    uint64_t file_size_max; /* bytes: no file that QEMU writes is larger */
    uid_t job_uid;          /* of QEMU */
    uid_t outer_uid;        /* of the monitor: see sandbox_become_user() */
    gid_t outer_gid;
    bool vhost_vsock;
};

/* Runs until the VM has ended or the control socket has; returns the process's exit status. */
int controller_run(const struct controller_options *options);

#endif
