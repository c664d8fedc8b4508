/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Sigstore bundle v0.3 with one DSSE signature by a key, in which a result is published
 * (result.sigstore.json).
 *
 * {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",
 *  "verificationMaterial":{"publicKey":{"hint":FINGERPRINT},"tlogEntries":[ENTRY],
 *                          "timestampVerificationData"?:{"rfc3161Timestamps":[{"signedTimestamp":BASE64}]}},
 *  "dsseEnvelope":{"payload":BASE64,"payloadType":"application/vnd.in-toto+json",
 *                  "signatures":[{"sig":BASE64,"keyid":""}]}}
 *
 * Envelope: attest/envelope.h. Entries: attest/tlog_entry.h; there may be none. A timestamp is a whole TimeStampResp
 * (RFC 3161, 2.4.2) in DER, over the SHA-256 of the signature's bytes; the member is absent where there is none.
 */
#ifndef LAZARET_HOST_ATTEST_BUNDLE_H
#define LAZARET_HOST_ATTEST_BUNDLE_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"
#include "host/attest/statement.h"
#include "host/crypto/signature.h"

#include <jansson.h>

#define BUNDLE_SIZE_MAX         ((size_t)1024 * 1024)
#define BUNDLE_MEDIA_TYPE       "application/vnd.dev.sigstore.bundle.v0.3+json"
#define BUNDLE_TLOG_ENTRIES_MAX 4u
#define BUNDLE_TIMESTAMPS_MAX   4u
#define BUNDLE_TIMESTAMP_MAX    ((size_t)32 * 1024) /* bytes of a TimeStampResp */

/* What a bundle holds; nothing of it is verified yet. */
struct bundle {
    struct buffer payload; /* the exact bytes of the statement; owned */
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t signature_size;
    uint8_t fingerprint[SHA256_SIZE]; /* of the key the bundle claims */
    json_t *tlog_entries;             /* an array, owned; NULL to encode none */
    struct buffer timestamps[BUNDLE_TIMESTAMPS_MAX];
    size_t timestamp_count;
};

/*
 * Appends the bundle's text with a final newline. -EINVAL for what bundle_decode() would refuse; else errors as
 * buffer_append.
 */
MUST_USE int bundle_encode(const struct bundle *bundle, struct buffer *ret_text);

/* A new reference to the bundle's envelope as JSON, or NULL without memory. */
json_t *bundle_new_envelope(const struct bundle *bundle);

/*
 * Reads a bundle of exactly the form above: another field, a second signature or a certificate is
 * refused. ERROR_BAD_INPUT, -EBADMSG; `name` begins the text. On success bundle_free() the result.
 */
MUST_USE int bundle_decode(const void *text, size_t size, const char *name, struct bundle *ret_bundle,
                           struct error *err);

/*
 * Whether the bundle is the given key's: its fingerprint and its signature over the payload's PAE.
 * ERROR_MISMATCH, -EBADMSG where not.
 */
MUST_USE int bundle_verify(const struct bundle *bundle, const struct crypto_public_key *key, struct error *err);

void bundle_free(struct bundle *bundle);

#define CLEANUP_BUNDLE CLEANUP(bundle_free)

#endif
