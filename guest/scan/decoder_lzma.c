/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LZMA and LZMA2: .xz, .lzma, and the bare streams of zip and 7z.
 *
 * Theory of operation. A dictionary may be declared far larger than what it will be used for: xz -9 asks for 64 MiB
 * whatever the file. So we keep as much of it as the scan's memory has room for, and a match that reaches further back
 * is an error for want of memory. For that .xz is taken apart here, block by block, as liblzma's own reader of it
 * allocates what is declared.
 */
#include "guest/scan/codec.h"

#include <errno.h>
#include <lzma.h>
#include <string.h>

#define LZMA_PROPERTIES 5u          /* lc, lp, pb and the dictionary's size */
#define ZIP_HEADER      4u          /* version, and the properties' length */
#define DICTIONARY_MAX  (32u << 20) /* bytes that are kept at most ... */
#define DICTIONARY_MIN  (1u << 20)  /* ... and at least, where memory is short */
#define XZ_HEADER       LZMA_STREAM_HEADER_SIZE
#define XZ_TAIL         (4u + LZMA_STREAM_HEADER_SIZE) /* the index's checksum, and the footer */
#define FILTERS_MAX     (LZMA_FILTERS_MAX + 1)

/* Where in an .xz stream the next byte stands (file format 1.1.0, 2). */
enum stage { STAGE_HEADER, STAGE_BLOCK_HEADER, STAGE_BLOCK, STAGE_INDEX, STAGE_TAIL };

struct lzma {
    struct codec codec;
    lzma_allocator allocator;
    lzma_stream stream;
    bool open;   /* the stream has been set up */
    bool capped; /* with a smaller dictionary than declared */
    /* .xz only. */
    enum stage stage;
    lzma_check check;
    lzma_block block;
    lzma_filter filters[FILTERS_MAX];
    uint64_t index_size;   /* bytes so far */
    uint64_t index_fields; /* numbers yet to come */
    uint64_t number;       /* the one at hand, and its bits so far */
    unsigned bits;
    uint32_t tail; /* bytes to skip */
};

static void *allocate(void *argument, size_t count, size_t size)
{
    return codec_allocate(argument, count, size);
}

static void release(void *argument, void *memory)
{
    codec_release(argument, memory);
}

static int explain(const struct lzma *lzma, lzma_ret code, struct error *err)
{
    if (code == LZMA_DATA_ERROR && lzma->capped)
        code = LZMA_MEM_ERROR; /* most likely */
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
    return explain((struct lzma *)codec, code, err);
}

/* --- filters -------------------------------------------------------------------------------------------- */

static void free_filters(struct lzma *lzma, lzma_filter *filters, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        codec_release(lzma->codec.scan, filters[i].options);
        filters[i].options = NULL;
    }
}

/* Sets a decoder up by `set_up`, with as large a dictionary as fits; `options` are those of the last filter. */
static lzma_ret fit(struct lzma *lzma, lzma_options_lzma *options, lzma_ret (*set_up)(struct lzma *lzma))
{
    lzma_ret code;

    lzma->capped = options->dict_size > DICTIONARY_MAX;
    if (lzma->capped)
        options->dict_size = DICTIONARY_MAX;
    while ((code = set_up(lzma)) == LZMA_MEM_ERROR && options->dict_size / 2 >= DICTIONARY_MIN) {
        options->dict_size /= 2;
        lzma->capped = true;
    }
    return code;
}

static lzma_options_lzma *last_options(lzma_filter *filters)
{
    size_t last = 0;

    while (last + 1 < FILTERS_MAX && filters[last + 1].id != LZMA_VLI_UNKNOWN)
        last++;
    return filters[last].id == LZMA_FILTER_LZMA2 || filters[last].id == LZMA_FILTER_LZMA1EXT ? filters[last].options
                                                                                             : NULL;
}

/* --- .xz ------------------------------------------------------------------------------------------------ */

static int start_xz(struct codec *codec, struct error *err)
{
    (void)err;
    prepare((struct lzma *)codec);
    return 0;
}

static bool begins_xz(const uint8_t *in, size_t size)
{
    return size >= 6 && memcmp(in, "\xfd\x37zXZ", 6) == 0;
}

/* What is there of a step's input. */
static size_t in_left(const struct codec_step *step)
{
    return step->in_size - step->used;
}

static int run_header(struct lzma *lzma, struct codec_step *step, struct error *err)
{
    lzma_stream_flags flags;
    lzma_ret code;

    if (in_left(step) < XZ_HEADER)
        return 0;
    code = lzma_stream_header_decode(&flags, step->in + step->used);
    if (code != LZMA_OK)
        return explain(lzma, code, err);
    lzma->check = flags.check;
    lzma->stage = STAGE_BLOCK_HEADER;
    step->used += XZ_HEADER;
    return 0;
}

static lzma_ret set_up_block(struct lzma *lzma)
{
    return lzma_block_decoder(&lzma->stream, &lzma->block);
}

/* 3.1: a block's header says how long it is by its first byte; 0 there begins the index. */
static int run_block_header(struct lzma *lzma, struct codec_step *step, struct error *err)
{
    const uint8_t *in = step->in + step->used;
    lzma_options_lzma *options;
    lzma_ret code;

    if (in_left(step) == 0)
        return 0;
    if (in[0] == 0) {
        lzma->stage = STAGE_INDEX;
        lzma->index_fields = 1; /* of records, then the numbers in them */
        lzma->index_size = 1;
        step->used++;
        return 0;
    }
    if (in_left(step) < lzma_block_header_size_decode(in[0]))
        return 0;
    lzma->block = (lzma_block){.version = 1,
                               .check = lzma->check,
                               .header_size = lzma_block_header_size_decode(in[0]),
                               .filters = lzma->filters};
    code = lzma_block_header_decode(&lzma->block, &lzma->allocator, in);
    if (code != LZMA_OK)
        return explain(lzma, code, err);
    options = last_options(lzma->filters);
    code = options != NULL ? fit(lzma, options, set_up_block) : LZMA_OPTIONS_ERROR;
    free_filters(lzma, lzma->filters, FILTERS_MAX);
    if (code != LZMA_OK)
        return explain(lzma, code, err);
    lzma->stage = STAGE_BLOCK;
    step->used += lzma->block.header_size;
    return 0;
}

static int run_block(struct lzma *lzma, struct codec_step *step, struct error *err)
{
    struct codec_step inner = {.in = step->in + step->used,
                               .in_size = in_left(step),
                               .out = step->out + step->made,
                               .out_size = step->out_size - step->made};
    int r = run_lzma(&lzma->codec, &inner, err);

    step->used += inner.used;
    step->made += inner.made;
    if (inner.ended)
        lzma->stage = STAGE_BLOCK_HEADER;
    return r;
}

/* 4: numbers in 7 bits a byte, the number of records first, each of which has two; then zeros up to 4 bytes. */
static void run_index(struct lzma *lzma, struct codec_step *step)
{
    while (lzma->index_fields > 0 && in_left(step) > 0) {
        uint8_t byte = step->in[step->used++];

        lzma->index_size++;
        lzma->number |= lzma->bits < 57 ? (uint64_t)(byte & 0x7f) << lzma->bits : 0;
        lzma->bits += 7;
        if ((byte & 0x80) != 0 && lzma->bits < 63)
            continue;
        lzma->index_fields--;
        if (lzma->tail == 0) { /* it was the number of records */
            lzma->index_fields = 2 * (lzma->number & (UINT64_MAX >> 2));
            lzma->tail = XZ_TAIL;
        }
        lzma->number = 0;
        lzma->bits = 0;
    }
    if (lzma->index_fields == 0) {
        lzma->tail += (uint32_t)(-lzma->index_size & 3);
        lzma->stage = STAGE_TAIL;
    }
}

static void run_tail(struct lzma *lzma, struct codec_step *step)
{
    size_t part = in_left(step) < lzma->tail ? in_left(step) : lzma->tail;

    lzma->tail -= (uint32_t)part;
    step->used += part;
    step->ended = lzma->tail == 0;
}

static int run_stage(struct lzma *lzma, struct codec_step *step, struct error *err)
{
    switch (lzma->stage) {
    case STAGE_HEADER:
        return run_header(lzma, step, err);
    case STAGE_BLOCK_HEADER:
        return run_block_header(lzma, step, err);
    case STAGE_BLOCK:
        return run_block(lzma, step, err);
    case STAGE_INDEX:
        run_index(lzma, step);
        return 0;
    case STAGE_TAIL:
        run_tail(lzma, step);
        return 0;
    }
    return 0;
}

static int run_xz(struct codec *codec, struct codec_step *step, struct error *err)
{
    struct lzma *lzma = (struct lzma *)codec;

    for (;;) {
        size_t used = step->used, made = step->made;
        enum stage stage = lzma->stage;
        int r = run_stage(lzma, step, err);

        if (r < 0 || step->ended || step->made == step->out_size)
            return r;
        if (step->used == used && step->made == made && lzma->stage == stage)
            return 0;
    }
}

/* --- LZMA without a container --------------------------------------------------------------------------- */

static lzma_ret set_up_filters(struct lzma *lzma)
{
    return lzma_raw_decoder(&lzma->stream, lzma->filters);
}

/* The filters before LZMA, as liblzma wants them: first the last to be applied. */
static lzma_ret decode_filters(struct lzma *lzma)
{
    const struct decoder_options *options = lzma->codec.options;
    lzma_ret code = LZMA_OK;

    for (uint32_t i = 0; code == LZMA_OK && i < options->filter_count; i++) {
        const struct decoder_filter *filter = &options->filters[i];

        lzma->filters[i].id = filter->id;
        code = lzma_properties_decode(&lzma->filters[i], &lzma->allocator, filter->properties, filter->properties_size);
    }
    return code;
}

/* `size`: of what comes out, UINT64_MAX where only a marker ends it; a marker may do so before as well. */
static int set_up_raw(struct lzma *lzma, lzma_vli id, const uint8_t *properties, size_t properties_size, uint64_t size,
                      struct error *err)
{
    lzma_filter *last = &lzma->filters[lzma->codec.options->filter_count];
    lzma_options_lzma *options;
    lzma_ret code;

    prepare(lzma);
    code = decode_filters(lzma);
    last->id = id;
    last[1].id = LZMA_VLI_UNKNOWN;
    if (code == LZMA_OK)
        code = lzma_properties_decode(last, &lzma->allocator, properties, properties_size);
    if (code == LZMA_OK) {
        options = last->options;
        options->ext_flags = LZMA_LZMA1EXT_ALLOW_EOPM;
        options->ext_size_low = (uint32_t)size;
        options->ext_size_high = (uint32_t)(size >> 32);
        code = fit(lzma, options, set_up_filters);
    }
    free_filters(lzma, lzma->filters, FILTERS_MAX);
    return code == LZMA_OK ? 0 : explain(lzma, code, err);
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
                                     .run = run_xz,
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
