/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical JSON: the one form in which Lazaret writes JSON that is digested or signed.
 *
 * It is RFC 8785 (JCS) narrowed to what has one spelling everywhere: keys of printable ASCII,
 * sorted by byte; no white space; UTF-8; strings escaped as JCS says; integers of at most
 * 2^53 - 1 in magnitude; true, false and null. A real number has no place in it: figures are
 * integers or decimal strings (json/decimal.h).
 */
#ifndef LAZARET_HOST_JSON_CANONICAL_H
#define LAZARET_HOST_JSON_CANONICAL_H

#include "base/buffer.h"

#include <jansson.h>

#define JSON_CANONICAL_DEPTH_MAX   32u
#define JSON_CANONICAL_INTEGER_MAX ((json_int_t)9007199254740991) /* 2^53 - 1, exact in any reader */

/*
 * Appends the canonical text of `value`, without a final newline, to `buffer`.
 * -EINVAL: a real number, an integer or key out of the range above, a string with a NUL byte.
 * -ELOOP: deeper than JSON_CANONICAL_DEPTH_MAX. -EMSGSIZE, -ENOMEM: as buffer_append.
 * On failure the buffer's content is unchanged.
 */
MUST_USE int json_canonical_encode(const json_t *value, struct buffer *buffer);

#endif
