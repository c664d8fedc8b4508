/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA signatures. */
#include "host/crypto/signature.h"

#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/err.h>

int crypto_sign(const struct crypto_private_key *key, const void *data, size_t size,
                uint8_t ret_signature[CRYPTO_SIGNATURE_MAX], size_t *ret_size, struct error *err)
{
    CLEANUP_MD_CONTEXT EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t used = CRYPTO_SIGNATURE_MAX;

    if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
        EVP_DigestSign(context, ret_signature, &used, data, size) != 1)
        return crypto_fail(err, "signing");
    *ret_size = used;
    return 0;
}

int crypto_verify_with_hash(const struct crypto_public_key *key, const EVP_MD *hash, const void *data, size_t size,
                            const uint8_t *signature, size_t signature_size, struct error *err)
{
    CLEANUP_MD_CONTEXT EVP_MD_CTX *context = EVP_MD_CTX_new();
    int verified;

    if (context == NULL || EVP_DigestVerifyInit(context, NULL, hash, NULL, key->pkey) != 1)
        return crypto_fail(err, "verifying a signature");
    verified = EVP_DigestVerify(context, signature, signature_size, data, size);
    ERR_clear_error();
    /* Negative: malformed DER, which is one more way not to be a signature. */
    if (verified != 1)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the signature is not this key's signature of these bytes");
    return 0;
}

int crypto_verify(const struct crypto_public_key *key, const void *data, size_t size, const uint8_t *signature,
                  size_t signature_size, struct error *err)
{
    const EVP_MD *hash = EVP_sha256();

    if (key->kind == CRYPTO_KEY_P384)
        hash = EVP_sha384();
    if (key->kind == CRYPTO_KEY_P521)
        hash = EVP_sha512();
    if (key->kind == CRYPTO_KEY_ED25519) /* hashes by itself */
        hash = NULL;
    return crypto_verify_with_hash(key, hash, data, size, signature, signature_size, err);
}
