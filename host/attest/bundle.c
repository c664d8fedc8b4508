/* SPDX-License-Identifier: Apache-2.0 */
/* The Sigstore bundle. */
#include "host/attest/bundle.h"

#include "host/attest/base64.h"
#include "host/attest/dsse.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

#define BASE64_SIZE_MAX(size) (4 * (((size) + 2) / 3))
#define PAE_OVERHEAD_MAX      ((size_t)128)

/* A new JSON string of the bytes in base64, or NULL. */
static json_t *new_base64(const void *data, size_t size)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BASE64_SIZE_MAX(size));

    return base64_encode(data, size, &text) == 0 ? json_stringn((const char *)text.data, text.size) : NULL;
}

int bundle_encode(const void *payload, size_t size, const uint8_t *signature, size_t signature_size,
                  const uint8_t fingerprint[SHA256_SIZE], struct buffer *ret_text)
{
    char hint[SHA256_HEX_SIZE];
    CLEANUP_JSON json_t *bundle = NULL;
    int r;

    sha256_to_hex(fingerprint, hint);
    bundle = json_pack("{s:s, s:{s:{s:s}, s:[]}, s:{s:o, s:s, s:[{s:o, s:s}]}}", "mediaType", BUNDLE_MEDIA_TYPE,
                       "verificationMaterial", "publicKey", "hint", hint, "tlogEntries", "dsseEnvelope", "payload",
                       new_base64(payload, size), "payloadType", DSSE_PAYLOAD_TYPE, "signatures", "sig",
                       new_base64(signature, signature_size), "keyid", "");
    if (bundle == NULL)
        return -ENOMEM;
    r = json_canonical_encode(bundle, ret_text);
    return r == 0 ? buffer_append_u8(ret_text, '\n') : r;
}

static int decode_material(const json_t *bundle, const char *name, struct bundle *ret_bundle, struct error *err)
{
    static const char *const material_keys[] = {"publicKey", "tlogEntries", NULL};
    static const char *const key_keys[] = {"hint", NULL};
    json_t *material, *key, *entries;
    const char *hint;
    int r = field_object(bundle, name, "verificationMaterial", &material, err);

    if (r == 0)
        r = field_only(material, "verificationMaterial", material_keys, err);
    if (r == 0)
        r = field_object(material, "verificationMaterial", "publicKey", &key, err);
    if (r == 0)
        r = field_only(key, "publicKey", key_keys, err);
    if (r == 0)
        r = field_string(key, "publicKey", "hint", SHA256_HEX_SIZE - 1, &hint, err);
    if (r == 0)
        r = field_array(material, "verificationMaterial", "tlogEntries", &entries, err);
    if (r < 0)
        return r;
    if (sha256_from_hex(hint, ret_bundle->fingerprint) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "publicKey.hint: a SHA-256 in hexadecimal expected");
    if (json_array_size(entries) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "verificationMaterial.tlogEntries: log entries are not checked here, so none are accepted");
    return 0;
}

static int decode_base64_field(const json_t *object, const char *where, const char *key, struct buffer *ret_data,
                               struct error *err)
{
    const char *text;
    int r = field_string(object, where, key, BASE64_SIZE_MAX(ret_data->limit), &text, err);

    if (r < 0)
        return r;
    if (base64_decode(text, strlen(text), ret_data) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: strict base64 of at most %zu bytes expected", where,
                         key, ret_data->limit);
    return 0;
}

static int decode_signature(const json_t *envelope, struct bundle *ret_bundle, struct error *err)
{
    static const char *const keys[] = {"sig", "keyid", NULL};
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(CRYPTO_SIGNATURE_MAX);
    json_t *signatures;
    const json_t *signature;
    const char *keyid;
    int r = field_array(envelope, "dsseEnvelope", "signatures", &signatures, err);

    if (r < 0)
        return r;
    if (json_array_size(signatures) != 1)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "dsseEnvelope.signatures: exactly one expected, not %zu",
                         json_array_size(signatures));
    signature = json_array_get(signatures, 0);
    r = field_only(signature, "signatures[0]", keys, err);
    if (r == 0)
        r = decode_base64_field(signature, "signatures[0]", "sig", &bytes, err);
    if (r < 0)
        return r;
    keyid = json_string_value(json_object_get(signature, "keyid"));
    if (keyid == NULL || *keyid != '\0')
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "signatures[0].keyid: an empty string expected");
    memcpy(ret_bundle->signature, bytes.data, bytes.size);
    ret_bundle->signature_size = bytes.size;
    return 0;
}

static int decode_envelope(const json_t *bundle, const char *name, struct bundle *ret_bundle, struct error *err)
{
    static const char *const keys[] = {"payload", "payloadType", "signatures", NULL};
    json_t *envelope;
    int r = field_object(bundle, name, "dsseEnvelope", &envelope, err);

    if (r == 0)
        r = field_only(envelope, "dsseEnvelope", keys, err);
    if (r == 0)
        r = field_exact(envelope, "dsseEnvelope", "payloadType", DSSE_PAYLOAD_TYPE, err);
    if (r == 0)
        r = decode_base64_field(envelope, "dsseEnvelope", "payload", &ret_bundle->payload, err);
    return r == 0 ? decode_signature(envelope, ret_bundle, err) : r;
}

int bundle_decode(const void *text, size_t size, const char *name, struct bundle *ret_bundle, struct error *err)
{
    static const char *const keys[] = {"mediaType", "verificationMaterial", "dsseEnvelope", NULL};
    CLEANUP_BUNDLE struct bundle bundle = {.payload = buffer_with_limit(STATEMENT_SIZE_MAX)};
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
    bundle.payload = buffer_with_limit(0); /* handed on */
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
}
