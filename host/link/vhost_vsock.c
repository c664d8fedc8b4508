/* SPDX-License-Identifier: Apache-2.0 */
/* The link through the kernel's vhost-vsock, and the reservation of a CID. */
#include "base/io.h"
#include "host/link/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h> /* after sys/socket.h, whose types it uses */

#define VHOST_VSOCK_PATH "/dev/vhost-vsock"

/* What the kernel says while the guest boots: no driver, no listener, or no answer yet. */
static bool may_retry(int error)
{
    switch (error) {
    case ENODEV:       /* nobody has the CID yet */
    case EHOSTUNREACH: /* newer kernels: its device isn't started */
    case ENETUNREACH:
    case ECONNRESET: /* RST: nobody listens */
    case ECONNREFUSED:
    case ETIMEDOUT: /* REQUEST waits for a driver */
    case EPIPE:
    case EINTR:
        return true;
    default:
        return false;
    }
}

/* The guest may fill more of our memory than by default, and so be faster. */
static void enlarge_buffer(int fd)
{
    const uint64_t size = LINK_SOCKET_BUFFER;

    (void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size, sizeof size);
    (void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof size);
}

/* Waits for a connect in progress; returns 0 or the positive errno it ended with. */
static int await_connection(int fd, uint64_t deadline_ns)
{
    int error = 0;
    socklen_t size = sizeof error;
    int r = io_wait(fd, POLLOUT, deadline_ns);

    if (r < 0)
        return -r;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return errno;
    return error;
}

static int attempt_vhost_vsock(struct link *link, uint32_t port, uint64_t deadline_ns, int *ret_fd, int *ret_reason,
                               struct error *err)
{
    const struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_port = port, .svm_cid = link->cid};
    uint64_t attempt_ns = io_deadline_ms(LINK_ATTEMPT_MS);
    CLEANUP_FD int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int reason = 0;

    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno,
                         "AF_VSOCK socket: %m; load the module vhost_vsock or choose "
                         "--transport vhost-user");
    enlarge_buffer(fd);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        reason = errno;
    if (reason == EINPROGRESS)
        reason = await_connection(fd, attempt_ns < deadline_ns ? attempt_ns : deadline_ns);
    if (reason == 0) {
        *ret_fd = take_fd(&fd);
        return 0;
    }
    if (!may_retry(reason))
        return error_set(err, ERROR_INTERNAL, -reason, "vsock connect to CID %u port %u: %s", link->cid, port,
                         strerror(reason));
    *ret_reason = reason;
    return -EAGAIN;
}

const struct link_transport link_transport_vhost_vsock = {.name = "vhost-vsock", .attempt = attempt_vhost_vsock};

bool link_vhost_vsock_available(void)
{
    CLEANUP_FD int fd = open(VHOST_VSOCK_PATH, O_RDWR | O_CLOEXEC);

    return fd >= 0;
}

/* A random CID between LINK_CID_MIN and LINK_CID_MAX, both included. */
static int random_cid(uint64_t *ret_cid)
{
    uint64_t number;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return -EIO;
    *ret_cid = LINK_CID_MIN + number % (LINK_CID_MAX - LINK_CID_MIN + 1);
    return 0;
}

int link_reserve_cid(int *ret_vhost_fd, uint32_t *ret_cid, struct error *err)
{
    CLEANUP_FD int fd = open(VHOST_VSOCK_PATH, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno,
                         "%s: %m; load the module vhost_vsock or choose --transport vhost-user", VHOST_VSOCK_PATH);
    for (unsigned i = 0; i < LINK_CID_TRIES; i++) {
        uint64_t cid;
        int r = random_cid(&cid);

        if (r < 0)
            return error_set(err, ERROR_INTERNAL, r, "getrandom: %m");
        /* The kernel refuses a CID that another open descriptor holds, so this is the reservation.
           QEMU sets the same CID again on the same descriptor, which is allowed. */
        if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) == 0) {
            *ret_cid = (uint32_t)cid;
            *ret_vhost_fd = take_fd(&fd);
            return 0;
        }
        if (errno != EADDRINUSE)
            return error_set(err, ERROR_UNAVAILABLE, -errno, "reserving CID %u: %m", (unsigned)cid);
    }
    return error_set(err, ERROR_UNAVAILABLE, -EADDRINUSE, "no free CID in %u tries", LINK_CID_TRIES);
}
