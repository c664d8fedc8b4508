/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place a job lives in: its own namespaces and what of the file system is seen there.
 *
 * Inside, everything of the host is read-only; /run is a fresh tmpfs that holds the job's files;
 * /proc shows the job's processes; /dev has a handful of harmless nodes, and KVM's or vhost-vsock's
 * where the job uses it.
 */
#ifndef LAZARET_HOST_VM_SANDBOX_H
#define LAZARET_HOST_VM_SANDBOX_H

#include "base/error.h"
#include "host/vm/passthrough/passthrough.h"

#include <stdbool.h>
#include <sys/types.h>

/* Short, as paths of sockets below must fit sockaddr_un. */
#define SANDBOX_JOB        "/run/j"
#define SANDBOX_KERNEL     SANDBOX_JOB "/vmlinux"
#define SANDBOX_INITRAMFS  SANDBOX_JOB "/initramfs"
#define SANDBOX_CONSOLE    SANDBOX_JOB "/console" /* FIFOs .in and .out */
#define SANDBOX_VSOCK      SANDBOX_JOB "/vsock"
#define SANDBOX_SCRATCH    SANDBOX_JOB "/scratch"
#define SANDBOX_DISK       SANDBOX_JOB "/disk"
#define SANDBOX_LIBVIRT    SANDBOX_JOB "/v"    /* the embedded driver's root */
#define SANDBOX_AGENT_ROOT SANDBOX_JOB "/root" /* process isolation: the agent's whole world */

/*
 * Forks a child that is PID 1 of new PID, mount, network, IPC and host name namespaces, and of a
 * user namespace too unless the caller is root. Returns its pid and a pidfd, or 0 in the child.
 * ERROR_UNAVAILABLE with the remedy where namespaces are not permitted.
 */
MUST_USE int sandbox_fork(pid_t *ret_pid, int *ret_pidfd, struct error *err);

/* A file of the host that the job may read, opened and verified beforehand. */
struct sandbox_file {
    const char *path;   /* where it is outside */
    int fd;             /* what was verified: the file at `path` must still be this one */
    const char *target; /* where it appears inside */
    bool writable;      /* the job's own: it is given to job_uid */
};

struct sandbox_options {
    const struct sandbox_file *files;
    size_t file_count;
    bool kvm, vhost_vsock;                       /* which device nodes to show */
    bool driver;                                 /* show the host's GPUs */
    uid_t job_uid;                               /* owns /dev/kvm inside */
    const struct passthrough_facts *passthrough; /* whose nodes of VFIO to make; NULL: none */
};

/* In the child: builds the view above. Not before the user namespace's maps are written. */
MUST_USE int sandbox_build(const struct sandbox_options *options, struct error *err);

/* In the child: maps the caller's own ids to root in its user namespace. Nothing to do for root. */
MUST_USE int sandbox_map_self(uid_t outer_uid, gid_t outer_gid, struct error *err);

/*
 * The way back, for a child that must not be root even in its own eyes: libvirt as root changes
 * identities, which a namespace of one identity can't. Nothing to do for root of the machine.
 */
MUST_USE int sandbox_become_user(uid_t outer_uid, gid_t outer_gid, struct error *err);

#endif
