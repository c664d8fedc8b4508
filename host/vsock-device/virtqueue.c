/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of a split virtqueue.
 *
 * Theory of operation. The driver puts heads of descriptor chains into the available ring and then
 * advances avail->idx; the device takes them in order, and gives each back through the used ring,
 * advancing used->idx. Both indices run modulo 2^16. The ordering rules (2.7.13, 2.7.14):
 *  - avail->idx is read with acquire semantics, so that the entries below it are seen;
 *  - used->idx is stored with release semantics, so that the entries below it are seen;
 *  - a full barrier stands between an index's store and the load of the other side's wish to be
 *    notified, on both sides, or a notification could be lost.
 * The bounds that keep a hostile driver harmless:
 *  - at most `size` entries can be outstanding, so an avail->idx further ahead is a violation;
 *  - a chain longer than `size` descriptors is a loop, for 2.7.5.3.1 forbids such a chain, and
 *    2.7.5.2 forbids chains of 2^32 bytes and more;
 *  - an indirect table is copied descriptor by descriptor and may not hold another (2.7.5.3.1).
 */
#include "host/vsock-device/virtqueue.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define DESCRIPTOR_SIZE ((size_t)16) /* {u64 addr; u32 len; u16 flags; u16 next}, 2.7.5 */
#define RING_HEADER     ((size_t)4)  /* {u16 flags; u16 idx}, 2.7.6 and 2.7.8 */
#define USED_ENTRY      ((size_t)8)  /* {u32 id; u32 len} */

struct descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags;
    uint16_t next;
};

static uint16_t load_u16(const uint8_t *at)
{
    return le16toh(__atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE));
}

static void store_u16(uint8_t *at, uint16_t value)
{
    __atomic_store_n((uint16_t *)(void *)at, htole16(value), __ATOMIC_RELEASE);
}

static void store_u32(uint8_t *at, uint32_t value)
{
    __atomic_store_n((uint32_t *)(void *)at, htole32(value), __ATOMIC_RELAXED);
}

/* Where the driver says at which used index it wants an interrupt (2.7.7). */
static const uint8_t *used_event(const struct virtqueue *queue)
{
    return queue->available + RING_HEADER + 2 * (size_t)queue->size;
}

/* Where the device says at which available index it wants a kick (2.7.10). */
static uint8_t *avail_event(const struct virtqueue *queue)
{
    return queue->used + RING_HEADER + USED_ENTRY * queue->size;
}

int virtqueue_relocate(struct virtqueue *queue, const struct virtqueue_layout *layout, const struct memory *memory,
                       struct error *err)
{
    const size_t size = queue->size;
    uint8_t *descriptors, *available, *used;

    if (memory_at_user_address(memory, layout->descriptors_address, DESCRIPTOR_SIZE * size, &descriptors) < 0 ||
        memory_at_user_address(memory, layout->available_address, RING_HEADER + 2 * size + 2, &available) < 0 ||
        memory_at_user_address(memory, layout->used_address, RING_HEADER + USED_ENTRY * size + 2, &used) < 0)
        return error_set(err, ERROR_GUEST, -EBADMSG, "virtqueue lies outside guest memory");
    if ((uintptr_t)descriptors % 16 != 0 || (uintptr_t)available % 2 != 0 || (uintptr_t)used % 4 != 0) /* 2.7 */
        return error_set(err, ERROR_GUEST, -EBADMSG, "virtqueue is misaligned");
    queue->descriptors = descriptors;
    queue->available = available;
    queue->used = used;
    return 0;
}

int virtqueue_start(const struct virtqueue_layout *layout, const struct memory *memory,
                    enum virtqueue_direction direction, bool event_idx, bool indirect, struct virtqueue *ret_queue,
                    struct error *err)
{
    struct virtqueue queue = {.direction = direction,
                              .event_idx = event_idx,
                              .indirect = indirect,
                              .size = (uint16_t)layout->size,
                              .next_avail = layout->base};
    int r;

    if (layout->size == 0 || layout->size > VIRTQUEUE_SIZE_MAX || (layout->size & (layout->size - 1)) != 0)
        return error_set(err, ERROR_GUEST, -EBADMSG, "virtqueue size %u: must be a power of two, at most %u",
                         layout->size, VIRTQUEUE_SIZE_MAX);
    r = virtqueue_relocate(&queue, layout, memory, err);
    if (r < 0)
        return r;
    /* Where a predecessor stopped, or 0; from here on this process's own count is the truth. */
    queue.next_used = load_u16(queue.used + 2);
    queue.signalled = queue.next_used;
    *ret_queue = queue;
    return 0;
}

/* The single read of a descriptor; later changes by the driver have no effect. */
static struct descriptor copy_descriptor(const uint8_t *at)
{
    uint64_t words[2];

    words[0] = le64toh(__atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED));
    words[1] = le64toh(__atomic_load_n((const uint64_t *)(const void *)(at + 8), __ATOMIC_RELAXED));
    return (struct descriptor){.address = words[0],
                               .size = (uint32_t)words[1],
                               .flags = (uint16_t)(words[1] >> 32),
                               .next = (uint16_t)(words[1] >> 48)};
}

/* The same for a descriptor of an indirect table, which may lie at any address in any region. */
static int copy_indirect(const struct memory *memory, uint64_t address, struct descriptor *ret_descriptor)
{
    uint64_t words[2];
    uint8_t *bytes = (uint8_t *)words;
    size_t done = 0;

    while (done < DESCRIPTOR_SIZE) {
        uint8_t *data;
        size_t size;

        if (address + done < address ||
            memory_at_guest_address(memory, address + done, DESCRIPTOR_SIZE - done, &data, &size) < 0)
            return -EFAULT;
        memcpy(bytes + done, data, size);
        done += size;
    }
    /* The words are this process's own copy: the compiler may not go back to guest memory. */
    __asm__ volatile("" ::: "memory");
    *ret_descriptor = copy_descriptor(bytes);
    return 0;
}

static int violation(struct error *err, const struct virtqueue *queue, const char *what)
{
    return error_set(err, ERROR_GUEST, -EBADMSG, "guest broke the %s virtqueue: %s",
                     queue->direction == VIRTQUEUE_DEVICE_READS ? "tx" : "rx", what);
}

/* Adds a descriptor's bytes to the chain. */
static int add_buffer(const struct virtqueue *queue, const struct memory *memory, const struct descriptor *descriptor,
                      struct virtqueue_chain *chain, struct error *err)
{
    bool writable = (descriptor->flags & VRING_DESC_F_WRITE) != 0;
    uint64_t address = descriptor->address;
    size_t left = descriptor->size;

    if (writable != (queue->direction == VIRTQUEUE_DEVICE_WRITES))
        return violation(err, queue, "a descriptor of the wrong direction");
    if (left == 0)
        return violation(err, queue, "a descriptor of no bytes");
    if (left > UINT32_MAX - chain->size)
        return violation(err, queue, "a chain of more than 4 GiB");
    while (left > 0) {
        struct iovec *segment = &chain->segments[chain->segment_count];
        uint8_t *data;
        size_t size;

        if (chain->segment_count == VIRTQUEUE_SEGMENTS_MAX)
            return violation(err, queue, "a chain in too many pieces");
        if (memory_at_guest_address(memory, address, left, &data, &size) < 0)
            return violation(err, queue, "a descriptor outside guest memory");
        *segment = (struct iovec){.iov_base = data, .iov_len = size};
        chain->segment_count++;
        chain->size += size;
        address += size; /* can't wrap: no region does */
        left -= size;
    }
    return 0;
}

/* Walks an indirect table (2.7.5.3); `used` counts the chain's descriptors so far. */
static int walk_indirect(const struct virtqueue *queue, const struct memory *memory, const struct descriptor *table,
                         uint32_t used, struct virtqueue_chain *chain, struct error *err)
{
    uint32_t entries = table->size / DESCRIPTOR_SIZE;
    uint32_t index = 0;

    if (!queue->indirect)
        return violation(err, queue, "an indirect table, which was not negotiated");
    if ((table->flags & VRING_DESC_F_NEXT) != 0)
        return violation(err, queue, "a descriptor both indirect and chained");
    if (entries == 0 || table->size % DESCRIPTOR_SIZE != 0)
        return violation(err, queue, "an indirect table of a wrong size");
    for (;;) {
        struct descriptor descriptor;
        int r;

        if (used++ >= queue->size)
            return violation(err, queue, "a chain with a loop, or longer than the queue");
        if (copy_indirect(memory, table->address + index * DESCRIPTOR_SIZE, &descriptor) < 0)
            return violation(err, queue, "an indirect table outside guest memory");
        if ((descriptor.flags & VRING_DESC_F_INDIRECT) != 0)
            return violation(err, queue, "an indirect table inside another");
        r = add_buffer(queue, memory, &descriptor, chain, err);
        if (r < 0)
            return r;
        if ((descriptor.flags & VRING_DESC_F_NEXT) == 0)
            return 0;
        index = descriptor.next;
        if (index >= entries)
            return violation(err, queue, "an index beyond its indirect table");
    }
}

static int walk_chain(const struct virtqueue *queue, const struct memory *memory, struct virtqueue_chain *chain,
                      struct error *err)
{
    uint16_t index = chain->head;

    for (uint32_t used = 0;; used++) {
        struct descriptor descriptor;
        int r;

        if (index >= queue->size)
            return violation(err, queue, "a descriptor index beyond the table");
        if (used >= queue->size)
            return violation(err, queue, "a chain with a loop");
        descriptor = copy_descriptor(queue->descriptors + DESCRIPTOR_SIZE * index);
        if ((descriptor.flags & VRING_DESC_F_INDIRECT) != 0)
            return walk_indirect(queue, memory, &descriptor, used, chain, err);
        r = add_buffer(queue, memory, &descriptor, chain, err);
        if (r < 0)
            return r;
        if ((descriptor.flags & VRING_DESC_F_NEXT) == 0)
            return 0;
        index = descriptor.next;
    }
}

int virtqueue_pop(struct virtqueue *queue, const struct memory *memory, struct virtqueue_chain *ret_chain,
                  struct error *err)
{
    uint16_t available = (uint16_t)(load_u16(queue->available + 2) - queue->next_avail);
    size_t slot = queue->next_avail & (queue->size - 1u);
    int r;

    if (available == 0)
        return 0;
    if (available > queue->size)
        return violation(err, queue, "an available index too far ahead");
    ret_chain->head = load_u16(queue->available + RING_HEADER + 2 * slot);
    ret_chain->segment_count = 0;
    ret_chain->size = 0;
    r = walk_chain(queue, memory, ret_chain, err);
    if (r < 0)
        return r;
    queue->next_avail++;
    return 1;
}

void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t written)
{
    size_t slot = queue->next_used & (queue->size - 1u);
    uint8_t *entry = queue->used + RING_HEADER + USED_ENTRY * slot;

    store_u32(entry, head);
    store_u32(entry + 4, written);
    queue->next_used++;
    store_u16(queue->used + 2, queue->next_used);
}

bool virtqueue_wants_interrupt(struct virtqueue *queue)
{
    uint16_t from = queue->signalled;

    if (from == queue->next_used)
        return false;
    queue->signalled = queue->next_used;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!queue->event_idx)
        return (load_u16(queue->available) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
    return vring_need_event(load_u16(used_event(queue)), queue->next_used, from) != 0;
}

bool virtqueue_enable_kicks(struct virtqueue *queue)
{
    if (queue->event_idx)
        store_u16(avail_event(queue), queue->next_avail);
    else
        store_u16(queue->used, 0);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return load_u16(queue->available + 2) != queue->next_avail;
}

void virtqueue_disable_kicks(struct virtqueue *queue)
{
    /* With EVENT_IDX, an event index left behind does it: the next match is 2^16 entries away. */
    if (!queue->event_idx)
        store_u16(queue->used, VRING_USED_F_NO_NOTIFY);
}

size_t virtqueue_chain_read(const struct virtqueue_chain *chain, size_t offset, void *ret_data, size_t size)
{
    uint8_t *data = ret_data;
    size_t done = 0;

    for (size_t i = 0; i < chain->segment_count && done < size; i++) {
        const struct iovec *segment = &chain->segments[i];
        size_t count;

        if (offset >= segment->iov_len) {
            offset -= segment->iov_len;
            continue;
        }
        count = segment->iov_len - offset;
        if (count > size - done)
            count = size - done;
        memcpy(data + done, (const uint8_t *)segment->iov_base + offset, count);
        done += count;
        offset = 0;
    }
    return done;
}

size_t virtqueue_chain_write(const struct virtqueue_chain *chain, size_t offset, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t done = 0;

    for (size_t i = 0; i < chain->segment_count && done < size; i++) {
        const struct iovec *segment = &chain->segments[i];
        size_t count;

        if (offset >= segment->iov_len) {
            offset -= segment->iov_len;
            continue;
        }
        count = segment->iov_len - offset;
        if (count > size - done)
            count = size - done;
        memcpy((uint8_t *)segment->iov_base + offset, bytes + done, count);
        done += count;
        offset = 0;
    }
    return done;
}
