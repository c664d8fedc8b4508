/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement of libvirt's controller. */
#include "host/confine/libvirt.h"

#include "host/confine/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

/* libvirt asks for some of it (whether a cgroup has a BPF program) and goes on without. */
static int forbid_kernel(scmp_filter_ctx filter)
{
    return confine_forbid_kernel(filter, SCMP_ACT_ERRNO(EPERM));
}

static int forbid_programs(scmp_filter_ctx filter)
{
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0);

    return r < 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0);
}

static int install(int (*add_rules)(scmp_filter_ctx filter), struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter == NULL ? -ENOMEM : 0;

    if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = -errno;
    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0)
        r = add_rules(filter);
    if (r == 0)
        r = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    return r < 0 ? error_set(err, ERROR_INTERNAL, r, "can't confine libvirt: %s", strerror(-r)) : 0;
}

int confine_libvirt(struct error *err)
{
    return install(forbid_kernel, err);
}

int confine_libvirt_started(struct error *err)
{
    return install(forbid_programs, err);
}
