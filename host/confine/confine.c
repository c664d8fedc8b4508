/* SPDX-License-Identifier: Apache-2.0 */
/* Confinement of the host's helper processes; the order of the steps is confine.h's. */
#include "host/confine/confine.h"

#include "host/confine/internal.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What every helper needs to compute, to talk over the descriptors it holds, and to end. */
static const int base_system_calls[] =
    {
        SCMP_SYS(read),          SCMP_SYS(write),           SCMP_SYS(sendto),
        SCMP_SYS(readv),         SCMP_SYS(writev),          SCMP_SYS(close), /* pipes and sockets */
        SCMP_SYS(poll),          SCMP_SYS(ppoll),                            /* waiting with a deadline */
        SCMP_SYS(brk),           SCMP_SYS(munmap),          SCMP_SYS(mremap),
        SCMP_SYS(madvise),                                  /* malloc; mmap: see below */
        SCMP_SYS(futex),                                    /* locks inside the C library */
        SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), /* deadlines where the vDSO has no clock */
        SCMP_SYS(getrandom),                                /* malloc's and hash tables' seeds */
        SCMP_SYS(rt_sigreturn),  SCMP_SYS(rt_sigprocmask),  SCMP_SYS(restart_syscall),
        SCMP_SYS(getpid),        SCMP_SYS(gettid),          SCMP_SYS(tgkill), /* abort() after a failed assertion */
        SCMP_SYS(exit),          SCMP_SYS(exit_group),
};

static int failed(const struct confine_profile *profile, struct error *err, const char *step)
{
    return error_set(err, ERROR_INTERNAL, -errno, "%s: can't confine this process: %s: %s", profile->name, step,
                     strerror(errno));
}

static bool keeps(const int *keep_fds, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++)
        if (keep_fds[i] == fd)
            return true;
    return fd == STDERR_FILENO;
}

/* By the ranges between the kept ones. */
int confine_close_others(const int *keep_fds, size_t count)
{
    int highest = STDERR_FILENO;

    for (size_t i = 0; i < count; i++)
        if (keep_fds[i] > highest)
            highest = keep_fds[i];
    for (int fd = 0; fd <= highest; fd++)
        if (!keeps(keep_fds, count, fd))
            (void)close(fd);
    return close_range((unsigned)highest + 1, ~0U, 0);
}

int confine_limit(int resource, uint64_t value)
{
    struct rlimit bounds;

    if (getrlimit((__rlimit_resource_t)resource, &bounds) < 0)
        return -1;
    /* Who limits the monitor more (ulimit, a batch system) limits its helpers, too: that is no reason to fail. */
    bounds.rlim_max = bounds.rlim_max < value ? bounds.rlim_max : (rlim_t)value;
    bounds.rlim_cur = bounds.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &bounds);
}

static int set_limits(const struct confine_profile *profile)
{
    (void)signal(SIGXFSZ, SIG_IGN); /* standard error may be a file: what is said there is lost, not the process */
    if (confine_limit(RLIMIT_CORE, 0) < 0 || confine_limit(RLIMIT_FSIZE, profile->file_size_max) < 0 ||
        confine_limit(RLIMIT_NPROC, 0) < 0 || confine_limit(RLIMIT_MSGQUEUE, 0) < 0 ||
        confine_limit(RLIMIT_MEMLOCK, 0) < 0)
        return -1;
#ifndef __SANITIZE_ADDRESS__ /* the sanitizer maps terabytes */
    if (profile->address_space_max > 0 && confine_limit(RLIMIT_AS, profile->address_space_max) < 0)
        return -1;
#endif
    if (profile->open_files_max > 0 && confine_limit(RLIMIT_NOFILE, profile->open_files_max) < 0)
        return -1;
    return 0;
}

int confine_drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    return (int)syscall(SYS_capset, &header, none);
}

int confine_change_identity(unsigned uid, unsigned gid)
{
    if (geteuid() != 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -1;
    return 0;
}

/* From root to the profile's own user, or its folder's owner, for good. Another user keeps its identity. */
static int change_identity(const struct confine_profile *profile)
{
    unsigned uid = (unsigned)profile->uid, gid = uid;
    struct stat owner;

    if (geteuid() != 0)
        return 0;
    if (profile->folder_fd != NULL) {
        if (fstat(*profile->folder_fd, &owner) < 0 || fchdir(*profile->folder_fd) < 0 || chroot(".") < 0)
            return -1;
        uid = owner.st_uid;
        gid = owner.st_gid;
    }
    return confine_change_identity(uid, gid);
}

/* mmap without PROT_EXEC; libseccomp answers negative errno. */
static int allow_plain_mmap(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0));
}

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);

        if (r < 0 && r != -EEXIST)
            return r;
    }
    return 0;
}

static int install_filter(const int *calls, size_t count)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int r;

    if (filter == NULL)
        return -ENOMEM;
    r = allow_all(filter, base_system_calls, sizeof base_system_calls / sizeof base_system_calls[0]);
    if (r == 0)
        r = allow_plain_mmap(filter);
    if (r == 0)
        r = allow_all(filter, calls, count);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

int confine_system_calls(const char *name, const int *calls, size_t count, struct error *err)
{
    int r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : install_filter(calls, count);

    return r < 0 ? error_set(err, ERROR_INTERNAL, r, "%s: can't confine this process: %s", name, strerror(-r)) : 0;
}

/* Where root: nothing of the machine's networks, shared memory and, but for the profile's folder, files. */
static int take_place(const struct confine_profile *profile)
{
    if (geteuid() != 0)
        return 0;
    if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        return -1;
    return profile->folder_fd != NULL ? 0 : confine_empty_root();
}

int confine_self(const struct confine_profile *profile, struct error *err)
{
    int r;

    (void)prctl(PR_SET_NAME, profile->name);
    if (confine_close_others(profile->keep_fds, profile->keep_fd_count) < 0)
        return failed(profile, err, "close_range");
    if (take_place(profile) < 0)
        return failed(profile, err, "namespaces");
    if (set_limits(profile) < 0)
        return failed(profile, err, "setrlimit");
    if (change_identity(profile) < 0)
        return failed(profile, err, "change of identity");
    if (confine_drop_capabilities() < 0)
        return failed(profile, err, "capset");
    /* After the change of identity, which clears both. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return failed(profile, err, "prctl");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(profile, err, "no_new_privs");
    r = profile->folder_fd != NULL ? confine_to_folder(*profile->folder_fd) : confine_to_nothing();
    if (r < 0) {
        errno = -r;
        return failed(profile, err, "Landlock");
    }
    r = install_filter(profile->system_calls, profile->system_call_count);
    if (r < 0) {
        errno = -r;
        return failed(profile, err, "seccomp");
    }
    return 0;
}
