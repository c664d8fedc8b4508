/* SPDX-License-Identifier: Apache-2.0 */
/* A file read from its start to its end, gzip taken off where there is any. */
#include "host/data/inflate.h"

#include "base/io.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#define INFLATE_BLOCK     ((size_t)64 * 1024)
#define INFLATE_GZIP_BITS (15 + 16) /* zlib: the largest window, and a gzip header */

struct inflate {
    int fd;
    uint64_t size, offset; /* of the file; what has been read of it */
    bool compressed, ended;
    z_stream zlib;
    uint8_t block[INFLATE_BLOCK];
};

static int damaged(const struct inflate *stream, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "byte %" PRIu64 ": the gzip file is damaged (%s); fetch it again",
                     stream->offset - stream->zlib.avail_in, what);
}

static void close_stream(struct inflate **stream)
{
    inflate_close(*stream);
}

int inflate_open(int fd, uint64_t file_size, struct inflate **ret_stream, struct error *err)
{
    CLEANUP(close_stream) struct inflate *stream = calloc(1, sizeof *stream);
    uint8_t magic[2];
    ssize_t count;
    int r = Z_OK;

    if (stream == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read the file");
    stream->fd = fd;
    stream->size = file_size;
    count = io_pread_full(fd, magic, sizeof magic, 0);
    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, -EIO, "the file can't be read: %s", strerror((int)-count));
    if (count == sizeof magic && magic[0] == 0x1f && magic[1] == 0x8b) {
        r = inflateInit2(&stream->zlib, INFLATE_GZIP_BITS);
        stream->compressed = r == Z_OK;
    }
    if (r != Z_OK)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to inflate the file");
    *ret_stream = TAKE_POINTER(stream);
    return 0;
}

void inflate_close(struct inflate *stream)
{
    if (stream == NULL)
        return;
    if (stream->compressed)
        (void)inflateEnd(&stream->zlib);
    free(stream);
}

bool inflate_is_compressed(const struct inflate *stream)
{
    return stream->compressed;
}

/* Bytes of the file as they are. */
static int read_file(struct inflate *stream, void *ret_bytes, size_t size, size_t *ret_count, struct error *err)
{
    ssize_t count = io_pread_full(stream->fd, ret_bytes, size, stream->offset);

    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, -EIO, "the file can't be read: %s", strerror((int)-count));
    stream->offset += (uint64_t)count;
    *ret_count = (size_t)count;
    return 0;
}

/* One step of zlib's; more of the file is fetched where it has run dry. */
static int step(struct inflate *stream, struct error *err)
{
    z_stream *zlib = &stream->zlib;
    int r;

    if (zlib->avail_in == 0) {
        size_t count = 0;

        r = read_file(stream, stream->block, sizeof stream->block, &count, err);
        if (r < 0)
            return r;
        if (count == 0)
            return damaged(stream, "it ends too early", err);
        zlib->next_in = stream->block;
        zlib->avail_in = (uInt)count;
    }
    r = inflate(zlib, Z_NO_FLUSH);
    if (r == Z_STREAM_END)
        stream->ended = true;
    else if (r == Z_MEM_ERROR)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to inflate the file");
    else if (r != Z_OK)
        return damaged(stream, zlib->msg != NULL ? zlib->msg : "no gzip data", err);
    return 0;
}

int inflate_read(struct inflate *stream, void *ret_bytes, size_t size, size_t *ret_count, struct error *err)
{
    int r = 0;

    if (!stream->compressed)
        return read_file(stream, ret_bytes, size, ret_count, err);
    if (size > UINT32_MAX)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "more asked of a gzip file than zlib takes");
    stream->zlib.next_out = ret_bytes;
    stream->zlib.avail_out = (uInt)size;
    while (r == 0 && !stream->ended && stream->zlib.avail_out > 0)
        r = step(stream, err);
    *ret_count = size - stream->zlib.avail_out;
    return r;
}

int inflate_finish(struct inflate *stream, struct error *err)
{
    uint8_t byte;
    size_t count = 0;
    int r = inflate_read(stream, &byte, 1, &count, err);

    if (r < 0)
        return r;
    if (count > 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "bytes follow the last element; fetch the file again");
    if (stream->compressed && (stream->zlib.avail_in > 0 || stream->offset != stream->size))
        return damaged(stream, "something follows its end", err);
    return 0;
}
