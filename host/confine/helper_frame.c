/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies of helpers. */
#include "host/confine/helper_frame.h"

#include "base/cursor.h"
#include "base/io.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define REQUEST_HEADER_SIZE 4u
#define REPLY_HEADER_SIZE   12u
#define ERRNO_MAX           4096u

/* --- the helper's side ----------------------------------------------------------------------------------- */

int helper_frame_read_request(int socket, uint8_t *ret_request, size_t size_max, size_t *ret_size)
{
    uint8_t header[REQUEST_HEADER_SIZE] = {0};
    struct cursor cursor = cursor_over(header, sizeof header);
    uint32_t size = 0;
    int r = io_read_full(socket, header, sizeof header, IO_NO_DEADLINE);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    if (r == 0 && size > size_max)
        r = -EMSGSIZE;
    if (r == 0)
        r = io_read_full(socket, ret_request, size, IO_NO_DEADLINE);
    if (r == 0)
        *ret_size = size;
    return r;
}

int helper_frame_send_reply(int socket, const struct error *reply, const struct buffer *data)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(REPLY_HEADER_SIZE + data->limit + ERROR_TEXT_MAX);
    bool failed = reply->kind != ERROR_NONE;
    const void *bytes = failed ? (const void *)reply->text : data->data;
    size_t size = failed ? strlen(reply->text) : data->size;
    int r = buffer_append_u32le(&frame, (uint32_t)reply->kind);

    if (r == 0)
        r = buffer_append_u32le(&frame, (uint32_t)-reply->code);
    if (r == 0)
        r = buffer_append_u32le(&frame, (uint32_t)size);
    if (r == 0)
        r = buffer_append(&frame, bytes, size);
    return r == 0 ? io_write_full(socket, frame.data, frame.size, IO_NO_DEADLINE) : r;
}

/* --- the caller's side ----------------------------------------------------------------------------------- */

int helper_frame_send_request(int socket, const void *request, size_t size, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer header = buffer_with_limit(REQUEST_HEADER_SIZE);
    int r = size <= UINT32_MAX ? buffer_append_u32le(&header, (uint32_t)size) : -EMSGSIZE;

    if (r == 0)
        r = io_write_full(socket, header.data, header.size, deadline_ns);
    return r == 0 ? io_write_full(socket, request, size, deadline_ns) : r;
}

int helper_frame_lost(const char *name, int code, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, code, "%s does not answer: %s", name, strerror(-code));
}

/* Turns an error reply into an error of the caller's. */
static int pass_error(const char *name, uint32_t kind, uint32_t code, const struct buffer *text, struct error *err)
{
    int r = code > 0 && code < ERRNO_MAX ? -(int)code : -EBADMSG;

    if (kind > ERROR_MISMATCH || text->size >= ERROR_TEXT_MAX)
        return helper_frame_lost(name, -EBADMSG, err);
    return error_set(err, (enum error_kind)kind, r, "%.*s", (int)text->size, (const char *)text->data);
}

int helper_frame_read_reply(int socket, const char *name, struct buffer *ret_data, uint64_t deadline_ns,
                            struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ERROR_TEXT_MAX);
    uint8_t header[REPLY_HEADER_SIZE] = {0}, *room;
    struct cursor cursor = cursor_over(header, sizeof header);
    uint32_t kind = 0, code = 0, size = 0;
    struct buffer *data;
    int r = io_read_full(socket, header, sizeof header, deadline_ns);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &kind);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &code);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    data = kind == ERROR_NONE ? ret_data : &text;
    if (r == 0)
        r = buffer_reserve(data, size, &room);
    if (r == 0)
        r = io_read_full(socket, room, size, deadline_ns);
    if (r < 0)
        return helper_frame_lost(name, r, err);
    data->size += size;
    return kind == ERROR_NONE ? 0 : pass_error(name, kind, code, &text, err);
}
