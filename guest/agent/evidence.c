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
    /* SYSTEM-CALL supervisor openat [0 == SCRATCH_FOLDER]: evidence; Landlock has no other place
       UNSEEN: only where there is a scratch disk: the microVM tests have it */
    return openat(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void evidence_leave_failure(int folder_fd, const char *text)
{
    CLEANUP_FD int fd = folder_fd < 0 ? -1 : open_file(folder_fd, "failure.txt");

    if (fd < 0 || io_write_full(fd, text, strlen(text), IO_NO_DEADLINE) < 0 ||
        io_write_full(fd, "\n", 1, IO_NO_DEADLINE) < 0)
        return;
    /* SYSTEM-CALL supervisor syncfs: evidence is on the disk before the host hears of the failure
       UNSEEN: only where there is a scratch disk: the microVM tests have it */
    (void)syncfs(folder_fd);
}

int evidence_open_kernel_log(void)
{
    return open(LOG_DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

void evidence_leave_kernel_log(int folder_fd, int log_fd)
{
    CLEANUP_FD int fd = folder_fd < 0 || log_fd < 0 ? -1 : open_file(folder_fd, "kernel-log.txt");
    char record[LOG_RECORD_MAX];
    size_t total = 0;

    while (fd >= 0 && total < EVIDENCE_LOG_MAX) {
        ssize_t size = read(log_fd, record, sizeof record);

        if (size < 0 && (errno == EPIPE || errno == EINTR)) /* EPIPE: older records have been overwritten */
            continue;
        if (size <= 0 || io_write_full(fd, record, (size_t)size, IO_NO_DEADLINE) < 0)
            break;
        total += (size_t)size;
    }
    if (fd >= 0)
        (void)syncfs(folder_fd);
}
