/* SPDX-License-Identifier: Apache-2.0 */
/* The link through our own vsock device: host/vsock-device/control.h. */
#include "base/io.h"
#include "host/link/transport.h"
#include "host/vsock-device/control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Larger buffers than the default, beyond wmem_max where this process may. */
static void enlarge_buffer(int fd)
{
    const int size = LINK_SOCKET_BUFFER;

    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* speed only */
}

static int device_gone(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, -ECONNRESET, "the vsock device is gone");
}

/* Sends a request with the device's end of the pair. */
static int send_request(int control_fd, const struct vsock_control_request *request, int fd, uint64_t deadline_ns,
                        struct error *err)
{
    char control[CMSG_SPACE(sizeof fd)] __attribute__((aligned(8))) = {0};
    struct vsock_control_request copy = *request;
    struct iovec segment = {.iov_base = &copy, .iov_len = sizeof copy};
    struct msghdr message = {
        .msg_iov = &segment, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    for (;;) {
        int r;

        if (sendmsg(control_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return device_gone(err);
        if (errno != EAGAIN && errno != EINTR)
            return error_set(err, ERROR_INTERNAL, -errno, "asking the vsock device: %m");
        r = io_wait(control_fd, POLLOUT, deadline_ns);
        if (r < 0)
            return r == -ETIMEDOUT ? -EAGAIN
                                   : error_set(err, ERROR_INTERNAL, r,
                                               "waiting for the vsock "
                                               "device: %s",
                                               strerror(-r));
    }
}

/* Waits for the answer to request `id`; answers to requests that were given up are passed over. */
static int read_answer(int control_fd, uint32_t id, uint64_t deadline_ns, int *ret_result, struct error *err)
{
    for (;;) {
        struct vsock_control_answer answer;
        ssize_t count;
        int r = io_wait(control_fd, POLLIN, deadline_ns);

        if (r == -ETIMEDOUT)
            return -EAGAIN;
        if (r < 0)
            return error_set(err, ERROR_INTERNAL, r, "waiting for the vsock device: %s", strerror(-r));
        count = recv(control_fd, &answer, sizeof answer, MSG_DONTWAIT | MSG_TRUNC);
        if (count == 0 || (count < 0 && errno == ECONNRESET))
            return device_gone(err);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (count < 0)
            return error_set(err, ERROR_INTERNAL, -errno, "the vsock device's answer: %m");
        if ((size_t)count != sizeof answer)
            return error_set(err, ERROR_INTERNAL, -EBADMSG, "the vsock device answered %zd bytes instead of %zu", count,
                             sizeof answer);
        if (answer.id != id)
            continue;
        *ret_result = answer.result;
        return 0;
    }
}

/* What a second answer says: control.h. */
static const char *fault_of(int result)
{
    switch (result) {
    case -ENOBUFS:
        return "the guest sent more than it had credit for";
    case -ESHUTDOWN:
        return "the guest sent data after its own end of the stream";
    case -EISCONN:
        return "the guest asked for the stream once more";
    default:
        return NULL;
    }
}

const char *link_vhost_user_fault(int control_fd)
{
    const char *fault = NULL;

    for (;;) {
        struct vsock_control_answer answer;
        ssize_t count = recv(control_fd, &answer, sizeof answer, MSG_DONTWAIT | MSG_TRUNC);

        if (count < 0 && errno == EINTR)
            continue;
        if (count != (ssize_t)sizeof answer)
            return fault;
        if (fault_of(answer.result) != NULL)
            fault = fault_of(answer.result);
    }
}

static int attempt_vhost_user(struct link *link, uint32_t port, uint64_t deadline_ns, int *ret_fd, int *ret_reason,
                              struct error *err)
{
    const struct vsock_control_request request = {.id = link->next_id++, .port = port};
    CLEANUP_FD int ours = -1;
    CLEANUP_FD int theirs = -1;
    int pair[2], result = -EBADMSG, r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "socketpair: %m");
    ours = pair[0];
    theirs = pair[1];
    enlarge_buffer(ours);
    enlarge_buffer(theirs);
    r = send_request(link->control_fd, &request, theirs, deadline_ns, err);
    if (r < 0)
        return r;
    (void)close(take_fd(&theirs)); /* or the device couldn't see that we are gone */
    r = read_answer(link->control_fd, request.id, deadline_ns, &result, err);
    if (r < 0)
        return r;
    switch (result) {
    case 0:
        *ret_fd = take_fd(&ours);
        return 0;
    case -ENOTCONN:
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -ETIMEDOUT:
        *ret_reason = -result;
        return -EAGAIN;
    case -EPROTO:
    case -ENOBUFS: /* right after its answer, so that there was never a stream for us */
    case -ESHUTDOWN:
    case -EISCONN:
        return error_set(err, ERROR_GUEST, result,
                         "the guest answered the stream to port %u against virtio-vsock's rules", port);
    default:
        return error_set(err, ERROR_INTERNAL, result < 0 ? result : -EBADMSG,
                         "the vsock device opened no stream to port %u: %s", port,
                         result < 0 ? strerror(-result) : "an answer without meaning");
    }
}

const struct link_transport link_transport_vhost_user = {.name = "vhost-user", .attempt = attempt_vhost_user};
