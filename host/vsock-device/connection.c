/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One host-initiated stream.
 *
 * Theory of operation (VIRTIO 1.2, section 5.10.6). The device sends REQUEST and the guest answers
 * RESPONSE or RST. Then both send RW packets, each at most as far as the other's credit goes:
 *
 *     free = min(peer_buf_alloc, own buf_alloc) - (sent - peer_fwd_cnt), at least 0
 *
 * in signed 64 bits, for the counters wrap and a hostile peer may name any figure. Sending more
 * would corrupt the stream without an error, as Linux drops what it has no room for. Every packet
 * carries this side's buf_alloc and fwd_cnt; when the guest may be short of credit and nothing else
 * is to be sent, a CREDIT_UPDATE does. It is due after a quarter of min(own, peer's) buf_alloc, for
 * Linux limits itself by its own buf_alloc and could be blocked long before a quarter of ours.
 * The mirror image: a guest with a larger buffer than ours tells its progress only after most of
 * that buffer, while we stop at our own figure; then a CREDIT_REQUEST asks. A guest whose program has read nothing yet
 * answers that there is no credit, and need not say more later: so it is asked again after a while.
 *
 * fwd_cnt counts bytes that the host's socket took. What it doesn't take waits in the backlog,
 * which credit bounds; a guest that overruns it is reset.
 *
 * Ends. The host's end of file becomes SHUTDOWN(SEND) once all its data is delivered; a host that
 * reads no more, SHUTDOWN(RECEIVE). The guest's SHUTDOWN bits are passed to the host's socket the
 * same way, and when it has given both and its data is drained, RST tells it that the stream is
 * gone. When both of ours are sent and no RST comes, CONNECTION_CLOSE_TIMEOUT_MS ends it.
 */
#include "host/vsock-device/connection.h"

#include "base/io.h"
#include "host/vsock-device/credit.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define SEND_SEGMENTS_MAX 16u /* of a guest's chain, at a time */
#define SHUTDOWN_BOTH     ((uint32_t)(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND))

int connection_open(struct connection *connection, uint64_t guest_cid, uint32_t host_port, uint32_t guest_port,
                    uint32_t request_id, int fd)
{
    uint8_t *stage = malloc(CONNECTION_STAGE_SIZE);

    if (stage == NULL)
        return -ENOMEM;
    *connection = (struct connection){
        .state = CONNECTION_CONNECTING,
        .guest_cid = guest_cid,
        .host_port = host_port,
        .guest_port = guest_port,
        .deadline_ns = io_deadline_ms(CONNECTION_CONNECT_TIMEOUT_MS),
        .ask_again_ns = IO_NO_DEADLINE,
        .request_id = request_id,
        .fd = fd,
        .readable = true,
        .writable = true,
        .stage = stage,
    };
    return 0;
}

void connection_free(struct connection *connection)
{
    if (connection->state == CONNECTION_FREE)
        return;
    if (connection->fd >= 0)
        (void)close(connection->fd);
    free(connection->stage);
    free(connection->backlog);
    *connection = (struct connection){.state = CONNECTION_FREE, .fd = -1};
}

uint32_t connection_credit(const struct connection *connection)
{
    return credit_free(connection->peer_buf_alloc, CONNECTION_BUFFER_SIZE, connection->sent, connection->peer_fwd_cnt);
}

/* Answers the one who asked for the connection, once. */
static void answer(struct connection *connection, int result)
{
    if (connection->state != CONNECTION_CONNECTING)
        return;
    connection->answer = result;
    connection->answer_ready = true;
}

/* Ends the stream for the guest; `reset` says whether it has to be told. */
static void end(struct connection *connection, int result, bool reset)
{
    answer(connection, result);
    connection->state = CONNECTION_CLOSED;
    connection->send_reset = reset;
    connection->deadline_ns = connection->ask_again_ns = IO_NO_DEADLINE;
    connection->stage_start = connection->stage_end = 0;
}

/* Ends it for the host too, whatever was on its way. */
static void abandon(struct connection *connection, int result, bool reset)
{
    end(connection, result, reset);
    connection->backlog_size = 0;
}

/* Ends a stream whose rules the guest broke, and has whoever asked for it told why. */
static void accuse(struct connection *connection, int fault)
{
    abandon(connection, fault, true);
    connection->answer = fault;
    connection->answer_ready = true;
}

/* Counts bytes that are off the guest's hands, and notes when it must hear of it. */
static void count_forwarded(struct connection *connection, size_t count)
{
    if (count == 0)
        return;
    connection->forwarded += (uint32_t)count;
    if (credit_update_is_due(connection->peer_buf_alloc, CONNECTION_BUFFER_SIZE, connection->forwarded,
                             connection->forwarded_told))
        connection->send_credit_update = true;
}

/* Sends to the host what it takes now. Returns the count; 0 also when it will never take more. */
static size_t send_to_host(struct connection *connection, struct iovec *segments, size_t count)
{
    struct msghdr message = {.msg_iov = segments, .msg_iovlen = count};

    while (connection->writable && !connection->host_takes_no_more) {
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent >= 0)
            return (size_t)sent;
        if (errno == EAGAIN)
            connection->writable = false;
        else if (errno != EINTR)
            connection->host_takes_no_more = true;
    }
    return 0;
}

/* Adds the chain's bytes [offset, offset + size) to the backlog, which has room for them. */
static int append_backlog(struct connection *connection, const struct virtqueue_chain *chain, size_t offset,
                          size_t size)
{
    size_t at = (connection->backlog_start + connection->backlog_size) % CONNECTION_BUFFER_SIZE;
    size_t first = size < CONNECTION_BUFFER_SIZE - at ? size : CONNECTION_BUFFER_SIZE - at;

    if (connection->backlog == NULL)
        connection->backlog = malloc(CONNECTION_BUFFER_SIZE);
    if (connection->backlog == NULL)
        return -ENOMEM;
    (void)virtqueue_chain_read(chain, offset, connection->backlog + at, first);
    (void)virtqueue_chain_read(chain, offset + first, connection->backlog, size - first);
    connection->backlog_size += size;
    return 0;
}

static void flush_backlog(struct connection *connection)
{
    while (connection->backlog_size > 0) {
        size_t start = connection->backlog_start;
        size_t first = CONNECTION_BUFFER_SIZE - start < connection->backlog_size ? CONNECTION_BUFFER_SIZE - start
                                                                                 : connection->backlog_size;
        struct iovec segments[2] = {
            {.iov_base = connection->backlog + start, .iov_len = first},
            {.iov_base = connection->backlog, .iov_len = connection->backlog_size - first},
        };
        size_t sent = send_to_host(connection, segments, 2);

        if (connection->host_takes_no_more)
            sent = connection->backlog_size; /* nobody will miss it */
        if (sent == 0)
            return;
        connection->backlog_start = (start + sent) % CONNECTION_BUFFER_SIZE;
        connection->backlog_size -= sent;
        count_forwarded(connection, sent);
    }
}

/* Points at the chain's bytes [offset, offset + size), or the first of them; returns how many. */
static size_t map_chain(const struct virtqueue_chain *chain, size_t offset, size_t size,
                        struct iovec segments[SEND_SEGMENTS_MAX], size_t *ret_count)
{
    size_t count = 0, mapped = 0;

    for (size_t i = 0; i < chain->segment_count && mapped < size && count < SEND_SEGMENTS_MAX; i++) {
        const struct iovec *segment = &chain->segments[i];
        size_t length;

        if (offset >= segment->iov_len) {
            offset -= segment->iov_len;
            continue;
        }
        length = segment->iov_len - offset;
        if (length > size - mapped)
            length = size - mapped;
        segments[count++] = (struct iovec){.iov_base = (uint8_t *)segment->iov_base + offset, .iov_len = length};
        mapped += length;
        offset = 0;
    }
    *ret_count = count;
    return mapped;
}

/* Takes the payload of an RW packet: straight from the guest's memory to the host while it can. */
static void receive_data(struct connection *connection, const struct virtqueue_chain *chain, size_t size)
{
    size_t done = 0;

    if ((connection->guest_shutdown & VIRTIO_VSOCK_SHUTDOWN_SEND) != 0) {
        accuse(connection, -ESHUTDOWN);
        return;
    }
    if (size > CONNECTION_BUFFER_SIZE - connection->backlog_size) {
        accuse(connection, -ENOBUFS);
        return;
    }
    while (connection->backlog_size == 0 && done < size) {
        struct iovec segments[SEND_SEGMENTS_MAX];
        size_t count;
        size_t mapped = map_chain(chain, PACKET_HEADER_SIZE + done, size - done, segments, &count);
        size_t sent = send_to_host(connection, segments, count);

        if (connection->host_takes_no_more)
            sent = mapped;
        done += sent;
        count_forwarded(connection, sent);
        if (sent < mapped)
            break;
    }
    if (done < size && append_backlog(connection, chain, PACKET_HEADER_SIZE + done, size - done) < 0)
        abandon(connection, -ENOMEM, true);
}

/* Passes the guest's SHUTDOWN bits on, as far as its data is through. */
static void apply_guest_shutdown(struct connection *connection)
{
    if ((connection->guest_shutdown & VIRTIO_VSOCK_SHUTDOWN_RCV) != 0 && !connection->host_sent_all) {
        (void)shutdown(connection->fd, SHUT_RD); /* the host's writes fail from now on */
        connection->host_sent_all = true;
        connection->stage_start = connection->stage_end = 0;
    }
    if (connection->backlog_size > 0)
        return;
    if ((connection->guest_shutdown & VIRTIO_VSOCK_SHUTDOWN_SEND) != 0 && !connection->host_told_end) {
        (void)shutdown(connection->fd, SHUT_WR);
        connection->host_told_end = true;
    }
    if (connection->guest_shutdown == SHUTDOWN_BOTH)
        end(connection, 0, true);
}

static void receive_connecting(struct connection *connection, const struct packet_header *header)
{
    if (header->op == VIRTIO_VSOCK_OP_RST) {
        abandon(connection, -ECONNREFUSED, false);
    } else if (header->op == VIRTIO_VSOCK_OP_RESPONSE && connection->request_sent) {
        answer(connection, 0);
        connection->state = CONNECTION_OPEN;
        connection->deadline_ns = IO_NO_DEADLINE;
    } else if (header->op > VIRTIO_VSOCK_OP_INVALID && header->op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
        abandon(connection, -EPROTO, true);
    }
}

static void receive_open(struct connection *connection, const struct packet_header *header,
                         const struct virtqueue_chain *chain)
{
    switch (header->op) {
    case VIRTIO_VSOCK_OP_RW:
        receive_data(connection, chain, header->len);
        break;
    case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
        connection->send_credit_update = true;
        break;
    case VIRTIO_VSOCK_OP_SHUTDOWN:
        connection->guest_shutdown |= header->flags & SHUTDOWN_BOTH;
        apply_guest_shutdown(connection);
        break;
    case VIRTIO_VSOCK_OP_RST:
        end(connection, -ECONNRESET, false); /* what came before it still reaches the host */
        break;
    case VIRTIO_VSOCK_OP_REQUEST: /* the guest may not open streams, nor this one again */
        accuse(connection, -EISCONN);
        break;
    default: /* CREDIT_UPDATE has said all in its header; unknown operations are ignored */
        break;
    }
}

void connection_receive(struct connection *connection, const struct packet_header *header,
                        const struct virtqueue_chain *chain)
{
    connection->peer_buf_alloc = header->buf_alloc;
    connection->peer_fwd_cnt = header->fwd_cnt;
    if (connection->state == CONNECTION_CONNECTING)
        receive_connecting(connection, header);
    else if (connection->state == CONNECTION_OPEN)
        receive_open(connection, header, chain);
    if (connection->state == CONNECTION_OPEN && connection->credit_requested && connection_credit(connection) == 0 &&
        connection->ask_again_ns == IO_NO_DEADLINE)
        connection->ask_again_ns = io_deadline_ms(CONNECTION_ASK_AGAIN_MS);
}

void connection_host_event(struct connection *connection, uint32_t epoll_events)
{
    if ((epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        connection->readable = true;
    if ((epoll_events & EPOLLOUT) != 0)
        connection->writable = true;
    if ((epoll_events & (EPOLLHUP | EPOLLERR)) != 0) {
        connection->host_takes_no_more = true;
        if (connection->state == CONNECTION_CONNECTING)
            abandon(connection, -ECANCELED, connection->request_sent);
    }
}

/* Reads from the host when all that was read before is sent. */
static void fill_stage(struct connection *connection)
{
    while (connection->stage_start == connection->stage_end && connection->readable && !connection->host_sent_all) {
        ssize_t count = recv(connection->fd, connection->stage, CONNECTION_STAGE_SIZE, MSG_DONTWAIT);

        if (count > 0) {
            connection->stage_start = 0;
            connection->stage_end = (size_t)count;
        } else if (count == 0) {
            connection->host_sent_all = true;
        } else if (errno == EAGAIN) {
            connection->readable = false;
        } else if (errno != EINTR) {
            connection->host_sent_all = true;
            connection->host_takes_no_more = true;
        }
    }
}

void connection_service(struct connection *connection, uint64_t now_ns)
{
    if (connection->state == CONNECTION_FREE)
        return;
    if (now_ns >= connection->deadline_ns) {
        bool told = connection->state == CONNECTION_OPEN || connection->request_sent;

        abandon(connection, told ? -ETIMEDOUT : -ENOTCONN, told);
    }
    if (now_ns >= connection->ask_again_ns) {
        connection->ask_again_ns = IO_NO_DEADLINE;
        connection->credit_requested = false;
    }
    flush_backlog(connection);
    if (connection->state == CONNECTION_OPEN)
        apply_guest_shutdown(connection);
    if (connection->state == CONNECTION_OPEN)
        fill_stage(connection);
    /* The host learns of the end at once, also when the guest has no buffer for its RST. */
    if (connection->state == CONNECTION_CLOSED && connection->backlog_size == 0 && connection->fd >= 0) {
        (void)close(connection->fd);
        connection->fd = -1;
    }
}

/* The SHUTDOWN bits that hold now; the guest hears of each once. */
static uint32_t own_shutdown(const struct connection *connection)
{
    uint32_t bits = 0;

    if (connection->host_takes_no_more)
        bits |= VIRTIO_VSOCK_SHUTDOWN_RCV;
    if (connection->host_sent_all && connection->stage_start == connection->stage_end)
        bits |= VIRTIO_VSOCK_SHUTDOWN_SEND;
    return bits;
}

/* Staged bytes held back by our own figure, not by the guest's: it may not know that we wait. */
static bool must_request_credit(const struct connection *connection)
{
    return connection->stage_start < connection->stage_end && !connection->credit_requested &&
           connection->peer_buf_alloc > CONNECTION_BUFFER_SIZE && connection_credit(connection) == 0;
}

bool connection_has_packet(const struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_CONNECTING:
        return !connection->request_sent;
    case CONNECTION_OPEN:
        return connection->send_credit_update || must_request_credit(connection) ||
               (connection->stage_start < connection->stage_end && connection_credit(connection) > 0) ||
               (own_shutdown(connection) & ~connection->shutdown_sent) != 0;
    case CONNECTION_CLOSED:
        return connection->send_reset;
    case CONNECTION_FREE:
        break;
    }
    return false;
}

/* The packet of an open stream: data first, for it carries the credit update with it. */
static void next_open_packet(struct connection *connection, size_t payload_max, struct packet_header *header,
                             const uint8_t **ret_payload)
{
    size_t size = connection->stage_end - connection->stage_start;
    uint32_t credit = connection_credit(connection);
    uint32_t bits = own_shutdown(connection);

    if (size > credit)
        size = credit;
    if (size > payload_max)
        size = payload_max;
    if (size > 0) {
        header->op = VIRTIO_VSOCK_OP_RW;
        header->len = (uint32_t)size;
        *ret_payload = connection->stage + connection->stage_start;
        connection->stage_start += size;
        connection->sent += (uint32_t)size;
        connection->credit_requested = false;
        connection->ask_again_ns = IO_NO_DEADLINE;
    } else if ((bits & ~connection->shutdown_sent) != 0) {
        header->op = VIRTIO_VSOCK_OP_SHUTDOWN;
        header->flags = connection->shutdown_sent | bits;
        connection->shutdown_sent = header->flags;
        if (connection->shutdown_sent == SHUTDOWN_BOTH)
            connection->deadline_ns = io_deadline_ms(CONNECTION_CLOSE_TIMEOUT_MS);
    } else if (must_request_credit(connection)) {
        header->op = VIRTIO_VSOCK_OP_CREDIT_REQUEST;
        connection->credit_requested = true;
    } else {
        header->op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
    }
    connection->send_credit_update = false;
}

void connection_next_packet(struct connection *connection, size_t payload_max, struct packet_header *ret_header,
                            const uint8_t **ret_payload)
{
    struct packet_header header = {
        .src_cid = 2, /* the host, 5.10.4 */
        .dst_cid = connection->guest_cid,
        .src_port = connection->host_port,
        .dst_port = connection->guest_port,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
        .buf_alloc = CONNECTION_BUFFER_SIZE,
        .fwd_cnt = connection->forwarded,
    };

    *ret_payload = NULL;
    if (connection->state == CONNECTION_OPEN) {
        next_open_packet(connection, payload_max, &header, ret_payload);
    } else if (connection->state == CONNECTION_CONNECTING) {
        header.op = VIRTIO_VSOCK_OP_REQUEST;
        connection->request_sent = true;
        connection->deadline_ns = io_deadline_ms(CONNECTION_CONNECT_TIMEOUT_MS);
    } else {
        header.op = VIRTIO_VSOCK_OP_RST;
        connection->send_reset = false;
    }
    connection->forwarded_told = connection->forwarded;
    *ret_header = header;
}

bool connection_is_finished(const struct connection *connection)
{
    return connection->state == CONNECTION_CLOSED && !connection->send_reset && !connection->answer_ready &&
           connection->backlog_size == 0;
}
