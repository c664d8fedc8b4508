/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a child process. */
#include "base/child.h"

#include "base/io.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define PAUSE_MS 1 /* between two looks; a pidfd would spare them, and is no call that every filter has */

int child_wait(pid_t pid, int *ret_status, uint64_t deadline_ns)
{
    const int options = deadline_ns == IO_NO_DEADLINE ? 0 : WNOHANG;
    int status = 0;
    pid_t ended;

    while ((ended = waitpid(pid, &status, options)) != pid) {
        if (ended < 0 && errno != EINTR)
            return -errno;
        if (ended == 0 && io_now_ns() >= deadline_ns)
            return -ETIMEDOUT;
        if (ended == 0)
            (void)poll(NULL, 0, PAUSE_MS);
    }
    if (ret_status != NULL)
        *ret_status = status;
    return 0;
}

void child_kill(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGKILL);
    (void)!child_wait(pid, NULL, IO_NO_DEADLINE);
}
