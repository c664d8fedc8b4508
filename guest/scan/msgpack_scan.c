/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack, in which Flax keeps its parameters (msgpack's spec.md; Flax's serialization.py for its extensions).
 *
 * A file is taken for it where it begins with a map whose first key is a text and is one value to its end; or where
 * such a map claims more entries than the file has bytes. Numbers are skipped; texts, and bytes that may be another
 * file, are looked at. Containers are counted on a stack of their own.
 */
#include "guest/scan/formats.h"

#include "guest/scan/metadata.h"
#include "guest/scan/reader.h"
#include "guest/scan/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 512u
#define KEY_MAX_  64u    /* bytes of a text that may be the key of what follows */
#define HELD_MAX  65536u /* bytes of a text that is judged */
#define EXT_MAX   3      /* of Flax: 1 an array, 2 a complex number, 3 a scalar */

enum { COUNT, DEPTH, EXTENSION, OBJECTS, RULE_COUNT };

static const struct scan_rule msgpack_rules[RULE_COUNT] = {
    [COUNT] = {"msgpack-count", SCAN_HIGH, "A count that the file can't hold makes a loader allocate without end."},
    [DEPTH] = {"msgpack-depth", SCAN_HIGH, "Values within values exhaust the stack of a loader."},
    [EXTENSION] = {"msgpack-extension", SCAN_MEDIUM, "A type of a loader's own: what it makes of it is not known."},
    [OBJECTS] = {"msgpack-objects", SCAN_HIGH, "An array of Python's objects, which a loader unpickles."},
};

struct walk {
    struct scan *scan;
    const struct scan_object *object;
    struct reader reader;
    struct error cause;
    struct error *err;
    uint64_t size;
    bool dry;                 /* only whether it is MessagePack: nothing is told */
    uint64_t left[DEPTH_MAX]; /* values that each open container still has */
    uint32_t depth;
    char key[KEY_MAX_]; /* the text before */
    size_t key_size;
    uint64_t bomb_at, bomb; /* a count that can't be */
};

static int big(struct walk *walk, unsigned size, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        uint8_t byte;
        int r = reader_u8(&walk->reader, &byte);

        if (r < 0)
            return r;
        value = value << 8 | byte;
    }
    *ret_value = value;
    return 0;
}

static int find(struct walk *walk, unsigned rule, const char *detail)
{
    if (walk->dry)
        return 0;
    return scan_find(walk->scan, walk->object, &msgpack_rules[rule], reader_offset(&walk->reader), walk->err, "%s",
                     detail);
}

/* A container of `count` values; -EBADMSG where the file can't hold them. */
static int open_container(struct walk *walk, uint64_t count)
{
    uint64_t offset = reader_offset(&walk->reader);

    if (count > walk->size - offset) {
        walk->bomb_at = offset;
        walk->bomb = count;
        return -EBADMSG;
    }
    if (walk->depth == DEPTH_MAX) {
        int r = find(walk, DEPTH, "more than 512 values within each other");

        return r < 0 ? r : -EBADMSG;
    }
    walk->left[walk->depth++] = count;
    return 0;
}

/* Bytes that are another file say so at their beginning. */
static int hand_on(struct walk *walk, uint64_t size)
{
    CLEANUP_SOURCE struct source *range = source_of_range(walk->object->source, reader_offset(&walk->reader), size);
    const struct scan_object within = {
        .source = range, .name = "bytes", .role = SCAN_ROLE_GUESS, .parent = walk->object};

    if (range == NULL)
        return error_set(walk->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a range");
    return scan_object(walk->scan, &within, walk->err);
}

static int judge_text(struct walk *walk, uint64_t size)
{
    uint64_t offset = reader_offset(&walk->reader);
    const uint8_t *bytes;
    int r = size <= HELD_MAX ? reader_bytes(&walk->reader, (size_t)size, &bytes) : -EFBIG;

    if (r == -EFBIG)
        return metadata_find_long(walk->scan, walk->object, walk->key, walk->key_size, offset, size, walk->err);
    if (r < 0)
        return r;
    /* numpy's own types, as msgpack-numpy writes them: "O" is for objects. */
    if (size == 1 && bytes[0] == 'O' && walk->key_size == 4 && memcmp(walk->key, "kind", 4) == 0)
        r = find(walk, OBJECTS, "a kind of objects");
    if (r == 0)
        r = metadata_find(walk->scan, walk->object, walk->key, walk->key_size, bytes, (size_t)size, offset, walk->err);
    return r;
}

/* A text or bytes. */
static int take_bytes(struct walk *walk, uint64_t size, bool text)
{
    uint64_t offset = reader_offset(&walk->reader);
    char key[KEY_MAX_];
    size_t key_size = 0;
    int r = 0;

    if (size > walk->size - offset)
        return -EBADMSG;
    if (size <= KEY_MAX_) {
        r = reader_copy(&walk->reader, key, (size_t)size);
        key_size = (size_t)size;
        reader_seek(&walk->reader, offset);
    }
    if (r == 0 && !walk->dry)
        r = text ? judge_text(walk, size) : hand_on(walk, size);
    if (r < 0)
        return r;
    if (key_size > 0)
        memcpy(walk->key, key, key_size);
    walk->key_size = key_size;
    reader_seek(&walk->reader, offset + size);
    return 0;
}

static bool is_list_next(struct walk *walk)
{
    uint8_t byte = 0;

    if (reader_fill(&walk->reader, 1) == 0)
        byte = walk->reader.bytes[walk->reader.used];
    return (byte & 0xf0) == 0x90 || byte == 0xdc || byte == 0xdd;
}

/* An extension: Flax's hold an array, as MessagePack again (shape, type, bytes). */
static int take_extension(struct walk *walk, uint64_t size)
{
    uint8_t type;
    int r = reader_u8(&walk->reader, &type);

    if (r < 0)
        return r;
    if (size > walk->size - reader_offset(&walk->reader))
        return -EBADMSG;
    if (type == 0xff) /* a time */
        return reader_skip(&walk->reader, size);
    if (type < 1 || type > EXT_MAX)
        r = find(walk, EXTENSION, "an extension that is not known");
    else if (!walk->dry)
        scan_skipped(walk->scan, walk->object, SCAN_SKIP_WEIGHTS, reader_offset(&walk->reader), size, "%s", "");
    if (r == 0 && !walk->dry && (type < 1 || type > EXT_MAX || !is_list_next(walk)))
        r = hand_on(walk, size);
    return r < 0 ? r : reader_skip(&walk->reader, size);
}

/* The formats from 0xc0 to 0xdf. */
static int take_typed(struct walk *walk, uint8_t byte)
{
    static const uint8_t sizes[] = {[0xc4 - 0xc0] = 1, [0xc5 - 0xc0] = 2, [0xc6 - 0xc0] = 4, [0xc7 - 0xc0] = 1,
                                    [0xc8 - 0xc0] = 2, [0xc9 - 0xc0] = 4, [0xca - 0xc0] = 4, [0xcb - 0xc0] = 8,
                                    [0xcc - 0xc0] = 1, [0xcd - 0xc0] = 2, [0xce - 0xc0] = 4, [0xcf - 0xc0] = 8,
                                    [0xd0 - 0xc0] = 1, [0xd1 - 0xc0] = 2, [0xd2 - 0xc0] = 4, [0xd3 - 0xc0] = 8,
                                    [0xd9 - 0xc0] = 1, [0xda - 0xc0] = 2, [0xdb - 0xc0] = 4, [0xdc - 0xc0] = 2,
                                    [0xdd - 0xc0] = 4, [0xde - 0xc0] = 2, [0xdf - 0xc0] = 4};
    uint64_t value = 0;
    int r;

    if (byte == 0xc0 || byte == 0xc2 || byte == 0xc3)
        return 0;
    if (byte == 0xc1)
        return -EBADMSG;
    if (byte >= 0xd4 && byte <= 0xd8)
        return take_extension(walk, UINT64_C(1) << (byte - 0xd4));
    r = big(walk, sizes[byte - 0xc0], &value);
    if (r < 0)
        return r;
    if (byte >= 0xc4 && byte <= 0xc6)
        return take_bytes(walk, value, false);
    if (byte >= 0xc7 && byte <= 0xc9)
        return take_extension(walk, value);
    if (byte >= 0xd9 && byte <= 0xdb)
        return take_bytes(walk, value, true);
    if (byte == 0xdc || byte == 0xdd)
        return open_container(walk, value);
    return byte >= 0xde ? open_container(walk, 2 * value) : 0;
}

static int take_value(struct walk *walk)
{
    uint8_t byte;
    int r = reader_u8(&walk->reader, &byte);

    if (r < 0)
        return r;
    if (byte < 0x80 || byte >= 0xe0)
        return 0;
    if (byte < 0x90)
        return open_container(walk, 2 * (uint64_t)(byte & 15));
    if (byte < 0xa0)
        return open_container(walk, byte & 15);
    return byte < 0xc0 ? take_bytes(walk, byte & 31, true) : take_typed(walk, byte);
}

/* One value from the file's beginning. 0: it ends where the file does. */
static int walk_value(struct walk *walk)
{
    int r;

    walk->reader = reader_over(walk->object->source, 0, &walk->cause);
    walk->depth = 0;
    walk->key_size = 0;
    do {
        if (walk->depth > 0)
            walk->left[walk->depth - 1]--;
        r = take_value(walk);
        if (r < 0)
            return r;
        while (walk->depth > 0 && walk->left[walk->depth - 1] == 0)
            walk->depth--;
    } while (walk->depth > 0);
    return reader_offset(&walk->reader) == walk->size ? 0 : -EBADMSG;
}

/* A map, and a text of printable characters as its first key. */
static enum scan_match match_msgpack(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size, at, length;

    if (scan_is_recognised(scan) || object->role != SCAN_ROLE_FILE ||
        source_view(object->source, 0, 64, &bytes, &size, NULL) < 0 || size < 3)
        return SCAN_MATCH_NO;
    at = bytes[0] == 0xdf ? 5 : bytes[0] == 0xde ? 3 : bytes[0] > 0x80 && bytes[0] < 0x90 ? 1 : 0;
    if (at == 0 || at + 1 >= size)
        return SCAN_MATCH_NO;
    if (bytes[at] > 0xa0 && bytes[at] < 0xc0) {
        length = bytes[at] & 31;
        at++;
    } else if (bytes[at] == 0xd9) {
        length = bytes[at + 1];
        at += 2;
    } else {
        return SCAN_MATCH_NO;
    }
    for (size_t i = at; i < at + length && i < size && i < 64; i++)
        if (!isprint(bytes[i]))
            return SCAN_MATCH_NO;
    return at < size ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_msgpack(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct walk walk = {.scan = scan, .object = object, .dry = true, .err = err};
    int r = source_size(object->source, &walk.size, &walk.cause);

    if (r == 0)
        r = walk_value(&walk);
    if (walk.bomb > UINT32_MAX / 16) { /* no accident: the key behind it is text */
        *ret_recognised = true;
        return scan_find(scan, object, &msgpack_rules[COUNT], walk.bomb_at, err, "%llu values in %llu bytes",
                         (unsigned long long)walk.bomb, (unsigned long long)walk.size);
    }
    if (r < 0)
        return 0; /* not MessagePack, or not all of it: nobody's */
    *ret_recognised = true;
    walk.dry = false;
    scan_looked(scan, walk.size);
    r = walk_value(&walk);
    if (r < 0 && (r == -EBADMSG || r == -ENODATA || walk.cause.text[0] != '\0')) {
        scan_skipped_for(scan, object, r, reader_offset(&walk.reader), &walk.cause);
        return 0;
    }
    return r;
}

const struct scan_format scan_format_msgpack = {
    .name = "msgpack", .rules = msgpack_rules, .rule_count = RULE_COUNT, .match = match_msgpack, .scan = scan_msgpack};
