/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver and a host at work on the device, as the input says: it is a list of steps, each an operation's byte and its
 * operands, so that a mutated input is still a conversation, and gets deep into streams, credit and ends. Where
 * vsock-rings has raw memory, this has descriptors and packets whose fields are right or wrong at will.
 *
 * With LAZARET_FUZZ_RACE set, a second thread changes the bytes of guest memory that the steps touched last, all the
 * time: what the device reads twice differs. A crash found so may need several runs of its input.
 */
#include "base/cursor.h"
#include "base/io.h"
#include "host/vsock-device/transport.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define QUEUE_SIZE  8u
#define STEPS_MAX   512
#define RX_AT       UINT64_C(0x0) /* descriptors, then available and used ring */
#define TX_AT       UINT64_C(0x200)
#define AVAIL_AT    0x100u
#define USED_AT     0x180u
#define PACKETS_AT  UINT64_C(0x1000) /* 64 of 256 bytes, over the border of the first two regions */
#define MEMORY_SIZE ((size_t)0x14000)
#define HOSTS_MAX   4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Alignas(4096) uint8_t image[MEMORY_SIZE];
static struct transport transport;
static struct memory memory;
static struct virtqueue queues[2]; /* rx, tx */
static uint16_t published[2];
static int hosts[HOSTS_MAX];
static uint64_t skew_ns; /* how far the steps have moved the clock */
static _Atomic uint32_t last_touched;

static void *change_memory(void *nothing)
{
    for (uint8_t turn = 0;; turn++)
        ((volatile uint8_t *)image)[(last_touched + turn % 16u) % MEMORY_SIZE] ^= (uint8_t)(turn | 1);
    return nothing;
}

static void start_racer(void)
{
    static bool started;
    pthread_t thread;

    if (!started && getenv("LAZARET_FUZZ_RACE") != NULL && pthread_create(&thread, NULL, change_memory, NULL) != 0)
        abort();
    started = true;
}

/* The second and the first region are swapped in the file; a hole of 4096 bytes lies before the third. */
static const struct {
    uint64_t guest, size, file;
} layout[3] = {{0, 0x4000, 0x4000}, {0x4000, 0x4000, 0}, {0x9000, 0x8000, 0x8000}};

static uint8_t *at(uint64_t address)
{
    for (size_t i = 0; i < 3; i++)
        if (address >= layout[i].guest && address - layout[i].guest < layout[i].size)
            return image + layout[i].file + (address - layout[i].guest);
    return image;
}

static void write_guest(uint64_t address, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *at(address + i) = ((const uint8_t *)bytes)[i];
    last_touched = (uint32_t)(at(address) - image);
}

static uint64_t take(struct cursor *cursor, size_t size)
{
    uint64_t value = 0;

    if (cursor_copy(cursor, &value, size < cursor_left(cursor) ? size : cursor_left(cursor)) < 0)
        abort();
    return value;
}

/* {slot, queue, where, length, flags, next}: a descriptor whose address is a packet's, or anything at all. */
static void set_descriptor(struct cursor *cursor)
{
    uint8_t slot = (uint8_t)take(cursor, 1), queue = slot >> 7, where = (uint8_t)take(cursor, 1);
    struct {
        uint64_t address;
        uint32_t size;
        uint16_t flags, next;
    } descriptor = {.address = PACKETS_AT + (where & 0x3f) * UINT64_C(256)};

    if (where >= 0xc0)
        descriptor.address = take(cursor, 8);
    descriptor.size = (uint32_t)take(cursor, where & 0x80 ? 4 : 1);
    descriptor.flags = (uint16_t)take(cursor, 1);
    descriptor.next = (uint16_t)take(cursor, 1);
    /* In a ring's table, or in an indirect one, at a packet's place. */
    write_guest((slot & 0x40) != 0 ? PACKETS_AT + (slot & 0x3f) * UINT64_C(16)
                                   : (queue == 0 ? RX_AT : TX_AT) + (slot & 7u) * UINT64_C(16),
                &descriptor, sizeof descriptor);
}

static void publish(struct cursor *cursor)
{
    uint8_t what = (uint8_t)take(cursor, 1), queue = what >> 7;
    uint64_t ring = (queue == 0 ? RX_AT : TX_AT) + AVAIL_AT;
    uint16_t head = what & 0xf;

    write_guest(ring + 4 + 2 * UINT64_C(1) * (published[queue] % QUEUE_SIZE), &head, 2);
    published[queue] = (uint16_t)(published[queue] + 1 + (what >> 4 & 7) * (what >> 4 & 7));
    write_guest(ring + 2, &published[queue], 2);
}

/* A packet at a place, by default a right one of the host's stream `who`. */
static void set_packet(struct cursor *cursor)
{
    uint8_t place = (uint8_t)take(cursor, 1) & 0x3f, who = (uint8_t)take(cursor, 1), wrong;
    struct packet_header header = {.src_cid = 42, .dst_cid = 2, .src_port = 1024, .type = 1, .buf_alloc = 65536};
    uint8_t bytes[PACKET_HEADER_SIZE];

    header.dst_port = TRANSPORT_FIRST_PORT + (who & 7u);
    header.op = (uint16_t)take(cursor, 1);
    header.len = (uint32_t)take(cursor, 1);
    wrong = (uint8_t)take(cursor, 1);
    if ((wrong & 1) != 0)
        header.buf_alloc = (uint32_t)take(cursor, 4);
    if ((wrong & 2) != 0)
        header.fwd_cnt = (uint32_t)take(cursor, 4);
    if ((wrong & 4) != 0)
        header.flags = (uint32_t)take(cursor, 1);
    if ((wrong & 8) != 0)
        header.len = (uint32_t)take(cursor, 4);
    if ((wrong & 16) != 0)
        header.type = (uint16_t)take(cursor, 1);
    if ((wrong & 32) != 0)
        header.src_cid = take(cursor, 8);
    if ((wrong & 64) != 0)
        header.src_port = (uint32_t)take(cursor, 1);
    packet_encode(&header, bytes);
    write_guest(PACKETS_AT + place * UINT64_C(256), bytes, sizeof bytes);
}

static void host_step(struct cursor *cursor)
{
    static uint8_t bytes[65536];
    uint8_t what = (uint8_t)take(cursor, 1);
    int *host = &hosts[what & 3];
    struct connection *connection = NULL;
    int pair[2];

    switch (what >> 2 & 7) {
    case 0: /* asks for a stream */
        if (*host >= 0)
            return;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
            abort();
        *host = pair[1];
        if (transport_connect(&transport, 1024, what, pair[0], &connection) < 0)
            (void)close(pair[0]);
        break;
    case 1:
        if (*host >= 0)
            (void)!send(*host, bytes, 1 + take(cursor, 2) % sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        break;
    case 2:
        if (*host >= 0)
            (void)!recv(*host, bytes, 1 + take(cursor, 2) % sizeof bytes, MSG_DONTWAIT);
        break;
    case 3:
        if (*host >= 0)
            (void)shutdown(*host, (what & 32) != 0 ? SHUT_WR : SHUT_RD);
        break;
    case 4:
        if (*host >= 0)
            (void)close(take_fd(host));
        break;
    default: /* later */
        skew_ns += take(cursor, 2) * UINT64_C(1000000);
        break;
    }
}

/* What epoll would say is asked for here. */
static void tell_events(void)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
        if (transport.connections[i].state != CONNECTION_FREE)
            connection_host_event(&transport.connections[i], EPOLLIN | EPOLLOUT);
}

static void check_bounds(void)
{
    if (transport.reset_count > QUEUE_SIZE)
        abort();
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++) {
        const struct connection *connection = &transport.connections[i];

        if (connection->state == CONNECTION_FREE)
            continue;
        if (connection->backlog_size > CONNECTION_BUFFER_SIZE || connection->stage_start > connection->stage_end ||
            connection->stage_end > CONNECTION_STAGE_SIZE || connection_credit(connection) > CONNECTION_BUFFER_SIZE ||
            (connection->peer_buf_alloc < CONNECTION_BUFFER_SIZE &&
             connection_credit(connection) > connection->peer_buf_alloc))
            abort();
    }
}

/* One pass of the device's loop. Negative when the guest broke the rules. */
static int pass(void)
{
    bool starved = false;
    int r;

    tell_events();
    transport_service(&transport, io_now_ns() + skew_ns);
    virtqueue_disable_kicks(&queues[0]);
    virtqueue_disable_kicks(&queues[1]);
    r = transport_process_tx(&transport, &queues[1], &memory, NULL);
    check_bounds();
    if (r >= 0)
        r = transport_fill_rx(&transport, &queues[0], &memory, &starved, NULL);
    check_bounds();
    (void)!virtqueue_wants_interrupt(&queues[0]);
    (void)!virtqueue_wants_interrupt(&queues[1]);
    (void)!virtqueue_enable_kicks(&queues[1]);
    if (starved)
        (void)!virtqueue_enable_kicks(&queues[0]);
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
        transport.connections[i].answer_ready = false;
    transport_reap(&transport);
    (void)!transport_has_backlog(&transport);
    (void)!transport_deadline(&transport);
    return r;
}

static void start(uint8_t features)
{
    memset(image, 0, sizeof image);
    memory = (struct memory){.count = 3};
    for (size_t i = 0; i < 3; i++)
        memory.regions[i] = (struct memory_region){
            .config = {.guest_address = layout[i].guest, .size = layout[i].size, .user_address = layout[i].guest},
            .data = image + layout[i].file};
    for (size_t i = 0; i < 2; i++) {
        const uint64_t ring = i == 0 ? RX_AT : TX_AT;
        const struct virtqueue_layout where = {.size = QUEUE_SIZE,
                                               .descriptors_address = ring,
                                               .available_address = ring + AVAIL_AT,
                                               .used_address = ring + USED_AT};

        if (virtqueue_start(&where, &memory, i == 0 ? VIRTQUEUE_DEVICE_WRITES : VIRTQUEUE_DEVICE_READS,
                            (features & 1) != 0, (features & 2) != 0, &queues[i], NULL) < 0)
            abort();
        published[i] = 0;
    }
    transport_init(&transport, 42);
    transport.next_host_port = TRANSPORT_FIRST_PORT; /* the same for the same input */
    for (size_t i = 0; i < HOSTS_MAX; i++)
        hosts[i] = -1;
    skew_ns = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor cursor = cursor_over(data, size);
    int r = 0;

    start_racer();
    start((uint8_t)take(&cursor, 1));
    for (int i = 0; i < STEPS_MAX && cursor_left(&cursor) > 0 && r >= 0; i++) {
        uint16_t address;

        switch (take(&cursor, 1) & 7) {
        case 0:
            set_descriptor(&cursor);
            break;
        case 1:
            publish(&cursor);
            break;
        case 2:
            set_packet(&cursor);
            break;
        case 3:
            host_step(&cursor);
            break;
        case 4:
            address = (uint16_t)take(&cursor, 2);
            write_guest(address, &(uint8_t){(uint8_t)take(&cursor, 1)}, 1);
            break;
        default:
            r = pass();
            break;
        }
    }
    transport_free(&transport);
    for (size_t i = 0; i < HOSTS_MAX; i++)
        if (hosts[i] >= 0)
            (void)close(hosts[i]);
    return 0;
}
