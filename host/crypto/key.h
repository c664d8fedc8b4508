/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys. Those that sign are ECDSA on P-256, as that is what every verifier of Sigstore bundles accepts; those of others
 * (a model's publisher, reviewers, timestamps) may be of any kind in enum crypto_key_kind.
 *
 * Private keys are PKCS#8 PEM, encrypted or not, in files of mode 0600; public keys are
 * SubjectPublicKeyInfo PEM (RFC 5480, RFC 7468), as `openssl pkey` reads and writes them.
 */
#ifndef LAZARET_HOST_CRYPTO_KEY_H
#define LAZARET_HOST_CRYPTO_KEY_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"
#include "host/crypto/passphrase.h"

#define CRYPTO_PEM_MAX ((size_t)16 * 1024)
/* Rounds of PBKDF2 that an encrypted key may ask for: some seconds. What is made today has 2,048 to 1,000,000. */
#define CRYPTO_ROUNDS_MAX 10000000u

struct crypto_private_key;
struct crypto_public_key;

enum crypto_key_kind {
    CRYPTO_KEY_P256,
    CRYPTO_KEY_P384,
    CRYPTO_KEY_P521,
    CRYPTO_KEY_ED25519,
    CRYPTO_KEY_RSA, /* 2048 to 8192 bits */
    CRYPTO_KEY_KIND_COUNT
};

extern const char *const crypto_key_kind_names[CRYPTO_KEY_KIND_COUNT + 1]; /* "ECDSA P-256", … */

/*
 * Writes a new key pair to PREFIX.pem (mode 0600) and PREFIX.pub.pem (0644) and returns the public
 * key's fingerprint. The private key is encrypted (PBES2: PBKDF2 with HMAC-SHA-256, AES-256) where `passphrase` is not
 * NULL. Existing files are never overwritten: -EEXIST, ERROR_USAGE. After a failure neither file is there.
 */
MUST_USE int crypto_key_generate_with(const char *prefix, const char *passphrase, uint8_t ret_fingerprint[SHA256_SIZE],
                                      struct error *err);

/* The same without a passphrase. */
MUST_USE int crypto_key_generate(const char *prefix, uint8_t ret_fingerprint[SHA256_SIZE], struct error *err);

/*
 * Writes the public half of a private key that is there already, in a file or a token, to PREFIX.pub.pem, and returns
 * its fingerprint. Errors are those of crypto_private_key_open(), and of crypto_key_generate_with() for the file.
 */
MUST_USE int crypto_key_write_public(const char *name, const struct crypto_passphrase *passphrase, const char *prefix,
                                     uint8_t ret_fingerprint[SHA256_SIZE], struct error *err);

/*
 * Loads a private key from a PEM file, or opens one in a token by its PKCS #11 URI (pkcs11.h), with the passphrase or
 * PIN where it needs one: NULL has none. ERROR_USAGE for the URI, ERROR_NO_INPUT where the file can't be read,
 * ERROR_UNAVAILABLE where the engine for tokens is not here; ERROR_BAD_INPUT where it is no P-256 private key, may be
 * read by group or others (-EACCES), or the passphrase is not at hand (-ENOKEY) or another (-EKEYREJECTED).
 */
MUST_USE int crypto_private_key_open(const char *name, const struct crypto_passphrase *passphrase,
                                     struct crypto_private_key **ret_key, struct error *err);

/* The same without a passphrase. */
MUST_USE int crypto_private_key_load(const char *path, struct crypto_private_key **ret_key, struct error *err);

/* Loads a public key on P-256; errors as above. */
MUST_USE int crypto_public_key_load(const char *path, struct crypto_public_key **ret_key, struct error *err);

/* Parses a P-256 public key's PEM text; `name` begins the error's text. ERROR_BAD_INPUT, -EBADMSG. */
MUST_USE int crypto_public_key_parse(const void *pem, size_t size, const char *name, struct crypto_public_key **ret_key,
                                     struct error *err);

/* The same for a key of any kind. */
MUST_USE int crypto_public_key_parse_any(const void *pem, size_t size, const char *name,
                                         struct crypto_public_key **ret_key, struct error *err);

enum crypto_key_kind crypto_public_key_kind(const struct crypto_public_key *key);

/* The public half of a private key. */
MUST_USE int crypto_private_key_get_public(const struct crypto_private_key *key, struct crypto_public_key **ret_key,
                                           struct error *err);

/* Appends the public key's PEM text. */
MUST_USE int crypto_public_key_write_pem(const struct crypto_public_key *key, struct buffer *ret_pem,
                                         struct error *err);

/* SHA-256 of the key's DER SubjectPublicKeyInfo; in hexadecimal it is the hint of our bundles. */
MUST_USE int crypto_public_key_fingerprint(const struct crypto_public_key *key, uint8_t ret_fingerprint[SHA256_SIZE],
                                           struct error *err);

/*
 * Does what OpenSSL does at its first key (it reads its configuration and sets up its tables of decoders), 2 ms of CPU
 * time: before a fork, so that both processes have it. What fails here will fail, and be told, at the first real key.
 */
void crypto_prepare(void);

/* Frees a key and wipes its secret; NULL is fine. */
void crypto_private_key_free(struct crypto_private_key *key);
void crypto_public_key_free(struct crypto_public_key *key);

static inline void crypto_private_key_drop(struct crypto_private_key **key)
{
    crypto_private_key_free(*key);
}

static inline void crypto_public_key_drop(struct crypto_public_key **key)
{
    crypto_public_key_free(*key);
}

#define CLEANUP_PRIVATE_KEY CLEANUP(crypto_private_key_drop)
#define CLEANUP_PUBLIC_KEY  CLEANUP(crypto_public_key_drop)

#endif
