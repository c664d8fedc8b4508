/* SPDX-License-Identifier: Apache-2.0 */
/* The shared directory. */
#include "host/farm/slurm/share.h"

#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_SIZE 128u

static const char file_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

/* --- the folders ------------------------------------------------------------------------------------------------- */

/* One of ours: not a link, and nobody else may write into it. */
static int open_folder(int parent, const char *name, const char *shown, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct stat status;

    if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s/%s: can't be made: %s", shown, name, strerror(errno));
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s/%s: %s", shown, name, strerror(errno));
    if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(err, ERROR_UNAVAILABLE, -EPERM,
                         "%s/%s: another user's, or others may write to it; move it away", shown, name);
    *ret_fd = take_fd(&fd);
    return 0;
}

static int open_parts(struct share *share, int parent, const char *batch, const char *shared, struct error *err)
{
    CLEANUP_FD int fd = -1;
    char name[NAME_SIZE];
    int r;

    (void)snprintf(name, sizeof name, "lazaret-%s", batch);
    r = open_folder(parent, name, shared, &fd, err);
    if (r == 0)
        r = open_folder(fd, SHARE_ORDERS, share->path, &share->orders, err);
    if (r == 0)
        r = open_folder(fd, SHARE_RESULTS, share->path, &share->results, err);
    if (r == 0)
        r = open_folder(fd, SHARE_RECORDS, share->path, &share->records, err);
    if (r == 0)
        r = open_folder(fd, SHARE_LOGS, share->path, &share->logs, err);
    return r;
}

int share_open(const char *shared, const char *batch, struct share *ret_share, struct error *err)
{
    struct share share = {.orders = -1, .results = -1, .records = -1, .logs = -1};
    CLEANUP_FD int parent = -1;
    char whole[PATH_MAX];
    int r;

    if (realpath(shared, whole) == NULL)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", shared, strerror(errno));
    if (strpbrk(whole, "%\\\n") != NULL)
        return error_set(
            err, ERROR_USAGE, -EINVAL,
            "%s: a percent sign, backslash or line's end in the path is a pattern to Slurm; choose another", whole);
    if ((size_t)snprintf(share.path, sizeof share.path, "%s/lazaret-%s", whole, batch) >= sizeof share.path - NAME_SIZE)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%.64s…: the path is too long", shared);
    parent = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", whole, strerror(errno));
    r = open_parts(&share, parent, batch, whole, err);
    if (r < 0)
        share_close(&share);
    else
        *ret_share = share;
    return r;
}

void share_close(struct share *share)
{
    int *const fds[] = {&share->orders, &share->results, &share->records, &share->logs};

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] >= 0)
            (void)close(*fds[i]);
        *fds[i] = -1;
    }
}

/* --- files ------------------------------------------------------------------------------------------------------- */

int share_write_file(int folder, const char *name, const void *data, size_t size, struct error *err)
{
    CLEANUP_FD int fd = -1;
    char hidden[NAME_SIZE];
    int r;

    (void)snprintf(hidden, sizeof hidden, ".%.100s.%ld", name, (long)getpid());
    (void)unlinkat(folder, hidden, 0);
    fd = openat(folder, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    r = fd < 0 ? -errno : io_write_full(fd, data, size, IO_NO_DEADLINE);
    if (r == 0 && (fsync(fd) < 0 || renameat(folder, hidden, folder, name) < 0 || fsync(folder) < 0))
        r = -errno;
    if (r < 0 && fd >= 0)
        (void)unlinkat(folder, hidden, 0);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "%s: can't be written to the shared directory: %s", name,
                             strerror(-r))
                 : 0;
}

int share_open_file(int folder, const char *name, uint64_t max, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;

    if (fd < 0 && errno == ELOOP)
        return error_set(err, ERROR_BAD_INPUT, -ELOOP, "%s: a symbolic link, where the file itself belongs", name);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NO_INPUT, -ENOENT, "%s: not there", name);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(err, ERROR_BAD_INPUT, -errno, "%s: %s", name, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "%s: not a regular file", name);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return error_set(err, ERROR_BAD_INPUT, -EPERM, "%s: belongs to user %u, neither this one nor root", name,
                         status.st_uid);
    if (status.st_nlink != 1)
        return error_set(err, ERROR_BAD_INPUT, -EMLINK, "%s: has another name too", name);
    if (status.st_size < 0 || (uint64_t)status.st_size > max)
        return error_set(err, ERROR_BAD_INPUT, -EFBIG, "%s: larger than %llu bytes", name, (unsigned long long)max);
    *ret_fd = take_fd(&fd);
    return 0;
}

int share_write_orders(const struct share *share, const char *array, const void *text, size_t size, struct error *err)
{
    char name[NAME_SIZE];

    (void)snprintf(name, sizeof name, "%s.json", array);
    return share_write_file(share->orders, name, text, size, err);
}

void share_remove_orders(const struct share *share, const char *array, unsigned tasks)
{
    char name[NAME_SIZE];

    (void)snprintf(name, sizeof name, "%s.json", array);
    (void)unlinkat(share->orders, name, 0);
    for (unsigned i = 0; i < tasks; i++) {
        (void)snprintf(name, sizeof name, "%.64s_%u.out", array, i);
        (void)unlinkat(share->logs, name, 0);
    }
}

void share_remove_all(const struct share *share)
{
    static const char *const parts[] = {SHARE_ORDERS, SHARE_RESULTS, SHARE_RECORDS, SHARE_LOGS};
    CLEANUP_FD int folder = open(share->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    for (size_t i = 0; folder >= 0 && i < sizeof parts / sizeof parts[0]; i++)
        (void)unlinkat(folder, parts[i], AT_REMOVEDIR);
    (void)rmdir(share->path);
}

/* --- records ----------------------------------------------------------------------------------------------------- */

/* "NONCE.json" */
static bool take_nonce(const char *name, char ret_nonce[ORDER_NONCE_SIZE])
{
    if (strlen(name) != ORDER_NONCE_SIZE - 1 + strlen(".json") || strcmp(name + ORDER_NONCE_SIZE - 1, ".json") != 0)
        return false;
    (void)snprintf(ret_nonce, ORDER_NONCE_SIZE, "%s", name);
    return order_is_nonce(ret_nonce);
}

static DIR *open_listing(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);

    if (directory == NULL && fd >= 0)
        (void)close(fd);
    return directory;
}

int share_list_records(const struct share *share, char (*ret_nonces)[ORDER_NONCE_SIZE], size_t *ret_count,
                       struct error *err)
{
    DIR *directory = open_listing(share->records);
    const struct dirent *entry;
    size_t count = 0;

    if (directory == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s/" SHARE_RECORDS ": %s", share->path, strerror(errno));
    while (count < SHARE_RECORDS_MAX && (entry = readdir(directory)) != NULL)
        if (take_nonce(entry->d_name, ret_nonces[count]))
            count++;
        else if (entry->d_name[0] != '.') /* a hidden one is being written */
            (void)unlinkat(share->records, entry->d_name, 0);
    (void)closedir(directory);
    *ret_count = count;
    return 0;
}

int share_read_record(const struct share *share, const char *nonce, struct order_record *ret_record, struct error *err)
{
    CLEANUP_FD int fd = -1;
    char name[NAME_SIZE], text[ORDER_RECORD_MAX + 1];
    ssize_t got;
    int r;

    (void)snprintf(name, sizeof name, "%s.json", nonce);
    r = share_open_file(share->records, name, ORDER_RECORD_MAX, &fd, err);
    if (r < 0)
        return r;
    got = io_pread_full(fd, text, sizeof text, 0);
    if (got < 0)
        return error_set(err, ERROR_BAD_INPUT, (int)got, "%s: %s", name, strerror((int)-got));
    r = order_record_read(text, (size_t)got, name, ret_record, err);
    if (r == 0 && strcmp(ret_record->nonce, nonce) != 0)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the record of another order", name);
    return r;
}

/* --- removing ---------------------------------------------------------------------------------------------------- */

/* A folder of files, without looking into folders that somebody put there: those stay, and so does it. */
static void remove_folder(int parent, const char *name)
{
    CLEANUP_FD int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const struct dirent *entry;
    DIR *directory = fd < 0 ? NULL : open_listing(fd);
    unsigned count = 0;

    if (fd < 0)
        (void)unlinkat(parent, name, 0); /* a link or a file in its place */
    while (directory != NULL && count++ < 2 * SHARE_FILES_MAX && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(fd, entry->d_name, 0);
    if (directory != NULL)
        (void)closedir(directory);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void share_remove(const struct share *share, const char *nonce)
{
    char name[NAME_SIZE];

    remove_folder(share->results, nonce);
    (void)snprintf(name, sizeof name, "%s.log", nonce);
    (void)unlinkat(share->logs, name, 0);
    (void)snprintf(name, sizeof name, "%s.json", nonce);
    (void)unlinkat(share->records, name, 0);
}

/* --- results ----------------------------------------------------------------------------------------------------- */

struct fetch {
    int from, to;
    uint64_t left;
    unsigned files;
};

/* At most `max` bytes, whatever the file's size says meanwhile. */
static int copy_bytes(int from, int to, const char *name, uint64_t max, uint64_t *ret_size, struct error *err)
{
    char block[65536];
    uint64_t size = 0;

    for (;;) {
        ssize_t got = io_pread_full(from, block, sizeof block, size);

        if (got < 0)
            return error_set(err, ERROR_BAD_INPUT, (int)got, "%s: %s", name, strerror((int)-got));
        if (size + (uint64_t)got > max)
            return error_set(err, ERROR_BAD_INPUT, -EFBIG, "%s: larger than %llu bytes", name, (unsigned long long)max);
        if (io_write_full(to, block, (size_t)got, IO_NO_DEADLINE) < 0)
            return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't be copied: %s", name, strerror(errno));
        size += (uint64_t)got;
        if ((size_t)got < sizeof block)
            break;
    }
    *ret_size = size;
    return 0;
}

static int fetch_file(struct fetch *fetch, const char *name, struct error *err)
{
    uint64_t max = fetch->left < SHARE_FILE_MAX ? fetch->left : SHARE_FILE_MAX, size = 0;
    CLEANUP_FD int from = -1, to = -1;
    int r;

    if (name[0] == '.' || strlen(name) >= NAME_SIZE || name[strspn(name, file_characters)] != '\0')
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "a file's name that no result has");
    if (++fetch->files > SHARE_FILES_MAX)
        return error_set(err, ERROR_BAD_INPUT, -E2BIG, "more than %u files", SHARE_FILES_MAX);
    r = share_open_file(fetch->from, name, max, &from, err);
    if (r < 0)
        return r;
    to = openat(fetch->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (to < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't be copied: %s", name, strerror(errno));
    r = copy_bytes(from, to, name, max, &size, err);
    if (r == 0 && fsync(to) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: can't be copied: %s", name, strerror(errno));
    fetch->left -= size;
    return r;
}

static int fetch_files(struct fetch *fetch, struct error *err)
{
    DIR *directory = open_listing(fetch->from);
    const struct dirent *entry;
    int r = 0;

    if (directory == NULL)
        return error_set(err, ERROR_BAD_INPUT, -errno, "a result that can't be read: %s", strerror(errno));
    while (r == 0 && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = fetch_file(fetch, entry->d_name, err);
    (void)closedir(directory);
    if (r == 0 && fsync(fetch->to) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "a result can't be copied: %s", strerror(errno));
    return r;
}

int share_fetch_result(const struct share *share, const char *nonce, const char *to, struct error *err)
{
    CLEANUP_FD int from = openat(share->results, nonce, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), target = -1;
    struct fetch fetch = {.from = from, .left = SHARE_RESULT_MAX};
    int r;

    if (from < 0 && errno == ENOENT)
        return error_set(err, ERROR_BAD_INPUT, -ENOENT, "it says that there is a result, and there is none");
    if (from < 0)
        return error_set(err, ERROR_BAD_INPUT, -errno, "its result is no folder: %s", strerror(errno));
    remove_folder(AT_FDCWD, to); /* of a controller that was killed meanwhile */
    if (mkdir(to, 0755) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", to, strerror(errno));
    target = open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    fetch.to = target;
    r = target < 0 ? error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", to, strerror(errno))
                   : fetch_files(&fetch, err);
    if (r < 0)
        remove_folder(AT_FDCWD, to);
    return r;
}

void share_fetch_log(const struct share *share, const char *nonce, const char *to)
{
    CLEANUP_FD int from = -1, target = -1;
    char name[NAME_SIZE];
    uint64_t size;

    (void)snprintf(name, sizeof name, "%s.log", nonce);
    if (share_open_file(share->logs, name, SHARE_LOG_MAX, &from, NULL) < 0)
        return;
    target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (target >= 0)
        (void)!copy_bytes(from, target, name, SHARE_LOG_MAX, &size, NULL);
}
