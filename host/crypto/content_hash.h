/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes that other people's manifests name files by: SHA-256 and BLAKE2b-512 (RFC 7693, no key, 64 bytes). */
#ifndef LAZARET_HOST_CRYPTO_CONTENT_HASH_H
#define LAZARET_HOST_CRYPTO_CONTENT_HASH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum crypto_content_hash { CRYPTO_CONTENT_SHA256, CRYPTO_CONTENT_BLAKE2B, CRYPTO_CONTENT_HASH_COUNT };

#define CRYPTO_CONTENT_DIGEST_MAX 64u

/* "sha256", "blake2b"; NULL-ended, by the enum. */
extern const char *const crypto_content_hash_names[CRYPTO_CONTENT_HASH_COUNT + 1];

/* Bytes of a digest: 32, 64. */
size_t crypto_content_hash_size(enum crypto_content_hash hash);

struct crypto_content;

/* A hash under way; crypto_content_free() it. ERROR_INTERNAL. */
MUST_USE int crypto_content_start(enum crypto_content_hash hash, struct crypto_content **ret_content,
                                  struct error *err);
MUST_USE int crypto_content_update(struct crypto_content *content, const void *data, size_t size, struct error *err);

/* Ends it and begins the next one. */
MUST_USE int crypto_content_finish(struct crypto_content *content, uint8_t ret_digest[CRYPTO_CONTENT_DIGEST_MAX],
                                   struct error *err);

void crypto_content_free(struct crypto_content *content);

static inline void crypto_content_drop(struct crypto_content **content)
{
    crypto_content_free(*content);
}

#define CLEANUP_CRYPTO_CONTENT CLEANUP(crypto_content_drop)

#endif
