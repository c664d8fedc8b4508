/* SPDX-License-Identifier: Apache-2.0 */
/* The output directory, written whole or not at all. */
#include "host/job/staging.h"

#include "base/io.h"
#include "host/job/hidden.h"
#include "host/job/janitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STAGING_COPY_SIZE ((size_t)256 * 1024)

struct staging {
    char final[PATH_MAX], hidden[PATH_MAX];
    bool made;  /* the hidden directory is there, and not yet committed */
    int folder; /* of it */
    struct janitor janitor;
};

static int write_failed(const struct staging *staging, const char *name, struct error *err)
{
    int code = -errno;

    if (code == -ENOSPC || code == -EDQUOT)
        return error_set(err, ERROR_UNAVAILABLE, code,
                         "%s: no space left for %s; free some, or choose another place with -o", staging->final, name);
    return error_set(err, ERROR_UNAVAILABLE, code, "%s: can't write %s: %s", staging->final, name, strerror(-code));
}

int staging_create(const char *path, struct journal *journal, struct staging **ret_staging, struct error *err)
{
    CLEANUP_STAGING struct staging *staging = calloc(1, sizeof *staging);
    struct stat status;
    size_t size = strlen(path);
    int r;

    if (staging == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the output directory");
    staging->folder = -1;
    staging->janitor = (struct janitor)JANITOR_NONE;
    while (size > 1 && path[size - 1] == '/')
        size--;
    (void)snprintf(staging->final, sizeof staging->final, "%.*s", (int)size, path);
    r = hidden_choose(path, staging->hidden, err);
    if (r < 0)
        return r;
    if (lstat(staging->final, &status) == 0)
        return error_set(err, ERROR_USAGE, -EEXIST, "%s: is there already; choose another place with -o",
                         staging->final);
    /* First who undoes it, then the word of it, then the deed. */
    r = janitor_start(staging->hidden, journal != NULL ? journal_path(journal) : NULL, &staging->janitor, err);
    if (r == 0 && journal != NULL)
        r = journal_begin(journal, err);
    if (r == 0 && journal != NULL)
        r = journal_step(journal, "staging", staging->hidden, err);
    if (r < 0)
        return r;
    if (mkdir(staging->hidden, 0700) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't make the output directory: %s", staging->final,
                         strerror(errno));
    staging->made = true;
    staging->folder = open(staging->hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (staging->folder < 0)
        return write_failed(staging, "anything", err);
    *ret_staging = TAKE_POINTER(staging);
    return 0;
}

int staging_open(struct staging *staging, const char *name, int *ret_fd, struct error *err)
{
    int fd = openat(staging->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (fd < 0)
        return write_failed(staging, name, err);
    *ret_fd = fd;
    return 0;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, data, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        data += count;
        size -= (size_t)count;
    }
    return 0;
}

int staging_write(struct staging *staging, const char *name, const void *data, size_t size, struct error *err)
{
    CLEANUP_FD int fd = -1;
    int r = staging_open(staging, name, &fd, err);

    if (r < 0)
        return r;
    r = write_all(fd, data, size);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r < 0) {
        errno = -r;
        return write_failed(staging, name, err);
    }
    return 0;
}

int staging_copy(struct staging *staging, const char *name, int from_fd, struct error *err)
{
    CLEANUP_FREE uint8_t *block = malloc(STAGING_COPY_SIZE);
    CLEANUP_FD int fd = -1;
    uint64_t offset = 0;
    int r;

    if (block == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory to copy %s", name);
    r = staging_open(staging, name, &fd, err);
    while (r == 0) {
        ssize_t count = io_pread_full(from_fd, block, STAGING_COPY_SIZE, offset);

        if (count < 0)
            return error_set(err, ERROR_INTERNAL, (int)count, "can't read %s: %s", name, strerror(-(int)count));
        if (count == 0)
            break;
        r = write_all(fd, block, (size_t)count);
        offset += (uint64_t)count;
    }
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r < 0) {
        errno = -r;
        return write_failed(staging, name, err);
    }
    return 0;
}

const char *staging_path(const struct staging *staging)
{
    return staging->hidden;
}

/* Makes the rename itself survive a power cut; a file system that has no such thing is asked no more. */
static int sync_parent(const char *path)
{
    char parent[PATH_MAX];
    CLEANUP_FD int fd = -1;
    char *slash;

    (void)snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (slash == NULL)
        (void)snprintf(parent, sizeof parent, ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? 0 : -errno; /* a folder may be writable and not readable */
    return fsync(fd) < 0 && errno != EINVAL && errno != EOPNOTSUPP ? -errno : 0;
}

int staging_commit(struct staging *staging, struct error *err)
{
    int r;

    if (fchmod(staging->folder, 0755) < 0 || fsync(staging->folder) < 0)
        return write_failed(staging, "the directory", err);
    if (renameat2(AT_FDCWD, staging->hidden, AT_FDCWD, staging->final, RENAME_NOREPLACE) < 0)
        return errno == EEXIST
                   ? error_set(err, ERROR_USAGE, -EEXIST,
                               "%s: has been made meanwhile, by another; choose another place with -o", staging->final)
                   : write_failed(staging, "the directory", err);
    staging->made = false;
    janitor_dismiss(&staging->janitor);
    r = sync_parent(staging->final);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: is written, but a power cut may undo it: %s", staging->final,
                         strerror(-r));
    return 0;
}

void staging_free(struct staging *staging)
{
    if (staging == NULL)
        return;
    if (staging->folder >= 0)
        (void)close(staging->folder);
    janitor_end(&staging->janitor);
    if (staging->made)
        hidden_remove(staging->hidden); /* where the janitor could not */
    free(staging);
}
