/* SPDX-License-Identifier: Apache-2.0 */
/* A report's file. */
#include "host/cli/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cli_write_file(const char *path, const struct buffer *bytes, struct error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char hidden[PATH_MAX];
    CLEANUP_FD int fd = -1;
    FILE *file;
    bool written;

    if ((size_t)snprintf(hidden, sizeof hidden, "%.*s.%s.XXXXXX", (int)(name - path), path, name) >= sizeof hidden)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", path);
    fd = mkostemp(hidden, O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    file = fdopen(fd, "w");
    if (file == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    (void)take_fd(&fd);
    written = fwrite(bytes->data, 1, bytes->size, file) == bytes->size && fflush(file) == 0 && fsync(fileno(file)) == 0;
    written = fclose(file) == 0 && written;
    if (written && rename(hidden, path) == 0)
        return 0;
    (void)unlink(hidden);
    return error_set(err, ERROR_UNAVAILABLE, -EIO, "%s: can't write the report: %s", path, strerror(errno));
}
