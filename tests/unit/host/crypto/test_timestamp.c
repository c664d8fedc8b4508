/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps that openssl ts made (tests/fixtures/timestamps/make.py): which hold, which do not, and why. */
#include "base/file.h"
#include "host/crypto/timestamp.h"
#include "unit/host/crypto/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIXTURES  "tests/fixtures/timestamps/"
#define GOOD_NAME "O=Test\\, not trusted,CN=Stamps"
#define GOOD_TIME INT64_C(1795336941) /* 2026-11-22T08:42:21Z */

struct stamp_case {
    const char *name, *reason; /* NULL: it holds */
};

static struct buffer read_fixture(const char *name)
{
    struct buffer content = buffer_with_limit(CRYPTO_TIMESTAMP_RESPONSE_MAX);
    struct error err = {0};
    char path[96];

    (void)snprintf(path, sizeof path, FIXTURES "%s", name);
    CU_ASSERT_EQUAL_FATAL(file_read_bounded(path, &content, &err), 0);
    return content;
}

static struct crypto_timestamp_anchors *load_anchors(const char *name)
{
    struct crypto_timestamp_anchors *anchors = NULL;
    struct error err = {0};
    char path[96];

    (void)snprintf(path, sizeof path, FIXTURES "%s", name);
    CU_ASSERT_EQUAL_FATAL(crypto_timestamp_anchors_load(path, &anchors, &err), 0);
    return anchors;
}

static void check_stamp(const struct crypto_timestamp_anchors *anchors, const struct stamp_case *one)
{
    CLEANUP_BUFFER struct buffer response = read_fixture(one->name), signature = read_fixture("signature");
    struct crypto_timestamp stamp = {0};
    struct error err = {0};
    int r =
        crypto_timestamp_verify_by(anchors, response.data, response.size, signature.data, signature.size, &stamp, &err);

    if (one->reason == NULL) {
        CU_ASSERT_EQUAL(r, 0);
        CU_ASSERT(stamp.time > INT64_C(1700000000));
        CU_ASSERT_PTR_NOT_NULL(strstr(stamp.authority, "CN="));
        return;
    }
    CU_ASSERT_EQUAL(r, -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, one->reason));
    if (strstr(err.text, one->reason) == NULL)
        (void)printf("%s: %s\n", one->name, err.text);
}

void test_timestamp_judged(void)
{
    static const struct stamp_case cases[] = {
        {"good.tsr", NULL},
        {"short.tsr", NULL}, /* its certificate has ended since */
        {"by-cms.tsr", NULL},
        {"past.tsr", "certificate has expired"},
        {"loose.tsr", "critical extended key usage"},
        {"other-use.tsr", "critical extended key usage"},
        {"stranger.tsr", "unable to get local issuer certificate"},
        {"sha1.tsr", "another hash than SHA-256"},
        {"weak.tsr", "another hash than SHA-2"},
        {"bare.tsr", "signer's certificate"},
        {"refused.tsr", "Message digest algorithm is not supported"},
        {"other.tsr", "something else than this signature"},
        {"good.tsq", "no timestamp response"},
        {"ca.pem", "no timestamp response"},
    };
    CLEANUP_TIMESTAMP_ANCHORS struct crypto_timestamp_anchors *bundle = load_anchors("bundle.pem");
    CLEANUP_TIMESTAMP_ANCHORS struct crypto_timestamp_anchors *root = load_anchors("ca.pem");

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_stamp(bundle, &cases[i]);
        check_stamp(root, &cases[i]);
    }
}

/* Without anchors any authority will do, but what the response carries must agree with itself. */
void test_timestamp_claims(void)
{
    static const struct stamp_case cases[] = {
        {"good.tsr", NULL},
        {"stranger.tsr", NULL},
        {"past.tsr", "certificate has expired"},
        {"loose.tsr", "critical extended key usage"},
        {"other.tsr", "something else"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_stamp(NULL, &cases[i]);
}

static int verify_by_path(const struct buffer *response, const void *signature, size_t size, const char *ca_path,
                          struct crypto_timestamp *ret_timestamp, struct error *err)
{
    CLEANUP_TIMESTAMP_ANCHORS struct crypto_timestamp_anchors *anchors = NULL;
    int r = crypto_timestamp_anchors_load(ca_path, &anchors, err);

    return r < 0 ? r
                 : crypto_timestamp_verify_by(anchors, response->data, response->size, signature, size, ret_timestamp,
                                              err);
}

void test_timestamp_by_path(void)
{
    CLEANUP_BUFFER struct buffer response = read_fixture("good.tsr"), signature = read_fixture("signature");
    struct crypto_timestamp stamp = {0};
    struct error err = {0};

    CU_ASSERT_EQUAL(verify_by_path(&response, signature.data, signature.size, FIXTURES "ca.pem", &stamp, &err), 0);
    CU_ASSERT_STRING_EQUAL(stamp.authority, GOOD_NAME);
    CU_ASSERT_EQUAL(stamp.time, GOOD_TIME);
    CU_ASSERT_EQUAL(verify_by_path(&response, signature.data, signature.size - 1, FIXTURES "ca.pem", &stamp, &err),
                    -EBADMSG);
    CU_ASSERT_EQUAL(verify_by_path(&response, signature.data, signature.size, FIXTURES "stranger.pem", &stamp, &err),
                    -EBADMSG);
    CU_ASSERT_EQUAL(verify_by_path(&response, signature.data, signature.size, FIXTURES "none.pem", &stamp, &err),
                    -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    CU_ASSERT_EQUAL(verify_by_path(&response, signature.data, signature.size, FIXTURES "good.tsr", &stamp, &err),
                    -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
}

/*
 * A bit of every byte of a response, turned. Not all bytes are signed (versions, the name of the signature's
 * algorithm), and OpenSSL overlooks some bits of tags; but none that is accepted says another time or another
 * authority.
 */
void test_timestamp_tampered(void)
{
    CLEANUP_TIMESTAMP_ANCHORS struct crypto_timestamp_anchors *anchors = load_anchors("ca.pem");
    CLEANUP_BUFFER struct buffer response = read_fixture("good.tsr"), signature = read_fixture("signature");
    struct error err = {0};
    unsigned accepted = 0;

    for (size_t i = 0; i < response.size; i++) {
        struct crypto_timestamp stamp;

        response.data[i] ^= (uint8_t)(1U << i % 8);
        if (crypto_timestamp_verify_by(anchors, response.data, response.size, signature.data, signature.size, &stamp,
                                       &err) == 0) {
            accepted++;
            CU_ASSERT_EQUAL(stamp.time, GOOD_TIME);
            CU_ASSERT_STRING_EQUAL(stamp.authority, GOOD_NAME);
        }
        response.data[i] ^= (uint8_t)(1U << i % 8);
    }
    CU_ASSERT(accepted < 32);
    for (size_t cut = 0; cut < response.size; cut++) {
        struct crypto_timestamp stamp;

        CU_ASSERT_EQUAL(
            crypto_timestamp_verify_by(anchors, response.data, cut, signature.data, signature.size, &stamp, &err),
            -EBADMSG);
    }
}

void test_timestamp_requests(void)
{
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(CRYPTO_TIMESTAMP_REQUEST_MAX);
    CLEANUP_BUFFER struct buffer other = buffer_with_limit(CRYPTO_TIMESTAMP_REQUEST_MAX);
    CLEANUP_BUFFER struct buffer asked = read_fixture("good.tsq"), response = read_fixture("good.tsr");
    CLEANUP_BUFFER struct buffer another = read_fixture("other.tsr"), refused = read_fixture("refused.tsr");
    struct error err = {0};

    CU_ASSERT_EQUAL(crypto_timestamp_answers(asked.data, asked.size, response.data, response.size, &err), 0);
    CU_ASSERT_EQUAL(crypto_timestamp_answers(asked.data, asked.size, another.data, another.size, &err), -EBADMSG);
    CU_ASSERT_EQUAL(crypto_timestamp_answers(asked.data, asked.size, refused.data, refused.size, &err), -EBADMSG);
    CU_ASSERT_EQUAL(crypto_timestamp_answers(asked.data, asked.size - 1, response.data, response.size, &err), -EBADMSG);
    /* The same signature asked for twice: another nonce, so the response is none to the second request. */
    CU_ASSERT_EQUAL(crypto_timestamp_request("signature", 9, &request, &err), 0);
    CU_ASSERT_EQUAL(crypto_timestamp_request("signature", 9, &other, &err), 0);
    CU_ASSERT_EQUAL(request.size, other.size);
    CU_ASSERT_NOT_EQUAL(memcmp(request.data, other.data, request.size), 0);
    buffer_free(&request);
    request = buffer_with_limit(CRYPTO_TIMESTAMP_REQUEST_MAX);
    {
        CLEANUP_BUFFER struct buffer signature = read_fixture("signature");

        CU_ASSERT_EQUAL(crypto_timestamp_request(signature.data, signature.size, &request, &err), 0);
    }
    CU_ASSERT_EQUAL(crypto_timestamp_answers(request.data, request.size, response.data, response.size, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "nonce"));
}
