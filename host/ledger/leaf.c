/* SPDX-License-Identifier: Apache-2.0 */
/* The leaves' content. */
#include "host/ledger/leaf.h"

#include "host/attest/base64.h"
#include "host/attest/base64_field.h"
#include "host/attest/dsse.h"
#include "host/attest/envelope.h"
#include "host/json/canonical.h"
#include "host/json/digest.h"
#include "host/json/reader.h"
#include "host/ledger/ledger.h"

#include <errno.h>
#include <string.h>

#define ENVELOPE_MAX ((size_t)1024 * 1024)

static json_t *new_hash(const uint8_t digest[SHA256_SIZE])
{
    return json_pack("{s:s, s:o}", "algorithm", "sha256", "value", json_new_digest(digest));
}

static int encode(json_t *spec, const char *kind, struct buffer *ret_leaf, struct error *err)
{
    CLEANUP_JSON json_t *leaf =
        json_pack("{s:s, s:s, s:o}", "apiVersion", LEAF_API_VERSION, "kind", kind, "spec", spec);
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(LEDGER_LEAF_MAX);
    int r = leaf == NULL ? -ENOMEM : json_canonical_encode(leaf, &text);

    if (r == -EMSGSIZE)
        return error_set(err, ERROR_BAD_INPUT, r, "a ledger's leaf has at most %u bytes", LEDGER_LEAF_MAX);
    if (r == 0)
        r = buffer_append(ret_leaf, text.data, text.size);
    return r == 0 ? 0 : error_set(err, ERROR_UNAVAILABLE, r, "no memory for a ledger's leaf");
}

/* --- dsse ------------------------------------------------------------------------------------------------ */

static int hash_envelope(const json_t *envelope, uint8_t ret_hash[SHA256_SIZE], struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ENVELOPE_MAX);
    int r = json_canonical_encode(envelope, &text);

    if (r < 0)
        return error_set(err, ERROR_BAD_INPUT, r, "dsseEnvelope: has no canonical form of at most %zu bytes",
                         ENVELOPE_MAX);
    sha256_of(text.data, text.size, ret_hash);
    return 0;
}

int ledger_leaf_dsse(const json_t *envelope, const void *public_pem, size_t pem_size, struct buffer *ret_leaf,
                     struct error *err)
{
    CLEANUP_BUFFER struct buffer verifier = buffer_with_limit(LEDGER_LEAF_MAX);
    static const struct envelope_form form = {
        .payload_type = DSSE_PAYLOAD_TYPE, .payload_max = ENVELOPE_MAX, .signatures_max = 1};
    CLEANUP_ENVELOPE struct envelope read = {0};
    uint8_t envelope_hash[SHA256_SIZE], payload_hash[SHA256_SIZE];
    json_t *spec;
    int r = envelope_read(envelope, "dsseEnvelope", &form, &read, err);

    if (r == 0)
        r = hash_envelope(envelope, envelope_hash, err);
    if (r < 0)
        return r;
    sha256_of(read.payload.data, read.payload.size, payload_hash);
    if (base64_encode(public_pem, pem_size, &verifier) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "the public key does not fit into a ledger's leaf");
    spec = json_pack("{s:o, s:o, s:[{s:o, s:s%}]}", "envelopeHash", new_hash(envelope_hash), "payloadHash",
                     new_hash(payload_hash), "signatures", "signature",
                     base64_new_json(read.signatures[0].bytes, read.signatures[0].size), "verifier",
                     (const char *)verifier.data, verifier.size);
    return encode(spec, LEAF_DSSE_KIND, ret_leaf, err);
}

/* --- intent ---------------------------------------------------------------------------------------------- */

int ledger_leaf_intent(const struct leaf_intent *intent, struct buffer *ret_leaf, struct error *err)
{
    size_t size = strlen(intent->job);

    if (size == 0 || size > LEAF_NONCE_MAX)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a job's nonce has 1 to %u bytes", LEAF_NONCE_MAX);
    return encode(json_pack("{s:o, s:s, s:o, s:o}", "data", new_hash(intent->data), "job", intent->job, "model",
                            new_hash(intent->model), "policy", new_hash(intent->policy)),
                  LEAF_INTENT_KIND, ret_leaf, err);
}
