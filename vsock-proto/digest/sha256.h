/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of what is transferred and stored, incremental and at once. */
#ifndef LAZARET_DIGEST_SHA256_H
#define LAZARET_DIGEST_SHA256_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE     32u
#define SHA256_HEX_SIZE 65u /* with the final NUL */

/* A hash under way. Plain storage: copy it to fork a hash, drop it without a call. */
struct sha256 {
    uint64_t opaque[16];
};

void sha256_start(struct sha256 *hash);
void sha256_update(struct sha256 *hash, const void *data, size_t size);
void sha256_finish(struct sha256 *hash, uint8_t ret_digest[SHA256_SIZE]);

/* Start, update and finish in one call. */
void sha256_of(const void *data, size_t size, uint8_t ret_digest[SHA256_SIZE]);

/* Hashes a file from its start to its end, without moving its offset; returns its length too. */
MUST_USE int sha256_of_fd(int fd, uint8_t ret_digest[SHA256_SIZE], uint64_t *ret_size);

/* The same of at most `max` bytes: -EFBIG where there are more. A file that claims to be larger is not read. */
MUST_USE int sha256_of_fd_up_to(int fd, uint64_t max, uint8_t ret_digest[SHA256_SIZE], uint64_t *ret_size);

/* Lowercase hexadecimal. */
void sha256_to_hex(const uint8_t digest[SHA256_SIZE], char ret_hex[SHA256_HEX_SIZE]);

/* Exactly 64 lowercase hexadecimal digits; else -EINVAL. */
MUST_USE int sha256_from_hex(const char *hex, uint8_t ret_digest[SHA256_SIZE]);

#endif
