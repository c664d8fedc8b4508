/* SPDX-License-Identifier: Apache-2.0 */
/* The lexer of code in any language. */
#include "guest/scan/text/code_lexer.h"

#include <string.h>

#define BEYOND_ASCII 0x80

static bool is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_quote(int c)
{
    return c == '"' || c == '\'' || c == '`';
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' || c == '\0';
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* A number of `digits` digits in base 16 or 8 at `at`; -1 where there is none. */
static int number_at(const struct code_lexer *lexer, size_t at, unsigned digits, int base)
{
    int value = 0;

    if (at + digits > lexer->size)
        return -1;
    for (unsigned i = 0; i < digits; i++) {
        int digit = hex_digit(lexer->bytes[at + i]);

        if (digit < 0 || digit >= base || value > 0x10ffff)
            return -1;
        value = value * base + digit;
    }
    return value;
}

/* The character after a backslash at `at`, and how long the whole is; a lone backslash is itself. */
static int escape_at(struct code_lexer *lexer, size_t at, size_t *ret_size)
{
    static const struct {
        char letter;
        uint8_t skip, digits, base;
    } kinds[] = {{'x', 2, 2, 16}, {'u', 2, 4, 16}, {'U', 2, 8, 16}, {'1', 1, 3, 8}, {'0', 1, 3, 8}};
    uint8_t letter = at + 1 < lexer->size ? lexer->bytes[at + 1] : 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int value =
            letter == kinds[i].letter ? number_at(lexer, at + kinds[i].skip, kinds[i].digits, kinds[i].base) : -1;

        if (value < 0)
            continue;
        *ret_size = (size_t)kinds[i].skip + kinds[i].digits;
        lexer->escapes++;
        return value < 0x80 ? value : BEYOND_ASCII;
    }
    *ret_size = 2;
    if (letter == 'n' || letter == 'r' || letter == '\n')
        return letter == '\n' ? ' ' : '\n';
    if (letter == 't')
        return '\t';
    if (is_quote(letter))
        return letter;
    *ret_size = 1;
    return '\\';
}

/* Beyond ASCII: fullwidth forms (U+FF01..FF5E) and mathematical letters (U+1D400..1D6A3), else one mark. */
static int wide_at(const struct code_lexer *lexer, size_t at, size_t *ret_size)
{
    const uint8_t *b = lexer->bytes + at;
    size_t left = lexer->size - at;

    *ret_size = 1;
    while (*ret_size < left && *ret_size < 4 && (b[*ret_size] & 0xc0) == 0x80)
        (*ret_size)++;
    if (*ret_size == 3 && b[0] == 0xef && (b[1] == 0xbc || b[1] == 0xbd)) {
        int point = (b[1] & 0x3f) << 6 | (b[2] & 0x3f); /* of U+F000 on: 0xf01..0xf5e */

        if (point >= 0xf01 && point <= 0xf5e)
            return point - 0xf01 + '!';
    }
    if (*ret_size == 4 && b[0] == 0xf0 && b[1] == 0x9d) {
        int point = ((b[2] & 0x3f) << 6 | (b[3] & 0x3f)) - 0x400;

        if (point >= 0 && point < 13 * 52)
            return point % 52 < 26 ? 'A' + point % 26 : 'a' + point % 52 - 26;
    }
    return BEYOND_ASCII;
}

/* The character at `at` as code means it, and the bytes it takes. */
static int char_at(struct code_lexer *lexer, size_t at, size_t *ret_size)
{
    uint8_t byte = lexer->bytes[at];

    if (byte == '\\')
        return escape_at(lexer, at, ret_size);
    if (byte >= 0x80)
        return wide_at(lexer, at, ret_size);
    *ret_size = 1;
    return byte;
}

/* Where a word goes on after "'+'" or "''" at `at`; `at` where it does not. */
static size_t joined_at(const struct code_lexer *lexer, size_t at)
{
    size_t i = at;
    bool plus = false;

    if (i >= lexer->size || !is_quote(lexer->bytes[i]))
        return at;
    for (i++; i < lexer->size && (lexer->bytes[i] == ' ' || (lexer->bytes[i] == '+' && !plus)); i++)
        plus |= lexer->bytes[i] == '+';
    if (i + 1 >= lexer->size || !is_quote(lexer->bytes[i]) || (!plus && i != at + 1))
        return at;
    if (!is_word(lexer->bytes[i + 1]) && lexer->bytes[i + 1] != '\\')
        return at;
    return i + 1;
}

static void take_word(struct code_lexer *lexer, struct code_token *token)
{
    size_t length = 0, size, next;

    while (lexer->used < lexer->size) {
        uint32_t escapes = lexer->escapes;
        int c = char_at(lexer, lexer->used, &size);

        if (!is_word(c)) {
            lexer->escapes = escapes; /* it is read again */
            next = joined_at(lexer, lexer->used);
            if (next == lexer->used)
                break;
            lexer->used = next;
            continue;
        }
        if (length < CODE_WORD_MAX)
            token->text[length++] = (char)c;
        lexer->used += size;
    }
    token->text[length] = '\0';
    token->word = true;
}

bool code_lexer_next(struct code_lexer *lexer, struct code_token *ret_token)
{
    struct code_token token = {.text = ""};

    while (lexer->used < lexer->size) {
        uint32_t escapes = lexer->escapes;
        size_t size;
        int c = char_at(lexer, lexer->used, &size);

        token.offset = (uint32_t)lexer->used;
        if (is_word(c)) {
            lexer->escapes = escapes;
            take_word(lexer, &token);
        } else {
            lexer->used += size;
            if (is_blank(c)) {
                token.after_blank = true;
                token.after_line |= c == '\n';
                continue;
            }
            token.text[0] = (char)c;
        }
        *ret_token = token;
        return true;
    }
    return false;
}
