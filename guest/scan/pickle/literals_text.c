/* SPDX-License-Identifier: Apache-2.0 */
/* Strings as CPython reads them. */
#include "guest/scan/pickle/literals.h"

#include <errno.h>
#include <string.h>

/* --- UTF-8 (RFC 3629, section 4; with CPython's surrogatepass, lone surrogates too) --------------------- */

int literal_utf8_feed(struct literal_utf8 *utf8, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];

        if (utf8->left > 0) {
            if (byte < utf8->low || byte > utf8->high)
                return -EINVAL;
            utf8->low = 0x80;
            utf8->high = 0xbf;
            utf8->left--;
            continue;
        }
        while (size - i >= 8) { /* most text is ASCII */
            uint64_t word;

            memcpy(&word, bytes + i, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) != 0)
                break;
            i += 8;
        }
        if (i == size)
            break;
        byte = bytes[i];
        if (byte < 0x80)
            continue;
        if (byte < 0xc2 || byte > 0xf4)
            return -EINVAL;
        utf8->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
        utf8->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
        utf8->high = byte == 0xed && utf8->no_surrogates ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    }
    return 0;
}

bool literal_is_utf8(const uint8_t *bytes, size_t size, bool surrogates)
{
    struct literal_utf8 utf8 = {.no_surrogates = !surrogates};

    return literal_utf8_feed(&utf8, bytes, size) == 0 && utf8.left == 0;
}

bool literal_is_ascii(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] >= 0x80)
            return false;
    return true;
}

/* --- escapes ---------------------------------------------------------------------------------------------- */

struct output {
    uint8_t *bytes;
    size_t capacity, used;
    bool ascii;
};

static void put_byte(struct output *output, unsigned byte)
{
    output->ascii &= byte < 0x80;
    if (output->used < output->capacity)
        output->bytes[output->used++] = (uint8_t)byte;
}

static void put_point(struct output *output, uint32_t point)
{
    if (point < 0x80) {
        put_byte(output, point);
        return;
    }
    if (point < 0x800) {
        put_byte(output, 0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            put_byte(output, 0xe0 | point >> 12);
        } else {
            put_byte(output, 0xf0 | point >> 18);
            put_byte(output, 0x80 | (point >> 12 & 0x3f));
        }
        put_byte(output, 0x80 | (point >> 6 & 0x3f));
    }
    put_byte(output, 0x80 | (point & 0x3f));
}

/* Exactly `count` hexadecimal digits. */
static bool read_hex(const uint8_t *bytes, size_t left, unsigned count, uint32_t *ret_value)
{
    uint32_t value = 0;

    if (left < count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        uint8_t byte = bytes[i], letter = byte | 0x20;

        if (byte >= '0' && byte <= '9')
            value = value << 4 | (uint32_t)(byte - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value << 4 | (uint32_t)(letter - 'a' + 10);
        else
            return false;
    }
    *ret_value = value;
    return true;
}

/* What stands behind a backslash of a STRING (PyBytes_DecodeEscape): how many bytes it takes, -EINVAL. */
static int read_escape(const uint8_t *bytes, size_t left, struct output *output)
{
    static const char letters[] = "\\\\''\"\"b\bf\ft\tn\nr\rv\va\a";
    uint32_t value = 0;
    int count = 0;

    for (size_t i = 0; i + 1 < sizeof letters; i += 2)
        if (bytes[0] == (uint8_t)letters[i]) {
            put_byte(output, (uint8_t)letters[i + 1]);
            return 1;
        }
    if (bytes[0] == 'x') {
        if (!read_hex(bytes + 1, left - 1, 2, &value))
            return -EINVAL;
        put_byte(output, value);
        return 3;
    }
    while (count < 3 && (size_t)count < left && bytes[count] >= '0' && bytes[count] <= '7')
        value = value << 3 | (uint32_t)(bytes[count++] - '0');
    put_byte(output, count > 0 ? value & 0xff : '\\'); /* an unknown one stays as it is, with its backslash */
    return count;
}

int literal_string(const uint8_t *line, size_t size, void *ret_bytes, size_t capacity, size_t *ret_size,
                   bool *ret_ascii)
{
    struct output output = {.bytes = ret_bytes, .capacity = capacity, .ascii = true};

    size--; /* the newline */
    if (size < 2 || line[0] != line[size - 1] || (line[0] != '\'' && line[0] != '"'))
        return -EINVAL;
    for (size_t i = 1; i < size - 1;) {
        int taken;

        if (line[i] != '\\') {
            put_byte(&output, line[i++]);
            continue;
        }
        if (++i == size - 1)
            return -EINVAL; /* a backslash at the end */
        taken = read_escape(line + i, size - 1 - i, &output);
        if (taken < 0)
            return taken;
        i += (size_t)taken;
    }
    *ret_size = output.used;
    *ret_ascii = output.ascii;
    return 0;
}

int literal_unicode(const uint8_t *line, size_t size, void *ret_bytes, size_t capacity, size_t *ret_size)
{
    struct output output = {.bytes = ret_bytes, .capacity = capacity};

    size--;
    for (size_t i = 0; i < size;) {
        unsigned digits;
        uint32_t point;

        if (line[i] != '\\' || i + 1 == size) {
            put_point(&output, line[i++]); /* Latin-1 */
            continue;
        }
        digits = line[i + 1] == 'u' ? 4 : line[i + 1] == 'U' ? 8 : 0;
        if (digits == 0) {
            put_point(&output, '\\');
            put_point(&output, line[i + 1]);
            i += 2;
            continue;
        }
        if (!read_hex(line + i + 2, size - i - 2, digits, &point) || point > 0x10ffff)
            return -EINVAL;
        put_point(&output, point);
        i += 2 + digits;
    }
    *ret_size = output.used;
    return 0;
}
