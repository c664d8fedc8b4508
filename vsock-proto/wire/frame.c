/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: PROTOCOL.md, section 3. */
#include "wire/frame.h"

#include "base/cursor.h"
#include "base/io.h"

#include <errno.h>
#include <string.h>

int frame_decode_header(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *ret_header, struct error *err)
{
    struct cursor cursor = cursor_over(bytes, FRAME_HEADER_SIZE);
    uint32_t magic = 0, size = 0;
    uint8_t type = 0, zero[3] = {0};

    if (cursor_read_u32le(&cursor, &magic) < 0 || cursor_read_u8(&cursor, &type) < 0 ||
        cursor_copy(&cursor, zero, sizeof zero) < 0 || cursor_read_u32le(&cursor, &size) < 0)
        return error_set(err, ERROR_GUEST, -EBADMSG, "frame header is too short");
    if (magic != FRAME_MAGIC)
        return error_set(err, ERROR_GUEST, -EBADMSG, "frame header has the magic 0x%08x, not 0x%08x", magic,
                         FRAME_MAGIC);
    if ((zero[0] | zero[1] | zero[2]) != 0)
        return error_set(err, ERROR_GUEST, -EBADMSG, "frame header's reserved bytes are not zero");
    if (size > FRAME_PAYLOAD_MAX)
        return error_set(err, ERROR_GUEST, -EBADMSG, "frame of type 0x%02x claims %u bytes, more than %u", type, size,
                         FRAME_PAYLOAD_MAX);
    *ret_header = (struct frame_header){.type = type, .size = size};
    return 0;
}

void frame_encode_header(const struct frame_header *header, uint8_t ret_bytes[FRAME_HEADER_SIZE])
{
    for (unsigned i = 0; i < 4; i++) {
        ret_bytes[i] = (uint8_t)(FRAME_MAGIC >> (8 * i));
        ret_bytes[8 + i] = (uint8_t)(header->size >> (8 * i));
    }
    ret_bytes[4] = header->type;
    memset(ret_bytes + 5, 0, 3);
}

/* Puts a stream's own errors into words. */
static int stream_failed(struct error *err, int code, const char *what)
{
    if (code == -ECONNRESET || code == -EPIPE)
        return error_set(err, ERROR_GUEST, code, "the connection ended while %s", what);
    if (code == -ETIMEDOUT)
        return error_set(err, ERROR_GUEST, code, "the deadline passed while %s", what);
    return error_set(err, ERROR_GUEST, code, "the connection failed while %s: %s", what, strerror(-code));
}

int frame_read(int fd, uint64_t deadline_ns, struct frame_header *ret_header, struct buffer *payload, struct error *err)
{
    uint8_t bytes[FRAME_HEADER_SIZE], *room;
    struct frame_header header;
    int r = io_read_full(fd, bytes, sizeof bytes, deadline_ns);

    if (r < 0)
        return stream_failed(err, r, "waiting for a frame");
    r = frame_decode_header(bytes, &header, err);
    if (r < 0)
        return r;
    payload->size = 0;
    r = buffer_reserve(payload, header.size, &room);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "no memory for a frame of %u bytes", header.size);
    r = io_read_full(fd, room, header.size, deadline_ns);
    if (r < 0)
        return stream_failed(err, r, "reading a frame's payload");
    payload->size = header.size;
    *ret_header = header;
    return 0;
}

int frame_write(int fd, uint64_t deadline_ns, const struct frame_header *header, const void *payload, struct error *err)
{
    uint8_t bytes[FRAME_HEADER_SIZE];
    int r;

    frame_encode_header(header, bytes);
    r = io_write_full(fd, bytes, sizeof bytes, deadline_ns);
    if (r == 0)
        r = io_write_full(fd, payload, header->size, deadline_ns);
    if (r < 0)
        return stream_failed(err, r, "writing a frame");
    return 0;
}
