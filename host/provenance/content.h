/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of a file as a manifest has them. */
#ifndef LAZARET_HOST_PROVENANCE_CONTENT_H
#define LAZARET_HOST_PROVENANCE_CONTENT_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"
#include "host/crypto/content_hash.h"

/*
 * Hashes exactly `size` bytes of a file, from its start to its end: appends the digest of each part (shard_size 0: of
 * the whole) to `digests`, and in the same reading the whole's SHA-256. ERROR_NO_INPUT: it can't be read, or has
 * another size by now.
 */
MUST_USE int content_hash(int fd, const char *name, uint64_t size, enum crypto_content_hash hash, uint64_t shard_size,
                          struct buffer *digests, uint8_t ret_sha256[SHA256_SIZE], struct error *err);

#endif
