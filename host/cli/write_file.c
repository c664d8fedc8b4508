/* SPDX-License-Identifier: Apache-2.0 */
/* A file of a command's output. */
#include "host/cli/write_file.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const struct buffer *bytes)
{
    int r = fchmod(fd, 0644) < 0 ? -errno : io_write_full(fd, bytes->data, bytes->size, IO_NO_DEADLINE);

    return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int cli_write_file(const char *path, const struct buffer *bytes, struct error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char hidden[PATH_MAX];
    CLEANUP_FD int fd = -1;
    int r;

    if ((size_t)snprintf(hidden, sizeof hidden, "%.*s.%s.XXXXXX", (int)(name - path), path, name) >= sizeof hidden)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", path);
    fd = mkostemp(hidden, O_CLOEXEC);
    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    r = write_all(fd, bytes);
    if (r == 0 && rename(hidden, path) < 0)
        r = -errno;
    if (r == 0)
        return 0;
    (void)unlink(hidden);
    return error_set(err, ERROR_UNAVAILABLE, r, "%s: can't be written: %s", path, strerror(-r));
}
