/* SPDX-License-Identifier: Apache-2.0 */
/* Locks on files. */
#include "base/lock.h"

#include "base/io.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#define STEP_NS 2000000L

/* The kernel's own waiting knows no deadline but a signal's, and a library has no signal to give away. */
int lock_take(int fd, uint64_t wait_ms)
{
    const struct timespec step = {.tv_nsec = STEP_NS};
    uint64_t deadline = io_deadline_ms(wait_ms);

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EINTR && (errno != EWOULDBLOCK || io_now_ns() >= deadline))
            return -errno;
        (void)nanosleep(&step, NULL);
    }
    return 0;
}
