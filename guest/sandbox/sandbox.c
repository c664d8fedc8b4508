/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement of a worker; the order of the steps is sandbox.h's. */
#include "guest/sandbox/sandbox.h"

#include "guest/sandbox/internal.h"
#include "guest/sandbox/rules.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>

static int failed(struct error *err, const char *step)
{
    int code = errno != 0 ? -errno : -EPERM;

    return error_set(err, ERROR_INTERNAL, code, "can't confine the worker: %s: %s", step, strerror(-code));
}

static int failed_with(struct error *err, const char *step, int code)
{
    errno = -code;
    return failed(err, step);
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
    /* SYSTEM-CALL entry close_range: the descriptors that a worker does not need */
    return close_range((unsigned)(highest + 1), ~0U, 0);
}

/* Libraries write to the standard streams, whatever lies there: for them, nothing. */
static int open_streams(const struct sandbox_profile *profile)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (!keeps(profile, fd) && open("/dev/null", O_RDWR) != fd)
            return -1;
    return 0;
}

static int limit(int resource, uint64_t value)
{
    struct rlimit bounds;

    /* SYSTEM-CALL entry prlimit64 [0 == 0]: getrlimit and setrlimit of its own process */
    if (getrlimit((__rlimit_resource_t)resource, &bounds) < 0)
        return -1;
    /* Without a VM the agent may itself be limited more (ulimit, a batch system): that is no reason to fail. */
    bounds.rlim_max = bounds.rlim_max < value ? bounds.rlim_max : (rlim_t)value;
    bounds.rlim_cur = bounds.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &bounds);
}

/*
 * No core file, no file written, no locked memory, no message queues, no queued or timed signals, no higher priority,
 * and no deeper stack than this: RLIMIT_AS is the limit of all memory, or RLIMIT_DATA where a driver sets aside
 * addresses at will; RLIMIT_NPROC and RLIMIT_NOFILE come with the seal. RLIMIT_CPU is absent: a deadline is the host's
 * to set and to say.
 */
static int set_limits(const struct sandbox_profile *profile)
{
    static const struct {
        int resource;
        uint64_t value;
        bool driver; /* a driver's as well: its compiler writes files, and it pins memory for the device */
    } limits[] = {{RLIMIT_CORE, 0, true},     {RLIMIT_FSIZE, 0, false},           {RLIMIT_MEMLOCK, 0, false},
                  {RLIMIT_MSGQUEUE, 0, true}, {RLIMIT_SIGPENDING, 0, true},       {RLIMIT_NICE, 0, true},
                  {RLIMIT_RTPRIO, 0, true},   {RLIMIT_STACK, SANDBOX_STACK, true}};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if ((limits[i].driver || !profile->driver) && limit(limits[i].resource, limits[i].value) < 0)
            return -1;
    if (profile->address_space_max > 0 && limit(RLIMIT_AS, profile->address_space_max) < 0)
        return -1;
    if (profile->data_max > 0 && limit(RLIMIT_DATA, profile->data_max) < 0)
        return -1;
    return 0;
}

/*
 * From root to the workers' own user, for good. EINVAL says that this user namespace has no such
 * identity: it maps but one user, who is nobody's root outside, and stays.
 */
static int change_identity(void)
{
    /* SYSTEM-CALL entry setresgid [0 == SANDBOX_UID]: the workers' group */
    /* SYSTEM-CALL entry setgroups: no further group */
    /* SYSTEM-CALL entry setresuid [0 == SANDBOX_UID]: the workers' user */
    if (setresgid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID) < 0)
        return errno == EINVAL ? 0 : -1;
    if (setgroups(0, NULL) < 0)
        return -1;
    return setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID);
}

/* Another user than root, and a root without the capabilities to change, keep their identity. */
static int give_up_privileges(struct error *err)
{
    int r = privileges_empty_bounding_set();

    if (r < 0)
        return failed_with(err, "bounding set", r);
    errno = 0;
    /* SYSTEM-CALL entry geteuid: whether there is an identity to change */
    if (geteuid() == 0 && privileges_has(CAP_SETUID) && privileges_has(CAP_SETGID) && change_identity() < 0)
        return failed(err, "setresuid");
    r = privileges_keep(0);
    if (r < 0)
        return failed_with(err, "capset", r);
    /* SYSTEM-CALL entry prctl [0 == PR_SET_NO_NEW_PRIVS]: here and in libseccomp */
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
    if (profile->driver && open_streams(profile) < 0)
        return failed(err, "/dev/null");
    r = trap_install(profile->report);
    if (r < 0)
        return failed_with(err, "sigaction", r);
    if (set_limits(profile) < 0)
        return failed(err, "setrlimit");
    r = give_up_privileges(err);
    if (r < 0)
        return r;
    /* After the change of identity, which clears both. */
    /* SYSTEM-CALL entry prctl [0 == PR_SET_PDEATHSIG]: dies with the supervisor */
    /* SYSTEM-CALL entry prctl [0 == PR_SET_DUMPABLE]: no memory dump, no tracer of the same user */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, profile->driver ? 1 : 0) < 0)
        return failed(err, "prctl");
    r = profile->driver ? driver_landlock(-1) : landlock_forbid_all(-1);
    if (r < 0 && r != -ENOSYS && r != -EOPNOTSUPP)
        return failed_with(err, "landlock", r);
    return 0;
}

int sandbox_seal(struct error *err)
{
    int r;

    errno = 0;
    if (limit(RLIMIT_NPROC, 0) < 0 || limit(RLIMIT_NOFILE, 0) < 0)
        return failed(err, "setrlimit");
    /* SYSTEM-CALL entry seccomp: loads the filter, and libseccomp's questions before it */
    r = filter_install(RULE_worker, -1);
    return r < 0 ? failed_with(err, "seccomp", r) : 0;
}

int sandbox_seal_with_driver(struct sandbox_report *report, struct error *err)
{
    int r = trap_install(report);

    if (r < 0)
        return failed_with(err, "sigaction", r);
    errno = 0;
    /* The driver's threads go on; files it may still open, for reading, below the folders of its profile. */
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || limit(RLIMIT_FSIZE, 0) < 0)
        return failed(err, "prctl");
    r = filter_install(RULE_worker | RULE_driver_sealed, -1);
    return r < 0 ? failed_with(err, "seccomp", r) : 0;
}
