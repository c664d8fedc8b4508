/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1 of the vsock test's guest: loads the driver's modules and serves orders on a vsock port. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

static uint8_t chunk[SERVICE_CHUNK];

static void load_modules(void)
{
    char path[32];

    for (int i = 0; i < 16; i++) {
        int fd;

        (void)snprintf(path, sizeof path, "/modules/%02d.ko", i);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return;
        if (syscall(SYS_finit_module, fd, "", 0) < 0)
            (void)printf("guest: %s: %m\n", path);
        (void)close(fd);
    }
}

static int write_all(int fd, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size > 0) {
        ssize_t count = write(fd, bytes, size);

        if (count <= 0)
            return -1;
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

static void echo(int fd)
{
    ssize_t count;

    while ((count = read(fd, chunk, SERVICE_CHUNK)) > 0)
        if (write_all(fd, chunk, (size_t)count) < 0)
            return;
}

static void source(int fd, uint64_t total)
{
    for (uint64_t done = 0; done < total;) {
        size_t size = total - done < SERVICE_CHUNK ? (size_t)(total - done) : SERVICE_CHUNK;

        if (write_all(fd, service_pattern(done), size) < 0)
            return;
        done += size;
    }
}

static void sink(int fd, uint64_t total)
{
    uint64_t right = 0;

    for (uint64_t done = 0; done < total;) {
        ssize_t count = read(fd, chunk, SERVICE_CHUNK);

        if (count <= 0)
            break;
        if (memcmp(chunk, service_pattern(done), (size_t)count) == 0)
            right += (uint64_t)count;
        done += (uint64_t)count;
    }
    (void)write_all(fd, &right, sizeof right);
}

static void call(int fd, uint32_t port)
{
    const struct sockaddr_vm host = {.svm_family = AF_VSOCK, .svm_port = port, .svm_cid = 2};
    int caller = socket(AF_VSOCK, SOCK_STREAM, 0);
    uint64_t result = connect(caller, (const struct sockaddr *)&host, sizeof host) < 0 ? (uint64_t)errno : 0;

    (void)write_all(fd, &result, sizeof result);
}

static void serve(int fd)
{
    struct service_request request;

    if (recv(fd, &request, sizeof request, MSG_WAITALL) != (ssize_t)sizeof request)
        return;
    if (request.buffer_size > 0) {
        (void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &request.buffer_size, 8);
        (void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &request.buffer_size, 8);
    }
    /* Data that is under way when a buffer shrinks is lost: the host waits for this byte. */
    if (write_all(fd, "", 1) < 0)
        return;
    switch (request.order) {
    case SERVICE_ECHO:
        echo(fd);
        break;
    case SERVICE_SOURCE:
        source(fd, request.count);
        break;
    case SERVICE_SLOW:
        (void)sleep(1);
        sink(fd, request.count);
        break;
    case SERVICE_SINK:
        sink(fd, request.count);
        break;
    case SERVICE_CALL:
        call(fd, (uint32_t)request.count);
        break;
    case SERVICE_POWEROFF:
        (void)reboot(RB_AUTOBOOT); /* with reboot=t and -no-reboot: ends QEMU */
        break;
    default:
        break;
    }
}

int main(void)
{
    const struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_port = SERVICE_PORT, .svm_cid = VMADDR_CID_ANY};
    int listener;

    service_init();
    load_modules();
    (void)signal(SIGCHLD, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 16) < 0) {
        (void)printf("guest: listen: %m\n");
        (void)reboot(RB_AUTOBOOT);
    }
    (void)printf("guest: listening\n");
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd >= 0 && fork() == 0) {
            (void)close(listener);
            serve(fd);
            (void)close(fd);
            _exit(0);
        }
        (void)close(fd);
    }
}
