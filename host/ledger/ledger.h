/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: an append-only log of what was done, in a folder that any web server can publish.
 *
 *   checkpoint      a signed note (ledger/checkpoint.h), written last
 *   tile/...        the Merkle tree's tiles and the entry bundles (ledger/tile.h); C2SP tlog-tiles
 *   vkey            the verifier keys of the origin, a line each, the newest last
 *   lock            empty; writers hold it
 *
 * Theory of operation. An append takes the lock, checks the checkpoint's signature and that the right edge hashes to
 * its root, writes the entry bundle and the tiles that change, each synced under its final name, and then the
 * checkpoint. A reader goes by the checkpoint: what lies beyond its size was written by an append that did not end, and
 * the next one writes it anew. So a writer may be killed at any point. Partial tiles stay until the full one is there
 * and committed.
 *
 * A private key file is PEM of mode 0600 and lies outside the folder, by default beside it: DIR.pem.
 */
#ifndef LAZARET_HOST_LEDGER_H
#define LAZARET_HOST_LEDGER_H

#include "host/ledger/checkpoint.h"
#include "host/ledger/tile.h"

#include <jansson.h>

#define LEDGER_LEAF_MAX    TILE_ENTRY_MAX
#define LEDGER_SECRETS_MAX 4u /* private keys that sign at once, while keys change */

struct ledger;

/* A leaf's place, and the proof of it. */
struct ledger_receipt {
    uint64_t index;
    struct checkpoint checkpoint;
    struct merkle_proof proof; /* of inclusion in the checkpoint's tree */
    struct buffer note;        /* the signed checkpoint */
};

/*
 * Makes a new ledger without leaves in a folder that is not there or is empty. `key_path` is an Ed25519 key, made where
 * the file does not exist. ERROR_USAGE, -EEXIST where a ledger is there already.
 */
MUST_USE int ledger_create(const char *path, const char *origin, const char *key_path, struct error *err);

/*
 * Opens a ledger, to append with `key_count` private keys (all sign; the first is the one of entries), or with none, to
 * read. ERROR_NO_INPUT, ERROR_BAD_INPUT for keys and folder; ERROR_MISMATCH where the checkpoint is signed by none of
 * them (without private keys: none of the folder's own verifier keys).
 */
MUST_USE int ledger_open(const char *path, const char *const *key_paths, size_t key_count, struct ledger **ret_ledger,
                         struct error *err);

/* Frees; NULL is fine. */
void ledger_free(struct ledger *ledger);

/*
 * Appends a leaf of at most LEDGER_LEAF_MAX bytes and makes it durable. *ret_receipt may be NULL, else
 * ledger_receipt_free() it. Several processes and threads may append, each with its own handle. ERROR_MISMATCH where
 * the checkpoint or the right edge does not hold: nothing is written then. ERROR_UNAVAILABLE, -ETIMEDOUT after
 * STORE_LOCK_WAIT_MS.
 */
MUST_USE int ledger_append(struct ledger *ledger, const void *leaf, size_t size, struct ledger_receipt *ret_receipt,
                           struct error *err);

/*
 * The same, unless this very leaf is among those from index `since` on already: then its receipt. Whoever noted the
 * tree's size before may so be killed at any point and try again; it is looked for under the lock. ERROR_UNAVAILABLE,
 * -ESTALE where the ledger is smaller than that.
 */
MUST_USE int ledger_append_once(struct ledger *ledger, const void *leaf, size_t size, uint64_t since,
                                struct ledger_receipt *ret_receipt, struct error *err);

/* The current checkpoint, its signature checked, and the note itself appended to `ret_note` (NULL is fine). */
MUST_USE int ledger_read_checkpoint(const struct ledger *ledger, struct checkpoint *ret_checkpoint,
                                    struct buffer *ret_note, struct error *err);

/* Appends a leaf's bytes, checked against its hash in the tree. ERROR_USAGE, -ERANGE for an index beyond the
 * checkpoint. */
MUST_USE int ledger_read_leaf(const struct ledger *ledger, uint64_t index, struct buffer *ret_leaf, struct error *err);

/* A receipt for a leaf under the current checkpoint, from tiles alone, and checked; errors as above. */
MUST_USE int ledger_prove(const struct ledger *ledger, uint64_t index, struct ledger_receipt *ret_receipt,
                          struct error *err);

/* That the tree of `from` leaves begins the current one; receipt.index is `from`. Errors as above. */
MUST_USE int ledger_prove_consistency(const struct ledger *ledger, uint64_t from, struct ledger_receipt *ret_receipt,
                                      struct error *err);

/* The keys by which this handle checks; the first is the one of entries. Borrowed. */
const struct note_key *ledger_keys(const struct ledger *ledger, size_t *ret_count);

/*
 * Begins a change of keys: the key at `new_key_path` (made where absent) signs the current checkpoint beside those of
 * the handle, and joins the folder's verifier keys. Appends name both until every reader knows the new one.
 */
MUST_USE int ledger_add_key(struct ledger *ledger, const char *new_key_path, struct error *err);

void ledger_receipt_free(struct ledger_receipt *receipt);

/* DIR.pem, the private key's usual place. -ENAMETOOLONG. */
MUST_USE int ledger_default_key_path(const char *path, char *ret_path, size_t size);

/* Reads a file of verifier keys, a line each. ERROR_BAD_INPUT, -EBADMSG. */
MUST_USE int ledger_keys_parse(const void *text, size_t size, const char *where,
                               struct note_key ret_keys[CHECKPOINT_KEYS_MAX], size_t *ret_count, struct error *err);

static inline void ledger_drop(struct ledger **ledger)
{
    ledger_free(*ledger);
}

#define CLEANUP_LEDGER         CLEANUP(ledger_drop)
#define CLEANUP_LEDGER_RECEIPT CLEANUP(ledger_receipt_free)

#endif
