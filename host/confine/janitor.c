/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement of the janitor. */
#include "host/confine/janitor.h"

#include "host/confine/capabilities.h"
#include "host/confine/confine.h"
#include "host/confine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME           "lazaret-janitor"
#define OPEN_FILES_MAX 16u

/* Every right over files of Landlock's first version: what later ones added needs one of these first. */
#define FILE_RIGHTS 0x1fffULL
#define REMOVE_RIGHTS                                                                                                  \
    (UINT64_C(0) | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)

static const int system_calls[] = {
    SCMP_SYS(openat),   SCMP_SYS(openat2),    SCMP_SYS(dup),        SCMP_SYS(fcntl),
    SCMP_SYS(fstat),    SCMP_SYS(newfstatat), SCMP_SYS(getdents64), /* what lies in the folder */
    SCMP_SYS(unlinkat), SCMP_SYS(unlink),     SCMP_SYS(rmdir),      /* goes */
};

static int failed(struct error *err, const char *step)
{
    return error_set(err, ERROR_INTERNAL, -errno, NAME ": can't confine this process: %s: %s", step, strerror(errno));
}

static int allow_removing(int ruleset, const char *path)
{
    char folder[PATH_MAX];
    struct landlock_path_beneath_attr rule = {.allowed_access = REMOVE_RIGHTS};
    CLEANUP_FD int fd = -1;

    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return -1;
    fd = open(dirname(folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
    rule.parent_fd = fd;
    return fd < 0 ? -1 : (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static int restrict_files(const char *const *paths, size_t count)
{
    const struct landlock_ruleset_attr everything = {.handled_access_fs = FILE_RIGHTS};
    CLEANUP_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &everything, sizeof everything, 0);

    if (ruleset < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
    for (size_t i = 0; i < count; i++)
        if (paths[i] != NULL && allow_removing(ruleset, paths[i]) < 0)
            return -1;
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

int confine_janitor(int descriptor, const char *const *paths, size_t count, struct error *err)
{
    bool root = geteuid() == 0;
    int r;

    (void)prctl(PR_SET_NAME, NAME);
    if (confine_close_others(&descriptor, 1) < 0)
        return failed(err, "close_range");
    (void)close(STDERR_FILENO); /* it speaks to nobody */
    if (root && unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        return failed(err, "namespaces");
    if (confine_limit(RLIMIT_CORE, 0) < 0 || confine_limit(RLIMIT_FSIZE, 0) < 0 || confine_limit(RLIMIT_NPROC, 0) < 0 ||
        confine_limit(RLIMIT_NOFILE, OPEN_FILES_MAX) < 0)
        return failed(err, "setrlimit");
    r = root ? capabilities_keep(CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER), err) : 0;
    if (r < 0)
        return r;
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(err, "prctl");
    if (restrict_files(paths, count) < 0)
        return failed(err, "Landlock");
    return confine_system_calls(NAME, system_calls, sizeof system_calls / sizeof system_calls[0], err);
}
