/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and decoding runs of base64 and hexadecimal digits. */
#include "guest/scan/text/code_encoded.h"

/* The six bits of a digit of base64 in its own or the URL's alphabet; -1 for none. */
static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of digits of `bits` bits each. */
static size_t decode(const uint8_t *digits, size_t count, unsigned bits, int (*digit)(uint8_t), uint8_t *ret_bytes)
{
    uint32_t held = 0;
    unsigned have = 0;
    size_t length = 0;

    for (size_t i = 0; i < count && length < CODE_ENCODED_MAX; i++) {
        held = held << bits | (uint32_t)digit(digits[i]);
        have += bits;
        if (have < 8)
            continue;
        have -= 8;
        ret_bytes[length++] = (uint8_t)(held >> have);
    }
    return length;
}

/* Drops the zeros of UTF-16; whether the rest is ASCII text. Other than that, nothing is text by accident for long. */
static bool make_text(uint8_t *bytes, size_t *length)
{
    size_t kept = 0, zeros = 0;

    for (size_t i = 0; i < *length; i++) {
        uint8_t byte = bytes[i];

        if (byte == 0)
            zeros++;
        else if (byte > '~' || (byte < ' ' && byte != '\n' && byte != '\r' && byte != '\t'))
            return false;
        else
            bytes[kept++] = byte;
    }
    *length = kept;
    return kept >= CODE_ENCODED_MIN / 2 && (zeros <= 1 || zeros + 1 >= kept);
}

static bool decode_run(struct code_encoded *encoded, size_t first, size_t count, bool hex, size_t *ret_length)
{
    *ret_length = hex ? decode(encoded->bytes + first, count, 4, hex_digit, encoded->text)
                      : decode(encoded->bytes + first, count, 6, base64_digit, encoded->text);
    return make_text(encoded->text, ret_length);
}

bool code_encoded_next(struct code_encoded *encoded, size_t *ret_length)
{
    while (encoded->used < encoded->size) {
        size_t first = encoded->used, end = first, most = 4 * (CODE_ENCODED_MAX / 3);
        bool hex = true;

        while (end < encoded->size && end - first < most && base64_digit(encoded->bytes[end]) >= 0) {
            hex = hex && hex_digit(encoded->bytes[end]) >= 0;
            end++;
        }
        encoded->used = end > first ? end : first + 1;
        encoded->at = first;
        if (end - first < CODE_ENCODED_MIN)
            continue;
        if ((hex && decode_run(encoded, first, end - first, true, ret_length)) ||
            decode_run(encoded, first, end - first, false, ret_length))
            return true;
    }
    return false;
}
