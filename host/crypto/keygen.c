/* SPDX-License-Identifier: Apache-2.0 */
/* Making a key pair and putting it into files, both or none. */
#include "host/crypto/internal.h"
#include "host/crypto/key.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* PBKDF2 with HMAC-SHA-256: some tenths of a second a guess on one core. */
#define KDF_ITERATIONS 600000
#define KDF_SALT_SIZE  16

int crypto_file_write_new(const char *path, mode_t mode, const void *data, size_t size, struct error *err)
{
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    int r;

    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_USAGE, -EEXIST, "%s: is there already; a key is never overwritten", path);
    if (fd < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    r = fchmod(fd, mode) < 0 ? -errno : io_write_full(fd, data, size, IO_NO_DEADLINE);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(path);
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", path, strerror(-r));
    }
    return 0;
}

static void info_drop(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void sig_drop(X509_SIG **encrypted)
{
    X509_SIG_free(*encrypted);
}

static bool write_encrypted(BIO *bio, const EVP_PKEY *pkey, const char *passphrase)
{
    CLEANUP(info_drop) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    CLEANUP(sig_drop) X509_SIG *encrypted = NULL;
    X509_ALGOR *scheme =
        PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), KDF_ITERATIONS, NULL, KDF_SALT_SIZE, NULL, NID_hmacWithSHA256);

    if (info != NULL && scheme != NULL)
        encrypted = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, scheme);
    if (encrypted == NULL) /* else it owns the scheme */
        X509_ALGOR_free(scheme);
    return encrypted != NULL && PEM_write_bio_PKCS8(bio, encrypted) == 1;
}

int crypto_private_write(const EVP_PKEY *pkey, const char *passphrase, const char *path, struct error *err)
{
    CLEANUP_BIO BIO *bio = BIO_new(BIO_s_secmem());
    char *text;
    long size;

    if (bio == NULL || !(passphrase != NULL ? write_encrypted(bio, pkey, passphrase)
                                            : PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1))
        return crypto_fail(err, "writing a private key");
    size = BIO_get_mem_data(bio, &text);
    if (size <= 0)
        return crypto_fail(err, "writing a private key");
    return crypto_file_write_new(path, S_IRUSR | S_IWUSR, text, (size_t)size, err);
}

static int write_public(const struct crypto_public_key *key, const char *path, struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    int r = crypto_public_key_write_pem(key, &pem, err);

    return r < 0 ? r : crypto_file_write_new(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, pem.data, pem.size, err);
}

int crypto_key_generate_with(const char *prefix, const char *passphrase, uint8_t ret_fingerprint[SHA256_SIZE],
                             struct error *err)
{
    CLEANUP_PKEY EVP_PKEY *pkey = NULL;
    char private_path[PATH_MAX], public_path[PATH_MAX];
    struct crypto_public_key key;
    int r;

    if (snprintf(private_path, sizeof private_path, "%s.pem", prefix) >= PATH_MAX ||
        snprintf(public_path, sizeof public_path, "%s.pub.pem", prefix) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "the prefix of the key's files is too long");
    if (access(public_path, F_OK) == 0)
        return error_set(err, ERROR_USAGE, -EEXIST, "%s: is there already; a key is never overwritten", public_path);
    pkey = EVP_EC_gen(CRYPTO_CURVE);
    if (pkey == NULL)
        return crypto_fail(err, "making a key");
    key = (struct crypto_public_key){.pkey = pkey, .kind = CRYPTO_KEY_P256};
    r = crypto_public_key_fingerprint(&key, ret_fingerprint, err);
    if (r == 0)
        r = crypto_private_write(pkey, passphrase, private_path, err);
    if (r < 0)
        return r;
    r = write_public(&key, public_path, err);
    if (r < 0)
        (void)unlink(private_path);
    return r;
}

int crypto_key_generate(const char *prefix, uint8_t ret_fingerprint[SHA256_SIZE], struct error *err)
{
    return crypto_key_generate_with(prefix, NULL, ret_fingerprint, err);
}

int crypto_key_write_public(const char *name, const struct crypto_passphrase *passphrase, const char *prefix,
                            uint8_t ret_fingerprint[SHA256_SIZE], struct error *err)
{
    CLEANUP_PRIVATE_KEY struct crypto_private_key *key = NULL;
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    char path[PATH_MAX];
    int r;

    if (snprintf(path, sizeof path, "%s.pub.pem", prefix) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "the prefix of the key's file is too long");
    r = crypto_private_key_open(name, passphrase, &key, err);
    if (r == 0)
        r = crypto_private_key_get_public(key, &public, err);
    if (r == 0)
        r = crypto_public_key_fingerprint(public, ret_fingerprint, err);
    return r == 0 ? write_public(public, path, err) : r;
}
