/* SPDX-License-Identifier: Apache-2.0 */
/* A new image in the making. */
#include "host/vm/image_folder.h"

#include "host/vm/files.h"
#include "host/vm/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NEW_PREFIX ".new."

static int fail_at(struct error *err, const char *what)
{
    return error_set(err, ERROR_UNAVAILABLE, -errno, "%s/" IMAGE_FOLDER "/%s: %s", state_path(), what, strerror(errno));
}

/* Calls `visit` for each file; 0, or the first negative errno. */
static int for_each_file(int fd, int (*visit)(int fd, const char *name))
{
    int scan_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *scan = scan_fd < 0 ? NULL : fdopendir(scan_fd);
    struct dirent *entry;
    int r = 0;

    if (scan == NULL) {
        cleanup_close_fd(&scan_fd);
        return -errno;
    }
    while (r == 0 && (entry = readdir(scan)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = visit(fd, entry->d_name);
    (void)closedir(scan);
    return r;
}

static int sync_file(int folder_fd, const char *name)
{
    CLEANUP_FD int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* A file, or a folder with what is in it: the recipe works in one. */
static int remove_file(int folder_fd, const char *name)
{
    CLEANUP_FD int fd = -1;

    if (unlinkat(folder_fd, name, 0) == 0)
        return 0;
    if (errno != EISDIR)
        return -errno;
    fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    (void)for_each_file(fd, remove_file);
    return unlinkat(folder_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* A folder that nobody holds is what a killed process left. */
static int remove_stale(int images_fd, const char *name)
{
    CLEANUP_FD int fd = -1;

    if (strncmp(name, NEW_PREFIX, strlen(NEW_PREFIX)) != 0)
        return 0;
    fd = openat(images_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return 0;
    (void)for_each_file(fd, remove_file);
    (void)unlinkat(images_fd, name, AT_REMOVEDIR);
    return 0;
}

int image_folder_make(struct image_folder *ret_folder, struct error *err)
{
    CLEANUP_IMAGE_FOLDER struct image_folder folder = {.images_fd = -1, .fd = -1};
    CLEANUP_FD int state_fd = -1;
    int r = state_open(&state_fd, err);

    if (r == 0)
        r = state_open_folder(state_fd, IMAGE_FOLDER, &folder.images_fd, err);
    if (r < 0)
        return r;
    (void)for_each_file(folder.images_fd, remove_stale);
    if (snprintf(folder.path, sizeof(folder.path), "%s/" IMAGE_FOLDER "/" NEW_PREFIX "XXXXXX", state_path()) >=
        (int)sizeof(folder.path))
        return error_set(err, ERROR_UNAVAILABLE, -ENAMETOOLONG, "%s: too long", state_path());
    if (mkdtemp(folder.path) == NULL)
        return fail_at(err, NEW_PREFIX);
    (void)snprintf(folder.name, sizeof(folder.name), "%s", strrchr(folder.path, '/') + 1);
    folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.fd < 0 || flock(folder.fd, LOCK_EX | LOCK_NB) < 0 || fchmod(folder.fd, 0755) < 0)
        return fail_at(err, folder.name);
    *ret_folder = folder;
    folder.images_fd = folder.fd = -1; /* transferred */
    return 0;
}

/* The name of the default image, replaced whole. */
static int write_default(int images_fd, const char *name, const char *digest, struct error *err)
{
    char text[SHA256_HEX_SIZE + 1], temporary[64];
    int size = snprintf(text, sizeof(text), "%s\n", digest);
    int r;

    (void)snprintf(temporary, sizeof(temporary), ".default.%d", getpid());
    r = files_write_new(images_fd, temporary, text, (size_t)size, err);
    if (r == 0 && renameat(images_fd, temporary, images_fd, name) < 0)
        r = fail_at(err, name);
    if (r < 0)
        (void)unlinkat(images_fd, temporary, 0);
    return r;
}

static int sync_files(int fd)
{
    int r = for_each_file(fd, sync_file);

    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r < 0)
        errno = -r;
    return r;
}

/* After an exchange the temporary name is that of the old folder, which is to be removed. */
static int reopen(struct image_folder *folder)
{
    int fd = openat(folder->images_fd, folder->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    (void)close(folder->fd);
    folder->fd = fd;
    return 0;
}

int image_folder_publish(struct image_folder *folder, const char *digest, const char *default_name, bool make_default,
                         struct error *err)
{
    if (sync_files(folder->fd) < 0)
        return fail_at(err, folder->name);
    if (renameat(folder->images_fd, folder->name, folder->images_fd, digest) == 0)
        folder->name[0] = '\0';
    /* One of that name is there: it may be damaged, so the new one takes its place. */
    else if ((errno != EEXIST && errno != ENOTEMPTY) ||
             renameat2(folder->images_fd, folder->name, folder->images_fd, digest, RENAME_EXCHANGE) < 0 ||
             reopen(folder) < 0)
        return fail_at(err, digest);
    if (make_default || faccessat(folder->images_fd, default_name, F_OK, 0) < 0)
        return write_default(folder->images_fd, default_name, digest, err);
    return 0;
}

void image_folder_free(struct image_folder *folder)
{
    if (folder->fd >= 0 && folder->name[0] != '\0') {
        (void)for_each_file(folder->fd, remove_file);
        (void)unlinkat(folder->images_fd, folder->name, AT_REMOVEDIR);
    }
    cleanup_close_fd(&folder->fd);
    cleanup_close_fd(&folder->images_fd);
    folder->fd = folder->images_fd = -1;
}
