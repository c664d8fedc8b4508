/* SPDX-License-Identifier: Apache-2.0 */
/* Loading private keys. */
#include "host/crypto/key.h"

#include "host/crypto/internal.h"
#include "host/crypto/pkcs11.h"

#include <errno.h>
#include <openssl/err.h>

int crypto_fail(struct error *err, const char *what)
{
    char reason[256] = "no reason given";
    unsigned long code = ERR_peek_last_error();

    if (code != 0)
        ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, -EIO, "%s: %s", what, reason);
}

int crypto_refuse_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

int crypto_private_key_open(const char *name, const struct crypto_passphrase *passphrase,
                            struct crypto_private_key **ret_key, struct error *err)
{
    CLEANUP_PKEY EVP_PKEY *pkey = NULL;
    struct crypto_private_key *key;
    int r = crypto_name_is_pkcs11(name) ? crypto_pkcs11_open(name, passphrase, &pkey, err)
                                        : crypto_private_pem_load(name, passphrase, &pkey, err);

    if (r == 0)
        r = crypto_key_check_p256(pkey, name, "private", err);
    if (r < 0)
        return r;
    key = malloc(sizeof *key);
    if (key == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory for the key", name);
    key->pkey = TAKE_POINTER(pkey);
    *ret_key = key;
    return 0;
}

int crypto_private_key_load(const char *path, struct crypto_private_key **ret_key, struct error *err)
{
    return crypto_private_key_open(path, NULL, ret_key, err);
}

int crypto_private_key_get_public(const struct crypto_private_key *key, struct crypto_public_key **ret_key,
                                  struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    const struct crypto_public_key half = {.pkey = key->pkey, .kind = CRYPTO_KEY_P256};
    int r = crypto_public_key_write_pem(&half, &pem, err);

    /* Through the text, so that the new object holds no secret. */
    return r < 0 ? r : crypto_public_key_parse(pem.data, pem.size, "public key", ret_key, err);
}

void crypto_private_key_free(struct crypto_private_key *key)
{
    if (key != NULL)
        EVP_PKEY_free(key->pkey);
    free(key);
}
