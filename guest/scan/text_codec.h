/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes written as text: base64 and base32 and hexadecimal (RFC 4648), Python's backslash escapes, and bytes whose
 * values are written as Latin-1 characters in UTF-8, as protocols 0 to 2 of pickle write bytes.
 *
 * Lenient as Python's decoders are: line breaks and blanks between characters don't count, padding may be missing, a
 * "data:...;base64," before and quotes around are passed over. No decoder's output is longer than its input.
 */
#ifndef LAZARET_GUEST_SCAN_TEXT_CODEC_H
#define LAZARET_GUEST_SCAN_TEXT_CODEC_H

#include <stddef.h>
#include <stdint.h>

enum text_codec { TEXT_BASE64, TEXT_BASE32, TEXT_HEX, TEXT_ESCAPES, TEXT_LATIN1, TEXT_CODEC_COUNT };

#define TEXT_CODEC_PEEK 12u /* bytes that a peek decodes at most */
#define TEXT_CODEC_CHARS                                                                                               \
    16u /* characters of the alphabet that a text needs to begin with, to be taken for its codec's */

const char *text_codec_name(enum text_codec codec); /* "base64", ... */

/* The first bytes of what a text decodes to; 0 where it does not begin as the codec's texts do. */
size_t text_codec_peek(enum text_codec codec, const uint8_t *text, size_t size, uint8_t ret_bytes[TEXT_CODEC_PEEK]);
/* Decodes up to the first byte that can't be the codec's. ret_bytes has room for `size`. Returns how many came out. */
size_t text_codec_decode(enum text_codec codec, const uint8_t *text, size_t size, uint8_t *ret_bytes);

#endif
