/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF's header and its pairs of keys and values; gguf.h has the format. */
#include "guest/scan/weights/gguf.h"

#include "guest/scan/formats.h"
#include "guest/scan/text.h"
#include "guest/scan/text/template.h"
#include "guest/scan/weights/extents.h"
#include "guest/scan/weights/metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_MIN   13u /* bytes of the shortest pair: an empty key, a type, a byte */
#define TENSOR_MIN 24u /* of the shortest tensor's entry */
#define VALUE_MIN  12u /* of a string within an array that is judged */

enum type { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, TYPE_COUNT };

static const uint8_t type_sizes[TYPE_COUNT] = {[U8] = 1,  [I8] = 1,   [U16] = 2, [I16] = 2, [U32] = 4, [I32] = 4,
                                               [F32] = 4, [BOOL] = 1, [U64] = 8, [I64] = 8, [F64] = 8};

const struct scan_rule gguf_rules[GGUF_RULE_COUNT] = {
    [GGUF_RULE_COUNT_BOMB] = {"gguf-count", SCAN_HIGH,
                              "A count that the file can't hold makes a loader allocate or loop without end."},
    [GGUF_RULE_LENGTH_BOMB] = {"gguf-length", SCAN_HIGH,
                               "A length far beyond the file makes a loader allocate or read what is not there."},
    [GGUF_RULE_NESTING] = {"gguf-nesting", SCAN_HIGH, "Arrays within arrays exhaust the stack of a loader."},
    [GGUF_RULE_ALIGNMENT] = {"gguf-alignment", SCAN_HIGH,
                             "An alignment that is no power of two makes a loader divide by zero or misplace tensors."},
    [GGUF_RULE_DUPLICATE] = {"gguf-duplicate", SCAN_HIGH,
                             "Loaders differ in which of two entries of one name they take."},
    [GGUF_RULE_DIMS] = {"gguf-dims", SCAN_HIGH, "More dimensions, or larger ones, than a loader has room for."},
    [GGUF_RULE_BOUNDS] = {"gguf-bounds", SCAN_HIGH, "A tensor outside of the file makes a loader read other memory."},
    [GGUF_RULE_OVERLAP] = {"gguf-overlap", SCAN_HIGH, "Two tensors share bytes: one is not what it seems to be."},
    [GGUF_RULE_TYPE] = {"gguf-type", SCAN_MEDIUM, "A type that is not known: what follows is read by guess."},
};

/* --- what the file is made of ------------------------------------------------------------------------- */

int gguf_u32(struct gguf *gguf, uint32_t *ret_value)
{
    uint32_t value;
    int r = reader_u32le(&gguf->reader, &value);

    if (r == 0)
        *ret_value = gguf->big_endian ? __builtin_bswap32(value) : value;
    return r;
}

int gguf_u64(struct gguf *gguf, uint64_t *ret_value)
{
    uint64_t value;
    int r = reader_u64le(&gguf->reader, &value);

    if (r == 0)
        *ret_value = gguf->big_endian ? __builtin_bswap64(value) : value;
    return r;
}

int gguf_count(struct gguf *gguf, uint64_t *ret_value)
{
    uint32_t value;
    int r;

    if (!gguf->narrow)
        return gguf_u64(gguf, ret_value);
    r = gguf_u32(gguf, &value);
    if (r == 0)
        *ret_value = value;
    return r;
}

/* The rest is not there, or can't be had. */
int gguf_damaged(struct gguf *gguf, int code)
{
    if (code == -ENODATA)
        scan_skipped(gguf->scan, gguf->object, SCAN_GAP_DAMAGED, reader_offset(&gguf->reader), 0, "%s",
                     "the file ends within its header");
    else
        scan_skipped_for(gguf->scan, gguf->object, code, reader_offset(&gguf->reader), &gguf->cause);
    return 0;
}

static uint64_t left(const struct gguf *gguf)
{
    uint64_t offset = reader_offset(&gguf->reader);

    return offset < gguf->file_size ? gguf->file_size - offset : 0;
}

/* A length beyond the end: what a broken download leaves, or what no file has. */
static int too_long(struct gguf *gguf, uint64_t length, const char *what)
{
    if (length < GGUF_BELIEVABLE)
        return gguf_damaged(gguf, -ENODATA);
    return scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_LENGTH_BOMB], reader_offset(&gguf->reader),
                     gguf->err, "%s of %llu bytes or elements, in a file of %llu", what, (unsigned long long)length,
                     (unsigned long long)gguf->file_size);
}

int gguf_read_name(struct gguf *gguf, char *ret_name, size_t room, uint64_t *ret_size)
{
    uint64_t size;
    size_t copied;
    int r = gguf_count(gguf, &size);

    if (r < 0)
        return gguf_damaged(gguf, r);
    if (size > left(gguf))
        return too_long(gguf, size, "a name");
    copied = size < room ? (size_t)size : room;
    r = reader_copy(&gguf->reader, ret_name, copied);
    if (r == 0)
        r = reader_skip(&gguf->reader, size - copied);
    if (r < 0)
        return gguf_damaged(gguf, r);
    *ret_size = size;
    return 1;
}

/* --- values ----------------------------------------------------------------------------------------------- */

struct key {
    char text[GGUF_KEY_MAX];
    size_t size;
};

static bool starts_with(const struct key *key, const char *prefix)
{
    return key->size >= strlen(prefix) && memcmp(key->text, prefix, strlen(prefix)) == 0;
}

/* The words of a vocabulary are put out, never run. */
static bool is_vocabulary(const struct key *key)
{
    return starts_with(key, "tokenizer.ggml.");
}

/* A template is judged as one whatever it says between its blocks; any other text as all metadata are. */
static int judge_text(struct gguf *gguf, const struct key *key, const uint8_t *bytes, size_t size, uint64_t offset)
{
    if (starts_with(key, "tokenizer.chat_template"))
        return template_find(gguf->scan, gguf->object, bytes, size, offset, true, gguf->err);
    return metadata_find(gguf->scan, gguf->object, key->text, key->size, bytes, size, offset, gguf->err);
}

static int judge_held(struct gguf *gguf, const struct key *key, uint64_t offset, size_t size)
{
    CLEANUP_FREE uint8_t *bytes = malloc(size);
    int r;

    if (bytes == NULL)
        return error_set(gguf->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a string");
    r = source_copy(gguf->object->source, offset, bytes, size, &gguf->cause);
    if (r < 0)
        return gguf_damaged(gguf, r);
    r = judge_text(gguf, key, bytes, size, offset);
    return r < 0 ? r : 1;
}

/* A string beyond a view: held where it may be a template, else looked at as it goes by. */
static int judge_long(struct gguf *gguf, const struct key *key, uint64_t offset, uint64_t size)
{
    int r;

    if (size > GGUF_HELD_MAX) {
        if (starts_with(key, "tokenizer.chat_template"))
            scan_skipped(gguf->scan, gguf->object, SCAN_GAP_BUDGET, offset, size, "%s", "a template of this size");
        r = metadata_find_long(gguf->scan, gguf->object, key->text, key->size, offset, size, gguf->err);
        return r < 0 ? r : 1;
    }
    r = scan_reserve(gguf->scan, size, &gguf->cause);
    if (r < 0)
        return gguf_damaged(gguf, r);
    r = judge_held(gguf, key, offset, (size_t)size);
    scan_release(gguf->scan, size);
    return r;
}

/* Judges a string at the reader; 1, 0 or an error. */
static int read_string(struct gguf *gguf, const struct key *key, uint64_t shortest)
{
    const uint8_t *bytes;
    uint64_t size, offset;
    int r = gguf_count(gguf, &size);

    if (r < 0)
        return gguf_damaged(gguf, r);
    if (size > left(gguf))
        return too_long(gguf, size, "a string");
    offset = reader_offset(&gguf->reader);
    scan_looked(gguf->scan, size);
    if (size < shortest) {
        r = reader_skip(&gguf->reader, size);
        return r < 0 ? gguf_damaged(gguf, r) : 1;
    }
    if (size > SCAN_VIEW_MAX) {
        r = judge_long(gguf, key, offset, size);
        reader_seek(&gguf->reader, offset + size);
        return r;
    }
    r = reader_bytes(&gguf->reader, (size_t)size, &bytes);
    if (r < 0)
        return gguf_damaged(gguf, r);
    r = judge_text(gguf, key, bytes, (size_t)size, offset);
    reader_seek(&gguf->reader, offset + size); /* the view may be gone */
    return r < 0 ? r : 1;
}

static int unknown_type(struct gguf *gguf, uint32_t type)
{
    int r = scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_TYPE], reader_offset(&gguf->reader), gguf->err,
                      "a value of type %u", type);

    scan_skipped(gguf->scan, gguf->object, SCAN_GAP_UNSUPPORTED, reader_offset(&gguf->reader), left(gguf), "%s",
                 "what follows a value of an unknown type");
    return r;
}

/* An array's elements of a type that is no array. */
static int read_elements(struct gguf *gguf, const struct key *key, uint32_t type, uint64_t count)
{
    uint64_t shortest = is_vocabulary(key) ? UINT64_MAX : VALUE_MIN;
    int r = 1;

    if (type != STRING) {
        if (count > left(gguf) / type_sizes[type])
            return too_long(gguf, count, "an array");
        r = reader_skip(&gguf->reader, count * type_sizes[type]);
        scan_looked(gguf->scan, r == 0 ? count * type_sizes[type] : 0);
        return r < 0 ? gguf_damaged(gguf, r) : 1;
    }
    if (count > left(gguf) / (gguf->narrow ? 4 : 8))
        return too_long(gguf, count, "an array");
    for (uint64_t i = 0; i < count && r == 1; i++)
        r = read_string(gguf, key, shortest);
    return r;
}

/* Arrays of arrays, by the counts that are left on each level. */
static int read_array(struct gguf *gguf, const struct key *key)
{
    uint64_t counts[GGUF_NEST_MAX] = {0};
    uint32_t depth = 0, type = 0;
    int r;

    for (;;) {
        uint64_t count;

        r = gguf_u32(gguf, &type);
        if (r == 0)
            r = gguf_count(gguf, &count);
        if (r < 0)
            return gguf_damaged(gguf, r);
        if (type >= TYPE_COUNT)
            return unknown_type(gguf, type);
        if (type == ARRAY) {
            if (depth == GGUF_NEST_MAX)
                return scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_NESTING], reader_offset(&gguf->reader),
                                 gguf->err, "more than %u arrays within each other", GGUF_NEST_MAX);
            if (count > left(gguf) / 8)
                return too_long(gguf, count, "an array");
            counts[depth++] = count;
        } else {
            r = read_elements(gguf, key, type, count);
            if (r <= 0)
                return r;
        }
        while (depth > 0 && counts[depth - 1] == 0)
            depth--;
        if (depth == 0)
            return 1;
        counts[depth - 1]--;
    }
}

static int read_alignment(struct gguf *gguf, uint32_t type)
{
    uint64_t offset = reader_offset(&gguf->reader), value = 0;
    uint32_t narrow;
    int r;

    if (type == U64) {
        r = gguf_u64(gguf, &value);
    } else {
        r = gguf_u32(gguf, &narrow);
        value = r == 0 ? narrow : 0;
    }
    if (r < 0)
        return gguf_damaged(gguf, r);
    if (value == 0 || (value & (value - 1)) != 0) {
        r = scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_ALIGNMENT], offset, gguf->err,
                      "general.alignment is %llu", (unsigned long long)value);
        value = GGUF_ALIGNMENT;
    }
    gguf->alignment = value;
    return r < 0 ? r : 1;
}

static int read_value(struct gguf *gguf, const struct key *key)
{
    static const char alignment[] = "general.alignment";
    uint32_t type = 0;
    int r = gguf_u32(gguf, &type);

    if (r < 0)
        return gguf_damaged(gguf, r);
    if (type >= TYPE_COUNT)
        return unknown_type(gguf, type);
    if (type == ARRAY)
        return read_array(gguf, key);
    if (type == STRING)
        return read_string(gguf, key, 0);
    if ((type == U32 || type == U64) && key->size == sizeof alignment - 1 &&
        memcmp(key->text, alignment, key->size) == 0)
        return read_alignment(gguf, type);
    r = reader_skip(&gguf->reader, type_sizes[type]);
    return r < 0 ? gguf_damaged(gguf, r) : 1;
}

static int read_pairs_into(struct gguf *gguf, struct name_set *names)
{
    for (uint64_t i = 0; i < gguf->pairs; i++) {
        struct key key;
        uint64_t size;
        int r = gguf_read_name(gguf, key.text, sizeof key.text, &size);

        if (r <= 0)
            return r;
        key.size = size < sizeof key.text ? (size_t)size : sizeof key.text;
        r = name_set_add(names, key.text, key.size, &gguf->cause);
        if (r < 0)
            return gguf_damaged(gguf, r);
        r = read_value(gguf, &key);
        if (r <= 0)
            return r;
    }
    return 1;
}

static int read_pairs(struct gguf *gguf)
{
    struct name_set names = {.scan = gguf->scan};
    int r, found = 0;

    if (gguf->pairs > GGUF_PAIRS_MAX) {
        scan_skipped(gguf->scan, gguf->object, SCAN_GAP_BUDGET, 0, left(gguf), "more than %u pairs", GGUF_PAIRS_MAX);
        return 0;
    }
    r = read_pairs_into(gguf, &names);
    if (r >= 0 && name_set_repeats(&names))
        found = scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_DUPLICATE], 0, gguf->err, "%s",
                          "a key comes twice");
    name_set_close(&names);
    return found < 0 ? found : r;
}

/* --- the file ------------------------------------------------------------------------------------------- */

static enum scan_match match_gguf(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return source_has(object->source, 0, "GGUF", 4) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

/* Magic, version, counts. */
static int read_header(struct gguf *gguf)
{
    uint32_t version = 0;
    int r = reader_skip(&gguf->reader, 4);

    if (r == 0)
        r = gguf_u32(gguf, &version);
    if (r < 0)
        return gguf_damaged(gguf, r);
    if ((version & 0xffff) == 0 && version != 0) {
        gguf->big_endian = true;
        version = __builtin_bswap32(version);
    }
    if (version < 1 || version > 3) {
        scan_skipped(gguf->scan, gguf->object, SCAN_GAP_UNSUPPORTED, 4, gguf->file_size, "version %u", version);
        return 0;
    }
    gguf->version = version;
    gguf->narrow = version == 1;
    r = gguf_count(gguf, &gguf->tensors);
    if (r == 0)
        r = gguf_count(gguf, &gguf->pairs);
    if (r < 0)
        return gguf_damaged(gguf, r);
    if (gguf->pairs > gguf->file_size / PAIR_MIN ||
        gguf->tensors > gguf->file_size / (TENSOR_MIN - (gguf->narrow ? 4 : 0)))
        r = scan_find(gguf->scan, gguf->object, &gguf_rules[GGUF_RULE_COUNT_BOMB], 8, gguf->err,
                      "%llu tensors and %llu pairs in a file of %llu bytes", (unsigned long long)gguf->tensors,
                      (unsigned long long)gguf->pairs, (unsigned long long)gguf->file_size);
    /* The pairs that are there are looked at all the same. */
    if (gguf->pairs > gguf->file_size / PAIR_MIN)
        gguf->pairs = gguf->file_size / PAIR_MIN;
    return r < 0 ? r : 1;
}

static int scan_gguf(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct gguf gguf = {.scan = scan, .object = object, .alignment = GGUF_ALIGNMENT, .err = err};
    int r = source_size(object->source, &gguf.file_size, &gguf.cause);

    (void)ret_recognised;
    gguf.reader = reader_over(object->source, 0, &gguf.cause);
    if (r < 0)
        return gguf_damaged(&gguf, r);
    r = read_header(&gguf);
    if (r == 1)
        r = read_pairs(&gguf);
    if (r == 1)
        r = gguf_read_tensors(&gguf);
    return r < 0 ? r : 0;
}

const struct scan_format scan_format_gguf = {
    .name = "gguf", .rules = gguf_rules, .rule_count = GGUF_RULE_COUNT, .match = match_gguf, .scan = scan_gguf};
