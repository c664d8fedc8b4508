/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures, sounds, films, fonts and tables of numbers: recognised, and found to end where their file does.
 *
 * What lies behind their end is another file, and looked at as one. Where a format has no end of its own (MP3, FLAC),
 * its file is taken whole. Two of them carry more than data: PDF, and Arrow's tables with types of Python's
 * (CVE-2023-47248).
 */
#include "guest/scan/formats.h"

#include "guest/scan/reader.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define CHUNKS_MAX 1000000u

enum { TRAILING, PDF_ACTION, PICKLED_TYPE, RULE_COUNT };

static const struct scan_rule media_rules[RULE_COUNT] = {
    [TRAILING] = {"media-trailing", SCAN_MEDIUM, "Bytes behind the end of a picture or table may be another file."},
    [PDF_ACTION] = {"media-pdf-action", SCAN_MEDIUM, "Who opens the document runs its scripts or starts programs."},
    [PICKLED_TYPE] = {"media-pickled-type", SCAN_HIGH, "Reading the table unpickles a type that it brings."},
};

/* Where the content ends: 0 and the end, or a negative errno where it does not. */
typedef int (*end_of)(struct reader *reader, uint64_t size, uint64_t *ret_end);

static int be32(struct reader *reader, uint32_t *ret_value)
{
    int r = reader_u32le(reader, ret_value);

    if (r == 0)
        *ret_value = __builtin_bswap32(*ret_value);
    return r;
}

/* PNG: chunks of length, type, data and checksum, up to IEND (the specification's section 5). */
static int end_of_png(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    int r = reader_skip(reader, 8);

    (void)size;
    for (unsigned i = 0; r == 0 && i < CHUNKS_MAX; i++) {
        uint32_t length = 0, type = 0;

        r = be32(reader, &length);
        if (r == 0)
            r = be32(reader, &type);
        if (r == 0)
            r = reader_skip(reader, (uint64_t)length + 4);
        if (r == 0 && type == 0x49454e44) {
            *ret_end = reader_offset(reader);
            return 0;
        }
    }
    return r < 0 ? r : -EBADMSG;
}

/* JPEG: segments, and after a scan's header everything up to the next marker that is none of the scan's. */
static int end_of_jpeg(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    uint8_t byte = 0, marker = 0;
    int r = reader_skip(reader, 2);

    (void)size;
    while (r == 0) {
        r = reader_u8(reader, &byte);
        if (r < 0 || byte != 0xff)
            continue;
        do
            r = reader_u8(reader, &marker);
        while (r == 0 && marker == 0xff);
        if (r < 0)
            break;
        if (marker == 0xd9) {
            *ret_end = reader_offset(reader);
            return 0;
        }
        if (marker != 0 && marker != 1 && !(marker >= 0xd0 && marker <= 0xd8)) {
            uint8_t high = 0, low = 0;

            r = reader_u8(reader, &high);
            if (r == 0)
                r = reader_u8(reader, &low);
            if (r == 0)
                r = (high << 8 | low) < 2 ? -EBADMSG : reader_skip(reader, (uint64_t)(high << 8 | low) - 2);
        }
    }
    return r;
}

/* GIF: blocks of blocks up to the trailer (GIF89a, section 12 on). */
static int end_of_gif(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    uint8_t flags = 0, kind = 0, length = 0;
    int r = reader_skip(reader, 10);

    (void)size;
    if (r == 0)
        r = reader_u8(reader, &flags);
    if (r == 0)
        r = reader_skip(reader, 2 + (flags & 0x80 ? 3u << ((flags & 7) + 1) : 0));
    while (r == 0 && (r = reader_u8(reader, &kind)) == 0) {
        if (kind == 0x3b) {
            *ret_end = reader_offset(reader);
            return 0;
        }
        if (kind == 0x2c) {
            r = reader_skip(reader, 8);
            if (r == 0)
                r = reader_u8(reader, &flags);
            if (r == 0)
                r = reader_skip(reader, 1 + (flags & 0x80 ? 3u << ((flags & 7) + 1) : 0));
        } else if (kind == 0x21) {
            r = reader_skip(reader, 1);
        } else {
            return -EBADMSG;
        }
        do {
            if (r == 0)
                r = reader_u8(reader, &length);
            if (r == 0)
                r = reader_skip(reader, length);
        } while (r == 0 && length > 0);
    }
    return r;
}

/* RIFF: WAV, WebP, AVI. */
static int end_of_riff(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    uint32_t length = 0;
    int r = reader_skip(reader, 4);

    (void)size;
    if (r == 0)
        r = reader_u32le(reader, &length);
    *ret_end = 8 + (uint64_t)length + (length & 1);
    return r;
}

static int end_of_bmp(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    uint32_t length = 0;
    int r = reader_skip(reader, 2);

    if (r == 0)
        r = reader_u32le(reader, &length);
    *ret_end = length;
    return r < 0 ? r : length < 26 || length > size ? -EBADMSG : 0;
}

/* MP4 and its kin: boxes one after the other (ISO/IEC 14496-12, 4.2). */
static int end_of_boxes(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    int r = 0;

    for (unsigned i = 0; i < CHUNKS_MAX && reader_offset(reader) < size; i++) {
        uint64_t at = reader_offset(reader), length;
        uint32_t narrow = 0, type = 0, high = 0, low = 0;

        r = be32(reader, &narrow);
        if (r == 0)
            r = be32(reader, &type);
        length = narrow;
        if (r == 0 && narrow == 1) {
            r = be32(reader, &high);
            if (r == 0)
                r = be32(reader, &low);
            length = (uint64_t)high << 32 | low;
        }
        if (r < 0 || (type & 0x60606060) == 0 || (length != 0 && length < 8) || length > size - at) {
            *ret_end = at; /* what follows is no box */
            return 0;
        }
        reader_seek(reader, length == 0 ? size : at + length);
    }
    *ret_end = reader_offset(reader);
    return 0;
}

/* Ogg: pages one after the other (RFC 3533, section 6). */
static int end_of_ogg(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    (void)size;
    for (;;) {
        uint64_t at = reader_offset(reader), body = 0;
        uint32_t magic = 0;
        uint8_t count = 0, lacing = 0;
        int r = be32(reader, &magic);

        *ret_end = at;
        if (r < 0 || magic != 0x4f676753)
            return r == -ENODATA || r == 0 ? 0 : r;
        r = reader_skip(reader, 22);
        if (r == 0)
            r = reader_u8(reader, &count);
        for (unsigned i = 0; r == 0 && i < count; i++, body += lacing)
            r = reader_u8(reader, &lacing);
        if (r == 0)
            r = reader_skip(reader, body);
        if (r < 0)
            return r;
    }
}

/* WOFF fonts have their size; others none. */
static int end_of_woff(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    uint32_t length = 0;
    int r = reader_skip(reader, 8);

    (void)size;
    if (r == 0)
        r = be32(reader, &length);
    *ret_end = length;
    return r;
}

/* Parquet and Arrow end with the magic they begin with. */
static int end_of_parquet(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    *ret_end = size;
    return size >= 12 && source_has(reader->source, size - 4, "PAR1", 4) ? 0 : -EBADMSG;
}

static int end_of_arrow(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    *ret_end = size;
    return size >= 16 && source_has(reader->source, size - 6, "ARROW1", 6) ? 0 : -EBADMSG;
}

static int end_of_file(struct reader *reader, uint64_t size, uint64_t *ret_end)
{
    (void)reader;
    *ret_end = size;
    return 0;
}

static const struct kind {
    const char *start;
    uint8_t at, size;
    bool table, pdf;
    end_of end;
} kinds[] = {
    {"\x89PNG\r\n\x1a\n", 0, 8, false, false, end_of_png},
    {"\xff\xd8\xff", 0, 3, false, false, end_of_jpeg},
    {"GIF87a", 0, 6, false, false, end_of_gif},
    {"GIF89a", 0, 6, false, false, end_of_gif},
    {"RIFF", 0, 4, false, false, end_of_riff},
    {"BM", 0, 2, false, false, end_of_bmp},
    {"ftyp", 4, 4, false, false, end_of_boxes},
    {"OggS", 0, 4, false, false, end_of_ogg},
    {"wOFF", 0, 4, false, false, end_of_woff},
    {"wOF2", 0, 4, false, false, end_of_woff},
    {"PAR1", 0, 4, true, false, end_of_parquet},
    {"ARROW1\0\0", 0, 8, true, false, end_of_arrow},
    {"fLaC", 0, 4, false, false, end_of_file},
    {"ID3", 0, 3, false, false, end_of_file},
    {"OTTO\0", 0, 5, false, false, end_of_file},
    {"%PDF-", 0, 5, false, true, end_of_file},
};

static const struct kind *kind_of(const struct scan_object *object)
{
    if (object->role != SCAN_ROLE_FILE)
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (source_has(object->source, kinds[i].at, kinds[i].start, kinds[i].size))
            return &kinds[i];
    return NULL;
}

static enum scan_match match_media(struct scan *scan, const struct scan_object *object)
{
    return !scan_is_recognised(scan) && kind_of(object) != NULL ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

/* Whether one of the words stands anywhere. */
static const char *find_word(struct source *source, uint64_t size, const char *const *words, size_t count)
{
    for (uint64_t at = 0; at < size;) {
        const uint8_t *bytes;
        size_t got;

        if (source_view(source, at, SCAN_VIEW_MAX, &bytes, &got, NULL) < 0 || got == 0)
            return NULL;
        if (got > SCAN_VIEW_MAX)
            got = SCAN_VIEW_MAX;
        for (size_t i = 0; i < count; i++)
            if (memmem(bytes, got, words[i], strlen(words[i])) != NULL)
                return words[i];
        at += got > 64 ? got - 32 : got; /* one may lie across the border */
    }
    return NULL;
}

/* What documents and tables may bring besides. */
static int judge_content(struct scan *scan, const struct scan_object *object, const struct kind *kind, uint64_t size,
                         struct error *err)
{
    static const char *const actions[] = {"/JavaScript", "/Launch", "/EmbeddedFile", "/OpenAction", "/SubmitForm"};
    static const char *const types[] = {"arrow.py_extension_type"};
    const char *word = NULL;

    if (kind->pdf)
        word = find_word(object->source, size, actions, sizeof actions / sizeof actions[0]);
    else if (kind->table)
        word = find_word(object->source, size, types, 1);
    if (word == NULL)
        return 0;
    return scan_find(scan, object, &media_rules[kind->pdf ? PDF_ACTION : PICKLED_TYPE], 0, err, "%s", word);
}

static int judge_trailing(struct scan *scan, const struct scan_object *object, uint64_t end, uint64_t size,
                          struct error *err)
{
    CLEANUP_SOURCE struct source *range = source_of_range(object->source, end, size - end);
    const struct scan_object rest = {
        .source = range, .name = "behind the end", .role = SCAN_ROLE_GUESS, .parent = object};
    int r;

    if (range == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a range");
    r = scan_find(scan, object, &media_rules[TRAILING], end, err, "%llu bytes", (unsigned long long)(size - end));
    return r < 0 ? r : scan_object(scan, &rest, err);
}

static int scan_media(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    const struct kind *kind = kind_of(object);
    struct error cause = {0};
    struct reader reader = reader_over(object->source, 0, &cause);
    uint64_t size = 0, end = 0;
    int r = source_size(object->source, &size, &cause);

    if (kind == NULL || r < 0)
        return 0;
    r = kind->end(&reader, size, &end);
    if (r == -ENODATA)
        end = size, r = 0; /* cut short: nothing is behind it */
    if (r < 0)
        return 0; /* not what it begins as */
    *ret_recognised = true;
    if (end > size)
        end = size;
    scan_skipped(scan, object, SCAN_SKIP_MEDIA, 0, end, "%s", "");
    r = judge_content(scan, object, kind, size, err);
    return r < 0 || end == size ? r : judge_trailing(scan, object, end, size, err);
}

const struct scan_format scan_format_media = {
    .name = "media", .rules = media_rules, .rule_count = RULE_COUNT, .match = match_media, .scan = scan_media};
