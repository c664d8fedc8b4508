/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory that changes while the device looks at it, rings that lie over one another, and holes. A second thread
 * writes all the time, so that a value which the device read twice would be seen twice differently.
 */
#include "hostile.h"

#include "base/io.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#define ROUND_MS    100u   /* how long a race goes on that the device survives */
#define PATIENCE_MS 60000u /* for it to see a value that is there half of the time */

static struct virtio_vsock_hdr ignored; /* an RST of no stream, which the device takes and forgets */

/* Publishes the packets that the tx ring's entries name again and again, until the device has ended or the time is over.
   The entries themselves stay: one that is made to change would be set right for each round just before the device reads
   it, and on one core nobody comes between. */
static void publish_on_and_on(unsigned milliseconds)
{
    uint64_t deadline = io_deadline_ms(milliseconds);

    while (io_now_ns() < deadline && io_wait(hostile_fe.report, POLLIN, 0) < 0) {
        for (int i = 0; i < 64 && (uint16_t)(hostile_fe.tx.avail - front_end_tx_used(&hostile_fe)) < 64; i++)
            front_end_publish_next(&hostile_fe.tx);
        front_end_kick(&hostile_fe.tx);
        (void)usleep(20);
    }
}

/* A packet in slot 0, which each entry of the tx ring names. */
static void place_slot_0(uint32_t size)
{
    memset(hostile_fe.tx.ring.avail->ring, 0, FRONT_END_QUEUE * sizeof hostile_fe.tx.ring.avail->ring[0]);
    memcpy(front_end_at(&hostile_fe, HOSTILE_BUFFER), &ignored, sizeof ignored);
    hostile_fe.tx.ring.desc[0] = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = size};
}

/* A field of slot 0's descriptor or packet that is right and wrong in turn. The device either takes the packet or ends
   for `reason`; it must have seen the wrong value in the end, for it is there half of the time. */
static void race(void *at, size_t size, uint64_t right, uint64_t wrong, const char *reason)
{
    struct hostile_flipper flipper;
    struct error err = {.kind = ERROR_NONE};
    int r;

    hostile_flip(&flipper, at, size, right, wrong);
    publish_on_and_on(PATIENCE_MS);
    hostile_stop(&flipper);
    r = front_end_join(&hostile_fe, &err);
    CU_ASSERT(r < 0 && r != -FRONT_END_NO_DEVICE);
    CU_ASSERT_EQUAL(err.kind, ERROR_GUEST);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, reason));
    if (strstr(err.text, reason) == NULL)
        (void)printf("\n    '%s' instead of '%s'\n", err.text, reason);
}

static void race_descriptor(size_t offset, size_t size, uint64_t right, uint64_t wrong, const char *reason)
{
    hostile_start();
    place_slot_0(44);
    hostile_fe.tx.ring.desc[0].next = 0;
    race((uint8_t *)hostile_fe.tx.ring.desc + offset, size, right, wrong, reason);
}

static void test_descriptor_changes(void)
{
    race_descriptor(offsetof(struct vring_desc, addr), 8, HOSTILE_BUFFER, UINT64_MAX - 100, "outside guest memory");
    race_descriptor(offsetof(struct vring_desc, addr), 8, HOSTILE_BUFFER, FRONT_END_MEMORY - 8, "outside guest memory");
    race_descriptor(offsetof(struct vring_desc, len), 4, 44, 0, "no bytes");
    race_descriptor(offsetof(struct vring_desc, len), 4, 44, UINT32_MAX, "outside guest memory");
    race_descriptor(offsetof(struct vring_desc, len), 4, 44, 43, "shorter than a header");
    race_descriptor(offsetof(struct vring_desc, flags), 2, 0, VRING_DESC_F_WRITE, "wrong direction");
    race_descriptor(offsetof(struct vring_desc, flags), 2, 0, VRING_DESC_F_NEXT, "loop");
    race_descriptor(offsetof(struct vring_desc, flags), 2, 0, VRING_DESC_F_INDIRECT, "of a wrong size");
}

/* The same in an indirect table. */
static void test_table_changes(void)
{
    struct vring_desc *table;

    hostile_start();
    place_slot_0(44);
    table = front_end_at(&hostile_fe, HOSTILE_BUFFER + 4096);
    *table = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 44};
    hostile_fe.tx.ring.desc[0] =
        (struct vring_desc){.addr = HOSTILE_BUFFER + 4096, .len = 16, .flags = VRING_DESC_F_INDIRECT};
    race(&table->flags, 2, 0, VRING_DESC_F_INDIRECT, "inside another");
    hostile_start();
    place_slot_0(44);
    table = front_end_at(&hostile_fe, HOSTILE_BUFFER + 4096);
    table[0] = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 44, .flags = VRING_DESC_F_NEXT, .next = 1};
    table[1] = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 1};
    hostile_fe.tx.ring.desc[0] =
        (struct vring_desc){.addr = HOSTILE_BUFFER + 4096, .len = 32, .flags = VRING_DESC_F_INDIRECT};
    race(&table->next, 2, 1, 9, "beyond its indirect table");
}

static void test_ring_changes(void)
{
    hostile_start();
    place_slot_0(44);
    race(&hostile_fe.tx.ring.avail->ring[5], 2, 0, FRONT_END_QUEUE, "index beyond");
    for (uint16_t ahead = FRONT_END_QUEUE + 1; ahead != 0; ahead = ahead < 0x8000    ? 0x8000
                                                                   : ahead == 0x8000 ? 0xffff
                                                                                     : 0) {
        hostile_start();
        hostile_fe.tx.ring.avail->idx = ahead;
        front_end_kick(&hostile_fe.tx);
        hostile_expect_end(ERROR_GUEST, "too far ahead");
    }
    /* Back by one, after packets were taken. */
    hostile_start();
    place_slot_0(44);
    for (int i = 0; i < 3; i++)
        front_end_publish(&hostile_fe.tx, 0);
    front_end_kick(&hostile_fe.tx);
    for (int i = 0; i < 2000 && front_end_tx_used(&hostile_fe) != 3; i++)
        (void)usleep(1000);
    hostile_fe.tx.ring.avail->idx = 2;
    front_end_kick(&hostile_fe.tx);
    hostile_expect_end(ERROR_GUEST, "too far ahead");
}

/* An available index that goes to and fro: once forward is within the rules, and back never. */
static void test_index_changes(void)
{
    struct hostile_flipper flipper;

    hostile_start();
    place_slot_0(44);
    hostile_flip(&flipper, &hostile_fe.tx.ring.avail->idx, 2, 0, FRONT_END_QUEUE);
    for (uint64_t deadline = io_deadline_ms(PATIENCE_MS); io_now_ns() < deadline;) {
        front_end_kick(&hostile_fe.tx);
        if (io_wait(hostile_fe.report, POLLIN, 0) == 0)
            break;
    }
    hostile_stop(&flipper);
    CU_ASSERT_TRUE(hostile_join_either()); /* it took 128 packets, and then the index was 0 */
}

/* The length that a header claims. The payload is delivered or the device ends; never a byte beyond the buffer. */
static void test_header_changes(void)
{
    struct virtio_vsock_hdr request;
    struct error err = {.kind = ERROR_NONE};
    struct hostile_flipper flipper;
    uint8_t *packet;
    size_t got = 0;
    ssize_t count;
    int fd, r;

    hostile_start();
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 1 << 20, &request);
    packet = front_end_at(&hostile_fe, HOSTILE_BUFFER);
    ignored = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 4);
    place_slot_0(48);
    memcpy(packet + sizeof ignored, "four", 4);
    memset(packet + 48, 'x', 4096);
    hostile_flip(&flipper, packet + offsetof(struct virtio_vsock_hdr, len), 4, 4, UINT32_MAX);
    publish_on_and_on(PATIENCE_MS);
    hostile_stop(&flipper);
    r = front_end_join(&hostile_fe, &err);
    CU_ASSERT(r < 0 && r != -FRONT_END_NO_DEVICE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "claims 4294967295 bytes"));
    while (io_wait(fd, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)) == 0 && (count = read(fd, packet + 8192, 4096)) > 0) {
        CU_ASSERT_PTR_NULL(memchr(packet + 8192, 'x', (size_t)count));
        got += (size_t)count;
    }
    CU_ASSERT_EQUAL(got % 4, 0);
    (void)close(fd);
    ignored = hostile_stray(VIRTIO_VSOCK_OP_RST);
}

/* The operation, the addresses and the payload of packets on a stream: whatever the device reads, it reads once, and
   the stream's bytes stay whole packets. */
static void test_stream_changes(void)
{
    static const struct {
        size_t offset, size;
        uint64_t right, wrong;
    } fields[] = {
        {offsetof(struct virtio_vsock_hdr, op), 2, VIRTIO_VSOCK_OP_RW, 99},
        {offsetof(struct virtio_vsock_hdr, type), 2, 1, 2},
        {offsetof(struct virtio_vsock_hdr, src_cid), 8, FRONT_END_CID, 3},
        {offsetof(struct virtio_vsock_hdr, src_port), 4, HOSTILE_PORT, 9},
        {offsetof(struct virtio_vsock_hdr, buf_alloc), 4, 0, UINT32_MAX},
        {offsetof(struct virtio_vsock_hdr, fwd_cnt), 4, 0, 0x80000000},
        {sizeof(struct virtio_vsock_hdr), 4, 0x72756f66, 0x65766966},
    };

    for (size_t i = 0; i < HARNESS_COUNT(fields); i++) {
        struct virtio_vsock_hdr request;
        struct hostile_flipper flipper;
        char text[4];
        int fd;

        hostile_start();
        fd = front_end_open(&hostile_fe, HOSTILE_PORT, 1 << 20, &request);
        ignored = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 4);
        place_slot_0(48);
        memcpy((uint8_t *)front_end_at(&hostile_fe, HOSTILE_BUFFER) + sizeof ignored, "four", 4);
        hostile_flip(&flipper, (uint8_t *)front_end_at(&hostile_fe, HOSTILE_BUFFER) + fields[i].offset, fields[i].size,
                     fields[i].right, fields[i].wrong);
        CU_ASSERT_EQUAL(write(fd, "some data for the guest", 23), 23);
        publish_on_and_on(ROUND_MS); /* the host does not read: also the backlog is filled from changing memory */
        hostile_stop(&flipper);
        while (io_wait(fd, POLLIN, io_deadline_ms(50)) == 0 && io_read_full(fd, text, 4, io_deadline_ms(500)) == 0)
            CU_ASSERT(i == 6 ? strchr("fve our", text[3]) != NULL : memcmp(text, "four", 4) == 0);
        (void)close(fd);
        hostile_join_well();
    }
    ignored = hostile_stray(VIRTIO_VSOCK_OP_RST);
}

/* The driver writes into the used ring, which is the device's: it never reads it back. */
static void test_used_ring_changes(void)
{
    struct hostile_flipper flipper;
    struct virtio_vsock_hdr request, header;
    char text[8];
    int fd;

    hostile_start();
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 1 << 20, &request);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 4);
    hostile_flip(&flipper, &hostile_fe.tx.ring.used->ring[0], 8, UINT64_MAX, 0x5555555555555555);
    for (int i = 0; i < 1000; i++)
        CU_ASSERT_FATAL(front_end_transmit(&hostile_fe, &header, "same") &&
                        io_read_full(fd, text, 4, io_deadline_ms(FRONT_END_WAIT_MS)) == 0);
    hostile_stop(&flipper);
    (void)close(fd);
    hostile_join_well();
}

/* Receive buffers that lie over the rings themselves: the device writes its packets over descriptors, indices and
   heads, and goes on by its own count or ends. */
static void test_buffers_over_rings(void)
{
    for (int i = 0; i < 6; i++) {
        const struct front_end_options options = {.no_rx = true};
        struct virtio_vsock_hdr header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
        uint64_t at;

        front_end_start(&hostile_fe, &options);
        at = (i < 3 ? 0x200000u : 0x210000u) + (i % 3 == 0 ? 0 : i % 3 == 1 ? 2048 : 4096); /* desc, avail, used */
        for (uint16_t d = 0; d < FRONT_END_QUEUE; d++) {
            hostile_fe.rx.ring.desc[d] = (struct vring_desc){.addr = at, .len = 3776, .flags = VRING_DESC_F_WRITE};
            hostile_fe.rx.ring.avail->ring[d] = d;
        }
        hostile_fe.rx.ring.avail->idx = FRONT_END_QUEUE;
        front_end_kick(&hostile_fe.rx);
        for (uint32_t p = 0; p < 100; p++) {
            header.src_port = p;
            front_end_place(&hostile_fe, &header, NULL);
        }
        front_end_kick(&hostile_fe.tx);
        (void)usleep(20000);
        (void)hostile_join_either();
    }
}

/* One ring at the place of the other: the driver's own loss. */
static void test_rings_over_each_other(void)
{
    struct front_end_queue *rx, *tx;

    hostile_start();
    rx = &hostile_fe.rx;
    tx = &hostile_fe.tx;
    {
        uint16_t bases[2];
        struct vring mine = rx->ring;

        front_end_stop(&hostile_fe, bases);
        rx->ring = tx->ring;
        front_end_start_queue(&hostile_fe, 0, 0);
        front_end_start_queue(&hostile_fe, 1, 0);
        for (uint16_t i = 0; i < 64; i++) {
            struct virtio_vsock_hdr header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);

            front_end_place(&hostile_fe, &header, NULL);
        }
        front_end_kick(tx);
        rx->ring = mine;
    }
    hostile_expect_end(ERROR_GUEST, "wrong direction"); /* readable descriptors in rx */
}

/* A table with a hole between its regions. */
static void test_holes(void)
{
    const uint64_t hole = FRONT_END_LOW - 8192;
    const struct {
        uint32_t count, padding;
        uint64_t regions[2][4];
    } table = {2,
               0,
               {{0, hole, 1 << 20, FRONT_END_MEMORY - FRONT_END_LOW},
                {FRONT_END_LOW, FRONT_END_MEMORY - FRONT_END_LOW, UINT64_C(0x7f1000000000), 0}}};
    const struct vring_desc into[] = {{.addr = hole, .len = 44},
                                      {.addr = hole - 20, .len = 44},
                                      {.addr = FRONT_END_LOW - 1, .len = 44},
                                      {.addr = 0, .len = FRONT_END_MEMORY},
                                      {.addr = hole - 8, .len = 16, .flags = VRING_DESC_F_INDIRECT},
                                      {.addr = UINT64_MAX - 7, .len = 16, .flags = VRING_DESC_F_INDIRECT},
                                      {.addr = UINT64_MAX, .len = 1},
                                      {.addr = UINT64_MAX, .len = UINT32_MAX}};

    for (size_t i = 0; i < HARNESS_COUNT(into); i++) {
        int fds[2];

        hostile_start();
        memset(front_end_at(&hostile_fe, hole - 64), 0, 64);
        fds[0] = fds[1] = hostile_fe.memfd;
        front_end_send(&hostile_fe, 5, &table, sizeof table, fds, 2);
        hostile_fe.tx.ring.desc[0] = into[i];
        front_end_settle(&hostile_fe);
        front_end_publish(&hostile_fe.tx, 0);
        front_end_kick(&hostile_fe.tx);
        hostile_expect_end(ERROR_GUEST, "outside guest memory");
    }
}

/* Bytes all over the pages of both rings, from a fixed seed. */
static void test_noise(void)
{
    unsigned faults = 0, well = 0;

    for (uint32_t seed = 1; seed <= 20; seed++) {
        uint32_t state = seed * 2654435761u;
        uint64_t deadline;

        hostile_start();
        for (uint16_t i = 0; i < FRONT_END_QUEUE / 2; i++) {
            struct virtio_vsock_hdr header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);

            front_end_place(&hostile_fe, &header, NULL);
        }
        front_end_kick(&hostile_fe.tx);
        for (deadline = io_deadline_ms(20); io_now_ns() < deadline;) {
            for (int i = 0; i < 50; i++) {
                state = state * 1664525u + 1013904223u;
                *((uint8_t *)hostile_fe.rx.ring.desc + (state >> 8) % 0x12000) = (uint8_t)(state >> 24);
            }
            front_end_kick(&hostile_fe.tx);
            front_end_kick(&hostile_fe.rx);
        }
        if (hostile_join_either())
            faults++;
        else
            well++;
    }
    (void)printf("%u ended by the guest's fault, %u went on ", faults, well);
    CU_ASSERT(faults > 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"a descriptor changes", test_descriptor_changes},
        {"an indirect table changes", test_table_changes},
        {"ring entries and indices change", test_ring_changes},
        {"an index goes to and fro", test_index_changes},
        {"a header's length changes", test_header_changes},
        {"other fields of a stream's packets change", test_stream_changes},
        {"the driver writes the used ring", test_used_ring_changes},
        {"receive buffers over the rings", test_buffers_over_rings},
        {"rings over each other", test_rings_over_each_other},
        {"holes between regions", test_holes},
        {"noise over the rings", test_noise},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    ignored = hostile_stray(VIRTIO_VSOCK_OP_RST);
    return harness_run("vsock device: hostile rings", tests, HARNESS_COUNT(tests));
}
