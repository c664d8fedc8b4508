/* SPDX-License-Identifier: Apache-2.0 */
/* A job's namespaces and what of the file system is seen there. */
#include "host/vm/sandbox.h"

#include "host/confine/place.h"
#include "host/vm/driver_view.h"
#include "host/vm/passthrough/hostdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define RUN_OPTIONS "mode=0755,size=32m,nr_inodes=4096"
#define DEV_STAGE   "/run/dev"

/* Where it can't work out, it is not tried: each step of it would fail for another reason. */
static int check_capabilities(struct error *err)
{
    char missing[CONFINE_MISSING_SIZE];

    confine_missing(missing);
    return missing[0] == '\0'
               ? 0
               : error_set(err, ERROR_UNAVAILABLE, -EPERM,
                           "can't make a job's namespaces: root has no %s here, as in a container without privileges; "
                           "grant that (docker run --cap-add), or run on the machine itself",
                           missing);
}

int sandbox_fork(pid_t *ret_pid, int *ret_pidfd, struct error *err)
{
    int pidfd = -1, r = check_capabilities(err);
    struct clone_args arguments = {
        .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD |
                 (geteuid() == 0 ? 0 : CLONE_NEWUSER),
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    long pid;

    if (r < 0)
        return r;
    pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno,
                         "can't make a job's namespaces: %s; run as root, or let users make user "
                         "namespaces (sysctl user.max_user_namespaces, "
                         "kernel.unprivileged_userns_clone)",
                         strerror(errno));
    *ret_pid = (pid_t)pid;
    *ret_pidfd = pidfd;
    return 0;
}

static int write_text(const char *path, const char *text)
{
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        return -errno;
    return 0;
}

/* The one identity that a user namespace without further rights can have. */
static int write_maps(uid_t inner_uid, uid_t outer_uid, gid_t inner_gid, gid_t outer_gid, struct error *err)
{
    char uid_map[64], gid_map[64];
    int r;

    (void)snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", inner_uid, outer_uid);
    (void)snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", inner_gid, outer_gid);
    r = write_text("/proc/self/setgroups", "deny");
    if (r == 0)
        r = write_text("/proc/self/uid_map", uid_map);
    if (r == 0)
        r = write_text("/proc/self/gid_map", gid_map);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "can't map identities into a user namespace: %s; run as root",
                         strerror(-r));
    return 0;
}

int sandbox_map_self(uid_t outer_uid, gid_t outer_gid, struct error *err)
{
    return outer_uid == 0 ? 0 : write_maps(0, outer_uid, 0, outer_gid, err);
}

int sandbox_become_user(uid_t outer_uid, gid_t outer_gid, struct error *err)
{
    if (outer_uid == 0)
        return 0;
    if (unshare(CLONE_NEWUSER) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "can't nest a user namespace: %s", strerror(errno));
    return write_maps(outer_uid, 0, outer_gid, 0, err);
}

static int fail_at(struct error *err, const char *what)
{
    int code = -errno;

    return error_set(err, ERROR_UNAVAILABLE, code, "can't set up a job's file system at %s: %s", what, strerror(-code));
}

/* A detached copy of the mount of one verified file. */
static int clone_file(const struct sandbox_file *file, int *ret_tree, struct error *err)
{
    struct stat wanted, found;
    CLEANUP_FD int tree = open_tree(AT_FDCWD, file->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

    if (tree < 0 || fstat(tree, &found) < 0 || fstat(file->fd, &wanted) < 0)
        return fail_at(err, file->path);
    if (found.st_dev != wanted.st_dev || found.st_ino != wanted.st_ino)
        return error_set(err, ERROR_INTERNAL, -ESTALE, "%s was replaced after it was verified", file->path);
    *ret_tree = take_fd(&tree);
    return 0;
}

static int attach_file(int tree, const struct sandbox_file *file, uid_t job_uid, struct error *err)
{
    /* The agent is a program; a disk is not. */
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                                (file->writable ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_RDONLY)};
    const char *target = file->target;
    CLEANUP_FD int place = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

    if (place < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0 ||
        move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return fail_at(err, target);
    if (file->writable && chown(target, job_uid, job_uid) < 0)
        return fail_at(err, target);
    return 0;
}

struct node {
    const char *name;
    mode_t mode;
};

/* A node of the host's /dev with another owner; a bind mount where mknod is not permitted. */
static int show_node(const struct node *node, uid_t owner, struct error *err)
{
    char source[64], target[64];
    struct stat status;

    (void)snprintf(source, sizeof(source), "/dev/%s", node->name);
    (void)snprintf(target, sizeof(target), DEV_STAGE "/%s", node->name);
    if (stat(source, &status) < 0 || !S_ISCHR(status.st_mode))
        return fail_at(err, source);
    if (mknod(target, S_IFCHR | node->mode, status.st_rdev) == 0) {
        if (chmod(target, node->mode) < 0 || chown(target, owner, owner) < 0)
            return fail_at(err, target);
        return 0;
    }
    if (errno != EPERM)
        return fail_at(err, target);
    if (mknod(target, S_IFREG | 0600, 0) < 0 || mount(source, target, NULL, MS_BIND, NULL) < 0)
        return fail_at(err, target);
    return 0;
}

static int build_dev(const struct sandbox_options *options, struct error *err)
{
    static const struct node common[] = {
        {"null", 0666}, {"zero", 0666}, {"full", 0666}, {"random", 0444}, {"urandom", 0444}};
    int r = 0;

    if (mkdir(DEV_STAGE, 0755) < 0 ||
        mount("tmpfs", DEV_STAGE, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=1m") < 0)
        return fail_at(err, DEV_STAGE);
    for (size_t i = 0; r == 0 && i < sizeof(common) / sizeof(common[0]); i++)
        r = show_node(&common[i], 0, err);
    if (r == 0 && options->kvm)
        r = show_node(&(struct node){"kvm", 0600}, options->job_uid, err);
    /* libvirt opens it as root and hands QEMU the descriptor. */
    if (r == 0 && options->vhost_vsock)
        r = show_node(&(struct node){"vhost-vsock", 0600}, 0, err);
    if (r == 0 && options->passthrough != NULL)
        r = hostdev_make_nodes(DEV_STAGE, options->passthrough->device.group, options->job_uid, err);
    if (r == 0 && options->driver)
        r = driver_view_nodes(DEV_STAGE, err);
    if (r < 0)
        return r;
    if (mount(DEV_STAGE, "/dev", NULL, MS_MOVE, NULL) < 0 || rmdir(DEV_STAGE) < 0)
        return fail_at(err, "/dev");
    return 0;
}

static int build_tree(const struct sandbox_options *options, const int *trees, struct error *err)
{
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
    int r;

    if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof(read_only)) < 0)
        return fail_at(err, "/");
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return fail_at(err, "/proc");
    if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID, RUN_OPTIONS) < 0)
        return fail_at(err, "/run");
    if (mkdir(SANDBOX_JOB, 0755) < 0 || mkdir(SANDBOX_AGENT_ROOT, 0755) < 0)
        return fail_at(err, SANDBOX_JOB);
    r = build_dev(options, err);
    for (size_t i = 0; r == 0 && i < options->file_count; i++)
        r = attach_file(trees[i], &options->files[i], options->job_uid, err);
    return r;
}

int sandbox_build(const struct sandbox_options *options, struct error *err)
{
    int trees[4] = {-1, -1, -1, -1};
    int r = 0;

    if (options->file_count > sizeof(trees) / sizeof(trees[0]))
        return error_set(err, ERROR_INTERNAL, -E2BIG, "sandbox: too many files");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail_at(err, "/");
    /* Before /run and /tmp of the host disappear: the files may lie there. */
    for (size_t i = 0; r == 0 && i < options->file_count; i++)
        r = clone_file(&options->files[i], &trees[i], err);
    if (r == 0)
        r = build_tree(options, trees, err);
    for (size_t i = 0; i < options->file_count; i++)
        if (trees[i] >= 0)
            (void)close(trees[i]);
    return r;
}
