/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One host-initiated stream: its state machine, its credit, and the host's socket behind it.
 *
 * A connection knows nothing of rings. The transport hands it the packets that the guest sent, asks
 * it for the packets to send, and passes on what epoll saw at the host's socket.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_CONNECTION_H
#define LAZARET_HOST_VSOCK_DEVICE_CONNECTION_H

#include "base/cleanup.h"
#include "host/vsock-device/packet.h"
#include "host/vsock-device/virtqueue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of guest data held for a host that doesn't read: advertised as buf_alloc. Linux caps its
 * own transmit credit at its own buf_alloc, which the agent sets to this size as well.
 */
#define CONNECTION_BUFFER_SIZE ((uint32_t)1024 * 1024)
/* Bytes taken from the host's socket at a time; they wait here for the guest's credit and buffers.
 */
#define CONNECTION_STAGE_SIZE ((size_t)256 * 1024)

/* REQUEST to RESPONSE, Linux's own default; and as long before, for a guest that takes no packets yet. */
#define CONNECTION_CONNECT_TIMEOUT_MS UINT64_C(2000)
#define CONNECTION_ASK_AGAIN_MS       UINT64_C(20)   /* for credit, after an answer that gave none */
#define CONNECTION_CLOSE_TIMEOUT_MS   UINT64_C(8000) /* full SHUTDOWN to RST; Linux's own default */

enum connection_state {
    CONNECTION_FREE = 0,   /* an unused slot */
    CONNECTION_CONNECTING, /* waits for the answer to its REQUEST */
    CONNECTION_OPEN,
    CONNECTION_CLOSED, /* over for the guest; perhaps an RST to send or data for the host to read */
};

struct connection {
    enum connection_state state;
    uint64_t guest_cid;
    uint32_t host_port, guest_port;
    uint64_t deadline_ns;  /* IO_NO_DEADLINE when nothing is waited for */
    uint64_t ask_again_ns; /* when credit is asked for once more, or IO_NO_DEADLINE */

    /* Towards the one who asked for the connection. */
    uint32_t request_id;
    bool answer_ready;
    int answer; /* control.h: 0 or -errno; also the second one, of a stream that the guest broke */

    /* Host side. */
    int fd;
    bool readable, writable; /* since epoll's last edge, until EAGAIN */
    bool host_sent_all;      /* end of file read */
    bool host_takes_no_more; /* its reading side is gone: guest data is discarded */

    /* Host to guest. */
    uint8_t *stage; /* CONNECTION_STAGE_SIZE bytes */
    size_t stage_start, stage_end;
    uint32_t sent; /* bytes sent to the guest, modulo 2^32 (tx_cnt) */
    uint32_t peer_buf_alloc, peer_fwd_cnt;

    /* Guest to host: a ring of CONNECTION_BUFFER_SIZE bytes, made when first needed. */
    uint8_t *backlog;
    size_t backlog_start, backlog_size;
    uint32_t forwarded;      /* bytes the host's socket took, modulo 2^32 (fwd_cnt) */
    uint32_t forwarded_told; /* its value in the last packet to the guest */
    uint32_t guest_shutdown; /* VIRTIO_VSOCK_SHUTDOWN_* bits seen; sticky (5.10.6.5) */
    bool host_told_end;      /* guest's end of data was passed on */

    /* Packets to send, each at most once: bounded whatever the guest asks for. */
    bool request_sent, send_reset, send_credit_update, credit_requested;
    uint32_t shutdown_sent;
};

/* Starts a stream to the guest's port. Takes `fd`, which is non-blocking. -ENOMEM: fd is not taken.
 */
MUST_USE int connection_open(struct connection *connection, uint64_t guest_cid, uint32_t host_port, uint32_t guest_port,
                             uint32_t request_id, int fd);

/* Releases everything at once, without a word to the guest; the slot is free. */
void connection_free(struct connection *connection);

/* Handles a packet of the guest for this stream; the payload, header.len bytes that the caller has
   checked to exist, follows the header in `chain`. */
void connection_receive(struct connection *connection, const struct packet_header *header,
                        const struct virtqueue_chain *chain);

/* Notes what epoll saw at the host's socket. */
void connection_host_event(struct connection *connection, uint32_t epoll_events);

/* Moves bytes between the host's socket and the buffers, and looks at the deadline. */
void connection_service(struct connection *connection, uint64_t now_ns);

/* Whether connection_next_packet has one. */
MUST_USE bool connection_has_packet(const struct connection *connection);

/* The next packet for the guest, with at most `payload_max` (> 0) bytes of payload, which is valid
   until the next call. Call only when connection_has_packet. */
void connection_next_packet(struct connection *connection, size_t payload_max, struct packet_header *ret_header,
                            const uint8_t **ret_payload);

/* Whether nothing is left to be done but connection_free. */
MUST_USE bool connection_is_finished(const struct connection *connection);

/* Bytes that may be sent to the guest now. */
MUST_USE uint32_t connection_credit(const struct connection *connection);

#endif
