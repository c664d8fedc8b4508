/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from a file, made fit to be shown: printable ASCII stays, apart from the backslash; the rest becomes \xNN. */
#ifndef LAZARET_GUEST_SCAN_TEXT_H
#define LAZARET_GUEST_SCAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_SHOWN_MAX 255u /* bytes of output; "..." stands where there were more */

struct text {
    char text[TEXT_SHOWN_MAX + 4];
};

const char *text_escape(struct text *out, const void *bytes, size_t size);

/* The same as an argument of a call; lives as long as the block around it. */
#define TEXT(bytes, size) text_escape(&(struct text){{0}}, (bytes), (size))

#endif
