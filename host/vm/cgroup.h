/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's control groups (cgroup v2): bounds that hold for all of its processes together.
 *
 *   OURS                      the controller's own group, from /proc/self/cgroup
 *   |- lazaret-controllers    monitors, once OURS gives controllers to groups below it: such a group may
 *   |                         have no process itself, unless it is the machine's root
 *   `- lazaret-JOB            bounds of all of the job
 *      |- vm                  supervisor, libvirt's controller, vsock device, QEMU: a bound of their own;
 *      |                      where memory's is hit, all of them end at once (memory.oom.group)
 *      `- helpers             signer, data reader, collector, ... which outlive the VM
 *
 * The monitor is in neither: it has to say what happened. OURS must be given to us (systemd: Delegate=yes) and hold no
 * process that is not ours. Where anything of that is not so there are no groups, and the reason is told.
 * Format of the files: Documentation/admin-guide/cgroup-v2.rst.
 */
#ifndef LAZARET_HOST_VM_CGROUP_H
#define LAZARET_HOST_VM_CGROUP_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_TEXT_MAX   256u
#define CGROUP_PERIOD_US  100000u
#define CGROUP_PIDS_JOB   1024u
#define CGROUP_PIDS_VM    512u
#define CGROUP_VM_MIB     256u  /* QEMU, libvirt and the device besides the guest's memory */
#define CGROUP_TCG_MIB    1024u /* QEMU's translated code, without KVM */
#define CGROUP_HELPER_MIB 3072u /* the helpers' own bounds on their address space are below it */
#define CGROUP_CPUS_EXTRA 2u    /* besides the guest's: QEMU's own thread, the device, the helpers */
#define CGROUP_IO_WEIGHT  50u   /* of 100: what others want of a disk comes first */
#define CGROUP_DISK_MIB   256u  /* of each disk, a second, read, and as much written */
#define CGROUP_DISK_OPS   8192u /* the same, in operations */

struct cgroup_limits {
    uint64_t vm_bytes, job_bytes; /* memory.max; neither may swap */
    unsigned vm_pids, job_pids;   /* pids.max */
    unsigned cpus;                /* processors' worth of time: cpu.max */
    uint64_t disk_bytes;          /* of each disk, a second, each way: io.max */
    unsigned disk_operations;     /* the same */
};

/* Defaults for a guest; under process isolation the agent is the VM. */
void cgroup_default_limits(uint64_t memory_mib, unsigned vcpus, bool translated, struct cgroup_limits *ret_limits);

/* What the kernel counted. */
struct cgroup_facts {
    bool used;                    /* false: there were no groups, for the reason */
    char reason[CGROUP_TEXT_MAX]; /* "" where used */
    char path[CGROUP_TEXT_MAX];   /* below the hierarchy's root */
    struct cgroup_limits limits;
    bool io_weighted;           /* the io controller was there */
    unsigned disks_limited;     /* block devices that took the limit; 0 without that controller */
    uint64_t vm_peak_bytes;     /* 0: the kernel does not tell (before 5.19) */
    uint64_t vm_oom_kills;      /* processes of the VM that the kernel ended for want of memory */
    uint64_t throttled_periods; /* of 100 ms, in which the job had used up its time */
    uint64_t helper_oom_kills;  /* the same of the helpers */
    uint64_t refused_forks;     /* processes and threads that were not made, for pids.max */
    bool emptied;               /* after the end: no process was left in it */
};

struct cgroup;

/* Where it is all found; NULL in calls means the machine's. */
struct cgroup_host {
    const char *root;       /* "/sys/fs/cgroup" */
    const char *membership; /* "/proc/self/cgroup" */
    const char *blocks;     /* "/sys/block" */
};

/*
 * Makes the groups of the job `name`, and removes empty ones that dead monitors left: a monitor has its job's locked.
 * The calling process may go to lazaret-controllers. 0 with *ret_cgroup NULL where there can be none: *ret_facts has
 * the reason, which begins small and names the remedy. -ENOMEM otherwise.
 */
MUST_USE int cgroup_create(const struct cgroup_host *host, const char *name, const struct cgroup_limits *limits,
                           struct cgroup **ret_cgroup, struct cgroup_facts *ret_facts);

enum cgroup_part { CGROUP_VM, CGROUP_HELPERS };

/* Moves a process there; its threads and what it will start come with it. 0 or a negative errno. */
MUST_USE int cgroup_move(const struct cgroup *cgroup, enum cgroup_part part, pid_t pid);

/* Moves every descendant of the calling process that is in none of the job's groups yet to the helpers. The same. */
MUST_USE int cgroup_move_helpers(const struct cgroup *cgroup);

/* Fills in what was counted so far. NULL: leaves it as it is. */
void cgroup_read_facts(const struct cgroup *cgroup, struct cgroup_facts *facts);

/* After the last VM: kills what may be left of it, and tells whether anything was (facts->emptied). */
void cgroup_end_vm(struct cgroup *cgroup, struct cgroup_facts *facts);

/* Removes the groups, once their processes are gone; NULL is fine. One that is not empty stays. */
void cgroup_free(struct cgroup *cgroup);

#endif
