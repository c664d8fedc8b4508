/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of a JSON text, one ahead, in the encodings that Python's json.loads tells apart. */
#ifndef LAZARET_GUEST_SCAN_JSON_CHARS_H
#define LAZARET_GUEST_SCAN_JSON_CHARS_H

#include "guest/scan/reader.h"

#define JSON_END UINT32_MAX /* as a character: there are no more */

enum json_encoding { JSON_IN_UTF8, JSON_IN_UTF16LE, JSON_IN_UTF16BE, JSON_IN_UTF32LE, JSON_IN_UTF32BE };

struct json_chars {
    struct reader *reader;
    enum json_encoding encoding;
    uint32_t ahead;  /* in UTF-8 a byte; else a code point */
    uint64_t offset; /* of `ahead` */
    bool loaded;
};

/* Finds the encoding (json/__init__.py, detect_encoding) unless it is known, and passes a byte-order mark. */
MUST_USE int json_chars_begin(struct json_chars *chars, struct reader *reader, bool is_utf8);

/* The next character, which stays; JSON_END behind the last. */
MUST_USE int json_chars_peek(struct json_chars *chars, uint32_t *ret_char);

static inline void json_chars_take(struct json_chars *chars)
{
    chars->loaded = false;
}

/* Puts the reader where the next character begins. */
void json_chars_settle(struct json_chars *chars);

/* Writes a code point as UTF-8, a lone surrogate too. Returns the bytes written, at most 4. */
size_t json_chars_encode(uint32_t code, char bytes[4]);

#endif
