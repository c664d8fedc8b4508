/* SPDX-License-Identifier: Apache-2.0 */
/* LZMA and LZMA2: .xz, .lzma, and the bare streams of zip and 7z. */
#include "guest/scan/codec.h"

#include <errno.h>
#include <lzma.h>
#include <string.h>

#define LZMA_PROPERTIES 5u          /* lc, lp, pb and the dictionary's size */
#define ZIP_HEADER      4u          /* version, and the properties' length */
#define DICTIONARY_MAX  (32u << 20) /* more is not kept, whatever is declared: a match beyond is an error then */

struct lzma {
    struct codec codec;
    lzma_allocator allocator;
    lzma_stream stream;
    bool open; /* the stream has been set up */
};

static void *allocate(void *argument, size_t count, size_t size)
{
    return codec_allocate(argument, count, size);
}

static void release(void *argument, void *memory)
{
    codec_release(argument, memory);
}

static int explain(lzma_ret code, struct error *err)
{
    switch (code) {
    case LZMA_MEM_ERROR:
    case LZMA_MEMLIMIT_ERROR:
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "the LZMA dictionary needs more memory than is left");
    case LZMA_OPTIONS_ERROR:
        return error_set(err, ERROR_BAD_INPUT, -ENOTSUP, "LZMA: options that are not known");
    default:
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "LZMA: the data is damaged");
    }
}

static void prepare(struct lzma *lzma)
{
    lzma->allocator = (lzma_allocator){.alloc = allocate, .free = release, .opaque = lzma->codec.scan};
    lzma->stream = (lzma_stream)LZMA_STREAM_INIT;
    lzma->stream.allocator = &lzma->allocator;
    lzma->open = true;
}

static void stop_lzma(struct codec *codec)
{
    struct lzma *lzma = (struct lzma *)codec;

    if (lzma->open)
        lzma_end(&lzma->stream);
    lzma->open = false;
}

static int run_lzma(struct codec *codec, struct codec_step *step, struct error *err)
{
    lzma_stream *stream = &((struct lzma *)codec)->stream;
    lzma_ret code;

    stream->next_in = step->in;
    stream->avail_in = step->in_size;
    stream->next_out = step->out;
    stream->avail_out = step->out_size;
    code = lzma_code(stream, LZMA_RUN);
    step->used = step->in_size - stream->avail_in;
    step->made = step->out_size - stream->avail_out;
    step->ended = code == LZMA_STREAM_END;
    if (code == LZMA_OK || code == LZMA_STREAM_END || code == LZMA_BUF_ERROR)
        return 0;
    return explain(code, err);
}

/* --- .xz ------------------------------------------------------------------------------------------------ */

static int start_xz(struct codec *codec, struct error *err)
{
    struct lzma *lzma = (struct lzma *)codec;
    lzma_ret code;

    prepare(lzma);
    code = lzma_stream_decoder(&lzma->stream, SCAN_MEMORY_MAX, 0);
    return code == LZMA_OK ? 0 : explain(code, err);
}

static bool begins_xz(const uint8_t *in, size_t size)
{
    return size >= 6 && memcmp(in, "\xfd\x37zXZ", 6) == 0;
}

/* --- LZMA without a container --------------------------------------------------------------------------- */

/* The filters before LZMA, as liblzma wants them: first the last to be applied. */
static lzma_ret decode_filters(struct lzma *lzma, lzma_filter *filters)
{
    const struct decoder_options *options = lzma->codec.options;
    lzma_ret code = LZMA_OK;

    for (uint32_t i = 0; code == LZMA_OK && i < options->filter_count; i++) {
        const struct decoder_filter *filter = &options->filters[i];

        filters[i].id = filter->id;
        code = lzma_properties_decode(&filters[i], &lzma->allocator, filter->properties, filter->properties_size);
    }
    return code;
}

/* `size`: of what comes out, UINT64_MAX where only a marker ends it; a marker may do so before as well. */
static int set_up_raw(struct lzma *lzma, lzma_vli id, const uint8_t *properties, size_t properties_size, uint64_t size,
                      struct error *err)
{
    lzma_filter filters[DECODER_FILTERS_MAX + 2] = {0};
    lzma_filter *last = &filters[lzma->codec.options->filter_count];
    lzma_options_lzma *options;
    lzma_ret code;

    prepare(lzma);
    code = decode_filters(lzma, filters);
    last->id = id;
    last[1].id = LZMA_VLI_UNKNOWN;
    if (code == LZMA_OK)
        code = lzma_properties_decode(last, &lzma->allocator, properties, properties_size);
    if (code == LZMA_OK) {
        options = last->options;
        if (options->dict_size > DICTIONARY_MAX)
            options->dict_size = DICTIONARY_MAX;
        options->ext_flags = LZMA_LZMA1EXT_ALLOW_EOPM;
        options->ext_size_low = (uint32_t)size;
        options->ext_size_high = (uint32_t)(size >> 32);
        code = lzma_raw_decoder(&lzma->stream, filters);
    }
    for (uint32_t i = 0; i <= DECODER_FILTERS_MAX; i++)
        codec_release(lzma->codec.scan, filters[i].options);
    return code == LZMA_OK ? 0 : explain(code, err);
}

static int start_nothing(struct codec *codec, struct error *err)
{
    (void)codec;
    (void)err;
    return 0;
}

static int start_raw(struct codec *codec, struct error *err)
{
    const struct decoder_options *options = codec->options;

    return set_up_raw((struct lzma *)codec, LZMA_FILTER_LZMA1EXT, options->properties, options->properties_size,
                      options->size, err);
}

static int start_raw2(struct codec *codec, struct error *err)
{
    const struct decoder_options *options = codec->options;

    return set_up_raw((struct lzma *)codec, LZMA_FILTER_LZMA2, options->properties, options->properties_size,
                      UINT64_MAX, err);
}

/* .lzma: properties, dictionary's size, size of the output. */
static int run_alone(struct codec *codec, struct codec_step *step, struct error *err)
{
    uint64_t size = 0;

    if (((struct lzma *)codec)->open)
        return run_lzma(codec, step, err);
    if (step->in_size < LZMA_PROPERTIES + sizeof size)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "LZMA: the header is cut short");
    for (unsigned i = 0; i < sizeof size; i++)
        size |= (uint64_t)step->in[LZMA_PROPERTIES + i] << 8 * i;
    step->used = LZMA_PROPERTIES + sizeof size;
    return set_up_raw((struct lzma *)codec, LZMA_FILTER_LZMA1EXT, step->in, LZMA_PROPERTIES, size, err);
}

/* Zip's method 14, APPNOTE 5.8.8: version (2 bytes), length of the properties (2 bytes), properties. */
static int run_zip(struct codec *codec, struct codec_step *step, struct error *err)
{
    if (((struct lzma *)codec)->open)
        return run_lzma(codec, step, err);
    if (step->in_size < ZIP_HEADER + LZMA_PROPERTIES || step->in[2] != LZMA_PROPERTIES || step->in[3] != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "LZMA: no header of a zip's member");
    step->used = ZIP_HEADER + LZMA_PROPERTIES;
    return set_up_raw((struct lzma *)codec, LZMA_FILTER_LZMA1EXT, step->in + ZIP_HEADER, LZMA_PROPERTIES,
                      codec->options->size, err);
}

const struct codec_class codec_xz = {.name = "xz",
                                     .size = sizeof(struct lzma),
                                     .start = start_xz,
                                     .run = run_lzma,
                                     .stop = stop_lzma,
                                     .begins = begins_xz,
                                     .padded = true};
const struct codec_class codec_lzma = {
    .name = "LZMA", .size = sizeof(struct lzma), .start = start_nothing, .run = run_alone, .stop = stop_lzma};
const struct codec_class codec_lzma_zip = {
    .name = "LZMA", .size = sizeof(struct lzma), .start = start_nothing, .run = run_zip, .stop = stop_lzma};
const struct codec_class codec_lzma_raw = {
    .name = "LZMA", .size = sizeof(struct lzma), .start = start_raw, .run = run_lzma, .stop = stop_lzma};
const struct codec_class codec_lzma2_raw = {
    .name = "LZMA2", .size = sizeof(struct lzma), .start = start_raw2, .run = run_lzma, .stop = stop_lzma};
