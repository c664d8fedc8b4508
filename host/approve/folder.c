/* SPDX-License-Identifier: Apache-2.0 */
/* Adding files to an output directory, and finding them. */
#include "host/approve/folder.h"

#include "base/file.h"
#include "base/io.h"
#include "base/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* One name is enough under the lock; what a killed process left is overwritten by the next. */
#define TEMPORARY ".approval.tmp"

int folder_lock(const char *path, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s; an output directory expected", path, strerror(errno));
    if (lock_take(fd, LOCK_WAIT_MOMENTS_MS) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -EWOULDBLOCK, "%s: another process is at work on it; try again", path);
    *ret_fd = take_fd(&fd);
    return 0;
}

static int write_temporary(int folder_fd, const void *data, size_t size)
{
    CLEANUP_FD int fd = openat(folder_fd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    int r = fd < 0 ? -errno : io_write_full(fd, data, size, IO_NO_DEADLINE);

    return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int folder_write(int folder_fd, const char *name, const void *data, size_t size, struct error *err)
{
    int r = write_temporary(folder_fd, data, size);

    if (r == 0 && renameat(folder_fd, TEMPORARY, folder_fd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(folder_fd, TEMPORARY, 0);
    if (r == 0 && fsync(folder_fd) < 0)
        r = -errno;
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "can't write %s: %s", name, strerror(-r)) : 0;
}

int folder_remove(int folder_fd, const char *name, struct error *err)
{
    if (unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "can't remove %s: %s", name, strerror(errno));
    return 0;
}

int folder_read(const char *path, const char *name, struct buffer *ret_content, struct error *err)
{
    char full[PATH_MAX];

    if (snprintf(full, sizeof full, "%s/%s", path, name) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", path);
    return file_read_own(full, ret_content, err);
}

/* Whether the name is PREFIX something ENDING; then what stands between. */
static bool parse_name(const char *name, const char *prefix, const char *ending, char ret_of[FOLDER_FILE_NAME_SIZE])
{
    size_t size = strlen(name), used = strlen(prefix) + strlen(ending);

    if (size <= used || size >= FOLDER_FILE_NAME_SIZE || strncmp(name, prefix, strlen(prefix)) != 0 ||
        strcmp(name + size - strlen(ending), ending) != 0)
        return false;
    (void)snprintf(ret_of, FOLDER_FILE_NAME_SIZE, "%.*s", (int)(size - used), name + strlen(prefix));
    return true;
}

static bool parse_file(const char *name, struct folder_file *ret_file)
{
    *ret_file = (struct folder_file){0};
    ret_file->is_waiver = parse_name(name, FOLDER_WAIVER, FOLDER_BUNDLE_ENDING, ret_file->of);
    ret_file->is_ssh = parse_name(name, FOLDER_SIGN_OFF, FOLDER_SSH_ENDING, ret_file->of);
    if (!ret_file->is_waiver && !ret_file->is_ssh &&
        !parse_name(name, FOLDER_SIGN_OFF, FOLDER_BUNDLE_ENDING, ret_file->of))
        return false;
    (void)snprintf(ret_file->name, sizeof ret_file->name, "%s", name);
    return true;
}

bool folder_is_added(const char *name)
{
    struct folder_file file;

    return parse_file(name, &file) || strcmp(name, FOLDER_STATEMENT) == 0 || strcmp(name, FOLDER_ENVELOPE) == 0 ||
           strcmp(name, FOLDER_RELEASE) == 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct folder_file *)a)->name, ((const struct folder_file *)b)->name);
}

int folder_list(const char *path, struct folder_list *ret_list, struct error *err)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int r = 0;

    if (folder == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s; an output directory expected", path, strerror(errno));
    ret_list->count = 0;
    while (r == 0 && (entry = readdir(folder)) != NULL) {
        struct folder_file file;

        if (!parse_file(entry->d_name, &file))
            continue;
        if (ret_list->count == FOLDER_FILES_MAX)
            r = error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "%s: more than %u sign-offs and waivers", path,
                          FOLDER_FILES_MAX);
        else
            ret_list->files[ret_list->count++] = file;
    }
    (void)closedir(folder);
    qsort(ret_list->files, ret_list->count, sizeof ret_list->files[0], compare);
    return r;
}
