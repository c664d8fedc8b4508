/* SPDX-License-Identifier: Apache-2.0 */
/* The Sigstore bundle. */
#include "host/attest/bundle.h"

#include "host/attest/base64_field.h"
#include "host/attest/dsse.h"
#include "host/attest/envelope.h"
#include "host/attest/tlog_entry.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

#define PAE_OVERHEAD_MAX ((size_t)128)

_Static_assert(CRYPTO_SIGNATURE_MAX <= ENVELOPE_SIGNATURE_MAX, "an envelope holds any signature of ours");

/* --- writing --------------------------------------------------------------------------------------------- */

json_t *bundle_new_envelope(const struct bundle *bundle)
{
    struct envelope_signature signature = {.size = bundle->signature_size};

    memcpy(signature.bytes, bundle->signature, bundle->signature_size);
    return envelope_new(bundle->payload.data, bundle->payload.size, DSSE_PAYLOAD_TYPE, &signature, 1);
}

static json_t *new_timestamps(const struct bundle *bundle)
{
    CLEANUP_JSON json_t *list = json_array();

    for (size_t i = 0; i < bundle->timestamp_count; i++)
        if (json_array_append_new(
                list, json_pack("{s:o}", "signedTimestamp",
                                base64_new_json(bundle->timestamps[i].data, bundle->timestamps[i].size))) < 0)
            return NULL;
    return json_pack("{s:O}", "rfc3161Timestamps", list);
}

static json_t *new_material(const struct bundle *bundle)
{
    json_t *entries = bundle->tlog_entries != NULL ? json_incref(bundle->tlog_entries) : json_array();
    CLEANUP_JSON json_t *material = NULL;
    char hint[SHA256_HEX_SIZE];

    sha256_to_hex(bundle->fingerprint, hint);
    material = json_pack("{s:{s:s}, s:o}", "publicKey", "hint", hint, "tlogEntries", entries);
    if (material != NULL && bundle->timestamp_count > 0 &&
        json_object_set_new(material, "timestampVerificationData", new_timestamps(bundle)) < 0)
        return NULL;
    return TAKE_POINTER(material);
}

static bool is_encodable(const struct bundle *bundle)
{
    bool encodable = bundle->payload.size > 0 && bundle->payload.size <= STATEMENT_SIZE_MAX &&
                     bundle->signature_size > 0 && bundle->signature_size <= CRYPTO_SIGNATURE_MAX &&
                     json_array_size(bundle->tlog_entries) <= BUNDLE_TLOG_ENTRIES_MAX &&
                     bundle->timestamp_count <= BUNDLE_TIMESTAMPS_MAX;

    for (size_t i = 0; encodable && i < json_array_size(bundle->tlog_entries); i++)
        encodable = tlog_entry_check_form(json_array_get(bundle->tlog_entries, i), NULL) == 0;
    for (size_t i = 0; encodable && i < bundle->timestamp_count; i++)
        encodable = bundle->timestamps[i].size > 0 && bundle->timestamps[i].size <= BUNDLE_TIMESTAMP_MAX;
    return encodable;
}

int bundle_encode(const struct bundle *bundle, struct buffer *ret_text)
{
    CLEANUP_JSON json_t *document = NULL;
    int r;

    if (!is_encodable(bundle))
        return -EINVAL;
    document = json_pack("{s:s, s:o, s:o}", "mediaType", BUNDLE_MEDIA_TYPE, "verificationMaterial",
                         new_material(bundle), "dsseEnvelope", bundle_new_envelope(bundle));
    if (document == NULL)
        return -ENOMEM;
    r = json_canonical_encode(document, ret_text);
    return r == 0 ? buffer_append_u8(ret_text, '\n') : r;
}

/* --- reading --------------------------------------------------------------------------------------------- */

static int decode_hint(const json_t *material, struct bundle *ret_bundle, struct error *err)
{
    static const char *const keys[] = {"hint", NULL};
    json_t *key;
    const char *hint;
    int r = field_object(material, "verificationMaterial", "publicKey", &key, err);

    if (r == 0)
        r = field_only(key, "publicKey", keys, err);
    if (r == 0)
        r = field_string(key, "publicKey", "hint", SHA256_HEX_SIZE - 1, &hint, err);
    if (r < 0)
        return r;
    if (sha256_from_hex(hint, ret_bundle->fingerprint) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "publicKey.hint: a SHA-256 in hexadecimal expected");
    return 0;
}

static int decode_entries(const json_t *material, struct bundle *ret_bundle, struct error *err)
{
    json_t *entries;
    int r = field_array(material, "verificationMaterial", "tlogEntries", &entries, err);

    if (r < 0)
        return r;
    if (json_array_size(entries) > BUNDLE_TLOG_ENTRIES_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "verificationMaterial.tlogEntries: at most %u expected",
                         BUNDLE_TLOG_ENTRIES_MAX);
    for (size_t i = 0; r == 0 && i < json_array_size(entries); i++)
        r = tlog_entry_check_form(json_array_get(entries, i), err);
    if (r == 0)
        ret_bundle->tlog_entries = json_incref(entries);
    return r;
}

static int decode_timestamp(const json_t *element, struct buffer *ret_timestamp, struct error *err)
{
    static const char *const keys[] = {"signedTimestamp", NULL};
    int r = field_only(element, "rfc3161Timestamps[]", keys, err);

    *ret_timestamp = buffer_with_limit(BUNDLE_TIMESTAMP_MAX);
    return r == 0 ? base64_field(element, "rfc3161Timestamps[]", "signedTimestamp", ret_timestamp, err) : r;
}

static int decode_timestamps(const json_t *material, struct bundle *ret_bundle, struct error *err)
{
    static const char *const keys[] = {"rfc3161Timestamps", NULL};
    json_t *data, *list;
    int r;

    if (json_object_get(material, "timestampVerificationData") == NULL)
        return 0;
    r = field_object(material, "verificationMaterial", "timestampVerificationData", &data, err);
    if (r == 0)
        r = field_only(data, "timestampVerificationData", keys, err);
    if (r == 0)
        r = field_array(data, "timestampVerificationData", "rfc3161Timestamps", &list, err);
    if (r < 0)
        return r;
    if (json_array_size(list) == 0 || json_array_size(list) > BUNDLE_TIMESTAMPS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "timestampVerificationData.rfc3161Timestamps: 1 to %u expected, or no such member",
                         BUNDLE_TIMESTAMPS_MAX);
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = decode_timestamp(json_array_get(list, i), &ret_bundle->timestamps[ret_bundle->timestamp_count++], err);
    return r;
}

static int decode_material(const json_t *bundle, const char *name, struct bundle *ret_bundle, struct error *err)
{
    static const char *const keys[] = {"publicKey", "tlogEntries", "timestampVerificationData", NULL};
    json_t *material;
    int r = field_object(bundle, name, "verificationMaterial", &material, err);

    if (r == 0)
        r = field_only(material, "verificationMaterial", keys, err);
    if (r == 0)
        r = decode_hint(material, ret_bundle, err);
    if (r == 0)
        r = decode_entries(material, ret_bundle, err);
    return r == 0 ? decode_timestamps(material, ret_bundle, err) : r;
}

static int decode_envelope(const json_t *bundle, const char *name, struct bundle *ret_bundle, struct error *err)
{
    static const struct envelope_form form = {
        .payload_type = DSSE_PAYLOAD_TYPE, .payload_max = STATEMENT_SIZE_MAX, .signatures_max = 1};
    CLEANUP_ENVELOPE struct envelope envelope = {0};
    json_t *json;
    int r = field_object(bundle, name, "dsseEnvelope", &json, err);

    if (r == 0)
        r = envelope_read(json, "dsseEnvelope", &form, &envelope, err);
    if (r < 0)
        return r;
    if (envelope.signatures[0].size > CRYPTO_SIGNATURE_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "signatures[0].sig: at most %u bytes expected",
                         CRYPTO_SIGNATURE_MAX);
    memcpy(ret_bundle->signature, envelope.signatures[0].bytes, envelope.signatures[0].size);
    ret_bundle->signature_size = envelope.signatures[0].size;
    ret_bundle->payload = envelope.payload;
    envelope.payload = buffer_with_limit(0); /* handed on */
    return 0;
}

int bundle_decode(const void *text, size_t size, const char *name, struct bundle *ret_bundle, struct error *err)
{
    static const char *const keys[] = {"mediaType", "verificationMaterial", "dsseEnvelope", NULL};
    CLEANUP_BUNDLE struct bundle bundle = {0};
    CLEANUP_JSON json_t *value = NULL;
    int r = json_read(text, size, BUNDLE_SIZE_MAX, name, &value, err);

    if (r < 0)
        return r;
    r = field_only(value, name, keys, err);
    if (r == 0)
        r = field_exact(value, name, "mediaType", BUNDLE_MEDIA_TYPE, err);
    if (r == 0)
        r = decode_material(value, name, &bundle, err);
    if (r == 0)
        r = decode_envelope(value, name, &bundle, err);
    if (r < 0)
        return r;
    *ret_bundle = bundle;
    bundle = (struct bundle){0}; /* handed on */
    return 0;
}

int bundle_verify(const struct bundle *bundle, const struct crypto_public_key *key, struct error *err)
{
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(STATEMENT_SIZE_MAX + PAE_OVERHEAD_MAX);
    uint8_t fingerprint[SHA256_SIZE];
    int r = crypto_public_key_fingerprint(key, fingerprint, err);

    if (r < 0)
        return r;
    if (memcmp(fingerprint, bundle->fingerprint, sizeof fingerprint) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the bundle names another key than the one given");
    if (dsse_encode_pae(DSSE_PAYLOAD_TYPE, bundle->payload.data, bundle->payload.size, &pae) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to verify the signature");
    return crypto_verify(key, pae.data, pae.size, bundle->signature, bundle->signature_size, err);
}

void bundle_free(struct bundle *bundle)
{
    buffer_free(&bundle->payload);
    json_decref(bundle->tlog_entries);
    for (size_t i = 0; i < bundle->timestamp_count; i++)
        buffer_free(&bundle->timestamps[i]);
    *bundle = (struct bundle){0};
}
