/* SPDX-License-Identifier: Apache-2.0 */
/* A vsock driver in user space: one stream, bridged to the puppet. */
#include "rings.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX      "rings:"
#define HOST_CID    2u
#define PAUSE_US    100
#define HELLO_BYTES 40u /* a GUEST_HELLO is longer */
#define CREDIT_STEP (RINGS_OUR_CREDIT / 4)

#define TX_MEMORY (VIRTIO_FREE_OFFSET + RINGS_BUFFERS * RINGS_BUFFER_SIZE)

static uint8_t *buffer_of(struct rings *rings, unsigned queue, unsigned index)
{
    return rings->device.memory + (queue == RINGS_RX ? VIRTIO_FREE_OFFSET : TX_MEMORY) +
           (size_t)index * RINGS_BUFFER_SIZE;
}

/* --- packets out ------------------------------------------------------------------------------------------- */

struct virtio_vsock_hdr rings_header(const struct rings *rings, uint16_t op, uint32_t size)
{
    return (struct virtio_vsock_hdr){
        .src_cid = htole64(rings->cid),
        .dst_cid = htole64(HOST_CID),
        .src_port = htole32(rings->guest_port),
        .dst_port = htole32(rings->host_port),
        .len = htole32(size),
        .type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
        .op = htole16(op),
        .buf_alloc = htole32(rings->told_credit),
        .fwd_cnt = htole32(rings->received + (uint32_t)rings->told_ahead),
    };
}

void rings_send(struct rings *rings, const struct virtio_vsock_hdr *header, const void *data)
{
    struct virtio_queue *tx = &rings->device.queues[RINGS_TX];
    uint16_t slot = rings->tx_sent % RINGS_BUFFERS;
    uint32_t size = data == NULL ? 0 : le32toh(header->len);
    uint8_t *bytes = buffer_of(rings, RINGS_TX, slot);

    if ((uint16_t)(rings->tx_sent - le16toh(tx->used->idx)) >= RINGS_BUFFERS)
        virtio_kick(tx);
    while ((uint16_t)(rings->tx_sent - le16toh(tx->used->idx)) >= RINGS_BUFFERS)
        (void)rings_collect(rings); /* the host may answer before it takes more */
    memcpy(bytes, header, sizeof *header);
    if (size > 0)
        memcpy(bytes + sizeof *header, data, size);
    virtio_write_descriptor(&tx->descriptors[slot], virtio_address(&rings->device, bytes),
                            (uint32_t)sizeof *header + size, 0, 0);
    rings->tx_sent++;
    virtio_add(tx, slot);
    if (!rings->in_flood || rings->tx_sent % RINGS_BATCH == 0)
        virtio_kick(tx);
}

static void answer(struct rings *rings, uint16_t op)
{
    const struct virtio_vsock_hdr header = rings_header(rings, op, 0);

    rings_send(rings, &header, NULL);
}

/* --- packets in ---------------------------------------------------------------------------------------------- */

static int puppet_fd = -1;

static void give_buffer(struct rings *rings, uint16_t slot)
{
    struct virtio_queue *rx = &rings->device.queues[RINGS_RX];

    virtio_write_descriptor(&rx->descriptors[slot], virtio_address(&rings->device, buffer_of(rings, RINGS_RX, slot)),
                            RINGS_BUFFER_SIZE, VRING_DESC_F_WRITE, 0);
    virtio_add(rx, slot);
    if (!rings->in_flood || rx->next % RINGS_BATCH == 0)
        virtio_kick(rx);
}

static void take_request(struct rings *rings, const struct virtio_vsock_hdr *header)
{
    rings->host_port = le32toh(header->src_port);
    rings->guest_port = le32toh(header->dst_port);
    if (rings->never_answers || rings->is_busy)
        return; /* the host asks again */
    if (rings->answers_with_reset) {
        answer(rings, VIRTIO_VSOCK_OP_RST);
        return;
    }
    if (rings->answers_with_data) {
        const struct virtio_vsock_hdr data = rings_header(rings, VIRTIO_VSOCK_OP_RW, 5);

        rings_send(rings, &data, "hello");
        return;
    }
    rings->connected = true;
    answer(rings, VIRTIO_VSOCK_OP_RESPONSE);
    if (rings->answers_twice)
        answer(rings, VIRTIO_VSOCK_OP_RESPONSE);
}

static void take_data(struct rings *rings, const uint8_t *data, uint32_t size)
{
    uint32_t before = rings->received;

    for (uint32_t done = 0; done < size;) {
        ssize_t count = write(puppet_fd, data + done, size - done);

        if (count <= 0)
            break;
        done += (uint32_t)count;
    }
    rings->received += size;
    if (before / CREDIT_STEP != rings->received / CREDIT_STEP)
        answer(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

static void take_packet(struct rings *rings, const uint8_t *bytes)
{
    struct virtio_vsock_hdr header;

    memcpy(&header, bytes, sizeof header);
    rings->peer_credit = le32toh(header.buf_alloc);
    rings->peer_forwarded = le32toh(header.fwd_cnt);
    switch (le16toh(header.op)) {
    case VIRTIO_VSOCK_OP_REQUEST:
        take_request(rings, &header);
        break;
    case VIRTIO_VSOCK_OP_RW:
        if (rings->connected)
            take_data(rings, bytes + sizeof header, le32toh(header.len));
        break;
    case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
        answer(rings, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
        break;
    case VIRTIO_VSOCK_OP_SHUTDOWN:
        answer(rings, VIRTIO_VSOCK_OP_RST);
        break;
    }
}

bool rings_collect(struct rings *rings)
{
    struct virtio_queue *rx = &rings->device.queues[RINGS_RX];
    bool any = false;

    while (rings->rx_seen != le16toh(rx->used->idx)) {
        uint16_t slot = (uint16_t)le32toh(rx->used->ring[rings->rx_seen % VIRTIO_QUEUE_SIZE].id);
        const uint8_t *bytes = buffer_of(rings, RINGS_RX, slot % RINGS_BUFFERS);
        uint8_t copy[RINGS_BUFFER_SIZE];
        uint32_t size;

        __sync_synchronize();
        memcpy(&size, bytes + offsetof(struct virtio_vsock_hdr, len), sizeof size);
        size = (uint32_t)sizeof(struct virtio_vsock_hdr) + le32toh(size);
        memcpy(copy, bytes, size < sizeof copy ? size : sizeof copy);
        rings->rx_seen++;
        give_buffer(rings, slot % RINGS_BUFFERS);
        take_packet(rings, copy);
        any = true;
    }
    return any;
}

/* --- the stream -------------------------------------------------------------------------------------------------- */

/* What the puppet says goes out as far as the host's credit goes; -1: it has ended. */
static int forward(struct rings *rings)
{
    uint8_t data[RINGS_BUFFER_SIZE - sizeof(struct virtio_vsock_hdr)];
    uint32_t room = rings->peer_credit - (rings->sent - rings->peer_forwarded);
    struct virtio_vsock_hdr header;
    ssize_t count;

    if (!rings->connected || room == 0)
        return 0;
    count = recv(puppet_fd, data, room < sizeof data ? room : sizeof data, MSG_DONTWAIT);
    if (count == 0)
        return -1;
    if (count < 0)
        return 0;
    header = rings_header(rings, VIRTIO_VSOCK_OP_RW, (uint32_t)count);
    rings_send(rings, &header, data);
    rings->sent += (uint32_t)count;
    return 1;
}

static void bridge(struct rings *rings, const struct rings_attack *attack)
{
    bool attacked = attack->moment == RINGS_EARLY;
    int going = 0;

    while (going >= 0) {
        bool any = rings_collect(rings);

        going = forward(rings);
        if (!attacked && rings->sent >= HELLO_BYTES) {
            attacked = true;
            attack->run(rings);
        }
        if (!any && going == 0)
            (void)usleep(PAUSE_US);
    }
    while (rings->tx_sent != le16toh(rings->device.queues[RINGS_TX].used->idx))
        (void)usleep(PAUSE_US);
}

/* --- the mode -------------------------------------------------------------------------------------------------------
 */

static const struct rings_attack *find_attack(const char *name)
{
    const struct rings_attack *const tables[] = {attacks_rings, attacks_packets};

    for (size_t i = 0; i < 2; i++)
        for (const struct rings_attack *a = tables[i]; a->name != NULL; a++)
            if (strcmp(a->name, name) == 0)
                return a;
    return NULL;
}

/* What the kernel's own init would do, but no modules. */
static void prepare_machine(void)
{
    (void)mkdir("/dev", 0755);
    (void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    (void)mount("proc", "/proc", "proc", 0, NULL);
    (void)mount("sysfs", "/sys", "sysfs", 0, NULL);
    for (int fd = open("/dev/console", O_RDWR); fd >= 0 && fd <= STDERR_FILENO; fd = open("/dev/console", O_RDWR))
        if (fd == STDERR_FILENO)
            break;
}

static void start_puppet(void (*converse)(int fd, const char *at))
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return;
    puppet_fd = pair[0];
    if (fork() == 0) {
        (void)close(pair[0]);
        converse(pair[1], NULL);
    }
    (void)close(pair[1]);
}

void rings_restart(struct rings *rings)
{
    rings->tx_sent = rings->rx_seen = 0;
    for (uint16_t i = 0; i < RINGS_BUFFERS; i++)
        give_buffer(rings, i);
}

bool rings_run(const char *mode, void (*converse)(int fd, const char *at), int stream)
{
    static struct rings rings = {.told_credit = RINGS_OUR_CREDIT};
    const struct rings_attack *attack;

    if (strncmp(mode, PREFIX, strlen(PREFIX)) != 0)
        return false;
    attack = find_attack(mode + strlen(PREFIX));
    if (attack == NULL || stream >= 0)
        return true;
    prepare_machine();
    virtio_open(&rings.device);
    virtio_start(&rings.device);
    memcpy(&rings.cid, (const void *)(uintptr_t)rings.device.config, sizeof rings.cid);
    (void)fprintf(stderr, "hostile agent: %s from CID %llu\n", mode, (unsigned long long)rings.cid);
    rings_restart(&rings);
    start_puppet(converse);
    if (attack->moment == RINGS_EARLY) {
        rings.is_busy = true;
        attack->run(&rings);
        rings.is_busy = false;
    }
    bridge(&rings, attack);
    (void)fprintf(stderr, "hostile agent: %s: the session has ended\n", mode);
    (void)reboot(RB_POWER_OFF);
    return true;
}
