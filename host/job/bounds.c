/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds of a job's processes together. */
#include "host/job/bounds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE        64u
#define EXPLANATION_SIZE 320u

static int move_all(const struct cgroup *cgroup, const struct run *runs, unsigned run_count)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < run_count; i++)
        r = cgroup_move(cgroup, CGROUP_VM, vm_supervisor(runs[i].vm));
    return r < 0 ? r : cgroup_move_helpers(cgroup);
}

int bounds_start(struct bounds *bounds, const char *id, const struct run_setting *setting, const struct run *runs,
                 unsigned run_count, struct error *err)
{
    struct cgroup_limits limits;
    char name[NAME_SIZE];
    int r;

    (void)snprintf(name, sizeof name, "%s", id);
    if (name[0] == '\0') /* a replay, which keeps no journal */
        (void)snprintf(name, sizeof name, "pid-%d", getpid());
    cgroup_default_limits(setting->admission->memory_mib, setting->options->vcpus, vm_is_translated(runs[0].vm),
                          &limits);
    r = cgroup_create(NULL, name, &limits, &bounds->cgroup, &bounds->facts);
    bounds->known = r == 0;
    if (r == 0 && bounds->cgroup != NULL)
        r = move_all(bounds->cgroup, runs, run_count);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "a job's processes can't be moved to its cgroup: %s", strerror(-r));
    if (bounds->cgroup == NULL && setting->admission->policy.cgroup_required)
        return error_set(
            err, ERROR_UNAVAILABLE, -ENOTSUP,
            "the policy wants limits over all of a job's processes (limits.cgroup), and there are none: %s",
            bounds->facts.reason);
    return 0;
}

void bounds_end_vm(struct bounds *bounds)
{
    cgroup_end_vm(bounds->cgroup, &bounds->facts);
}

/* Of what was seen, what the kernel did explains it: "" where it did nothing. */
static void explain(const struct cgroup_facts *facts, char ret_text[EXPLANATION_SIZE])
{
    ret_text[0] = '\0';
    if (facts->vm_oom_kills > 0)
        (void)snprintf(ret_text, EXPLANATION_SIZE,
                       "the kernel ended the VM and what serves it for want of memory: their limit is %llu MiB, and "
                       "the cgroups above may have less (memory.events: oom_kill %llu)",
                       (unsigned long long)facts->limits.vm_bytes >> 20, (unsigned long long)facts->vm_oom_kills);
    else if (facts->helper_oom_kills > 0)
        (void)snprintf(ret_text, EXPLANATION_SIZE,
                       "the kernel ended a helper of the job for want of memory: the job's limit is %llu MiB, and the "
                       "cgroups above may have less (memory.events: oom_kill %llu)",
                       (unsigned long long)facts->limits.job_bytes >> 20, (unsigned long long)facts->helper_oom_kills);
    else if (facts->refused_forks > 0)
        (void)snprintf(ret_text, EXPLANATION_SIZE,
                       "the kernel refused the job processes or threads: their limit is %u for the VM and %u in all, "
                       "and the cgroups above may have less (pids.events: max %llu)",
                       facts->limits.vm_pids, facts->limits.job_pids, (unsigned long long)facts->refused_forks);
}

void bounds_explain(const struct bounds *bounds, const struct run *runs, unsigned run_count, struct error *err)
{
    bool is_its = err->kind == ERROR_GUEST;
    char text[EXPLANATION_SIZE];
    struct error seen = *err;

    for (unsigned i = 0; i < run_count; i++)
        is_its = is_its || runs[i].unbooted;
    explain(&bounds->facts, text);
    if (text[0] == '\0' || !is_its)
        return;
    /* A refused fork may have been survived: what was seen stays beside it. Memory's end is the whole of it. */
    if (bounds->facts.vm_oom_kills > 0)
        (void)error_set(err, ERROR_GUEST, -ENOMEM, "%s", text);
    else
        (void)error_set(err, ERROR_GUEST, -ENOMEM, "%s: %.500s", text, seen.text);
}

json_t *bounds_document(const struct bounds *bounds)
{
    const struct cgroup_facts *facts = &bounds->facts;

    if (!bounds->known)
        return NULL;
    if (!facts->used)
        return json_pack("{s:b, s:s}", "used", 0, "reason", facts->reason);
    return json_pack("{s:b, s:s, s:{s:I, s:I, s:i, s:i, s:i, s:I, s:i}, s:b, s:i, s:I, s:I, s:I, s:I, s:I, s:b}",
                     "used", 1, "path", facts->path, "limits", "vmMemoryBytes", (json_int_t)facts->limits.vm_bytes,
                     "jobMemoryBytes", (json_int_t)facts->limits.job_bytes, "vmProcesses", (int)facts->limits.vm_pids,
                     "jobProcesses", (int)facts->limits.job_pids, "processors", (int)facts->limits.cpus,
                     "diskBytesPerSecond", (json_int_t)facts->limits.disk_bytes, "diskOperationsPerSecond",
                     (int)facts->limits.disk_operations, "ioWeighted", facts->io_weighted, "disksLimited",
                     (int)facts->disks_limited, "vmMemoryPeakBytes", (json_int_t)facts->vm_peak_bytes, "oomKills",
                     (json_int_t)facts->vm_oom_kills, "helperOomKills", (json_int_t)facts->helper_oom_kills,
                     "throttledPeriods", (json_int_t)facts->throttled_periods, "refusedForks",
                     (json_int_t)facts->refused_forks, "emptied", facts->emptied);
}

void bounds_free(struct bounds *bounds)
{
    cgroup_free(bounds->cgroup);
    bounds->cgroup = NULL;
}
