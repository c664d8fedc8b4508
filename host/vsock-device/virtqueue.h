/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of a split virtqueue (VIRTIO 1.2, section 2.7).
 *
 * The rings and descriptors lie in memory that the guest writes at the same time. So each index and
 * each descriptor is read once, into this process's memory, checked there and used from there; and
 * everything the device must be able to rely on (its positions in the rings) is kept here and never
 * read back. A queue whose driver breaks the rules returns ERROR_GUEST and must not be used again.
 */
#ifndef LAZARET_HOST_VSOCK_DEVICE_VIRTQUEUE_H
#define LAZARET_HOST_VSOCK_DEVICE_VIRTQUEUE_H

#include "base/error.h"
#include "host/vsock-device/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define VIRTQUEUE_SIZE_MAX     1024u /* QEMU's vsock uses 128 */
#define VIRTQUEUE_SEGMENTS_MAX (VIRTQUEUE_SIZE_MAX + MEMORY_REGIONS_MAX)

/* Which side may write the buffers of a queue's chains: a vsock queue has chains of one kind. */
enum virtqueue_direction {
    VIRTQUEUE_DEVICE_READS,  /* tx: every descriptor is device-readable */
    VIRTQUEUE_DEVICE_WRITES, /* rx: every descriptor is device-writable */
};

struct virtqueue_layout {
    uint32_t size;                                                 /* a power of two, at most VIRTQUEUE_SIZE_MAX */
    uint16_t base;                                                 /* the next entry of the available ring */
    uint64_t descriptors_address, available_address, used_address; /* user addresses */
};

struct virtqueue {
    enum virtqueue_direction direction;
    bool event_idx; /* VIRTIO_F_EVENT_IDX was negotiated */
    bool indirect;  /* VIRTIO_F_INDIRECT_DESC was negotiated */
    uint16_t size;
    uint16_t next_avail;        /* entries taken so far, modulo 2^16 */
    uint16_t next_used;         /* entries given back so far, modulo 2^16 */
    uint16_t signalled;         /* next_used when the driver was last considered for an interrupt */
    const uint8_t *descriptors; /* these three point into guest memory */
    uint8_t *available;
    uint8_t *used;
};

/* One buffer taken from the available ring, in the order of its bytes. */
struct virtqueue_chain {
    uint16_t head;
    size_t segment_count;
    size_t size;                                   /* bytes of all segments */
    struct iovec segments[VIRTQUEUE_SEGMENTS_MAX]; /* into guest memory: contents may change */
};

/* Attaches to rings in `memory`. -EBADMSG for a size, an alignment or an address that is wrong. */
MUST_USE int virtqueue_start(const struct virtqueue_layout *layout, const struct memory *memory,
                             enum virtqueue_direction direction, bool event_idx, bool indirect,
                             struct virtqueue *ret_queue, struct error *err);

/* Finds the rings again after the memory table was replaced; positions stay. */
MUST_USE int virtqueue_relocate(struct virtqueue *queue, const struct virtqueue_layout *layout,
                                const struct memory *memory, struct error *err);

/*
 * Takes the next buffer. 1 when there was one, 0 when there is none, -EBADMSG when the driver broke
 * the rules; *ret_chain has defined contents only after 1.
 */
MUST_USE int virtqueue_pop(struct virtqueue *queue, const struct memory *memory, struct virtqueue_chain *ret_chain,
                           struct error *err);

/* Gives back a buffer, of which the device has written `written` bytes. */
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written);

/* Whether the driver wants an interrupt for what was pushed since the last call. */
MUST_USE bool virtqueue_wants_interrupt(struct virtqueue *queue);

/* Asks for a kick at the next new buffer. True when one came meanwhile: look again first. */
MUST_USE bool virtqueue_enable_kicks(struct virtqueue *queue);

/* Tells the driver that kicks are of no use now; it may kick all the same. */
void virtqueue_disable_kicks(struct virtqueue *queue);

/* Copies `size` bytes out of a chain from `offset` on; returns how many there were. */
size_t virtqueue_chain_read(const struct virtqueue_chain *chain, size_t offset, void *ret_data, size_t size);

/* Copies `size` bytes into a chain from `offset` on; returns how many there was room for. */
size_t virtqueue_chain_write(const struct virtqueue_chain *chain, size_t offset, const void *data, size_t size);

#endif
