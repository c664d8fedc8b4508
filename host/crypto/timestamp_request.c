/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for timestamps: the request of RFC 3161, 2.4.1, and whether a response answers it. */
#include "host/crypto/timestamp.h"

#include "digest/sha256.h"
#include "host/crypto/internal.h"
#include "host/crypto/timestamp_internal.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#define NONCE_BITS 64

static void bignum_drop(BIGNUM **number)
{
    BN_free(*number);
}

static void integer_drop(ASN1_INTEGER **integer)
{
    ASN1_INTEGER_free(*integer);
}

static void imprint_drop(TS_MSG_IMPRINT **imprint)
{
    TS_MSG_IMPRINT_free(*imprint);
}

static void algorithm_drop(X509_ALGOR **algorithm)
{
    X509_ALGOR_free(*algorithm);
}

/* The setters copy what they are given. */
static bool set_imprint(TS_REQ *request, const void *signature, size_t signature_size)
{
    CLEANUP(imprint_drop) TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    CLEANUP(algorithm_drop) X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t sha256[SHA256_SIZE];

    sha256_of(signature, signature_size, sha256);
    return imprint != NULL && algorithm != NULL &&
           X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
           TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
           TS_MSG_IMPRINT_set_msg(imprint, sha256, SHA256_SIZE) == 1 && TS_REQ_set_msg_imprint(request, imprint) == 1;
}

static bool set_nonce(TS_REQ *request)
{
    CLEANUP(bignum_drop) BIGNUM *number = BN_new();
    CLEANUP(integer_drop) ASN1_INTEGER *nonce = NULL;

    /* The first bit set, so that every nonce has one length. */
    if (number == NULL || BN_rand(number, NONCE_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1)
        return false;
    nonce = BN_to_ASN1_INTEGER(number, NULL);
    return nonce != NULL && TS_REQ_set_nonce(request, nonce) == 1;
}

int crypto_timestamp_request(const void *signature, size_t signature_size, struct buffer *ret_request,
                             struct error *err)
{
    CLEANUP_TS_REQ TS_REQ *request = TS_REQ_new();
    unsigned char der[CRYPTO_TIMESTAMP_REQUEST_MAX], *end = der;
    int size;

    if (request == NULL || TS_REQ_set_version(request, 1) != 1 || !set_imprint(request, signature, signature_size) ||
        !set_nonce(request) || TS_REQ_set_cert_req(request, 1) != 1)
        return crypto_fail(err, "making a timestamp request");
    size = i2d_TS_REQ(request, NULL);
    if (size <= 0 || (size_t)size > sizeof der || i2d_TS_REQ(request, &end) != size)
        return crypto_fail(err, "encoding a timestamp request");
    if (buffer_append(ret_request, der, (size_t)size) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a timestamp request");
    return 0;
}

/* What the request asks for is what the stamp says: its own imprint, its nonce, and its policy where it names one. */
static bool answers(TS_REQ *asked, TS_TST_INFO *info)
{
    TS_MSG_IMPRINT *wanted = TS_REQ_get_msg_imprint(asked), *found = TS_TST_INFO_get_msg_imprint(info);
    const ASN1_INTEGER *nonce = TS_REQ_get_nonce(asked), *answered = TS_TST_INFO_get_nonce(info);
    const ASN1_OBJECT *policy = TS_REQ_get_policy_id(asked), *algorithm, *found_algorithm;

    X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(wanted));
    X509_ALGOR_get0(&found_algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(found));
    if (OBJ_cmp(algorithm, found_algorithm) != 0 ||
        ASN1_STRING_cmp(TS_MSG_IMPRINT_get_msg(wanted), TS_MSG_IMPRINT_get_msg(found)) != 0)
        return false;
    if (nonce != NULL && (answered == NULL || ASN1_INTEGER_cmp(nonce, answered) != 0))
        return false;
    return policy == NULL || OBJ_cmp(policy, TS_TST_INFO_get_policy_id(info)) == 0;
}

int crypto_timestamp_answers(const void *request, size_t request_size, const void *response, size_t size,
                             struct error *err)
{
    const unsigned char *at = request;
    CLEANUP_TS_RESP TS_RESP *decoded = NULL;
    CLEANUP_TS_REQ TS_REQ *asked = NULL;
    int r = crypto_timestamp_decode(response, size, &decoded, err);

    if (r == 0)
        r = crypto_timestamp_check_granted(decoded, err);
    if (r < 0)
        return r;
    if (request_size <= CRYPTO_TIMESTAMP_REQUEST_MAX)
        asked = d2i_TS_REQ(NULL, &at, (long)request_size);
    if (asked == NULL)
        return crypto_timestamp_refuse(err, "no timestamp request");
    if (!answers(asked, TS_RESP_get_tst_info(decoded)))
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "the timestamp answers another request: imprint, nonce or policy differ");
    return 0;
}
