/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between user-mode-linux and the vsock device: passes vhost-user messages on, with their descriptors, and takes out
 * what the device does not speak, because QEMU does not ask for it:
 *
 *  - the back end's own channel (VHOST_USER_PROTOCOL_F_BACKEND_REQ). Linux 6.1's virtio_uml allocates its interrupt
 * only where that was negotiated, and takes interrupt 0 for its queues otherwise, which is the timer's. The channel is
 *    offered here and stays silent;
 *  - sockets as call descriptors, which the device refuses: each gets an event descriptor, and this process rings;
 *  - the event queue, index 2, which QEMU keeps to itself and in which nothing is ever put.
 */
#include "uml.h"

#include "base/cleanup.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_MAX 1024u
#define FDS_MAX     8u
#define BELLS_MAX   8u
#define BACKEND_REQ (UINT64_C(1) << 5)

struct message {
    struct {
        uint32_t request, flags, size;
    } header;
    uint64_t payload[MESSAGE_MAX / 8];
    int fds[FDS_MAX];
    size_t fd_count;
};

static void keep_fds(struct message *message, struct msghdr *piece)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(piece); c != NULL; c = CMSG_NXTHDR(piece, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_type == SCM_RIGHTS && count <= FDS_MAX) {
            memcpy(message->fds, CMSG_DATA(c), count * sizeof(int));
            message->fd_count = count;
        }
    }
}

/* Receives one whole message. False at the end of the stream. */
static bool receive(int fd, struct message *message)
{
    char control[CMSG_SPACE(sizeof(int) * FDS_MAX)] __attribute__((aligned(8)));
    struct iovec segment = {.iov_base = &message->header, .iov_len = sizeof message->header};
    struct msghdr piece = {
        .msg_iov = &segment, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

    message->fd_count = 0;
    if (recvmsg(fd, &piece, MSG_WAITALL | MSG_CMSG_CLOEXEC) != (ssize_t)sizeof message->header)
        return false;
    keep_fds(message, &piece);
    return message->header.size <= MESSAGE_MAX &&
           (message->header.size == 0 ||
            recv(fd, message->payload, message->header.size, MSG_WAITALL) == (ssize_t)message->header.size);
}

static bool transmit(int fd, struct message *message)
{
    char control[CMSG_SPACE(sizeof(int) * FDS_MAX)] __attribute__((aligned(8))) = {0};
    struct iovec segments[2] = {{.iov_base = &message->header, .iov_len = sizeof message->header},
                                {.iov_base = message->payload, .iov_len = message->header.size}};
    struct msghdr whole = {.msg_iov = segments, .msg_iovlen = 2};
    ssize_t sent;

    if (message->fd_count > 0) {
        struct cmsghdr *c;

        whole.msg_control = control;
        whole.msg_controllen = CMSG_SPACE(sizeof(int) * message->fd_count);
        c = CMSG_FIRSTHDR(&whole);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * message->fd_count);
        memcpy(CMSG_DATA(c), message->fds, sizeof(int) * message->fd_count);
    }
    sent = sendmsg(fd, &whole, MSG_NOSIGNAL);
    for (size_t i = 0; i < message->fd_count; i++)
        (void)close(message->fds[i]);
    return sent == (ssize_t)(sizeof message->header + message->header.size);
}

/* Whether a message of the front end is about a queue that the device doesn't know. */
static bool is_event_queue(const struct message *message)
{
    uint32_t request = message->header.request;

    return (request >= 8 && request <= 14 && (message->payload[0] & 0xff) == 2) ||
           (request == 18 && (uint32_t)message->payload[0] == 2);
}

/* The bells: what the device signals, and the guest's socket for it. */
static struct {
    int event, guest;
} bells[BELLS_MAX];
static nfds_t bell_count;

static void hang_bell(struct message *message)
{
    if (message->header.request != 13 || message->fd_count != 1 || bell_count == BELLS_MAX)
        return;
    bells[bell_count].guest = message->fds[0];
    bells[bell_count].event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    message->fds[0] = dup(bells[bell_count].event);
    bell_count++;
}

static void ring_bell(nfds_t which)
{
    uint64_t count;

    if (read(bells[which].event, &count, sizeof count) == (ssize_t)sizeof count)
        (void)!send(bells[which].guest, &count, sizeof count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool pass_to_device(int from, int to)
{
    struct message message;

    if (!receive(from, &message))
        return false;
    if (message.header.request == 21 || is_event_queue(&message))
        return true; /* its descriptors stay open here: a closed channel would keep the guest busy */
    if (message.header.request == 16)
        message.payload[0] &= ~BACKEND_REQ;
    hang_bell(&message);
    return transmit(to, &message);
}

static bool pass_to_guest(int from, int to)
{
    struct message message;

    if (!receive(from, &message))
        return false;
    if (message.header.request == 15)
        message.payload[0] |= BACKEND_REQ;
    return transmit(to, &message);
}

static void serve(int listener, const char *device_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int guest = accept(listener, NULL, NULL), device = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd ends[2 + BELLS_MAX] = {{.fd = guest, .events = POLLIN}, {.fd = device, .events = POLLIN}};
    bool good = true;

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", device_path);
    if (guest < 0 || connect(device, (const struct sockaddr *)&address, sizeof address) < 0) {
        perror(device_path);
        return;
    }
    while (good && poll(ends, 2 + bell_count, -1) > 0) {
        for (nfds_t i = 0; i < bell_count; i++)
            if (ends[2 + i].revents != 0)
                ring_bell(i);
        if (ends[0].revents != 0)
            good = pass_to_device(guest, device);
        if (good && ends[1].revents != 0)
            good = pass_to_guest(device, guest);
        for (nfds_t i = 0; i < bell_count; i++)
            ends[2 + i] = (struct pollfd){.fd = bells[i].event, .events = POLLIN};
    }
}

void uml_adapt(const char *path, const char *device_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 1) < 0) {
        perror(path);
        exit(1);
    }
    if (fork() == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, device_path);
        (void)unlink(path);
        _exit(0);
    }
    (void)close(listener);
}
