/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in files: PEM private keys, encrypted ones too, and passphrases. */
#include "host/crypto/internal.h"

#include "base/file.h"
#include "base/io.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static int open_file(const char *path, const char *secret, int *ret_fd, struct error *err)
{
    CLEANUP_FD int fd = -1;
    struct stat status;
    int r = file_open_regular(path, &fd, &status, err);

    if (r < 0)
        return r;
    if (secret != NULL && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EACCES,
                         "%s: %s that group or others may read (mode %04o); run: chmod 600 %s", path, secret,
                         (unsigned)(status.st_mode & 07777), path);
    *ret_fd = take_fd(&fd);
    return 0;
}

int crypto_file_read(const char *path, const char *secret, char ret_text[CRYPTO_PEM_MAX], size_t *ret_size,
                     struct error *err)
{
    CLEANUP_FD int fd = -1;
    ssize_t count;
    int r = open_file(path, secret, &fd, err);

    if (r < 0)
        return r;
    count = io_pread_full(fd, ret_text, CRYPTO_PEM_MAX, 0);
    if (count < 0)
        return error_set(err, ERROR_NO_INPUT, (int)count, "%s: %s", path, strerror((int)-count));
    *ret_size = (size_t)count;
    return 0;
}

static void sig_drop(X509_SIG **encrypted)
{
    X509_SIG_free(*encrypted);
}

static void info_drop(PKCS8_PRIV_KEY_INFO **info)
{
    PKCS8_PRIV_KEY_INFO_free(*info);
}

static void pbe2_drop(PBE2PARAM **parameters)
{
    PBE2PARAM_free(*parameters);
}

static void pbkdf2_drop(PBKDF2PARAM **parameters)
{
    PBKDF2PARAM_free(*parameters);
}

/*
 * Whether a file asks for more rounds of PBKDF2 (RFC 8018, A.2 and A.4) than anyone makes: it would hold the signer up
 * for hours. scrypt, the other way, is bounded by OpenSSL.
 */
static bool is_endless(const X509_ALGOR *algorithm)
{
    CLEANUP(pbe2_drop) PBE2PARAM *scheme = NULL;
    CLEANUP(pbkdf2_drop) PBKDF2PARAM *derivation = NULL;
    const ASN1_OBJECT *function = NULL;
    const void *value = NULL;
    uint64_t rounds = 0;
    int type = 0;

    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type == V_ASN1_SEQUENCE)
        scheme = ASN1_item_unpack(value, ASN1_ITEM_rptr(PBE2PARAM));
    if (scheme == NULL)
        return false;
    X509_ALGOR_get0(&function, &type, &value, scheme->keyfunc);
    if (OBJ_obj2nid(function) != NID_id_pbkdf2 || type != V_ASN1_SEQUENCE)
        return false;
    derivation = ASN1_item_unpack(value, ASN1_ITEM_rptr(PBKDF2PARAM));
    return derivation != NULL &&
           (ASN1_INTEGER_get_uint64(&rounds, derivation->iter) != 1 || rounds > CRYPTO_ROUNDS_MAX);
}

/* RFC 5958's EncryptedPrivateKeyInfo. The passphrase is asked for only once the file is known to be one. */
static int decrypt(BIO *bio, const char *path, const struct crypto_passphrase *passphrase, EVP_PKEY **ret_pkey,
                   struct error *err)
{
    CLEANUP(sig_drop) X509_SIG *encrypted = PEM_read_bio_PKCS8(bio, NULL, crypto_refuse_passphrase, NULL);
    CLEANUP(info_drop) PKCS8_PRIV_KEY_INFO *info = NULL;
    char text[CRYPTO_PASSPHRASE_SIZE], what[ERROR_TEXT_MAX / 2];
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *scheme = NULL;
    int r;

    if (encrypted == NULL) {
        *ret_pkey = NULL;
        return 0;
    }
    X509_SIG_get0(encrypted, &algorithm, NULL);
    X509_ALGOR_get0(&scheme, NULL, NULL, algorithm);
    if (OBJ_obj2nid(scheme) != NID_pbes2)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: encrypted by an old scheme; convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc", path);
    if (is_endless(algorithm))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: wants more than %u rounds to derive its key; make another: openssl pkcs8 -topk8 -iter "
                         "600000",
                         path, CRYPTO_ROUNDS_MAX);
    (void)snprintf(what, sizeof what, "passphrase of %s", path);
    r = crypto_passphrase_get(passphrase, what, text, err);
    if (r < 0)
        return r;
    info = PKCS8_decrypt(encrypted, text, (int)strlen(text));
    crypto_passphrase_wipe(text);
    if (info == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EKEYREJECTED, "%s: the passphrase is not this key's", path);
    *ret_pkey = EVP_PKCS82PKEY(info);
    return 0;
}

static bool holds(const char *text, size_t size, const char *word)
{
    return memmem(text, size, word, strlen(word)) != NULL;
}

int crypto_private_pem_parse(const char *pem, size_t size, const char *path, const struct crypto_passphrase *passphrase,
                             EVP_PKEY **ret_pkey, struct error *err)
{
    CLEANUP_BIO BIO *bio = BIO_new_mem_buf(pem, (int)size);

    if (bio == NULL)
        return crypto_fail(err, "reading a private key");
    if (holds(pem, size, "Proc-Type: 4,ENCRYPTED"))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: encrypted in PEM's old form, which is weak; convert it: openssl pkcs8 -topk8 -v2 "
                         "aes-256-cbc",
                         path);
    if (holds(pem, size, "-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        return decrypt(bio, path, passphrase, ret_pkey, err);
    *ret_pkey = PEM_read_bio_PrivateKey(bio, NULL, crypto_refuse_passphrase, NULL);
    return 0;
}

/* Whether a file holds a public key and no private one: an easy mistake, which the file's mode is not to be blamed for.
 */
static bool is_public(const char *path)
{
    char pem[CRYPTO_PEM_MAX];
    size_t size = 0;
    bool public = crypto_file_read(path, NULL, pem, &size, NULL) == 0 &&
                  holds(pem, size, "-----BEGIN PUBLIC KEY-----") && !holds(pem, size, "PRIVATE KEY-----");

    OPENSSL_cleanse(pem, sizeof pem);
    return public;
}

int crypto_private_pem_load(const char *path, const struct crypto_passphrase *passphrase, EVP_PKEY **ret_pkey,
                            struct error *err)
{
    char pem[CRYPTO_PEM_MAX];
    size_t size = 0;
    int r;

    if (is_public(path))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: a public key; the private one is expected here", path);
    r = crypto_file_read(path, "a private key", pem, &size, err);
    if (r == 0 && size == 0)
        *ret_pkey = NULL;
    else if (r == 0)
        r = crypto_private_pem_parse(pem, size, path, passphrase, ret_pkey, err);
    OPENSSL_cleanse(pem, sizeof pem);
    ERR_clear_error();
    return r;
}
