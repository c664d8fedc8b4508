/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Universal Binary JSON, in which XGBoost keeps its models (ubjson.org, "Type Reference", draft 12; XGBoost's dialect
 * writes strings' and keys' lengths with a marker, and typed arrays).
 *
 * A file is taken for it where it is one object to its end. Texts are looked at, numbers are skipped.
 */
#include "guest/scan/formats.h"

#include "guest/scan/metadata.h"
#include "guest/scan/reader.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX 256u
#define KEY_MAX_  64u
#define HELD_MAX  65536u

struct level {
    bool object, counted;
    uint8_t type;  /* of each value; 0: each says its own */
    uint64_t left; /* where counted */
};

struct walk {
    struct scan *scan;
    const struct scan_object *object;
    struct reader reader;
    struct error cause;
    struct error *err;
    uint64_t size;
    bool dry;
    struct level levels[DEPTH_MAX];
    uint32_t depth;
    char key[KEY_MAX_];
    size_t key_size;
};

static unsigned size_of(uint8_t type)
{
    switch (type) {
    case 'i':
    case 'U':
    case 'C':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

/* A length: a marker of an integer type, and the integer. */
static int take_length(struct walk *walk, uint64_t *ret_value)
{
    uint64_t value = 0;
    uint8_t type, byte;
    int r = reader_u8(&walk->reader, &type);
    unsigned size = r == 0 ? size_of(type) : 0;

    if (r < 0)
        return r;
    if (size == 0 || type == 'd' || type == 'D' || type == 'C')
        return -EBADMSG;
    for (unsigned i = 0; i < size; i++) {
        r = reader_u8(&walk->reader, &byte);
        if (r < 0)
            return r;
        value = value << 8 | byte;
    }
    if (value > walk->size) /* negative ones too */
        return -EBADMSG;
    *ret_value = value;
    return 0;
}

static int take_key(struct walk *walk)
{
    uint64_t size = 0;
    int r = take_length(walk, &size);

    if (r < 0)
        return r;
    walk->key_size = size < KEY_MAX_ ? (size_t)size : KEY_MAX_;
    r = reader_copy(&walk->reader, walk->key, walk->key_size);
    return r < 0 ? r : reader_skip(&walk->reader, size - walk->key_size);
}

static int take_string(struct walk *walk)
{
    uint64_t size = 0, offset;
    const uint8_t *bytes;
    int r = take_length(walk, &size);

    if (r < 0)
        return r;
    offset = reader_offset(&walk->reader);
    if (size > walk->size - offset)
        return -EBADMSG;
    if (!walk->dry && size > HELD_MAX) {
        r = metadata_find_long(walk->scan, walk->object, walk->key, walk->key_size, offset, size, walk->err);
    } else if (!walk->dry) {
        r = reader_bytes(&walk->reader, (size_t)size, &bytes);
        if (r == 0)
            r = metadata_find(walk->scan, walk->object, walk->key, walk->key_size, bytes, (size_t)size, offset,
                              walk->err);
    }
    reader_seek(&walk->reader, offset + size);
    return r;
}

/* "{" or "[", then perhaps "$" with a type and "#" with a count. */
static int open_level(struct walk *walk, bool object)
{
    struct level *level = &walk->levels[walk->depth];
    uint8_t byte;
    int r;

    if (walk->depth == DEPTH_MAX)
        return -EBADMSG;
    *level = (struct level){.object = object};
    r = reader_fill(&walk->reader, 1);
    if (r < 0)
        return r;
    byte = walk->reader.bytes[walk->reader.used];
    if (byte == '$') {
        walk->reader.used++;
        r = reader_u8(&walk->reader, &level->type);
        if (r == 0)
            r = reader_fill(&walk->reader, 1);
        if (r < 0)
            return r;
        byte = walk->reader.bytes[walk->reader.used];
        if (byte != '#')
            return -EBADMSG;
    }
    if (byte == '#') {
        walk->reader.used++;
        level->counted = true;
        r = take_length(walk, &level->left);
    }
    if (r < 0)
        return r;
    walk->depth++;
    if (!object && level->type != 0 && size_of(level->type) > 0) { /* numbers, at once */
        walk->depth--;
        if (!walk->dry)
            scan_skipped(walk->scan, walk->object, SCAN_SKIP_WEIGHTS, reader_offset(&walk->reader),
                         level->left * size_of(level->type), "%s", "");
        r = level->left > walk->size / 8 ? -EBADMSG : reader_skip(&walk->reader, level->left * size_of(level->type));
    }
    return r;
}

static int take_value(struct walk *walk, uint8_t type)
{
    switch (type) {
    case '{':
        return open_level(walk, true);
    case '[':
        return open_level(walk, false);
    case 'S':
    case 'H':
        return take_string(walk);
    case 'Z':
    case 'T':
    case 'F':
    case 'N':
        return 0;
    default:
        return size_of(type) > 0 ? reader_skip(&walk->reader, size_of(type)) : -EBADMSG;
    }
}

/* The next value of the innermost container, or its end. */
static int step(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth - 1];
    uint8_t type = level->type;
    int r = 0;

    if (level->counted && level->left-- == 0) {
        walk->depth--;
        return 0;
    }
    if (!level->counted) {
        r = reader_fill(&walk->reader, 1);
        if (r < 0)
            return r;
        if (walk->reader.bytes[walk->reader.used] == (level->object ? '}' : ']')) {
            walk->reader.used++;
            walk->depth--;
            return 0;
        }
    }
    if (level->object)
        r = take_key(walk);
    if (r == 0 && type == 0)
        r = reader_u8(&walk->reader, &type);
    return r < 0 ? r : take_value(walk, type);
}

static int walk_file(struct walk *walk)
{
    int r = 0;

    walk->reader = reader_over(walk->object->source, 1, &walk->cause);
    walk->depth = 0;
    walk->key_size = 0;
    r = open_level(walk, true);
    while (r == 0 && walk->depth > 0)
        r = step(walk);
    return r < 0 ? r : reader_offset(&walk->reader) == walk->size ? 0 : -EBADMSG;
}

static enum scan_match match_ubjson(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (scan_is_recognised(scan) || object->role != SCAN_ROLE_FILE ||
        source_view(object->source, 0, 2, &bytes, &size, NULL) < 0 || size < 2 || bytes[0] != '{')
        return SCAN_MATCH_NO;
    return memchr("iUIlL#$}", bytes[1], 8) != NULL ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_ubjson(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct walk walk = {.scan = scan, .object = object, .dry = true, .err = err};
    int r = source_size(object->source, &walk.size, &walk.cause);

    if (r == 0)
        r = walk_file(&walk);
    if (r < 0)
        return 0;
    *ret_recognised = true;
    walk.dry = false;
    scan_looked(scan, walk.size);
    r = walk_file(&walk);
    if (r < 0 && (r == -EBADMSG || r == -ENODATA || walk.cause.text[0] != '\0')) {
        scan_skipped_for(scan, object, r, reader_offset(&walk.reader), &walk.cause);
        return 0;
    }
    return r;
}

const struct scan_format scan_format_ubjson = {.name = "ubjson", .match = match_ubjson, .scan = scan_ubjson};
