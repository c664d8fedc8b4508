/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest memory image: both rings, descriptors, tables and packets are the input's. The device
 * walks it as it would when the driver is ready, with a stream under way; between passes the driver
 * "writes" by copying more of the input over the rings.
 *
 * The first byte: bits 0-1 features, bit 2 opens the stream, bits 3-5 further passes.
 */
#include "host/vsock-device/transport.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define MEMORY_SIZE ((size_t)8192)
#define QUEUE_SIZE  16u
#define RX_AT       UINT64_C(0x0) /* desc 256 bytes, avail at 0x100, used at 0x180 */
#define TX_AT       UINT64_C(0x300)
#define PASS_BYTES  ((size_t)0x600)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(4096) uint8_t image[MEMORY_SIZE];
static struct transport transport;
static unsigned interrupts;

static struct virtqueue start(const struct memory *memory, uint64_t at, int features,
                              enum virtqueue_direction direction)
{
    const struct virtqueue_layout layout = {
        .size = QUEUE_SIZE, .descriptors_address = at, .available_address = at + 0x100, .used_address = at + 0x180};
    struct virtqueue queue;

    if (virtqueue_start(&layout, memory, direction, (features & 1) != 0, (features & 2) != 0, &queue, NULL) < 0)
        abort();
    return queue;
}

/* One pass of the loop. Negative when the guest broke the rules. */
static int pass(const struct memory *memory, struct virtqueue *rx, struct virtqueue *tx)
{
    bool starved;
    int r;

    transport_service(&transport, 0);
    r = transport_process_tx(&transport, tx, memory, NULL);
    if (r >= 0)
        r = transport_fill_rx(&transport, rx, memory, &starved, NULL);
    interrupts += (unsigned)virtqueue_wants_interrupt(rx) + (unsigned)virtqueue_wants_interrupt(tx) +
                  (unsigned)virtqueue_enable_kicks(tx);
    if (transport.reset_count > QUEUE_SIZE)
        abort();
    transport_reap(&transport);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Two regions that are neighbours for the guest only. */
    struct memory memory = {
        .count = 2,
        .regions = {{.config = {.guest_address = 0, .size = 4096, .user_address = 0}, .data = image + 4096},
                    {.config = {.guest_address = 4096, .size = 4096, .user_address = 1 << 20}, .data = image}}};
    struct virtqueue rx, tx;
    struct connection *connection = NULL;
    int features = size > 0 ? data[0] : 0, pair[2] = {-1, -1};

    if (size == 0)
        return 0;
    data++;
    size--;
    memset(image, 0, sizeof image);
    memcpy(image + 4096, data, size < 4096 ? size : 4096);
    if (size > 4096)
        memcpy(image, data + 4096, size - 4096 < 4096 ? size - 4096 : 4096);
    rx = start(&memory, RX_AT, features, VIRTQUEUE_DEVICE_WRITES);
    tx = start(&memory, TX_AT, features, VIRTQUEUE_DEVICE_READS);
    transport_init(&transport, 42);
    transport.next_host_port = TRANSPORT_FIRST_PORT; /* the same for the same input */
    if ((features & 4) != 0) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0 ||
            transport_connect(&transport, 1024, 1, pair[0], &connection) < 0)
            abort();
        (void)!send(pair[1], image, 1000, MSG_NOSIGNAL);
        connection->state = CONNECTION_OPEN;
        connection->request_sent = true;
        connection->answer_ready = false;
        connection->peer_buf_alloc = 500;
    }
    for (int i = 0; i <= (features >> 3 & 7); i++) {
        uint8_t drain[4096];

        if (pass(&memory, &rx, &tx) < 0)
            break;
        while (pair[1] >= 0 && recv(pair[1], drain, sizeof drain, MSG_DONTWAIT) > 0)
            ;
        if (size > PASS_BYTES) { /* the driver goes on */
            data += PASS_BYTES;
            size -= PASS_BYTES;
            memcpy(image + 4096, data, size < PASS_BYTES ? size : PASS_BYTES);
        }
    }
    transport_free(&transport);
    if (pair[1] >= 0)
        (void)close(pair[1]);
    return 0;
}
