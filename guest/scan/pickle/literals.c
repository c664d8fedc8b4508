/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as CPython reads them. */
#include "guest/scan/pickle/literals.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INT_DIGITS_MAX 4300u /* sys.int_info.default_max_str_digits */
#define FLOAT_LINE_MAX 512u  /* of the digits that are looked at for an overflow */

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'z' ? byte - 'a' + 10 : 99;
}

/* The text up to a NUL, as C sees it; `at` never passes `size`, where it reads as NUL. */
struct text_at {
    const uint8_t *bytes;
    size_t size, at;
};

static uint8_t peek(const struct text_at *text, size_t ahead)
{
    return text->at + ahead < text->size ? text->bytes[text->at + ahead] : 0;
}

struct digits {
    uint64_t magnitude;
    bool overflow, underscore, zero;
    size_t count;
};

/* Digits with single underscores between them; -EINVAL where there are none, or an underscore stands wrong. */
static int read_digits(struct text_at *text, int base, bool underscores, struct digits *ret_digits)
{
    struct digits digits = {.zero = true};
    uint8_t last = '_';

    for (;; text->at++) {
        uint8_t byte = peek(text, 0);
        int digit = digit_of(byte);

        if (byte == '_' && underscores) {
            if (last == '_')
                return -EINVAL;
            digits.underscore = true;
        } else if (digit < base) {
            digits.count++;
            digits.zero &= digit == 0;
            if (__builtin_mul_overflow(digits.magnitude, (uint64_t)base, &digits.magnitude) ||
                __builtin_add_overflow(digits.magnitude, (uint64_t)digit, &digits.magnitude))
                digits.overflow = true;
        } else {
            break;
        }
        last = byte;
    }
    if (last == '_')
        return -EINVAL;
    *ret_digits = digits;
    return 0;
}

static bool fits(const struct digits *digits, bool negative, int64_t *ret_value)
{
    uint64_t limit = (uint64_t)INT64_MAX + negative;

    if (digits->overflow || digits->magnitude > limit)
        return false;
    *ret_value = negative ? (int64_t)(0 - digits->magnitude) : (int64_t)digits->magnitude;
    return true;
}

static bool read_sign(struct text_at *text)
{
    uint8_t sign = peek(text, 0);

    text->at += sign == '-' || sign == '+';
    return sign == '-';
}

/* The base that a prefix means, for base 0; moves past it. */
static int read_prefix(struct text_at *text)
{
    uint8_t second = peek(text, 1) | 0x20;
    int base = peek(text, 0) != '0' ? 10 : second == 'x' ? 16 : second == 'o' ? 8 : second == 'b' ? 2 : 10;

    if (base != 10)
        text->at += 2;
    return base;
}

/* PyLong_FromString(text, NULL, base), base 0 or 10 (Objects/longobject.c). */
static int python_int(struct text_at text, int base, struct literal_int *ret_int)
{
    struct literal_int number = {0};
    struct digits digits;
    bool negative, no_more;

    while (is_space(peek(&text, 0)))
        text.at++;
    negative = read_sign(&text);
    no_more = base == 0 && peek(&text, 0) == '0'; /* "012" is nothing, "00" is zero */
    if (base == 0)
        base = read_prefix(&text);
    if (base != 10) {
        no_more = false;
        number.odd = true;
        text.at += peek(&text, 0) == '_';
    }
    if (read_digits(&text, base, true, &digits) < 0 || (no_more && !digits.zero))
        return -EINVAL;
    while (is_space(peek(&text, 0)))
        text.at++;
    if (peek(&text, 0) != 0)
        return -EINVAL;
    number.too_long = base == 10 && digits.count > INT_DIGITS_MAX;
    number.odd |= digits.underscore || number.too_long;
    number.fits = fits(&digits, negative, &number.value);
    *ret_int = number;
    return 0;
}

/* strtol(text, &end, 0): false where it overflows, or stops before the line's end (or a NUL). */
static bool c_long(struct text_at text, struct literal_int *ret_int)
{
    struct literal_int number = {.fits = true};
    struct digits digits = {.zero = true};
    bool negative;
    int base = 10;

    while (is_space(peek(&text, 0)))
        text.at++;
    negative = read_sign(&text);
    if (peek(&text, 0) == '0') {
        bool hex = (peek(&text, 1) | 0x20) == 'x' && digit_of(peek(&text, 2)) < 16;

        base = hex ? 16 : 8;
        text.at += hex ? 2 : 0;
        number.odd = hex || digit_of(peek(&text, 1)) < 8;
    }
    if (read_digits(&text, base, false, &digits) < 0) {
        text.at = 0; /* no number: strtol says 0, and stops where it began */
        digits = (struct digits){0};
    }
    if (peek(&text, 0) != '\n' && peek(&text, 0) != 0)
        return false;
    if (!fits(&digits, negative, &number.value))
        return false;
    *ret_int = number;
    return true;
}

int literal_int(const uint8_t *line, size_t size, struct literal_int *ret_int)
{
    struct text_at text = {.bytes = line, .size = size};

    if (!c_long(text, ret_int))
        return python_int(text, 0, ret_int);
    ret_int->is_bool = size == 3 && (ret_int->value == 0 || ret_int->value == 1);
    if (size == 3 && ret_int->is_bool)
        ret_int->odd = false; /* I00 and I01: bools before protocol 2 */
    return 0;
}

int literal_long(const uint8_t *line, size_t size, struct literal_int *ret_int)
{
    struct text_at text = {.bytes = line, .size = size};

    if (size >= 2 && line[size - 2] == 'L')
        text.size = size - 2; /* the L becomes a NUL */
    return python_int(text, 0, ret_int);
}

int literal_index(const uint8_t *line, size_t size, int64_t *ret_index)
{
    struct literal_int number;
    int r = python_int((struct text_at){.bytes = line, .size = size}, 10, &number);

    if (r < 0 || !number.fits)
        return -EINVAL;
    *ret_index = number.value;
    return 0;
}

/* Case-insensitive; moves past it. */
static bool read_word(struct text_at *text, const char *word)
{
    size_t size = strlen(word);

    for (size_t i = 0; i < size; i++)
        if ((peek(text, i) | 0x20) != word[i])
            return false;
    text->at += size;
    return true;
}

static size_t skip_digits(struct text_at *text)
{
    size_t first = text->at;

    while (digit_of(peek(text, 0)) < 10)
        text->at++;
    return text->at - first;
}

/* Whether a finite number overflows: OverflowError. One too long to tell does not. */
static bool float_overflows(const uint8_t *bytes, size_t size)
{
    char copy[FLOAT_LINE_MAX];

    if (size >= sizeof copy)
        return false;
    memcpy(copy, bytes, size);
    copy[size] = '\0';
    return isinf(strtod(copy, NULL)) != 0;
}

/* PyOS_string_to_double: no blanks, no underscores, no hexadecimal (Python/pystrtod.c). */
int literal_float(const uint8_t *line, size_t size)
{
    struct text_at text = {.bytes = line, .size = size};
    size_t first, digits;
    bool finite = true;

    (void)read_sign(&text);
    first = text.at;
    digits = skip_digits(&text);
    if (peek(&text, 0) == '.') {
        text.at++;
        digits += skip_digits(&text);
    }
    if (digits == 0) {
        text.at = first;
        finite = false;
        if (!read_word(&text, "infinity") && !read_word(&text, "inf") && !read_word(&text, "nan"))
            return -EINVAL;
    } else if ((peek(&text, 0) | 0x20) == 'e') {
        struct text_at exponent = text;

        exponent.at++;
        (void)read_sign(&exponent);
        if (skip_digits(&exponent) > 0)
            text = exponent;
    }
    if (peek(&text, 0) != '\n' && peek(&text, 0) != 0)
        return -EINVAL;
    return finite && float_overflows(line, text.at) ? -EINVAL : 0;
}
