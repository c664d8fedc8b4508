/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of host/crypto share: OpenSSL's objects behind the opaque types. */
#ifndef LAZARET_HOST_CRYPTO_INTERNAL_H
#define LAZARET_HOST_CRYPTO_INTERNAL_H

#include "host/crypto/key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>

#define CRYPTO_CURVE "prime256v1" /* OpenSSL's name of P-256 */

struct crypto_private_key {
    EVP_PKEY *pkey;
};

struct crypto_public_key {
    EVP_PKEY *pkey;
};

/* Sets an ERROR_INTERNAL that names OpenSSL's own reason, and empties its error queue. */
MUST_USE int crypto_fail(struct error *err, const char *what);

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
