/* SPDX-License-Identifier: Apache-2.0 */
/* Deflate, bare and in the wrappers of RFC 1950 (zlib) and RFC 1952 (gzip), whose checksums are checked, not required.
 */
#include "guest/scan/archive/codec.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#define GZIP_HEADER   10u /* fixed part */
#define GZIP_TRAILER  8u  /* CRC-32 and size */
#define ZLIB_HEADER   2u
#define ZLIB_TRAILER  4u    /* Adler-32 */
#define GZIP_FHCRC    0x02u /* RFC 1952, 2.3.1: flags */
#define GZIP_FEXTRA   0x04u
#define GZIP_FNAME    0x08u
#define GZIP_FCOMMENT 0x10u

enum stage { STAGE_HEADER, STAGE_BODY, STAGE_TRAILER };

struct deflate {
    struct codec codec;
    z_stream stream;
    bool open;
    enum stage stage;
    uint32_t sum; /* CRC-32 or Adler-32 of the output */
};

static void *allocate(void *argument, unsigned count, unsigned size)
{
    return codec_allocate(argument, count, size);
}

static void release(void *argument, void *memory)
{
    codec_release(argument, memory);
}

static int start_deflate(struct codec *codec, struct error *err)
{
    struct deflate *deflate = (struct deflate *)codec;

    deflate->stream = (z_stream){.zalloc = allocate, .zfree = release, .opaque = codec->scan};
    if (inflateInit2(&deflate->stream, -MAX_WBITS) != Z_OK)
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "no memory is left to inflate");
    deflate->open = true;
    return 0;
}

static void stop_deflate(struct codec *codec)
{
    struct deflate *deflate = (struct deflate *)codec;

    if (deflate->open)
        (void)inflateEnd(&deflate->stream);
    deflate->open = false;
}

static int run_deflate(struct codec *codec, struct codec_step *step, struct error *err)
{
    z_stream *stream = &((struct deflate *)codec)->stream;
    uInt in = step->in_size < UINT_MAX ? (uInt)step->in_size : UINT_MAX;
    int r;

    stream->next_in = (z_const Bytef *)(uintptr_t)step->in;
    stream->avail_in = in;
    stream->next_out = step->out;
    stream->avail_out = (uInt)step->out_size;
    r = inflate(stream, Z_NO_FLUSH);
    step->used = in - stream->avail_in;
    step->made = step->out_size - stream->avail_out;
    if (r == Z_STREAM_END) {
        step->ended = true;
        return 0;
    }
    if (r == Z_OK || r == Z_BUF_ERROR)
        return 0;
    return error_set(err, ERROR_BAD_INPUT, r == Z_MEM_ERROR ? -ENOMEM : -EBADMSG, "deflate: %s",
                     stream->msg != NULL ? stream->msg : "no memory is left");
}

/* The body of a wrapped stream. */
static int run_body(struct codec *codec, struct codec_step *step, struct error *err)
{
    int r = run_deflate(codec, step, err);

    if (step->ended)
        ((struct deflate *)codec)->stage = STAGE_TRAILER;
    step->ended = false;
    return r;
}

/* A trailer that is cut short belongs to the stream, and is wrong. */
static void run_trailer(struct codec_step *step, const uint8_t *expected, size_t size)
{
    step->used = step->in_size < size ? step->in_size : size;
    step->checksum_wrong = step->in_size < size || memcmp(step->in, expected, size) != 0;
    step->ended = true;
}

/* --- zlib ----------------------------------------------------------------------------------------------- */

static int run_zlib(struct codec *codec, struct codec_step *step, struct error *err)
{
    struct deflate *deflate = (struct deflate *)codec;
    uint8_t expected[ZLIB_TRAILER];
    int r;

    switch (deflate->stage) {
    case STAGE_HEADER:
        if (step->in_size < ZLIB_HEADER || (step->in[0] & 15) != Z_DEFLATED || (step->in[1] & 0x20) != 0 ||
            (step->in[0] << 8 | step->in[1]) % 31 != 0)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "zlib: no header, or a preset dictionary");
        step->used = ZLIB_HEADER;
        deflate->sum = (uint32_t)adler32(0, NULL, 0);
        deflate->stage = STAGE_BODY;
        return 0;
    case STAGE_BODY:
        r = run_body(codec, step, err);
        deflate->sum = (uint32_t)adler32(deflate->sum, step->out, (uInt)step->made);
        return r;
    case STAGE_TRAILER:
        for (unsigned i = 0; i < ZLIB_TRAILER; i++)
            expected[i] = (uint8_t)(deflate->sum >> 8 * (ZLIB_TRAILER - 1 - i));
        run_trailer(step, expected, sizeof expected);
        return 0;
    }
    return 0;
}

/* --- gzip ----------------------------------------------------------------------------------------------- */

static bool begins_gzip(const uint8_t *in, size_t size)
{
    return size >= 3 && in[0] == 0x1f && in[1] == 0x8b && in[2] == Z_DEFLATED;
}

/* Past a text that a NUL ends; `size` where there is none. */
static size_t past_text(const uint8_t *in, size_t size, size_t at)
{
    const uint8_t *nul = at < size ? memchr(in + at, 0, size - at) : NULL;

    return nul != NULL ? (size_t)(nul - in) + 1 : size + 1;
}

/* RFC 1952, 2.3: the header's size, or 0 where it does not fit a view. */
static size_t gzip_header_size(const uint8_t *in, size_t size)
{
    size_t at = GZIP_HEADER;

    if (size < GZIP_HEADER)
        return 0;
    if ((in[3] & GZIP_FEXTRA) != 0)
        at += size >= at + 2 ? 2 + (size_t)(in[at] | in[at + 1] << 8) : size;
    if ((in[3] & GZIP_FNAME) != 0)
        at = past_text(in, size, at);
    if ((in[3] & GZIP_FCOMMENT) != 0)
        at = past_text(in, size, at);
    if ((in[3] & GZIP_FHCRC) != 0)
        at += 2;
    return at <= size ? at : 0;
}

static int run_gzip(struct codec *codec, struct codec_step *step, struct error *err)
{
    struct deflate *deflate = (struct deflate *)codec;
    uint8_t expected[GZIP_TRAILER];
    int r;

    switch (deflate->stage) {
    case STAGE_HEADER:
        step->used = begins_gzip(step->in, step->in_size) ? gzip_header_size(step->in, step->in_size) : 0;
        if (step->used == 0)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "gzip: no header, or one cut short");
        deflate->sum = (uint32_t)crc32(0, NULL, 0);
        deflate->stage = STAGE_BODY;
        return 0;
    case STAGE_BODY:
        r = run_body(codec, step, err);
        deflate->sum = (uint32_t)crc32(deflate->sum, step->out, (uInt)step->made);
        return r;
    case STAGE_TRAILER:
        for (unsigned i = 0; i < 4; i++) {
            expected[i] = (uint8_t)(deflate->sum >> 8 * i);
            expected[4 + i] = (uint8_t)(deflate->stream.total_out >> 8 * i);
        }
        run_trailer(step, expected, sizeof expected);
        return 0;
    }
    return 0;
}

const struct codec_class codec_deflate = {.name = "deflate",
                                          .size = sizeof(struct deflate),
                                          .start = start_deflate,
                                          .run = run_deflate,
                                          .stop = stop_deflate};
const struct codec_class codec_zlib = {
    .name = "zlib", .size = sizeof(struct deflate), .start = start_deflate, .run = run_zlib, .stop = stop_deflate};
const struct codec_class codec_gzip = {.name = "gzip",
                                       .size = sizeof(struct deflate),
                                       .start = start_deflate,
                                       .run = run_gzip,
                                       .stop = stop_deflate,
                                       .begins = begins_gzip,
                                       .padded = true};
