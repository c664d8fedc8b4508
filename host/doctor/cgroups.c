/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: which version there is, and which controllers this process's own group may limit by. */
#include "host/doctor/internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct membership {
    bool unified, legacy;
    char path[PATH_MAX]; /* in the unified hierarchy, "/…" */
};

/* Lines of /proc/self/cgroup: "0::/path" of version 2, "N:controllers:/path" of version 1 (cgroups(7)). */
static bool take_membership(void *context, const char *line)
{
    struct membership *ret = context;

    if (strncmp(line, "0::", 3) == 0) {
        ret->unified = true;
        (void)snprintf(ret->path, sizeof ret->path, "%s", line + 3);
    } else if (strstr(line, ":name=") == NULL) {
        ret->legacy = true;
    }
    return false;
}

static bool has_word(const char *words, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += size)
        if ((at == words || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

/* The controllers that a job is limited by, and whether we may make groups of our own. */
static void say_unified(struct doctor *d, const char *group)
{
    static const char *const wanted[] = {"memory", "cpu", "pids", "io"};
    char path[2 * PATH_MAX], controllers[256] = "", lacking[128] = "";
    struct doctor_finding *finding;
    bool delegated;

    (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/cgroup.controllers", strcmp(group, "/") == 0 ? "" : group);
    if (doctor_read_line(d, path, controllers, sizeof controllers) < 0)
        controllers[0] = '\0';
    (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s", group);
    delegated = doctor_writable(d, path);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!has_word(controllers, wanted[i]))
            doctor_list(lacking, sizeof lacking, "%s", wanted[i]);
    finding = doctor_say(d, "cgroups", lacking[0] == '\0' && delegated ? DOCTOR_OK : DOCTOR_NOTE,
                         "version 2, group %.200s, controllers: %s%s%s%s", group,
                         controllers[0] != '\0' ? controllers : "none", lacking[0] != '\0' ? "; lacking: " : "",
                         lacking, delegated ? "" : "; this user may make no groups below it");
    if (finding->state == DOCTOR_NOTE)
        doctor_advise(finding, "a job's memory, CPU time, processes and I/O are then bounded by the guest's size and "
                               "by rlimits alone: start by `systemd-run --user --scope -p Delegate=yes`, or as root");
}

void doctor_check_cgroups(struct doctor *d)
{
    struct membership membership = {.unified = false};
    bool mounted = doctor_exists(d, "/sys/fs/cgroup/cgroup.controllers");
    bool hybrid = doctor_exists(d, "/sys/fs/cgroup/unified/cgroup.controllers");

    (void)doctor_find_line(d, "/proc/self/cgroup", take_membership, &membership);
    if (mounted && membership.unified)
        say_unified(d, membership.path);
    else if (hybrid || membership.legacy || doctor_exists(d, "/sys/fs/cgroup/memory"))
        doctor_advise(doctor_say(d, "cgroups", DOCTOR_NOTE, "%s",
                                 hybrid ? "hybrid: version 1 holds the controllers" : "version 1"),
                      "limits that cover all of a job need version 2: boot with systemd.unified_cgroup_hierarchy=1");
    else
        doctor_advise(doctor_say(d, "cgroups", DOCTOR_NOTE, "none mounted"),
                      "limits of a batch system on an evaluation's processes do not apply; mount cgroup2 on "
                      "/sys/fs/cgroup");
}
