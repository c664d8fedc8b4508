/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of host/crypto share: OpenSSL's objects behind the opaque types. */
#ifndef LAZARET_HOST_CRYPTO_INTERNAL_H
#define LAZARET_HOST_CRYPTO_INTERNAL_H

#include "host/crypto/key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <sys/types.h>

#define CRYPTO_CURVE "prime256v1" /* OpenSSL's name of P-256 */

struct crypto_private_key {
    EVP_PKEY *pkey;
};

struct crypto_public_key {
    EVP_PKEY *pkey;
    enum crypto_key_kind kind;
};

/* Sets an ERROR_INTERNAL that names OpenSSL's own reason, and empties its error queue. */
MUST_USE int crypto_fail(struct error *err, const char *what);

/* A passphrase callback that has none: OpenSSL would ask on the terminal. */
int crypto_refuse_passphrase(char *buffer, int size, int writing, void *data);

/*
 * Reads a small file: at most CRYPTO_PEM_MAX bytes, what is behind them is not looked at. `secret` says what it is ("a
 * private key") where nobody else may read it, and the caller wipes the text then; NULL where it is public.
 */
MUST_USE int crypto_file_read(const char *path, const char *secret, char ret_text[CRYPTO_PEM_MAX], size_t *ret_size,
                              struct error *err);

/*
 * Loads a PEM private key of any kind, encrypted or not; NULL in *ret_pkey where the file holds none. Errors as
 * crypto_private_key_open().
 */
MUST_USE int crypto_private_pem_load(const char *path, const struct crypto_passphrase *passphrase, EVP_PKEY **ret_pkey,
                                     struct error *err);

/* The same of a text, which is not empty and which `path` names; OpenSSL's errors stay in its queue. */
MUST_USE int crypto_private_pem_parse(const char *pem, size_t size, const char *path,
                                      const struct crypto_passphrase *passphrase, EVP_PKEY **ret_pkey,
                                      struct error *err);

/*
 * A private key in a token, by its URI (pkcs11.h); the PIN comes from the URI's pin-source, else from `passphrase`.
 * ERROR_USAGE for the URI, ERROR_UNAVAILABLE where engine or module are not here, ERROR_BAD_INPUT, -EKEYREJECTED where
 * the token has no such key or the PIN is another; and those of crypto_passphrase_get().
 */
MUST_USE int crypto_pkcs11_open(const char *name, const struct crypto_passphrase *passphrase, EVP_PKEY **ret_pkey,
                                struct error *err);

/* 0 for an ECDSA key on P-256; else, or where pkey is NULL, the error of the loaders. `half`: "public" or "private". */
MUST_USE int crypto_key_check_p256(const EVP_PKEY *pkey, const char *name, const char *half, struct error *err);

/* Makes a public key of any kind that is used of OpenSSL's, which it takes over on success; else ERROR_BAD_INPUT. */
MUST_USE int crypto_public_key_wrap(EVP_PKEY **pkey, const char *name, struct crypto_public_key **ret_key,
                                    struct error *err);

/* As crypto_verify(), with a hash of the caller's choice; NULL for Ed25519. */
MUST_USE int crypto_verify_with_hash(const struct crypto_public_key *key, const EVP_MD *hash, const void *data,
                                     size_t size, const uint8_t *signature, size_t signature_size, struct error *err);

/* Makes a file that is not there yet, whole or not at all; errors as crypto_key_generate(). */
MUST_USE int crypto_file_write_new(const char *path, mode_t mode, const void *data, size_t size, struct error *err);

/* Writes a private key's PKCS#8 PEM to a new file of mode 0600, encrypted where `passphrase` is not NULL. */
MUST_USE int crypto_private_write(const EVP_PKEY *pkey, const char *passphrase, const char *path, struct error *err);

static inline void crypto_bio_drop(BIO **bio)
{
    (void)BIO_free(*bio);
}

static inline void crypto_pkey_drop(EVP_PKEY **pkey)
{
    EVP_PKEY_free(*pkey);
}

static inline void crypto_md_context_drop(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

#define CLEANUP_BIO        CLEANUP(crypto_bio_drop)
#define CLEANUP_PKEY       CLEANUP(crypto_pkey_drop)
#define CLEANUP_MD_CONTEXT CLEANUP(crypto_md_context_drop)

#endif
