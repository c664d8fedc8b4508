/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 (RFC 8032): the signatures of the ledger's checkpoints, and of witnesses' cosignatures.
 *
 * Private keys are PKCS#8 PEM (RFC 8410), unencrypted, in files of mode 0600. Public keys have no file of their
 * own: the ledger publishes them as signed note verifier keys (ledger/note.h).
 */
#ifndef LAZARET_HOST_CRYPTO_ED25519_H
#define LAZARET_HOST_CRYPTO_ED25519_H

#include "base/buffer.h"
#include "base/error.h"

#define CRYPTO_ED25519_PUBLIC_SIZE    32u
#define CRYPTO_ED25519_SIGNATURE_SIZE 64u

struct crypto_ed25519;

/* Writes a new private key to `path`, mode 0600. An existing file is never overwritten: -EEXIST, ERROR_USAGE. */
MUST_USE int crypto_ed25519_generate(const char *path, struct error *err);

/*
 * Loads a private key. ERROR_NO_INPUT where the file can't be read; ERROR_BAD_INPUT where it is no Ed25519 private key,
 * is encrypted (-ENOKEY: ledgers are written to unattended), or may be read by group or others (-EACCES).
 */
MUST_USE int crypto_ed25519_load(const char *path, struct crypto_ed25519 **ret_key, struct error *err);

/* The public key that belongs to a private one; borrowed. */
const uint8_t *crypto_ed25519_public(const struct crypto_ed25519 *key);

MUST_USE int crypto_ed25519_sign(const struct crypto_ed25519 *key, const void *data, size_t size,
                                 uint8_t ret_signature[CRYPTO_ED25519_SIGNATURE_SIZE], struct error *err);

/* 0 when the signature is the key's own over these bytes; else -EBADMSG, ERROR_MISMATCH. */
MUST_USE int crypto_ed25519_verify(const uint8_t public_key[CRYPTO_ED25519_PUBLIC_SIZE], const void *data, size_t size,
                                   const uint8_t signature[CRYPTO_ED25519_SIGNATURE_SIZE], struct error *err);

/* Frees a key and wipes its secret; NULL is fine. */
void crypto_ed25519_free(struct crypto_ed25519 *key);

static inline void crypto_ed25519_drop(struct crypto_ed25519 **key)
{
    crypto_ed25519_free(*key);
}

#define CLEANUP_ED25519 CLEANUP(crypto_ed25519_drop)

#endif
