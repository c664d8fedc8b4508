/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A front end and a guest's driver for tests: what QEMU and Linux do, built by hand on the kernel's
 * own structures, so that it shares no code with the device. Single-threaded; the device runs in a
 * forked child. Functions that wait give up after FRONT_END_WAIT_MS.
 */
#ifndef LAZARET_TESTS_UNIT_VSOCK_FRONT_END_H
#define LAZARET_TESTS_UNIT_VSOCK_FRONT_END_H

#include "base/error.h"

#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRONT_END_CID       42u
#define FRONT_END_QUEUE     128u                     /* entries of a queue, as QEMU's */
#define FRONT_END_MEMORY    ((size_t)16 << 20)       /* bytes of guest memory */
#define FRONT_END_LOW       ((size_t)1 << 20)        /* of which the first region has so many */
#define FRONT_END_RX_SIZE   3776u                    /* Linux 6.1's receive buffer */
#define FRONT_END_TX_SIZE   ((size_t)64 * 1024 + 44) /* Linux's largest packet */
#define FRONT_END_WAIT_MS   30000u /* tells a hang; the device answers in microseconds where it has a processor */
#define FRONT_END_NO_DEVICE 9999 /* front_end_join: the device was ended by a signal */

enum front_end_style { STYLE_SINGLE, STYLE_SPLIT, STYLE_INDIRECT };

struct front_end_queue {
    struct vring ring; /* pointers into guest memory */
    uint16_t avail, used;
    uint64_t buffers; /* guest-physical: a buffer for each slot, then an indirect table for each */
    size_t buffer_size;
    int kick, call;
};

struct front_end {
    pid_t device;
    int socket, control, report;
    int memfd;
    uint8_t *memory; /* file offset 0 */
    struct front_end_queue rx, tx;
    enum front_end_style rx_style, tx_style;
    uint64_t features; /* to accept */
    bool auto_rx;      /* give receive buffers back at once */
};

struct front_end_packet {
    struct virtio_vsock_hdr header;
    uint8_t payload[FRONT_END_TX_SIZE];
};

/* What the next front_end_start does otherwise than by default; all zero is the default. */
struct front_end_options {
    bool confined;     /* the device confines itself */
    bool no_start;     /* stop after the negotiation: the driver isn't ready */
    bool no_event_idx; /* don't accept VIRTIO_F_EVENT_IDX */
    bool unsealed;     /* a memfd without seals */
    bool no_rx;        /* no receive buffers */
    enum front_end_style rx_style, tx_style;
};

/* Starts the device and does what QEMU does up to a ready driver. Aborts the test when it fails. */
void front_end_start(struct front_end *fe, const struct front_end_options *options);

/* Goes away without a word; the device's result and error. -FRONT_END_NO_DEVICE if it crashed. Aborts the test when the
   device leaves a descriptor open. */
int front_end_join(struct front_end *fe, struct error *ret_err);

/* As front_end_join, but waits for the device to end by itself first. */
int front_end_await(struct front_end *fe, struct error *ret_err);

/* What the running device holds. */
struct front_end_usage {
    unsigned long private_kib; /* resident and anonymous: its own memory, without the guest's */
    unsigned fds;
    double cpu_seconds;
};
struct front_end_usage front_end_measure(const struct front_end *fe);

/* vhost-user messages. */
void front_end_send(struct front_end *fe, uint32_t request, const void *payload, size_t size, const int *fds,
                    size_t fd_count);
/* Receives a reply: its payload's size, or -1. */
ssize_t front_end_reply(struct front_end *fe, uint32_t request, void *ret_payload, size_t size);
void front_end_set_memory(struct front_end *fe, int memfd);
void front_end_start_queue(struct front_end *fe, uint32_t index, uint16_t base);
/* Returns once the device has handled each message so far: kicks come another way and may overtake messages. */
void front_end_settle(struct front_end *fe);
/* Stops both queues in QEMU's order: both are disabled before either stops. */
void front_end_stop(struct front_end *fe, uint16_t ret_bases[2]);

/* Guest-physical to this process's memory. */
void *front_end_at(struct front_end *fe, uint64_t guest_address);

/* Driver side. */
void front_end_add_rx(struct front_end *fe, unsigned count);
void front_end_kick(struct front_end_queue *queue);
/* Publishes a chain head without any check. */
void front_end_publish(struct front_end_queue *queue, uint16_t head);
/* Publishes the chain head that the ring's next entry names already. */
void front_end_publish_next(struct front_end_queue *queue);
/* The buffer and descriptor of a tx slot; see front_end_transmit. */
uint64_t front_end_tx_buffer(struct front_end *fe, uint16_t slot);
/* Puts a packet into the next tx slot, which is free, and publishes it without a kick. */
void front_end_place(struct front_end *fe, const struct virtio_vsock_hdr *header, const void *payload);
/* Sends a packet as it is; waits for a free slot. False when the device takes none. */
bool front_end_transmit(struct front_end *fe, const struct virtio_vsock_hdr *header, const void *payload);
/* How many tx buffers the device has given back so far. */
uint16_t front_end_tx_used(struct front_end *fe);
/* The next packet from the device. False when none comes in time. */
bool front_end_receive(struct front_end *fe, struct front_end_packet *ret_packet, unsigned milliseconds);
/* As that, passing over packets of other operations than `op`. */
bool front_end_expect(struct front_end *fe, uint16_t op, struct front_end_packet *ret_packet);

/* Monitor side: asks for a stream; the own end, and the request's id. */
int front_end_ask(struct front_end *fe, uint32_t port, uint32_t id);
/* The answer to a request, or 1 when none comes in time. */
int front_end_answer(struct front_end *fe, uint32_t id);

/* The header of a guest's packet on the stream that `from_host` came on. */
struct virtio_vsock_hdr front_end_header(const struct virtio_vsock_hdr *from_host, uint16_t op, uint32_t len);
/* Opens a stream whole: asks, accepts with `buf_alloc`, and returns the host's end. */
int front_end_open(struct front_end *fe, uint32_t port, uint32_t buf_alloc, struct virtio_vsock_hdr *ret_request);

#endif
