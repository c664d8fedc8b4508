/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders as sources.
 *
 * Theory of operation. Decoded bytes pass through a window that moves forward only: a pass. The first bytes of the
 * output are kept beside it, as every format looks at them; the size comes from a pass of its own, whose last window
 * stays, as archives are known by their end. What lies between is had by decoding again from the start. An error of
 * the input is remembered with its place, and comes back whenever somebody gets there.
 */
#include "guest/scan/codec.h"

#include "guest/scan/limits.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#define HEAD_SIZE   65536u  /* bytes kept from the start */
#define WINDOW_SIZE 262144u /* bytes of the window */
#define WINDOW_KEEP 131072u /* bytes that stay behind when it moves on */

_Static_assert(WINDOW_SIZE - WINDOW_KEEP >= SCAN_VIEW_MAX, "a view must fit what the window makes room for");
_Static_assert(WINDOW_KEEP >= SCAN_VIEW_MAX, "what a view asks for must stay");

/* The output from its start on, once. */
struct pass {
    struct codec *codec;
    uint8_t *window;
    uint64_t input; /* offset in the parent of what comes next */
    uint64_t base;  /* offset in the output of the window's first byte */
    size_t filled;  /* bytes in the window */
    bool running;   /* within a stream */
    bool stale;     /* its codec was given up for another pass: it begins anew when it goes on */
    bool ended;     /* no more output: `failure` says whether that is how it should be */
    int failure;
    struct error cause;
    struct decoder_facts facts;
};

struct decoder {
    struct source source, *parent;
    struct scan *scan;
    const struct codec_class *class;
    struct decoder_options options;
    struct pass main;  /* answers views in order */
    struct pass *tail; /* has been to the end; NULL: the size was not asked for */
    uint8_t *head;     /* the output's first bytes ... */
    size_t head_size;  /* ... as many as there are so far */
};

static const struct codec_class *const classes[DECODER_KIND_COUNT] = {
    [DECODER_DEFLATE] = &codec_deflate,
    [DECODER_ZLIB] = &codec_zlib,
    [DECODER_GZIP] = &codec_gzip,
    [DECODER_BZIP2] = &codec_bzip2,
    [DECODER_XZ] = &codec_xz,
    [DECODER_LZMA] = &codec_lzma,
    [DECODER_LZMA_ZIP] = &codec_lzma_zip,
    [DECODER_LZMA_RAW] = &codec_lzma_raw,
    [DECODER_LZMA2_RAW] = &codec_lzma2_raw,
    [DECODER_LZ4] = &codec_lz4,
    [DECODER_ZSTD] = &codec_zstd,
};

/* --- memory --------------------------------------------------------------------------------------------- */

/* Keeps the block's size for its release, and the alignment that malloc gives. */
#define BLOCK_HEADER 16u

void *codec_allocate(struct scan *scan, size_t count, size_t size)
{
    size_t bytes;
    uint8_t *block;

    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(bytes, BLOCK_HEADER, &bytes) ||
        scan_reserve(scan, bytes, NULL) < 0)
        return NULL;
    block = malloc(bytes);
    if (block == NULL) {
        scan_release(scan, bytes);
        return NULL;
    }
    memcpy(block, &bytes, sizeof bytes);
    return block + BLOCK_HEADER;
}

void codec_release(struct scan *scan, void *memory)
{
    size_t bytes;
    uint8_t *block;

    if (memory == NULL)
        return;
    block = (uint8_t *)memory - BLOCK_HEADER;
    memcpy(&bytes, block, sizeof bytes);
    free(block);
    scan_release(scan, bytes);
}

/* --- passes --------------------------------------------------------------------------------------------- */

static uint64_t made_of(const struct pass *pass)
{
    return pass->base + pass->filled;
}

static void stop(const struct decoder *decoder, struct pass *pass)
{
    if (pass->running)
        decoder->class->stop(pass->codec);
    pass->running = false;
}

static void end(const struct decoder *decoder, struct pass *pass, int failure)
{
    stop(decoder, pass);
    pass->ended = true;
    pass->failure = failure;
    pass->facts.consumed = pass->input;
}

static int start(const struct decoder *decoder, struct pass *pass)
{
    struct codec *codec = pass->codec;

    memset(codec, 0, decoder->class->size);
    codec->scan = decoder->scan;
    codec->options = &decoder->options;
    pass->running = true;
    pass->facts.streams++;
    return decoder->class->start(codec, &pass->cause);
}

static void rewind_pass(const struct decoder *decoder, struct pass *pass)
{
    stop(decoder, pass);
    *pass = (struct pass){.codec = pass->codec, .window = pass->window, .facts = {.crc = (uint32_t)crc32(0, NULL, 0)}};
}

/* Between two streams: whether there is another, past the padding. */
static int follow(const struct decoder *decoder, struct pass *pass, const uint8_t *in, size_t size)
{
    size_t zeros = 0;

    while (decoder->class->padded && zeros < size && in[zeros] == 0)
        zeros++;
    if (zeros > 0 && zeros == size) { /* padding to the end, or to the next view */
        pass->input += zeros;
        return 0;
    }
    if (size > 0 && decoder->class->begins != NULL && decoder->class->begins(in + zeros, size - zeros)) {
        pass->input += zeros;
        return start(decoder, pass);
    }
    end(decoder, pass, 0);
    return 0;
}

/* Room for output: the window moves on, but never past `needed`, an offset of the output. */
static void make_room(struct pass *pass, uint64_t needed)
{
    uint64_t keep = made_of(pass) > WINDOW_KEEP ? made_of(pass) - WINDOW_KEEP : 0;
    size_t gone;

    if (pass->filled < WINDOW_SIZE)
        return;
    if (needed < keep)
        keep = needed;
    gone = keep > pass->base ? (size_t)(keep - pass->base) : 0;
    memmove(pass->window, pass->window + gone, pass->filled - gone);
    pass->base += gone;
    pass->filled -= gone;
}

static void keep_head(struct decoder *decoder, uint64_t at, const struct codec_step *step)
{
    size_t part = HEAD_SIZE - decoder->head_size;

    if (at != decoder->head_size || part == 0)
        return;
    if (part > step->made)
        part = step->made;
    memcpy(decoder->head + decoder->head_size, step->out, part);
    decoder->head_size += part;
}

/* Takes up what a step has made; its first byte is paid. */
static int publish(struct decoder *decoder, struct pass *pass, const struct codec_step *step)
{
    int r = step->made > 1 ? scan_charge(decoder->scan, step->made - 1, &pass->cause) : 0;

    if (r < 0)
        return r;
    keep_head(decoder, made_of(pass), step);
    pass->facts.crc = (uint32_t)crc32(pass->facts.crc, step->out, (uInt)step->made);
    pass->facts.checksum_wrong |= step->checksum_wrong;
    pass->filled += step->made;
    pass->input += step->used;
    return 0;
}

static int run(struct decoder *decoder, struct pass *pass, struct codec_step *step)
{
    int r = scan_charge(decoder->scan, 1, &pass->cause), published;

    if (r < 0)
        return r; /* nothing is decoded for a budget that is used up */
    r = decoder->class->run(pass->codec, step, &pass->cause);
    published = publish(decoder, pass, step);
    if (published < 0 || r < 0)
        return published < 0 ? published : r;
    if (step->ended)
        stop(decoder, pass);
    else if (step->used == 0 && step->made == 0)
        return error_set(&pass->cause, ERROR_BAD_INPUT, -EBADMSG, "the %s stream is %s at offset %llu",
                         decoder->class->name, step->in_size == 0 ? "cut short" : "damaged",
                         (unsigned long long)pass->input);
    return 0;
}

static int step(struct decoder *decoder, struct pass *pass)
{
    struct codec_step step = {.out = pass->window + pass->filled, .out_size = WINDOW_SIZE - pass->filled};
    int r = source_view(decoder->parent, pass->input, SCAN_VIEW_MAX, &step.in, &step.in_size, &pass->cause);

    if (r == 0 && !pass->running)
        r = pass->facts.streams > 0 ? follow(decoder, pass, step.in, step.in_size) : start(decoder, pass);
    else if (r == 0)
        r = run(decoder, pass, &step);
    return r;
}

/* Decodes up to `target` where there is as much; `needed`: what must stay. Ends as soon as there is no more. */
static void advance(struct decoder *decoder, struct pass *pass, uint64_t needed, uint64_t target)
{
    while (!pass->ended && (made_of(pass) < target || (!pass->running && pass->facts.streams > 0))) {
        int r;

        make_room(pass, needed);
        r = step(decoder, pass);
        if (r < 0)
            end(decoder, pass, r);
    }
}

/* --- the source ----------------------------------------------------------------------------------------- */

static int fail(const struct pass *pass, struct error *err)
{
    if (err != NULL)
        *err = pass->cause;
    return pass->failure;
}

/* A pass that lies in memory at hand, or NULL. */
static const struct pass *pass_with(const struct decoder *decoder, uint64_t offset, size_t want)
{
    const struct pass *passes[] = {&decoder->main, decoder->tail};

    for (unsigned i = 0; i < 2; i++) {
        const struct pass *pass = passes[i];

        if (pass != NULL && offset >= pass->base &&
            (made_of(pass) >= offset + want || (pass->ended && offset <= made_of(pass))))
            return pass;
    }
    return NULL;
}

static int decoder_view(struct source *source, uint64_t offset, size_t want, const uint8_t **ret_bytes,
                        size_t *ret_size, struct error *err)
{
    struct decoder *decoder = (struct decoder *)source;
    const struct pass *pass;

    if (want == 0)
        want = 1;
    if (offset > UINT64_MAX - SCAN_VIEW_MAX)
        offset = UINT64_MAX - SCAN_VIEW_MAX; /* beyond any end */
    pass = pass_with(decoder, offset, want);
    if (pass == NULL && offset + want <= decoder->head_size) {
        *ret_bytes = decoder->head + offset;
        *ret_size = decoder->head_size - (size_t)offset;
        return 0;
    }
    if (pass == NULL && decoder->tail != NULL && decoder->tail->failure == 0 && offset > made_of(decoder->tail))
        pass = decoder->tail;
    if (pass == NULL) {
        if (offset < decoder->main.base || decoder->main.stale)
            rewind_pass(decoder, &decoder->main);
        advance(decoder, &decoder->main, offset, offset + want);
        pass = &decoder->main;
    }
    if (offset >= made_of(pass) && pass->failure < 0)
        return fail(pass, err);
    *ret_size = offset < made_of(pass) ? (size_t)(made_of(pass) - offset) : 0;
    *ret_bytes = *ret_size > 0 ? pass->window + (offset - pass->base) : pass->window;
    return 0;
}

static void free_pass(const struct decoder *decoder, struct pass *pass)
{
    stop(decoder, pass);
    codec_release(decoder->scan, pass->window);
    codec_release(decoder->scan, pass->codec);
}

static int open_pass(const struct decoder *decoder, struct pass *pass, struct error *err)
{
    *pass = (struct pass){
        .codec = codec_allocate(decoder->scan, 1, decoder->class->size),
        .window = codec_allocate(decoder->scan, 1, WINDOW_SIZE),
    };
    rewind_pass(decoder, pass);
    if (pass->codec == NULL || pass->window == NULL)
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "no memory is left for another decoder");
    return 0;
}

/* A pass that goes to the end: the main one where it is there, else another, so that no view at hand moves. */
static int find_end(struct decoder *decoder, const struct pass **ret_pass, struct error *err)
{
    if (decoder->main.ended) {
        *ret_pass = &decoder->main;
        return 0;
    }
    if (decoder->tail == NULL) {
        int r;

        decoder->main.stale = decoder->main.stale || decoder->main.facts.streams > 0;
        stop(decoder, &decoder->main); /* one dictionary at a time */
        decoder->tail = codec_allocate(decoder->scan, 1, sizeof *decoder->tail);
        if (decoder->tail == NULL)
            return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "no memory is left for another decoder");
        r = open_pass(decoder, decoder->tail, err);
        if (r < 0)
            end(decoder, decoder->tail, r);
        advance(decoder, decoder->tail, UINT64_MAX, UINT64_MAX);
        codec_release(decoder->scan, decoder->tail->codec);
        decoder->tail->codec = NULL;
    }
    *ret_pass = decoder->tail;
    return 0;
}

static int decoder_size(struct source *source, uint64_t *ret_size, struct error *err)
{
    const struct pass *pass;
    int r = find_end((struct decoder *)source, &pass, err);

    if (r < 0)
        return r;
    if (pass->failure < 0)
        return fail(pass, err);
    *ret_size = made_of(pass);
    return 0;
}

int decoder_learn(struct source *source, struct decoder_facts *ret_facts, struct error *err)
{
    const struct pass *pass;
    int r = find_end((struct decoder *)source, &pass, err);

    if (r < 0)
        return r;
    *ret_facts = pass->facts;
    return pass->failure < 0 ? fail(pass, err) : 0;
}

static void decoder_free(struct source *source)
{
    struct decoder *decoder = (struct decoder *)source;

    if (decoder->tail != NULL)
        free_pass(decoder, decoder->tail);
    codec_release(decoder->scan, decoder->tail);
    free_pass(decoder, &decoder->main);
    codec_release(decoder->scan, decoder->head);
    codec_release(decoder->scan, decoder);
}

int decoder_open(struct scan *scan, struct source *parent, enum decoder_kind kind,
                 const struct decoder_options *options, struct source **ret_source, struct error *err)
{
    static const struct source_class class = {.view = decoder_view, .size = decoder_size, .free = decoder_free};
    struct decoder *decoder = codec_allocate(scan, 1, sizeof *decoder);
    int r;

    if (decoder == NULL)
        return error_set(err, ERROR_BAD_INPUT, -ENOMEM, "no memory is left for another decoder");
    *decoder = (struct decoder){
        .source = {.class = &class},
        .parent = parent,
        .scan = scan,
        .class = classes[kind],
        .options = options != NULL ? *options : (struct decoder_options){.size = UINT64_MAX},
        .head = codec_allocate(scan, 1, HEAD_SIZE),
    };
    r = open_pass(decoder, &decoder->main, err);
    if (decoder->head == NULL || r < 0) {
        decoder_free(&decoder->source);
        return r < 0 ? r : error_set(err, ERROR_BAD_INPUT, -ENOMEM, "no memory is left for another decoder");
    }
    *ret_source = &decoder->source;
    return 0;
}
