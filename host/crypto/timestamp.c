/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging timestamps.
 *
 * The response is decoded by OpenSSL, within a bound. Its signature, its certificate's purpose and the chain are
 * OpenSSL's checks too; what RFC 3161 and our use ask beyond them stands here: nothing behind the DER, SHA-256 as the
 * imprint's hash, no signature by a weak hash, and the chain judged at the time of the stamp and not at ours.
 */
#include "host/crypto/timestamp.h"

#include "base/file.h"
#include "digest/sha256.h"
#include "host/crypto/internal.h"
#include "host/crypto/timestamp_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <time.h>

#define ANCHORS_SIZE_MAX ((size_t)512 * 1024)
#define ANCHORS_MAX      64u
#define AUTH_LEVEL       2 /* 112 bits: RSA of 2048, no SHA-1 in the chain */

struct crypto_timestamp_anchors {
    X509_STORE *store;
};

static void store_drop(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static void context_drop(TS_VERIFY_CTX **context)
{
    TS_VERIFY_CTX_free(*context);
}

#define CLEANUP_STORE   CLEANUP(store_drop)
#define CLEANUP_CONTEXT CLEANUP(context_drop)

int crypto_timestamp_refuse(struct error *err, const char *what)
{
    const char *data = NULL, *reason = NULL;
    unsigned long code = ERR_peek_last_error_all(NULL, NULL, NULL, &data, NULL);

    if (code != 0)
        reason = ERR_reason_error_string(code);
    (void)error_set(err, ERROR_MISMATCH, -EBADMSG, "%s%s%s%s%s%s", what, reason != NULL ? ": " : "",
                    reason != NULL ? reason : "", data != NULL && *data != '\0' ? " (" : "", data != NULL ? data : "",
                    data != NULL && *data != '\0' ? ")" : "");
    ERR_clear_error();
    return -EBADMSG;
}

/* --- anchors ------------------------------------------------------------------------------------------- */

static int add_certificates(X509_STORE *store, BIO *bio, const char *path, struct error *err)
{
    unsigned count = 0;

    for (;;) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, crypto_refuse_passphrase, NULL);
        int added;

        if (certificate == NULL)
            break;
        added = count < ANCHORS_MAX && X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
        if (!added)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: more than %u certificates", path, ANCHORS_MAX);
        count++;
    }
    if (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        ERR_clear_error();
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: %s; give the timestamp authority's certificates in PEM (\"BEGIN CERTIFICATE\")", path,
                         count == 0 ? "no certificate" : "a broken certificate");
    }
    ERR_clear_error();
    return 0;
}

int crypto_timestamp_anchors_load(const char *path, struct crypto_timestamp_anchors **ret_anchors, struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(ANCHORS_SIZE_MAX);
    CLEANUP_TIMESTAMP_ANCHORS struct crypto_timestamp_anchors *anchors = calloc(1, sizeof *anchors);
    int r = file_read_bounded(path, &pem, err);

    if (r < 0)
        return r;
    if (anchors != NULL)
        anchors->store = X509_STORE_new();
    if (anchors == NULL || anchors->store == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory for certificates", path);
    ERR_clear_error();
    if (pem.size > 0) {
        CLEANUP_BIO BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);

        if (bio == NULL)
            return crypto_fail(err, "reading certificates");
        r = add_certificates(anchors->store, bio, path, err);
    } else
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: no certificate; the file is empty", path);
    if (r == 0)
        *ret_anchors = TAKE_POINTER(anchors);
    return r;
}

void crypto_timestamp_anchors_free(struct crypto_timestamp_anchors *anchors)
{
    if (anchors != NULL)
        X509_STORE_free(anchors->store);
    free(anchors);
}

/* --- taking a response apart ------------------------------------------------------------------------------ */

int crypto_timestamp_decode(const void *response, size_t size, TS_RESP **ret_decoded, struct error *err)
{
    const unsigned char *at = response;
    CLEANUP_TS_RESP TS_RESP *decoded = NULL;

    ERR_clear_error();
    if (size > 0 && size <= CRYPTO_TIMESTAMP_RESPONSE_MAX)
        decoded = d2i_TS_RESP(NULL, &at, (long)size);
    if (decoded == NULL || at != (const unsigned char *)response + size) {
        ERR_clear_error();
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "no timestamp response of RFC 3161: one TimeStampResp in DER, of at most %zu bytes, expected",
                         CRYPTO_TIMESTAMP_RESPONSE_MAX);
    }
    *ret_decoded = TAKE_POINTER(decoded);
    return 0;
}

int crypto_timestamp_check_granted(TS_RESP *decoded, struct error *err)
{
    TS_STATUS_INFO *info = TS_RESP_get_status_info(decoded);
    const ASN1_INTEGER *status = info != NULL ? TS_STATUS_INFO_get0_status(info) : NULL;
    const STACK_OF(ASN1_UTF8STRING) *texts = info != NULL ? TS_STATUS_INFO_get0_text(info) : NULL;
    const ASN1_UTF8STRING *text =
        texts != NULL && sk_ASN1_UTF8STRING_num(texts) > 0 ? sk_ASN1_UTF8STRING_value(texts, 0) : NULL;
    long code = status != NULL ? ASN1_INTEGER_get(status) : -1;

    if (code != TS_STATUS_GRANTED && code != TS_STATUS_GRANTED_WITH_MODS)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the timestamp was not granted: status %ld%s%.*s", code,
                         text != NULL ? ", " : "", text != NULL ? ASN1_STRING_length(text) : 0,
                         text != NULL ? (const char *)ASN1_STRING_get0_data(text) : "");
    if (TS_RESP_get_token(decoded) == NULL || TS_RESP_get_tst_info(decoded) == NULL)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the timestamp response holds no timestamp");
    return 0;
}

static int check_imprint(TS_TST_INFO *info, const void *signature, size_t signature_size, struct error *err)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
    const ASN1_OBJECT *algorithm;
    const ASN1_OCTET_STRING *found = TS_MSG_IMPRINT_get_msg(imprint);
    uint8_t expected[SHA256_SIZE];

    X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    if (OBJ_obj2nid(algorithm) != NID_sha256)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the timestamp's imprint is of another hash than SHA-256");
    sha256_of(signature, signature_size, expected);
    if (ASN1_STRING_length(found) != SHA256_SIZE || memcmp(ASN1_STRING_get0_data(found), expected, SHA256_SIZE) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the timestamp is of something else than this signature");
    return 0;
}

static int read_time(TS_TST_INFO *info, int64_t *ret_time, struct error *err)
{
    const ASN1_GENERALIZEDTIME *text = TS_TST_INFO_get_time(info);
    struct tm broken_down;
    int length = text != NULL ? ASN1_STRING_length(text) : 0;

    /* "Z" and nothing else: RFC 3161, 2.4.2. */
    if (length < 15 || ASN1_STRING_get0_data(text)[length - 1] != 'Z' || ASN1_TIME_to_tm(text, &broken_down) != 1) {
        ERR_clear_error();
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the timestamp's time is malformed");
    }
    *ret_time = timegm(&broken_down);
    return 0;
}

/* The one certificate that signed; borrowed from the token, valid until it is freed. */
static int find_signer(PKCS7 *token, X509 **ret_signer, struct error *err)
{
    STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(token);
    STACK_OF(X509) * signers;
    X509_ALGOR *digest = NULL;
    const ASN1_OBJECT *algorithm;
    int kind;

    if (infos == NULL || sk_PKCS7_SIGNER_INFO_num(infos) != 1)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the timestamp has not exactly one signature");
    PKCS7_SIGNER_INFO_get0_algs(sk_PKCS7_SIGNER_INFO_value(infos, 0), NULL, &digest, NULL);
    X509_ALGOR_get0(&algorithm, NULL, NULL, digest);
    kind = OBJ_obj2nid(algorithm);
    if (kind != NID_sha256 && kind != NID_sha384 && kind != NID_sha512)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the timestamp is signed with another hash than SHA-2's");
    signers = PKCS7_get0_signers(token, NULL, 0);
    if (signers == NULL || sk_X509_num(signers) != 1) {
        sk_X509_free(signers);
        return crypto_timestamp_refuse(err, "the timestamp does not hold its signer's certificate");
    }
    *ret_signer = sk_X509_value(signers, 0);
    sk_X509_free(signers);
    return 0;
}

static int name_signer(X509 *signer, char ret_authority[CRYPTO_TIMESTAMP_AUTHORITY_SIZE], struct error *err)
{
    CLEANUP_BIO BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long size;

    if (bio == NULL || X509_NAME_print_ex(bio, X509_get_subject_name(signer), 0, XN_FLAG_RFC2253) < 0)
        return crypto_fail(err, "naming a timestamp's authority");
    size = BIO_get_mem_data(bio, &text);
    if (size >= (long)CRYPTO_TIMESTAMP_AUTHORITY_SIZE)
        size = CRYPTO_TIMESTAMP_AUTHORITY_SIZE - 1;
    memcpy(ret_authority, text, (size_t)size);
    ret_authority[size] = '\0';
    return 0;
}

/* --- the verdict --------------------------------------------------------------------------------------------- */

/* RFC 3161, 2.3: the purpose is critical and the only one. */
static int check_purpose(X509 *signer, struct error *err)
{
    int at = X509_get_ext_by_NID(signer, NID_ext_key_usage, -1);

    if (at < 0 || X509_EXTENSION_get_critical(X509_get_ext(signer, at)) != 1 ||
        X509_get_extended_key_usage(signer) != XKU_TIMESTAMP)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "the timestamp's certificate is not for timestamps alone (critical extended key usage)");
    return 0;
}

/* The anchors, or where there are none, the certificate itself: then only what it carries is held against itself. */
static X509_STORE *choose_store(const struct crypto_timestamp_anchors *anchors, X509 *signer)
{
    X509_STORE *store;

    if (anchors != NULL)
        return X509_STORE_up_ref(anchors->store) == 1 ? anchors->store : NULL;
    store = X509_STORE_new();
    if (store == NULL)
        return NULL;
    if (X509_STORE_add_cert(store, signer) != 1 || X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1) {
        X509_STORE_free(store);
        return NULL;
    }
    return store;
}

static int check_signed(TS_RESP *decoded, const struct crypto_timestamp_anchors *anchors, X509 *signer, int64_t when,
                        struct error *err)
{
    CLEANUP_STORE X509_STORE *store = choose_store(anchors, signer);
    CLEANUP_CONTEXT TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();

    if (store == NULL || context == NULL)
        return crypto_fail(err, "verifying a timestamp");
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)when);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), AUTH_LEVEL);
    (void)TS_VERIFY_CTX_set_flags(context, TS_VFY_SIGNATURE | TS_VFY_VERSION);
    (void)TS_VERIFY_CTX_set_store(context, TAKE_POINTER(store));
    if (TS_RESP_verify_response(context, decoded) != 1)
        return crypto_timestamp_refuse(err, "the timestamp does not hold");
    return 0;
}

int crypto_timestamp_verify_by(const struct crypto_timestamp_anchors *anchors, const void *response, size_t size,
                               const void *signature, size_t signature_size, struct crypto_timestamp *ret_timestamp,
                               struct error *err)
{
    CLEANUP_TS_RESP TS_RESP *decoded = NULL;
    struct crypto_timestamp timestamp = {0};
    X509 *signer = NULL;
    int r = crypto_timestamp_decode(response, size, &decoded, err);

    if (r == 0)
        r = crypto_timestamp_check_granted(decoded, err);
    if (r == 0)
        r = check_imprint(TS_RESP_get_tst_info(decoded), signature, signature_size, err);
    if (r == 0)
        r = read_time(TS_RESP_get_tst_info(decoded), &timestamp.time, err);
    if (r == 0)
        r = find_signer(TS_RESP_get_token(decoded), &signer, err);
    if (r == 0)
        r = check_purpose(signer, err);
    if (r == 0)
        r = check_signed(decoded, anchors, signer, timestamp.time, err);
    if (r == 0)
        r = name_signer(signer, timestamp.authority, err);
    if (r == 0)
        *ret_timestamp = timestamp;
    return r;
}

int crypto_timestamp_prepare(struct error *err)
{
    uint8_t sha256[SHA256_SIZE];

    sha256_of("", 0, sha256);
    return OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
                                   OPENSSL_INIT_ADD_ALL_DIGESTS | OPENSSL_INIT_ADD_ALL_CIPHERS,
                               NULL) == 1
               ? 0
               : crypto_fail(err, "starting OpenSSL");
}
