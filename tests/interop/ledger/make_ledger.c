/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make-ledger WORK BUNDLE PUB.pem: a ledger WORK/log with the bundle's leaf among others, WORK/older (its checkpoint
 * before), WORK/bundle.json (the bundle with its entry in tlogEntries), and WORK/wrong.json (with another leaf's
 * entry).
 */
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/ledger/entry.h"
#include "host/ledger/leaf.h"

#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BEFORE     600u /* leaves before the bundle's */
#define OLDER      300u /* leaves of the older checkpoint */
#define AFTER      20u
#define PEM_MAX    ((size_t)4096)
#define BUNDLE_MAX ((size_t)1024 * 1024)

static int write_file(const char *work, const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", work, name);
    file = fopen(path, "wb");
    return file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0 ? 0 : -1;
}

static int append_plain(struct ledger *ledger, unsigned first, unsigned count, struct error *err)
{
    char leaf[32];
    int r = 0;

    for (unsigned i = first; r == 0 && i < first + count; i++)
        r = ledger_append(ledger, leaf, (size_t)snprintf(leaf, sizeof leaf, "leaf %u", i), NULL, err);
    return r;
}

static int keep_checkpoint(const struct ledger *ledger, const char *work, struct error *err)
{
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX);
    struct checkpoint checkpoint;
    int r = ledger_read_checkpoint(ledger, &checkpoint, &note, err);

    return r < 0 ? r : write_file(work, "older", note.data, note.size);
}

/* The bundle with the entry of the leaf at `index`. */
static int write_bundle(const struct ledger *ledger, json_t *bundle, uint64_t index, const char *work, const char *name,
                        struct error *err)
{
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX), text = buffer_with_limit(BUNDLE_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    CLEANUP_JSON json_t *entry = NULL;
    struct ledger_entry found = {0};
    json_t *entries = json_object_get(json_object_get(bundle, "verificationMaterial"), "tlogEntries");
    size_t count;
    int r = ledger_read_leaf(ledger, index, &leaf, err);

    if (r == 0)
        r = ledger_prove(ledger, index, &receipt, err);
    if (r == 0)
        r = ledger_entry_for_bundle(&receipt, ledger_keys(ledger, &count), leaf.data, leaf.size, 0, &entry, err);
    if (r == 0)
        r = ledger_entry_verify(entry, ledger_keys(ledger, &count), 1, &found, err);
    ledger_entry_free(&found);
    if (r < 0)
        return r;
    if (json_array_clear(entries) < 0 || json_array_append(entries, entry) < 0 ||
        json_canonical_encode(bundle, &text) < 0)
        return -1;
    return write_file(work, name, text.data, text.size);
}

static int append_envelope(struct ledger *ledger, const json_t *envelope, const char *pem_path, struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(PEM_MAX), leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    int r = file_read_bounded(pem_path, &pem, err);

    if (r == 0)
        r = ledger_leaf_dsse(envelope, pem.data, pem.size, &leaf, err);
    return r < 0 ? r : ledger_append(ledger, leaf.data, leaf.size, NULL, err);
}

/* The same envelope with another signature: a leaf of the same kind that is not the bundle's. */
static int append_other(struct ledger *ledger, const json_t *envelope, const char *pem_path, struct error *err)
{
    CLEANUP_JSON json_t *copy = json_deep_copy(envelope);
    json_t *signature = json_array_get(json_object_get(copy, "signatures"), 0);

    return json_object_set_new(signature, "sig", json_string("AAAA")) < 0
               ? -1
               : append_envelope(ledger, copy, pem_path, err);
}

static int make(const char *work, const char *bundle_path, const char *pem_path, struct error *err)
{
    CLEANUP_LEDGER struct ledger *ledger = NULL;
    CLEANUP_JSON json_t *bundle = NULL;
    char path[PATH_MAX], key_path[PATH_MAX];
    const char *key = key_path;
    const json_t *envelope;
    int r = json_read_file(bundle_path, BUNDLE_MAX, &bundle, err);

    (void)snprintf(path, sizeof path, "%s/log", work);
    (void)snprintf(key_path, sizeof key_path, "%s/log.pem", work);
    envelope = json_object_get(bundle, "dsseEnvelope");
    if (r == 0)
        r = ledger_create(path, "example.org/interop", key_path, err);
    if (r == 0)
        r = ledger_open(path, &key, 1, &ledger, err);
    if (r == 0)
        r = append_plain(ledger, 0, OLDER, err);
    if (r == 0)
        r = keep_checkpoint(ledger, work, err);
    if (r == 0)
        r = append_plain(ledger, OLDER, BEFORE - OLDER, err);
    if (r == 0)
        r = append_envelope(ledger, envelope, pem_path, err);
    if (r == 0)
        r = append_other(ledger, envelope, pem_path, err);
    if (r == 0)
        r = append_plain(ledger, BEFORE, AFTER, err);
    if (r == 0)
        r = write_bundle(ledger, bundle, BEFORE, work, "bundle.json", err);
    return r < 0 ? r : write_bundle(ledger, bundle, BEFORE + 1, work, "wrong.json", err);
}

int main(int argc, char **argv)
{
    struct error err = {0};

    if (argc != 4)
        return 2;
    if (make(argv[1], argv[2], argv[3], &err) < 0) {
        (void)fprintf(stderr, "make-ledger: %s\n", err.text);
        return 1;
    }
    return 0;
}
