/* SPDX-License-Identifier: Apache-2.0 */
/* Regular files. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FILE_READ_STEP ((size_t)64 * 1024)

enum error_kind file_error_kind(int code)
{
    return code == -EMFILE || code == -ENFILE || code == -ENOMEM ? ERROR_UNAVAILABLE : ERROR_NO_INPUT;
}

int file_open_regular(const char *path, int *ret_fd, struct stat *ret_status, struct error *err)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(err, file_error_kind(-errno), -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_NO_INPUT, -EINVAL, "%s: not a regular file", path);
    *ret_fd = take_fd(&fd);
    *ret_status = status;
    return 0;
}

int file_open_filled(const char *path, int *ret_fd, uint64_t *ret_size, struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r = file_open_regular(path, &fd, &status, err);

    if (r < 0)
        return r;
    if (status.st_size == 0)
        return error_set(err, ERROR_BAD_INPUT, -ENODATA, "%s: the file is empty", path);
    *ret_fd = take_fd(&fd);
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

int file_open_own(const char *path, int *ret_fd, struct stat *ret_status, struct error *err)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat status;

    if (fd < 0 && errno == ELOOP)
        return error_set(err, ERROR_BAD_INPUT, -ELOOP, "%s: a symbolic link, where the file itself belongs", path);
    if (fd < 0 && errno == ENXIO) /* a socket */
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "%s: not a regular file", path);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(err, file_error_kind(-errno), -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "%s: not a regular file", path);
    *ret_fd = take_fd(&fd);
    *ret_status = status;
    return 0;
}

static int read_content(int fd, const char *path, struct buffer *ret_content, struct error *err)
{
    CLEANUP_FREE char *block = malloc(FILE_READ_STEP);
    ssize_t count;
    int r;

    if (block == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to read it", path);
    while ((count = read(fd, block, FILE_READ_STEP)) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
        r = buffer_append(ret_content, block, (size_t)count);
        if (r == -EMSGSIZE)
            return error_set(err, ERROR_BAD_INPUT, r, "%s: larger than %zu bytes", path, ret_content->limit);
        if (r < 0)
            return error_set(err, ERROR_UNAVAILABLE, r, "%s: no memory to read it", path);
    }
    return 0;
}

int file_read_bounded(const char *path, struct buffer *ret_content, struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r = file_open_regular(path, &fd, &status, err);

    return r < 0 ? r : read_content(fd, path, ret_content, err);
}

int file_read_own(const char *path, struct buffer *ret_content, struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r = file_open_own(path, &fd, &status, err);

    return r < 0 ? r : read_content(fd, path, ret_content, err);
}
