/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile guest or front end tries: refused, bounded, and named when it ends the device. */
#include "hostile.h"

#include "base/io.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const struct front_end_options plain = {0};

static void expect_reset(uint16_t type)
{
    CU_ASSERT_FATAL(front_end_receive(&hostile_fe, &hostile_packet, FRONT_END_WAIT_MS));
    CU_ASSERT_EQUAL(hostile_packet.header.op, VIRTIO_VSOCK_OP_RST);
    CU_ASSERT_EQUAL(hostile_packet.header.type, type);
    CU_ASSERT_EQUAL(hostile_packet.header.src_cid, 2);
    CU_ASSERT_EQUAL(hostile_packet.header.dst_cid, FRONT_END_CID);
    CU_ASSERT_EQUAL(hostile_packet.header.src_port, 88);
    CU_ASSERT_EQUAL(hostile_packet.header.dst_port, 77);
    CU_ASSERT_EQUAL(hostile_packet.header.len, 0);
}

static void test_reset_rules(void)
{
    const uint16_t answered[] = {VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_OP_RESPONSE, VIRTIO_VSOCK_OP_SHUTDOWN,
                                 VIRTIO_VSOCK_OP_CREDIT_UPDATE, VIRTIO_VSOCK_OP_CREDIT_REQUEST};
    struct virtio_vsock_hdr header;

    front_end_start(&hostile_fe, &plain);
    for (size_t i = 0; i < sizeof answered / sizeof answered[0]; i++) {
        header = hostile_stray(answered[i]);
        CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
        expect_reset(1);
    }
    header = hostile_stray(VIRTIO_VSOCK_OP_RW);
    header.len = 3;
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, "abc"));
    expect_reset(1);
    header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
    header.type = 2; /* SEQPACKET was not negotiated */
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    expect_reset(2);
    /* None of these is answered. */
    header = hostile_stray(VIRTIO_VSOCK_OP_RST);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header.type = 2;
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
    header.src_cid = FRONT_END_CID + 1;
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
    header.dst_cid = 7;
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    CU_ASSERT_FALSE(front_end_receive(&hostile_fe, &hostile_packet, 100));
    hostile_join_well();
}

static void test_odd_packets_on_a_stream(void)
{
    struct virtio_vsock_hdr request, header;
    char byte = 0;
    int fd;

    front_end_start(&hostile_fe, &plain);
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);
    header = front_end_header(&request, 99, 0); /* unknown operation: ignored */
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RESPONSE, 0);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 0); /* no bytes */
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 1);
    header.src_cid = 3; /* another's address: dropped */
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, "x"));
    header.src_cid = FRONT_END_CID;
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, "y"));
    CU_ASSERT_EQUAL(io_read_full(fd, &byte, 1, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_EQUAL(byte, 'y');
    header = front_end_header(&request, VIRTIO_VSOCK_OP_SHUTDOWN, 0);
    header.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 1); /* after its end */
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, "z"));
    CU_ASSERT(front_end_expect(&hostile_fe, VIRTIO_VSOCK_OP_RST, &hostile_packet));
    CU_ASSERT_EQUAL(front_end_answer(&hostile_fe, HOSTILE_PORT), -ESHUTDOWN); /* and the monitor is told why */
    (void)close(fd);
    /* A REQUEST on a stream's own ports resets it too. */
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_REQUEST, 0);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    CU_ASSERT(front_end_expect(&hostile_fe, VIRTIO_VSOCK_OP_RST, &hostile_packet));
    CU_ASSERT_EQUAL(front_end_answer(&hostile_fe, HOSTILE_PORT), -EISCONN);
    CU_ASSERT_EQUAL(io_wait(fd, POLLIN, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_EQUAL(read(fd, &byte, 1), 0);
    (void)close(fd);
    /* Nonsense in answer to a REQUEST. */
    fd = front_end_ask(&hostile_fe, HOSTILE_PORT, 4);
    CU_ASSERT(front_end_expect(&hostile_fe, VIRTIO_VSOCK_OP_REQUEST, &hostile_packet));
    header = front_end_header(&hostile_packet.header, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    CU_ASSERT_EQUAL(front_end_answer(&hostile_fe, 4), -EPROTO);
    (void)close(fd);
    hostile_join_well();
}

/* A guest that floods and takes no answers: the device stops taking its packets after a queue's
   length, and answers all of them when there is room. */
static void test_flood(void)
{
    struct virtio_vsock_hdr header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
    const unsigned flood = 2 * FRONT_END_QUEUE;
    struct front_end_options options = {.no_rx = true};

    front_end_start(&hostile_fe, &options);
    for (unsigned i = 0; i < flood; i++)
        CU_ASSERT_FATAL(front_end_transmit(&hostile_fe, &header, NULL));
    (void)usleep(50000);
    CU_ASSERT_EQUAL(front_end_tx_used(&hostile_fe), FRONT_END_QUEUE);
    hostile_fe.auto_rx = true;
    front_end_add_rx(&hostile_fe, FRONT_END_QUEUE);
    front_end_kick(&hostile_fe.rx);
    for (unsigned i = 0; i < flood; i++)
        expect_reset(1);
    CU_ASSERT_EQUAL(front_end_tx_used(&hostile_fe), flood);
    hostile_join_well();
}

/* Packets of the guest are served while it takes none of ours. */
static void test_tx_while_rx_is_full(void)
{
    struct virtio_vsock_hdr request, header;
    uint8_t bytes[100];
    int fd;

    front_end_start(&hostile_fe, &plain);
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 1 << 20, &request);
    hostile_fe.auto_rx = false;
    for (int i = 0; i < 200; i++)
        (void)!write(fd, hostile_fe.memory, 4096);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 100);
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_FATAL(front_end_transmit(&hostile_fe, &header, hostile_fe.memory));
        CU_ASSERT_EQUAL_FATAL(io_read_full(fd, bytes, 100, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    }
    (void)close(fd);
    hostile_join_well();
}

/* One rogue chain on the tx queue of a fresh device. */
static void rogue_tx(const struct vring_desc *descriptors, unsigned count, uint16_t head, const char *reason)
{
    front_end_start(&hostile_fe, &plain);
    memcpy(hostile_fe.tx.ring.desc, descriptors, count * sizeof *descriptors);
    front_end_publish(&hostile_fe.tx, head);
    front_end_kick(&hostile_fe.tx);
    hostile_expect_end(ERROR_GUEST, reason);
}

static void test_rogue_descriptors(void)
{
    const uint16_t next = VRING_DESC_F_NEXT, write_flag = VRING_DESC_F_WRITE;
    const uint16_t indirect = VRING_DESC_F_INDIRECT;
    const struct vring_desc outside = {.addr = FRONT_END_MEMORY - 10, .len = 44};
    const struct vring_desc far_away = {.addr = UINT64_MAX - 20, .len = 44};
    const struct vring_desc empty = {.addr = HOSTILE_BUFFER, .len = 0};
    const struct vring_desc writable = {.addr = HOSTILE_BUFFER, .len = 44, .flags = write_flag};
    const struct vring_desc loop[2] = {{.addr = HOSTILE_BUFFER, .len = 44, .flags = next, .next = 1},
                                       {.addr = HOSTILE_BUFFER, .len = 44, .flags = next, .next = 0}};
    const struct vring_desc wild = {.addr = HOSTILE_BUFFER, .len = 44, .flags = next, .next = 5000};
    const struct vring_desc both = {.addr = HOSTILE_BUFFER, .len = 16, .flags = (uint16_t)(indirect | next), .next = 1};
    const struct vring_desc odd = {.addr = HOSTILE_BUFFER, .len = 24, .flags = indirect};
    const struct vring_desc none = {.addr = HOSTILE_BUFFER, .len = 0, .flags = indirect};
    const struct vring_desc lost = {.addr = FRONT_END_MEMORY, .len = 32, .flags = indirect};
    const struct vring_desc runt = {.addr = HOSTILE_BUFFER, .len = 43};
    const struct vring_desc vast[3] = {{.addr = FRONT_END_LOW, .len = UINT32_MAX, .flags = next, .next = 1}};

    rogue_tx(&outside, 1, 0, "outside guest memory");
    rogue_tx(&far_away, 1, 0, "outside guest memory");
    rogue_tx(&empty, 1, 0, "no bytes");
    rogue_tx(&writable, 1, 0, "wrong direction");
    rogue_tx(loop, 2, 0, "loop");
    rogue_tx(&wild, 1, 0, "index beyond");
    rogue_tx(&wild, 1, FRONT_END_QUEUE, "index beyond");
    rogue_tx(&both, 1, 0, "both indirect and chained");
    rogue_tx(&odd, 1, 0, "wrong size");
    rogue_tx(&none, 1, 0, "wrong size");
    rogue_tx(&lost, 1, 0, "outside guest memory");
    rogue_tx(&runt, 1, 0, "shorter than a header");
    rogue_tx(vast, 1, 0, "outside guest memory");
}

/* A rogue indirect table. */
static void rogue_table(const struct vring_desc *table, unsigned count, const char *reason)
{
    const struct vring_desc descriptor = {
        .addr = HOSTILE_BUFFER, .len = count * (unsigned)sizeof *table, .flags = VRING_DESC_F_INDIRECT};

    front_end_start(&hostile_fe, &plain);
    memcpy(front_end_at(&hostile_fe, HOSTILE_BUFFER), table, count * sizeof *table);
    hostile_fe.tx.ring.desc[0] = descriptor;
    front_end_publish(&hostile_fe.tx, 0);
    front_end_kick(&hostile_fe.tx);
    hostile_expect_end(ERROR_GUEST, reason);
}

static void test_rogue_tables(void)
{
    const uint16_t next = VRING_DESC_F_NEXT;
    const struct vring_desc nested = {.addr = HOSTILE_BUFFER, .len = 16, .flags = VRING_DESC_F_INDIRECT};
    const struct vring_desc loop = {.addr = HOSTILE_BUFFER, .len = 44, .flags = next, .next = 0};
    const struct vring_desc beyond = {.addr = HOSTILE_BUFFER, .len = 44, .flags = next, .next = 1};
    static struct vring_desc many[FRONT_END_QUEUE + 1];

    rogue_table(&nested, 1, "inside another");
    rogue_table(&loop, 1, "loop");
    rogue_table(&beyond, 1, "beyond its indirect table");
    for (unsigned i = 0; i <= FRONT_END_QUEUE; i++)
        many[i] = (struct vring_desc){
            .addr = HOSTILE_BUFFER, .len = 1, .flags = i < FRONT_END_QUEUE ? next : 0, .next = (uint16_t)(i + 1)};
    rogue_table(many, FRONT_END_QUEUE + 1, "longer than the queue");
}

static void test_rogue_rings(void)
{
    struct virtio_vsock_hdr header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
    struct front_end_options no_rx = {.no_rx = true};

    front_end_start(&hostile_fe, &plain);
    hostile_fe.tx.ring.avail->idx = (uint16_t)(FRONT_END_QUEUE + 1);
    front_end_kick(&hostile_fe.tx);
    hostile_expect_end(ERROR_GUEST, "too far ahead");

    front_end_start(&hostile_fe, &plain);
    header.len = 1000; /* and not one byte behind the header */
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    hostile_expect_end(ERROR_GUEST, "claims 1000 bytes");

    front_end_start(&hostile_fe, &plain);
    header.len = UINT32_MAX;
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    hostile_expect_end(ERROR_GUEST, "claims 4294967295 bytes");

    front_end_start(&hostile_fe, &no_rx);
    header.len = 0;
    hostile_fe.rx.ring.desc[0] = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 44, .flags = 2};
    front_end_publish(&hostile_fe.rx, 0);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    hostile_expect_end(ERROR_GUEST, "too small");

    front_end_start(&hostile_fe, &no_rx);
    hostile_fe.rx.ring.desc[0] = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 4096};
    front_end_publish(&hostile_fe.rx, 0);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    hostile_expect_end(ERROR_GUEST, "wrong direction");
}

/* One buffer over the border of two regions, which are no neighbours in the file; also its
   descriptors in an indirect table over that border. */
static void test_buffer_across_regions(void)
{
    struct virtio_vsock_hdr request, header;
    const uint64_t table = FRONT_END_LOW - 8;
    struct vring_desc inner;
    char text[12] = {0};
    int fd;

    front_end_start(&hostile_fe, &plain);
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 8);
    for (uint64_t i = 0; i < sizeof header; i++)
        memcpy(front_end_at(&hostile_fe, FRONT_END_LOW - 48 + i), (const char *)&header + i, 1);
    for (uint64_t i = 0; i < 8; i++)
        memcpy(front_end_at(&hostile_fe, FRONT_END_LOW - 4 + i), "overlaps" + i, 1);
    hostile_fe.tx.ring.desc[5] = (struct vring_desc){.addr = FRONT_END_LOW - 48, .len = 52};
    front_end_publish(&hostile_fe.tx, 5);
    front_end_kick(&hostile_fe.tx);
    CU_ASSERT_EQUAL(io_read_full(fd, text, 8, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_STRING_EQUAL(text, "overlaps");
    inner = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 46};
    header.len = 2;
    memcpy(front_end_at(&hostile_fe, HOSTILE_BUFFER), &header, sizeof header);
    memcpy((char *)front_end_at(&hostile_fe, HOSTILE_BUFFER) + sizeof header, "ok", 2);
    memcpy(front_end_at(&hostile_fe, table), &inner, 8);
    memcpy(front_end_at(&hostile_fe, FRONT_END_LOW), (const char *)&inner + 8, 8);
    hostile_fe.tx.ring.desc[6] = (struct vring_desc){.addr = table, .len = 16, .flags = VRING_DESC_F_INDIRECT};
    front_end_publish(&hostile_fe.tx, 6);
    front_end_kick(&hostile_fe.tx);
    memset(text, 0, sizeof text);
    CU_ASSERT_EQUAL(io_read_full(fd, text, 2, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_STRING_EQUAL(text, "ok");
    (void)close(fd);
    hostile_join_well();
}

/* A message the device must refuse before or after the driver is ready. */
static void rogue_message(uint32_t request, const void *payload, size_t size, const int *fds, size_t fd_count,
                          const char *reason)
{
    front_end_start(&hostile_fe, &plain);
    front_end_send(&hostile_fe, request, payload, size, fds, fd_count);
    hostile_expect_end(ERROR_INTERNAL, reason);
}

struct table {
    uint32_t count, padding;
    uint64_t regions[2][4];
};

static void rogue_table_message(const struct table *table, const char *reason)
{
    const size_t size = 8 + 32 * (size_t)table->count;
    int memfd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int fds[2] = {memfd, memfd};

    CU_ASSERT_FATAL(memfd >= 0 && ftruncate(memfd, 65536) == 0 && fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    rogue_message(5, table, size, fds, table->count, reason);
    (void)close(memfd);
}

static void test_rogue_memory(void)
{
    const struct table overlap = {2, 0, {{0, 8192, 0, 0}, {4096, 8192, 65536, 8192}}};
    const struct table user_overlap = {2, 0, {{0, 8192, 0, 0}, {8192, 8192, 4096, 8192}}};
    const struct table beyond = {1, 0, {{0, 65536, 0, 4096}}};
    const struct table wraps = {1, 0, {{UINT64_MAX - 4095, 8192, 0, 0}}};
    const struct table file_wraps = {1, 0, {{0, 8192, 0, UINT64_MAX - 4095}}};
    const struct table empty = {1, 0, {{0, 0, 0, 0}}};
    const struct table huge = {1, 0, {{0, UINT64_C(1) << 60, 0, 0}}};
    const struct table rings_gone = {1, 0, {{0, 65536, 0, 0}}};
    const struct table nothing = {.count = 0};

    rogue_table_message(&overlap, "overlap");
    rogue_table_message(&user_overlap, "overlap");
    rogue_table_message(&beyond, "beyond its file");
    rogue_table_message(&wraps, "wraps around");
    rogue_table_message(&file_wraps, "wraps around");
    rogue_table_message(&empty, "memory region of 0 bytes");
    rogue_table_message(&huge, "memory region of");
    rogue_table_message(&nothing, "memory table of 0 regions");
    /* The new table leaves the running rings without memory. */
    front_end_start(&hostile_fe, &plain);
    {
        int memfd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        CU_ASSERT_FATAL(memfd >= 0 && ftruncate(memfd, 65536) == 0 && fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
        front_end_send(&hostile_fe, 5, &rings_gone, 40, &memfd, 1);
        (void)close(memfd);
    }
    hostile_expect_end(ERROR_GUEST, "outside guest memory");
}

static void test_unsealed_memory(void)
{
    struct front_end_options options = {.unsealed = true};

    front_end_start(&hostile_fe, &options);
    hostile_expect_end(ERROR_INTERNAL, "F_SEAL_SHRINK");
}

static void test_rogue_messages(void)
{
    static const uint8_t zeros[600];
    const uint64_t all_features = UINT64_MAX, legacy = UINT64_C(1) << 30;
    const uint64_t kick_nofd = 0x100, queue_9 = 9;
    const uint32_t num_9[2] = {9, 128}, num_running[2] = {0, 64};
    const uint32_t config_beyond[5] = {4, 8, 0}, config_short[3] = {0, 8, 0};
    int fds[12];

    for (size_t i = 0; i < 12; i++)
        fds[i] = 0;
    rogue_message(2, &all_features, 8, NULL, 0, "features never offered");
    rogue_message(2, &legacy, 8, NULL, 0, "not virtio 1.0");
    rogue_message(16, &all_features, 8, NULL, 0, "features never offered");
    rogue_message(2, zeros, 7, NULL, 0, "malformed payload");
    rogue_message(2, zeros, 9, NULL, 0, "malformed payload");
    rogue_message(1, zeros, 600, NULL, 0, "too long");
    rogue_message(21, zeros, 8, NULL, 0, "not part of what was negotiated");
    rogue_message(0, NULL, 0, NULL, 0, "not part of what was negotiated");
    rogue_message(1, NULL, 0, fds, 1, "wrong number of descriptors");
    rogue_message(1, NULL, 0, fds, 12, "more than 8 descriptors");
    rogue_message(12, zeros, 8, NULL, 0, "wrong number of descriptors");
    rogue_message(12, &kick_nofd, 8, NULL, 0, "wants a queue polled");
    rogue_message(13, &queue_9, 8, fds, 1, "named queue 9");
    rogue_message(8, num_9, 8, NULL, 0, "named queue 9");
    rogue_message(8, num_running, 8, NULL, 0, "running queue");
    rogue_message(24, config_beyond, 20, NULL, 0, "of configuration");
    rogue_message(24, config_short, 12, NULL, 0, "malformed payload");
}

/* Rings that can't be: the device is set up by hand. */
static void rogue_ring(uint32_t size, uint64_t offset, const char *reason)
{
    struct front_end_options options = {.no_start = true};
    const uint32_t number[2] = {0, size};
    const uint64_t which = 0, base = UINT64_C(0x7f1000000000) + offset;
    const struct {
        uint32_t index, flags;
        uint64_t descriptors, used, available, log;
    } address = {.descriptors = base, .used = base + 8192, .available = base + 4096};

    front_end_start(&hostile_fe, &options);
    front_end_send(&hostile_fe, 2, &hostile_fe.features, 8, NULL, 0);
    front_end_set_memory(&hostile_fe, hostile_fe.memfd);
    front_end_send(&hostile_fe, 8, number, sizeof number, NULL, 0);
    front_end_send(&hostile_fe, 9, &address, sizeof address, NULL, 0);
    front_end_send(&hostile_fe, 12, &which, sizeof which, &hostile_fe.rx.kick, 1);
    hostile_expect_end(ERROR_GUEST, reason);
}

static void test_rogue_ring_setup(void)
{
    const uint64_t end = FRONT_END_MEMORY - FRONT_END_LOW;

    rogue_ring(0, 0, "virtqueue size 0");
    rogue_ring(100, 0, "virtqueue size 100");
    rogue_ring(2048, 0, "virtqueue size 2048");
    rogue_ring(65536 + 128, 0, "virtqueue size 65664");
    rogue_ring(128, end - 8192 - 100, "outside guest memory");
    rogue_ring(128, end, "outside guest memory");
    rogue_ring(128, UINT64_MAX / 2, "outside guest memory");
    rogue_ring(128, 8, "misaligned");
}

static void test_half_a_message(void)
{
    const uint32_t header[3] = {2, 1, 8};

    front_end_start(&hostile_fe, &plain);
    CU_ASSERT_EQUAL(send(hostile_fe.socket, header, 7, 0), 7);
    (void)usleep(20000);
    CU_ASSERT_EQUAL(send(hostile_fe.socket, (const char *)header + 7, 5, 0), 5);
    (void)usleep(20000);
    hostile_join_well(); /* going away in the middle of a message is no violation */
}

static void test_malformed_request(void)
{
    front_end_start(&hostile_fe, &plain);
    CU_ASSERT_EQUAL(send(hostile_fe.control, "x", 1, 0), 1);
    hostile_expect_end(ERROR_INTERNAL, "control socket");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"what is answered with RST", test_reset_rules}, {"odd packets on a stream", test_odd_packets_on_a_stream},
        {"a flood without receive buffers", test_flood}, {"tx is served while rx is full", test_tx_while_rx_is_full},
        {"rogue descriptors", test_rogue_descriptors},   {"rogue indirect tables", test_rogue_tables},
        {"rogue rings and packets", test_rogue_rings},   {"a buffer across regions", test_buffer_across_regions},
        {"rogue memory tables", test_rogue_memory},      {"unsealed memory", test_unsealed_memory},
        {"rogue messages", test_rogue_messages},         {"rogue ring setup", test_rogue_ring_setup},
        {"half a message", test_half_a_message},         {"a malformed request", test_malformed_request},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return harness_run("vsock device: hostile peers", tests, HARNESS_COUNT(tests));
}
