/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of Sigstore bundles. */
#include "host/ledger/entry.h"

#include "host/attest/base64_field.h"
#include "host/attest/tlog_entry.h"
#include "host/json/field.h"
#include "host/json/reader.h"
#include "host/ledger/leaf.h"
#include "host/ledger/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_SIZE         21u /* of a u64 in decimal, with the final NUL */
#define INTEGRATED_TIME_MAX (UINT64_C(1) << 40)

/* --- writing --------------------------------------------------------------------------------------------- */

static json_t *new_number(uint64_t number)
{
    char text[NUMBER_SIZE];

    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    return json_string(text);
}

static json_t *new_proof(const struct ledger_receipt *receipt)
{
    CLEANUP_JSON json_t *hashes = json_array();

    for (size_t i = 0; i < receipt->proof.count; i++)
        if (json_array_append_new(hashes, base64_new_json(receipt->proof.hashes[i], SHA256_SIZE)) < 0)
            return NULL;
    return json_pack("{s:o, s:o, s:o, s:O, s:{s:s%}}", "logIndex", new_number(receipt->index), "rootHash",
                     base64_new_json(receipt->checkpoint.root, SHA256_SIZE), "treeSize",
                     new_number(receipt->checkpoint.size), "hashes", hashes, "checkpoint", "envelope",
                     (const char *)receipt->note.data, receipt->note.size);
}

int ledger_entry_for_bundle(const struct ledger_receipt *receipt, const struct note_key *key, const void *leaf,
                            size_t leaf_size, uint64_t integrated_time, json_t **ret_entry, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL, *entry = NULL;
    const char *kind = NULL, *version = NULL;
    int r = ledger_leaf_parse(leaf, leaf_size, "leaf", &json, &kind, &version, err);

    if (r < 0)
        return r;
    entry =
        json_pack("{s:o, s:{s:o}, s:{s:s, s:s}, s:o, s:o}", "logIndex", new_number(receipt->index), "logId", "keyId",
                  base64_new_json(key->id, sizeof key->id), "kindVersion", "kind", kind, "version", version,
                  "inclusionProof", new_proof(receipt), "canonicalizedBody", base64_new_json(leaf, leaf_size));
    if (entry == NULL ||
        (integrated_time > 0 && json_object_set_new(entry, "integratedTime", new_number(integrated_time)) < 0))
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a ledger's entry");
    *ret_entry = TAKE_POINTER(entry);
    return 0;
}

/* --- reading --------------------------------------------------------------------------------------------- */

static int read_number(const json_t *object, const char *where, const char *key, uint64_t max, uint64_t *ret,
                       struct error *err)
{
    const char *text;
    int r = field_string(object, where, key, NUMBER_SIZE - 1, &text, err);

    if (r < 0)
        return r;
    if (lines_number((const uint8_t *)text, strlen(text), max, ret) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: a decimal number in a string expected", where, key);
    return 0;
}

static int read_hash(const json_t *object, const char *where, const char *key, uint8_t ret_hash[SHA256_SIZE],
                     struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(SHA256_SIZE);
    int r = base64_field(object, where, key, &bytes, err);

    if (r == 0 && bytes.size != SHA256_SIZE)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: a SHA-256 expected", where, key);
    if (r == 0)
        memcpy(ret_hash, bytes.data, SHA256_SIZE);
    return r;
}

static int read_hashes(const json_t *proof, struct merkle_proof *ret_hashes, struct error *err)
{
    json_t *hashes;
    const char *text;
    int r = field_array(proof, "inclusionProof", "hashes", &hashes, err);

    if (r < 0)
        return r;
    if (json_array_size(hashes) > MERKLE_PROOF_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "inclusionProof.hashes: too many");
    for (size_t i = 0; i < json_array_size(hashes); i++) {
        text = json_string_value(json_array_get(hashes, i));
        if (text == NULL || lines_hash((const uint8_t *)text, strlen(text), ret_hashes->hashes[i]) < 0)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "inclusionProof.hashes[%zu]: a SHA-256 expected", i);
    }
    ret_hashes->count = json_array_size(hashes);
    return 0;
}

/* The proof's fields repeat what checkpoint and entry say; they must agree. */
static int check_proof(const json_t *proof, const struct note_key *keys, size_t key_count, struct ledger_entry *entry,
                       struct error *err)
{
    struct merkle_proof hashes = {0};
    uint8_t root[SHA256_SIZE] = {0}, leaf[SHA256_SIZE];
    uint64_t index = 0, size = 0;
    const char *note = NULL;
    json_t *checkpoint = NULL;
    int r = read_number(proof, "inclusionProof", "logIndex", MERKLE_SIZE_MAX, &index, err);

    if (r == 0)
        r = read_number(proof, "inclusionProof", "treeSize", MERKLE_SIZE_MAX, &size, err);
    if (r == 0)
        r = read_hash(proof, "inclusionProof", "rootHash", root, err);
    if (r == 0)
        r = read_hashes(proof, &hashes, err);
    if (r == 0)
        r = field_object(proof, "inclusionProof", "checkpoint", &checkpoint, err);
    if (r == 0)
        r = field_string(checkpoint, "checkpoint", "envelope", NOTE_SIZE_MAX, &note, err);
    if (r == 0)
        r = checkpoint_verify(note, strlen(note), keys, key_count, "checkpoint.envelope", &entry->checkpoint, err);
    if (r < 0)
        return r;
    if (index != entry->index || size != entry->checkpoint.size ||
        memcmp(root, entry->checkpoint.root, sizeof root) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "inclusionProof: logIndex, treeSize or rootHash is not that of entry and checkpoint");
    merkle_leaf(entry->leaf.data, entry->leaf.size, leaf);
    r = merkle_check_inclusion(index, size, leaf, &hashes, root, err);
    return r < 0 ? r : buffer_append(&entry->note, note, strlen(note));
}

static int check_log(const json_t *entry, const struct note_key *keys, size_t key_count, struct error *err)
{
    uint8_t id[SHA256_SIZE];
    json_t *log_id;
    int r = field_object(entry, "tlogEntry", "logId", &log_id, err);

    if (r == 0)
        r = read_hash(log_id, "logId", "keyId", id, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < key_count; i++)
        if (memcmp(keys[i].id, id, sizeof id) == 0)
            return 0;
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "logId: another ledger's key than those given");
}

static int check_kind(const json_t *entry, const struct buffer *leaf, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    const char *kind = NULL, *version = NULL;
    json_t *stated;
    int r = field_object(entry, "tlogEntry", "kindVersion", &stated, err);

    if (r == 0)
        r = ledger_leaf_parse(leaf->data, leaf->size, "canonicalizedBody", &json, &kind, &version, err);
    if (r == 0)
        r = field_exact(stated, "kindVersion", "kind", kind, err);
    return r < 0 ? r : field_exact(stated, "kindVersion", "version", version, err);
}

int ledger_entry_verify(const json_t *entry, const struct note_key *keys, size_t key_count,
                        struct ledger_entry *ret_entry, struct error *err)
{
    CLEANUP_LEDGER_ENTRY struct ledger_entry found = {.leaf = buffer_with_limit(LEDGER_LEAF_MAX),
                                                      .note = buffer_with_limit(NOTE_SIZE_MAX)};
    json_t *proof = NULL;
    int r = tlog_entry_check_form(entry, err);

    if (r == 0 && json_object_get(entry, "integratedTime") != NULL)
        r = read_number(entry, "tlogEntry", "integratedTime", INTEGRATED_TIME_MAX, &found.stated_time, err);
    if (r == 0)
        r = read_number(entry, "tlogEntry", "logIndex", MERKLE_SIZE_MAX, &found.index, err);
    if (r == 0)
        r = base64_field(entry, "tlogEntry", "canonicalizedBody", &found.leaf, err);
    if (r == 0)
        r = check_log(entry, keys, key_count, err);
    if (r == 0)
        r = check_kind(entry, &found.leaf, err);
    if (r == 0)
        r = field_object(entry, "tlogEntry", "inclusionProof", &proof, err);
    if (r == 0)
        r = check_proof(proof, keys, key_count, &found, err);
    if (r < 0)
        return r;
    *ret_entry = found;
    found.leaf = buffer_with_limit(0); /* handed on */
    found.note = buffer_with_limit(0);
    return 0;
}

void ledger_entry_free(struct ledger_entry *entry)
{
    buffer_free(&entry->leaf);
    buffer_free(&entry->note);
}
