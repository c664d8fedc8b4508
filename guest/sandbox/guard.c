/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement of the supervisor; the order of the steps is sandbox.h's. */
#include "guest/sandbox/driver.h"
#include "guest/sandbox/internal.h"
#include "guest/sandbox/rules.h"

#include <linux/capability.h>
#include <string.h>

#define BIT(capability) (UINT64_C(1) << (capability))

/* A worker's change of identity, its end by a root without CAP_KILL's help, and the end of the VM. */
#define KEPT (BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL) | BIT(CAP_SYS_BOOT))

static int failed(struct error *err, const char *step, int code)
{
    return error_set(err, ERROR_INTERNAL, code, "can't confine the supervisor: %s: %s", step, strerror(-code));
}

static int guard(int scratch_fd, bool driver, struct error *err)
{
    unsigned profiles = RULE_supervisor | RULE_entry | RULE_worker;
    int r = trap_install_supervisor();

    if (r < 0)
        return failed(err, "sigaction", r);
    r = privileges_empty_bounding_set();
    if (r < 0)
        return failed(err, "bounding set", r);
    r = privileges_keep(KEPT);
    if (r < 0)
        return failed(err, "capset", r);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(err, "no_new_privs", -errno);
    r = driver ? driver_landlock(scratch_fd) : landlock_forbid_all(scratch_fd);
    if (r < 0 && r != -ENOSYS && r != -EOPNOTSUPP)
        return failed(err, "landlock", r);
    r = filter_install(driver ? profiles | RULE_driver_start | RULE_driver_sealed : profiles, scratch_fd);
    return r < 0 ? failed(err, "seccomp", r) : 0;
}

int sandbox_guard(int scratch_fd, struct error *err)
{
    return guard(scratch_fd, false, err);
}

int sandbox_guard_with_driver(int scratch_fd, struct error *err)
{
    return guard(scratch_fd, true, err);
}
