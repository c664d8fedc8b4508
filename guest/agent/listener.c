/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's end of vsock. */
#include "guest/agent/listener.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
/* after sys/socket.h, whose sockaddr it needs */
#include <linux/vm_sockets.h>

static int failed(struct error *err, const char *step)
{
    int code = -errno;

    return error_set(err, ERROR_INTERNAL, code, "vsock: %s: %s", step, strerror(-code));
}

/* Connections inherit the listener's buffer size. */
static int set_buffer_size(int fd)
{
    uint64_t size = LISTENER_BUFFER_SIZE;

    if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size, sizeof size) < 0)
        return -1;
    return setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof size);
}

int listener_accept_host(int *ret_fd, struct error *err)
{
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_port = LISTENER_PORT, .svm_cid = VMADDR_CID_ANY};
    CLEANUP_FD int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0)
        return failed(err, "socket");
    if (set_buffer_size(listener) < 0)
        return failed(err, "buffer size");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) < 0)
        return failed(err, "bind");
    if (listen(listener, 1) < 0)
        return failed(err, "listen");
    for (;;) {
        struct sockaddr_vm peer = {0};
        socklen_t size = sizeof peer;
        int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);

        if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
            return failed(err, "accept");
        if (fd < 0)
            continue;
        if (peer.svm_family == AF_VSOCK && peer.svm_cid == VMADDR_CID_HOST) {
            *ret_fd = fd;
            return 0;
        }
        (void)close(fd);
    }
}
