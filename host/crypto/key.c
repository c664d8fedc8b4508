/* SPDX-License-Identifier: Apache-2.0 */
/* Loading, writing and naming keys. */
#include "host/crypto/key.h"

#include "base/file.h"
#include "base/io.h"
#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

#define KEY_DER_MAX 512 /* a P-256 SubjectPublicKeyInfo has 91 bytes */

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

static bool is_p256(const EVP_PKEY *pkey)
{
    char curve[32];
    size_t size;

    return EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_group_name(pkey, curve, sizeof curve, &size) == 1 &&
           strcmp(curve, CRYPTO_CURVE) == 0;
}

/* Takes a parsed key over, or says why it is none of ours. */
static int check_key(EVP_PKEY *pkey, const char *name, const char *kind, struct error *err)
{
    ERR_clear_error();
    if (pkey == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: no unencrypted PEM %s key; make a pair with 'lazaret keygen'", name, kind);
    if (!is_p256(pkey))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: not an ECDSA key on P-256, the only kind used; make a pair with 'lazaret keygen'", name);
    return 0;
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
        r = check_key(pkey, path, "private", err);
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

int crypto_public_key_parse(const void *pem, size_t size, const char *name, struct crypto_public_key **ret_key,
                            struct error *err)
{
    CLEANUP_BIO BIO *bio = size <= CRYPTO_PEM_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
    CLEANUP_PKEY EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, crypto_refuse_passphrase, NULL) : NULL;
    struct crypto_public_key *key;
    int r = check_key(pkey, name, "public", err);

    if (r < 0)
        return r;
    key = malloc(sizeof *key);
    if (key == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory for the key", name);
    key->pkey = TAKE_POINTER(pkey);
    *ret_key = key;
    return 0;
}

int crypto_public_key_load(const char *path, struct crypto_public_key **ret_key, struct error *err)
{
    char pem[CRYPTO_PEM_MAX];
    size_t size = 0;
    int r = crypto_pem_read(path, false, pem, &size, err);

    return r < 0 ? r : crypto_public_key_parse(pem, size, path, ret_key, err);
}

int crypto_public_key_write_pem(const struct crypto_public_key *key, struct buffer *ret_pem, struct error *err)
{
    CLEANUP_BIO BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key->pkey) != 1)
        return crypto_fail(err, "writing a public key");
    size = BIO_get_mem_data(bio, &text);
    if (size <= 0 || buffer_append(ret_pem, text, (size_t)size) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a public key");
    return 0;
}

int crypto_private_key_get_public(const struct crypto_private_key *key, struct crypto_public_key **ret_key,
                                  struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    const struct crypto_public_key half = {.pkey = key->pkey};
    int r = crypto_public_key_write_pem(&half, &pem, err);

    /* Through the text, so that the new object holds no secret. */
    return r < 0 ? r : crypto_public_key_parse(pem.data, pem.size, "public key", ret_key, err);
}

int crypto_public_key_fingerprint(const struct crypto_public_key *key, uint8_t ret_fingerprint[SHA256_SIZE],
                                  struct error *err)
{
    unsigned char der[KEY_DER_MAX], *end = der;
    int size = i2d_PUBKEY(key->pkey, NULL);

    if (size <= 0 || size > KEY_DER_MAX || i2d_PUBKEY(key->pkey, &end) != size)
        return crypto_fail(err, "encoding a public key");
    sha256_of(der, (size_t)size, ret_fingerprint);
    return 0;
}

void crypto_private_key_free(struct crypto_private_key *key)
{
    if (key != NULL)
        EVP_PKEY_free(key->pkey);
    free(key);
}

void crypto_public_key_free(struct crypto_public_key *key)
{
    if (key != NULL)
        EVP_PKEY_free(key->pkey);
    free(key);
}
