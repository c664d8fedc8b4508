/* SPDX-License-Identifier: Apache-2.0 */
/* The output directory, written whole or not at all, and the janitor that waits beside it. */
#include "host/job/staging.h"

#include "base/io.h"
#include "host/confine/janitor.h"
#include "host/confine/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STAGING_COPY_SIZE ((size_t)256 * 1024)
#define JANITOR_DISMISSED 'd'

struct staging {
    char final[PATH_MAX], hidden[PATH_MAX];
    int folder;       /* of the hidden directory */
    int janitor_pipe; /* closing it without a word sets the janitor to work */
    pid_t janitor;
};

/* --- the janitor ----------------------------------------------------------------------------------- */

void staging_remove(const char *hidden_path)
{
    DIR *folder = opendir(hidden_path);
    struct dirent *entry;

    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    (void)closedir(folder);
    (void)rmdir(hidden_path);
}

/* Waits for the pipe's end: a letter means that all is well, nothing means that the monitor is gone. */
static void run_janitor(int pipe_end, const char *hidden, const char *journal)
{
    char word = 0;
    ssize_t count;

    (void)setsid(); /* an interrupt at the terminal is the monitor's, not ours */
    (void)signal(SIGTERM, SIG_IGN);
    if (confine_janitor(pipe_end, (const char *const[]){hidden, journal}, 2, NULL) < 0)
        _exit(1);
    do
        count = read(pipe_end, &word, 1);
    while (count < 0 && errno == EINTR);
    if (count <= 0 || word != JANITOR_DISMISSED)
        staging_remove(hidden);
    if (journal != NULL)
        (void)unlink(journal);
    _exit(0);
}

static int start_janitor(struct staging *staging, const char *journal, struct error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "pipe: %s", strerror(errno));
    staging->janitor = confine_fork();
    if (staging->janitor == 0) {
        (void)close(ends[1]);
        run_janitor(ends[0], staging->hidden, journal);
    }
    (void)close(ends[0]);
    staging->janitor_pipe = ends[1];
    if (staging->janitor < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "fork: %s", strerror(errno));
    return 0;
}

/* --- the monitor's side ------------------------------------------------------------------------------ */

static int write_failed(const struct staging *staging, const char *name, struct error *err)
{
    int code = -errno;

    if (code == -ENOSPC || code == -EDQUOT)
        return error_set(err, ERROR_UNAVAILABLE, code,
                         "%s: no space left for %s; free some, or choose another place with -o", staging->final, name);
    return error_set(err, ERROR_UNAVAILABLE, code, "%s: can't write %s: %s", staging->final, name, strerror(-code));
}

/* Splits off the last component: "a/b/" is b in a, "b" is b in ".". */
static int make_hidden_name(struct staging *staging, const char *path, struct error *err)
{
    char parent[PATH_MAX];
    size_t size = strlen(path);
    const char *name;

    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size == 0 || size > PATH_MAX - 64 || (size == 1 && path[0] == '/'))
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: not a path for an output directory", path);
    memcpy(staging->final, path, size);
    staging->final[size] = '\0';
    memcpy(parent, staging->final, size + 1);
    name = strrchr(parent, '/');
    if (name == NULL)
        (void)snprintf(staging->hidden, sizeof staging->hidden, ".%s.XXXXXX", staging->final);
    else
        (void)snprintf(staging->hidden, sizeof staging->hidden, "%.*s/.%s.XXXXXX", (int)(name - parent), parent,
                       name + 1);
    return 0;
}

int staging_create(const char *path, const char *journal, struct staging **ret_staging, struct error *err)
{
    CLEANUP_STAGING struct staging *staging = calloc(1, sizeof *staging);
    struct stat status;
    int r;

    if (staging == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for the output directory");
    staging->folder = staging->janitor_pipe = -1;
    r = make_hidden_name(staging, path, err);
    if (r < 0)
        return r;
    if (lstat(staging->final, &status) == 0)
        return error_set(err, ERROR_USAGE, -EEXIST, "%s: is there already; choose another place with -o",
                         staging->final);
    if (mkdtemp(staging->hidden) == NULL)
        return error_set(err, errno == ENOENT ? ERROR_NO_INPUT : ERROR_UNAVAILABLE, -errno,
                         "%s: can't make the output directory: %s", staging->final, strerror(errno));
    r = start_janitor(staging, journal, err);
    if (r < 0) {
        (void)rmdir(staging->hidden);
        return r;
    }
    staging->folder = open(staging->hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

/* Makes the rename itself survive a power cut. */
static void sync_parent(const char *path)
{
    char parent[PATH_MAX];
    char *slash;
    int fd;

    (void)snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (slash == NULL)
        (void)snprintf(parent, sizeof parent, ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    (void)close(fd);
}

int staging_commit(struct staging *staging, struct error *err)
{
    const char word = JANITOR_DISMISSED;

    if (fchmod(staging->folder, 0755) < 0 || fsync(staging->folder) < 0)
        return write_failed(staging, "the directory", err);
    if (renameat2(AT_FDCWD, staging->hidden, AT_FDCWD, staging->final, RENAME_NOREPLACE) < 0)
        return write_failed(staging, "the directory", err);
    sync_parent(staging->final);
    (void)!write(staging->janitor_pipe, &word, 1);
    return 0;
}

void staging_free(struct staging *staging)
{
    if (staging == NULL)
        return;
    if (staging->folder >= 0)
        (void)close(staging->folder);
    if (staging->janitor_pipe >= 0)
        (void)close(staging->janitor_pipe);
    if (staging->janitor > 0)
        (void)waitpid(staging->janitor, NULL, 0);
    free(staging);
}
