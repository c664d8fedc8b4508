/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vsock device's event loop.
 *
 * Theory of operation. One thread, one epoll set. The front end's socket, the control socket and
 * the listener are level-triggered; kicks and the hosts' sockets are edge-triggered, so that a kick
 * needs no read, and a hung-up socket whose stream waits for the guest doesn't spin the loop. An
 * event only marks what may be possible now; then run_queues() does all that is possible: packets
 * from the guest, bytes to and from the hosts, packets to the guest. It handles at most one
 * queue's length each way before the loop looks at the sockets again without waiting, so that no
 * guest can starve the control socket. Only when nothing was left to do are kicks asked for, and
 * rings looked at once more, before the loop sleeps.
 */
#include "host/vsock-device/backend.h"
#include "host/vsock-device/control.h"
#include "host/vsock-device/device.h"
#include "host/vsock-device/transport.h"

#include "base/io.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define EVENTS_MAX       64
#define MESSAGES_AT_ONCE 64u            /* of the front end or the control socket */
#define LINGER_MS        UINT64_C(5000) /* for hosts to take what a gone guest had sent */
#define GUEST_CID_MIN    UINT64_C(3)
#define GUEST_CID_MAX    (UINT64_C(0xffffffff) - 1)

/* data.u64 of an event: its source in the top byte; for a stream also slot and host port, so that
   an event for a slot's former stream is recognised. */
enum {
    EVENT_KICK = BACKEND_KICK_EVENT >> 56,
    EVENT_LISTENER,
    EVENT_FRONT_END,
    EVENT_CONTROL,
    EVENT_STREAM,
};

struct device {
    const struct vsock_device_config *config;
    int epoll_fd;
    int front_end; /* -1 before and after */
    bool front_end_gone, control_gone;
    uint64_t linger_until_ns;
    struct vhost_user_reader reader;
    struct backend backend;
    struct transport transport;
};

static uint64_t event_tag(uint64_t source, uint64_t slot, uint32_t port)
{
    return source << 56 | slot << 32 | port;
}

static int watch(struct device *device, int fd, uint32_t events, uint64_t tag)
{
    struct epoll_event event = {.events = events, .data.u64 = tag};

    return epoll_ctl(device->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void unwatch(struct device *device, int fd)
{
    (void)epoll_ctl(device->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* One pass over all there is to do. *ret_more says whether to come back without waiting. */
static int run_queues(struct device *device, bool *ret_more, struct error *err)
{
    struct backend_queue *rx = &device->backend.queues[BACKEND_QUEUE_RX];
    struct backend_queue *tx = &device->backend.queues[BACKEND_QUEUE_TX];
    const struct memory *memory = &device->backend.memory;
    int received, sent;
    bool starved;

    *ret_more = false;
    transport_service(&device->transport, io_now_ns());
    if (!backend_is_ready(&device->backend))
        return 0;
    virtqueue_disable_kicks(&tx->queue);
    virtqueue_disable_kicks(&rx->queue);
    received = transport_process_tx(&device->transport, &tx->queue, memory, err);
    if (received < 0)
        return received;
    sent = transport_fill_rx(&device->transport, &rx->queue, memory, &starved, err);
    if (sent < 0)
        return sent;
    backend_signal(tx);
    backend_signal(rx);
    *ret_more = received > 0 || sent > 0;
    if (*ret_more)
        return 0;
    /* With RSTs up to the limit and no buffer for them, only new buffers help. */
    if (device->transport.reset_count < tx->queue.size && virtqueue_enable_kicks(&tx->queue))
        *ret_more = true;
    if (starved && virtqueue_enable_kicks(&rx->queue))
        *ret_more = true;
    return 0;
}

static int send_answer(struct device *device, uint32_t id, int result, struct error *err)
{
    const struct vsock_control_answer answer = {.id = id, .result = result};
    ssize_t sent;

    do
        sent = send(device->config->control, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
        device->control_gone = true;
    else if (sent < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "answering the monitor: %m");
    return 0;
}

static int send_answers(struct device *device, struct error *err)
{
    for (size_t i = 0; i < TRANSPORT_CONNECTIONS_MAX; i++) {
        struct connection *connection = &device->transport.connections[i];

        if (connection->answer_ready) {
            int r = send_answer(device, connection->request_id, connection->answer, err);

            if (r < 0)
                return r;
            connection->answer_ready = false;
        }
    }
    transport_reap(&device->transport);
    return 0;
}

/*
 * Begins the stream that a request asks for; the answer follows when the guest has spoken. To a guest that is not up
 * yet the request goes as soon as it is, so that nobody need ask again and again.
 */
static int begin_stream(struct device *device, const struct vsock_control_request *request, int *fd)
{
    struct connection *connection;
    int r;

    if (device->front_end_gone)
        return -ENOTCONN;
    r = io_set_nonblocking(*fd);
    if (r == 0)
        r = transport_connect(&device->transport, request->port, request->id, *fd, &connection);
    if (r < 0)
        return r;
    (void)take_fd(fd);
    r = watch(device, connection->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
              event_tag(EVENT_STREAM, (uint64_t)(connection - device->transport.connections), connection->host_port));
    if (r < 0)
        connection_free(connection);
    return r;
}

/* The single descriptor of a control message, or -1. */
static int message_fd(struct msghdr *message)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(message);
    int fd;

    if (control == NULL || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
        control->cmsg_len != CMSG_LEN(sizeof fd))
        return -1;
    memcpy(&fd, CMSG_DATA(control), sizeof fd);
    return fd;
}

/* Reads one request. 1, or 0 when there is none now. */
static int read_request(struct device *device, struct error *err)
{
    char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
    struct vsock_control_request request;
    struct iovec segment = {.iov_base = &request, .iov_len = sizeof request};
    struct msghdr message = {
        .msg_iov = &segment, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CLEANUP_FD int fd = -1;
    ssize_t count = recvmsg(device->config->control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    int r;

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (count == 0 || (count < 0 && errno == ECONNRESET)) {
        device->control_gone = true;
        return 0;
    }
    if (count < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "receiving from the monitor: %m");
    fd = message_fd(&message);
    if ((size_t)count != sizeof request || fd < 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "malformed request on the control socket");
    r = begin_stream(device, &request, &fd);
    if (r < 0)
        r = send_answer(device, request.id, r, err);
    return r < 0 ? r : 1;
}

static int handle_control(struct device *device, struct error *err)
{
    for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
        int r = read_request(device, err);

        if (r <= 0)
            return r;
    }
    return 0;
}

static int accept_front_end(struct device *device, struct error *err)
{
    int fd = accept4(device->config->vhost_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int r;

    if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
        return 0;
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "accepting the front end: %m");
    device->front_end = fd;
    unwatch(device, device->config->vhost_listener);
    (void)shutdown(device->config->vhost_listener, SHUT_RDWR); /* there is only one */
    r = watch(device, fd, EPOLLIN, event_tag(EVENT_FRONT_END, 0, 0));
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "watching the front end: %s", strerror(-r));
    return 0;
}

/* What the guest had put into its queue before it stopped still goes to the hosts. */
static int drain_tx(struct device *device, struct error *err)
{
    struct backend_queue *tx = &device->backend.queues[BACKEND_QUEUE_TX];
    int r;

    if (!tx->started || !tx->enabled)
        return 0;
    r = transport_process_tx(&device->transport, &tx->queue, &device->backend.memory, err);
    backend_signal(tx); /* a paused guest waits for its buffers when it goes on */
    return r < 0 ? r : 0;
}

static int lose_front_end(struct device *device, struct error *err)
{
    int r = drain_tx(device, err);

    unwatch(device, device->front_end);
    (void)close(take_fd(&device->front_end));
    for (size_t i = 0; i < BACKEND_QUEUE_COUNT; i++)
        device->backend.queues[i].started = false;
    device->front_end_gone = true;
    device->linger_until_ns = io_deadline_ms(LINGER_MS);
    return r;
}

/* Whether a queue rests after this message. QEMU disables both before it stops either. */
static bool stops_queue(const struct vhost_user_message *message)
{
    return message->request == VHOST_USER_GET_VRING_BASE ||
           (message->request == VHOST_USER_SET_VRING_ENABLE && message->state.value == 0);
}

static int handle_front_end(struct device *device, struct error *err)
{
    for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
        CLEANUP_VHOST_USER_MESSAGE struct vhost_user_message message = {.fd_count = 0};
        int r = vhost_user_read(&device->reader, device->front_end, &message, err);

        if (r == 0)
            return 0;
        if (r > 0 && stops_queue(&message)) {
            r = drain_tx(device, err);
            if (r < 0)
                return r;
        }
        if (r >= 0)
            r = backend_handle(&device->backend, device->front_end, &message, err);
        if (r == -ECONNRESET)
            return lose_front_end(device, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static void handle_stream(struct device *device, const struct epoll_event *event)
{
    size_t slot = (size_t)(event->data.u64 >> 32 & 0xffffff);
    struct connection *connection;

    if (slot >= TRANSPORT_CONNECTIONS_MAX)
        return;
    connection = &device->transport.connections[slot];
    if (connection->state != CONNECTION_FREE && connection->host_port == (uint32_t)event->data.u64)
        connection_host_event(connection, event->events);
}

static int handle_event(struct device *device, const struct epoll_event *event, struct error *err)
{
    switch (event->data.u64 >> 56) {
    case EVENT_LISTENER:
        return device->front_end < 0 ? accept_front_end(device, err) : 0;
    case EVENT_FRONT_END:
        return device->front_end >= 0 ? handle_front_end(device, err) : 0;
    case EVENT_CONTROL:
        return handle_control(device, err);
    case EVENT_STREAM:
        handle_stream(device, event);
        return 0;
    default: /* a kick: the queues are looked at anyway */
        return 0;
    }
}

static bool is_over(const struct device *device)
{
    if (device->control_gone)
        return true;
    return device->front_end_gone &&
           (!transport_has_backlog(&device->transport) || io_now_ns() >= device->linger_until_ns);
}

static int wait_for_events(struct device *device, bool more, struct error *err)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t deadline = transport_deadline(&device->transport);
    int count;

    if (device->front_end_gone && device->linger_until_ns < deadline)
        deadline = device->linger_until_ns;
    count = epoll_wait(device->epoll_fd, events, EVENTS_MAX, more ? 0 : io_poll_timeout(deadline));
    if (count < 0 && errno != EINTR)
        return error_set(err, ERROR_INTERNAL, -errno, "epoll_wait: %m");
    for (int i = 0; i < count; i++) {
        int r = handle_event(device, &events[i], err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int run_loop(struct device *device, struct error *err)
{
    for (;;) {
        bool more;
        int r = run_queues(device, &more, err);

        if (r == 0)
            r = send_answers(device, err);
        if (r < 0)
            return r;
        if (is_over(device))
            return 0;
        r = wait_for_events(device, more, err);
        if (r < 0)
            return r;
    }
}

static void device_free(struct device **device_pointer)
{
    struct device *device = *device_pointer;

    if (device == NULL)
        return;
    transport_free(&device->transport);
    vhost_user_reader_close(&device->reader);
    backend_free(&device->backend);
    if (device->front_end >= 0)
        (void)close(device->front_end);
    if (device->epoll_fd >= 0)
        (void)close(device->epoll_fd);
    free(device);
}

int vsock_device_run_unconfined(const struct vsock_device_config *config, struct error *err)
{
    CLEANUP(device_free) struct device *device = NULL;
    int r;

    if (config->guest_cid < GUEST_CID_MIN || config->guest_cid > GUEST_CID_MAX)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "guest CID %llu is not one for a guest",
                         (unsigned long long)config->guest_cid);
    device = calloc(1, sizeof *device);
    if (device == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the vsock device");
    device->config = config;
    device->front_end = -1;
    device->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    backend_init(&device->backend, config->guest_cid, device->epoll_fd);
    transport_init(&device->transport, config->guest_cid);
    if (device->epoll_fd < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "epoll_create1: %m");
    r = watch(device, config->vhost_listener, EPOLLIN, event_tag(EVENT_LISTENER, 0, 0));
    if (r == 0)
        r = watch(device, config->control, EPOLLIN, event_tag(EVENT_CONTROL, 0, 0));
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "watching the device's sockets: %s", strerror(-r));
    return run_loop(device, err);
}
