/* SPDX-License-Identifier: Apache-2.0 */
/* The token sequences by which text is known as code that acts, of every language; see code_text.h. */
#ifndef LAZARET_GUEST_SCAN_CODE_PATTERNS_H
#define LAZARET_GUEST_SCAN_CODE_PATTERNS_H

#include "guest/scan/text/code_text.h"

#include <stddef.h>

/*
 * Tokens are separated by one space, and match on one line:
 *   a,b    either; w* a word that begins so; * any word
 *   "      any quote, on this line or the next
 *   ~      anything but ")", on this line or the next
 *   ...    up to CODE_GAP_MAX tokens of the line
 *   +t     t without a blank before it
 * The table is sorted by its first character (in lower case), which is never an alternative or a wildcard.
 */
struct code_pattern {
    const char *tokens;
    const char *what;
    enum code_text judged;
    unsigned flags;
};

#define CODE_GAP_MAX 48u

#define CODE_NO_CASE    1u /* tokens are written in lower case and match in any */
#define CODE_NOT_DOTTED 2u /* no "." before, and no "def" or "function" */
#define CODE_STATEMENT  4u /* begins a line, a text or a statement */
#define CODE_DOTTED     8u /* ".", "]" or ")" before it */

extern const struct code_pattern code_patterns[];
extern const size_t code_pattern_count;

#endif
