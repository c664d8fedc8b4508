/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of any kind as text that can be seen. */
#include "host/report/visible.h"

#include "host/attest/text.h"

#include <string.h>

#define PIECE_MAX ((size_t)4096) /* of the text, copied to give it an end */

/* The bytes up to the next that text_escape can't be given or would leave: a NUL, or a noncharacter. */
static size_t plain_size(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0')
            return i;
        if (size - i >= 3 && memcmp(text + i, "\xef\xbf", 2) == 0 && ((unsigned char)text[i + 2] & 0xfe) == 0xbe)
            return i;
    }
    return size;
}

/* A piece ends before a character that it would cut. */
static size_t piece_size(const char *text, size_t size)
{
    size_t end = size < PIECE_MAX ? size : PIECE_MAX;

    for (unsigned back = 0; end < size && back < 3 && end > 1 && ((unsigned char)text[end] & 0xc0) == 0x80; back++)
        end--;
    return end;
}

static int append_piece(const char *text, size_t size, size_t length_max, struct buffer *ret_text)
{
    char piece[PIECE_MAX + 1];

    memcpy(piece, text, size);
    piece[size] = '\0';
    return text_escape(piece, length_max - ret_text->size, ret_text);
}

/* The length of what text_escape makes of the piece where there is room for all. */
static bool fits(const char *text, size_t size, size_t room)
{
    CLEANUP_BUFFER struct buffer whole = buffer_with_limit(4 * PIECE_MAX);

    return append_piece(text, size, 4 * PIECE_MAX, &whole) == 0 && whole.size <= room;
}

int visible_text(const char *text, size_t size, size_t length_max, struct buffer *ret_text, bool *ret_cut)
{
    bool cut = false;
    int r = 0;

    while (r == 0 && size > 0 && !cut) {
        size_t plain = plain_size(text, size);
        size_t count = plain > 0 ? piece_size(text, plain) : *text == '\0' ? 1 : 3;

        if (plain > 0) {
            cut = !fits(text, count, length_max - ret_text->size);
            r = append_piece(text, count, length_max, ret_text);
        } else if (4 * count > length_max - ret_text->size) {
            cut = true;
        } else {
            for (size_t i = 0; r == 0 && i < count; i++)
                r = buffer_append_format(ret_text, "\\x%02x", (unsigned char)text[i]);
        }
        text += count;
        size -= count;
    }
    *ret_cut = cut;
    return r;
}
