/* SPDX-License-Identifier: Apache-2.0 */
/* What a decoder asks of a compression method: one stream of it, a piece at a time. Internal to the decoders. */
#ifndef LAZARET_GUEST_SCAN_CODEC_H
#define LAZARET_GUEST_SCAN_CODEC_H

#include "guest/scan/archive/decoder.h"

#include <stddef.h>

/* One step: what is there, and what became of it. */
struct codec_step {
    const uint8_t *in; /* SCAN_VIEW_MAX bytes or more, unless the input ends before */
    size_t in_size;
    uint8_t *out;
    size_t out_size;
    size_t used, made; /* written by the codec */
    bool ended;        /* the stream is over, `used` bytes on */
    bool checksum_wrong;
};

struct codec {
    struct scan *scan;
    const struct decoder_options *options; /* never NULL */
};

/* Implementations embed struct codec as their first member. */
struct codec_class {
    const char *name;
    size_t size; /* of the implementation */
    /* Before each stream, on zeroed memory but for struct codec. Errors as a view's. */
    int (*start)(struct codec *codec, struct error *err);
    /* Uses input or makes output or ends; a step that does none of them with input left over is taken as damage. */
    int (*run)(struct codec *codec, struct codec_step *step, struct error *err);
    /* After each stream, also one that failed, or whose start did. */
    void (*stop)(struct codec *codec);
    /* Whether another stream begins here; NULL: there is only ever one. */
    bool (*begins)(const uint8_t *in, size_t size);
    bool padded; /* zeros between streams are passed over */
};

extern const struct codec_class codec_deflate, codec_zlib, codec_gzip, codec_bzip2, codec_xz, codec_lzma,
    codec_lzma_zip, codec_lzma_raw, codec_lzma2_raw, codec_lz4, codec_zstd;

/* Memory for libraries, reserved with the scan. NULL where it does not fit. */
void *codec_allocate(struct scan *scan, size_t count, size_t size);
void codec_release(struct scan *scan, void *memory);

#endif
