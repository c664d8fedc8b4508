/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user messages, one after another from a socket into one back end: {u8 beside; u8 size; size bytes}. Bits 0-2 of
 * the first byte say how many descriptors go beside the bytes, bits 4-6 of which kind, bit 3 that the bytes come in two
 * pieces, bit 7 that an available index is advanced and the queues are looked at, as the loop would.
 */
#include "host/vsock-device/backend.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define MEMORY_SIZE 65536
#define FDS_MAX     7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int must(int r)
{
    if (r < 0)
        abort();
    return r;
}

static int make_memory(unsigned seals)
{
    int fd = must(memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));

    (void)must(ftruncate(fd, MEMORY_SIZE));
    if (seals != 0)
        (void)must(fcntl(fd, F_ADD_SEALS, seals));
    return fd;
}

static int make_fd(unsigned kind)
{
    int pair[2];

    switch (kind) {
    case 0:
        return must(eventfd(0, EFD_CLOEXEC));
    case 1:
    case 2:
        return make_memory(F_SEAL_SHRINK);
    case 3:
        return make_memory(0);
    case 4:
        return make_memory(F_SEAL_SHRINK | F_SEAL_WRITE);
    case 5:
        (void)must(pipe2(pair, O_CLOEXEC));
        (void)close(pair[0]);
        return pair[1];
    case 6:
        return must(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    default:
        (void)must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
        (void)close(pair[0]);
        return pair[1];
    }
}

static void send_piece(int to, const uint8_t *bytes, size_t size, const int *fds, size_t fd_count)
{
    char control[CMSG_SPACE(sizeof(int) * FDS_MAX)] __attribute__((aligned(8))) = {0};
    struct iovec segment = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct msghdr piece = {.msg_iov = &segment, .msg_iovlen = 1};

    if (size == 0)
        return;
    if (fd_count > 0) {
        struct cmsghdr *c;

        piece.msg_control = control;
        piece.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        c = CMSG_FIRSTHDR(&piece);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
    }
    (void)!sendmsg(to, &piece, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Everything that has come. Negative when the device would end. */
static int handle(struct backend *backend, struct vhost_user_reader *reader, int fd)
{
    for (;;) {
        CLEANUP_VHOST_USER_MESSAGE struct vhost_user_message message = {.fd_count = 0};
        int r = vhost_user_read(reader, fd, &message, NULL);

        if (r <= 0)
            return r;
        r = backend_handle(backend, fd, &message, NULL);
        if (r < 0)
            return r;
    }
}

static void look_at_queues(struct backend *backend)
{
    static struct virtqueue_chain chain;

    for (size_t i = 0; i < BACKEND_QUEUE_COUNT; i++) {
        struct backend_queue *queue = &backend->queues[i];

        if (!queue->started)
            continue;
        queue->queue.available[2]++; /* the driver's index */
        if (virtqueue_pop(&queue->queue, &backend->memory, &chain, NULL) > 0)
            virtqueue_push(&queue->queue, chain.head, 0);
        backend_signal(queue);
    }
    (void)!backend_is_ready(backend);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vhost_user_reader reader = {.used = 0};
    struct backend backend;
    uint8_t drain[1024];
    int pair[2], epoll_fd = must(epoll_create1(EPOLL_CLOEXEC)), r = 0;

    (void)must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    (void)must(signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0);
    backend_init(&backend, 42, epoll_fd);
    while (size >= 2 && r >= 0) {
        size_t fd_count = data[0] & FDS_MAX, length = data[1], first;
        int fds[FDS_MAX];

        if (length > size - 2)
            length = size - 2;
        first = (data[0] & 8) != 0 ? length / 2 : length;
        for (size_t i = 0; i < fd_count; i++)
            fds[i] = make_fd(data[0] >> 4 & 7u);
        send_piece(pair[1], data + 2, first, fds, fd_count);
        for (size_t i = 0; i < fd_count; i++)
            (void)close(fds[i]);
        r = handle(&backend, &reader, pair[0]);
        if (r >= 0 && first < length) {
            send_piece(pair[1], data + 2 + first, length - first, NULL, 0);
            r = handle(&backend, &reader, pair[0]);
        }
        if ((data[0] & 0x80) != 0 && r >= 0)
            look_at_queues(&backend);
        while (recv(pair[1], drain, sizeof drain, MSG_DONTWAIT) > 0)
            ;
        data += 2 + length;
        size -= 2 + length;
    }
    vhost_user_reader_close(&reader);
    backend_free(&backend);
    (void)close(pair[0]);
    (void)close(pair[1]);
    (void)close(epoll_fd);
    return 0;
}
