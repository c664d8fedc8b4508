/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed streams: gzip, bzip2, xz, lzma, lz4, zstd, zlib, and joblib's old wrapper around zlib. */
#include "guest/scan/decoder.h"
#include "guest/scan/formats.h"

#include "guest/scan/reader.h"

#include <errno.h>
#include <string.h>

#define TRIAL_SIZE 512u /* bytes that must decode where the magic alone says little */

enum { RULE_TRAILING, RULE_CHECKSUM, RULE_COUNT };

static const struct scan_rule rules[RULE_COUNT] = {
    [RULE_TRAILING] =
        {"stream-trailing", SCAN_MEDIUM,
         "Bytes after the end of a compressed stream are seen by some loaders and scanners, not by others."},
    [RULE_CHECKSUM] = {"stream-checksum", SCAN_MEDIUM,
                       "A wrong checksum stops a strict reader, while a loader has taken the content by then."},
};

/* --- what is common ------------------------------------------------------------------------------------- */

static bool has(const struct scan_object *object, uint64_t offset, const char *bytes, size_t size)
{
    return source_has(object->source, offset, bytes, size);
}

/* Whether the decoder yields some bytes, or all that there are before its input ends, cut short or not. */
static bool decodes(struct scan *scan, struct source *parent, enum decoder_kind kind)
{
    CLEANUP_SOURCE struct source *decoder = NULL;
    struct decoder_facts facts;
    const uint8_t *bytes;
    uint64_t parent_size;
    size_t size;

    if (decoder_open(scan, parent, kind, NULL, &decoder, NULL) < 0 ||
        source_view(decoder, 0, TRIAL_SIZE, &bytes, &size, NULL) < 0)
        return false;
    if (size >= TRIAL_SIZE || decoder_learn(decoder, &facts, NULL) == 0)
        return true;
    return size > 0 && source_size(parent, &parent_size, NULL) == 0 && facts.consumed == parent_size;
}

/* The first byte from `offset` on that is not zero; the size where there is none. */
static int past_zeros(struct source *source, uint64_t *offset)
{
    struct reader reader = reader_over(source, *offset, NULL);
    uint8_t byte = 0;
    int r;

    while ((r = reader_u8(&reader, &byte)) == 0 && byte == 0)
        ;
    *offset = reader_offset(&reader) - (r == 0 ? 1 : 0);
    return r == -ENODATA ? 0 : r;
}

static int scan_trailing(struct scan *scan, const struct scan_object *object, uint64_t consumed, struct error *err)
{
    CLEANUP_SOURCE struct source *rest = NULL;
    struct scan_object inner = {.name = "trailing", .role = SCAN_ROLE_GUESS, .parent = object};
    uint64_t size, first = consumed;
    int r;

    if (source_size(object->source, &size, NULL) < 0 || past_zeros(object->source, &first) < 0)
        return 0; /* what the source fails with is told where it is read */
    if (first > consumed)
        scan_skipped(scan, object, SCAN_SKIP_PADDING, consumed, first - consumed, "%s", "zeros after a stream");
    if (first >= size)
        return 0;
    r = scan_find(scan, object, &rules[RULE_TRAILING], first, err, "%llu bytes", (unsigned long long)(size - first));
    if (r < 0)
        return r;
    rest = source_of_range(object->source, first, size - first);
    if (rest == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    inner.source = rest;
    return scan_object(scan, &inner, err);
}

/* Nothing says that a string or a tensor is a stream but its first bytes: it has to decode as well. */
static bool is_doubtful(const struct scan_object *object)
{
    return object->role == SCAN_ROLE_GUESS || object->role == SCAN_ROLE_WEIGHTS;
}

/* The decoded object, then what was wrong around it. `offset` is the stream's in the object. */
static int scan_stream(struct scan *scan, const struct scan_object *object, uint64_t offset, enum decoder_kind kind,
                       const char *name, bool *ret_recognised, struct error *err)
{
    CLEANUP_SOURCE struct source *stream = source_of_range(object->source, offset, UINT64_MAX);
    CLEANUP_SOURCE struct source *decoder = NULL;
    struct scan_object inner = {.name = name, .role = object->role, .parent = object};
    struct decoder_facts facts = {0};
    struct error cause = {0};
    int r;

    if (stream == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    *ret_recognised = !is_doubtful(object) || decodes(scan, stream, kind);
    if (!*ret_recognised)
        return 0;
    r = decoder_open(scan, stream, kind, NULL, &decoder, &cause);
    if (r < 0) {
        scan_skipped_for(scan, object, r, offset, &cause);
        return 0;
    }
    inner.source = decoder;
    r = scan_object(scan, &inner, err);
    if (r < 0)
        return r;
    r = decoder_learn(decoder, &facts, &cause);
    if (r < 0 && object->role != SCAN_ROLE_GUESS)
        scan_skipped_for(scan, object, r, offset + facts.consumed, &cause);
    if (r < 0)
        return 0;
    if (facts.checksum_wrong) {
        r = scan_find(scan, object, &rules[RULE_CHECKSUM], offset + facts.consumed, err, "of a %s stream", name);
        if (r < 0)
            return r;
    }
    return scan_trailing(scan, object, offset + facts.consumed, err);
}

/* --- each --------------------------------------------------------------------------------------------- */

static enum scan_match match_gzip(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return has(object, 0, "\x1f\x8b\x08", 3) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_gzip(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    return scan_stream(scan, object, 0, DECODER_GZIP, "gzip", ret_recognised, err);
}

/* "BZh", the level, then the magic of a block or of an empty stream's end. */
static enum scan_match match_bzip2(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return has(object, 0, "BZh", 3) &&
                   (has(object, 4, "\x31\x41\x59\x26\x53\x59", 6) || has(object, 4, "\x17\x72\x45\x38\x50\x90", 6))
               ? SCAN_MATCH_YES
               : SCAN_MATCH_NO;
}

static int scan_bzip2(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    return scan_stream(scan, object, 0, DECODER_BZIP2, "bzip2", ret_recognised, err);
}

static enum scan_match match_xz(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return has(object, 0, "\xfd\x37zXZ\0", 6) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_xz(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    return scan_stream(scan, object, 0, DECODER_XZ, "xz", ret_recognised, err);
}

/* No magic: properties in range, and a range coder's first byte, which is always 0. */
static enum scan_match match_lzma(struct scan *scan, const struct scan_object *object)
{
    uint8_t header[14];

    if (source_copy(object->source, 0, header, sizeof header, NULL) < 0 || header[0] >= 9 * 5 * 5 || header[13] != 0)
        return SCAN_MATCH_NO;
    /* A dictionary of a whole number of KiB, and a size that is not known or below a TiB. */
    if (((header[1] | header[2] << 8) & 0x3ff) != 0 && memcmp(header + 1, "\xff\xff\xff\xff", 4) != 0)
        return SCAN_MATCH_NO;
    if (memcmp(header + 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) != 0 &&
        (header[10] != 0 || header[11] != 0 || header[12] != 0))
        return SCAN_MATCH_NO;
    if (header[1] == 0 && header[2] == 0 && header[3] == 0 && header[4] == 0)
        return SCAN_MATCH_NO;
    return decodes(scan, object->source, DECODER_LZMA) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_lzma(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    return scan_stream(scan, object, 0, DECODER_LZMA, "lzma", ret_recognised, err);
}

static enum scan_match match_lz4(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return has(object, 0, "\x04\x22\x4d\x18", 4) || has(object, 0, "\x02\x21\x4c\x18", 4) ? SCAN_MATCH_YES
                                                                                          : SCAN_MATCH_NO;
}

static int scan_lz4(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    return scan_stream(scan, object, 0, DECODER_LZ4, "lz4", ret_recognised, err);
}

/* Zstandard, and a skippable frame, which lz4 has as well: whatever follows it decides. */
static enum scan_match match_zstd(struct scan *scan, const struct scan_object *object)
{
    uint8_t magic[4];

    (void)scan;
    if (source_copy(object->source, 0, magic, sizeof magic, NULL) < 0)
        return SCAN_MATCH_NO;
    if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
        return SCAN_MATCH_YES;
    return (magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, "\x2a\x4d\x18", 3) == 0 ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_zstd(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    return scan_stream(scan, object, 0, DECODER_ZSTD, "zstd", ret_recognised, err);
}

/* RFC 1950, 2.2: method 8, a window of at most 32 KiB, a sum divisible by 31, no dictionary; and it does inflate. */
static bool is_zlib(struct scan *scan, struct source *source)
{
    uint8_t header[2];

    return source_copy(source, 0, header, sizeof header, NULL) == 0 && (header[0] & 15) == 8 && header[0] < 0x80 &&
           (header[0] << 8 | header[1]) % 31 == 0 && (header[1] & 0x20) == 0 && decodes(scan, source, DECODER_ZLIB);
}

static enum scan_match match_zlib(struct scan *scan, const struct scan_object *object)
{
    return is_zlib(scan, object->source) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_zlib(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    return scan_stream(scan, object, 0, DECODER_ZLIB, "zlib", ret_recognised, err);
}

/* joblib before 0.10: "ZF", the size in 19 bytes of "0x...", perhaps a blank, then zlib. */
static enum scan_match match_zfile(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return has(object, 0, "ZF0x", 4) ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_zfile(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    for (uint64_t offset = 21; offset <= 22; offset++) {
        CLEANUP_SOURCE struct source *stream = source_of_range(object->source, offset, UINT64_MAX);

        if (stream == NULL)
            return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
        if (!is_zlib(scan, stream))
            continue;
        return scan_stream(scan, object, offset, DECODER_ZLIB, "zfile", ret_recognised, err);
    }
    return 0;
}

const struct scan_format scan_format_gzip = {
    .name = "gzip", .rules = rules, .rule_count = RULE_COUNT, .match = match_gzip, .scan = scan_gzip};
const struct scan_format scan_format_bzip2 = {.name = "bzip2", .match = match_bzip2, .scan = scan_bzip2};
const struct scan_format scan_format_xz = {.name = "xz", .match = match_xz, .scan = scan_xz};
const struct scan_format scan_format_lzma = {.name = "lzma", .match = match_lzma, .scan = scan_lzma};
const struct scan_format scan_format_lz4 = {.name = "lz4", .match = match_lz4, .scan = scan_lz4};
const struct scan_format scan_format_zstd = {.name = "zstd", .match = match_zstd, .scan = scan_zstd};
const struct scan_format scan_format_zlib = {.name = "zlib", .match = match_zlib, .scan = scan_zlib};
const struct scan_format scan_format_zfile = {.name = "joblib-zlib", .match = match_zfile, .scan = scan_zfile};
