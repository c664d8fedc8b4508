/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of host/ledger share. */
#ifndef LAZARET_HOST_LEDGER_INTERNAL_H
#define LAZARET_HOST_LEDGER_INTERNAL_H

#include "host/ledger/ledger.h"
#include "host/ledger/store.h"

struct ledger {
    struct store store;
    char *path; /* owned */
    size_t key_count;
    struct note_key keys[CHECKPOINT_KEYS_MAX];
    size_t secret_count; /* 0: to read only; else secrets[i] belongs to keys[i] */
    struct crypto_ed25519 *secrets[LEDGER_SECRETS_MAX];
};

/* Signs a checkpoint with all of the handle's keys and puts it there. Needs the lock. */
MUST_USE int ledger_commit(const struct ledger *ledger, const struct checkpoint *checkpoint, struct buffer *ret_note,
                           struct error *err);

/* Adds a signature's line to the checkpoint, in place of the same signer's earlier one. Needs the lock. */
MUST_USE int ledger_add_signature(const struct store *store, const struct buffer *line, struct error *err);

#endif
