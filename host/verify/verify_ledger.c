/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the result stands in the ledger: its entry holds, is about this very signature by this very key, and comes
 * after the announcement that the statement names. A result that was announced has an entry, or lost it.
 */
#include "host/verify/internal.h"

#include "base/time_text.h"
#include "host/json/reader.h"
#include "host/ledger/bundle_entry.h"
#include "host/ledger/entry.h"
#include "host/ledger/leaf.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void check_witnesses(struct verify *verify, const struct ledger_entry *entry)
{
    const struct verify_request *request = verify->request;
    struct error cause = {0};
    unsigned count = 0;

    if (request->witness_count == 0)
        return;
    if (checkpoint_count_witnesses(entry->note.data, entry->note.size, request->witnesses, request->witness_count,
                                   "checkpoint.envelope", &count, &cause) < 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "witnesses", "%s", cause.text);
    else
        verify_add(verify, VERIFY_RECORD, count >= request->quorum ? VERIFY_HOLDS : VERIFY_MISMATCH, "witnesses",
                   "%u of %zu cosigned the entry's checkpoint; needed: %u", count, request->witness_count,
                   request->quorum);
}

/* What contradicts the announcement in the statement, where it has one; NULL: nothing. */
static const char *contradicts_announcement(const struct verify *verify, const struct ledger_entry *entry)
{
    struct statement_ledger announced;

    if (statement_get_ledger(verify->statement, &announced) < 0)
        return NULL;
    if (strcmp(announced.origin, entry->checkpoint.origin) != 0)
        return "the statement was announced in another ledger";
    return entry->index > announced.intent ? NULL : "the statement was announced in a later leaf";
}

/* Anyone may write a time into an entry: it is neither believed nor passed over in silence. */
static void report_stated_time(struct verify *verify, const struct ledger_entry *entry)
{
    char time[TIME_TEXT_SIZE];

    if (entry->stated_time == 0)
        return;
    time_text_format((int64_t)entry->stated_time, time);
    verify_add(verify, VERIFY_RECORD, VERIFY_NOT_CHECKED, "integratedTime",
               "the ledger's entry says %s, which no ledger signs; a timestamp or a witness would show it", time);
}

static void report_entry(struct verify *verify, const struct ledger_entry *entry, const struct buffer *leaf)
{
    const char *contradiction = contradicts_announcement(verify, entry);

    if (entry->leaf.size != leaf->size || memcmp(entry->leaf.data, leaf->data, leaf->size) != 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "ledger",
                   "leaf %" PRIu64 " of %s is about another envelope, signature or key", entry->index,
                   entry->checkpoint.origin);
    else if (contradiction != NULL)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "ledger", "leaf %" PRIu64 " of %s: %s", entry->index,
                   entry->checkpoint.origin, contradiction);
    else {
        verify_add(verify, VERIFY_RECORD, VERIFY_HOLDS, "ledger", "leaf %" PRIu64 " of the first %" PRIu64 " of %s",
                   entry->index, entry->checkpoint.size, entry->checkpoint.origin);
        check_witnesses(verify, entry);
        report_stated_time(verify, entry);
    }
}

static int check_entry(struct verify *verify, const json_t *json, const struct buffer *leaf, struct error *err)
{
    CLEANUP_LEDGER_ENTRY struct ledger_entry entry = {0};
    struct error cause = {0};
    int r = ledger_entry_verify(json, verify->request->ledger_keys, verify->request->ledger_key_count, &entry, &cause);

    if (r < 0 && cause.kind != ERROR_MISMATCH && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r < 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "ledger", "%s", cause.text);
    else
        report_entry(verify, &entry, leaf);
    return 0;
}

static void report_no_entry(struct verify *verify)
{
    struct statement_ledger announced;

    if (statement_get_ledger(verify->statement, &announced) < 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_NOT_CHECKED, "ledger", "the result has no ledger entry");
    else
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "ledger",
                   "announced as leaf %" PRIu64 " of %s, but the bundle has no ledger entry", announced.intent,
                   announced.origin);
}

int verify_ledger(struct verify *verify, struct error *err)
{
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    const json_t *entries = verify->bundle.tlog_entries;
    int r;

    if (json_array_size(entries) == 0) {
        report_no_entry(verify);
        return 0;
    }
    if (verify->request->ledger_key_count == 0) {
        verify_add(verify, VERIFY_RECORD, VERIFY_NOT_CHECKED, "ledger",
                   "%zu entr%s; give the ledger's verifier key with --ledger-key", json_array_size(entries),
                   json_array_size(entries) == 1 ? "y" : "ies");
        return 0;
    }
    r = ledger_leaf_of_bundle(&verify->bundle, verify->key, &leaf, err);
    for (size_t i = 0; r == 0 && i < json_array_size(entries); i++)
        r = check_entry(verify, json_array_get(entries, i), &leaf, err);
    return r;
}
