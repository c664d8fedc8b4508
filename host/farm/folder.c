/* SPDX-License-Identifier: Apache-2.0 */
/* A farm's folder: its places, workers' locks, files written whole. */
#include "host/farm/folder.h"

#include "base/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define CLAIM_TRIES 16u

static int make(const char *path, struct error *err)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    return error_set(err, errno == ENOENT ? ERROR_NO_INPUT : ERROR_UNAVAILABLE, -errno, "%s: can't be made: %s", path,
                     strerror(errno));
}

int folder_find(const char *path, char ret_path[PATH_MAX], struct error *err)
{
    if (realpath(path, ret_path) != NULL)
        return 0;
    return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s; a farm is begun by `lazaret batch JOBS.jsonl -o %s`", path,
                     strerror(errno), path);
}

int folder_make(const char *path, char ret_path[PATH_MAX], struct error *err)
{
    static const char *const parts[] = {FOLDER_RESULTS, FOLDER_ATTEMPTS, FOLDER_LOGS, FOLDER_WORKERS};
    char part[PATH_MAX];
    int r = make(path, err);

    if (r == 0)
        r = folder_find(path, ret_path, err);
    for (size_t i = 0; r == 0 && i < sizeof parts / sizeof parts[0]; i++) {
        r = folder_path(ret_path, parts[i], part, err);
        if (r == 0)
            r = make(part, err);
    }
    if (r == 0 && access(ret_path, W_OK) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't be written: %s", ret_path, strerror(errno));
    return r;
}

int folder_path(const char *folder, const char *name, char ret_path[PATH_MAX], struct error *err)
{
    if ((size_t)snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
        return 0;
    return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%.64s…: the path is too long; choose a shorter one", folder);
}

int folder_job_path(const char *folder, const char *part, const char *id, const char *ending, char ret_path[PATH_MAX],
                    struct error *err)
{
    if ((size_t)snprintf(ret_path, PATH_MAX, "%s/%s/%s%s", folder, part, id, ending) < PATH_MAX)
        return 0;
    return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%.64s…: the path is too long; choose a shorter one", folder);
}

int folder_sync(const char *folder, const char *part, struct error *err)
{
    char path[PATH_MAX];
    CLEANUP_FD int fd = -1;
    int r = folder_path(folder, part, path, err);

    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno)) : 0;
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

/* 0 with the name's file locked, -ESTALE where who clears up after dead workers was here first and took it for one's.
 */
static int claim(const char *path, int *ret_fd)
{
    CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    struct stat status;
    int r = fd < 0 ? -errno : lock_take(fd, LOCK_WAIT_MOMENTS_MS);

    if (r == 0 && fstat(fd, &status) < 0)
        r = -errno;
    if (r == 0 && status.st_nlink == 0)
        r = -ESTALE;
    if (r == 0)
        *ret_fd = take_fd(&fd);
    return r;
}

static int claim_new_name(const char *folder, char ret_name[QUEUE_WORKER_SIZE], int *ret_fd, struct error *err)
{
    char name[QUEUE_WORKER_SIZE], path[PATH_MAX];
    uint64_t random = 0;
    int r;

    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    (void)snprintf(name, sizeof name, "%016llx", (unsigned long long)random);
    r = folder_job_path(folder, FOLDER_WORKERS, name, "", path, err);
    if (r < 0)
        return r;
    r = claim(path, ret_fd);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", path, strerror(-r));
    memcpy(ret_name, name, sizeof name);
    return 0;
}

int folder_claim_worker(const char *folder, char ret_name[QUEUE_WORKER_SIZE], int *ret_fd, struct error *err)
{
    int r = -ESTALE;

    for (unsigned try = 0; r == -ESTALE && try < CLAIM_TRIES; try++)
        r = claim_new_name(folder, ret_name, ret_fd, err);
    return r;
}

bool folder_worker_lives(const char *folder, const char *name)
{
    char path[PATH_MAX];
    CLEANUP_FD int fd = -1;

    if (folder_job_path(folder, FOLDER_WORKERS, name, "", path, NULL) < 0)
        return false;
    fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno != ENOENT;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return true;
    (void)unlink(path);
    return false;
}

void folder_forget_dead_workers(const char *folder)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *directory = folder_path(folder, FOLDER_WORKERS, path, NULL) < 0 ? NULL : opendir(path);

    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            (void)folder_worker_lives(folder, entry->d_name);
    if (directory != NULL)
        (void)closedir(directory);
}

/* --- files ---------------------------------------------------------------------------------------------------------
 */

static int file_failed(const struct folder_file *file, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't be written: %s", file->path, strerror(errno));
}

int folder_file_begin(const char *folder, const char *name, struct folder_file *ret_file, struct error *err)
{
    char unique[64];
    int fd, r;

    (void)snprintf(unique, sizeof unique, ".%.32s.%ld", name, (long)getpid());
    r = folder_path(folder, name, ret_file->path, err);
    if (r == 0)
        r = folder_path(folder, unique, ret_file->hidden, err);
    if (r < 0)
        return r;
    fd = open(ret_file->hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    ret_file->stream = fd < 0 ? NULL : fdopen(fd, "w");
    return ret_file->stream != NULL ? 0 : file_failed(ret_file, err);
}

int folder_file_commit(struct folder_file *file, struct error *err)
{
    errno = EIO;
    if (ferror(file->stream) != 0 || fflush(file->stream) != 0 || fsync(fileno(file->stream)) < 0 ||
        rename(file->hidden, file->path) < 0)
        return file_failed(file, err);
    (void)fclose(file->stream);
    file->stream = NULL;
    return 0;
}

void folder_file_drop(struct folder_file *file)
{
    if (file->stream == NULL)
        return;
    (void)fclose(file->stream);
    file->stream = NULL;
    (void)unlink(file->hidden);
}
