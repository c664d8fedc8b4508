/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of a JSON text in five encodings. */
#include "guest/scan/text/json_chars.h"

#include <errno.h>
#include <string.h>

/* The pattern of NULs in the first bytes of an ASCII character (RFC 4627, section 3), as Python decides by it. */
static enum json_encoding encoding_by_nuls(const uint8_t *bytes, size_t size)
{
    if (size >= 4) {
        if (bytes[0] == 0)
            return bytes[1] != 0 ? JSON_IN_UTF16BE : JSON_IN_UTF32BE;
        if (bytes[1] == 0)
            return bytes[2] != 0 || bytes[3] != 0 ? JSON_IN_UTF16LE : JSON_IN_UTF32LE;
    } else if (size == 2) {
        if (bytes[0] == 0)
            return JSON_IN_UTF16BE;
        if (bytes[1] == 0)
            return JSON_IN_UTF16LE;
    }
    return JSON_IN_UTF8;
}

static enum json_encoding encoding_of(const uint8_t *bytes, size_t size, size_t *ret_mark)
{
    static const struct {
        uint8_t mark[4], size;
        enum json_encoding encoding;
    } marks[] = {
        {{0x00, 0x00, 0xfe, 0xff}, 4, JSON_IN_UTF32BE},
        {{0xff, 0xfe, 0x00, 0x00}, 4, JSON_IN_UTF32LE},
        {{0xfe, 0xff}, 2, JSON_IN_UTF16BE},
        {{0xff, 0xfe}, 2, JSON_IN_UTF16LE},
        {{0xef, 0xbb, 0xbf}, 3, JSON_IN_UTF8},
    };

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (size >= marks[i].size && memcmp(bytes, marks[i].mark, marks[i].size) == 0) {
            *ret_mark = marks[i].size;
            return marks[i].encoding;
        }
    *ret_mark = 0;
    return encoding_by_nuls(bytes, size);
}

int json_chars_begin(struct json_chars *chars, struct reader *reader, bool is_utf8)
{
    size_t mark, left;
    int r = reader_fill(reader, 4);

    if (r < 0 && r != -ENODATA)
        return r;
    left = reader->size - reader->used;
    *chars = (struct json_chars){.reader = reader};
    chars->encoding = encoding_of(reader->bytes + reader->used, left, &mark);
    if (is_utf8 && chars->encoding != JSON_IN_UTF8) {
        chars->encoding = JSON_IN_UTF8;
        mark = 0;
    }
    reader->used += mark;
    return 0;
}

static int read_unit(struct json_chars *chars, uint32_t *ret_unit)
{
    bool wide = chars->encoding >= JSON_IN_UTF32LE;
    size_t size = wide ? 4 : 2;
    const uint8_t *b;
    int r = reader_bytes(chars->reader, size, &b);

    if (r < 0)
        return r;
    switch (chars->encoding) {
    case JSON_IN_UTF16LE:
        *ret_unit = (uint32_t)b[0] | (uint32_t)b[1] << 8;
        break;
    case JSON_IN_UTF16BE:
        *ret_unit = (uint32_t)b[1] | (uint32_t)b[0] << 8;
        break;
    case JSON_IN_UTF32LE:
        *ret_unit = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        break;
    default:
        *ret_unit = (uint32_t)b[3] | (uint32_t)b[2] << 8 | (uint32_t)b[1] << 16 | (uint32_t)b[0] << 24;
        break;
    }
    return 0;
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* A code point of UTF-16 or UTF-32; a pair of surrogates is one, a lone one stays. */
static int read_wide(struct json_chars *chars, uint32_t *ret_char)
{
    uint64_t second;
    uint32_t high, low;
    int r = read_unit(chars, &high);

    if (r < 0)
        return r;
    if (high > 0x10ffff)
        return -EBADMSG;
    *ret_char = high;
    if (chars->encoding >= JSON_IN_UTF32LE || !is_high(high))
        return 0;
    second = reader_offset(chars->reader);
    r = read_unit(chars, &low);
    if (r == 0 && is_low(low)) {
        *ret_char = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return 0;
    }
    reader_seek(chars->reader, second);
    return r == -ENODATA ? 0 : r;
}

static int read_char(struct json_chars *chars, uint32_t *ret_char)
{
    uint8_t byte;
    int r;

    if (chars->encoding != JSON_IN_UTF8)
        return read_wide(chars, ret_char);
    r = reader_u8(chars->reader, &byte);
    if (r == 0)
        *ret_char = byte;
    return r;
}

int json_chars_peek(struct json_chars *chars, uint32_t *ret_char)
{
    int r = 0;

    if (!chars->loaded) {
        chars->offset = reader_offset(chars->reader);
        r = read_char(chars, &chars->ahead);
        if (r == -ENODATA) {
            /* Half a character is damage, not the end. */
            r = chars->reader->size > chars->reader->used ? -EBADMSG : 0;
            chars->ahead = JSON_END;
        }
        chars->loaded = r == 0;
    }
    if (r == 0)
        *ret_char = chars->ahead;
    return r;
}

void json_chars_settle(struct json_chars *chars)
{
    if (chars->loaded)
        reader_seek(chars->reader, chars->offset);
    chars->loaded = false;
}

size_t json_chars_encode(uint32_t code, char bytes[4])
{
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        bytes[0] = (char)(0xc0 | code >> 6);
        bytes[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        bytes[0] = (char)(0xe0 | code >> 12);
        bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    bytes[0] = (char)(0xf0 | code >> 18);
    bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
    bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
    bytes[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}
