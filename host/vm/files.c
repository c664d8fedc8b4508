/* SPDX-License-Identifier: Apache-2.0 */
/* Small whole files. */
#include "host/vm/files.h"

#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int files_read_text(const char *path, char *ret_text, size_t room, struct error *err)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -errno : io_pread_full(fd, ret_text, room, 0);

    if (size >= 0 && (size_t)size == room)
        size = -EFBIG;
    if (size < 0)
        return error_set(err, ERROR_NO_INPUT, (int)size, "%s: %s", path, strerror((int)-size));
    ret_text[size] = '\0';
    return 0;
}

int files_write_new(int folder_fd, const char *name, const void *data, size_t size, struct error *err)
{
    CLEANUP_FD int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    int r = fd < 0 ? -errno : io_write_full(fd, data, size, IO_NO_DEADLINE);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: can't write: %s", name, strerror(-r));
    return 0;
}

int files_copy_data(int from_fd, int to_fd, uint64_t size_max)
{
    static const size_t piece = 1u << 20;
    CLEANUP_FREE char *data = malloc(piece);
    uint64_t total = 0;

    if (data == NULL)
        return -ENOMEM;
    for (;;) {
        ssize_t size = read(from_fd, data, piece);
        int r;

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return size < 0 ? -errno : 0;
        total += (uint64_t)size;
        if (total > size_max)
            return -EFBIG;
        r = io_write_full(to_fd, data, (size_t)size, IO_NO_DEADLINE);
        if (r < 0)
            return r;
    }
}

/* Same size and time of change: the copy that an earlier call made. */
static bool is_copied(int to_fd, const char *name, const struct stat *from)
{
    struct stat to;

    return fstatat(to_fd, name, &to, AT_SYMLINK_NOFOLLOW) == 0 && to.st_size == from->st_size &&
           to.st_mtim.tv_sec == from->st_mtim.tv_sec && to.st_mtim.tv_nsec == from->st_mtim.tv_nsec;
}

static int copy_file(int from_fd, int to_fd, const char *name, uint64_t size_max)
{
    char temporary[NAME_MAX + 1];
    struct stat status;
    CLEANUP_FD int from = openat(from_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP_FD int to = -1;
    int r;

    if (from < 0 || fstat(from, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > size_max || is_copied(to_fd, name, &status))
        return 0;
    if (snprintf(temporary, sizeof(temporary), ".%s.%d", name, getpid()) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    to = openat(to_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return -errno;
    r = files_copy_data(from, to, size_max);
    if (r == 0 && (futimens(to, (struct timespec[]){status.st_atim, status.st_mtim}) < 0 ||
                   renameat(to_fd, temporary, to_fd, name) < 0))
        r = -errno;
    if (r < 0)
        (void)unlinkat(to_fd, temporary, 0);
    return r;
}

int files_copy_folder(int from_fd, int to_fd, const char *suffix, uint64_t size_max)
{
    int scan_fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = scan_fd < 0 ? NULL : fdopendir(scan_fd);
    struct dirent *entry;
    int r = 0;

    if (folder == NULL) {
        r = -errno;
        if (scan_fd >= 0)
            (void)close(scan_fd);
        return r;
    }
    while (r == 0 && (entry = readdir(folder)) != NULL) {
        size_t size = strlen(entry->d_name), tail = strlen(suffix);

        if (entry->d_name[0] != '.' && size > tail && strcmp(entry->d_name + size - tail, suffix) == 0)
            r = copy_file(from_fd, to_fd, entry->d_name, size_max);
    }
    (void)closedir(folder);
    return r;
}
