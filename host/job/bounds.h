/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds of a job's processes together: when its cgroups are made, who goes where, and what is said of them. */
#ifndef LAZARET_HOST_JOB_BOUNDS_H
#define LAZARET_HOST_JOB_BOUNDS_H

#include "host/job/run.h"
#include "host/vm/cgroup.h"

#include <jansson.h>

struct bounds {
    struct cgroup *cgroup; /* NULL: there is none */
    struct cgroup_facts facts;
    bool known; /* it was tried, so facts say something */
};

/*
 * Once every VM is prepared and none has booted: makes the groups and moves supervisors and helpers there. `id` may be
 * "". ERROR_UNAVAILABLE where there can be none and the policy requires it; else facts have the reason.
 */
MUST_USE int bounds_start(struct bounds *bounds, const char *id, const struct run_setting *setting,
                          const struct run *runs, unsigned run_count, struct error *err);

/* After the last VM has ended: looks at what was counted, and that nothing is left in the VM's group. */
void bounds_end_vm(struct bounds *bounds);

/*
 * Where the VM or a helper came to its end by a memory limit, or processes were refused, that is what went wrong, where
 * what was seen of it is the guest's failure or the VM's at boot. Any other error stays as it is: a VM that is not
 * gone, a journal that can't be written.
 */
void bounds_explain(const struct bounds *bounds, const struct run *runs, unsigned run_count, struct error *err);

/* For execution.json; NULL where it was not tried. */
json_t *bounds_document(const struct bounds *bounds);

/* Removes the groups; after the helpers have ended. */
void bounds_free(struct bounds *bounds);

#endif
