/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What breaks the rules of virtqueues (VIRTIO 1.2, section 2.7): the device ends, with the rule that was broken, and so
 * does the VM. Each attack, once made, waits for that.
 */
#include "rings.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define SPARE        100u /* descriptors from here on belong to no buffer */
#define NOWHERE      (UINT64_C(1) << 45)
#define SCRATCH      0x180000u
#define RESTARTS     40u
#define RACE_PACKETS 20000u

_Noreturn static void wait_for_the_end(void)
{
    for (;;)
        (void)pause();
}

/* A packet that would be right if its chain were. */
static uint8_t *packet(struct rings *rings)
{
    const struct virtio_vsock_hdr header = rings_header(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
    uint8_t *bytes = rings->device.memory + SCRATCH;

    memcpy(bytes, &header, sizeof header);
    return bytes;
}

static struct vring_desc *spare(struct rings *rings, unsigned queue, unsigned index)
{
    return &rings->device.queues[queue].descriptors[SPARE + index];
}

/* One chain of one descriptor, offered to a queue. */
_Noreturn static void offer(struct rings *rings, unsigned queue, uint64_t address, uint32_t size, uint16_t flags,
                            uint16_t next)
{
    virtio_write_descriptor(spare(rings, queue, 0), address, size, flags, next);
    virtio_offer(&rings->device.queues[queue], SPARE);
    wait_for_the_end();
}

static uint64_t packet_address(struct rings *rings)
{
    return virtio_address(&rings->device, packet(rings));
}

/* --- indexes -------------------------------------------------------------------------------------------------- */

static void head_beyond(struct rings *rings)
{
    virtio_offer(&rings->device.queues[RINGS_TX], VIRTIO_QUEUE_SIZE);
    wait_for_the_end();
}

static void head_largest(struct rings *rings)
{
    virtio_offer(&rings->device.queues[RINGS_TX], UINT16_MAX);
    wait_for_the_end();
}

static void next_beyond(struct rings *rings)
{
    offer(rings, RINGS_TX, packet_address(rings), sizeof(struct virtio_vsock_hdr), VRING_DESC_F_NEXT, UINT16_MAX);
}

static void ahead(struct rings *rings)
{
    struct virtio_queue *tx = &rings->device.queues[RINGS_TX];

    tx->available->idx = htole16((uint16_t)(tx->next + VIRTIO_QUEUE_SIZE + 1));
    virtio_kick(tx);
    wait_for_the_end();
}

static void backwards(struct rings *rings)
{
    struct virtio_queue *rx = &rings->device.queues[RINGS_RX];

    rx->available->idx = htole16((uint16_t)(rx->used->idx - 1));
    virtio_kick(rx);
    virtio_kick(&rings->device.queues[RINGS_TX]);
    wait_for_the_end();
}

/* --- chains ---------------------------------------------------------------------------------------------------- */

static void loop(struct rings *rings)
{
    virtio_write_descriptor(spare(rings, RINGS_TX, 1), packet_address(rings), sizeof(struct virtio_vsock_hdr),
                            VRING_DESC_F_NEXT, SPARE);
    offer(rings, RINGS_TX, packet_address(rings), sizeof(struct virtio_vsock_hdr), VRING_DESC_F_NEXT, SPARE + 1);
}

static void loop_to_itself(struct rings *rings)
{
    offer(rings, RINGS_TX, packet_address(rings), sizeof(struct virtio_vsock_hdr), VRING_DESC_F_NEXT, SPARE);
}

static void zero_length(struct rings *rings)
{
    offer(rings, RINGS_TX, packet_address(rings), 0, 0, 0);
}

static void writable(struct rings *rings)
{
    offer(rings, RINGS_TX, packet_address(rings), sizeof(struct virtio_vsock_hdr), VRING_DESC_F_WRITE, 0);
}

/* The host has something to say at once: to it the guest's first buffer is the one it can't write to. */
static void rx_readable(struct rings *rings)
{
    for (unsigned i = 0; i < RINGS_BUFFERS; i++)
        rings->device.queues[RINGS_RX].descriptors[i].flags = 0;
}

static void rx_small(struct rings *rings)
{
    for (unsigned i = 0; i < RINGS_BUFFERS; i++)
        rings->device.queues[RINGS_RX].descriptors[i].len = htole32(10);
}

static void rx_outside(struct rings *rings)
{
    for (unsigned i = 0; i < RINGS_BUFFERS; i++)
        rings->device.queues[RINGS_RX].descriptors[i].addr = htole64(NOWHERE);
}

static void outside(struct rings *rings)
{
    offer(rings, RINGS_TX, NOWHERE, sizeof(struct virtio_vsock_hdr), 0, 0);
}

/* From the last page of the address space round to its first. */
static void wraps(struct rings *rings)
{
    offer(rings, RINGS_TX, UINT64_MAX - 16, sizeof(struct virtio_vsock_hdr), 0, 0);
}

/* From the last byte of memory on, 4 GiB. */
static void long_descriptor(struct rings *rings)
{
    offer(rings, RINGS_TX, packet_address(rings), UINT32_MAX, 0, 0);
}

/* The device's own registers as a buffer. */
static void registers(struct rings *rings)
{
    offer(rings, RINGS_TX, UINT64_C(0xfee00000), sizeof(struct virtio_vsock_hdr), 0, 0);
}

static void short_packet(struct rings *rings)
{
    offer(rings, RINGS_TX, packet_address(rings), sizeof(struct virtio_vsock_hdr) - 1, 0, 0);
}

/* --- indirect tables ---------------------------------------------------------------------------------------------- */

static struct vring_desc *table(struct rings *rings)
{
    return (struct vring_desc *)(void *)(rings->device.memory + SCRATCH + 0x1000);
}

_Noreturn static void offer_table(struct rings *rings, uint32_t size, uint16_t flags)
{
    offer(rings, RINGS_TX, virtio_address(&rings->device, table(rings)), size,
          (uint16_t)(VRING_DESC_F_INDIRECT | flags), 0);
}

static void indirect_nested(struct rings *rings)
{
    virtio_write_descriptor(table(rings), virtio_address(&rings->device, table(rings)), 16, VRING_DESC_F_INDIRECT, 0);
    offer_table(rings, 16, 0);
}

static void indirect_loop(struct rings *rings)
{
    virtio_write_descriptor(table(rings), packet_address(rings), 44, VRING_DESC_F_NEXT, 0);
    offer_table(rings, 16, 0);
}

static void indirect_beyond(struct rings *rings)
{
    virtio_write_descriptor(table(rings), packet_address(rings), 44, VRING_DESC_F_NEXT, 9);
    offer_table(rings, 16, 0);
}

static void indirect_odd(struct rings *rings)
{
    offer_table(rings, 24, 0);
}

static void indirect_empty(struct rings *rings)
{
    offer_table(rings, 0, 0);
}

static void indirect_and_next(struct rings *rings)
{
    virtio_write_descriptor(table(rings), packet_address(rings), 44, 0, 0);
    offer_table(rings, 16, VRING_DESC_F_NEXT);
}

static void indirect_outside(struct rings *rings)
{
    offer(rings, RINGS_TX, NOWHERE, 16, VRING_DESC_F_INDIRECT, 0);
}

/* 2^28 descriptors, each the next of the one before. */
static void indirect_huge(struct rings *rings)
{
    offer(rings, RINGS_TX, virtio_address(&rings->device, table(rings)), 0xfffffff0u, VRING_DESC_F_INDIRECT, 0);
}

/* --- changes behind the device's back
 * --------------------------------------------------------------------------------- */

static void *flip(void *argument)
{
    struct rings *rings = argument;
    volatile uint32_t *size =
        (volatile uint32_t *)(volatile void *)(rings->device.memory + SCRATCH + offsetof(struct virtio_vsock_hdr, len));
    volatile uint64_t *cid = (volatile uint64_t *)(volatile void *)(rings->device.memory + SCRATCH);
    volatile struct vring_desc *descriptor = spare(rings, RINGS_TX, 0);

    for (;;) {
        *size = UINT32_MAX;
        descriptor->addr = htole64(NOWHERE);
        *cid = 7;
        *size = 0;
        descriptor->len = htole32(0);
        descriptor->addr = htole64(packet_address(rings));
        descriptor->len = htole32(44);
    }
    return NULL;
}

/* Header and descriptor change while the device reads them; sooner or later it reads a wrong one. */
static void change_after_kick(struct rings *rings)
{
    struct virtio_queue *tx = &rings->device.queues[RINGS_TX];
    pthread_t thread;

    virtio_write_descriptor(spare(rings, RINGS_TX, 0), packet_address(rings), 44, 0, 0);
    (void)pthread_create(&thread, NULL, flip, rings);
    for (unsigned i = 0; i < RACE_PACKETS; i++) {
        while ((uint16_t)(tx->next - le16toh(tx->used->idx)) >= VIRTIO_QUEUE_SIZE)
            (void)rings_collect(rings);
        virtio_offer(tx, SPARE);
    }
    wait_for_the_end();
}

/* The used rings and the available ones' flags belong to others; whoever writes there must not matter. */
static void scribble(struct rings *rings)
{
    for (unsigned queue = 0; queue < VIRTIO_QUEUES; queue++) {
        volatile struct vring_used *used = rings->device.queues[queue].used;

        used->flags = UINT16_MAX;
        for (unsigned i = 0; i < VIRTIO_QUEUE_SIZE; i++) {
            used->ring[i].id = UINT32_MAX;
            used->ring[i].len = UINT32_MAX;
        }
    }
}

/* --- the device's life ----------------------------------------------------------------------------------------------
 */

/* Reset and started again while the host connects, many times; the last time it stays. */
static void restarts(struct rings *rings)
{
    for (unsigned i = 0; i < RESTARTS; i++) {
        virtio_start(&rings->device);
        virtio_kick(&rings->device.queues[RINGS_TX]);
    }
    rings_restart(rings);
}

static void reset_for_good(struct rings *rings)
{
    virtio_reset(&rings->device);
    wait_for_the_end();
}

const struct rings_attack attacks_rings[] = {
    {"head-beyond", RINGS_EARLY, head_beyond},
    {"head-largest", RINGS_MIDWAY, head_largest},
    {"next-beyond", RINGS_EARLY, next_beyond},
    {"ahead", RINGS_EARLY, ahead},
    {"backwards", RINGS_MIDWAY, backwards},
    {"loop", RINGS_EARLY, loop},
    {"loop-to-itself", RINGS_MIDWAY, loop_to_itself},
    {"zero-length", RINGS_EARLY, zero_length},
    {"writable", RINGS_EARLY, writable},
    {"rx-readable", RINGS_EARLY, rx_readable},
    {"rx-small", RINGS_EARLY, rx_small},
    {"rx-outside", RINGS_EARLY, rx_outside},
    {"outside", RINGS_EARLY, outside},
    {"wraps", RINGS_EARLY, wraps},
    {"long-descriptor", RINGS_EARLY, long_descriptor},
    {"registers", RINGS_EARLY, registers},
    {"short-packet", RINGS_EARLY, short_packet},
    {"indirect-nested", RINGS_EARLY, indirect_nested},
    {"indirect-loop", RINGS_EARLY, indirect_loop},
    {"indirect-beyond", RINGS_EARLY, indirect_beyond},
    {"indirect-odd", RINGS_EARLY, indirect_odd},
    {"indirect-empty", RINGS_EARLY, indirect_empty},
    {"indirect-and-next", RINGS_EARLY, indirect_and_next},
    {"indirect-outside", RINGS_MIDWAY, indirect_outside},
    {"indirect-huge", RINGS_EARLY, indirect_huge},
    {"change-after-kick", RINGS_MIDWAY, change_after_kick},
    {"scribble", RINGS_EARLY, scribble},
    {"restarts", RINGS_EARLY, restarts},
    {"reset-for-good", RINGS_MIDWAY, reset_for_good},
    {0},
};
