/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3161 timestamps of signatures: who else says that a signature was there, and when.
 *
 * A timestamp is a whole TimeStampResp in DER (RFC 3161, 2.4.2). Its imprint is the SHA-256 of the raw bytes of our
 * signature, as Sigstore bundles have it; so it holds for that one signature, and adding it changes no signed byte.
 */
#ifndef LAZARET_HOST_CRYPTO_TIMESTAMP_H
#define LAZARET_HOST_CRYPTO_TIMESTAMP_H

#include "base/buffer.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_TIMESTAMP_REQUEST_MAX    ((size_t)256)
#define CRYPTO_TIMESTAMP_RESPONSE_MAX   ((size_t)32 * 1024) /* with the authority's chain about 6 KiB */
#define CRYPTO_TIMESTAMP_AUTHORITY_SIZE 256u

/* What a timestamp says. */
struct crypto_timestamp {
    int64_t time;                                    /* seconds since 1970, UTC; fractions are dropped */
    char authority[CRYPTO_TIMESTAMP_AUTHORITY_SIZE]; /* subject of the certificate that signed, RFC 2253, ASCII */
};

/* Certificates of authorities that are trusted. */
struct crypto_timestamp_anchors;

/*
 * Loads a PEM file of up to 64 certificates: the roots that are trusted, and intermediate ones that may be needed.
 * ERROR_NO_INPUT where it can't be read, ERROR_BAD_INPUT where it holds no certificate or something broken.
 */
MUST_USE int crypto_timestamp_anchors_load(const char *path, struct crypto_timestamp_anchors **ret_anchors,
                                           struct error *err);

void crypto_timestamp_anchors_free(struct crypto_timestamp_anchors *anchors);

/*
 * Appends a TimeStampReq for a signature, DER: SHA-256, a nonce of 64 bits, and the wish for certificates. The buffer's
 * limit is at least CRYPTO_TIMESTAMP_REQUEST_MAX.
 */
MUST_USE int crypto_timestamp_request(const void *signature, size_t signature_size, struct buffer *ret_request,
                                      struct error *err);

/*
 * Whether a response is a timestamp of this signature by one of the authorities: granted, version, imprint, signed by
 * a certificate with the critical and only extended key usage timeStamping, whose chain ends in an anchor and was
 * valid at the time that the stamp says (no revocation lists), hashes of 256 bits or more, keys of 112 bits' strength.
 * ERROR_MISMATCH, -EBADMSG where not, with the reason; the text has no name in front.
 *
 * `anchors` NULL: the response is held against itself only; the signature is that of the certificate it carries, which
 * anyone can make. Then ret_timestamp is a claim, not evidence.
 */
MUST_USE int crypto_timestamp_verify_by(const struct crypto_timestamp_anchors *anchors, const void *response,
                                        size_t size, const void *signature, size_t signature_size,
                                        struct crypto_timestamp *ret_timestamp, struct error *err);

/* Loads what OpenSSL would otherwise fetch from files later, for a process that is to be confined. */
MUST_USE int crypto_timestamp_prepare(struct error *err);

/* Whether a response answers this request, by its nonce, imprint and policy. Errors as above. */
MUST_USE int crypto_timestamp_answers(const void *request, size_t request_size, const void *response, size_t size,
                                      struct error *err);

static inline void crypto_timestamp_anchors_drop(struct crypto_timestamp_anchors **anchors)
{
    crypto_timestamp_anchors_free(*anchors);
}

#define CLEANUP_TIMESTAMP_ANCHORS CLEANUP(crypto_timestamp_anchors_drop)

#endif
