/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All streams of one guest: which packet belongs to which, what is answered with RST, and in which
 * order packets go into the guest's receive buffers.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_TRANSPORT_H
#define LAZARET_HOST_VSOCK_DEVICE_TRANSPORT_H

#include "base/error.h"
#include "host/vsock-device/connection.h"
#include "host/vsock-device/memory.h"
#include "host/vsock-device/virtqueue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_CONNECTIONS_MAX 16u
#define TRANSPORT_HOST_CID        UINT64_C(2)          /* VIRTIO 1.2, 5.10.4 */
#define TRANSPORT_FIRST_PORT      UINT32_C(0x40000000) /* of the host's own ports */

/* An RST for a packet that belongs to no stream. */
struct transport_reset {
    uint32_t host_port, guest_port;
    uint16_t type;
};

struct transport {
    uint64_t guest_cid;
    uint32_t next_host_port;
    size_t next_connection; /* whose turn it is to send */
    struct connection connections[TRANSPORT_CONNECTIONS_MAX];
    /* A ring of pending RSTs, never more than the queue's size: beyond that tx waits for rx. */
    struct transport_reset resets[VIRTQUEUE_SIZE_MAX];
    size_t reset_start, reset_count;
    struct virtqueue_chain chain; /* the buffer at hand */
};

/* A transport without streams. */
void transport_init(struct transport *transport, uint64_t guest_cid);

/* Ends all streams at once; the hosts' sockets see end of file. */
void transport_free(struct transport *transport);

/*
 * Begins a stream to `guest_port` with the host's socket `fd` (non-blocking, taken on success).
 * -EMFILE when there are TRANSPORT_CONNECTIONS_MAX already, -ENOMEM.
 */
MUST_USE int transport_connect(struct transport *transport, uint32_t guest_port, uint32_t request_id, int fd,
                               struct connection **ret_connection);

/*
 * Handles the packets in the guest's tx queue, at most as many as the queue is long. 1 when it
 * handled any, 0 when there were none or the pending RSTs have no room, -errno when the guest broke
 * the rules of the queue or of a packet's form.
 */
MUST_USE int transport_process_tx(struct transport *transport, struct virtqueue *tx, const struct memory *memory,
                                  struct error *err);

/*
 * Puts pending packets into the guest's receive buffers, at most as many as the queue is long.
 * Returns as transport_process_tx; *ret_starved says whether packets wait for buffers.
 */
MUST_USE int transport_fill_rx(struct transport *transport, struct virtqueue *rx, const struct memory *memory,
                               bool *ret_starved, struct error *err);

/* Serves the hosts' sockets and deadlines of all streams. */
void transport_service(struct transport *transport, uint64_t now_ns);

/* Frees streams that are over. */
void transport_reap(struct transport *transport);

/* Whether a stream holds guest data that its host has not taken yet. */
MUST_USE bool transport_has_backlog(const struct transport *transport);

/* The earliest time at which a stream has something to do by itself, or IO_NO_DEADLINE. */
MUST_USE uint64_t transport_deadline(const struct transport *transport);

#endif
