/* SPDX-License-Identifier: Apache-2.0 */
/* A helper's namespaces. */
#include "host/confine/place.h"

#include "host/confine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

pid_t confine_fork(void)
{
    struct clone_args arguments = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};

    if (geteuid() != 0 || getpid() == 1)
        return fork();
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
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
