/* SPDX-License-Identifier: Apache-2.0 */
/* What the hostile tests of the vsock device share. */
#include "hostile.h"

#include "base/io.h"
#include "unit/harness.h"

#include <string.h>

struct front_end hostile_fe;
struct front_end_packet hostile_packet;

void hostile_start(void)
{
    front_end_start(&hostile_fe, &(struct front_end_options){0});
}

void hostile_expect_end(enum error_kind kind, const char *reason)
{
    struct error err = {.kind = ERROR_NONE};
    int r = front_end_await(&hostile_fe, &err);

    CU_ASSERT(r < 0 && r != -FRONT_END_NO_DEVICE);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, reason));
    if (strstr(err.text, reason) == NULL)
        (void)printf("\n    '%s' instead of '%s'\n", err.text, reason);
}

void hostile_join_well(void)
{
    struct error err;
    int r = front_end_join(&hostile_fe, &err);

    CU_ASSERT_EQUAL(r, 0);
    if (r != 0)
        (void)printf("\n    '%s'\n", err.text);
}

bool hostile_join_either(void)
{
    struct error err = {.kind = ERROR_NONE};
    int r = front_end_join(&hostile_fe, &err);

    CU_ASSERT(r == 0 || (r != -FRONT_END_NO_DEVICE && err.kind == ERROR_GUEST));
    if (r == -FRONT_END_NO_DEVICE || (r < 0 && err.kind != ERROR_GUEST))
        (void)printf("\n    ended by a signal, or '%s'\n", err.text);
    return r < 0;
}

struct virtio_vsock_hdr hostile_stray(uint16_t op)
{
    return (struct virtio_vsock_hdr){
        .src_cid = FRONT_END_CID, .dst_cid = 2, .src_port = 77, .dst_port = 88, .type = 1, .op = op};
}

/* Takes what the device has sent; returns how many RSTs were among it. */
static unsigned take_resets(void)
{
    unsigned resets = 0;

    hostile_fe.auto_rx = false;
    while (front_end_receive(&hostile_fe, &hostile_packet, 0)) {
        resets += hostile_packet.header.op == VIRTIO_VSOCK_OP_RST ? 1 : 0;
        front_end_add_rx(&hostile_fe, 1);
    }
    front_end_kick(&hostile_fe.rx);
    hostile_fe.auto_rx = true;
    return resets;
}

unsigned hostile_flood(const struct virtio_vsock_hdr *header, const void *payload, unsigned count)
{
    uint64_t deadline = io_deadline_ms(60000);
    unsigned resets = 0, sent = 0;
    bool idle = false;

    /* On until all is taken, and nothing has come for a moment after. */
    while (io_now_ns() < deadline && !idle) {
        unsigned room = FRONT_END_QUEUE - (uint16_t)(hostile_fe.tx.avail - front_end_tx_used(&hostile_fe));
        unsigned got;

        for (; room > 0 && sent < count; room--, sent++) {
            struct virtio_vsock_hdr next = *header;

            next.src_port += sent;
            front_end_place(&hostile_fe, &next, payload);
        }
        front_end_kick(&hostile_fe.tx);
        (void)usleep(sent < count ? 100 : 2000);
        got = take_resets();
        resets += got;
        idle = sent == count && got == 0 && front_end_tx_used(&hostile_fe) == hostile_fe.tx.avail;
    }
    CU_ASSERT(idle);
    return resets;
}

void hostile_expect_service(void)
{
    struct virtio_vsock_hdr request, header;
    char text[8] = {0};
    int fd = front_end_open(&hostile_fe, HOSTILE_PORT, 65536, &request);

    header = front_end_header(&request, VIRTIO_VSOCK_OP_RW, 4);
    CU_ASSERT(front_end_transmit(&hostile_fe, &header, "ping"));
    CU_ASSERT_EQUAL(io_read_full(fd, text, 4, io_deadline_ms(FRONT_END_WAIT_MS)), 0);
    CU_ASSERT_STRING_EQUAL(text, "ping");
    CU_ASSERT_EQUAL(write(fd, "pong", 4), 4);
    CU_ASSERT(front_end_expect(&hostile_fe, VIRTIO_VSOCK_OP_RW, &hostile_packet));
    CU_ASSERT(memcmp(hostile_packet.payload, "pong", 4) == 0);
    (void)close(fd);
}

static void *flip(void *argument)
{
    struct hostile_flipper *flipper = argument;

    for (unsigned turn = 0; !atomic_load_explicit(&flipper->stop, memory_order_relaxed); turn++) {
        memcpy(flipper->at, &flipper->values[turn & 1], flipper->size);
        atomic_signal_fence(memory_order_seq_cst); /* each value is written */
    }
    return NULL;
}

void hostile_flip(struct hostile_flipper *flipper, void *at, size_t size, uint64_t first, uint64_t second)
{
    flipper->stop = false;
    flipper->at = at;
    flipper->size = size;
    flipper->values[0] = first;
    flipper->values[1] = second;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&flipper->thread, NULL, flip, flipper), 0);
}

void hostile_stop(struct hostile_flipper *flipper)
{
    flipper->stop = true;
    (void)pthread_join(flipper->thread, NULL);
}
