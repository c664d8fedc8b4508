/* SPDX-License-Identifier: Apache-2.0 */
/* The connection on its way to the collector. */
#include "host/collect/handover.h"

#include "base/io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

static int send_descriptor(int socket, int fd, uint64_t deadline_ns)
{
    union control control = {0};
    uint8_t byte = 0;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int r = io_wait(socket, POLLOUT, deadline_ns);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (r < 0)
        return r;
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -errno;
}

static int receive_descriptor(int socket, int *ret_fd)
{
    union control control = {0};
    uint8_t byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    const struct cmsghdr *header;
    int r = io_wait(socket, POLLIN, IO_NO_DEADLINE);
    ssize_t count;

    if (r < 0)
        return r;
    count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (count <= 0)
        return count == 0 ? -ECONNRESET : -errno;
    header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof *ret_fd))
        return -EBADMSG;
    memcpy(ret_fd, CMSG_DATA(header), sizeof *ret_fd);
    return 0;
}

int handover_send(int socket, int connection, const struct handover *handover, uint64_t deadline_ns)
{
    int r = send_descriptor(socket, connection, deadline_ns);

    return r < 0 ? r : io_write_full(socket, handover, sizeof *handover, deadline_ns);
}

int handover_receive(int socket, struct handover *ret_handover, int *ret_connection)
{
    CLEANUP_FD int connection = -1;
    int r = receive_descriptor(socket, &connection);

    if (r == 0)
        r = io_read_full(socket, ret_handover, sizeof *ret_handover, IO_NO_DEADLINE);
    if (r == 0)
        *ret_connection = take_fd(&connection);
    return r;
}
