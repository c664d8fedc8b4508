/* SPDX-License-Identifier: Apache-2.0 */
/* What the escapers of documents share: bytes of any kind as text that can be seen. */
#ifndef LAZARET_HOST_REPORT_VISIBLE_H
#define LAZARET_HOST_REPORT_VISIBLE_H

#include "base/buffer.h"

#include <stdbool.h>

#define VISIBLE_LIMIT(length_max) ((length_max) + 8u)

/*
 * Appends at most `length_max` bytes that stand for `size` bytes of text, as attest/text.h has it; a NUL becomes \x00,
 * and so do the bytes of the two noncharacters that XML 1.0 has no place for (section 2.2: U+FFFE, U+FFFF). `ret_text`
 * is empty at first, with a limit of at least VISIBLE_LIMIT. *ret_cut: not all of it had room. Errors as buffer_append.
 */
MUST_USE int visible_text(const char *text, size_t size, size_t length_max, struct buffer *ret_text, bool *ret_cut);

#endif
