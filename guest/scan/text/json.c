/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over a JSON value.
 *
 * Theory of operation. A loop alternates between "a value is due" and "a value has ended"; the containers that are
 * open stand in an array, so that depth costs no stack. A string goes into a buffer of JSON_TEXT_MAX bytes; once that
 * is full, the buffer goes out as the first piece, and the rest through a small second one.
 */
#include "guest/scan/text/json_internal.h"

#include <errno.h>
#include <string.h>

/* --- characters ----------------------------------------------------------------------------------------- */

int json_bad(struct json *json, const char *what)
{
    return error_set(json->err, ERROR_BAD_INPUT, -EBADMSG, "JSON: at offset %llu %s",
                     (unsigned long long)(json->chars.loaded ? json->chars.offset : reader_offset(json->chars.reader)),
                     what);
}

int json_peek(struct json *json, uint32_t *ret_char)
{
    int r = json_chars_peek(&json->chars, ret_char);

    return r == -EBADMSG ? json_bad(json, "there is no character of its encoding") : r;
}

/* Passes a comment whose first slash was peeked. */
static MUST_USE int skip_comment(struct json *json)
{
    uint32_t c, before = 0;
    bool line;
    int r;

    json_chars_take(&json->chars);
    r = json_peek(json, &c);
    if (r < 0)
        return r;
    if (c != '/' && c != '*')
        return json_bad(json, "a value or comment is malformed");
    line = c == '/';
    for (json_chars_take(&json->chars); (r = json_peek(json, &c)) == 0 && c != JSON_END;) {
        if (line && c == '\n')
            return 0;
        json_chars_take(&json->chars);
        if (!line && before == '*' && c == '/')
            return 0;
        before = c;
    }
    return r < 0 || line ? r : json_bad(json, "a comment is open where the text ends");
}

/* The next character that is no blank; it stays. */
int json_peek_solid(struct json *json, uint32_t *ret_char)
{
    int r;

    while ((r = json_peek(json, ret_char)) == 0) {
        if (*ret_char == ' ' || *ret_char == '\n' || *ret_char == '\t' || *ret_char == '\r') {
            json_chars_take(&json->chars);
        } else if (*ret_char == '/' && (json->options & JSON_LENIENT) != 0) {
            r = skip_comment(json);
            if (r < 0)
                return r;
        } else {
            return 0;
        }
    }
    return r;
}

/* --- values --------------------------------------------------------------------------------------------- */

static int deliver(struct json *json)
{
    json->event.json = json;
    if (json->event.text == NULL)
        json->event.text = "";
    return json->visitor->value(json->visitor->argument, &json->event, json->err);
}

/* The container that begins, delivered. */
static MUST_USE int open_container(struct json *json, bool is_object)
{
    struct json_level *level = &json->levels[json->depth];
    const struct json_event *event = &json->event;
    int r;

    if (json->depth == JSON_DEPTH_MAX)
        return error_set(json->err, ERROR_BAD_INPUT, -EFBIG, "JSON: at offset %llu more than %u values within another",
                         (unsigned long long)event->offset, JSON_DEPTH_MAX);
    *level = (struct json_level){.is_object = is_object, .has_key = event->key != NULL, .index = event->index};
    if (event->key != NULL) {
        level->key_cut = event->key_cut || event->key_size > sizeof level->key;
        level->key_size = (uint8_t)(event->key_size < sizeof level->key ? event->key_size : sizeof level->key);
        memcpy(level->key, event->key, level->key_size);
    }
    json->event.kind = is_object ? JSON_OBJECT : JSON_ARRAY;
    r = deliver(json);
    json->depth++;
    return r;
}

static MUST_USE int close_container(struct json *json, uint64_t offset)
{
    const struct json_level *level = &json->levels[--json->depth];

    json->event = (struct json_event){
        .kind = level->is_object ? JSON_OBJECT_END : JSON_ARRAY_END,
        .depth = json->depth,
        .offset = offset,
        .index = level->index,
        .key = level->has_key ? level->key : NULL,
        .key_size = level->key_size,
        .key_cut = level->key_cut,
    };
    return deliver(json);
}

/* The value whose first character is c, peeked. Containers are opened only. */
static MUST_USE int read_value(struct json *json, uint32_t c)
{
    int r;

    json->event.depth = json->depth;
    json->event.offset = json->chars.offset;
    if (json->depth > 0)
        json->event.index = json->levels[json->depth - 1].count++;
    json->text.size = 0;
    json->text.cut = false;
    json->event.kind = c == 'n' ? JSON_NULL : c == 't' ? JSON_TRUE : c == 'f' ? JSON_FALSE : JSON_NUMBER;
    switch (c) {
    case '{':
    case '[':
        json_chars_take(&json->chars);
        return open_container(json, c == '{');
    case '"':
        json_chars_take(&json->chars);
        json->event.kind = JSON_STRING;
        r = json_read_string(json, &json->text);
        break;
    case 'n':
    case 't':
    case 'f':
        r = json_take_word(json, c == 'n' ? "null" : c == 't' ? "true" : "false");
        json->text.size = 0;
        break;
    case 'N':
        r = json_take_word(json, "NaN");
        break;
    case 'I':
        r = json_take_word(json, "Infinity");
        break;
    case JSON_END:
        return json_bad(json, "the text ends where a value is due");
    default:
        r = json_read_number(json);
        break;
    }
    json->text.bytes[json->text.size] = '\0';
    json->event.text = json->text.bytes;
    json->event.text_size = json->text.size;
    json->event.text_cut = json->text.cut;
    return r == 0 ? deliver(json) : r;
}

/* A member's key and colon; the event has them, and the value is due. */
static MUST_USE int read_key(struct json *json)
{
    uint32_t c;
    int r;

    json->event.key_offset = json->chars.offset;
    json_chars_take(&json->chars);
    r = json_read_string(json, &json->key);
    if (r != 0 || (r = json_peek_solid(json, &c)) < 0)
        return r;
    if (c != ':')
        return json_bad(json, "a key has no colon");
    json_chars_take(&json->chars);
    json->event.key = json->key.bytes;
    json->event.key_size = json->key.size;
    json->event.key_cut = json->key.cut;
    return 0;
}

/* In a container, before its next value or its end; *ret_value is set where a value is due. */
static MUST_USE int step(struct json *json, bool *ret_value)
{
    const struct json_level *level = &json->levels[json->depth - 1];
    uint32_t c, end = level->is_object ? '}' : ']';
    bool may_end = true;
    int r = json_peek_solid(json, &c);

    if (r == 0 && level->count > 0 && c == ',') {
        may_end = (json->options & JSON_LENIENT) != 0;
        json_chars_take(&json->chars);
        r = json_peek_solid(json, &c);
    } else if (r == 0 && level->count > 0 && c != end) {
        return json_bad(json, "neither a comma nor the container's end follows");
    }
    if (r < 0)
        return r;
    *ret_value = !(may_end && c == end);
    if (!*ret_value) {
        uint64_t offset = json->chars.offset;

        json_chars_take(&json->chars);
        return close_container(json, offset);
    }
    json->event = (struct json_event){0};
    if (!level->is_object)
        return 0;
    return c == '"' ? read_key(json) : json_bad(json, "a member has no key");
}

static MUST_USE int walk(struct json *json)
{
    bool due = true;
    int r = 0;

    do {
        if (due) {
            uint32_t c;

            r = json_peek_solid(json, &c);
            if (r == 0)
                r = read_value(json, c);
        }
        if (r == 0 && json->depth > 0)
            r = step(json, &due);
        else
            due = false;
    } while (r == 0 && (json->depth > 0 || due));
    return r;
}

int json_walk(struct scan *scan, struct reader *reader, unsigned options, const struct json_visitor *visitor,
              struct error *err)
{
    CLEANUP_FREE struct json *json = NULL;
    uint64_t behind;
    uint32_t next;
    int r = scan != NULL ? scan_reserve(scan, sizeof *json, err) : 0;

    if (r < 0)
        return r;
    json = calloc(1, sizeof *json);
    if (json == NULL) {
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read JSON");
    } else {
        json->visitor = visitor;
        json->options = options;
        json->err = err;
        r = json_chars_begin(&json->chars, reader, (options & JSON_UTF8) != 0);
        if (r == 0)
            r = walk(json);
        json->err = NULL; /* what is wrong behind the value is not the value's */
        behind = json->chars.loaded ? json->chars.offset : reader_offset(reader);
        if (r == 0 && json_peek_solid(json, &next) < 0) {
            json->chars.loaded = false;
            reader_seek(reader, behind);
        }
        json_chars_settle(&json->chars);
    }
    if (scan != NULL)
        scan_release(scan, sizeof *json);
    return r;
}
