/* SPDX-License-Identifier: Apache-2.0 */
/* A virtio device on PCI, from user space (VIRTIO 1.2, sections 2.7 and 4.1). Any failure ends the VM with a line. */
#ifndef LAZARET_TESTS_VM_HOSTILE_VIRTIO_H
#define LAZARET_TESTS_VM_HOSTILE_VIRTIO_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_QUEUES      3u
#define VIRTIO_QUEUE_SIZE  128u
#define VIRTIO_MEMORY      ((size_t)2 << 20)
#define VIRTIO_FREE_OFFSET 0x40000u /* the memory below holds the rings */

struct virtio_queue {
    struct vring_desc *descriptors;
    volatile struct vring_avail *available;
    volatile struct vring_used *used;
    volatile uint16_t *notify;
    uint16_t next; /* the available index as it should be */
    uint16_t number;
};

struct virtio {
    volatile uint8_t *common, *config, *notify;
    uint32_t notify_multiplier;
    uint8_t *memory; /* VIRTIO_MEMORY bytes */
    uint64_t physical;
    struct virtio_queue queues[VIRTIO_QUEUES];
};

/* Finds the device, maps its registers, makes the rings' memory. */
void virtio_open(struct virtio *virtio);
/* Resets the device and starts it with these rings, empty. */
void virtio_start(struct virtio *virtio);
void virtio_reset(struct virtio *virtio);

/* The physical address of a byte of the memory. */
uint64_t virtio_address(const struct virtio *virtio, const void *byte);
void virtio_write_descriptor(struct vring_desc *descriptor, uint64_t address, uint32_t size, uint16_t flags,
                             uint16_t next);
/* Makes a chain available; tells the device. */
void virtio_add(struct virtio_queue *queue, uint16_t head);
void virtio_offer(struct virtio_queue *queue, uint16_t head); /* both */
void virtio_kick(struct virtio_queue *queue);

#endif
