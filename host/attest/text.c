/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text made harmless. */
#include "host/attest/text.h"

#include <string.h>

/*
 * The length of the UTF-8 character at `text` (RFC 3629, section 4), or 0 where there is none.
 * The final NUL ends a cut sequence, as it is no continuation byte.
 */
static size_t read_character(const unsigned char *text, unsigned *ret_point)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80         ? 1
                  : (text[0] >> 5) == 6  ? 2
                  : (text[0] >> 4) == 14 ? 3
                  : (text[0] >> 3) == 30 ? 4
                                         : 0;
    unsigned point;

    if (size < 2) {
        *ret_point = text[0];
        return size;
    }
    point = text[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (text[i] & 0x3fu);
    }
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *ret_point = point;
    return size;
}

/* Controls, separators and marks that change what a terminal or a reader sees around them. */
static bool is_harmful(unsigned point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) ||
           (point >= 0xe0000 && point <= 0xe0fff);
}

int text_escape(const char *text, size_t length_max, struct buffer *ret_text)
{
    const unsigned char *next = (const unsigned char *)text;
    size_t used = 0;
    int r = 0;

    while (r == 0 && *next != '\0') {
        unsigned point = 0;
        size_t size = read_character(next, &point);
        bool escape = size == 0 || is_harmful(point);
        size_t count = size > 0 ? size : 1;
        size_t cost = escape ? 4 * count : count;

        if (cost > length_max - used)
            break;
        used += cost;
        if (!escape)
            r = buffer_append(ret_text, next, count);
        for (size_t i = 0; escape && r == 0 && i < count; i++)
            r = buffer_append_format(ret_text, "\\x%02x", next[i]);
        next += count;
    }
    return r;
}

bool text_is_printable(const char *text)
{
    const unsigned char *next = (const unsigned char *)text;

    while (*next != '\0') {
        unsigned point = 0;
        size_t size = read_character(next, &point);

        if (size == 0 || is_harmful(point))
            return false;
        next += size;
    }
    return true;
}
