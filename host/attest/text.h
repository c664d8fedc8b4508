/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text made harmless: what comes from a file name, a guest or a document may hold terminal
 * escapes, invisible direction marks or broken UTF-8.
 */
#ifndef LAZARET_HOST_ATTEST_TEXT_H
#define LAZARET_HOST_ATTEST_TEXT_H

#include "base/buffer.h"

#include <stdbool.h>

/*
 * Appends at most `length_max` bytes that stand for `text`, cut at a character. Printable UTF-8
 * stays as it is; each byte of controls (C0, DEL, C1), of line separators, of bidirectional marks
 * and of broken UTF-8 becomes \xNN. Errors as buffer_append.
 */
MUST_USE int text_escape(const char *text, size_t length_max, struct buffer *ret_text);

/* Whether text_escape would leave the whole of `text` as it is. */
bool text_is_printable(const char *text);

#endif
