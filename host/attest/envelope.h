/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DSSE envelope's JSON. Source: DSSE 1.0.2, envelope.md.
 *
 * {"payload":BASE64,"payloadType":TYPE,"signatures":[{"sig":BASE64,"keyid":""}]}
 *
 * Our keyids stay empty, as cosign skips a signature whose keyid it does not recognise; who signed is worked out from
 * the keys at hand, never from the keyid.
 */
#ifndef LAZARET_HOST_ATTEST_ENVELOPE_H
#define LAZARET_HOST_ATTEST_ENVELOPE_H

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ENVELOPE_SIGNATURES_MAX 32u
#define ENVELOPE_SIGNATURE_MAX  1024u /* bytes: RSA of 8192 bits */
#define ENVELOPE_KEYID_MAX      256u  /* of others' envelopes */

struct envelope_signature {
    uint8_t bytes[ENVELOPE_SIGNATURE_MAX];
    size_t size;
};

/* What an envelope holds; nothing of it is verified yet. */
struct envelope {
    struct buffer payload; /* the bytes that were signed, within the PAE */
    struct envelope_signature signatures[ENVELOPE_SIGNATURES_MAX];
    size_t signature_count;
};

/* The envelopes that a reader takes. */
struct envelope_form {
    const char *payload_type;
    size_t payload_max;
    size_t signatures_max; /* of at least one */
    bool foreign;          /* a keyid may be absent or anything; it is not looked at */
};

/* A new envelope of ours, or NULL without memory. */
json_t *envelope_new(const void *payload, size_t size, const char *payload_type,
                     const struct envelope_signature *signatures, size_t count);

/*
 * Reads an envelope of exactly that form: another field is refused. ERROR_BAD_INPUT, -EBADMSG; `where` is its place.
 * On success envelope_free() the result.
 */
MUST_USE int envelope_read(const json_t *json, const char *where, const struct envelope_form *form,
                           struct envelope *ret_envelope, struct error *err);

void envelope_free(struct envelope *envelope);

#define CLEANUP_ENVELOPE CLEANUP(envelope_free)

#endif
