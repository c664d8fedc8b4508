/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's public keys. */
#include "host/crypto/ssh.h"

#include "host/crypto/ssh_internal.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#define ED25519_SIZE  32u
#define EC_POINT_MAX  133u /* uncompressed, on P-521 */
#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  8192
#define BLOB_MAX      ((size_t)4 * 1024)
#define UNCOMPRESSED  0x04 /* the first byte of a point (SEC 1, 2.3.3) */
#define TYPE_PREFIXES 2

static void param_build_drop(OSSL_PARAM_BLD **build)
{
    OSSL_PARAM_BLD_free(*build);
}

static void params_drop(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void pkey_context_drop(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

static void number_drop(BIGNUM **number)
{
    BN_free(*number);
}

#define CLEANUP_NUMBER CLEANUP(number_drop)

/* --- the wire ---------------------------------------------------------------------------------------- */

int ssh_read_string(struct cursor *cursor, struct cursor *ret_string)
{
    struct cursor ahead = *cursor;
    uint8_t length[4] = {0};
    int r = cursor_copy(&ahead, length, sizeof length);

    if (r == 0)
        r = cursor_read_sub(
            &ahead, (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | (size_t)length[3],
            ret_string);
    if (r == 0)
        *cursor = ahead;
    return r;
}

int ssh_read_mpint(struct cursor *cursor, const uint8_t **ret_bytes, size_t *ret_size)
{
    struct cursor number = {0};
    const uint8_t *bytes = NULL;
    size_t size;
    int r = ssh_read_string(cursor, &number);

    size = r == 0 ? cursor_left(&number) : 0;
    if (r == 0)
        r = size > 0 && size <= SSH_MPINT_MAX ? cursor_read_bytes(&number, size, &bytes) : -EBADMSG;
    if (r < 0)
        return r;
    /* Positive, and a leading zero only where it keeps it so. */
    if (bytes[0] >= 0x80 || (bytes[0] == 0 && (size == 1 || bytes[1] < 0x80)))
        return -EBADMSG;
    *ret_bytes = bytes[0] == 0 ? bytes + 1 : bytes;
    *ret_size = bytes[0] == 0 ? size - 1 : size;
    return 0;
}

bool ssh_string_is(const struct cursor *string, const char *text)
{
    return string->size == strlen(text) && memcmp(string->data, text, string->size) == 0;
}

int ssh_decode_base64(const char *text, size_t size, struct buffer *ret_data)
{
    CLEANUP_FREE uint8_t *again = malloc(size + 1);
    uint8_t *room;
    size_t used = size / 4 * 3;
    int r;

    if (size == 0 || size % 4 != 0 || size > INT32_MAX / 2)
        return -EBADMSG;
    used -= text[size - 1] == '=' ? text[size - 2] == '=' ? 2u : 1u : 0u;
    if (used > ret_data->limit - ret_data->size)
        return -EMSGSIZE;
    if (again == NULL)
        return -ENOMEM;
    /* Room for the padding's bytes, which OpenSSL writes as zeros and which do not count. */
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(size);
    r = buffer_reserve(&bytes, size, &room);
    if (r < 0)
        return r;
    /* OpenSSL's decoder is lenient; encoding again shows whether this was the one spelling. */
    if (EVP_DecodeBlock(room, (const uint8_t *)text, (int)size) != (int)(size / 4 * 3) ||
        EVP_EncodeBlock(again, room, (int)used) != (int)size || memcmp(again, text, size) != 0)
        return -EBADMSG;
    return buffer_append(ret_data, room, used);
}

/* --- the kinds of key ---------------------------------------------------------------------------------- */

static const struct {
    const char *type, *curve, *group;
    size_t point_size;
} curves[] = {
    {"ecdsa-sha2-nistp256", "nistp256", "prime256v1", 65},
    {"ecdsa-sha2-nistp384", "nistp384", "secp384r1", 97},
    {"ecdsa-sha2-nistp521", "nistp521", "secp521r1", 133},
};

#define CURVES (sizeof curves / sizeof curves[0])

/* A key of the kind from parameters, or NULL: OpenSSL checks that a point is on its curve. */
static EVP_PKEY *new_key(const char *kind, OSSL_PARAM_BLD *build)
{
    CLEANUP(params_drop) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    CLEANUP(pkey_context_drop) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    EVP_PKEY *pkey = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return NULL;
    return pkey;
}

static EVP_PKEY *read_ed25519(struct cursor *blob)
{
    struct cursor key = {0};

    if (ssh_read_string(blob, &key) < 0 || key.size != ED25519_SIZE)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key.data, key.size);
}

/* RFC 5656, 3.1: string curve, string point. */
static EVP_PKEY *read_ecdsa(struct cursor *blob, size_t index)
{
    CLEANUP(param_build_drop) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    struct cursor curve = {0}, point = {0};

    if (ssh_read_string(blob, &curve) < 0 || !ssh_string_is(&curve, curves[index].curve) ||
        ssh_read_string(blob, &point) < 0 || point.size != curves[index].point_size || point.data[0] != UNCOMPRESSED)
        return NULL;
    if (build == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curves[index].group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.size) != 1)
        return NULL;
    return new_key("EC", build);
}

/* RFC 4253, 6.6: mpint e, mpint n. */
static EVP_PKEY *read_rsa(struct cursor *blob)
{
    CLEANUP(param_build_drop) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    CLEANUP_NUMBER BIGNUM *e = NULL, *n = NULL;
    const uint8_t *e_bytes = NULL, *n_bytes = NULL;
    size_t e_size = 0, n_size = 0;

    if (ssh_read_mpint(blob, &e_bytes, &e_size) < 0 || ssh_read_mpint(blob, &n_bytes, &n_size) < 0)
        return NULL;
    e = BN_bin2bn(e_bytes, (int)e_size, NULL);
    n = BN_bin2bn(n_bytes, (int)n_size, NULL);
    /* A small odd exponent, as every RSA key has: a huge one would only cost time. */
    if (e == NULL || n == NULL || BN_num_bits(n) < RSA_BITS_MIN || BN_num_bits(n) > RSA_BITS_MAX ||
        BN_num_bits(e) < 2 || BN_num_bits(e) > 64 || !BN_is_odd(e) || !BN_is_odd(n))
        return NULL;
    if (build == NULL || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return NULL;
    return new_key("RSA", build);
}

static EVP_PKEY *read_kind(const struct cursor *type, struct cursor *blob)
{
    if (ssh_string_is(type, "ssh-ed25519"))
        return read_ed25519(blob);
    if (ssh_string_is(type, "ssh-rsa"))
        return read_rsa(blob);
    for (size_t i = 0; i < CURVES; i++)
        if (ssh_string_is(type, curves[i].type))
            return read_ecdsa(blob, i);
    return NULL;
}

int ssh_read_public_key(struct cursor *blob, const char *name, struct crypto_public_key **ret_key, struct error *err)
{
    CLEANUP_PKEY EVP_PKEY *pkey = NULL;
    struct cursor type = {0};

    if (ssh_read_string(blob, &type) == 0)
        pkey = read_kind(&type, blob);
    ERR_clear_error();
    if (pkey == NULL || cursor_left(blob) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: no OpenSSH public key of a kind that is read here: ssh-ed25519, ecdsa-sha2-nistp256, "
                         "-nistp384, -nistp521, or ssh-rsa of %d to %d bits",
                         name, RSA_BITS_MIN, RSA_BITS_MAX);
    return crypto_public_key_wrap(&pkey, name, ret_key, err);
}

/* --- the line -------------------------------------------------------------------------------------------- */

bool crypto_text_is_ssh_key(const void *text, size_t size)
{
    static const char *const prefixes[TYPE_PREFIXES] = {"ssh-", "ecdsa-sha2-"};

    for (size_t i = 0; i < TYPE_PREFIXES; i++)
        if (size >= strlen(prefixes[i]) && memcmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static int refuse_line(const char *name, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "%s: one line 'TYPE BASE64 COMMENT' expected, as ssh-keygen writes it to id_*.pub", name);
}

/* Bytes up to the first space, or all. */
static size_t word_size(const char *text, size_t size)
{
    const char *space = memchr(text, ' ', size);

    return space != NULL ? (size_t)(space - text) : size;
}

int crypto_public_key_parse_ssh(const void *line, size_t size, const char *name, struct crypto_public_key **ret_key,
                                struct error *err)
{
    CLEANUP_BUFFER struct buffer blob = buffer_with_limit(BLOB_MAX);
    struct cursor cursor, type = {0};
    const char *text = line;
    size_t type_size, skipped;

    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (size > CRYPTO_SSH_LINE_MAX || memchr(text, '\n', size) != NULL || memchr(text, '\0', size) != NULL)
        return refuse_line(name, err);
    type_size = word_size(text, size);
    skipped = type_size + 1;
    if (skipped >= size || ssh_decode_base64(text + skipped, word_size(text + skipped, size - skipped), &blob) < 0)
        return refuse_line(name, err);
    cursor = cursor_over(blob.data, blob.size);
    if (ssh_read_string(&cursor, &type) < 0 || type.size != type_size || memcmp(type.data, text, type_size) != 0)
        return refuse_line(name, err);
    cursor = cursor_over(blob.data, blob.size);
    return ssh_read_public_key(&cursor, name, ret_key, err);
}
