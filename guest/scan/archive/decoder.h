/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoders: a source of decoded bytes over a source of compressed ones.
 *
 * Every decoded byte is charged to the scan (scan_charge), again where going back makes a decoder begin anew; every
 * byte of memory a decoder holds is reserved (scan_reserve), dictionaries too. Bytes before a damaged place are given
 * as ever; at the place itself a view fails: -EBADMSG damaged or cut short, -EFBIG over the budget, -ENOMEM where the
 * dictionary is larger than the scan may hold, -ENOTSUP for what the decoder does not know, or the parent's error.
 */
#ifndef LAZARET_GUEST_SCAN_DECODER_H
#define LAZARET_GUEST_SCAN_DECODER_H

#include "guest/scan/scan.h"

enum decoder_kind {
    DECODER_DEFLATE,   /* raw, RFC 1951 */
    DECODER_ZLIB,      /* RFC 1950 */
    DECODER_GZIP,      /* RFC 1952, all members one after the other */
    DECODER_BZIP2,     /* all streams one after the other */
    DECODER_XZ,        /* the .xz file format 1.1.0, all streams */
    DECODER_LZMA,      /* .lzma: 13 bytes of properties, dictionary and size, then LZMA */
    DECODER_LZMA_ZIP,  /* zip's method 14: version, length and properties, then LZMA (APPNOTE 5.8) */
    DECODER_LZMA_RAW,  /* 7z: the 5 bytes of properties come apart */
    DECODER_LZMA2_RAW, /* 7z: the 1 byte of properties comes apart */
    DECODER_LZ4,       /* frames, skippable and legacy ones too, all of them */
    DECODER_ZSTD,      /* RFC 8878, all frames */
    DECODER_KIND_COUNT
};

#define DECODER_PROPERTIES_MAX 16u
#define DECODER_FILTERS_MAX    2u

/* A filter that a raw LZMA stream's output goes through: liblzma's id (lzma/filter.h) and properties. */
struct decoder_filter {
    uint64_t id;
    uint8_t properties[4];
    size_t properties_size;
};

struct decoder_options {
    uint8_t properties[DECODER_PROPERTIES_MAX]; /* of the raw kinds */
    size_t properties_size;
    struct decoder_filter filters[DECODER_FILTERS_MAX]; /* the one that is next to LZMA last */
    uint32_t filter_count;
    uint64_t size; /* bytes that come out at most, where something says so; UINT64_MAX: not known */
};

/* What is known of a decoder's input once its size is (source_size), or of as much as was decoded. */
struct decoder_facts {
    uint64_t consumed; /* bytes of the parent's that belong to the stream */
    uint32_t streams;  /* members, frames */
    uint32_t crc;      /* CRC-32 of all that was decoded */
    bool checksum_wrong;
};

/* The parent must outlive the decoder. `options` may be NULL for the kinds that need none. */
MUST_USE int decoder_open(struct scan *scan, struct source *parent, enum decoder_kind kind,
                          const struct decoder_options *options, struct source **ret_source, struct error *err);

/* Decodes to the end for it, where that has not been done; an error is that of a view at the end, with what is known.
 */
MUST_USE int decoder_learn(struct source *decoder, struct decoder_facts *ret_facts, struct error *err);

#endif
