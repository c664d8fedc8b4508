/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and bytes over non-blocking descriptors. SIGPIPE must be ignored. */
#include "guest/agent/stream.h"

#include <errno.h>
#include <string.h>

struct stream_reader stream_reader_new(void)
{
    return (struct stream_reader){.bytes = buffer_with_limit(FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX)};
}

void stream_reader_free(struct stream_reader *reader)
{
    buffer_free(&reader->bytes);
}

/* Bytes that the header or the payload still lacks. */
static size_t missing(const struct stream_reader *reader)
{
    size_t whole = FRAME_HEADER_SIZE + (reader->has_header ? reader->header.size : 0);

    return whole - reader->bytes.size;
}

/* Looks at what has come: first for the header, then for the frame's end. */
static int take_stock(struct stream_reader *reader, struct error *err)
{
    if (missing(reader) > 0)
        return 0;
    if (!reader->has_header) {
        int r = frame_decode_header(reader->bytes.data, &reader->header, err);

        if (r < 0)
            return r;
        reader->has_header = true;
    }
    reader->complete = missing(reader) == 0;
    return 0;
}

int stream_reader_fill(struct stream_reader *reader, int fd, struct error *err)
{
    while (!reader->complete) {
        uint8_t *room;
        ssize_t count;
        int r = buffer_reserve(&reader->bytes, missing(reader), &room);

        if (r < 0)
            return error_set(err, ERROR_INTERNAL, r, "no memory for a frame");
        /* SYSTEM-CALL supervisor read: frames of the host and of workers; the kernel's log, for evidence */
        count = read(fd, room, missing(reader));
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (count < 0)
            return error_set(err, ERROR_INTERNAL, -errno, "can't read: %s", strerror(errno));
        if (count == 0)
            return error_set(err, ERROR_INTERNAL, -ECONNRESET, "the stream ended");
        reader->bytes.size += (size_t)count;
        r = take_stock(reader, err);
        if (r < 0)
            return r;
    }
    return 0;
}

const uint8_t *stream_reader_payload(const struct stream_reader *reader)
{
    return reader->bytes.data + FRAME_HEADER_SIZE;
}

void stream_reader_next(struct stream_reader *reader)
{
    if (reader->bytes.size > 0)
        explicit_bzero(reader->bytes.data, reader->bytes.size);
    reader->bytes.size = 0;
    reader->has_header = reader->complete = false;
}

struct stream_writer stream_writer_new(void)
{
    return (struct stream_writer){.bytes = buffer_with_limit(STREAM_PENDING_MAX)};
}

void stream_writer_free(struct stream_writer *writer)
{
    buffer_free(&writer->bytes);
    writer->written = 0;
}

bool stream_writer_is_empty(const struct stream_writer *writer)
{
    return writer->written == writer->bytes.size;
}

void stream_writer_drop(struct stream_writer *writer)
{
    if (writer->bytes.size > 0)
        explicit_bzero(writer->bytes.data, writer->bytes.size);
    writer->bytes.size = writer->written = 0;
}

int stream_writer_flush(struct stream_writer *writer, int fd)
{
    while (!stream_writer_is_empty(writer)) {
        /* SYSTEM-CALL supervisor write: frames to the host, windows to workers, the model into its memory file */
        ssize_t count = write(fd, writer->bytes.data + writer->written, writer->bytes.size - writer->written);

        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (count < 0)
            return -errno;
        writer->written += (size_t)count;
    }
    stream_writer_drop(writer);
    return 0;
}
