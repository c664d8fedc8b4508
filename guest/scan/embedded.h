/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects inside strings: a pickle, a zip, ... that stands in a constant of another file, as it is or encoded.
 *
 * Tried are the bytes as they are, and what comes out of base64 (standard or URL alphabet, with or without padding and
 * line breaks), base32, hexadecimal, text with backslash escapes, zlib, gzip and bzip2 streams, one within another up
 * to EMBEDDED_LAYERS_MAX. Whatever then opens as a known format is handed to scan_object with SCAN_ROLE_GUESS; the
 * rest is dropped without a gap, as nothing says that a loader reads it.
 *
 * Ordinary strings (names, sentences, numbers) cost a look at a few bytes.
 */
#ifndef LAZARET_GUEST_SCAN_EMBEDDED_H
#define LAZARET_GUEST_SCAN_EMBEDDED_H

#include "guest/scan/scan.h"

#define EMBEDDED_LAYERS_MAX 4u                  /* encodings around each other */
#define EMBEDDED_SIZE_MIN   8u                  /* bytes of a string that is looked at at all */
#define EMBEDDED_SIZE_MAX   (UINT64_C(8) << 20) /* bytes of one layer that are decoded; what is beyond is a gap */

/*
 * Looks at a string's bytes, which stay the caller's and must live as long as the call. `name` is shown in the member's
 * path ("string at 17"); `offset` is where the string stands in the parent. Errors are scan_object's.
 */
MUST_USE int scan_embedded(struct scan *scan, const struct scan_object *parent, const char *name, const void *bytes,
                           size_t size, uint64_t offset, struct error *err);

#endif
