/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors that a forked child does without. */
#include "host/confine/place.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#define OWN_FILES_MAX 1024u

static bool is_lent(int fd, const int *lent_fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lent_fds[i] == fd)
            return true;
    return false;
}

/* One poll(2) tells which numbers are in use. A job opens fewer than OWN_FILES_MAX. */
void confine_close_own(const int *lent_fds, size_t count)
{
    struct pollfd numbers[OWN_FILES_MAX];
    struct rlimit limit;
    nfds_t room = OWN_FILES_MAX;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < room)
        room = limit.rlim_cur;
    for (nfds_t i = 0; i < room; i++)
        numbers[i] = (struct pollfd){.fd = (int)i};
    if (poll(numbers, room, 0) < 0)
        return; /* confine_close_others() follows */
    for (nfds_t i = STDERR_FILENO + 1; i < room; i++) {
        int fd = numbers[i].fd, flags = (numbers[i].revents & POLLNVAL) == 0 ? fcntl(fd, F_GETFD) : -1;

        if (flags >= 0 && (flags & FD_CLOEXEC) != 0 && !is_lent(fd, lent_fds, count))
            (void)close(fd);
    }
}
