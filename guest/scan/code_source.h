/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a text is program source, of whatever language; code_text.h tells what it does. */
#ifndef LAZARET_GUEST_SCAN_CODE_SOURCE_H
#define LAZARET_GUEST_SCAN_CODE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct code_line {
    const char *text;
    size_t size;
};

/* The next line of [*text, *text + *size), without the blanks at its end; false at the end. */
bool code_line_next(const char **text, size_t *size, struct code_line *ret_line);

/* Whether enough of the lines that are not indented are statements. A page that shows source between fences is none. */
bool code_source_is(const void *bytes, size_t size);

#endif
