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

/* A log entry of the right form; nothing of it is true. */
static json_t *new_entry(void)
{
    return json_pack("{s:s, s:{s:s}, s:{s:s, s:s}, s:s, s:{s:s, s:s, s:s, s:[s], s:{s:s}}}", "logIndex", "0", "logId",
                     "keyId", "AAAA", "kindVersion", "kind", "dsse", "version", "0.0.1", "canonicalizedBody",
                     "e30=", "inclusionProof", "logIndex", "0", "rootHash", "AAAA", "treeSize", "2", "hashes", "AAAA",
                     "checkpoint", "envelope", "log\n2\nAAAA\n");
}

/* The signed statement as a bundle, with a log entry and two timestamps where `evidence` is set. */
static void encode(const struct signed_statement *made, bool evidence, struct buffer *text)
{
    CLEANUP_JSON json_t *entries = json_array();
    struct bundle bundle = {.payload = made->statement, .signature_size = made->signature_size};
    uint8_t response[] = {0x30, 0x03, 0x02, 0x01, 0x00};

    memcpy(bundle.signature, made->signature, made->signature_size);
    memcpy(bundle.fingerprint, made->fingerprint, SHA256_SIZE);
    if (evidence) {
        CU_ASSERT_EQUAL_FATAL(json_array_append_new(entries, new_entry()), 0);
        bundle.tlog_entries = entries;
        bundle.timestamp_count = 2;
        bundle.timestamps[0] = (struct buffer){.data = response, .size = sizeof response};
        bundle.timestamps[1] = (struct buffer){.data = response, .size = 1};
    }
    CU_ASSERT_EQUAL_FATAL(bundle_encode(&bundle, text), 0);
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
    encode(&made, false, &text);
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

void test_bundle_evidence(void)
{
    CLEANUP(drop) struct signed_statement made = {0};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX), again = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0}, plain = {0};
    CLEANUP_JSON json_t *entry = new_entry();
    struct error err = {0};

    make(&made);
    encode(&made, true, &text);
    CU_ASSERT_EQUAL_FATAL(bundle_decode(text.data, text.size, "b", &bundle, &err), 0);
    CU_ASSERT_EQUAL(bundle_verify(&bundle, made.public, &err), 0);
    CU_ASSERT_EQUAL(json_array_size(bundle.tlog_entries), 1);
    CU_ASSERT(json_equal(json_array_get(bundle.tlog_entries, 0), entry));
    CU_ASSERT_EQUAL_FATAL(bundle.timestamp_count, 2);
    CU_ASSERT_EQUAL(bundle.timestamps[0].size, 5);
    CU_ASSERT_EQUAL(bundle.timestamps[1].size, 1);
    CU_ASSERT_EQUAL(bundle_encode(&bundle, &again), 0);
    CU_ASSERT_EQUAL(again.size, text.size);
    CU_ASSERT(again.size == text.size && memcmp(again.data, text.data, text.size) == 0);

    buffer_free(&text);
    encode(&made, false, &text);
    CU_ASSERT_EQUAL_FATAL(bundle_decode(text.data, text.size, "b", &plain, &err), 0);
    CU_ASSERT_EQUAL(json_array_size(plain.tlog_entries), 0);
    CU_ASSERT_EQUAL(plain.timestamp_count, 0);
    buffer_free(&text);
    plain.timestamp_count = 1; /* an empty timestamp */
    CU_ASSERT_EQUAL(bundle_encode(&plain, &text), -EINVAL);
    plain.timestamp_count = 0;
    CU_ASSERT_EQUAL(json_array_append_new(plain.tlog_entries, json_object()), 0);
    CU_ASSERT_EQUAL(bundle_encode(&plain, &text), -EINVAL);
}

/* The parts of a bundle's JSON that the changes below are made to. */
struct parts {
    json_t *bundle, *material, *entries, *timestamps, *envelope, *signatures;
};

static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value);
}

static json_t *proof_of(const struct parts *parts)
{
    return json_object_get(json_array_get(parts->entries, 0), "inclusionProof");
}

static int change_signatures(const struct parts *parts)
{
    return json_array_append(parts->signatures, json_array_get(parts->signatures, 0));
}

static int change_no_signature(const struct parts *parts)
{
    return json_array_clear(parts->signatures);
}

static int change_keyid(const struct parts *parts)
{
    return set(json_array_get(parts->signatures, 0), "keyid", json_string("x"));
}

static int change_no_keyid(const struct parts *parts)
{
    return json_object_del(json_array_get(parts->signatures, 0), "keyid");
}

static int change_signature_field(const struct parts *parts)
{
    return set(json_array_get(parts->signatures, 0), "cert", json_string("x"));
}

static int change_long_signature(const struct parts *parts)
{
    char text[513];

    memset(text, 'A', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    return set(json_array_get(parts->signatures, 0), "sig", json_string(text));
}

static int change_payload_type(const struct parts *parts)
{
    return set(parts->envelope, "payloadType", json_string("application/json"));
}

static int change_payload(const struct parts *parts)
{
    return set(parts->envelope, "payload", json_string("e30"));
}

static int change_media_type(const struct parts *parts)
{
    return set(parts->bundle, "mediaType", json_string("application/vnd.dev.sigstore.bundle.v0.2+json"));
}

static int change_field(const struct parts *parts)
{
    return set(parts->bundle, "messageSignature", json_object());
}

static int change_certificate(const struct parts *parts)
{
    return set(parts->material, "x509CertificateChain", json_object());
}

static int change_hint(const struct parts *parts)
{
    return set(json_object_get(parts->material, "publicKey"), "hint", json_string("ab"));
}

static int change_no_entries(const struct parts *parts)
{
    return json_object_del(parts->material, "tlogEntries");
}

static int change_empty_entry(const struct parts *parts)
{
    return json_array_append_new(parts->entries, json_object());
}

static int change_many_entries(const struct parts *parts)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < BUNDLE_TLOG_ENTRIES_MAX; i++)
        r = json_array_append_new(parts->entries, new_entry());
    return r;
}

static int change_entry_field(const struct parts *parts)
{
    return set(json_array_get(parts->entries, 0), "inclusionPromise", json_object());
}

static int change_entry_type(const struct parts *parts)
{
    return set(json_array_get(parts->entries, 0), "logIndex", json_integer(0));
}

static int change_entry_time(const struct parts *parts)
{
    return set(json_array_get(parts->entries, 0), "integratedTime", json_integer(0));
}

static int change_kind_field(const struct parts *parts)
{
    return set(json_object_get(json_array_get(parts->entries, 0), "kindVersion"), "x", json_string("x"));
}

static int change_proof_field(const struct parts *parts)
{
    return set(proof_of(parts), "x", json_string("x"));
}

static int change_proof_hash(const struct parts *parts)
{
    return json_array_set_new(json_object_get(proof_of(parts), "hashes"), 0, json_integer(0));
}

static int change_proof_hashes(const struct parts *parts)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < 64; i++)
        r = json_array_append_new(json_object_get(proof_of(parts), "hashes"), json_string("AAAA"));
    return r;
}

static int change_checkpoint(const struct parts *parts)
{
    return json_object_del(proof_of(parts), "checkpoint");
}

static int change_no_timestamps(const struct parts *parts)
{
    return json_array_clear(parts->timestamps);
}

static int change_many_timestamps(const struct parts *parts)
{
    int r = 0;

    while (r == 0 && json_array_size(parts->timestamps) <= BUNDLE_TIMESTAMPS_MAX)
        r = json_array_append(parts->timestamps, json_array_get(parts->timestamps, 0));
    return r;
}

static int change_timestamp(const struct parts *parts)
{
    return set(json_array_get(parts->timestamps, 0), "signedTimestamp", json_string("MA="));
}

static int change_timestamp_field(const struct parts *parts)
{
    return set(json_array_get(parts->timestamps, 0), "x", json_string("x"));
}

static int change_timestamp_data(const struct parts *parts)
{
    return set(json_object_get(parts->material, "timestampVerificationData"), "x", json_array());
}

/* Applies one change to the bundle's JSON and expects that decoding refuses the result. */
static void refuse_changed(const struct buffer *text, int (*change)(const struct parts *))
{
    CLEANUP_JSON json_t *value = json_loadb((const char *)text->data, text->size, 0, NULL);
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(2 * BUNDLE_SIZE_MAX);
    struct parts parts = {.bundle = value};
    struct bundle bundle = {0};
    struct error err = {0};

    parts.envelope = json_object_get(value, "dsseEnvelope");
    parts.signatures = json_object_get(parts.envelope, "signatures");
    parts.material = json_object_get(value, "verificationMaterial");
    parts.entries = json_object_get(parts.material, "tlogEntries");
    parts.timestamps =
        json_object_get(json_object_get(parts.material, "timestampVerificationData"), "rfc3161Timestamps");
    CU_ASSERT_EQUAL_FATAL(change(&parts), 0);
    CU_ASSERT_EQUAL(json_canonical_encode(value, &again), 0);
    CU_ASSERT_EQUAL(bundle_decode(again.data, again.size, "b.json", &bundle, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_PTR_NULL(bundle.payload.data);
}

void test_bundle_refusals(void)
{
    static int (*const changes[])(const struct parts *) = {
        change_signatures,      change_no_signature,   change_keyid,           change_no_keyid,
        change_signature_field, change_long_signature, change_payload_type,    change_payload,
        change_media_type,      change_field,          change_certificate,     change_hint,
        change_no_entries,      change_empty_entry,    change_many_entries,    change_entry_field,
        change_entry_type,      change_entry_time,     change_kind_field,      change_proof_field,
        change_proof_hash,      change_proof_hashes,   change_checkpoint,      change_no_timestamps,
        change_many_timestamps, change_timestamp,      change_timestamp_field, change_timestamp_data};
    CLEANUP(drop) struct signed_statement made = {0};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX), list = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct bundle bundle = {0};

    make(&made);
    encode(&made, true, &text);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        refuse_changed(&text, changes[i]);
    CU_ASSERT_EQUAL(buffer_append_format(&list, "[%.*s]", (int)text.size, (const char *)text.data), 0);
    CU_ASSERT_EQUAL(bundle_decode(list.data, list.size, "b.json", &bundle, NULL), -EBADMSG);
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
    encode(&made, false, &text);
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
