/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and bytes over non-blocking descriptors, piece by piece, so that no peer can hold the supervisor. */
#ifndef LAZARET_GUEST_AGENT_STREAM_H
#define LAZARET_GUEST_AGENT_STREAM_H

#include "wire/frame.h"

#include <stdbool.h>

/* --- one frame on its way in ------------------------------------------------------------------ */

struct stream_reader {
    struct buffer bytes; /* header and payload, as far as they have come */
    struct frame_header header;
    bool has_header, complete;
};

struct stream_reader stream_reader_new(void);
void stream_reader_free(struct stream_reader *reader);

/*
 * Reads what is there of the frame under way; `complete` is set with its last byte, and the frame
 * stays until stream_reader_next. 0; -ECONNRESET at the stream's end (between frames or within one);
 * -EBADMSG for a header that is none; -errno.
 */
MUST_USE int stream_reader_fill(struct stream_reader *reader, int fd, struct error *err);

/* The complete frame's payload. */
const uint8_t *stream_reader_payload(const struct stream_reader *reader);

/* Wipes the frame, which may be a piece of a model, and makes ready for the next. */
void stream_reader_next(struct stream_reader *reader);

/* --- bytes on their way out --------------------------------------------------------------------- */

struct stream_writer {
    struct buffer bytes; /* append here: buffer_append, message_encode */
    size_t written;
};

#define STREAM_PENDING_MAX (2u * (FRAME_PAYLOAD_MAX + FRAME_HEADER_SIZE))

struct stream_writer stream_writer_new(void);
void stream_writer_free(struct stream_writer *writer);
bool stream_writer_is_empty(const struct stream_writer *writer);

/* Writes what the descriptor takes. 0, -EPIPE, -errno. */
MUST_USE int stream_writer_flush(struct stream_writer *writer, int fd);

/* Wipes what was written and forgets what was not. */
void stream_writer_drop(struct stream_writer *writer);

#endif
