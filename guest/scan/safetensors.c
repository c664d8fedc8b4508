/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors: a length, a header in JSON, and the tensors.
 *
 * After the format's README and the checks of its reference reader: the header has at most 100 MB, its tensors cover
 * the data from the first byte to the last, without holes or overlaps, and shapes agree with places. What a reader
 * that is less strict would take is told as what it hides.
 */
#include "guest/scan/extents.h"
#include "guest/scan/formats.h"
#include "guest/scan/json.h"
#include "guest/scan/metadata.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define HEADER_MAX  UINT64_C(100000000) /* as the reference reader's */
#define LENGTH_SIZE 8u
#define DTYPE_MAX   16u
#define NAME_SHOWN  60u

enum { HEADER, DUPLICATE, BOUNDS, HOLE, OVERLAP, SIZE, TRAILING, DTYPE, MEMBER, NESTING, RULE_COUNT };

static const struct scan_rule safetensors_rules[RULE_COUNT] = {
    [HEADER] = {"safetensors-header", SCAN_HIGH,
                "A header's length that no reader accepts makes a careless one allocate or read what is not there."},
    [DUPLICATE] = {"safetensors-duplicate", SCAN_HIGH, "Readers differ in which of two entries of one name they take."},
    [BOUNDS] = {"safetensors-bounds", SCAN_HIGH,
                "A place before the data, behind it or backwards makes a reader touch other memory."},
    [HOLE] = {"safetensors-hole", SCAN_HIGH, "Bytes that belong to no tensor hide something from who reads tensors."},
    [OVERLAP] = {"safetensors-overlap", SCAN_HIGH, "Two tensors share bytes: one is not what it seems to be."},
    [SIZE] = {"safetensors-size", SCAN_HIGH, "A shape that does not agree with its place makes a reader overrun it."},
    [TRAILING] = {"safetensors-trailing", SCAN_HIGH,
                  "Bytes behind the tensors hide another file, which other loaders find."},
    [DTYPE] = {"safetensors-dtype", SCAN_MEDIUM, "A type of numbers that is not known."},
    [NESTING] = {"safetensors-nesting", SCAN_HIGH, "Values within values exhaust the stack of a reader."},
    [MEMBER] = {"safetensors-member", SCAN_MEDIUM, "The header holds what the format has no place for."},
};

/* Bits of a number of each type. */
static const struct {
    const char *name;
    unsigned bits;
} dtypes[] = {{"BOOL", 8},  {"U8", 8},      {"I8", 8},          {"F8_E5M2", 8},    {"F8_E4M3", 8}, {"F8_E8M0", 8},
              {"F4", 4},    {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"I16", 16},       {"U16", 16},    {"F16", 16},
              {"BF16", 16}, {"I32", 32},    {"U32", 32},        {"F32", 32},       {"C64", 64},    {"F64", 64},
              {"I64", 64},  {"U64", 64},    {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}};

struct file {
    struct scan *scan;
    const struct scan_object *object;
    uint64_t room; /* bytes of data */
    struct name_set names, metadata;
    struct extents extents;
    bool strange; /* a finding says that the places are not what they seem */
    int failed;   /* the sink's error, which ends the walk */
    struct error cause;
    /* The tensor at hand. */
    char dtype[DTYPE_MAX];
    uint64_t elements, offsets[2];
    uint64_t offset_count;
    bool overflow, wrong; /* the shape's product; a number that is none */
};

static int find(struct file *file, unsigned rule, const struct json_event *event, const char *what, struct error *err)
{
    const char *key = event->key != NULL ? event->key : "";
    size_t size = event->key != NULL ? event->key_size : 0;

    return scan_find(file->scan, file->object, &safetensors_rules[rule], LENGTH_SIZE + event->offset, err, "%s: %s",
                     TEXT(key, size < NAME_SHOWN ? size : NAME_SHOWN), what);
}

/* --- numbers ---------------------------------------------------------------------------------------- */

/* A whole number that is not negative and fits. */
static bool parse(const struct json_event *event, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (event->kind != JSON_NUMBER || event->text_size == 0)
        return false;
    for (size_t i = 0; i < event->text_size; i++) {
        unsigned digit = (unsigned)event->text[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

static void take_number(struct file *file, const struct json_event *event)
{
    size_t size = 0;
    const char *list = json_enclosing_key(event, 1, &size);
    uint64_t value = 0;

    if (list == NULL)
        return;
    if (size == 5 && memcmp(list, "shape", 5) == 0) {
        if (!parse(event, &value))
            file->wrong = true;
        else if (__builtin_mul_overflow(file->elements, value, &file->elements))
            file->overflow = true;
    } else if (size == 12 && memcmp(list, "data_offsets", 12) == 0) {
        if (!parse(event, &value))
            file->wrong = true;
        else if (file->offset_count < 2)
            file->offsets[file->offset_count] = value;
        file->offset_count++;
    }
}

/* --- a tensor ----------------------------------------------------------------------------------------- */

static unsigned bits_of(const char *dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (strcmp(dtypes[i].name, dtype) == 0)
            return dtypes[i].bits;
    return 0;
}

static void begin_tensor(struct file *file)
{
    file->dtype[0] = '\0';
    file->elements = 1;
    file->offset_count = 0;
    file->overflow = file->wrong = false;
}

static int end_tensor(struct file *file, const struct json_event *event, struct error *err)
{
    unsigned bits = bits_of(file->dtype);
    uint64_t size;

    if (file->wrong || file->offset_count != 2 || file->offsets[0] > file->offsets[1]) {
        file->strange = true;
        return find(file, BOUNDS, event, "a place or shape that is none", err);
    }
    size = file->offsets[1] - file->offsets[0];
    if (extents_add(&file->extents, file->offsets[0], size, &file->cause) < 0) {
        file->strange = true;
        scan_skipped_for(file->scan, file->object, -ENOMEM, 0, &file->cause);
        return 0;
    }
    if (bits == 0)
        return find(file, DTYPE, event, TEXT(file->dtype, strlen(file->dtype)), err);
    if (file->overflow || file->elements > UINT64_MAX / bits || (file->elements * bits + 7) / 8 != size)
        return find(file, SIZE, event, "the shape does not agree with the place", err);
    return 0;
}

/* --- the header --------------------------------------------------------------------------------------- */

static int see_metadata(struct file *file, const struct json_event *event, struct error *err)
{
    if (event->kind != JSON_STRING)
        return find(file, MEMBER, event, "metadata that is no text", err);
    if (event->key == NULL)
        return 0;
    if (name_set_add(&file->metadata, event->key, event->key_size, &file->cause) < 0)
        scan_skipped_for(file->scan, file->object, -ENOMEM, 0, &file->cause);
    if (event->text_cut) /* its pieces have been looked at */
        return 0;
    return metadata_find(file->scan, file->object, event->key, event->key_size, event->text, event->text_size,
                         LENGTH_SIZE + event->offset, err);
}

static int see_member(struct file *file, const struct json_event *event, struct error *err)
{
    if (json_key_is(event, "dtype") && event->kind == JSON_STRING) {
        size_t size = event->text_size < DTYPE_MAX ? event->text_size : DTYPE_MAX - 1;

        memcpy(file->dtype, event->text, size);
        file->dtype[size] = '\0';
        return 0;
    }
    if ((json_key_is(event, "shape") || json_key_is(event, "data_offsets")) &&
        (event->kind == JSON_ARRAY || event->kind == JSON_ARRAY_END))
        return 0;
    if (event->kind == JSON_STRING && event->key != NULL && !event->text_cut) {
        int r = metadata_find(file->scan, file->object, event->key, event->key_size, event->text, event->text_size,
                              LENGTH_SIZE + event->offset, err);

        if (r < 0)
            return r;
    }
    return event->kind == JSON_OBJECT_END || event->kind == JSON_ARRAY_END
               ? 0
               : find(file, MEMBER, event, "not a part of a tensor", err);
}

static bool is_in_metadata(const struct json_event *event)
{
    size_t size = 0;
    const char *key = event->depth >= 2 ? json_enclosing_key(event, event->depth - 1, &size) : NULL;

    return key != NULL && size == 12 && memcmp(key, "__metadata__", 12) == 0;
}

static int see_entry(struct file *file, const struct json_event *event, struct error *err)
{
    bool metadata = json_key_is(event, "__metadata__");

    if (event->kind == JSON_OBJECT_END)
        return metadata ? 0 : end_tensor(file, event, err);
    if (event->kind != JSON_OBJECT)
        return find(file, MEMBER, event, "an entry that is no tensor", err);
    if (event->key != NULL && name_set_add(&file->names, event->key, event->key_size, &file->cause) < 0)
        scan_skipped_for(file->scan, file->object, -ENOMEM, 0, &file->cause);
    begin_tensor(file);
    return 0;
}

static int see_value(struct file *file, const struct json_event *event, struct error *err)
{
    switch (event->depth) {
    case 0:
        return 0;
    case 1:
        return see_entry(file, event, err);
    case 2:
        return is_in_metadata(event) ? see_metadata(file, event, err) : see_member(file, event, err);
    default:
        if (is_in_metadata(event))
            return 0;
        if (event->depth == 3)
            take_number(file, event);
        return 0;
    }
}

static int see(void *argument, const struct json_event *event, struct error *err)
{
    struct file *file = argument;

    return file->failed = see_value(file, event, err);
}

static int see_piece(void *argument, const struct json_event *event, const char *bytes, size_t size, struct error *err)
{
    struct file *file = argument;

    return file->failed = metadata_find(file->scan, file->object, event->key, event->key != NULL ? event->key_size : 0,
                                        bytes, size, LENGTH_SIZE + event->offset, err);
}

/* --- the file ----------------------------------------------------------------------------------------- */

/* Bytes that belong to no tensor are looked at as whatever else they may be. */
static int hand_on(struct file *file, const char *name, uint64_t first, uint64_t size, struct error *err)
{
    CLEANUP_SOURCE struct source *range = source_of_range(file->object->source, first, size);
    const struct scan_object within = {.source = range, .name = name, .role = SCAN_ROLE_GUESS, .parent = file->object};

    if (range == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a range");
    return scan_object(file->scan, &within, err);
}

static int judge_holes(struct file *file, uint64_t data, struct error *err)
{
    uint64_t end = 0;

    for (size_t i = 0; i < file->extents.count; i++) {
        const struct extent *extent = &file->extents.list[i];

        if (extent->first > end) {
            int r = scan_find(file->scan, file->object, &safetensors_rules[HOLE], data + end, err,
                              "%llu bytes of no tensor", (unsigned long long)(extent->first - end));

            return r < 0 ? r : hand_on(file, "between tensors", data + end, extent->first - end, err);
        }
        end = extent->first + extent->size;
    }
    return 0;
}

static int judge_places(struct file *file, uint64_t data, struct error *err)
{
    uint64_t at, end;
    int r;

    switch (extents_judge(&file->extents, file->room, 1, &at, &end)) {
    case EXTENTS_OVERLAP:
        return scan_find(file->scan, file->object, &safetensors_rules[OVERLAP], data + at, err, "%s",
                         "a tensor begins before another one ends");
    case EXTENTS_OUTSIDE:
        return scan_find(file->scan, file->object, &safetensors_rules[BOUNDS], data, err,
                         "a tensor at %llu of %llu bytes of data", (unsigned long long)at,
                         (unsigned long long)file->room);
    case EXTENTS_CUT:
        scan_skipped(file->scan, file->object, SCAN_GAP_DAMAGED, data + at, file->room - end, "%s",
                     "the file ends within its tensors");
        return 0;
    case EXTENTS_FINE:
        break;
    }
    scan_skipped(file->scan, file->object, SCAN_SKIP_WEIGHTS, data, end, "%s", "");
    r = judge_holes(file, data, err);
    if (r < 0 || end == file->room || file->strange)
        return r;
    r = scan_find(file->scan, file->object, &safetensors_rules[TRAILING], data + end, err, "%llu bytes",
                  (unsigned long long)(file->room - end));
    return r < 0 ? r : hand_on(file, "behind the tensors", data + end, file->room - end, err);
}

static int judge_names(struct file *file, struct error *err)
{
    int r = 0;

    if (name_set_repeats(&file->names))
        r = scan_find(file->scan, file->object, &safetensors_rules[DUPLICATE], LENGTH_SIZE, err, "%s",
                      "a tensor's name comes twice");
    if (r == 0 && name_set_repeats(&file->metadata))
        r = scan_find(file->scan, file->object, &safetensors_rules[DUPLICATE], LENGTH_SIZE, err, "%s",
                      "a key of the metadata comes twice");
    return r;
}

/* 1: read to its end; 0: damaged, and a gap says so. */
static int read_header(struct file *file, uint64_t length, struct error *err)
{
    CLEANUP_SOURCE struct source *range = source_of_range(file->object->source, LENGTH_SIZE, length);
    struct reader reader = reader_over(range, 0, &file->cause);
    const struct json_visitor visitor = {.value = see, .piece = see_piece, .argument = file};
    int r;

    if (range == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a range");
    r = json_walk(file->scan, &reader, JSON_LENIENT, &visitor, &file->cause);
    scan_looked(file->scan, reader_offset(&reader));
    if (file->failed < 0) {
        if (err != NULL)
            *err = file->cause;
        return file->failed;
    }
    if (r == -EFBIG) {
        r = find(file, NESTING, &(struct json_event){.offset = reader_offset(&reader)},
                 "more than 1024 values within each other", err);
        return r < 0 ? r : 0;
    }
    if (r < 0) {
        scan_skipped_for(file->scan, file->object, r, LENGTH_SIZE + reader_offset(&reader), &file->cause);
        return 0;
    }
    if (reader_offset(&reader) < length)
        return find(file, MEMBER, &(struct json_event){.offset = reader_offset(&reader)},
                    "more behind the header's object", err);
    return 1;
}

static int scan_file(struct file *file, uint64_t length, uint64_t size, struct error *err)
{
    uint64_t data = LENGTH_SIZE + length;
    int r = 0, found;

    if (length > HEADER_MAX)
        r = scan_find(file->scan, file->object, &safetensors_rules[HEADER], 0, err,
                      "a header of %llu bytes in a file of %llu", (unsigned long long)length, (unsigned long long)size);
    if (r < 0)
        return r;
    file->room = data < size ? size - data : 0;
    r = read_header(file, length < size ? length : size, err);
    if (r < 0)
        return r;
    found = judge_names(file, err);
    if (found < 0)
        return found;
    if (r == 1 && length <= size - LENGTH_SIZE)
        return judge_places(file, data, err);
    /* Where the data begin is not sure: what stands there may be another file. */
    return file->room > 0 ? hand_on(file, "behind the header", data, file->room, err) : 0;
}

/* Behind eight bytes that are a length, and no text, JSON's object begins at once. */
static enum scan_match match_safetensors(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size, at = LENGTH_SIZE + 1;
    bool text = true;

    (void)scan;
    if (source_view(object->source, 0, 64, &bytes, &size, NULL) < 0 || size < LENGTH_SIZE + 1 ||
        bytes[LENGTH_SIZE] != '{')
        return SCAN_MATCH_NO;
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        text =
            text && ((bytes[i] >= ' ' && bytes[i] < 0x7f) || bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t');
    if (size > 64)
        size = 64;
    while (at < size && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\r' || bytes[at] == '\t'))
        at++;
    return !text && (at == size || bytes[at] == '"' || bytes[at] == '}') ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

static int scan_safetensors(struct scan *scan, const struct scan_object *object, bool *ret_recognised,
                            struct error *err)
{
    struct file file = {
        .scan = scan, .object = object, .names = {.scan = scan}, .metadata = {.scan = scan}, .extents = {.scan = scan}};
    struct reader reader = reader_over(object->source, 0, &file.cause);
    uint64_t length, size;
    int r = source_size(object->source, &size, &file.cause);

    (void)ret_recognised;
    if (r == 0)
        r = reader_u64le(&reader, &length);
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &file.cause);
        return 0;
    }
    r = scan_file(&file, length, size, err);
    name_set_close(&file.names);
    name_set_close(&file.metadata);
    extents_close(&file.extents);
    return r;
}

const struct scan_format scan_format_safetensors = {.name = "safetensors",
                                                    .rules = safetensors_rules,
                                                    .rule_count = RULE_COUNT,
                                                    .match = match_safetensors,
                                                    .scan = scan_safetensors};
