/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4), strict: each byte string has exactly one text. */
#ifndef LAZARET_HOST_ATTEST_BASE64_H
#define LAZARET_HOST_ATTEST_BASE64_H

#include "base/buffer.h"

/* Appends the padded text of `size` bytes; errors as buffer_append. */
MUST_USE int base64_encode(const void *data, size_t size, struct buffer *ret_text);

/*
 * Appends the bytes of `size` characters of text. -EBADMSG for any other character, a wrong length,
 * padding that is missing or misplaced, or unused bits that are not zero (RFC 4648, 3.5): a changed
 * bit of the text is either refused or changes the bytes.
 */
MUST_USE int base64_decode(const char *text, size_t size, struct buffer *ret_data);

#endif
