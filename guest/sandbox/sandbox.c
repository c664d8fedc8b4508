/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement of a worker; the order of the steps is sandbox.h's. */
#include "guest/sandbox/sandbox.h"

#include "guest/sandbox/internal.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_NUMBERS 64 /* more than any kernel has */

static int failed(struct error *err, const char *step)
{
    int code = errno != 0 ? -errno : -EPERM;

    return error_set(err, ERROR_INTERNAL, code, "can't confine the worker: %s: %s", step, strerror(-code));
}

int sandbox_report_map(struct sandbox_report **ret_report)
{
    void *page = mmap(NULL, sizeof **ret_report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return -errno;
    *ret_report = page;
    return 0;
}

void sandbox_report_unmap(struct sandbox_report *report)
{
    if (report != NULL)
        (void)munmap(report, sizeof *report);
}

static bool keeps(const struct sandbox_profile *profile, int fd)
{
    for (size_t i = 0; i < profile->keep_fd_count; i++)
        if (profile->keep_fds[i] == fd)
            return true;
    return false;
}

/* Closes every descriptor but the kept ones, standard streams included. */
static int close_others(const struct sandbox_profile *profile)
{
    int highest = -1;

    for (size_t i = 0; i < profile->keep_fd_count; i++)
        if (profile->keep_fds[i] > highest)
            highest = profile->keep_fds[i];
    for (int fd = 0; fd <= highest; fd++)
        if (!keeps(profile, fd))
            (void)close(fd);
    return close_range((unsigned)(highest + 1), ~0U, 0);
}

static int limit(int resource, uint64_t value)
{
    struct rlimit bounds = {.rlim_cur = value, .rlim_max = value};

    return setrlimit((__rlimit_resource_t)resource, &bounds);
}

/* No core file, no file written, no locked memory, no message queues. */
static int set_limits(const struct sandbox_profile *profile)
{
    if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, 0) < 0 || limit(RLIMIT_MEMLOCK, 0) < 0 ||
        limit(RLIMIT_MSGQUEUE, 0) < 0)
        return -1;
    if (profile->address_space_max > 0 && limit(RLIMIT_AS, profile->address_space_max) < 0)
        return -1;
    return 0;
}

/* While still root: nothing can ever be regained, not even by a setuid program. */
static int empty_bounding_set(void)
{
    for (int capability = 0; capability < CAPABILITY_NUMBERS; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return -1;
    return prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                        SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                        SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_capset, &header, none);
}

/*
 * From root to the workers' own user, for good. EINVAL says that this user namespace has no such
 * identity: it maps but one user, who is nobody's root outside, and stays.
 */
static int change_identity(void)
{
    if (setresgid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0)
        return errno == EINVAL ? 0 : -1;
    if (setgroups(0, NULL) < 0)
        return -1;
    return setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID);
}

static bool may(int capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, own) < 0)
        return false;
    return (own[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

/* Another user than root, and a root without the capabilities to change, keep their identity. */
static int give_up_privileges(struct error *err)
{
    errno = 0;
    if (may(CAP_SETPCAP) && empty_bounding_set() < 0)
        return failed(err, "bounding set");
    if (geteuid() == 0 && may(CAP_SETUID) && may(CAP_SETGID) && change_identity() < 0)
        return failed(err, "setresuid");
    if (drop_capabilities() < 0)
        return failed(err, "capset");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(err, "no_new_privs");
    return 0;
}

int sandbox_enter(const struct sandbox_profile *profile, struct error *err)
{
    int r;

    errno = 0;
    if (profile->keep_fd_count > SANDBOX_KEEP_MAX)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a worker may keep %u descriptors, not %zu", SANDBOX_KEEP_MAX,
                         profile->keep_fd_count);
    if (close_others(profile) < 0)
        return failed(err, "close_range");
    r = trap_install(profile->report);
    if (r < 0) {
        errno = -r;
        return failed(err, "sigaction");
    }
    if (set_limits(profile) < 0)
        return failed(err, "setrlimit");
    r = give_up_privileges(err);
    if (r < 0)
        return r;
    /* After the change of identity, which clears both. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return failed(err, "prctl");
    r = landlock_forbid_all();
    if (r < 0 && r != -ENOSYS && r != -EOPNOTSUPP) {
        errno = -r;
        return failed(err, "landlock");
    }
    return 0;
}

int sandbox_seal(struct error *err)
{
    int r;

    errno = 0;
    if (limit(RLIMIT_NPROC, 0) < 0 || limit(RLIMIT_NOFILE, 0) < 0)
        return failed(err, "setrlimit");
    r = filter_install();
    if (r < 0) {
        errno = -r;
        return failed(err, "seccomp");
    }
    return 0;
}
