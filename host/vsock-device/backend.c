/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the front end has set up.
 *
 * Theory of operation. QEMU connects when it creates the device, negotiates, and hands over call
 * descriptors before there is any memory table. When the driver is ready it sends SET_FEATURES, the
 * memory table, and for each queue NUM, BASE, ADDR and KICK; a queue starts with its KICK and works
 * once it is enabled. GET_VRING_BASE stops it and tells where it stands, so that a paused machine
 * can go on later: streams survive that. Without REPLY_ACK the front end uses GET_FEATURES as a
 * barrier, so that one is answered at any time.
 */
#include "host/vsock-device/backend.h"

#include "base/io.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define FEATURES                                                                                                       \
    ((UINT64_C(1) << VIRTIO_F_VERSION_1) | (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX) |                                  \
     (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC) | VHOST_USER_FEATURE_PROTOCOL)

void backend_init(struct backend *backend, uint64_t guest_cid, int epoll_fd)
{
    *backend = (struct backend){.guest_cid = guest_cid, .epoll_fd = epoll_fd};
    for (size_t i = 0; i < BACKEND_QUEUE_COUNT; i++)
        backend->queues[i].kick_fd = backend->queues[i].call_fd = -1;
}

static void replace_fd(int *fd, int replacement)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = replacement;
}

/* Watches another kick descriptor, or none. The front end shares the old one's open file, so that
   closing it here would not take it out of the epoll set. */
static int replace_kick(struct backend *backend, struct backend_queue *queue, int replacement)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = BACKEND_KICK_EVENT};

    if (queue->kick_fd >= 0 && backend->epoll_fd >= 0)
        (void)epoll_ctl(backend->epoll_fd, EPOLL_CTL_DEL, queue->kick_fd, NULL);
    replace_fd(&queue->kick_fd, replacement);
    if (replacement >= 0 && backend->epoll_fd >= 0 &&
        epoll_ctl(backend->epoll_fd, EPOLL_CTL_ADD, replacement, &event) < 0)
        return -errno;
    return 0;
}

void backend_free(struct backend *backend)
{
    for (size_t i = 0; i < BACKEND_QUEUE_COUNT; i++) {
        (void)replace_kick(backend, &backend->queues[i], -1);
        replace_fd(&backend->queues[i].call_fd, -1);
        backend->queues[i].started = false;
    }
    memory_unmap(&backend->memory);
}

bool backend_is_ready(const struct backend *backend)
{
    for (size_t i = 0; i < BACKEND_QUEUE_COUNT; i++)
        if (!backend->queues[i].started || !backend->queues[i].enabled)
            return false;
    return true;
}

void backend_signal(struct backend_queue *queue)
{
    const uint64_t one = 1;

    if (!queue->started || !virtqueue_wants_interrupt(&queue->queue) || queue->call_fd < 0)
        return;
    /* A full counter (EAGAIN) is a pending interrupt already; a dead one is QEMU's own loss. */
    if (write(queue->call_fd, &one, sizeof one) < 0)
        return;
}

static int reply_number(int fd, enum vhost_user_request request, uint64_t number, struct error *err)
{
    return vhost_user_reply(fd, request, &number, sizeof number, err);
}

static int set_features(struct backend *backend, uint64_t features, struct error *err)
{
    if ((features & ~FEATURES) != 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end took features never offered");
    if ((features & (UINT64_C(1) << VIRTIO_F_VERSION_1)) == 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG,
                         "the guest's driver is not virtio 1.0; a microvm machine needs "
                         "-global virtio-mmio.force-legacy=false");
    backend->features = features;
    /* Without the protocol features a queue is enabled from its start. */
    if ((features & VHOST_USER_FEATURE_PROTOCOL) == 0)
        for (size_t i = 0; i < BACKEND_QUEUE_COUNT; i++)
            backend->queues[i].enabled = true;
    return 0;
}

static int set_memory(struct backend *backend, const struct vhost_user_message *message, struct error *err)
{
    struct memory memory;
    int r = memory_map(message->memory.regions, message->fds, message->memory.count, &memory, err);

    if (r < 0)
        return r;
    memory_unmap(&backend->memory);
    backend->memory = memory;
    for (size_t i = 0; i < BACKEND_QUEUE_COUNT; i++) {
        struct backend_queue *queue = &backend->queues[i];

        r = queue->started ? virtqueue_relocate(&queue->queue, &queue->layout, &memory, err) : 0;
        if (r < 0) {
            queue->started = false;
            return r;
        }
    }
    return 0;
}

static int find_queue(struct backend *backend, uint64_t index, struct backend_queue **ret_queue, struct error *err)
{
    if (index >= BACKEND_QUEUE_COUNT)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end named queue %llu", (unsigned long long)index);
    *ret_queue = &backend->queues[index];
    return 0;
}

static int start_queue(struct backend *backend, struct backend_queue *queue, struct error *err)
{
    enum virtqueue_direction direction =
        queue == &backend->queues[BACKEND_QUEUE_TX] ? VIRTQUEUE_DEVICE_READS : VIRTQUEUE_DEVICE_WRITES;
    bool event_idx = (backend->features & (UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)) != 0;
    bool indirect = (backend->features & (UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC)) != 0;
    int r;

    if (!queue->has_address || backend->memory.count == 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end started a queue without address or memory");
    r = virtqueue_start(&queue->layout, &backend->memory, direction, event_idx, indirect, &queue->queue, err);
    if (r == 0)
        queue->started = true;
    return r;
}

/*
 * Makes an event descriptor one that can't hold the device up. Sockets are refused: of its own end of this connection,
 * the front end would make the device keep both ends open, and its death would go unseen.
 */
static int take_event(int *message_fd, int *ret_fd, struct error *err)
{
    struct stat status;
    int r;

    if (fstat(*message_fd, &status) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "fstat of the front end's event descriptor: %m");
    if (S_ISSOCK(status.st_mode))
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end's event descriptor is a socket");
    r = io_set_nonblocking(*message_fd);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "front end's event descriptor: %s", strerror(-r));
    *ret_fd = take_fd(message_fd);
    return 0;
}

/* KICK, CALL and ERR: {queue, descriptor or none}. */
static int set_vring_fd(struct backend *backend, struct vhost_user_message *message, struct error *err)
{
    struct backend_queue *queue = NULL;
    int fd = -1;
    int r = find_queue(backend, message->number & VHOST_USER_INDEX_MASK, &queue, err);

    if (r < 0)
        return r;
    if (message->fd_count > 0 && message->request != VHOST_USER_SET_VRING_ERR) {
        r = take_event(&message->fds[0], &fd, err);
        if (r < 0)
            return r;
    }
    if (message->request == VHOST_USER_SET_VRING_CALL) {
        replace_fd(&queue->call_fd, fd);
    } else if (message->request == VHOST_USER_SET_VRING_KICK) {
        r = replace_kick(backend, queue, fd);
        if (r < 0)
            return error_set(err, ERROR_INTERNAL, r, "watching the front end's kicks: %s", strerror(-r));
        if (fd < 0)
            return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end wants a queue polled");
        if (!queue->started)
            return start_queue(backend, queue, err);
    }
    return 0;
}

static int stop_queue(struct backend *backend, int fd, uint32_t index, struct error *err)
{
    struct backend_queue *queue = NULL;
    uint32_t state[2] = {index, 0};
    int r = find_queue(backend, index, &queue, err);

    if (r < 0)
        return r;
    if (queue->started) {
        queue->started = false;
        queue->layout.base = queue->queue.next_avail;
    }
    (void)replace_kick(backend, queue, -1);
    state[1] = queue->layout.base;
    return vhost_user_reply(fd, VHOST_USER_GET_VRING_BASE, state, sizeof state, err);
}

/* NUM, BASE, ADDR and ENABLE. */
static int set_vring(struct backend *backend, const struct vhost_user_message *message, struct error *err)
{
    bool is_address = message->request == VHOST_USER_SET_VRING_ADDR;
    struct backend_queue *queue = NULL;
    int r = find_queue(backend, is_address ? message->address.index : message->state.index, &queue, err);

    if (r < 0)
        return r;
    if (message->request == VHOST_USER_SET_VRING_ENABLE) {
        queue->enabled = message->state.value != 0;
        return 0;
    }
    if (queue->started)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end changed a running queue");
    if (message->request == VHOST_USER_SET_VRING_NUM) {
        queue->layout.size = message->state.value;
    } else if (message->request == VHOST_USER_SET_VRING_BASE) {
        if (message->state.value > UINT16_MAX)
            return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end starts a queue at entry %u",
                             message->state.value);
        queue->layout.base = (uint16_t)message->state.value;
    } else {
        queue->layout.descriptors_address = message->address.descriptors;
        queue->layout.used_address = message->address.used;
        queue->layout.available_address = message->address.available;
        queue->has_address = true;
    }
    return 0;
}

/* Replies with the configuration space, le64 guest_cid (5.10.4): the same 12 bytes, then data. */
static int get_config(const struct backend *backend, int fd, const struct vhost_user_message *message,
                      struct error *err)
{
    const uint64_t config = htole64(backend->guest_cid);
    const uint32_t offset = message->config.offset, size = message->config.size;
    const uint32_t head[3] = {offset, size, 0};
    uint8_t reply[sizeof head + sizeof config];

    if (offset > sizeof config || size > sizeof config - offset)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end asked for %u bytes of configuration at %u", size,
                         offset);
    memcpy(reply, head, sizeof head);
    memcpy(reply + sizeof head, (const uint8_t *)&config + offset, size);
    return vhost_user_reply(fd, VHOST_USER_GET_CONFIG, reply, sizeof head + size, err);
}

int backend_handle(struct backend *backend, int fd, struct vhost_user_message *message, struct error *err)
{
    switch (message->request) {
    case VHOST_USER_GET_FEATURES:
        return reply_number(fd, message->request, FEATURES, err);
    case VHOST_USER_GET_PROTOCOL_FEATURES:
        return reply_number(fd, message->request, VHOST_USER_PROTOCOL_FEATURE_CONFIG, err);
    case VHOST_USER_SET_PROTOCOL_FEATURES:
        if ((message->number & ~VHOST_USER_PROTOCOL_FEATURE_CONFIG) != 0)
            return error_set(err, ERROR_INTERNAL, -EBADMSG, "front end took protocol features never offered");
        return 0;
    case VHOST_USER_SET_FEATURES:
        return set_features(backend, message->number, err);
    case VHOST_USER_SET_OWNER:
        return 0;
    case VHOST_USER_SET_MEM_TABLE:
        return set_memory(backend, message, err);
    case VHOST_USER_SET_VRING_NUM:
    case VHOST_USER_SET_VRING_ADDR:
    case VHOST_USER_SET_VRING_BASE:
    case VHOST_USER_SET_VRING_ENABLE:
        return set_vring(backend, message, err);
    case VHOST_USER_GET_VRING_BASE:
        return stop_queue(backend, fd, message->state.index, err);
    case VHOST_USER_SET_VRING_KICK:
    case VHOST_USER_SET_VRING_CALL:
    case VHOST_USER_SET_VRING_ERR:
        return set_vring_fd(backend, message, err);
    case VHOST_USER_GET_CONFIG:
        return get_config(backend, fd, message, err);
    }
    return error_set(err, ERROR_INTERNAL, -EBADMSG, "vhost-user request %d", message->request);
}
