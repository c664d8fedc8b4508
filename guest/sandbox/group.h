/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers' control group (cgroup v2, Documentation/admin-guide/cgroup-v2.rst): memory without swap, and tasks. What
 * a worker's own limits (RLIMIT_AS, RLIMIT_NPROC) let through ends in it: the kernel kills the worker and counts that,
 * and the supervisor, outside of the group, lives to say so.
 *
 * Where there is no such hierarchy, as under process isolation, whose host has the job's limits, the group is none, and
 * every function does nothing.
 */
#ifndef LAZARET_GUEST_SANDBOX_GROUP_H
#define LAZARET_GUEST_SANDBOX_GROUP_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define GROUP_TASKS_MAX 320u                /* threads of a worker: the engine's 256, and room */
#define GROUP_SLACK     (UINT64_C(4) << 20) /* the kernel's own memory for a worker: page tables, pipes, stacks */

struct group {
    int tasks;         /* cgroup.procs; -1: there is no group */
    int memory_max;    /* -1: the kernel has no memory controller */
    int memory_events; /* likewise */
};

/* No group. */
struct group group_none(void);

/*
 * Makes the group below the hierarchy mounted at `folder`, which only the caller uses, with its limit of tasks. Errors
 * name the file; a controller that the kernel lacks is none, and shows in the descriptors.
 */
MUST_USE int group_open(const char *folder, struct group *ret_group, struct error *err);
void group_close(struct group *group);

/* What the members may take together from now on, in bytes; 0: no limit. The group is empty at this moment. */
MUST_USE int group_limit(const struct group *group, uint64_t bytes, struct error *err);

/* The calling process becomes a member. -errno. */
MUST_USE int group_enter(const struct group *group);

/* How many members the kernel has killed for their memory since the group was made; 0 where that is not known. */
uint64_t group_kills(const struct group *group);

#endif
