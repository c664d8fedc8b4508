/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker of descriptor chains, tried with every table there is over a small set of field values, every head, both
 * directions, with and without indirect tables; the code is the device's own, in a ring of 2 or 4. What must come of
 * each is worked out beside it, descriptor by descriptor and byte by byte. Then every available index there can be.
 *
 * The values are the classes that the rules tell apart: an address within a region, over the border of two that are
 * neighbours for the guest only, over the end of memory, in a hole, at the end of all addresses; no bytes, few, whole
 * descriptors, the largest; every combination of the three flags; a next within the table, at its end, far beyond.
 * LAZARET_PROOFS_LONG adds the tables of three in a ring of 4.
 */
#include "host/vsock-device/virtqueue.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>

#define PAGE     UINT64_C(4096)
#define RINGS_AT UINT64_C(0x10000) /* a region of their own: descriptors, available, used */
#define TABLE_AT UINT64_C(0x800)   /* of an indirect table, in the first region */
#define INDICES  65536

static _Alignas(4096) uint8_t image[3 * PAGE];
static struct memory memory = {
    .count = 3,
    .regions = {
        {.config = {.guest_address = 0, .size = PAGE, .user_address = 0}, .data = image + PAGE},
        {.config = {.guest_address = PAGE, .size = PAGE, .user_address = PAGE}, .data = image},
        {.config = {.guest_address = RINGS_AT, .size = PAGE, .user_address = RINGS_AT}, .data = image + 2 * PAGE}}};
static struct vring_desc *const ring = (struct vring_desc *)(void *)(image + 2 * PAGE);
static struct vring_desc *const table = (struct vring_desc *)(void *)(image + PAGE + TABLE_AT);
static struct virtqueue queue;
static struct virtqueue_chain chain;
static unsigned long long cases, taken, failures;

static const uint64_t addresses[] = {64, PAGE - 8, 2 * PAGE - 8, 0x8000, UINT64_MAX - 7, TABLE_AT};
static const uint32_t sizes[] = {0, 1, 16, 32, UINT32_MAX};
static const uint16_t nexts[] = {0, 1, 2, UINT16_MAX};
#define ADDRESSES (sizeof addresses / sizeof addresses[0])
#define SIZES     (sizeof sizes / sizeof sizes[0])
#define NEXTS     (sizeof nexts / sizeof nexts[0])
#define VALUES    (ADDRESSES * SIZES * NEXTS * 8)

/* The descriptor of a number below VALUES. */
static struct vring_desc value(size_t number)
{
    return (struct vring_desc){.addr = addresses[number % ADDRESSES],
                               .len = sizes[number / ADDRESSES % SIZES],
                               .next = nexts[number / ADDRESSES / SIZES % NEXTS],
                               .flags = (uint16_t)(number / ADDRESSES / SIZES / NEXTS)};
}

/* Where a guest's byte lies; NULL in no region. */
static const uint8_t *byte_at(uint64_t address)
{
    if (address < PAGE)
        return image + PAGE + address;
    return address < 2 * PAGE ? image + (address - PAGE) : NULL;
}

/* What a chain's bytes must be, in order; the longest legal one here has 4 times 32. */
struct model {
    const uint8_t *bytes[4 * 32];
    size_t size;
    unsigned descriptors;
};

static bool model_buffer(struct model *model, const struct vring_desc *descriptor)
{
    bool writable = (descriptor->flags & VRING_DESC_F_WRITE) != 0;

    if (writable != (queue.direction == VIRTQUEUE_DEVICE_WRITES) || descriptor->len == 0 || descriptor->len > 32)
        return false;
    for (uint32_t i = 0; i < descriptor->len; i++) {
        const uint8_t *byte = descriptor->addr + i < descriptor->addr ? NULL : byte_at(descriptor->addr + i);

        if (byte == NULL)
            return false;
        model->bytes[model->size++] = byte;
    }
    return true;
}

/* One entry of an indirect table, which may lie over the border: byte by byte. */
static bool model_entry(uint64_t address, struct vring_desc *ret_entry)
{
    uint8_t bytes[sizeof *ret_entry];

    for (size_t i = 0; i < sizeof bytes; i++) {
        const uint8_t *byte = address + i < address ? NULL : byte_at(address + i);

        if (byte == NULL)
            return false;
        bytes[i] = *byte;
    }
    memcpy(ret_entry, bytes, sizeof bytes);
    return true;
}

static bool model_table(struct model *model, const struct vring_desc *descriptor)
{
    uint32_t entries = descriptor->len / 16, index = 0;
    struct vring_desc entry;

    if (!queue.indirect || (descriptor->flags & VRING_DESC_F_NEXT) != 0 || descriptor->len == 0 ||
        descriptor->len % 16 != 0)
        return false;
    do {
        if (index >= entries || model->descriptors++ >= queue.size ||
            !model_entry(descriptor->addr + index * UINT64_C(16), &entry) ||
            (entry.flags & VRING_DESC_F_INDIRECT) != 0 || !model_buffer(model, &entry))
            return false;
        index = entry.next;
    } while ((entry.flags & VRING_DESC_F_NEXT) != 0);
    return true;
}

static bool model_chain(struct model *model, uint16_t head)
{
    model->size = model->descriptors = 0;
    for (uint32_t index = head;; index = ring[index].next) {
        if (index >= queue.size || model->descriptors >= queue.size)
            return false;
        if ((ring[index].flags & VRING_DESC_F_INDIRECT) != 0)
            return model_table(model, &ring[index]);
        model->descriptors++;
        if (!model_buffer(model, &ring[index]))
            return false;
        if ((ring[index].flags & VRING_DESC_F_NEXT) == 0)
            return true;
    }
}

static void fail(const char *what, uint16_t head)
{
    if (failures++ < 10)
        (void)printf("FAILED: %s: head %u, {%llx %u %u %u} {%llx %u %u %u}\n", what, head, ring[0].addr, ring[0].len,
                     ring[0].flags, ring[0].next, ring[1].addr, ring[1].len, ring[1].flags, ring[1].next);
}

static void check_segments(const struct model *model, uint16_t head)
{
    size_t at = 0;

    for (size_t s = 0; s < chain.segment_count; s++)
        for (size_t i = 0; i < chain.segments[s].iov_len; i++, at++)
            if (at >= model->size || (const uint8_t *)chain.segments[s].iov_base + i != model->bytes[at])
                return fail("other bytes", head);
    if (at != model->size || chain.size != model->size || chain.head != head)
        fail("another size", head);
}

static void start(uint32_t size, enum virtqueue_direction direction, bool indirect, uint16_t base)
{
    const struct virtqueue_layout layout = {.size = size,
                                            .base = base,
                                            .descriptors_address = RINGS_AT,
                                            .available_address = RINGS_AT + 256,
                                            .used_address = RINGS_AT + 512};

    if (virtqueue_start(&layout, &memory, direction, false, indirect, &queue, NULL) < 0)
        failures++;
}

/* Takes one chain as the table at hand has it, with every head. */
static void try_heads(void)
{
    static const uint16_t heads[] = {0, 1, 2, UINT16_MAX};
    uint16_t *available = (uint16_t *)(void *)(image + 2 * PAGE + 256);

    for (size_t h = 0; h < sizeof heads / sizeof heads[0]; h++) {
        struct model model;
        bool right = model_chain(&model, heads[h]);
        int r;

        available[1] = (uint16_t)(queue.next_avail + 1);
        available[2 + queue.next_avail % queue.size] = heads[h];
        r = virtqueue_pop(&queue, &memory, &chain, NULL);
        cases++;
        if (r != (right ? 1 : -EBADMSG))
            fail(right ? "a right chain refused" : "a wrong chain taken", heads[h]);
        else if (right)
            check_segments(&model, heads[h]);
        taken += r == 1 ? 1 : 0;
        queue.next_avail = 0; /* a broken queue is used again here, and only here */
    }
}

static void prove_tables_of_two(void)
{
    for (int mode = 0; mode < 4; mode++) {
        start(2, (mode & 1) != 0 ? VIRTQUEUE_DEVICE_WRITES : VIRTQUEUE_DEVICE_READS, (mode & 2) != 0, 0);
        table[0] = (struct vring_desc){.addr = 64, .len = 16, .flags = (mode & 1) != 0 ? VRING_DESC_F_WRITE : 0};
        table[1] = table[0];
        ring[2] = ring[3] = table[0]; /* beyond the ring lies what would be right */
        for (size_t a = 0; a < VALUES; a++) {
            ring[0] = value(a);
            for (size_t b = 0; b < VALUES; b++) {
                ring[1] = value(b);
                try_heads();
            }
        }
    }
}

/* Tables of two in an indirect one of every size, alone and behind a direct descriptor. */
static void prove_indirect_tables(void)
{
    static const uint32_t lengths[] = {16, 32, 0, 15, 48};

    for (int mode = 0; mode < 4; mode++) {
        bool behind = (mode & 2) != 0;
        uint16_t flags = (mode & 1) != 0 ? VRING_DESC_F_WRITE : 0;

        start(2, (mode & 1) != 0 ? VIRTQUEUE_DEVICE_WRITES : VIRTQUEUE_DEVICE_READS, true, 0);
        for (size_t l = 0; l < (behind ? 2 : sizeof lengths / sizeof lengths[0]); l++) {
            ring[0] = behind ? (struct vring_desc){.addr = 64,
                                                   .len = 16,
                                                   .flags = (uint16_t)(flags | VRING_DESC_F_NEXT),
                                                   .next = 1}
                             : (struct vring_desc){.addr = TABLE_AT, .len = lengths[l], .flags = VRING_DESC_F_INDIRECT};
            ring[1] = (struct vring_desc){.addr = TABLE_AT, .len = lengths[l], .flags = VRING_DESC_F_INDIRECT};
            for (size_t a = 0; a < VALUES; a += l < 2 ? 1 : 7)
                for (size_t b = 0; b < VALUES; b++) {
                    table[0] = value(a);
                    table[1] = value(b);
                    try_heads();
                }
        }
    }
}

/* Three descriptors in a ring of 4, the fourth fixed. */
static void prove_tables_of_three(void)
{
    for (int mode = 0; mode < 2; mode++) {
        start(4, (mode & 1) != 0 ? VIRTQUEUE_DEVICE_WRITES : VIRTQUEUE_DEVICE_READS, true, 0);
        ring[3] = value(0);
        for (size_t a = 0; a < VALUES; a += 3)
            for (size_t b = 0; b < VALUES; b += 5)
                for (size_t c = 0; c < VALUES; c++) {
                    ring[0] = value(a);
                    ring[1] = value(b);
                    ring[2] = value(c);
                    try_heads();
                }
    }
}

/* Every available index against positions at all borders: nothing new, as many as there are, or a lie. */
static void prove_indices(void)
{
    static const uint16_t bases[] = {0, 1, 2, 0x7fff, 0x8000, 0xfffe, 0xffff};

    ring[0] = (struct vring_desc){.addr = 64, .len = 16};
    memset(image + 2 * PAGE + 256, 0, 256);
    for (uint32_t size = 1; size <= 8; size *= 2)
        for (size_t b = 0; b < sizeof bases / sizeof bases[0]; b++)
            for (uint32_t index = 0; index < INDICES; index++) {
                uint16_t ahead = (uint16_t)(index - bases[b]);
                int r;

                start(size, VIRTQUEUE_DEVICE_READS, false, bases[b]);
                ((uint16_t *)(void *)(image + 2 * PAGE + 256))[1] = (uint16_t)index;
                r = virtqueue_pop(&queue, &memory, &chain, NULL);
                cases++;
                if (r != (ahead == 0 ? 0 : ahead <= size ? 1 : -EBADMSG))
                    fail("an index", (uint16_t)index);
            }
}

/* Pieces of a chain in and out: every offset and size over buffers in three parts, one of them over the border. */
static void prove_copies(void)
{
    uint8_t all[64], piece[64];

    start(4, VIRTQUEUE_DEVICE_READS, false, 0);
    ring[0] = (struct vring_desc){.addr = 64, .len = 3, .flags = VRING_DESC_F_NEXT, .next = 1};
    ring[1] = (struct vring_desc){.addr = PAGE - 4, .len = 9, .flags = VRING_DESC_F_NEXT, .next = 2};
    ring[2] = (struct vring_desc){.addr = 200, .len = 1};
    for (size_t i = 0; i < sizeof image; i++)
        if (i < 2 * PAGE)
            image[i] = (uint8_t)(i * 131 + 7);
    memset(image + 2 * PAGE + 256, 0, 256);
    image[2 * PAGE + 256 + 2] = 1;
    if (virtqueue_pop(&queue, &memory, &chain, NULL) != 1 || virtqueue_chain_read(&chain, 0, all, sizeof all) != 13)
        fail("a chain of three parts", 0);
    for (size_t offset = 0; offset <= 15; offset++)
        for (size_t size = 0; size <= 15; size++) {
            size_t there = offset >= 13 ? 0 : 13 - offset, right = size < there ? size : there;

            memset(piece, 0xee, sizeof piece);
            if (virtqueue_chain_read(&chain, offset, piece, size) != right || memcmp(piece, all + offset, right) != 0 ||
                piece[right] != 0xee)
                fail("a read", (uint16_t)offset);
            for (size_t i = 0; i < right; i++)
                all[offset + i] = piece[i] = (uint8_t)(piece[i] * 5 + 1);
            if (virtqueue_chain_write(&chain, offset, piece, size) != right ||
                virtqueue_chain_read(&chain, 0, piece, 13) != 13 || memcmp(piece, all, 13) != 0)
                fail("a write", (uint16_t)offset);
            cases += 2;
        }
}

int main(void)
{
    prove_tables_of_two();
    prove_indirect_tables();
    if (getenv("LAZARET_PROOFS_LONG") != NULL)
        prove_tables_of_three();
    prove_indices();
    prove_copies();
    (void)printf("virtqueue: %llu cases, of which %llu chains were right, %llu wrong\n", cases, taken, failures);
    return failures == 0 ? 0 : 1;
}
