/* SPDX-License-Identifier: Apache-2.0 */
/* A helper's namespaces. */
#include "host/confine/place.h"

#include "host/confine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a helper's place takes of root: namespaces and mounts, an identity of its own, a root directory. */
static const struct {
    unsigned number;
    const char *name;
} needed[] = {{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
              {CAP_SETUID, "CAP_SETUID"},
              {CAP_SETGID, "CAP_SETGID"},
              {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"}};

void confine_missing(char ret_names[CONFINE_MISSING_SIZE])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    size_t size = 0;

    ret_names[0] = '\0';
    if (geteuid() != 0 || syscall(SYS_capget, &header, data) < 0)
        return;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if ((data[needed[i].number / 32].effective & 1u << needed[i].number % 32) == 0)
            size += (size_t)snprintf(ret_names + size, CONFINE_MISSING_SIZE - size, "%s%s", size > 0 ? ", " : "",
                                     needed[i].name);
}

static pid_t fork_apart(void)
{
    struct clone_args arguments = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
    char missing[CONFINE_MISSING_SIZE];

    confine_missing(missing);
    if (missing[0] != '\0') {
        errno = EPERM;
        return -1;
    }
    if (geteuid() != 0 || getpid() == 1)
        return fork();
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

pid_t confine_fork(const int *lent_fds, size_t count)
{
    pid_t pid = fork_apart();

    if (pid == 0)
        confine_close_own(lent_fds, count);
    return pid;
}

int confine_fork_failed(const char *who, struct error *err)
{
    int code = -errno;
    char missing[CONFINE_MISSING_SIZE];

    confine_missing(missing);
    if (missing[0] == '\0')
        return error_set(err, ERROR_UNAVAILABLE, code, "no process for %s: %s", who, strerror(-code));
    return error_set(err, ERROR_UNAVAILABLE, code,
                     "no process for %s: root has no %s here, as in a container without privileges; grant that (docker "
                     "run --cap-add), or run as another user or on the machine itself",
                     who, missing);
}

void confine_describe(struct confine_facts *ret_facts)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
    bool root = geteuid() == 0;

    *ret_facts =
        (struct confine_facts){.own_users = root, .own_namespaces = root, .landlock_abi = abi > 0 ? (int)abi : 0};
}

/* A file system without a file in it, which no file can be put in. */
static int make_empty(int *ret_mount)
{
    CLEANUP_FD int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
    int mount_fd;

    if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
        fsconfig(context, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    mount_fd =
        fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (mount_fd < 0)
        return -1;
    *ret_mount = mount_fd;
    return 0;
}

int confine_empty_root(void)
{
    CLEANUP_FD int empty = -1;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || make_empty(&empty) < 0 ||
        move_mount(empty, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 || fchdir(empty) < 0)
        return -1;
    if (syscall(SYS_pivot_root, ".", ".") == 0)
        return umount2(".", MNT_DETACH) < 0 ? -1 : chdir("/");
    /* A root that is the kernel's own initramfs stays where it is: it is covered, and out of reach. */
    return errno == EINVAL ? chroot(".") : -1;
}
