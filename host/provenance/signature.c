/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and verifying a model's signature file. */
#include "host/provenance/signature.h"

#include "host/attest/base64_field.h"
#include "host/attest/dsse.h"
#include "host/crypto/signature.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

#define MEDIA_TYPE       "application/vnd.dev.sigstore.bundle.v0.3+json"
#define PAE_OVERHEAD_MAX ((size_t)128)

const char *const signature_method_names[SIGNATURE_METHOD_COUNT + 1] = {"key", "certificate", NULL};

static int refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the signature file: %s", what);
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the signature");
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int read_base64(const json_t *object, const char *where, const char *key, size_t size_max,
                       struct buffer *ret_bytes, struct error *err)
{
    *ret_bytes = buffer_with_limit(size_max);
    return base64_field(object, where, key, ret_bytes, err);
}

static int read_key(const json_t *key, struct signature *signature, struct error *err)
{
    const json_t *hint = json_object_get(key, "hint");
    uint8_t sha256[SHA256_SIZE];

    signature->method = SIGNATURE_BY_KEY;
    if (json_is_string(hint) && json_string_length(hint) > 0) {
        if (sha256_from_hex(json_string_value(hint), sha256) < 0)
            return refuse(err, "publicKey.hint: a SHA-256 in hexadecimal expected");
        memcpy(signature->hint, json_string_value(hint), sizeof signature->hint);
        return 0;
    }
    if (json_object_get(key, "rawBytes") != NULL)
        return read_base64(key, "publicKey", "rawBytes", CRYPTO_PEM_MAX, &signature->key, err);
    return 0;
}

static int read_chain(const json_t *holder, struct signature *signature, struct error *err)
{
    json_t *list;
    int r = field_array(holder, "x509CertificateChain", "certificates", &list, err);

    if (r < 0)
        return r;
    signature->method = SIGNATURE_BY_CERTIFICATE;
    if (json_array_size(list) == 0 || json_array_size(list) > CRYPTO_CHAIN_MAX)
        return refuse(err, "x509CertificateChain: 1 to 8 certificates expected");
    for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
        r = read_base64(json_array_get(list, i), "certificates[]", "rawBytes", CRYPTO_CERTIFICATE_MAX,
                        &signature->chain[signature->chain_count++], err);
    return r;
}

static int read_material(const json_t *bundle, struct signature *signature, struct error *err)
{
    json_t *material;
    const json_t *key, *chain;
    int r = field_object(bundle, "signature", "verificationMaterial", &material, err);

    if (r < 0)
        return r;
    key = json_object_get(material, "publicKey");
    chain = json_object_get(material, "x509CertificateChain");
    if (json_object_get(material, "certificate") != NULL)
        return refuse(err, "a keyless Sigstore signature, which needs Sigstore's services; sign with a key or with a "
                           "certificate of your own authority");
    if (json_is_object(key) == json_is_object(chain))
        return refuse(err, "verificationMaterial: either publicKey or x509CertificateChain expected");
    return json_is_object(key) ? read_key(key, signature, err) : read_chain(chain, signature, err);
}

static int read_envelope(const json_t *bundle, struct signature *signature, struct error *err)
{
    const struct envelope_form form = {.payload_type = DSSE_PAYLOAD_TYPE,
                                       .payload_max = MODEL_MANIFEST_SIZE_MAX,
                                       .signatures_max = 1,
                                       .foreign = true};
    CLEANUP_ENVELOPE struct envelope envelope = {0};
    int r = envelope_read(json_object_get(bundle, "dsseEnvelope"), "dsseEnvelope", &form, &envelope, err);

    if (r < 0)
        return r;
    signature->bytes = envelope.signatures[0];
    signature->payload = envelope.payload;
    envelope.payload = buffer_with_limit(0); /* transferred */
    return 0;
}

int signature_parse(const void *text, size_t size, struct signature *ret_signature, struct error *err)
{
    CLEANUP_SIGNATURE struct signature signature = {0};
    CLEANUP_JSON json_t *bundle = NULL;
    int r = json_read_with_reals(text, size, SIGNATURE_FILE_MAX, "the signature file", &bundle, err);

    if (r == 0)
        r = field_exact(bundle, "signature", "mediaType", MEDIA_TYPE, err);
    if (r == 0)
        r = read_material(bundle, &signature, err);
    if (r == 0)
        r = read_envelope(bundle, &signature, err);
    if (r < 0)
        return r;
    *ret_signature = signature;
    signature = (struct signature){0}; /* transferred */
    return 0;
}

/* --- verifying ------------------------------------------------------------------------------------------- */

/* Whether the file names this key, or none at all. */
static int key_is_named(const struct signature *signature, const struct crypto_public_key *key, bool *ret_named,
                        struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *named = NULL;
    uint8_t mine[SHA256_SIZE], other[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    int r = crypto_public_key_write_pem(key, &pem, err);

    if (r == 0)
        r = crypto_public_key_fingerprint(key, mine, err);
    if (r < 0)
        return r;
    *ret_named = true;
    if (signature->hint[0] != '\0') {
        sha256_of(pem.data, pem.size, other);
        sha256_to_hex(other, hex);
        *ret_named = strcmp(hex, signature->hint) == 0;
    } else if (signature->key.size > 0) {
        *ret_named =
            crypto_public_key_parse_any(signature->key.data, signature->key.size, "rawBytes", &named, NULL) == 0 &&
            crypto_public_key_fingerprint(named, other, NULL) == 0 && memcmp(mine, other, SHA256_SIZE) == 0;
    }
    return 0;
}

static int verify_by_key(const struct signature *signature, const struct buffer *pae,
                         const struct signature_trust *trust, struct signature_signer *signer, struct error *err)
{
    bool any_named = false;

    for (size_t i = 0; i < trust->key_count; i++) {
        bool named = false;
        int r = key_is_named(signature, trust->keys[i], &named, err);

        if (r < 0)
            return r;
        if (!named)
            continue;
        any_named = true;
        if (crypto_verify(trust->keys[i], pae->data, pae->size, signature->bytes.bytes, signature->bytes.size, NULL) ==
            0) {
            signer->key_index = i;
            return crypto_public_key_fingerprint(trust->keys[i], signer->key_sha256, err);
        }
    }
    if (trust->key_count == 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the model is signed with a key, and no key is trusted");
    if (!any_named)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the model is signed with a key that is not trusted (hint %s)",
                         signature->hint[0] != '\0' ? signature->hint : "none");
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "the signature is no trusted key's signature of its manifest");
}

static int verify_by_certificate(const struct signature *signature, const struct buffer *pae,
                                 const struct signature_trust *trust, struct signature_signer *signer,
                                 struct error *err)
{
    CLEANUP_CRYPTO_LEAF struct crypto_leaf leaf = {0};
    struct crypto_der chain[CRYPTO_CHAIN_MAX];
    int r;

    if (trust->anchors.authorities_size == 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "the model is signed with a certificate, and no authority is trusted");
    for (unsigned i = 0; i < signature->chain_count; i++)
        chain[i] = (struct crypto_der){.data = signature->chain[i].data, .size = signature->chain[i].size};
    r = crypto_chain_verify(chain, signature->chain_count, &trust->anchors, trust->now, &leaf, err);
    if (r < 0)
        return r;
    if (crypto_public_key_kind(leaf.key) > CRYPTO_KEY_P521)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the signature's certificates: the signer's key is not ECDSA");
    r = crypto_verify(leaf.key, pae->data, pae->size, signature->bytes.bytes, signature->bytes.size, NULL);
    if (r < 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "the signature is not its certificate's signature of its manifest");
    memcpy(signer->certificate_sha256, leaf.certificate_sha256, SHA256_SIZE);
    memcpy(signer->authority_sha256, leaf.authority_sha256, SHA256_SIZE);
    memcpy(signer->identity, leaf.identity, sizeof signer->identity);
    return crypto_public_key_fingerprint(leaf.key, signer->key_sha256, err);
}

int signature_verify(const struct signature *signature, const struct signature_trust *trust,
                     struct signature_signer *ret_signer, struct error *err)
{
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(MODEL_MANIFEST_SIZE_MAX + PAE_OVERHEAD_MAX);
    struct signature_signer signer = {0};
    int r;

    if (dsse_encode_pae(DSSE_PAYLOAD_TYPE, signature->payload.data, signature->payload.size, &pae) < 0)
        return no_memory(err);
    r = signature->method == SIGNATURE_BY_KEY ? verify_by_key(signature, &pae, trust, &signer, err)
                                              : verify_by_certificate(signature, &pae, trust, &signer, err);
    if (r == 0)
        *ret_signer = signer;
    return r;
}

void signature_free(struct signature *signature)
{
    for (unsigned i = 0; i < signature->chain_count; i++)
        buffer_free(&signature->chain[i]);
    buffer_free(&signature->key);
    buffer_free(&signature->payload);
    signature->chain_count = 0;
}
