/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1 of a job's namespaces: starts the job's processes, watches and ends them. */
#ifndef LAZARET_HOST_VM_SUPERVISOR_H
#define LAZARET_HOST_VM_SUPERVISOR_H

#include "host/vm/passthrough/passthrough.h"
#include "host/vm/sandbox.h"
#include "host/vm/vm.h"

#include <sys/types.h>

#define SUPERVISOR_FILES_MAX 4u

struct supervisor_options {
    enum vm_isolation isolation;
    enum vm_acceleration acceleration;               /* in effect */
    enum vm_transport transport;                     /* in effect */
    const char *xml;                                 /* microvm */
    struct sandbox_file files[SUPERVISOR_FILES_MAX]; /* kernel, initramfs, scratch disk, disk; or the agent */
    size_t file_count;
    bool driver;                  /* process isolation: the agent's device driver is to be seen */
    char *const *agent_arguments; /* process isolation, or NULL */
    int control_fd;               /* records to and from the monitor */
    int stream_fd;  /* vhost-user: the device's control socket; process isolation: the agent's stream; or -1 */
    int console_fd; /* or -1 */
    uint64_t console_max;
    int cache_fd;                                /* libvirt's cache, or -1 */
    const struct passthrough_facts *passthrough; /* the device that QEMU gets; NULL: none */
    uint64_t memory_mib;                         /* of the guest */
    int job_ids_fd;                              /* kept open: it holds the job's identities */
    int cpu;                                     /* see struct controller_options */
    uid_t job_uid;                               /* inside; 0 in a user namespace of the caller's own */
    uid_t outer_uid;                             /* the monitor's */
    gid_t outer_gid;
};

/* Runs in the child of sandbox_fork(). Its exit ends every process of the namespace. */
_Noreturn void supervisor_run(const struct supervisor_options *options);

#endif
