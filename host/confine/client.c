/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement of a helper that talks to the network. */
#include "host/confine/client.h"

#include "host/confine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_FILES_MAX 64u

/* What the C library's resolver and TLS read: configuration, certificates, and code to load. */
static const char *const readable[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/gnutls",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/crypto-policies",
    "/etc/pki",
    "/usr",
    "/lib",
    "/lib64",
    "/dev/urandom",
    "/dev/null",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/nscd",
};

/* Every right over files of Landlock's first version; later ones' need a right of these first. */
#define FILE_RIGHTS 0x1fffULL
#define READ_RIGHTS ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))

static int allow_reading(int ruleset, const char *path)
{
    CLEANUP_FD int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.allowed_access = READ_RIGHTS, .parent_fd = fd};

    if (fd < 0) /* not on this machine */
        return 0;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
        return 0;
    rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE; /* a file, which has no directory's rights */
    return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* 0, also where the kernel has no Landlock; or -1 with errno. */
static int restrict_reading(void)
{
    const struct landlock_ruleset_attr everything = {.handled_access_fs = FILE_RIGHTS};
    CLEANUP_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &everything, sizeof everything, 0);

    if (ruleset < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++)
        if (allow_reading(ruleset, readable[i]) < 0)
            return -1;
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

static int failed(const char *name, struct error *err, const char *step)
{
    return error_set(err, ERROR_INTERNAL, -errno, "%s: can't confine this process: %s: %s", name, step,
                     strerror(errno));
}

int confine_client(const char *name, enum confine_uid uid, int socket, struct error *err)
{
    const struct rlimit files = {.rlim_cur = OPEN_FILES_MAX, .rlim_max = OPEN_FILES_MAX};

    (void)prctl(PR_SET_NAME, name);
    if (confine_close_others(&socket, 1) < 0)
        return failed(name, err, "close_range");
    /* The machine's network is what it is for, and Landlock its view of the files. */
    if (geteuid() == 0 && unshare(CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        return failed(name, err, "namespaces");
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        return failed(name, err, "setrlimit");
    if (confine_change_identity((unsigned)uid, (unsigned)uid) < 0)
        return failed(name, err, "setresuid");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failed(name, err, "no_new_privs");
    if (restrict_reading() < 0)
        return failed(name, err, "landlock");
    return confine_without_changes(name, err);
}
