/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 keys and signatures. */
#include "host/crypto/ed25519.h"

#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/err.h>

struct crypto_ed25519 {
    EVP_PKEY *pkey;
    uint8_t public[CRYPTO_ED25519_PUBLIC_SIZE];
};

int crypto_ed25519_generate(const char *path, struct error *err)
{
    CLEANUP_PKEY EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

    return pkey == NULL ? crypto_fail(err, "making a key") : crypto_private_write(pkey, NULL, path, err);
}

int crypto_ed25519_load(const char *path, struct crypto_ed25519 **ret_key, struct error *err)
{
    CLEANUP_ED25519 struct crypto_ed25519 *key = calloc(1, sizeof *key);
    size_t public_size = sizeof key->public;
    int r;

    if (key == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory for the key", path);
    r = crypto_private_pem_load(path, NULL, &key->pkey, err);
    if (r < 0)
        return r;
    if (key->pkey == NULL || !EVP_PKEY_is_a(key->pkey, "ED25519"))
        return error_set(
            err, ERROR_BAD_INPUT, -EBADMSG,
            "%s: no PEM private key of Ed25519, the only kind a ledger uses; 'lazaret ledger init' makes one", path);
    if (EVP_PKEY_get_raw_public_key(key->pkey, key->public, &public_size) != 1 || public_size != sizeof key->public)
        return crypto_fail(err, "taking a key's public half");
    *ret_key = TAKE_POINTER(key);
    return 0;
}

const uint8_t *crypto_ed25519_public(const struct crypto_ed25519 *key)
{
    return key->public;
}

int crypto_ed25519_sign(const struct crypto_ed25519 *key, const void *data, size_t size,
                        uint8_t ret_signature[CRYPTO_ED25519_SIGNATURE_SIZE], struct error *err)
{
    CLEANUP_MD_CONTEXT EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t used = CRYPTO_ED25519_SIGNATURE_SIZE;

    if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) != 1 ||
        EVP_DigestSign(context, ret_signature, &used, data, size) != 1 || used != CRYPTO_ED25519_SIGNATURE_SIZE)
        return crypto_fail(err, "signing");
    return 0;
}

int crypto_ed25519_verify(const uint8_t public_key[CRYPTO_ED25519_PUBLIC_SIZE], const void *data, size_t size,
                          const uint8_t signature[CRYPTO_ED25519_SIGNATURE_SIZE], struct error *err)
{
    CLEANUP_MD_CONTEXT EVP_MD_CTX *context = EVP_MD_CTX_new();
    CLEANUP_PKEY EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, CRYPTO_ED25519_PUBLIC_SIZE);
    int verified;

    if (context == NULL || pkey == NULL || EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) != 1)
        return crypto_fail(err, "verifying a signature");
    verified = EVP_DigestVerify(context, signature, CRYPTO_ED25519_SIGNATURE_SIZE, data, size);
    ERR_clear_error();
    if (verified != 1)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the signature is not this key's signature of these bytes");
    return 0;
}

void crypto_ed25519_free(struct crypto_ed25519 *key)
{
    if (key != NULL)
        EVP_PKEY_free(key->pkey);
    free(key);
}
