/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the front end has set up: features, guest memory and the two queues.
 *
 * backend_handle applies one message and sends its reply. The device's loop looks at the queues
 * when both run.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_BACKEND_H
#define LAZARET_HOST_VSOCK_DEVICE_BACKEND_H

#include "base/error.h"
#include "host/vsock-device/memory.h"
#include "host/vsock-device/vhost_user.h"
#include "host/vsock-device/virtqueue.h"

#include <stdbool.h>
#include <stdint.h>

/* Queues that reach the back end (VIRTIO 1.2, 5.10.2); QEMU keeps the event queue to itself. */
enum { BACKEND_QUEUE_RX = 0, BACKEND_QUEUE_TX = 1, BACKEND_QUEUE_COUNT = 2 };

struct backend_queue {
    struct virtqueue_layout layout;
    bool has_address, enabled, started;
    int kick_fd, call_fd;   /* owned, or -1 */
    struct virtqueue queue; /* valid while started */
};

struct backend {
    uint64_t guest_cid;
    uint64_t features; /* negotiated */
    struct memory memory;
    struct backend_queue queues[BACKEND_QUEUE_COUNT];
    int epoll_fd; /* the loop's, where the kick descriptors are watched; negative: nowhere */
};

/* What epoll says of a kick: edge-triggered, so the descriptor needs no reading. */
#define BACKEND_KICK_EVENT (UINT64_C(1) << 56)

/* Nothing set up yet. Kicks will be events of `epoll_fd`, with data.u64 = BACKEND_KICK_EVENT. */
void backend_init(struct backend *backend, uint64_t guest_cid, int epoll_fd);

/* Closes and unmaps everything. */
void backend_free(struct backend *backend);

/*
 * Applies a message and replies on `fd`. Takes the descriptors it keeps out of the message.
 * -EBADMSG when the front end asks for what was not offered or makes no sense, -ECONNRESET when it
 * is gone, or the errors of memory_map and virtqueue_start.
 */
MUST_USE int backend_handle(struct backend *backend, int fd, struct vhost_user_message *message, struct error *err);

/* Whether both queues are started and enabled: the driver is ready. */
MUST_USE bool backend_is_ready(const struct backend *backend);

/* Interrupts the driver if it asked for that. */
void backend_signal(struct backend_queue *queue);

#endif
