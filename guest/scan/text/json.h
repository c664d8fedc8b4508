/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming walk over one JSON value (RFC 8259), of any size, at constant memory.
 *
 * What Python's json.loads reads is read the same way: UTF-8, UTF-16 or UTF-32 by byte-order mark or by the pattern
 * of NULs; escapes with surrogate pairs; NaN and Infinity; duplicate keys (each is seen). Texts come in UTF-8, with
 * lone surrogates as three bytes (as Python's "surrogatepass"); bytes that are no UTF-8 come as they are. JSON_LENIENT
 * takes in addition what other readers take: comments, trailing commas, control characters in strings.
 */
#ifndef LAZARET_GUEST_SCAN_JSON_H
#define LAZARET_GUEST_SCAN_JSON_H

#include "guest/scan/reader.h"
#include "guest/scan/scan.h"

#define JSON_DEPTH_MAX 1024u  /* containers within each other; Python ends at about 1000 */
#define JSON_TEXT_MAX  65536u /* bytes of a string, key or number that come at once; the rest as pieces */
#define JSON_KEY_KEPT  64u    /* bytes of an enclosing container's key that are remembered */
#define JSON_PATH_MAX  512u   /* bytes of a path as json_path writes it, with its NUL */

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER, /* text: as written */
    JSON_STRING, /* text: decoded */
    JSON_OBJECT, /* begins; its members follow, one level deeper */
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
};

struct json; /* the walk under way */

/* One value. Pointers live as long as the call; texts end with a NUL that is not counted (they may hold more). */
struct json_event {
    enum json_kind kind;
    uint32_t depth;  /* 0: the outermost value; an end has its beginning's */
    uint64_t offset; /* of the value's first byte in the source; of the bracket that ends a container */
    uint64_t index;  /* among its container's values, from 0; of an end: its beginning's */
    const char *key; /* NULL: not in an object. An end has it only as JSON_KEY_KEPT allows (then key_cut) */
    size_t key_size;
    uint64_t key_offset; /* of its opening quote */
    bool key_cut;
    const char *text; /* JSON_NUMBER, JSON_STRING; else "" */
    size_t text_size; /* at most JSON_TEXT_MAX */
    bool text_cut;    /* there was more: pieces had it all */
    const struct json *json;
};

/* A return other than 0 ends the walk and is its result. */
struct json_visitor {
    int (*value)(void *argument, const struct json_event *event, struct error *err);
    /*
     * May be NULL. A string longer than JSON_TEXT_MAX comes here first, whole, piece by piece in order; the event is
     * the string's, without text. Then `value` has its beginning.
     */
    int (*piece)(void *argument, const struct json_event *event, const char *bytes, size_t size, struct error *err);
    void *argument;
};

enum json_options {
    JSON_STRICT = 0,
    JSON_LENIENT = 1,
    JSON_UTF8 = 2, /* UTF-8 whatever the bytes look like, for what a loader has decoded as that; a mark is passed */
};

/*
 * Walks the value at the reader's position. 0: the reader is left at the first byte behind it that is no blank; where
 * there is one, json.loads would refuse ("Extra data"). Else it is left near what is wrong: -EBADMSG, the cause tells
 * the offset; -EFBIG for too deep; the source's errors; -ENOMEM. Memory is reserved from `scan`, which may be NULL.
 */
MUST_USE int json_walk(struct scan *scan, struct reader *reader, unsigned options, const struct json_visitor *visitor,
                       struct error *err);

/* Whether an object or array may begin at the offset, behind blanks, in any encoding; for formats' match. */
bool json_may_begin(struct source *source, uint64_t offset);

/* "config.layers[3].class_name": where the event's value stands; escaped, cut where it is long. */
const char *json_path(const struct json_event *event, char path[JSON_PATH_MAX]);

/*
 * The key under which the container stands that is `up` levels around the value (1: the one that holds it), or NULL:
 * an array's element, or the outermost. Cut at JSON_KEY_KEPT bytes; no NUL ends it.
 */
const char *json_enclosing_key(const struct json_event *event, uint32_t up, size_t *ret_size);

/* Whether the event stands under exactly this key. */
bool json_key_is(const struct json_event *event, const char *key);
/* Whether the event is a string (not cut) that is exactly this. */
bool json_text_is(const struct json_event *event, const char *text);

#endif
