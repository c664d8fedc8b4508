/* SPDX-License-Identifier: Apache-2.0 */
/* bzip2, one stream. */
#include "guest/scan/archive/codec.h"

#include <bzlib.h>
#include <errno.h>
#include <limits.h>

struct bzip2 {
    struct codec codec;
    bz_stream stream;
    bool open;
};

static void *allocate(void *argument, int count, int size)
{
    return count < 0 || size < 0 ? NULL : codec_allocate(argument, (size_t)count, (size_t)size);
}

static void release(void *argument, void *memory)
{
    codec_release(argument, memory);
}

static int start_bzip2(struct codec *codec, struct error *err)
{
    struct bzip2 *bzip2 = (struct bzip2 *)codec;

    bzip2->stream = (bz_stream){.bzalloc = allocate, .bzfree = release, .opaque = codec->scan};
    if (BZ2_bzDecompressInit(&bzip2->stream, 0, 0) != BZ_OK)
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "no memory is left for bzip2");
    bzip2->open = true;
    return 0;
}

static void stop_bzip2(struct codec *codec)
{
    struct bzip2 *bzip2 = (struct bzip2 *)codec;

    if (bzip2->open)
        (void)BZ2_bzDecompressEnd(&bzip2->stream);
    bzip2->open = false;
}

static int run_bzip2(struct codec *codec, struct codec_step *step, struct error *err)
{
    bz_stream *stream = &((struct bzip2 *)codec)->stream;
    unsigned in = step->in_size < UINT_MAX ? (unsigned)step->in_size : UINT_MAX;
    int r;

    stream->next_in = (char *)(uintptr_t)step->in;
    stream->avail_in = in;
    stream->next_out = (char *)step->out;
    stream->avail_out = (unsigned)step->out_size;
    r = BZ2_bzDecompress(stream);
    step->used = in - stream->avail_in;
    step->made = step->out_size - stream->avail_out;
    step->ended = r == BZ_STREAM_END;
    if (r == BZ_OK || r == BZ_STREAM_END)
        return 0;
    return error_set(err, ERROR_BAD_INPUT, r == BZ_MEM_ERROR ? -ENOMEM : -EBADMSG,
                     r == BZ_MEM_ERROR ? "no memory is left for bzip2" : "bzip2: the data is damaged");
}

static bool begins_bzip2(const uint8_t *in, size_t size)
{
    return size >= 4 && in[0] == 'B' && in[1] == 'Z' && in[2] == 'h' && in[3] >= '1' && in[3] <= '9';
}

const struct codec_class codec_bzip2 = {.name = "bzip2",
                                        .size = sizeof(struct bzip2),
                                        .start = start_bzip2,
                                        .run = run_bzip2,
                                        .stop = stop_bzip2,
                                        .begins = begins_bzip2};
