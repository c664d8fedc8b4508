/* SPDX-License-Identifier: Apache-2.0 */
/* The vsock device as a process: its confinement, then its loop. */
#include "host/vsock-device/device.h"

#include "host/confine/confine.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>

/* 8 regions twice over while a table is replaced, 16 streams, the queues' events, and some more. */
#define OPEN_FILES_MAX UINT64_C(128)

static const int system_calls[] = {
    SCMP_SYS(accept4),       /* QEMU's chardev, once */
    SCMP_SYS(epoll_create1), /* the event loop */
    SCMP_SYS(epoll_ctl),     /* streams and kicks come and go */
    SCMP_SYS(epoll_wait),    /* the event loop waits */
    SCMP_SYS(epoll_pwait),   /* what glibc may use for it */
    SCMP_SYS(recvmsg),       /* messages with descriptors, from QEMU and the monitor */
    SCMP_SYS(recvfrom),      /* bytes of the host's streams */
    SCMP_SYS(sendmsg),       /* bytes to the host's streams */
    SCMP_SYS(sendto),        /* replies to QEMU, answers to the monitor */
    SCMP_SYS(shutdown),      /* half-closed streams; the listener after its one connection */
    SCMP_SYS(fcntl),         /* F_GET_SEALS of guest memory, O_NONBLOCK */
    SCMP_SYS(fstat),         /* size of guest memory */
    SCMP_SYS(newfstatat),    /* what glibc uses for fstat */
    SCMP_SYS(fstatfs),       /* kind of guest memory's pages */
};

int vsock_device_run(const struct vsock_device_config *config, struct error *err)
{
    const int keep[] = {config->vhost_listener, config->control, config->report};
    const struct confine_profile profile = {
        .name = "lazaret-vsock",
        .uid = CONFINE_UID_VSOCK_DEVICE,
        .keep_fds = keep,
        .keep_fd_count = config->report > 0 ? 3 : 2,
        .system_calls = system_calls,
        .system_call_count = sizeof system_calls / sizeof system_calls[0],
        .address_space_max = 0, /* guest memory is mapped whole */
        .open_files_max = OPEN_FILES_MAX,
    };
    int r;

    /* An event descriptor from QEMU may be anything, also a pipe without a reader. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return error_set(err, ERROR_INTERNAL, -errno, "ignoring SIGPIPE: %m");
    r = confine_self(&profile, err);
    if (r < 0)
        return r;
    return vsock_device_run_unconfined(config, err);
}
