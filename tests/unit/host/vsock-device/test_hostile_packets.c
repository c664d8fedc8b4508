/* SPDX-License-Identifier: Apache-2.0 */
/* Floods, lies about credit, and packets that belong nowhere: answered within bounds, and the device serves on. */
#include "hostile.h"

#include "base/io.h"
#include "unit/harness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#define MIB ((uint32_t)1 << 20)

static uint8_t bytes[4u << 20];

/* A flood of packets of no stream: so many RSTs, no more memory or descriptors, and service afterwards. */
static void flood(uint16_t op, uint16_t type, uint32_t payload, unsigned count, unsigned resets)
{
    struct virtio_vsock_hdr header = hostile_stray(op);
    struct front_end_usage before, after;
    uint64_t start;
    unsigned got;

    header.type = type;
    header.len = payload;
    hostile_start();
    before = front_end_measure(&hostile_fe);
    start = io_now_ns();
    got = hostile_flood(&header, payload > 0 ? bytes : NULL, count);
    after = front_end_measure(&hostile_fe);
    (void)printf("%u packets, %u RSTs, %.1f s, %.2f CPU-s, +%ld KiB ", count, got, (double)(io_now_ns() - start) / 1e9,
                 after.cpu_seconds - before.cpu_seconds, (long)after.private_kib - (long)before.private_kib);
    CU_ASSERT_EQUAL(got, resets);
    CU_ASSERT(after.private_kib <= before.private_kib + HOSTILE_GROWTH_KIB);
    CU_ASSERT_EQUAL(after.fds, before.fds);
    hostile_expect_service();
    hostile_join_well();
}

static void test_request_flood(void)
{
    flood(VIRTIO_VSOCK_OP_REQUEST, 1, 0, 100000, 100000);
}

static void test_reset_flood(void)
{
    flood(VIRTIO_VSOCK_OP_RST, 1, 0, 100000, 0);
}

static void test_data_flood(void)
{
    flood(VIRTIO_VSOCK_OP_RW, 1, 1000, 20000, 20000);
}

static void test_type_flood(void)
{
    flood(VIRTIO_VSOCK_OP_REQUEST, 2, 0, 20000, 20000);
}

/* Every kind of address, type and operation once. */
static void test_addresses(void)
{
    static const uint64_t cids[] = {
        0, 1, 2, 3, FRONT_END_CID + 1, UINT32_MAX, UINT64_C(1) << 32 | FRONT_END_CID, UINT64_MAX};
    static const uint16_t types[] = {0, 2, 3, 0x0101, 0x8001, UINT16_MAX};
    struct virtio_vsock_hdr header;

    hostile_start();
    for (size_t i = 0; i < HARNESS_COUNT(cids); i++) {
        header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
        header.src_cid = cids[i];
        CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
        if (cids[i] == 2)
            continue;
        header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
        header.dst_cid = cids[i];
        CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    }
    CU_ASSERT_FALSE(front_end_receive(&hostile_fe, &hostile_packet, 50)); /* all were dropped */
    for (size_t i = 0; i < HARNESS_COUNT(types); i++) {
        header = hostile_stray(VIRTIO_VSOCK_OP_REQUEST);
        header.type = types[i];
        CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
        CU_ASSERT_FATAL(front_end_receive(&hostile_fe, &hostile_packet, FRONT_END_WAIT_MS));
        CU_ASSERT_EQUAL(hostile_packet.header.op, VIRTIO_VSOCK_OP_RST);
        CU_ASSERT_EQUAL(hostile_packet.header.type, types[i]);
    }
    hostile_expect_service();
    hostile_join_well();
}

/* All 65,536 operations on an open stream: those that mean nothing are ignored, and the others do what they must. */
static void test_operations(void)
{
    struct virtio_vsock_hdr request, header;
    char text[2];
    int fd;

    hostile_start();
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);
    for (uint32_t op = 8; op <= UINT16_MAX; op++) {
        header = front_end_header(&request, (uint16_t)op, 0);
        if ((uint16_t)(hostile_fe.tx.avail - front_end_tx_used(&hostile_fe)) < FRONT_END_QUEUE / 2)
            front_end_place(&hostile_fe, &header, NULL);
        else
            CU_ASSERT_FATAL(front_end_transmit(&hostile_fe, &header, NULL));
    }
    header = front_end_header(&request, 0, 0);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 2);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, "on"));
    CU_ASSERT_EQUAL(io_read_full(fd, text, 2, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT(memcmp(text, "on", 2) == 0);
    (void)close(fd);
    hostile_join_well();
}

/* RW packets whose length is not their chain's, and larger than Linux's 64 KiB. */
static void test_lengths(void)
{
    struct virtio_vsock_hdr request, header;
    const size_t large = 300000;
    int fd;

    hostile_start();
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);
    /* Bytes of the chain beyond the length are not the stream's. */
    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 3);
    memcpy(front_end_at(&hostile_fe, HOSTILE_BUFFER), &header, sizeof header);
    memcpy((char *)front_end_at(&hostile_fe, HOSTILE_BUFFER) + sizeof header, "yes, and no", 11);
    hostile_fe.tx.ring.desc[0] = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 44 + 11};
    front_end_publish(&hostile_fe.tx, 0);
    /* A packet of 300,000 bytes is within the credit. */
    header.len = (uint32_t)large;
    memcpy(front_end_at(&hostile_fe, HOSTILE_BUFFER + 4096), &header, sizeof header);
    memset((char *)front_end_at(&hostile_fe, HOSTILE_BUFFER + 4096) + sizeof header, 'L', large);
    hostile_fe.tx.ring.desc[1] = (struct vring_desc){.addr = HOSTILE_BUFFER + 4096, .len = (uint32_t)(44 + large)};
    front_end_publish(&hostile_fe.tx, 1);
    front_end_kick(&hostile_fe.tx);
    CU_ASSERT_EQUAL(io_read_full(fd, bytes, 3 + large, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT(memcmp(bytes, "yesLL", 5) == 0 && bytes[2 + large] == 'L');
    /* One of 2 MiB is beyond any credit that was given: the stream ends, the device does not. */
    header.len = 2 * MIB;
    memcpy(front_end_at(&hostile_fe, HOSTILE_BUFFER), &header, sizeof header);
    hostile_fe.tx.ring.desc[2] = (struct vring_desc){.addr = HOSTILE_BUFFER, .len = 44 + 2 * MIB};
    front_end_publish(&hostile_fe.tx, 2);
    front_end_kick(&hostile_fe.tx);
    CU_ASSERT(front_end_expect(&hostile_fe, VIRTIO_VSOCK_OP_RST, &hostile_packet));
    CU_ASSERT_EQUAL(front_end_answer(&hostile_fe, HOSTILE_PORT), -ENOBUFS);
    (void)close(fd);
    hostile_expect_service();
    hostile_join_well();
}

static void test_shutdown_storm(void)
{
    struct virtio_vsock_hdr request, header;
    unsigned resets = 0;
    int fd;

    hostile_start();
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);
    for (uint32_t i = 0; i < 20000; i++) {
        header = front_end_header(&request, VIRTIO_VSOCK_OP_SHUTDOWN, 0);
        header.flags = i < 10000 ? 0xfffffffcu | (i & 1) : i; /* half: the one bit, and bits that mean nothing */
        CU_ASSERT_FATAL(front_end_transmit(&hostile_fe, &header, NULL));
        while (front_end_receive(&hostile_fe, &hostile_packet, 0)) {
            resets += hostile_packet.header.op == VIRTIO_VSOCK_OP_RST ? 1 : 0;
            CU_ASSERT_FATAL(resets == 0 || i >= 10000);
        }
    }
    while (front_end_receive(&hostile_fe, &hostile_packet, 50))
        resets += hostile_packet.header.op == VIRTIO_VSOCK_OP_RST ? 1 : 0;
    CU_ASSERT(resets > 1 && resets <= 10000); /* the stream's, and one for each packet after its end */
    (void)close(fd);
    hostile_expect_service();
    hostile_join_well();
}

/* However often a guest asks, and takes nothing, one answer waits. */
static void test_credit_requests(void)
{
    struct virtio_vsock_hdr request, header;
    struct front_end_usage before, after;
    unsigned updates = 0;
    int fd;

    hostile_start();
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);
    header = front_end_header(&request, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
    hostile_fe.auto_rx = false;
    before = front_end_measure(&hostile_fe);
    for (int i = 0; i < 20000; i++)
        CU_ASSERT_FATAL(front_end_transmit(&hostile_fe, &header, NULL));
    after = front_end_measure(&hostile_fe);
    CU_ASSERT(after.private_kib <= before.private_kib + HOSTILE_GROWTH_KIB);
    while (front_end_receive(&hostile_fe, &hostile_packet, 50))
        updates += hostile_packet.header.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE ? 1 : 0;
    CU_ASSERT(updates > 0 && updates <= FRONT_END_QUEUE); /* the buffers that lay there; the next one is the last */
    hostile_fe.auto_rx = true;
    front_end_add_rx(&hostile_fe, FRONT_END_QUEUE);
    front_end_kick(&hostile_fe.rx);
    for (updates = 0; front_end_receive(&hostile_fe, &hostile_packet, 50); updates++)
        ;
    CU_ASSERT_EQUAL(updates, 1);
    (void)close(fd);
    hostile_join_well();
}

static size_t take_data(void)
{
    size_t total = 0;

    while (front_end_receive(&hostile_fe, &hostile_packet, 60))
        if (hostile_packet.header.op == VIRTIO_VSOCK_OP_RW)
            total += hostile_packet.header.len;
    return total;
}

/* What the guest says of its credit, one lie after another on one stream, and what it may get for it in all. */
static void test_credit_lies(void)
{
    static const struct {
        uint32_t buf_alloc, fwd_cnt;
        size_t total; /* bytes that may have been sent to the guest by then */
    } lies[] = {
        {0, 0, 0},                           /* no room */
        {0, UINT32_MAX, 0},                  /* nor with a count that says one byte is under way */
        {1000, UINT32_MAX - 99, 900},        /* 100 bytes under way, says the guest, before the first */
        {1000, UINT32_MAX - 99, 900},        /* and the same again gives nothing */
        {500, 0, 900},                       /* shrinks below what is under way */
        {UINT32_MAX, 901, 900},              /* one byte more than was ever sent */
        {UINT32_MAX, 0x80000000u, 900},      /* half of the counter away */
        {UINT32_MAX, 0, MIB},                /* a huge buffer: our own limit holds */
        {UINT32_MAX, 500000, 500000 + MIB},  /* honest for once */
        {UINT32_MAX, 0, 500000 + MIB},       /* takes it back: no credit is below none */
        {1, 500000 + MIB, 500000 + MIB + 1}, /* a buffer of one byte */
        {2, 500000 + MIB, 500000 + MIB + 2},
    };
    struct virtio_vsock_hdr request, update;
    struct front_end_usage before, after;
    size_t total = 0;
    int fd, size = 4 << 20;

    hostile_start();
    fd = front_end_open(&hostile_fe, HOSTILE_PORT, 0, &request);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    for (size_t i = 0; i < HARNESS_COUNT(lies); i++) {
        (void)!write(fd, bytes, sizeof bytes);
        update = front_end_header(&request, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
        update.buf_alloc = lies[i].buf_alloc;
        update.fwd_cnt = lies[i].fwd_cnt;
        CU_ASSERT(front_end_transmit(&hostile_fe, &update, NULL));
        total += take_data();
        CU_ASSERT_EQUAL(total, lies[i].total);
        if (total != lies[i].total)
            (void)printf("\n    lie %zu: %zu bytes, not %zu\n", i, total, lies[i].total);
    }
    /* And then no update ever: the device sleeps. */
    before = front_end_measure(&hostile_fe);
    (void)usleep(200000);
    after = front_end_measure(&hostile_fe);
    CU_ASSERT(after.cpu_seconds - before.cpu_seconds < 0.05);
    (void)close(fd);
    hostile_join_well();
}

/* Ill-timed answers to one's own REQUEST, and streams that are never answered, all slots at once. */
static void test_slots(void)
{
    struct front_end_usage before, after;
    struct virtio_vsock_hdr header;
    int fds[16];

    hostile_start();
    before = front_end_measure(&hostile_fe);
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 16; i++) {
            fds[i] = front_end_ask(&hostile_fe, HOSTILE_PORT, round * 16 + i);
            CU_ASSERT_FATAL(front_end_expect(&hostile_fe, VIRTIO_VSOCK_OP_REQUEST, &hostile_packet));
            header = front_end_header(&hostile_packet.header,
                                      (uint16_t)(round % 2 == 0 ? VIRTIO_VSOCK_OP_RW : VIRTIO_VSOCK_OP_RST), 0);
            CU_ASSERT(front_end_transmit(&hostile_fe, &header, NULL));
            CU_ASSERT_EQUAL(front_end_answer(&hostile_fe, round * 16 + i), round % 2 == 0 ? -EPROTO : -ECONNREFUSED);
        }
        for (int i = 0; i < 16; i++)
            (void)close(fds[i]);
    }
    after = front_end_measure(&hostile_fe);
    CU_ASSERT(after.private_kib <= before.private_kib + HOSTILE_GROWTH_KIB + 16 * 256);
    CU_ASSERT_EQUAL(after.fds, before.fds);
    hostile_expect_service();
    hostile_join_well();
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"100,000 connection requests", test_request_flood},
        {"100,000 RSTs", test_reset_flood},
        {"data without a stream", test_data_flood},
        {"packets of another type", test_type_flood},
        {"wrong addresses and types", test_addresses},
        {"every operation there can be", test_operations},
        {"lengths that are not the chain's", test_lengths},
        {"a storm of SHUTDOWN", test_shutdown_storm},
        {"a flood of credit requests", test_credit_requests},
        {"lies about credit", test_credit_lies},
        {"refusals in all slots", test_slots},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return harness_run("vsock device: hostile packets", tests, HARNESS_COUNT(tests));
}
