/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors with deadlines. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

uint64_t io_now_ns(void)
{
    struct timespec now;

    /* SYSTEM-CALL worker clock_gettime [0 == CLOCK_MONOTONIC]: progress
       UNSEEN: the vDSO answers, but in a guest whose clock it can't read */
    /* SYSTEM-CALL supervisor clock_gettime [0 == CLOCK_MONOTONIC]: the deadline of its parting
       UNSEEN: the vDSO answers, but in a guest whose clock it can't read */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * IO_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t io_deadline_ms(uint64_t milliseconds)
{
    return io_now_ns() + milliseconds * IO_NS_PER_MS;
}

int io_poll_timeout(uint64_t deadline_ns)
{
    uint64_t now, left;

    if (deadline_ns == IO_NO_DEADLINE)
        return -1;
    now = io_now_ns();
    if (now >= deadline_ns)
        return 0;
    left = (deadline_ns - now + IO_NS_PER_MS - 1) / IO_NS_PER_MS;
    return left > INT_MAX ? INT_MAX : (int)left;
}

int io_set_nonblocking(int fd)
{
    /* SYSTEM-CALL supervisor fcntl [1 == F_GETFL]: its pipes must not block */
    /* SYSTEM-CALL supervisor fcntl [1 == F_SETFL]: likewise */
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

int io_wait(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd poller = {.fd = fd, .events = events};

    for (;;) {
        int r = poll(&poller, 1, io_poll_timeout(deadline_ns));

        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

int io_read_full(int fd, void *ret_data, size_t size, uint64_t deadline_ns)
{
    uint8_t *data = ret_data;

    for (size_t done = 0; done < size;) {
        ssize_t count;
        int r = io_wait(fd, POLLIN, deadline_ns);

        if (r < 0)
            return r;
        count = read(fd, data + done, size - done);
        if (count == 0)
            return -ECONNRESET;
        if (count > 0)
            done += (size_t)count;
        else if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
    return 0;
}

/* One write that raises no SIGPIPE where the descriptor is a socket. */
static ssize_t write_some(int fd, const void *data, size_t size)
{
    /* SYSTEM-CALL supervisor sendto [5 == 0]: evidence, which is no socket, so that write follows
       UNSEEN: only where there is a scratch disk: the microVM tests have it */
    ssize_t count = send(fd, data, size, MSG_NOSIGNAL);

    if (count < 0 && errno == ENOTSOCK)
        count = write(fd, data, size);
    return count;
}

int io_write_full(int fd, const void *data, size_t size, uint64_t deadline_ns)
{
    const uint8_t *bytes = data;

    for (size_t done = 0; done < size;) {
        ssize_t count;
        int r = io_wait(fd, POLLOUT, deadline_ns);

        if (r < 0)
            return r;
        count = write_some(fd, bytes + done, size - done);
        if (count > 0)
            done += (size_t)count;
        else if (count < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
    }
    return 0;
}

ssize_t io_pread_full(int fd, void *ret_data, size_t size, uint64_t offset)
{
    uint8_t *data = ret_data;
    size_t done = 0;

    while (done < size) {
        ssize_t count = pread(fd, data + done, size - done, (off_t)(offset + done));

        if (count == 0)
            break;
        if (count > 0)
            done += (size_t)count;
        else if (errno != EINTR)
            return -errno;
    }
    return (ssize_t)done;
}
