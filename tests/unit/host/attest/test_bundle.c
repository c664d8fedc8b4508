/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle: its form, what is refused, and that no changed bit verifies. */
#include "host/attest/bundle.h"

#include "host/attest/dsse.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "unit/harness.h"
#include "unit/host/attest/support.h"
#include "unit/host/attest/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A key pair, a statement and its signature, made anew for each test. */
struct signed_statement {
    struct crypto_private_key *key;
    struct crypto_public_key *public;
    struct buffer statement;
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t signature_size;
    uint8_t fingerprint[SHA256_SIZE];
};

static void make_key(struct crypto_private_key **ret_key)
{
    char folder[] = "/tmp/lazaret-bundle-XXXXXX", path[64];
    uint8_t fingerprint[SHA256_SIZE];

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/k", folder);
    CU_ASSERT_EQUAL_FATAL(crypto_key_generate(path, fingerprint, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/k.pem", folder);
    CU_ASSERT_EQUAL_FATAL(crypto_private_key_load(path, ret_key, NULL), 0);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/k.pub.pem", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void make(struct signed_statement *made)
{
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(STATEMENT_SIZE_MAX);
    struct statement_input input = support_input();
    struct error err = {0};

    *made = (struct signed_statement){.statement = buffer_with_limit(STATEMENT_SIZE_MAX)};
    make_key(&made->key);
    CU_ASSERT_EQUAL_FATAL(crypto_private_key_get_public(made->key, &made->public, &err), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_public_key_fingerprint(made->public, made->fingerprint, &err), 0);
    CU_ASSERT_EQUAL_FATAL(statement_encode(&input, &made->statement, &err), 0);
    CU_ASSERT_EQUAL_FATAL(dsse_encode_pae(DSSE_PAYLOAD_TYPE, made->statement.data, made->statement.size, &pae), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_sign(made->key, pae.data, pae.size, made->signature, &made->signature_size, &err), 0);
}

static void drop(struct signed_statement *made)
{
    buffer_free(&made->statement);
    crypto_private_key_free(made->key);
    crypto_public_key_free(made->public);
}

static void encode(const struct signed_statement *made, struct buffer *text)
{
    CU_ASSERT_EQUAL_FATAL(bundle_encode(made->statement.data, made->statement.size, made->signature,
                                        made->signature_size, made->fingerprint, text),
                          0);
}

/* Decodes and verifies; 0 only when both hold. */
static int verify(const void *text, size_t size, const struct crypto_public_key *key)
{
    CLEANUP_BUNDLE struct bundle bundle = {0};
    struct error err = {0};
    int r = bundle_decode(text, size, "b.json", &bundle, &err);

    return r < 0 ? r : bundle_verify(&bundle, key, &err);
}

void test_bundle_form(void)
{
    CLEANUP(drop) struct signed_statement made = {0}, other = {0};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    CLEANUP_JSON json_t *value = NULL;
    const json_t *envelope;
    struct error err = {0};

    make(&made);
    make(&other);
    encode(&made, &text);
    CU_ASSERT_EQUAL(bundle_decode(text.data, text.size, "b", &bundle, &err), 0);
    CU_ASSERT_EQUAL(bundle.payload.size, made.statement.size);
    CU_ASSERT_EQUAL(memcmp(bundle.payload.data, made.statement.data, made.statement.size), 0);
    CU_ASSERT_EQUAL(bundle_verify(&bundle, made.public, &err), 0);
    CU_ASSERT_EQUAL(bundle_verify(&bundle, other.public, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    memcpy(bundle.fingerprint, other.fingerprint, SHA256_SIZE); /* a hint that lies */
    CU_ASSERT_EQUAL(bundle_verify(&bundle, other.public, &err), -EBADMSG);

    CU_ASSERT_EQUAL_FATAL(json_read(text.data, text.size, text.size, "b", &value, &err), 0);
    envelope = json_object_get(value, "dsseEnvelope");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(envelope, "payloadType")), "application/vnd.in-toto+json");
    CU_ASSERT_STRING_EQUAL(
        json_string_value(json_object_get(json_array_get(json_object_get(envelope, "signatures"), 0), "keyid")), "");
}

/* Applies one change to the bundle's JSON and expects that decoding refuses the result. */
static void refuse_changed(const struct buffer *text, const char *change)
{
    CLEANUP_JSON json_t *value = json_loadb((const char *)text->data, text->size, 0, NULL);
    CLEANUP_JSON json_t *changed = NULL;
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(2 * BUNDLE_SIZE_MAX);
    json_t *envelope = json_object_get(value, "dsseEnvelope");
    json_t *material = json_object_get(value, "verificationMaterial");
    json_t *signatures = json_object_get(envelope, "signatures");
    struct bundle bundle = {0};
    struct error err = {0};

    if (strcmp(change, "two signatures") == 0)
        CU_ASSERT_EQUAL(json_array_append(signatures, json_array_get(signatures, 0)), 0);
    if (strcmp(change, "no signature") == 0)
        CU_ASSERT_EQUAL(json_array_clear(signatures), 0);
    if (strcmp(change, "keyid") == 0)
        CU_ASSERT_EQUAL(json_object_set_new(json_array_get(signatures, 0), "keyid", json_string("x")), 0);
    if (strcmp(change, "payload type") == 0)
        CU_ASSERT_EQUAL(json_object_set_new(envelope, "payloadType", json_string("application/json")), 0);
    if (strcmp(change, "media type") == 0)
        CU_ASSERT_EQUAL(
            json_object_set_new(value, "mediaType", json_string("application/vnd.dev.sigstore.bundle.v0.2+json")), 0);
    if (strcmp(change, "unknown field") == 0)
        CU_ASSERT_EQUAL(json_object_set_new(value, "messageSignature", json_object()), 0);
    if (strcmp(change, "certificate") == 0)
        CU_ASSERT_EQUAL(json_object_set_new(material, "x509CertificateChain", json_object()), 0);
    if (strcmp(change, "log entry") == 0)
        CU_ASSERT_EQUAL(json_array_append_new(json_object_get(material, "tlogEntries"), json_object()), 0);
    if (strcmp(change, "hint") == 0)
        CU_ASSERT_EQUAL(json_object_set_new(json_object_get(material, "publicKey"), "hint", json_string("ab")), 0);
    if (strcmp(change, "payload") == 0)
        CU_ASSERT_EQUAL(json_object_set_new(envelope, "payload", json_string("e30")), 0);
    if (strcmp(change, "array") == 0) {
        changed = json_array();
        CU_ASSERT_EQUAL(json_array_append(changed, value), 0);
    }
    CU_ASSERT_EQUAL(json_canonical_encode(changed != NULL ? changed : value, &again), 0);
    CU_ASSERT_EQUAL(bundle_decode(again.data, again.size, "b.json", &bundle, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_PTR_NULL(bundle.payload.data);
}

void test_bundle_refusals(void)
{
    static const char *const changes[] = {"two signatures", "no signature",  "keyid",       "payload type",
                                          "media type",     "unknown field", "certificate", "log entry",
                                          "hint",           "payload",       "array"};
    CLEANUP(drop) struct signed_statement made = {0};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct bundle bundle = {0};

    make(&made);
    encode(&made, &text);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        refuse_changed(&text, changes[i]);
    CU_ASSERT_EQUAL(bundle_decode("", 0, "b.json", &bundle, NULL), -EBADMSG);
    CU_ASSERT_EQUAL(bundle_decode("{}", 2, "b.json", &bundle, NULL), -EBADMSG);
}

/*
 * Bits of the whole file: base64, field names, brackets; each byte has some of its bits changed. (test_crypto.c changes
 * each bit of a message and its signature.) Only the final newline is no part of the JSON.
 */
void test_bundle_changed_bits(void)
{
    CLEANUP(drop) struct signed_statement made = {0};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    size_t verified = 0;

    make(&made);
    encode(&made, &text);
    CU_ASSERT_EQUAL(verify(text.data, text.size, made.public), 0);
    for (size_t bit = 0; bit < 8 * (text.size - 1); bit += 3) {
        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        verified += verify(text.data, text.size, made.public) == 0;
        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CU_ASSERT_EQUAL(verified, 0);
    for (size_t cut = 0; cut + 1 < text.size; cut++)
        verified += verify(text.data, cut, made.public) == 0;
    CU_ASSERT_EQUAL(verified, 0);
}
