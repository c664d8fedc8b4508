/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement of processes that libraries' needs keep from an allowlist: what no library needs is forbidden. */
#include "host/confine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define CALL_FCHMODAT2 452 /* Linux 6.6, newer than the platform's headers */

/* Answered with EACCES: a module may try to write a log, and shall not die of it. */
static const int changes_of_files[] = {
    SCMP_SYS(creat),        SCMP_SYS(truncate),     SCMP_SYS(unlink),    SCMP_SYS(unlinkat),  SCMP_SYS(rename),
    SCMP_SYS(renameat),     SCMP_SYS(renameat2),    SCMP_SYS(link),      SCMP_SYS(linkat),    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),    SCMP_SYS(mkdir),        SCMP_SYS(mkdirat),   SCMP_SYS(rmdir),     SCMP_SYS(mknod),
    SCMP_SYS(mknodat),      SCMP_SYS(chmod),        SCMP_SYS(fchmod),    SCMP_SYS(fchmodat),  SCMP_SYS(chown),
    SCMP_SYS(lchown),       SCMP_SYS(fchown),       SCMP_SYS(fchownat),  SCMP_SYS(setxattr),  SCMP_SYS(lsetxattr),
    SCMP_SYS(fsetxattr),    SCMP_SYS(removexattr),  SCMP_SYS(utimensat), SCMP_SYS(fallocate), SCMP_SYS(fsetxattr),
    SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr), SCMP_SYS(utime),     SCMP_SYS(utimes),    SCMP_SYS(futimesat),
    CALL_FCHMODAT2,
};

/*
 * Answered likewise: who binds a UNIX socket makes a file, and who listens is reached by others. A token's module and a
 * resolver connect; the C library's look at the machine's addresses, by netlink, does without an answer.
 */
static const int services[] = {SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4)};

static int deny(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0);
}

/* open(2) and openat(2) with any of the flags that write, create or truncate. */
static int deny_writing(scmp_filter_ctx filter)
{
    static const unsigned flags[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND};
    /* Its flags lie in memory, where a filter does not reach; who hears ENOSYS takes openat(2). */
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);

    for (size_t i = 0; r == 0 && i < sizeof flags / sizeof flags[0]; i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
        if (r == 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 1,
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
    }
    return r;
}

static int install_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter == NULL ? -ENOMEM : 0;

    if (r == 0) /* a module may have threads */
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0)
        r = confine_forbid_dangerous(filter);
    for (size_t i = 0; r == 0 && i < sizeof changes_of_files / sizeof changes_of_files[0]; i++)
        r = deny(filter, changes_of_files[i]);
    for (size_t i = 0; r == 0 && i < sizeof services / sizeof services[0]; i++)
        r = deny(filter, services[i]);
    if (r == 0)
        r = deny_writing(filter);
    if (r == 0)
        r = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    return r;
}

static int failed(const char *name, struct error *err, const char *step)
{
    return error_set(err, ERROR_INTERNAL, -errno, "%s: can't confine this process: %s: %s", name, step,
                     strerror(errno));
}

int confine_without_changes(const char *name, struct error *err)
{
    const struct rlimit none = {0};
    int r;

    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0)
        return failed(name, err, "setrlimit");
    if (confine_drop_capabilities() < 0)
        return failed(name, err, "capset");
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(name, err, "prctl");
    r = install_filter();
    if (r < 0) {
        errno = -r;
        return failed(name, err, "seccomp");
    }
    return 0;
}
