/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's parsers. The first byte chooses: a signed checkpoint, verifier keys, a proof file, an entry bundle, a
 * bundle's entry, a leaf. What is accepted must encode to the same bytes where the form is exact.
 */
#include "host/json/reader.h"
#include "host/ledger/entry.h"
#include "host/ledger/leaf.h"
#include "host/ledger/proof.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vkey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static void expect_same(const struct buffer *text, const void *data, size_t size)
{
    if (text->size != size || (size > 0 && memcmp(text->data, data, size) != 0))
        abort();
}

static void fuzz_checkpoint(const uint8_t *data, size_t size, const struct note_key *key)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(NOTE_SIZE_MAX);
    struct checkpoint checkpoint;
    struct note note;

    if (note_parse(data, size, "input", &note, NULL) < 0)
        return;
    (void)(note_verify(&note, key, NULL, NULL) == 0);
    if (checkpoint_parse(note.text, note.text_size, "input", &checkpoint, NULL) < 0)
        return;
    if (checkpoint_encode(&checkpoint, &text) < 0 || text.size > note.text_size ||
        memcmp(text.data, note.text, text.size) != 0)
        abort();
    (void)(checkpoint_verify(data, size, key, 1, "input", &checkpoint, NULL) == 0);
}

static void fuzz_keys(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit((size_t)64 * 1024);
    struct note_key keys[CHECKPOINT_KEYS_MAX];
    size_t count;

    if (ledger_keys_parse(data, size, "input", keys, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (note_key_encode(&keys[i], &text) < 0 || buffer_append_u8(&text, '\n') < 0)
            abort();
    expect_same(&text, data, size);
}

static void fuzz_proof(const uint8_t *data, size_t size, const struct note_key *key)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(PROOF_SIZE_MAX);
    CLEANUP_PROOF struct proof proof = {0};
    struct ledger_receipt receipt;
    struct checkpoint checkpoint;

    if (proof_decode(data, size, "input", &proof, NULL) < 0)
        return;
    receipt = (struct ledger_receipt){.index = proof.number, .proof = proof.hashes, .note = proof.note};
    if (proof_encode(&receipt,
                     proof.kind == PROOF_CONSISTENCY ? NULL
                     : proof.leaf.data != NULL       ? proof.leaf.data
                                                     : (const uint8_t *)"",
                     proof.leaf.size, &text) < 0)
        abort();
    expect_same(&text, data, size);
    (void)(proof_verify_inclusion(&proof, key, 1, "input", &checkpoint, NULL) == 0);
}

static void fuzz_bundle(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(TILE_BUNDLE_MAX);
    const uint8_t *entry;
    size_t offset = 0, entry_size;

    while (tile_bundle_next(data, size, &offset, &entry, &entry_size) == 0)
        if (tile_bundle_append(&again, entry, entry_size) < 0)
            abort();
    expect_same(&again, data, offset);
}

static void fuzz_entry(const uint8_t *data, size_t size, const struct note_key *key)
{
    CLEANUP_LEDGER_ENTRY struct ledger_entry entry = {0};
    CLEANUP_JSON json_t *json = NULL;

    if (json_read(data, size, ENTRY_SIZE_MAX, "input", &json, NULL) == 0)
        (void)(ledger_entry_verify(json, key, 1, &entry, NULL) == 0);
}

/* A leaf of ours is canonical: an intent that was read encodes to the same bytes. */
static void fuzz_leaf(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(LEDGER_LEAF_MAX);
    struct leaf_intent intent;
    struct leaf leaf;

    if (ledger_leaf_read(data, size, "input", &leaf, NULL) < 0 || leaf.kind != LEAF_INTENT)
        return;
    intent.job = leaf.job;
    memcpy(intent.model, leaf.model, SHA256_SIZE);
    memcpy(intent.data, leaf.data, SHA256_SIZE);
    memcpy(intent.policy, leaf.policy, SHA256_SIZE);
    if (ledger_leaf_intent(&intent, &again, NULL) < 0)
        abort();
    expect_same(&again, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note_key key;

    if (size == 0 || note_key_parse(vkey, strlen(vkey), "key", &key, NULL) < 0)
        return 0;
    switch (data[0]) {
    case 'c':
        fuzz_checkpoint(data + 1, size - 1, &key);
        break;
    case 'k':
        fuzz_keys(data + 1, size - 1);
        break;
    case 'p':
        fuzz_proof(data + 1, size - 1, &key);
        break;
    case 'b':
        fuzz_bundle(data + 1, size - 1);
        break;
    case 'e':
        fuzz_entry(data + 1, size - 1, &key);
        break;
    case 'l':
        fuzz_leaf(data + 1, size - 1);
        break;
    default:
        break;
    }
    return 0;
}
