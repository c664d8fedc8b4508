/* SPDX-License-Identifier: Apache-2.0 */
/* What keys and signatures of OpenSSH share: the wire's data types (RFC 4251, section 5). */
#ifndef LAZARET_HOST_CRYPTO_SSH_INTERNAL_H
#define LAZARET_HOST_CRYPTO_SSH_INTERNAL_H

#include "base/cursor.h"
#include "host/crypto/internal.h"

#include <stdbool.h>

#define SSH_MPINT_MAX 1025u /* bytes: 8192 bits and a zero in front */

/* A `string`: u32 length, most significant byte first, then the bytes. -EBADMSG. */
MUST_USE int ssh_read_string(struct cursor *cursor, struct cursor *ret_string);

/* A positive `mpint` in its shortest form; points into the cursor's memory, without a leading zero. -EBADMSG. */
MUST_USE int ssh_read_mpint(struct cursor *cursor, const uint8_t **ret_bytes, size_t *ret_size);

/* Whether the whole string is this text. */
bool ssh_string_is(const struct cursor *string, const char *text);

/* Base64 in its one spelling, of at most `ret_data`'s limit. -EBADMSG, -EMSGSIZE, -ENOMEM. */
MUST_USE int ssh_decode_base64(const char *text, size_t size, struct buffer *ret_data);

/* A public key's blob, whole: `string` type, then what the type says. ERROR_BAD_INPUT, -EBADMSG. */
MUST_USE int ssh_read_public_key(struct cursor *blob, const char *name, struct crypto_public_key **ret_key,
                                 struct error *err);

#endif
