/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key's PEM, encrypted by the passphrase "x" or not, as the signer reads it. What is accepted as a P-256 key
 * signs, and its public half takes the signature; what is not leaves a reason.
 */
#include "host/crypto/internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int tell_passphrase(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    (void)what, (void)err;
    (void)snprintf(ret_text, CRYPTO_PASSPHRASE_SIZE, "x");
    return 0;
}

static void check_signs(EVP_PKEY *pkey)
{
    CLEANUP(crypto_pkey_drop) EVP_PKEY *public = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t signature[256], *encoded = NULL;
    size_t size = sizeof signature;
    int encoded_size = i2d_PUBKEY(pkey, &encoded);
    const uint8_t *place = encoded;

    /* A key whose halves do not belong together may be in a file; it must not be in a signature that verifies. */
    if (context == NULL || encoded_size <= 0)
        abort();
    public = d2i_PUBKEY(NULL, &place, encoded_size);
    if (public == NULL)
        abort();
    if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pkey) == 1 &&
        EVP_DigestSign(context, signature, &size, (const uint8_t *)"text", 4) == 1) {
        EVP_MD_CTX_reset(context);
        if (EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, public) == 1)
            (void)EVP_DigestVerify(context, signature, size, (const uint8_t *)"text", 4);
    }
    OPENSSL_free(encoded);
    EVP_MD_CTX_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct crypto_passphrase passphrase = {.ask = tell_passphrase};
    CLEANUP(crypto_pkey_drop) EVP_PKEY *pkey = NULL;
    struct error err = {0};
    int r;

    if (size == 0 || size > CRYPTO_PEM_MAX)
        return 0;
    r = crypto_private_pem_parse((const char *)data, size, "input", &passphrase, &pkey, &err);
    if (r < 0 && (pkey != NULL || err.kind == ERROR_NONE || err.text[0] == '\0'))
        abort();
    if (r == 0) {
        r = crypto_key_check_p256(pkey, "input", "private", &err);
        if (r < 0 && (err.kind != ERROR_BAD_INPUT || err.text[0] == '\0'))
            abort();
        if (r == 0)
            check_signs(pkey);
    }
    ERR_clear_error();
    return 0;
}
