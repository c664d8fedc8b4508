/* SPDX-License-Identifier: Apache-2.0 */
/* The controller's side of the confined process that reads model signatures. */
#include "host/provenance/reader.h"

#include "base/child.h"
#include "base/cursor.h"
#include "base/io.h"
#include "host/attest/text.h"
#include "host/confine/place.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define DEADLINE_MS UINT64_C(60000) /* of one answer: parsing at most 16 MiB, or comparing names and digests */

struct provenance_reader {
    pid_t pid;
    int socket;
};

static int read_reply(struct provenance_reader *reader, struct buffer *ret_answer, uint64_t deadline_ns,
                      struct error *ret_refusal)
{
    uint8_t header[PROTOCOL_REPLY_HEADER] = {0}, *room;
    struct cursor cursor = cursor_over(header, sizeof header);
    CLEANUP_BUFFER struct buffer body = buffer_with_limit(PROTOCOL_REPLY_MAX);
    uint32_t kind = 0, code = 0, size = 0;
    int r = io_read_full(reader->socket, header, sizeof header, deadline_ns);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &kind);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &code);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    if (r == 0)
        r = buffer_reserve(&body, size, &room);
    if (r == 0)
        r = io_read_full(reader->socket, room, size, deadline_ns);
    if (r < 0)
        return r;
    body.size += size;
    if (kind == ERROR_NONE)
        return buffer_append(ret_answer, body.data, body.size);
    /* The text may be anything if the process was taken over: cut, and made printable once more. */
    ret_refusal->kind = kind == ERROR_BAD_INPUT || kind == ERROR_UNAVAILABLE || kind == ERROR_INTERNAL
                            ? (enum error_kind)kind
                            : ERROR_MISMATCH;
    ret_refusal->code = -EBADMSG;
    if (buffer_append_u8(&body, 0) == 0) {
        CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROTOCOL_TEXT_MAX);

        if (text_escape((const char *)body.data, PROTOCOL_TEXT_MAX, &text) == 0)
            memcpy(ret_refusal->text, text.data, text.size), ret_refusal->text[text.size] = '\0';
    }
    return 0;
}

static int lost(struct error *err, int r)
{
    return error_set(err, ERROR_MISMATCH, -EBADMSG,
                     "the process that reads the signature ended over it (%s), so the signature is refused",
                     strerror(-r));
}

static int fork_process(struct provenance_reader *reader, struct error *err)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "no socket for the reader of signatures: %s", strerror(errno));
    reader->pid = confine_fork(&sockets[1], 1);
    if (reader->pid == 0)
        protocol_serve(sockets[1]);
    reader->socket = sockets[0];
    (void)close(sockets[1]);
    if (reader->pid < 0)
        return confine_fork_failed("the reader of signatures", err);
    if (io_set_nonblocking(reader->socket) < 0)
        return error_set(err, ERROR_INTERNAL, -EIO, "a socket can't be made non-blocking");
    return 0;
}

int provenance_reader_start(struct provenance_reader **ret_reader, struct error *err)
{
    CLEANUP_PROVENANCE_READER struct provenance_reader *reader = calloc(1, sizeof *reader);
    CLEANUP_BUFFER struct buffer nothing = buffer_with_limit(PROTOCOL_REPLY_MAX);
    struct error refusal = {0};
    int r;

    if (reader == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the reader of signatures");
    reader->pid = -1;
    reader->socket = -1;
    r = fork_process(reader, err);
    if (r < 0)
        return r;
    r = read_reply(reader, &nothing, io_deadline_ms(DEADLINE_MS), &refusal);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the reader of signatures does not start: %s", strerror(-r));
    if (refusal.kind != ERROR_NONE)
        return error_set(err, ERROR_INTERNAL, -EIO, "%s", refusal.text);
    *ret_reader = TAKE_POINTER(reader);
    return 0;
}

int provenance_reader_ask(struct provenance_reader *reader, enum protocol_operation operation,
                          const struct buffer *request, struct buffer *ret_answer, struct error *err)
{
    CLEANUP_BUFFER struct buffer header = buffer_with_limit(2 * sizeof(uint32_t));
    uint64_t deadline_ns = io_deadline_ms(DEADLINE_MS);
    struct error refusal = {0};
    int r = buffer_append_u32le(&header, (uint32_t)operation);

    if (r == 0)
        r = buffer_append_u32le(&header, (uint32_t)request->size);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for the reader of signatures");
    r = io_write_full(reader->socket, header.data, header.size, deadline_ns);
    if (r == 0)
        r = io_write_full(reader->socket, request->data, request->size, deadline_ns);
    if (r == 0)
        r = read_reply(reader, ret_answer, deadline_ns, &refusal);
    if (r < 0)
        return lost(err, r);
    return refusal.kind == ERROR_NONE ? 0 : error_set(err, refusal.kind, refusal.code, "%s", refusal.text);
}

int provenance_append_string(struct buffer *buffer, const void *bytes, size_t size)
{
    int r = size <= UINT32_MAX ? buffer_append_u32le(buffer, (uint32_t)size) : -EMSGSIZE;

    return r == 0 ? buffer_append(buffer, bytes, size) : r;
}

void provenance_reader_free(struct provenance_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->socket >= 0)
        (void)close(reader->socket);
    child_kill(reader->pid);
    free(reader);
}
