/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures. Ours: ECDSA on P-256 (FIPS 186-5) with SHA-256, DER-encoded (RFC 3279, 2.2.3). Others': by the kind of
 * the key, ECDSA with SHA-256, SHA-384 or SHA-512 as the curve has it, Ed25519 (RFC 8032), RSA (PKCS #1 v1.5, SHA-256).
 */
#ifndef LAZARET_HOST_CRYPTO_SIGNATURE_H
#define LAZARET_HOST_CRYPTO_SIGNATURE_H

#include "host/crypto/key.h"

#define CRYPTO_SIGNATURE_MAX 72u /* DER of two integers below 2^256 */

/* Signs `size` bytes at `data`. */
MUST_USE int crypto_sign(const struct crypto_private_key *key, const void *data, size_t size,
                         uint8_t ret_signature[CRYPTO_SIGNATURE_MAX], size_t *ret_size, struct error *err);

/* 0 when the signature is the key's own over these bytes; else -EBADMSG, ERROR_MISMATCH. */
MUST_USE int crypto_verify(const struct crypto_public_key *key, const void *data, size_t size, const uint8_t *signature,
                           size_t signature_size, struct error *err);

#endif
