/* SPDX-License-Identifier: Apache-2.0 */
/* All streams of one guest. */
#include "host/vsock-device/transport.h"

#include "base/io.h"

#include <errno.h>
#include <sys/random.h>

void transport_init(struct transport *transport, uint64_t guest_cid)
{
    uint32_t offset = 0;

    /* A random start keeps ports of an earlier device from meaning something to the guest. */
    if (getrandom(&offset, sizeof offset, GRND_NONBLOCK) < 0)
        offset = 0;
    transport->guest_cid = guest_cid;
    transport->next_host_port = TRANSPORT_FIRST_PORT + offset % TRANSPORT_FIRST_PORT;
    transport->next_connection = 0;
    transport->reset_start = transport->reset_count = 0;
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
        transport->connections[i] = (struct connection){.state = CONNECTION_FREE, .fd = -1};
}

void transport_free(struct transport *transport)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
        connection_free(&transport->connections[i]);
    transport->reset_count = 0;
}

/* The stream between two ports, also one that still owes its RST; NULL when there is none. */
static struct connection *find_connection(struct transport *transport, uint32_t host_port, uint32_t guest_port)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++) {
        struct connection *connection = &transport->connections[i];

        if (connection->state == CONNECTION_FREE || (connection->state == CONNECTION_CLOSED && !connection->send_reset))
            continue;
        if (connection->host_port == host_port && connection->guest_port == guest_port)
            return connection;
    }
    return NULL;
}

/* A host port that no stream has: at most one step for each stream. */
static uint32_t choose_host_port(struct transport *transport)
{
    for (;;) {
        uint32_t port = transport->next_host_port++;
        bool taken = false;

        if (transport->next_host_port < TRANSPORT_FIRST_PORT ||
            transport->next_host_port == UINT32_MAX) /* VMADDR_PORT_ANY */
            transport->next_host_port = TRANSPORT_FIRST_PORT;
        for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
            if (transport->connections[i].state != CONNECTION_FREE && transport->connections[i].host_port == port)
                taken = true;
        if (!taken)
            return port;
    }
}

int transport_connect(struct transport *transport, uint32_t guest_port, uint32_t request_id, int fd,
                      struct connection **ret_connection)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++) {
        struct connection *connection = &transport->connections[i];
        int r;

        if (connection->state != CONNECTION_FREE)
            continue;
        r = connection_open(connection, transport->guest_cid, choose_host_port(transport), guest_port, request_id, fd);
        if (r == 0)
            *ret_connection = connection;
        return r;
    }
    return -EMFILE;
}

/* Notes that a packet is answered with RST; the caller has seen that there is room. */
static void queue_reset(struct transport *transport, const struct packet_header *header)
{
    size_t at = (transport->reset_start + transport->reset_count) % VIRTQUEUE_SIZE_MAX;

    transport->resets[at] =
        (struct transport_reset){.host_port = header->dst_port, .guest_port = header->src_port, .type = header->type};
    transport->reset_count++;
}

/* Gives a packet to its stream, or answers for the host (5.10.6.4, 5.10.6.5). */
static void dispatch(struct transport *transport, const struct packet_header *header)
{
    struct connection *connection;

    if (header->src_cid != transport->guest_cid || header->dst_cid != TRANSPORT_HOST_CID)
        return; /* not the guest's own address, or not for us: dropped */
    if (header->type != VIRTIO_VSOCK_TYPE_STREAM) {
        if (header->op != VIRTIO_VSOCK_OP_RST)
            queue_reset(transport, header);
        return;
    }
    connection = find_connection(transport, header->dst_port, header->src_port);
    if (connection != NULL)
        connection_receive(connection, header, &transport->chain);
    else if (header->op != VIRTIO_VSOCK_OP_RST) /* a guest's REQUEST among them */
        queue_reset(transport, header);
}

/* Takes one packet off the tx queue. As virtqueue_pop. */
static int process_packet(struct transport *transport, struct virtqueue *tx, const struct memory *memory,
                          struct error *err)
{
    uint8_t bytes[PACKET_HEADER_SIZE];
    struct packet_header header;
    int r = virtqueue_pop(tx, memory, &transport->chain, err);

    if (r <= 0)
        return r;
    /* The header is copied once and only the copy is looked at. */
    if (packet_decode(bytes, virtqueue_chain_read(&transport->chain, 0, bytes, PACKET_HEADER_SIZE), &header) < 0)
        return error_set(err, ERROR_GUEST, -EBADMSG, "guest sent a packet of %zu bytes, shorter than a header",
                         transport->chain.size);
    if (header.len > transport->chain.size - PACKET_HEADER_SIZE)
        return error_set(err, ERROR_GUEST, -EBADMSG, "guest sent a packet that claims %u bytes of payload and has %zu",
                         header.len, transport->chain.size - PACKET_HEADER_SIZE);
    dispatch(transport, &header);
    virtqueue_push(tx, transport->chain.head, 0);
    return 1;
}

int transport_process_tx(struct transport *transport, struct virtqueue *tx, const struct memory *memory,
                         struct error *err)
{
    int handled = 0;

    for (unsigned i = 0; i < tx->size && transport->reset_count < tx->size; i++) {
        int r = process_packet(transport, tx, memory, err);

        if (r < 0)
            return r;
        if (r == 0)
            break;
        handled = 1;
    }
    return handled;
}

/* The next packet to send, if any: RSTs first, then the streams in turn. */
static bool next_source(struct transport *transport, uint64_t now_ns, struct connection **ret_connection)
{
    *ret_connection = NULL;
    if (transport->reset_count > 0)
        return true;
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++) {
        size_t at = (transport->next_connection + i) % TRANSPORT_CONNECTIONS_MAX;
        struct connection *connection = &transport->connections[at];

        if (connection->state == CONNECTION_FREE)
            continue;
        if (!connection_has_packet(connection))
            connection_service(connection, now_ns); /* the host may have more by now */
        if (!connection_has_packet(connection))
            continue;
        transport->next_connection = (at + 1) % TRANSPORT_CONNECTIONS_MAX;
        *ret_connection = connection;
        return true;
    }
    return false;
}

/* Writes the source's packet into the chain at hand; returns its size. */
static size_t write_packet(struct transport *transport, struct connection *connection)
{
    const struct virtqueue_chain *chain = &transport->chain;
    uint8_t bytes[PACKET_HEADER_SIZE];
    struct packet_header header;
    const uint8_t *payload = NULL;

    if (connection != NULL) {
        connection_next_packet(connection, chain->size - PACKET_HEADER_SIZE, &header, &payload);
    } else {
        const struct transport_reset *reset = &transport->resets[transport->reset_start];

        header = (struct packet_header){.src_cid = TRANSPORT_HOST_CID,
                                        .dst_cid = transport->guest_cid,
                                        .src_port = reset->host_port,
                                        .dst_port = reset->guest_port,
                                        .type = reset->type,
                                        .op = VIRTIO_VSOCK_OP_RST};
        transport->reset_start = (transport->reset_start + 1) % VIRTQUEUE_SIZE_MAX;
        transport->reset_count--;
    }
    packet_encode(&header, bytes);
    (void)virtqueue_chain_write(chain, 0, bytes, PACKET_HEADER_SIZE);
    if (header.len > 0)
        (void)virtqueue_chain_write(chain, PACKET_HEADER_SIZE, payload, header.len);
    return PACKET_HEADER_SIZE + header.len;
}

int transport_fill_rx(struct transport *transport, struct virtqueue *rx, const struct memory *memory, bool *ret_starved,
                      struct error *err)
{
    uint64_t now_ns = io_now_ns();
    struct connection *connection;
    int handled = 0;

    *ret_starved = false;
    for (unsigned i = 0; i < rx->size && next_source(transport, now_ns, &connection); i++) {
        int r = virtqueue_pop(rx, memory, &transport->chain, err);

        if (r < 0)
            return r;
        if (r == 0) {
            *ret_starved = true;
            break;
        }
        if (transport->chain.size <= PACKET_HEADER_SIZE)
            return error_set(err, ERROR_GUEST, -EBADMSG,
                             "guest gave a receive buffer of %zu bytes, too small for a packet", transport->chain.size);
        virtqueue_push(rx, transport->chain.head, (uint32_t)write_packet(transport, connection));
        handled = 1;
    }
    return handled;
}

void transport_service(struct transport *transport, uint64_t now_ns)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
        connection_service(&transport->connections[i], now_ns);
}

void transport_reap(struct transport *transport)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
        if (connection_is_finished(&transport->connections[i]))
            connection_free(&transport->connections[i]);
}

bool transport_has_backlog(const struct transport *transport)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++)
        if (transport->connections[i].backlog_size > 0)
            return true;
    return false;
}

uint64_t transport_deadline(const struct transport *transport)
{
    uint64_t deadline = IO_NO_DEADLINE;

    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++) {
        const struct connection *connection = &transport->connections[i];

        if (connection->state == CONNECTION_FREE)
            continue;
        if (connection->deadline_ns < deadline)
            deadline = connection->deadline_ns;
        if (connection->ask_again_ns < deadline)
            deadline = connection->ask_again_ns;
    }
    return deadline;
}
