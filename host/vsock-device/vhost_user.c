/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the vhost-user protocol. */
#include "host/vsock-device/vhost_user.h"

#include "base/cursor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define FLAG_VERSION    UINT32_C(0x1)
#define FLAG_REPLY      UINT32_C(0x4)
#define FLAG_NEED_REPLY UINT32_C(0x8) /* means something only with REPLY_ACK, which is not offered */

static int bad_message(struct error *err, uint32_t request, const char *what)
{
    return error_set(err, ERROR_INTERNAL, -EBADMSG, "vhost-user request %u: %s", request, what);
}

static int parse_header(struct cursor *cursor, uint32_t *ret_request, uint32_t *ret_size, struct error *err)
{
    uint32_t request, flags, size;

    if (cursor_read_u32le(cursor, &request) < 0 || cursor_read_u32le(cursor, &flags) < 0 ||
        cursor_read_u32le(cursor, &size) < 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "vhost-user header is cut short");
    if ((flags & ~FLAG_NEED_REPLY) != FLAG_VERSION)
        return bad_message(err, request, "wrong flags");
    if (size > VHOST_USER_PAYLOAD_MAX)
        return bad_message(err, request, "too long");
    *ret_request = request;
    *ret_size = size;
    return 0;
}

/* {u32 count; u32 padding; {u64 guest address, size, user address, file offset}[count]} */
static int parse_memory(struct cursor *cursor, struct vhost_user_message *message)
{
    uint32_t count, padding;

    if (cursor_read_u32le(cursor, &count) < 0 || cursor_read_u32le(cursor, &padding) < 0 || count > MEMORY_REGIONS_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; i < count; i++) {
        struct memory_region_config *region = &message->memory.regions[i];

        if (cursor_read_u64le(cursor, &region->guest_address) < 0 || cursor_read_u64le(cursor, &region->size) < 0 ||
            cursor_read_u64le(cursor, &region->user_address) < 0 || cursor_read_u64le(cursor, &region->file_offset) < 0)
            return -EBADMSG;
    }
    message->memory.count = count;
    /* QEMU sends exactly the regions there are; the specification allows the full array. */
    return cursor_skip(cursor, cursor_left(cursor) % sizeof(uint64_t[4]) == 0 ? cursor_left(cursor) : 0);
}

/* {u32 index; u32 flags; u64 descriptors, used, available, log} */
static int parse_address(struct cursor *cursor, struct vhost_user_message *message)
{
    uint32_t flags;
    uint64_t log;

    if (cursor_read_u32le(cursor, &message->address.index) < 0 || cursor_read_u32le(cursor, &flags) < 0 ||
        cursor_read_u64le(cursor, &message->address.descriptors) < 0 ||
        cursor_read_u64le(cursor, &message->address.used) < 0 ||
        cursor_read_u64le(cursor, &message->address.available) < 0 || cursor_read_u64le(cursor, &log) < 0)
        return -EBADMSG;
    return flags == 0 ? 0 : -EBADMSG; /* logging is for migration, which is not offered */
}

/* {u32 offset; u32 size; u32 flags; u8 data[size]} */
static int parse_config(struct cursor *cursor, struct vhost_user_message *message)
{
    uint32_t flags;

    if (cursor_read_u32le(cursor, &message->config.offset) < 0 ||
        cursor_read_u32le(cursor, &message->config.size) < 0 || cursor_read_u32le(cursor, &flags) < 0)
        return -EBADMSG;
    return cursor_skip(cursor, message->config.size);
}

static int parse_state(struct cursor *cursor, struct vhost_user_message *message)
{
    if (cursor_read_u32le(cursor, &message->state.index) < 0 || cursor_read_u32le(cursor, &message->state.value) < 0)
        return -EBADMSG;
    return 0;
}

/* Parses the payload; *ret_fds is how many descriptors belong to it. */
static int parse_payload(struct cursor *cursor, struct vhost_user_message *message, size_t *ret_fds)
{
    int r;

    *ret_fds = 0;
    switch (message->request) {
    case VHOST_USER_GET_FEATURES:
    case VHOST_USER_GET_PROTOCOL_FEATURES:
    case VHOST_USER_SET_OWNER:
        return 0;
    case VHOST_USER_SET_FEATURES:
    case VHOST_USER_SET_PROTOCOL_FEATURES:
        return cursor_read_u64le(cursor, &message->number);
    case VHOST_USER_SET_VRING_KICK:
    case VHOST_USER_SET_VRING_CALL:
    case VHOST_USER_SET_VRING_ERR:
        r = cursor_read_u64le(cursor, &message->number);
        *ret_fds = r == 0 && (message->number & VHOST_USER_NO_FD) == 0 ? 1 : 0;
        return r;
    case VHOST_USER_SET_VRING_NUM:
    case VHOST_USER_SET_VRING_BASE:
    case VHOST_USER_GET_VRING_BASE:
    case VHOST_USER_SET_VRING_ENABLE:
        return parse_state(cursor, message);
    case VHOST_USER_SET_VRING_ADDR:
        return parse_address(cursor, message);
    case VHOST_USER_GET_CONFIG:
        return parse_config(cursor, message);
    case VHOST_USER_SET_MEM_TABLE:
        r = parse_memory(cursor, message);
        *ret_fds = r == 0 ? message->memory.count : 0;
        return r;
    }
    return -EOPNOTSUPP;
}

int vhost_user_parse(const uint8_t *bytes, size_t size, size_t fd_count, struct vhost_user_message *ret_message,
                     struct error *err)
{
    struct cursor cursor = cursor_over(bytes, size);
    struct vhost_user_message message = {.fd_count = 0};
    uint32_t request, payload_size;
    size_t fds_due;
    int r = parse_header(&cursor, &request, &payload_size, err);

    if (r < 0)
        return r;
    if (payload_size != cursor_left(&cursor))
        return bad_message(err, request, "its size is not what follows");
    message.request = (enum vhost_user_request)request;
    r = parse_payload(&cursor, &message, &fds_due);
    if (r == -EOPNOTSUPP)
        return bad_message(err, request, "not part of what was negotiated");
    if (r < 0 || cursor_left(&cursor) != 0)
        return bad_message(err, request, "malformed payload");
    if (fds_due != fd_count)
        return bad_message(err, request, "wrong number of descriptors");
    *ret_message = message;
    return 0;
}

void vhost_user_message_close(struct vhost_user_message *message)
{
    for (size_t i = 0; i < message->fd_count; i++)
        if (message->fds[i] >= 0)
            (void)close(message->fds[i]);
    message->fd_count = 0;
}

void vhost_user_reader_close(struct vhost_user_reader *reader)
{
    for (size_t i = 0; i < reader->fd_count; i++)
        (void)close(reader->fds[i]);
    reader->fd_count = 0;
    reader->used = 0;
}

/* Takes the descriptors of a received piece; more than a message may have is an error. */
static int take_fds(struct vhost_user_reader *reader, struct msghdr *piece, struct error *err)
{
    bool excess = (piece->msg_flags & MSG_CTRUNC) != 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(piece); c != NULL; c = CMSG_NXTHDR(piece, c)) {
        size_t count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (reader->fd_count < VHOST_USER_FDS_MAX) {
                reader->fds[reader->fd_count++] = fd;
            } else {
                (void)close(fd);
                excess = true;
            }
        }
    }
    if (excess)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "vhost-user message with more than %u descriptors",
                         VHOST_USER_FDS_MAX);
    return 0;
}

/* Receives at most `size` bytes more. 1, 0 when there is nothing now, -errno. */
static int receive_piece(struct vhost_user_reader *reader, int fd, size_t size, struct error *err)
{
    char control[CMSG_SPACE(sizeof(int) * VHOST_USER_FDS_MAX)] __attribute__((aligned(8)));
    struct iovec segment = {.iov_base = reader->bytes + reader->used, .iov_len = size};
    struct msghdr piece = {
        .msg_iov = &segment, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count;
    int r;

    do
        count = recvmsg(fd, &piece, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count < 0 && errno == EAGAIN)
        return 0;
    if (count == 0 || (count < 0 && errno == ECONNRESET))
        return -ECONNRESET;
    if (count < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "receiving from the front end: %m");
    r = take_fds(reader, &piece, err);
    if (r < 0)
        return r;
    reader->used += (size_t)count;
    return 1;
}

/* Bytes that the message at hand still lacks, as far as is known. */
static int bytes_missing(const struct vhost_user_reader *reader, size_t *ret_size, struct error *err)
{
    struct cursor cursor = cursor_over(reader->bytes, reader->used);
    uint32_t request, size;
    int r;

    if (reader->used < VHOST_USER_HEADER_SIZE) {
        *ret_size = VHOST_USER_HEADER_SIZE - reader->used;
        return 0;
    }
    r = parse_header(&cursor, &request, &size, err);
    if (r == 0)
        *ret_size = VHOST_USER_HEADER_SIZE + size - reader->used;
    return r;
}

int vhost_user_read(struct vhost_user_reader *reader, int fd, struct vhost_user_message *ret_message, struct error *err)
{
    struct vhost_user_message message;
    size_t missing = 0;
    int r;

    for (;;) {
        r = bytes_missing(reader, &missing, err);
        if (r < 0)
            return r;
        if (missing == 0 && reader->used >= VHOST_USER_HEADER_SIZE)
            break;
        r = receive_piece(reader, fd, missing, err);
        if (r <= 0)
            return r;
    }
    r = vhost_user_parse(reader->bytes, reader->used, reader->fd_count, &message, err);
    if (r < 0)
        return r;
    message.fd_count = reader->fd_count;
    memcpy(message.fds, reader->fds, sizeof message.fds);
    reader->fd_count = 0; /* transferred */
    reader->used = 0;
    *ret_message = message;
    return 1;
}

int vhost_user_reply(int fd, enum vhost_user_request request, const void *payload, size_t size, struct error *err)
{
    uint8_t bytes[VHOST_USER_HEADER_SIZE + VHOST_USER_PAYLOAD_MAX];
    const uint32_t header[3] = {request, FLAG_VERSION | FLAG_REPLY, (uint32_t)size};
    ssize_t sent;

    if (size > VHOST_USER_PAYLOAD_MAX)
        return error_set(err, ERROR_INTERNAL, -EMSGSIZE, "vhost-user reply of %zu bytes", size);
    memcpy(bytes, header, sizeof header);
    memcpy(bytes + sizeof header, payload, size);
    do
        sent = send(fd, bytes, sizeof header + size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
        return -ECONNRESET;
    if (sent < 0 || (size_t)sent != sizeof header + size)
        return error_set(err, ERROR_INTERNAL, -EIO, "the front end doesn't take its replies");
    return 0;
}
