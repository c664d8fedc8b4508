/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vhost-user virtio-vsock device: a process of its own between QEMU and the monitor.
 *
 * It gives the guest streams that the host opens, and nothing else: a guest that asks for a stream
 * is refused. QEMU (the front end) and the guest are hostile to it; whatever they do, its memory is
 * bounded, and what breaks the rules ends the device with the reason in `err`.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_DEVICE_H
#define LAZARET_HOST_VSOCK_DEVICE_DEVICE_H

#include "base/error.h"

#include <stdint.h>

struct vsock_device_config {
    int vhost_listener; /* listening UNIX stream socket, on which QEMU's chardev connects, once */
    int control;        /* SOCK_SEQPACKET: host/vsock-device/control.h */
    uint64_t guest_cid; /* at least 3, below 2^32 - 1 */
    int report;         /* a descriptor to keep open for the caller's use after the run, for
                           instance a pipe on which it writes `err`; 0 or negative: none */
};

/*
 * Runs the device until the front end or the controller goes away: 0. Called in a forked child: it
 * confines the process for good before it reads the first byte from the front end. ERROR_GUEST when
 * the guest broke a virtqueue or a packet's form, ERROR_INTERNAL when the front end did so or the
 * system failed. The descriptors stay the caller's; the listener takes nobody else afterwards.
 */
MUST_USE int vsock_device_run(const struct vsock_device_config *config, struct error *err);

/* The same without confinement: for tests that run it beside themselves. */
MUST_USE int vsock_device_run_unconfined(const struct vsock_device_config *config, struct error *err);

#endif
