/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NumPy's array files (.npy; the members of .npz): numbers, or a pickle of objects.
 *
 * Source: NumPy Enhancement Proposal 1. Behind the header, an array of objects is one pickle; others are their numbers'
 * bytes, which nothing interprets. Further arrays may follow in the same file.
 */
#include "guest/scan/formats.h"

#include "guest/scan/reader.h"
#include "guest/scan/text.h"
#include "guest/scan/weights/npy_header.h"

#include <errno.h>
#include <string.h>

#define MAGIC_SIZE 6u

enum { RULE_CODE, RULE_NO_ARRAY, RULE_SHAPE, RULE_TRAILING };

static const struct scan_rule rules[] = {
    [RULE_CODE] = {"npy-header-code", SCAN_HIGH,
                   "A reader that evaluates the header of an array, as the first ones did, runs code."},
    [RULE_NO_ARRAY] = {"npy-header", SCAN_LOW, "The header says nothing that NumPy reads as an array."},
    [RULE_SHAPE] = {"npy-shape", SCAN_MEDIUM, "The array's size is beyond every machine's: a reader may overflow."},
    [RULE_TRAILING] = {"npy-trailing", SCAN_LOW, "Bytes follow the array that NumPy does not read with it."},
};

static enum scan_match match_npy(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return source_has(object->source, 0, "\x93NUMPY", MAGIC_SIZE) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

/* Version and length; -ENOTSUP for a version or length that is not known. */
static int read_prefix(struct reader *reader, size_t *ret_size)
{
    uint8_t major = 0, minor = 0;
    uint16_t short_size = 0;
    uint32_t size = 0;
    int r = reader_skip(reader, MAGIC_SIZE);

    if (r == 0)
        r = reader_u8(reader, &major);
    if (r == 0)
        r = reader_u8(reader, &minor);
    if (r < 0)
        return r;
    if (major == 1) {
        r = reader_u16le(reader, &short_size);
        size = r == 0 ? short_size : 0;
    } else if (major == 2 || major == 3) {
        r = reader_u32le(reader, &size);
    } else {
        return error_set(reader->err, ERROR_BAD_INPUT, -ENOTSUP, "an array file of version %u.%u", major, minor);
    }
    if (r < 0)
        return r;
    if (size > SCAN_VIEW_MAX)
        return error_set(reader->err, ERROR_BAD_INPUT, -ENOTSUP, "an array's header of %lu bytes", (unsigned long)size);
    *ret_size = size;
    return 0;
}

/* What follows an array: perhaps another one, which a second load from the same file reads. */
static int scan_rest(struct scan *scan, const struct scan_object *object, uint64_t offset, uint64_t size,
                     struct error *err)
{
    CLEANUP_SOURCE struct source *source = source_of_range(object->source, offset, size);
    const struct scan_object rest = {
        .source = source, .name = "behind the array", .role = SCAN_ROLE_GUESS, .parent = object};
    int r;

    if (source == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a source");
    if (!source_has(source, 0, "\x93NUMPY", MAGIC_SIZE)) {
        r = scan_find(scan, object, &rules[RULE_TRAILING], offset, err, "%llu bytes", (unsigned long long)size);
        if (r < 0)
            return r;
    }
    return scan_object(scan, &rest, err);
}

static int scan_objects(struct scan *scan, const struct scan_object *object, uint64_t offset, uint64_t size,
                        struct error *err)
{
    CLEANUP_SOURCE struct source *source = source_of_range(object->source, offset, size);
    const struct scan_object pickle = {.source = source, .name = "objects", .role = SCAN_ROLE_PICKLE, .parent = object};

    if (source == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a source");
    return scan_object(scan, &pickle, err);
}

/* The array's bytes, from `offset` on. */
static int scan_items(struct scan *scan, const struct scan_object *object, const struct npy_header *header,
                      uint64_t offset, struct error *err)
{
    struct error cause = {0};
    uint64_t size, end;
    int r = source_size(object->source, &end, &cause);

    if (r < 0) {
        scan_skipped_for(scan, object, r, offset, &cause);
        return 0;
    }
    if (header->object)
        return scan_objects(scan, object, offset, end - offset, err);
    if (!npy_header_size(header, &size)) {
        scan_skipped(scan, object, SCAN_GAP_DAMAGED, offset, end - offset, "an array whose size overflows");
        return scan_find(scan, object, &rules[RULE_SHAPE], 0, err, "%u dimensions, items of %llu bytes", header->rank,
                         (unsigned long long)header->item_size);
    }
    if (size > end - offset) {
        scan_skipped(scan, object, SCAN_GAP_DAMAGED, offset, end - offset, "%llu bytes of an array's %llu",
                     (unsigned long long)(end - offset), (unsigned long long)size);
        return 0;
    }
    scan_skipped(scan, object, SCAN_SKIP_WEIGHTS, offset, size, "%s", "");
    return end - offset > size ? scan_rest(scan, object, offset + size, end - offset - size, err) : 0;
}

/* What stands behind a header that says nothing: a lenient reader may take it for objects. */
static int scan_unknown(struct scan *scan, const struct scan_object *object, uint64_t offset, struct error *err)
{
    CLEANUP_SOURCE struct source *source = source_of_range(object->source, offset, UINT64_MAX);
    const struct scan_object rest = {
        .source = source, .name = "behind the header", .role = SCAN_ROLE_GUESS, .parent = object};

    if (source == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a source");
    scan_skipped(scan, object, SCAN_GAP_DAMAGED, offset, 0, "an array whose header is not understood");
    return scan_object(scan, &rest, err);
}

static int scan_npy(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct error cause = {0};
    struct reader reader = reader_over(object->source, 0, &cause);
    struct npy_header header;
    enum npy_header_end end;
    const uint8_t *text;
    uint64_t start;
    size_t size = 0;
    int r;

    (void)ret_recognised;
    r = read_prefix(&reader, &size);
    start = reader_offset(&reader);
    if (r == 0)
        r = reader_bytes(&reader, size, &text);
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &cause);
        return 0;
    }
    scan_looked(scan, start + size);
    end = npy_header_parse((const char *)text, size, &header);
    if (end == NPY_HEADER_WHOLE)
        return scan_items(scan, object, &header, start + size, err);
    r = scan_find(scan, object, &rules[end == NPY_HEADER_CODE ? RULE_CODE : RULE_NO_ARRAY], start + header.offset, err,
                  "%s", TEXT(text + header.offset, size - header.offset));
    return r < 0 ? r : scan_unknown(scan, object, start + size, err);
}

const struct scan_format scan_format_npy = {
    .name = "npy", .rules = rules, .rule_count = sizeof rules / sizeof rules[0], .match = match_npy, .scan = scan_npy};
