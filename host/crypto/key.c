/* SPDX-License-Identifier: Apache-2.0 */
/* Loading private keys. */
#include "host/crypto/key.h"

#include "base/file.h"
#include "base/io.h"
#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

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

static int open_key(const char *path, bool is_secret, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r = file_open_regular(path, &fd, &status, err);

    if (r < 0)
        return r;
    if (is_secret && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EACCES,
                         "%s: a private key that group or others may read (mode %04o); run: chmod 600 %s", path,
                         (unsigned)(status.st_mode & 07777), path);
    *ret_fd = take_fd(&fd);
    return 0;
}

int crypto_pem_read(const char *path, bool is_secret, char ret_pem[CRYPTO_PEM_MAX], size_t *ret_size, struct error *err)
{
    CLEANUP_FD int fd = -1;
    ssize_t count;
    int r = open_key(path, is_secret, &fd, err);

    if (r < 0)
        return r;
    count = io_pread_full(fd, ret_pem, CRYPTO_PEM_MAX, 0);
    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, (int)count, "%s: %s", path, strerror((int)-count));
    *ret_size = (size_t)count;
    return 0;
}

int crypto_private_key_load(const char *path, struct crypto_private_key **ret_key, struct error *err)
{
    char pem[CRYPTO_PEM_MAX];
    CLEANUP_PKEY EVP_PKEY *pkey = NULL;
    struct crypto_private_key *key;
    size_t size = 0;
    int r = crypto_pem_read(path, true, pem, &size, err);

    if (r == 0) {
        CLEANUP_BIO BIO *bio = BIO_new_mem_buf(pem, (int)size);

        if (bio != NULL)
            pkey = PEM_read_bio_PrivateKey(bio, NULL, crypto_refuse_passphrase, NULL);
        r = crypto_key_check_p256(pkey, path, "private", err);
    }
    OPENSSL_cleanse(pem, sizeof pem);
    if (r < 0)
        return r;
    key = malloc(sizeof *key);
    if (key == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory for the key", path);
    key->pkey = TAKE_POINTER(pkey);
    *ret_key = key;
    return 0;
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
