/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSH's file signatures (PROTOCOL.sshsig). What is signed is not the message but
 *   "SSHSIG", string namespace, string reserved, string hash_algorithm, string H(message)
 * so that a signature made for one purpose, or by a login, is none for another.
 */
#include "host/crypto/ssh.h"

#include "host/crypto/ssh_internal.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <string.h>

#define MAGIC          "SSHSIG"
#define MAGIC_SIZE     (sizeof MAGIC - 1)
#define BEGIN          "-----BEGIN SSH SIGNATURE-----\n"
#define END            "-----END SSH SIGNATURE-----"
#define BLOB_MAX       ((size_t)6 * 1024)
#define SIGNED_MAX     ((size_t)512)
#define NAMESPACE_MAX  128u
#define DIGEST_MAX     64u
#define ED25519_SIZE   64u
#define ECDSA_DER_MAX  160u
#define SIGNATURE_SIZE 1024u /* of RSA with 8192 bits */

/* A signature's parts; all point into the blob. */
struct parts {
    struct cursor key, namespace, reserved, hash, signature;
};

static int refuse(const char *name, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", name, what);
}

/* The text between the armor's lines, without its line ends. */
static int read_armor(const char *text, size_t size, struct buffer *ret_blob)
{
    CLEANUP_BUFFER struct buffer base64 = buffer_with_limit(CRYPTO_SSHSIG_MAX);
    const char *end;
    int r = 0;

    if (size > CRYPTO_SSHSIG_MAX || size < strlen(BEGIN) || memcmp(text, BEGIN, strlen(BEGIN)) != 0)
        return -EBADMSG;
    text += strlen(BEGIN);
    size -= strlen(BEGIN);
    end = memmem(text, size, END, strlen(END));
    if (end == NULL)
        return -EBADMSG;
    size -= (size_t)(end - text) + strlen(END);
    if (size > 1 || (size == 1 && end[strlen(END)] != '\n'))
        return -EBADMSG;
    while (r == 0 && text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));

        r = line_end != NULL && line_end > text ? buffer_append(&base64, text, (size_t)(line_end - text)) : -EBADMSG;
        text = line_end != NULL ? line_end + 1 : end;
    }
    return r == 0 && base64.size > 0 ? ssh_decode_base64((const char *)base64.data, base64.size, ret_blob) : -EBADMSG;
}

/* "SSHSIG", u32 version 1, string publickey, namespace, reserved, hash_algorithm, signature. */
static int read_parts(struct cursor *blob, struct parts *ret_parts)
{
    static const uint8_t version_1[4] = {0, 0, 0, 1};
    const uint8_t *magic = NULL, *version = NULL;
    struct parts parts = {0};
    int r = cursor_read_bytes(blob, MAGIC_SIZE, &magic);

    if (r == 0)
        r = cursor_read_bytes(blob, sizeof version_1, &version);
    if (r < 0 || memcmp(magic, MAGIC, MAGIC_SIZE) != 0 || memcmp(version, version_1, sizeof version_1) != 0)
        return -EBADMSG;
    r = ssh_read_string(blob, &parts.key);
    if (r == 0)
        r = ssh_read_string(blob, &parts.namespace);
    if (r == 0)
        r = ssh_read_string(blob, &parts.reserved);
    if (r == 0)
        r = ssh_read_string(blob, &parts.hash);
    if (r == 0)
        r = ssh_read_string(blob, &parts.signature);
    if (r < 0 || cursor_left(blob) != 0 || parts.reserved.size != 0 || parts.namespace.size == 0 ||
        parts.namespace.size > NAMESPACE_MAX)
        return -EBADMSG;
    *ret_parts = parts;
    return 0;
}

static const EVP_MD *hash_of(const struct cursor *name)
{
    return ssh_string_is(name, "sha512") ? EVP_sha512() : ssh_string_is(name, "sha256") ? EVP_sha256() : NULL;
}

static int append_string(struct buffer *bytes, const void *data, size_t size)
{
    const uint8_t length[4] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    int r = buffer_append(bytes, length, sizeof length);

    return r == 0 ? buffer_append(bytes, data, size) : r;
}

/* The bytes that were really signed. */
static int encode_signed(const struct parts *parts, const void *message, size_t size, struct buffer *ret_bytes)
{
    uint8_t digest[DIGEST_MAX];
    unsigned digest_size = 0;
    int r = EVP_Digest(message, size, digest, &digest_size, hash_of(&parts->hash), NULL) == 1 ? 0 : -EIO;

    if (r == 0)
        r = buffer_append(ret_bytes, MAGIC, MAGIC_SIZE);
    if (r == 0)
        r = append_string(ret_bytes, parts->namespace.data, parts->namespace.size);
    if (r == 0)
        r = append_string(ret_bytes, parts->reserved.data, parts->reserved.size);
    if (r == 0)
        r = append_string(ret_bytes, parts->hash.data, parts->hash.size);
    return r == 0 ? append_string(ret_bytes, digest, digest_size) : r;
}

/* --- the signature's own form -------------------------------------------------------------------------- */

/* As OpenSSL verifies it. */
struct raw_signature {
    const EVP_MD *hash; /* NULL: the algorithm has its own */
    uint8_t bytes[SIGNATURE_SIZE];
    size_t size;
};

/* RFC 5656, 3.1.2: string (mpint r, mpint s), into DER. */
static int read_ecdsa(struct cursor *value, struct raw_signature *ret)
{
    const uint8_t *r_bytes = NULL, *s_bytes = NULL;
    size_t r_size = 0, s_size = 0;
    uint8_t *end = ret->bytes;
    ECDSA_SIG *signature;
    BIGNUM *r, *s;
    int size = -1;

    if (ssh_read_mpint(value, &r_bytes, &r_size) < 0 || ssh_read_mpint(value, &s_bytes, &s_size) < 0 ||
        cursor_left(value) != 0)
        return -EBADMSG;
    signature = ECDSA_SIG_new();
    r = BN_bin2bn(r_bytes, (int)r_size, NULL);
    s = BN_bin2bn(s_bytes, (int)s_size, NULL);
    if (signature != NULL && ECDSA_SIG_set0(signature, r, s) == 1) { /* takes both over */
        size = i2d_ECDSA_SIG(signature, NULL);
        size = size > 0 && size <= (int)ECDSA_DER_MAX ? i2d_ECDSA_SIG(signature, &end) : -1;
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(signature);
    ret->size = size > 0 ? (size_t)size : 0;
    return size > 0 ? 0 : -EBADMSG;
}

/* The signature's type for a kind of key, and the hash in it. RSA has two (RFC 8332): ssh-rsa itself is SHA-1. */
static const struct {
    enum crypto_key_kind kind;
    const char *type;
    const EVP_MD *(*hash)(void); /* NULL: the algorithm has its own */
} types[] = {
    {CRYPTO_KEY_ED25519, "ssh-ed25519", NULL},
    {CRYPTO_KEY_P256, "ecdsa-sha2-nistp256", EVP_sha256},
    {CRYPTO_KEY_P384, "ecdsa-sha2-nistp384", EVP_sha384},
    {CRYPTO_KEY_P521, "ecdsa-sha2-nistp521", EVP_sha512},
    {CRYPTO_KEY_RSA, "rsa-sha2-512", EVP_sha512},
    {CRYPTO_KEY_RSA, "rsa-sha2-256", EVP_sha256},
};

/* string type, string value; the type must be the key's. */
static int read_signature(struct cursor *blob, enum crypto_key_kind kind, struct raw_signature *ret)
{
    struct cursor type = {0}, value = {0};
    size_t i = 0;

    if (ssh_read_string(blob, &type) < 0 || ssh_read_string(blob, &value) < 0 || cursor_left(blob) != 0 ||
        value.size > sizeof ret->bytes)
        return -EBADMSG;
    while (i < sizeof types / sizeof types[0] && (types[i].kind != kind || !ssh_string_is(&type, types[i].type)))
        i++;
    if (i == sizeof types / sizeof types[0] || (kind == CRYPTO_KEY_ED25519 && value.size != ED25519_SIZE))
        return -EBADMSG;
    ret->hash = types[i].hash != NULL ? types[i].hash() : NULL;
    if (kind == CRYPTO_KEY_P256 || kind == CRYPTO_KEY_P384 || kind == CRYPTO_KEY_P521)
        return read_ecdsa(&value, ret);
    memcpy(ret->bytes, value.data, value.size);
    ret->size = value.size;
    return 0;
}

static int verify_parts(struct parts *parts, const char *name, const void *message, size_t size,
                        struct crypto_public_key **ret_key, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(SIGNED_MAX);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    struct raw_signature signature = {0};
    int r = ssh_read_public_key(&parts->key, name, &key, err);

    if (r < 0)
        return r;
    if (read_signature(&parts->signature, crypto_public_key_kind(key), &signature) < 0)
        return refuse(name, "the signature is not of its key's kind", err);
    r = encode_signed(parts, message, size, &bytes);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: no memory to verify the signature", name);
    r = crypto_verify_with_hash(key, signature.hash, bytes.data, bytes.size, signature.bytes, signature.size, err);
    if (r < 0) {
        (void)error_prefix(err, "%s", name);
        return r;
    }
    *ret_key = TAKE_POINTER(key);
    return 0;
}

int crypto_sshsig_verify(const void *armored, size_t size, const char *name, const char *namespace, const void *message,
                         size_t message_size, struct crypto_public_key **ret_key, struct error *err)
{
    CLEANUP_BUFFER struct buffer blob = buffer_with_limit(BLOB_MAX);
    struct parts parts;
    struct cursor cursor;

    if (read_armor(armored, size, &blob) < 0)
        return refuse(name, "no armored SSH signature, as 'ssh-keygen -Y sign' writes it", err);
    cursor = cursor_over(blob.data, blob.size);
    if (read_parts(&cursor, &parts) < 0)
        return refuse(name, "not an SSH signature of version 1", err);
    if (hash_of(&parts.hash) == NULL)
        return refuse(name, "an SSH signature with another hash than sha256 or sha512", err);
    if (!ssh_string_is(&parts.namespace, namespace))
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "%s: signed for another namespace; sign with: ssh-keygen -Y sign -n %s", name, namespace);
    return verify_parts(&parts, name, message, message_size, ret_key, err);
}
