/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An auditor's check of a whole ledger: every entry hashed, every tile worked out again, the root compared with the
 * signed checkpoint, and the checkpoint held against keys, witnesses, and an older checkpoint.
 *
 * The keys come from the auditor, never from the folder. What lies beyond the checkpoint's size is no part of the
 * ledger.
 */
#ifndef LAZARET_HOST_LEDGER_VERIFY_H
#define LAZARET_HOST_LEDGER_VERIFY_H

#include "host/ledger/ledger.h"

struct ledger_trust {
    const struct note_key *keys; /* of the origin: old and new ones */
    size_t key_count;
    const struct note_key *witnesses; /* at most CHECKPOINT_KEYS_MAX */
    size_t witness_count;
    unsigned quorum; /* cosignatures needed */
};

struct ledger_verified {
    struct checkpoint checkpoint;
    uint64_t tiles, bundles; /* files compared */
    unsigned witnesses;      /* that cosigned */
};

/* A signed checkpoint against keys and witnesses. ERROR_MISMATCH, also where it is malformed; returns the cosignatures.
 */
MUST_USE int ledger_verify_checkpoint(const void *note, size_t size, const struct ledger_trust *trust,
                                      const char *where, struct checkpoint *ret_checkpoint, unsigned *ret_witnesses,
                                      struct error *err);

struct edge;

/* Who looks at each leaf on the way, in order; `edge` is that of the leaves up to it (ledger/edge.h). */
struct ledger_visitor {
    int (*visit)(void *argument, uint64_t index, const void *leaf, size_t size, const struct edge *edge,
                 struct error *err);
    void *argument;
};

/* As ledger_verify(), with a visitor or NULL; what it saw holds only where this succeeds. */
MUST_USE int ledger_visit(const char *path, const struct ledger_trust *trust, const struct checkpoint *since,
                          const struct ledger_visitor *visitor, struct ledger_verified *ret_verified,
                          struct error *err);

/*
 * Checks the ledger in `path`; `since` is an older checkpoint that it must have grown from, or NULL. ERROR_MISMATCH,
 * -EBADMSG names the first file, leaf or signature that does not match; ERROR_NO_INPUT where there is no folder.
 */
MUST_USE int ledger_verify(const char *path, const struct ledger_trust *trust, const struct checkpoint *since,
                           struct ledger_verified *ret_verified, struct error *err);

#endif
