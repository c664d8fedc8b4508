/* SPDX-License-Identifier: Apache-2.0 */
/* Words and marks of a text in any language; see code_text.h. */
#ifndef LAZARET_GUEST_SCAN_CODE_LEXER_H
#define LAZARET_GUEST_SCAN_CODE_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_WORD_MAX 31u /* bytes of a word that are kept; no word of the table is longer */

struct code_token {
    char text[CODE_WORD_MAX + 1]; /* a word, or one mark; "\x80" for anything beyond ASCII */
    uint32_t offset;              /* of its first byte in the text */
    bool word;
    bool after_blank, after_line; /* what stands between it and the token before; a line's end is a blank too */
};

struct code_lexer {
    const uint8_t *bytes;
    size_t size, used;
    uint32_t escapes; /* characters that were written as \xNN, \uNNNN or octal */
};

/*
 * The next token; false at the end. Escapes are read as what they stand for, fullwidth and mathematical letters as
 * the letters that Python takes them for, and a word's literals put together by + or side by side are one word.
 */
bool code_lexer_next(struct code_lexer *lexer, struct code_token *ret_token);

#endif
