/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of files by OpenSSL. */
#include "host/crypto/content_hash.h"

#include "host/crypto/internal.h"

#include <errno.h>

const char *const crypto_content_hash_names[CRYPTO_CONTENT_HASH_COUNT + 1] = {
    [CRYPTO_CONTENT_SHA256] = "sha256", [CRYPTO_CONTENT_BLAKE2B] = "blake2b"};

struct crypto_content {
    const EVP_MD *kind;
    EVP_MD_CTX *context;
};

size_t crypto_content_hash_size(enum crypto_content_hash hash)
{
    return hash == CRYPTO_CONTENT_BLAKE2B ? 64 : 32;
}

int crypto_content_start(enum crypto_content_hash hash, struct crypto_content **ret_content, struct error *err)
{
    CLEANUP_CRYPTO_CONTENT struct crypto_content *content = calloc(1, sizeof *content);

    if (content == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to hash");
    content->kind = hash == CRYPTO_CONTENT_BLAKE2B ? EVP_blake2b512() : EVP_sha256();
    content->context = EVP_MD_CTX_new();
    if (content->context == NULL || EVP_DigestInit_ex(content->context, content->kind, NULL) != 1)
        return crypto_fail(err, "hashing");
    *ret_content = TAKE_POINTER(content);
    return 0;
}

int crypto_content_update(struct crypto_content *content, const void *data, size_t size, struct error *err)
{
    return EVP_DigestUpdate(content->context, data, size) == 1 ? 0 : crypto_fail(err, "hashing");
}

int crypto_content_finish(struct crypto_content *content, uint8_t ret_digest[CRYPTO_CONTENT_DIGEST_MAX],
                          struct error *err)
{
    if (EVP_DigestFinal_ex(content->context, ret_digest, NULL) != 1 ||
        EVP_DigestInit_ex(content->context, content->kind, NULL) != 1)
        return crypto_fail(err, "hashing");
    return 0;
}

void crypto_content_free(struct crypto_content *content)
{
    if (content != NULL)
        EVP_MD_CTX_free(content->context);
    free(content);
}
