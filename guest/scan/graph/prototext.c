/* SPDX-License-Identifier: Apache-2.0 */
/* Words and strings of protobuf's text format. */
#include "guest/scan/graph/prototext.h"

#include <string.h>

int prototext_peek(struct prototext *text)
{
    if (reader_fill(&text->reader, 1) < 0)
        return -1;
    return text->reader.bytes[text->reader.used];
}

int prototext_take(struct prototext *text)
{
    uint8_t byte;

    return reader_u8(&text->reader, &byte) == 0 ? byte : -1;
}

static bool is_word_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-' || c == '+' || c == '/';
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

static bool is_separator(int c)
{
    return c == ',' || c == ';';
}

static void skip(struct prototext *text, bool separators)
{
    for (;;) {
        int c = prototext_peek(text);

        if (c == '#')
            while (c >= 0 && c != '\n') {
                (void)prototext_take(text);
                c = prototext_peek(text);
            }
        else if (is_space(c) || (separators && is_separator(c)))
            (void)prototext_take(text);
        else
            return;
    }
}

void prototext_skip_blanks(struct prototext *text)
{
    skip(text, true);
}

void prototext_take_word(struct prototext *text)
{
    text->word_size = 0;
    while (is_word_byte(prototext_peek(text))) {
        int c = prototext_take(text);

        if (text->word_size < PROTOTEXT_WORD_MAX)
            text->word[text->word_size] = (char)c;
        text->word_size++;
    }
}

static int digit_of(int c, int base)
{
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;

    return digit < base ? digit : -1;
}

static void add_byte(struct prototext *text, unsigned byte)
{
    if (text->string_size < PROTOTEXT_STRING_MAX)
        text->string[text->string_size++] = (uint8_t)byte;
    text->string_whole++;
}

static unsigned take_digits(struct prototext *text, unsigned value, int base, unsigned count)
{
    for (unsigned i = 0; i < count && digit_of(prototext_peek(text), base) >= 0; i++)
        value = value * (unsigned)base + (unsigned)digit_of(prototext_take(text), base);
    return value;
}

/* Behind a backslash. A character beyond ASCII is written as UTF-8 of at most three bytes: none of them is looked at.
 */
static void take_escape(struct prototext *text)
{
    static const char plain[] = "abfnrtv", bytes[] = "\a\b\f\n\r\t\v";
    int c = prototext_take(text);
    const char *found = c > 0 ? strchr(plain, c) : NULL;
    unsigned value;

    if (found != NULL) {
        add_byte(text, (uint8_t)bytes[found - plain]);
    } else if (digit_of(c, 8) >= 0) {
        add_byte(text, take_digits(text, (unsigned)digit_of(c, 8), 8, 2) & 0xff);
    } else if (c == 'x' || c == 'X') {
        add_byte(text, take_digits(text, 0, 16, 2));
    } else if (c == 'u' || c == 'U') {
        value = take_digits(text, 0, 16, c == 'u' ? 4 : 8);
        if (value < 0x80) {
            add_byte(text, value);
        } else {
            add_byte(text, 0xe0 | (value >> 12 & 0x0f));
            add_byte(text, 0x80 | (value >> 6 & 0x3f));
            add_byte(text, 0x80 | (value & 0x3f));
        }
    } else if (c >= 0) {
        add_byte(text, (unsigned)c);
    }
}

void prototext_take_string(struct prototext *text)
{
    text->string_size = 0;
    text->string_whole = 0;
    text->string_offset = reader_offset(&text->reader);
    for (int quote = prototext_peek(text); quote == '"' || quote == '\''; quote = prototext_peek(text)) {
        (void)prototext_take(text);
        for (int c = prototext_take(text); c != quote; c = prototext_take(text)) {
            if (c < 0) {
                text->damaged = true;
                return;
            }
            if (c == '\\')
                take_escape(text);
            else
                add_byte(text, (unsigned)c);
        }
        skip(text, false); /* a comma would begin another */
    }
}
