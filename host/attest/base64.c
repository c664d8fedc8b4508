/* SPDX-License-Identifier: Apache-2.0 */
/* Strict base64. */
#include "host/attest/base64.h"

#include "base/cursor.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(const void *data, size_t size, struct buffer *ret_text)
{
    struct cursor cursor = cursor_over(data, size);
    size_t count;
    int r = 0;

    while (r == 0 && (count = cursor_left(&cursor)) > 0) {
        uint8_t in[3] = {0};
        char out[4];

        count = count < sizeof in ? count : sizeof in;
        r = cursor_copy(&cursor, in, count);
        if (r < 0)
            return r;
        out[0] = alphabet[in[0] >> 2];
        out[1] = alphabet[(in[0] & 0x03) << 4 | in[1] >> 4];
        out[2] = count > 1 ? alphabet[(in[1] & 0x0f) << 2 | in[2] >> 6] : '=';
        out[3] = count > 2 ? alphabet[in[2] & 0x3f] : '=';
        r = buffer_append(ret_text, out, sizeof out);
    }
    return r;
}

static int sextet(uint8_t character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Decodes one group of four characters; only the last may be padded. */
static int decode_group(const uint8_t in[4], int is_last, uint8_t ret_bytes[3], size_t *ret_count)
{
    size_t count = 3;
    int bits[4];

    if (is_last && in[3] == '=')
        count = in[2] == '=' ? 1 : 2;
    for (size_t i = 0; i < 4; i++) {
        bits[i] = i <= count ? sextet(in[i]) : 0;
        if (bits[i] < 0)
            return -EBADMSG;
    }
    if ((count == 1 && (bits[1] & 0x0f) != 0) || (count == 2 && (bits[2] & 0x03) != 0))
        return -EBADMSG;
    ret_bytes[0] = (uint8_t)(bits[0] << 2 | bits[1] >> 4);
    ret_bytes[1] = (uint8_t)((bits[1] & 0x0f) << 4 | bits[2] >> 2);
    ret_bytes[2] = (uint8_t)((bits[2] & 0x03) << 6 | bits[3]);
    *ret_count = count;
    return 0;
}

int base64_decode(const char *text, size_t size, struct buffer *ret_data)
{
    struct cursor cursor = cursor_over(text, size);
    uint8_t group[4], bytes[3];
    size_t count = 0;
    int r = size % 4 == 0 ? 0 : -EBADMSG;

    while (r == 0 && cursor_left(&cursor) > 0) {
        r = cursor_copy(&cursor, group, sizeof group);
        if (r == 0)
            r = decode_group(group, cursor_left(&cursor) == 0, bytes, &count);
        if (r == 0)
            r = buffer_append(ret_data, bytes, count);
    }
    return r;
}
