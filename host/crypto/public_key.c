/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys: parsing, writing and naming them. */
#include "host/crypto/internal.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define KEY_DER_MAX 2048 /* an RSA key of RSA_BITS_MAX has about 1,060 bytes */
/* Below, factoring is in reach of those who would bother; above, verifying takes long. */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

const char *const crypto_key_kind_names[CRYPTO_KEY_KIND_COUNT + 1] = {
    [CRYPTO_KEY_P256] = "ECDSA P-256", [CRYPTO_KEY_P384] = "ECDSA P-384", [CRYPTO_KEY_P521] = "ECDSA P-521",
    [CRYPTO_KEY_ED25519] = "Ed25519",  [CRYPTO_KEY_RSA] = "RSA",
};

/* OpenSSL's names of the curves that are used. */
static const char *const curves[] = {
    [CRYPTO_KEY_P256] = CRYPTO_CURVE,
    [CRYPTO_KEY_P384] = "secp384r1",
    [CRYPTO_KEY_P521] = "secp521r1",
};

static int find_curve(const EVP_PKEY *pkey, enum crypto_key_kind *ret_kind)
{
    char curve[32];
    size_t size;

    if (EVP_PKEY_get_group_name(pkey, curve, sizeof curve, &size) != 1)
        return -EBADMSG;
    for (unsigned kind = 0; kind < sizeof curves / sizeof curves[0]; kind++)
        if (strcmp(curve, curves[kind]) == 0) {
            *ret_kind = (enum crypto_key_kind)kind;
            return 0;
        }
    return -EBADMSG;
}

static int find_kind(const EVP_PKEY *pkey, enum crypto_key_kind *ret_kind)
{
    if (EVP_PKEY_is_a(pkey, "EC"))
        return find_curve(pkey, ret_kind);
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        *ret_kind = CRYPTO_KEY_ED25519;
        return 0;
    }
    if (EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN &&
        EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX) {
        *ret_kind = CRYPTO_KEY_RSA;
        return 0;
    }
    return -EBADMSG;
}

int crypto_key_check_p256(const EVP_PKEY *pkey, const char *name, const char *half, struct error *err)
{
    enum crypto_key_kind kind;

    ERR_clear_error();
    if (pkey == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: no PEM %s key; make a pair with 'lazaret keygen'", name,
                         half);
    if (find_kind(pkey, &kind) < 0 || kind != CRYPTO_KEY_P256)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: not an ECDSA key on P-256, the only kind used; make a pair with 'lazaret keygen'", name);
    return 0;
}

/*
 * A key has one fingerprint however its file spells it: a point may come compressed, a curve with its parameters
 * written out.
 */
static int make_uniform(EVP_PKEY *pkey, enum crypto_key_kind kind)
{
    if (kind == CRYPTO_KEY_ED25519 || kind == CRYPTO_KEY_RSA)
        return 0;
    if (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1 ||
        EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_GROUP) != 1)
        return -EIO;
    return 0;
}

int crypto_public_key_wrap(EVP_PKEY **pkey, const char *name, struct crypto_public_key **ret_key, struct error *err)
{
    struct crypto_public_key *key;
    enum crypto_key_kind kind;

    if (find_kind(*pkey, &kind) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: a kind of key that is not used; use ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of "
                         "%u to %u bits",
                         name, RSA_BITS_MIN, RSA_BITS_MAX);
    if (make_uniform(*pkey, kind) < 0)
        return crypto_fail(err, name);
    key = malloc(sizeof *key);
    if (key == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory for the key", name);
    key->pkey = TAKE_POINTER(*pkey);
    key->kind = kind;
    *ret_key = key;
    return 0;
}

static EVP_PKEY *read_pem(const void *pem, size_t size)
{
    CLEANUP_BIO BIO *bio = size <= CRYPTO_PEM_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
    EVP_PKEY *pkey = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, crypto_refuse_passphrase, NULL) : NULL;

    ERR_clear_error();
    return pkey;
}

int crypto_public_key_parse(const void *pem, size_t size, const char *name, struct crypto_public_key **ret_key,
                            struct error *err)
{
    CLEANUP_PKEY EVP_PKEY *pkey = read_pem(pem, size);
    int r = crypto_key_check_p256(pkey, name, "public", err);

    return r < 0 ? r : crypto_public_key_wrap(&pkey, name, ret_key, err);
}

int crypto_public_key_parse_any(const void *pem, size_t size, const char *name, struct crypto_public_key **ret_key,
                                struct error *err)
{
    CLEANUP_PKEY EVP_PKEY *pkey = read_pem(pem, size);

    if (pkey == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: no PEM public key (\"BEGIN PUBLIC KEY\")", name);
    return crypto_public_key_wrap(&pkey, name, ret_key, err);
}

int crypto_public_key_load(const char *path, struct crypto_public_key **ret_key, struct error *err)
{
    char pem[CRYPTO_PEM_MAX];
    size_t size = 0;
    int r = crypto_file_read(path, NULL, pem, &size, err);

    return r < 0 ? r : crypto_public_key_parse(pem, size, path, ret_key, err);
}

enum crypto_key_kind crypto_public_key_kind(const struct crypto_public_key *key)
{
    return key->kind;
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

void crypto_public_key_free(struct crypto_public_key *key)
{
    if (key != NULL)
        EVP_PKEY_free(key->pkey);
    free(key);
}
