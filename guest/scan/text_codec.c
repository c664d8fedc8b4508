/* SPDX-License-Identifier: Apache-2.0 */
/* Decoders of bytes that are written as text. */
#include "guest/scan/text_codec.h"

#include <stdbool.h>
#include <string.h>

#define PREFIX_MAX 128u /* bytes in which "base64," is looked for */

static bool is_blank(uint8_t byte)
{
    return byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t';
}

static int base64_value(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' || byte == '-' ? 62 : byte == '/' || byte == '_' ? 63 : -1;
}

static int base32_value(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    return byte >= '2' && byte <= '7' ? byte - '2' + 26 : -1;
}

static int hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

struct alphabet {
    int (*value)(uint8_t byte);
    unsigned bits; /* of a character */
};

static const struct alphabet alphabets[TEXT_CODEC_COUNT] = {
    [TEXT_BASE64] = {base64_value, 6}, [TEXT_BASE32] = {base32_value, 5}, [TEXT_HEX] = {hex_value, 4}};

/* Characters that make up bytes together; at most `most` bytes. *ret_chars: how many characters were the alphabet's. */
static size_t decode_digits(const struct alphabet *alphabet, const uint8_t *text, size_t size, uint8_t *ret_bytes,
                            size_t most, size_t *ret_chars)
{
    size_t used = 0, chars = 0;
    uint32_t held = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < size && used < most; i++) {
        int value = alphabet->value(text[i]);

        if (value < 0 && is_blank(text[i]))
            continue;
        if (value < 0)
            break;
        chars++;
        held = held << alphabet->bits | (uint32_t)value;
        bits += alphabet->bits;
        if (bits >= 8) {
            bits -= 8;
            ret_bytes[used++] = (uint8_t)(held >> bits);
        }
    }
    *ret_chars = chars;
    return used;
}

/* One escape after a backslash (Python's language reference, "String and Bytes literals"); bytes it takes, 0 for none.
 */
static size_t decode_escape(const uint8_t *text, size_t size, uint8_t *ret_byte)
{
    static const char names[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    const char *name;
    unsigned value = 0;
    size_t used = 0;

    if (size >= 3 && text[0] == 'x' && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0) {
        *ret_byte = (uint8_t)(hex_value(text[1]) * 16 + hex_value(text[2]));
        return 3;
    }
    while (used < size && used < 3 && text[used] >= '0' && text[used] <= '7')
        value = value * 8 + (unsigned)(text[used++] - '0');
    if (used > 0) {
        *ret_byte = (uint8_t)value;
        return used;
    }
    name = size > 0 && text[0] != '\0' ? strchr(names, text[0]) : NULL;
    if (name == NULL)
        return 0;
    *ret_byte = (uint8_t)values[name - names];
    return 1;
}

static size_t decode_escapes(const uint8_t *text, size_t size, uint8_t *ret_bytes, size_t most)
{
    size_t used = 0;

    for (size_t i = 0; i < size && used < most;) {
        size_t taken = text[i] == '\\' ? decode_escape(text + i + 1, size - i - 1, &ret_bytes[used]) : 0;

        if (taken == 0)
            ret_bytes[used] = text[i];
        i += 1 + taken;
        used++;
    }
    return used;
}

static size_t decode_latin1(const uint8_t *text, size_t size, uint8_t *ret_bytes, size_t most)
{
    size_t used = 0;

    for (size_t i = 0; i < size && used < most; used++) {
        if (text[i] < 0x80) {
            ret_bytes[used] = text[i++];
        } else {
            if ((text[i] != 0xc2 && text[i] != 0xc3) || i + 1 == size || (text[i + 1] & 0xc0) != 0x80)
                break;
            ret_bytes[used] = (uint8_t)((text[i] & 0x03) << 6 | (text[i + 1] & 0x3f));
            i += 2;
        }
    }
    return used;
}

/* Passes over what may stand before: "data:...;base64,", "b'" or a quote before escapes, "0x" before digits. */
static size_t prefix_of(enum text_codec codec, const uint8_t *text, size_t size)
{
    static const char marker[] = "base64,";
    size_t near = size < PREFIX_MAX ? size : PREFIX_MAX, at = 0;

    if (codec == TEXT_BASE64 && size > 5 && memcmp(text, "data:", 5) == 0) {
        const uint8_t *found = memmem(text, near, marker, sizeof marker - 1);

        return found != NULL ? (size_t)(found - text) + sizeof marker - 1 : 0;
    }
    if (codec == TEXT_HEX && size > 2 && text[0] == '0' && (text[1] | 0x20) == 'x')
        return 2;
    if (codec == TEXT_BASE64 || codec == TEXT_ESCAPES) {
        at += size > 1 && text[0] == 'b' && (text[1] == '\'' || text[1] == '"');
        at += size > at && (text[at] == '\'' || text[at] == '"');
    }
    return at;
}

static size_t decode(enum text_codec codec, const uint8_t *text, size_t size, uint8_t *ret_bytes, size_t most,
                     size_t *ret_chars)
{
    size_t skip = prefix_of(codec, text, size);

    text += skip;
    size -= skip;
    *ret_chars = size;
    if (codec == TEXT_ESCAPES)
        return decode_escapes(text, size, ret_bytes, most);
    if (codec == TEXT_LATIN1)
        return decode_latin1(text, size, ret_bytes, most);
    return decode_digits(&alphabets[codec], text, size, ret_bytes, most, ret_chars);
}

/* Whether a text begins in a way in which only the codec's do. */
static bool begins(enum text_codec codec, const uint8_t *text, size_t size)
{
    size_t skip = prefix_of(codec, text, size);

    text += skip;
    size -= skip;
    if (codec == TEXT_ESCAPES) { /* an escape early on, as the first bytes of binary formats have */
        for (size_t i = 0; i + 3 < size && i < TEXT_CODEC_CHARS; i++)
            if (text[i] == '\\' && text[i + 1] == 'x' && hex_value(text[i + 2]) >= 0 && hex_value(text[i + 3]) >= 0)
                return true;
        return false;
    }
    if (codec == TEXT_LATIN1)
        for (size_t i = 0; i + 1 < size && i < 4; i++)
            if (text[i] == 0xc2 || text[i] == 0xc3)
                return (text[i + 1] & 0xc0) == 0x80;
    return codec != TEXT_LATIN1;
}

const char *text_codec_name(enum text_codec codec)
{
    static const char *const names[TEXT_CODEC_COUNT] = {[TEXT_BASE64] = "base64",
                                                        [TEXT_BASE32] = "base32",
                                                        [TEXT_HEX] = "hexadecimal",
                                                        [TEXT_ESCAPES] = "escapes",
                                                        [TEXT_LATIN1] = "latin-1"};

    return names[codec];
}

size_t text_codec_peek(enum text_codec codec, const uint8_t *text, size_t size, uint8_t ret_bytes[TEXT_CODEC_PEEK])
{
    size_t chars, got;

    if (!begins(codec, text, size))
        return 0;
    got = decode(codec, text, size, ret_bytes, TEXT_CODEC_PEEK, &chars);
    if (codec == TEXT_BASE64 || codec == TEXT_BASE32 || codec == TEXT_HEX)
        return chars >= (size < TEXT_CODEC_CHARS ? size : TEXT_CODEC_CHARS) ? got : 0;
    return got;
}

size_t text_codec_decode(enum text_codec codec, const uint8_t *text, size_t size, uint8_t *ret_bytes)
{
    size_t chars;

    return decode(codec, text, size, ret_bytes, size, &chars);
}
