/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger's leaf, with its proof, as an element of a Sigstore bundle's `tlogEntries`: attest/tlog_entry.h has the
 * form. */
#ifndef LAZARET_HOST_LEDGER_ENTRY_H
#define LAZARET_HOST_LEDGER_ENTRY_H

#include "host/ledger/ledger.h"

#define ENTRY_SIZE_MAX ((size_t)256 * 1024) /* of an entry's JSON */

/*
 * Makes the entry of a leaf. `key` is the log's (its whole id is the logId). integrated_time, seconds since 1970, is
 * left out where 0: nothing signs it here, and a verifier that counts it as a timestamp would take our word. *ret_entry
 * is the caller's.
 */
MUST_USE int ledger_entry_for_bundle(const struct ledger_receipt *receipt, const struct note_key *key, const void *leaf,
                                     size_t leaf_size, uint64_t integrated_time, json_t **ret_entry, struct error *err);

/* What a checked entry says. */
struct ledger_entry {
    uint64_t index;
    uint64_t stated_time; /* integratedTime, which nothing signs; 0: none */
    struct checkpoint checkpoint;
    struct buffer leaf, note;
};

/*
 * Checks an entry of exactly that form: logId is one of the keys', one of the keys signed the checkpoint, the leaf is
 * in its tree. ERROR_BAD_INPUT for another form, ERROR_MISMATCH; -EBADMSG. Whether the leaf speaks of the envelope at
 * hand is the caller's: it makes ledger_leaf_dsse() of that and compares. ledger_entry_free() the result.
 */
MUST_USE int ledger_entry_verify(const json_t *entry, const struct note_key *keys, size_t key_count,
                                 struct ledger_entry *ret_entry, struct error *err);

void ledger_entry_free(struct ledger_entry *entry);

#define CLEANUP_LEDGER_ENTRY CLEANUP(ledger_entry_free)

#endif
