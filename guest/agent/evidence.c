/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence on the scratch disk. */
#include "guest/agent/evidence.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOG_DEVICE     "/dev/kmsg"
#define LOG_RECORD_MAX 8192u /* a read gives one record, and fails where it does not fit */

static int open_file(int folder_fd, const char *name)
{
    return openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void evidence_leave_failure(int folder_fd, const char *text)
{
    CLEANUP_FD int fd = folder_fd < 0 ? -1 : open_file(folder_fd, "failure.txt");

    if (fd < 0 || io_write_full(fd, text, strlen(text), IO_NO_DEADLINE) < 0 ||
        io_write_full(fd, "\n", 1, IO_NO_DEADLINE) < 0)
        return;
    (void)syncfs(folder_fd);
}

void evidence_leave_kernel_log(int folder_fd)
{
    CLEANUP_FD int log = folder_fd < 0 ? -1 : open(LOG_DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CLEANUP_FD int fd = log < 0 ? -1 : open_file(folder_fd, "kernel-log.txt");
    char record[LOG_RECORD_MAX];
    size_t total = 0;

    while (fd >= 0 && total < EVIDENCE_LOG_MAX) {
        ssize_t size = read(log, record, sizeof record);

        if (size < 0 && (errno == EPIPE || errno == EINTR)) /* EPIPE: older records have been overwritten */
            continue;
        if (size <= 0 || io_write_full(fd, record, (size_t)size, IO_NO_DEADLINE) < 0)
            break;
        total += (size_t)size;
    }
    if (fd >= 0)
        (void)syncfs(folder_fd);
}
