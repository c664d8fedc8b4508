/* SPDX-License-Identifier: Apache-2.0 */
/* Strings, numbers and words of JSON: RFC 8259, sections 3, 6 and 7, and Python's additions. */
#include "guest/scan/json_internal.h"

#include <errno.h>
#include <string.h>

/* --- strings -------------------------------------------------------------------------------------------- */

static int flush(struct json *json, const char *bytes, size_t size)
{
    struct json_event event = json->event;

    if (json->visitor->piece == NULL || size == 0)
        return 0;
    event.json = json;
    event.text = "";
    event.text_size = 0;
    return json->visitor->piece(json->visitor->argument, &event, bytes, size, json->err);
}

static MUST_USE int put_more(struct json *json, struct json_buffer *out, const char *bytes, size_t size)
{
    size_t fits = sizeof out->bytes - 1 - out->size;
    int r;

    if (!out->cut) {
        memcpy(out->bytes + out->size, bytes, fits);
        out->size += fits;
        out->cut = true;
        bytes += fits;
        size -= fits;
        if (out == &json->text && (r = flush(json, out->bytes, out->size)) != 0)
            return r;
    }
    if (out != &json->text)
        return 0; /* a key's end is dropped */
    while (size > 0) {
        size_t part = size < JSON_SPILL_MAX - json->spilled ? size : JSON_SPILL_MAX - json->spilled;

        memcpy(json->spill + json->spilled, bytes, part);
        json->spilled += part;
        bytes += part;
        size -= part;
        if (json->spilled == JSON_SPILL_MAX) {
            json->spilled = 0;
            r = flush(json, json->spill, JSON_SPILL_MAX);
            if (r != 0)
                return r;
        }
    }
    return 0;
}

static inline MUST_USE int put(struct json *json, struct json_buffer *out, const char *bytes, size_t size)
{
    if (size > sizeof out->bytes - 1 - out->size || out->cut)
        return put_more(json, out, bytes, size);
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
    return 0;
}

static MUST_USE int put_code(struct json *json, struct json_buffer *out, uint32_t code)
{
    char bytes[4];

    return put(json, out, bytes, json_chars_encode(code, bytes));
}

/* Ordinary bytes of UTF-8 as far as the view holds them, all at once. */
static MUST_USE int put_span(struct json *json, struct json_buffer *out)
{
    struct reader *reader = json->chars.reader;
    const uint8_t *from, *end;
    size_t size;

    if (json->chars.encoding != JSON_IN_UTF8 || json->chars.loaded)
        return 0;
    from = reader->bytes + reader->used;
    size = reader->size - reader->used;
    for (end = from; size > 0 && *end != '"' && *end != '\\' && *end >= ' '; end++)
        size--;
    reader->used += (size_t)(end - from);
    return put(json, out, (const char *)from, (size_t)(end - from));
}

static MUST_USE int read_hex4(struct json *json, uint32_t *ret_code)
{
    uint32_t code = 0, c;

    for (unsigned i = 0; i < 4; i++) {
        int r = json_peek(json, &c);

        if (r < 0)
            return r;
        if (c >= '0' && c <= '9')
            c -= '0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            c = (c | 0x20) - 'a' + 10;
        else
            return json_bad(json, "an escape has no four hexadecimal digits");
        code = code << 4 | c;
        json_chars_take(&json->chars);
    }
    *ret_code = code;
    return 0;
}

/* Behind "\u": the code, with a following low surrogate where this is a high one. A code that is no pair's waits. */
static MUST_USE int read_escaped_code(struct json *json, struct json_buffer *out, bool *ret_again)
{
    uint32_t high, low, c;
    int r = read_hex4(json, &high);

    while (r == 0 && high >= 0xd800 && high < 0xdc00) {
        if ((r = json_peek(json, &c)) < 0)
            return r;
        if (c != '\\')
            break;
        json_chars_take(&json->chars);
        if ((r = json_peek(json, &c)) < 0)
            return r;
        if (c != 'u') { /* another escape, whose backslash is gone */
            *ret_again = true;
            break;
        }
        json_chars_take(&json->chars);
        if ((r = read_hex4(json, &low)) < 0)
            return r;
        if (low >= 0xdc00 && low < 0xe000)
            return put_code(json, out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        if ((r = put_code(json, out, high)) != 0)
            return r;
        high = low;
    }
    return r == 0 ? put_code(json, out, high) : r;
}

/* Behind a backslash. */
static MUST_USE int read_escape(struct json *json, struct json_buffer *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    bool again = true;
    int r = 0;

    while (r == 0 && again) {
        const char *at;
        uint32_t c;

        again = false;
        r = json_peek(json, &c);
        if (r < 0)
            return r;
        at = c < 0x80 && c != 0 ? strchr(from, (int)c) : NULL;
        if (at == NULL && c != 'u')
            return json_bad(json, "an escape is unknown");
        json_chars_take(&json->chars);
        r = at != NULL ? put(json, out, to + (at - from), 1) : read_escaped_code(json, out, &again);
    }
    return r;
}

/* Behind the opening quote, to the closing one. */
int json_read_string(struct json *json, struct json_buffer *out)
{
    uint32_t c;
    int r;

    out->size = 0;
    out->cut = false;
    json->spilled = 0;
    for (;;) {
        r = put_span(json, out);
        if (r != 0 || (r = json_peek(json, &c)) < 0)
            return r;
        if (c == JSON_END)
            return json_bad(json, "a string is open where the text ends");
        if (c < ' ' && (json->options & JSON_LENIENT) == 0)
            return json_bad(json, "a string holds a control character");
        json_chars_take(&json->chars);
        if (c == '"')
            break;
        if (c == '\\')
            r = read_escape(json, out);
        else if (json->chars.encoding == JSON_IN_UTF8)
            r = put(json, out, &(char){(char)c}, 1); /* a byte */
        else
            r = put_code(json, out, c);
        if (r != 0)
            return r;
    }
    out->bytes[out->size] = '\0';
    return out->cut && out == &json->text ? flush(json, json->spill, json->spilled) : 0;
}

/* --- numbers and words ---------------------------------------------------------------------------------- */

/* Takes characters of a set into the text; counts them. */
static MUST_USE int take_set(struct json *json, const char *set, uint64_t most, uint64_t *ret_count)
{
    uint64_t count = 0;
    uint32_t c;
    int r = 0;

    while (count < most && (r = json_peek(json, &c)) == 0 && c < 0x80 && c != 0 && strchr(set, (int)c) != NULL) {
        r = put_code(json, &json->text, c);
        if (r != 0)
            return r;
        json_chars_take(&json->chars);
        count++;
    }
    if (r == 0)
        *ret_count = count;
    return r;
}

int json_take_word(struct json *json, const char *word)
{
    for (; *word != '\0'; word++) {
        uint32_t c;
        int r = json_peek(json, &c);

        if (r < 0)
            return r;
        if (c != (uint8_t)*word)
            return json_bad(json, "a value is malformed");
        json_chars_take(&json->chars);
        r = put_code(json, &json->text, c);
        if (r != 0)
            return r;
    }
    return 0;
}

/* section 6: [ minus ] int [ frac ] [ exp ]; Python's -Infinity too. */
int json_read_number(struct json *json)
{
    static const char digits[] = "0123456789";
    uint64_t count = 0, sign;
    uint32_t c;
    int r = take_set(json, "-", 1, &sign);

    if (r != 0 || (r = json_peek(json, &c)) < 0)
        return r;
    if (c == 'I' && sign == 1)
        return json_take_word(json, "Infinity");
    r = take_set(json, c == '0' ? "0" : digits, c == '0' ? 1 : UINT64_MAX, &count);
    if (r == 0 && count == 0)
        return json_bad(json, "a value is malformed");
    if (r == 0)
        r = take_set(json, ".", 1, &count);
    if (r == 0 && count == 1) {
        r = take_set(json, digits, UINT64_MAX, &count);
        if (r == 0 && count == 0)
            return json_bad(json, "a number has no digits behind its point");
    }
    if (r == 0)
        r = take_set(json, "eE", 1, &count);
    if (r == 0 && count == 1) {
        r = take_set(json, "+-", 1, &sign);
        if (r == 0)
            r = take_set(json, digits, UINT64_MAX, &count);
        if (r == 0 && count == 0)
            return json_bad(json, "a number has no digits in its exponent");
    }
    return r;
}
