/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is cheaply read of a function's bytecode: the names and short texts in it.
 *
 * Of marshal's format (CPython's Python/marshal.c) only the short strings are looked for: 'z' or 'Z', perhaps with the
 * bit FLAG_REF, a byte of length, and that many printable characters. It is for people to read, and judges nothing.
 */
#include "guest/scan/keras/keras_internal.h"

#include <string.h>

#define DECODED_MAX 4096u

static int value_of(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

    return at != NULL ? (int)(at - alphabet) : -1;
}

/* Base64 as Python's decodes it: what is not of the alphabet is passed over. */
static size_t decode(const char *code, size_t size, uint8_t decoded[DECODED_MAX])
{
    uint32_t bits = 0, count = 0;
    size_t used = 0;

    for (size_t i = 0; i < size && used < DECODED_MAX; i++) {
        int value = value_of(code[i]);

        if (value < 0)
            continue;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            decoded[used++] = (uint8_t)(bits >> count);
        }
    }
    return used;
}

static bool is_printable(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < ' ' || bytes[i] > '~')
            return false;
    return true;
}

static void add(struct keras_text *mentions, const uint8_t *bytes, size_t size)
{
    size_t blank = mentions->size > 0 ? 2 : 0;

    if (mentions->size + blank + size > sizeof mentions->bytes)
        return;
    memcpy(mentions->bytes + mentions->size, ", ", blank);
    memcpy(mentions->bytes + mentions->size + blank, bytes, size);
    mentions->size = (uint16_t)(mentions->size + blank + size);
}

void keras_mentions(const char *code, size_t size, struct keras_text *ret_mentions)
{
    uint8_t decoded[DECODED_MAX];
    size_t used = decode(code, size, decoded);

    memset(ret_mentions, 0, sizeof *ret_mentions);
    ret_mentions->given = true;
    for (size_t i = 0; i + 2 < used; i++) {
        uint8_t type = decoded[i] & 0x7f, length = decoded[i + 1];

        if ((type != 'z' && type != 'Z') || length < 2 || length > used - i - 2 ||
            !is_printable(decoded + i + 2, length))
            continue;
        add(ret_mentions, decoded + i + 2, length);
        i += 1u + length;
    }
}
