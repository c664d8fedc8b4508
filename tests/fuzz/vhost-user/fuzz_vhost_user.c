/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-user messages, one after another into one back end: {u8 descriptors; u8 size; size bytes}.
 * Descriptors are sealed memfds, then event descriptors, as the first byte's upper half says.
 */
#include "host/vsock-device/backend.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define MEMORY_SIZE 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int make_fd(int is_memory)
{
    int fd = is_memory ? memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING) : eventfd(0, EFD_CLOEXEC);

    if (is_memory && (ftruncate(fd, MEMORY_SIZE) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0))
        abort();
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backend backend;
    uint8_t drain[1024];
    int pair[2], r = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        abort();
    backend_init(&backend, 42, -1);
    while (size >= 2 && r == 0) {
        size_t fd_count = data[0] & 7, length = data[1];
        CLEANUP_VHOST_USER_MESSAGE struct vhost_user_message message = {.fd_count = 0};

        if (length > size - 2)
            length = size - 2;
        r = vhost_user_parse(data + 2, length, fd_count, &message, NULL);
        if (r == 0) {
            for (size_t i = 0; i < fd_count; i++)
                message.fds[i] = make_fd(data[0] >> 4 != 0);
            message.fd_count = fd_count;
            r = backend_handle(&backend, pair[0], &message, NULL);
        }
        while (recv(pair[1], drain, sizeof drain, MSG_DONTWAIT) > 0)
            ;
        data += 2 + length;
        size -= 2 + length;
    }
    backend_free(&backend);
    (void)close(pair[0]);
    (void)close(pair[1]);
    return 0;
}
