/* SPDX-License-Identifier: Apache-2.0 */
/* Making the scratch disk. */
#include "host/vm/scratch.h"

#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "/sbin/mke2fs"

/* Without a journal, which would only repeat what lies on the disk already, and with nothing kept back for root. */
static int run_format(const char *path, struct error *err)
{
    const char *const arguments[] = {PROGRAM, "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", path, NULL};
    const struct program program = {.file = PROGRAM, .arguments = arguments, .input = -1, .output = -1};
    int status = 0;
    int r = program_run(&program, &status);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, PROGRAM " can't be run: %s; apt-get install e2fsprogs",
                         strerror(-r));
    if (status != 0)
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "%s: mke2fs made no file system of it; is the disk full?", path);
    return 0;
}

int scratch_create(const char *path, uint64_t mib, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = 0;

    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    if (ftruncate(fd, (off_t)(mib << 20)) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    if (r == 0)
        r = run_format(path, err);
    if (r < 0) {
        (void)unlink(path);
        return r;
    }
    *ret_fd = take_fd(&fd);
    return 0;
}
