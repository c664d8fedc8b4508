/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What breaks the rules of virtio-vsock (VIRTIO 1.2, section 5.10.6) over rings that are in order: the device refuses,
 * drops, or resets the stream, and goes on.
 */
#include "rings.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS 100000u
#define FLOOD    10000u
#define PORT     4000u

static struct virtio_vsock_hdr stray(struct rings *rings, uint16_t op, uint32_t size)
{
    struct virtio_vsock_hdr header = rings_header(rings, op, size);

    header.src_port = htole32(PORT);
    header.dst_port = htole32(PORT + 1);
    return header;
}

static void begin_flood(struct rings *rings)
{
    rings->in_flood = true;
}

static void end_flood(struct rings *rings)
{
    rings->in_flood = false;
    virtio_kick(&rings->device.queues[RINGS_TX]);
    virtio_kick(&rings->device.queues[RINGS_RX]);
}

static void send_many(struct rings *rings, const struct virtio_vsock_hdr *header, unsigned count)
{
    static const uint8_t data[1024];

    begin_flood(rings);
    for (unsigned i = 0; i < count; i++) {
        rings_send(rings, header, le32toh(header->len) > 0 ? data : NULL);
        (void)rings_collect(rings);
    }
    end_flood(rings);
}

/* 100,000 streams of the guest's own, each to another port. */
static void requests(struct rings *rings)
{
    struct virtio_vsock_hdr header = stray(rings, VIRTIO_VSOCK_OP_REQUEST, 0);

    begin_flood(rings);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        header.src_port = htole32(i);
        header.dst_port = htole32(~i);
        rings_send(rings, &header, NULL);
        (void)rings_collect(rings);
    }
    end_flood(rings);
    (void)fprintf(stderr, "hostile agent: %u requests sent\n", REQUESTS);
}

/* The same, and none of the answers is ever taken. */
static void requests_unheard(struct rings *rings)
{
    struct virtio_vsock_hdr header = stray(rings, VIRTIO_VSOCK_OP_REQUEST, 0);
    struct virtio_queue *tx = &rings->device.queues[RINGS_TX];

    for (uint32_t i = 0; i < REQUESTS; i++) {
        header.src_port = htole32(i);
        if ((uint16_t)(rings->tx_sent - le16toh(tx->used->idx)) >= RINGS_BUFFERS)
            break; /* the device takes no more: right */
        rings_send(rings, &header, NULL);
    }
}

static void resets(struct rings *rings)
{
    const struct virtio_vsock_hdr header = stray(rings, VIRTIO_VSOCK_OP_RST, 0);

    send_many(rings, &header, FLOOD);
}

static void data_without_connection(struct rings *rings)
{
    const struct virtio_vsock_hdr header = stray(rings, VIRTIO_VSOCK_OP_RW, 1024);

    send_many(rings, &header, FLOOD);
}

static void strangers(struct rings *rings)
{
    struct virtio_vsock_hdr header = stray(rings, VIRTIO_VSOCK_OP_REQUEST, 0);

    header.src_cid = htole64(2);
    send_many(rings, &header, 100);
    header.src_cid = htole64(UINT64_MAX);
    send_many(rings, &header, 100);
    header = stray(rings, VIRTIO_VSOCK_OP_REQUEST, 0);
    header.dst_cid = htole64(0);
    send_many(rings, &header, 100);
    header.dst_cid = htole64(rings->cid);
    send_many(rings, &header, 100);
    header.dst_cid = htole64(UINT64_MAX);
    send_many(rings, &header, 100);
}

/* Types and operations that there are not. */
static void kinds(struct rings *rings)
{
    struct virtio_vsock_hdr header = stray(rings, VIRTIO_VSOCK_OP_REQUEST, 0);

    for (uint32_t type = 0; type < 0x10000; type += 257) {
        header.type = htole16((uint16_t)type);
        send_many(rings, &header, 1);
    }
    for (uint32_t op = 0; op < 0x10000; op += 257) {
        header = stray(rings, (uint16_t)op, 0);
        send_many(rings, &header, 1);
    }
}

/* All that the device must shrug off, one after another, before the host connects; then the session is honest. */
static void all_strays(struct rings *rings)
{
    requests(rings);
    resets(rings);
    data_without_connection(rings);
    strangers(rings);
    kinds(rings);
}

/* --- the host's stream
 * ------------------------------------------------------------------------------------------------ */

static void send_op(struct rings *rings, uint16_t op, unsigned count)
{
    begin_flood(rings);
    for (unsigned i = 0; i < count; i++) {
        const struct virtio_vsock_hdr header = rings_header(rings, op, 0);

        rings_send(rings, &header, NULL);
        (void)rings_collect(rings);
    }
    end_flood(rings);
}

/* Asks for credit over and over, in the middle of the session, and uses operations that mean nothing. */
static void credit_requests(struct rings *rings)
{
    send_op(rings, VIRTIO_VSOCK_OP_CREDIT_REQUEST, FLOOD);
    send_op(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE, FLOOD);
    send_op(rings, VIRTIO_VSOCK_OP_INVALID, 100);
    send_op(rings, 99, 100);
    send_op(rings, VIRTIO_VSOCK_OP_SHUTDOWN, 100); /* without a direction */
    send_op(rings, VIRTIO_VSOCK_OP_RESPONSE, 100);
}

/* A buffer that shrinks to nothing under what is in flight, and grows again. */
static void credit_shrinks(struct rings *rings)
{
    static const uint32_t sizes[] = {1, 0, 4096, 0, UINT32_MAX, 1, RINGS_OUR_CREDIT};

    for (unsigned i = 0; i < 700; i++) {
        rings->told_credit = sizes[i % 7];
        send_op(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1);
    }
    rings->told_credit = RINGS_OUR_CREDIT;
    send_op(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1);
}

/* More taken than was ever sent, by any figure; then the truth again. */
static void credit_overflows(struct rings *rings)
{
    static const int32_t figures[] = {1, 1 << 20, INT32_MAX, INT32_MIN, -1};

    for (unsigned i = 0; i < 500; i++) {
        rings->told_ahead = figures[i % 5];
        send_op(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1);
    }
    rings->told_ahead = 0;
    send_op(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1);
}

/* No room from now on, for ever: the host's stream stands still. */
static void credit_never(struct rings *rings)
{
    rings->told_credit = 0;
    send_op(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 1);
}

/* More data than the host gave credit for. */
static void beyond_credit(struct rings *rings)
{
    static const uint8_t data[RINGS_BUFFER_SIZE - sizeof(struct virtio_vsock_hdr)];

    for (unsigned i = 0; i < 4096; i++) {
        const struct virtio_vsock_hdr header = rings_header(rings, VIRTIO_VSOCK_OP_RW, sizeof data);

        rings_send(rings, &header, data);
    }
}

static void length_lies(struct rings *rings)
{
    struct virtio_vsock_hdr header = rings_header(rings, VIRTIO_VSOCK_OP_RW, UINT32_MAX);

    rings_send(rings, &header, NULL);
}

static void request_again(struct rings *rings)
{
    send_op(rings, VIRTIO_VSOCK_OP_REQUEST, 1);
}

static void reset_midway(struct rings *rings)
{
    send_op(rings, VIRTIO_VSOCK_OP_RST, 1);
}

/* Says that it will neither send nor receive, and sends. */
static void data_after_shutdown(struct rings *rings)
{
    struct virtio_vsock_hdr header = rings_header(rings, VIRTIO_VSOCK_OP_SHUTDOWN, 0);

    header.flags = htole32(VIRTIO_VSOCK_SHUTDOWN_SEND);
    rings_send(rings, &header, NULL);
    header = rings_header(rings, VIRTIO_VSOCK_OP_RW, 5);
    rings_send(rings, &header, "hello");
}

/* --- the host's request
 * ------------------------------------------------------------------------------------------------- */

static void answers_with_data(struct rings *rings)
{
    rings->answers_with_data = true;
}

static void answers_with_reset(struct rings *rings)
{
    rings->answers_with_reset = true;
}

static void answers_twice(struct rings *rings)
{
    rings->answers_twice = true;
}

static void never_answers(struct rings *rings)
{
    rings->never_answers = true;
}

static void nothing(struct rings *rings)
{
    (void)rings;
}

const struct rings_attack attacks_packets[] = {
    {"honest", RINGS_EARLY, nothing},
    {"all-strays", RINGS_EARLY, all_strays},
    {"requests", RINGS_MIDWAY, requests},
    {"requests-unheard", RINGS_EARLY, requests_unheard},
    {"resets", RINGS_MIDWAY, resets},
    {"data-without-connection", RINGS_MIDWAY, data_without_connection},
    {"strangers", RINGS_MIDWAY, strangers},
    {"kinds", RINGS_MIDWAY, kinds},
    {"credit-requests", RINGS_MIDWAY, credit_requests},
    {"credit-shrinks", RINGS_MIDWAY, credit_shrinks},
    {"credit-overflows", RINGS_MIDWAY, credit_overflows},
    {"credit-never", RINGS_MIDWAY, credit_never},
    {"beyond-credit", RINGS_MIDWAY, beyond_credit},
    {"length-lies", RINGS_MIDWAY, length_lies},
    {"request-again", RINGS_MIDWAY, request_again},
    {"reset-midway", RINGS_MIDWAY, reset_midway},
    {"data-after-shutdown", RINGS_MIDWAY, data_after_shutdown},
    {"answers-with-data", RINGS_EARLY, answers_with_data},
    {"answers-with-reset", RINGS_EARLY, answers_with_reset},
    {"answers-twice", RINGS_EARLY, answers_twice},
    {"never-answers", RINGS_EARLY, never_answers},
    {0},
};
