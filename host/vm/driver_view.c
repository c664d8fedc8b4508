/* SPDX-License-Identifier: Apache-2.0 */
/* The host's libraries and devices, as a driver needs them. */
#include "host/vm/driver_view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODES_MAX 64u /* of a folder */

static int fail_with(struct error *err, const char *path)
{
    int code = -errno;

    return error_set(err, ERROR_UNAVAILABLE, code, "can't show a device's driver %s: %s", path, strerror(-code));
}

/* --- nodes ------------------------------------------------------------------------------------------------ */

static int show_node(const char *source, const char *target, struct error *err)
{
    struct stat status;

    if (stat(source, &status) < 0 || !S_ISCHR(status.st_mode))
        return 0; /* gone meanwhile, or none */
    if (mknod(target, S_IFCHR | 0666, status.st_rdev) == 0)
        return chmod(target, 0666) < 0 ? fail_with(err, target) : 0;
    if (errno != EPERM)
        return fail_with(err, target);
    if (mknod(target, S_IFREG | 0600, 0) < 0 || mount(source, target, NULL, MS_BIND, NULL) < 0)
        return fail_with(err, target);
    return 0;
}

/* Nodes of /dev/FOLDER ("" for /dev) whose names start so. */
static int show_nodes(const char *stage, const char *folder, const char *start, struct error *err)
{
    char path[PATH_MAX], source[PATH_MAX], target[PATH_MAX];
    unsigned count = 0;
    int r = 0;
    DIR *list;

    (void)snprintf(path, sizeof path, "/dev/%s", folder);
    list = opendir(path);
    if (list == NULL)
        return 0; /* no such devices here */
    for (const struct dirent *entry = readdir(list); r == 0 && entry != NULL && count < NODES_MAX;
         entry = readdir(list)) {
        if (strncmp(entry->d_name, start, strlen(start)) != 0)
            continue;
        (void)snprintf(target, sizeof target, "%.1000s/%s", stage, folder);
        if (folder[0] != '\0' && mkdir(target, 0755) < 0 && errno != EEXIST)
            r = fail_with(err, target);
        (void)snprintf(source, sizeof source, "/dev/%s%s%.255s", folder, folder[0] != '\0' ? "/" : "", entry->d_name);
        (void)snprintf(target, sizeof target, "%.1000s/%s%s%.255s", stage, folder, folder[0] != '\0' ? "/" : "",
                       entry->d_name);
        if (r == 0)
            r = show_node(source, target, err);
        count++;
    }
    (void)closedir(list);
    return r;
}

int driver_view_nodes(const char *stage, struct error *err)
{
    int r = show_nodes(stage, "", "nvidia", err);

    if (r == 0)
        r = show_nodes(stage, "", "kfd", err);
    return r < 0 ? r : show_nodes(stage, "dri", "renderD", err);
}

/* --- files ------------------------------------------------------------------------------------------------- */

/* Folders and files, each where it lies outside; a link stays a link. */
static const char *const shown[] = {
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/opt",
    "/sys",
    "/etc/OpenCL",
    "/etc/nvidia",
    "/etc/alternatives",
    "/etc/ld.so.cache",
};

static int make_place(const char *target, bool folder, struct error *err)
{
    int fd;

    if (folder)
        return mkdir(target, 0755) < 0 && errno != EEXIST ? fail_with(err, target) : 0;
    fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    if (fd < 0)
        return fail_with(err, target);
    (void)close(fd);
    return 0;
}

static int show_path(const char *root, const char *path, struct error *err)
{
    char target[PATH_MAX], link[PATH_MAX];
    struct stat status;
    int r;

    (void)snprintf(target, sizeof target, "%.1000s%s", root, path);
    if (lstat(path, &status) < 0)
        return 0;
    if (S_ISLNK(status.st_mode)) {
        ssize_t size = readlink(path, link, sizeof link - 1);

        if (size < 0)
            return fail_with(err, path);
        link[size] = '\0';
        return symlink(link, target) < 0 ? fail_with(err, target) : 0;
    }
    r = make_place(target, S_ISDIR(status.st_mode), err);
    if (r == 0 && mount(path, target, NULL, MS_BIND, NULL) < 0)
        r = fail_with(err, target);
    /* A bind of a read-only mount is so by itself; said once more, where the host's was writable. */
    if (r == 0 && mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
        r = fail_with(err, target);
    return r;
}

int driver_view_build(const char *root, struct error *err)
{
    char path[PATH_MAX];
    int r;

    (void)snprintf(path, sizeof path, "%.1000s/etc", root);
    r = make_place(path, true, err);
    for (size_t i = 0; r == 0 && i < sizeof(shown) / sizeof(shown[0]); i++)
        r = show_path(root, shown[i], err);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof path, "%.1000s" DRIVER_VIEW_CACHE, root);
    r = make_place(path, true, err);
    /* The compiled kernels of a device that is a processor are run from here. */
    if (r == 0 && mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=25%") < 0)
        r = fail_with(err, path);
    return r;
}
