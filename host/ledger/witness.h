/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Witnesses: someone else's word that a ledger only ever grew. Source: C2SP tlog-cosignature.
 *
 * A witness keeps, in a folder of its own, the last checkpoint that it cosigned of each ledger, by origin. It cosigns
 * another one only where the old tree begins the new one, and writes that down before its signature leaves it.
 */
#ifndef LAZARET_HOST_LEDGER_WITNESS_H
#define LAZARET_HOST_LEDGER_WITNESS_H

#include "host/ledger/ledger.h"

struct witness {
    const char *folder;                  /* the witness's own; made where absent */
    struct note_key key;                 /* of NOTE_COSIGNATURE */
    const struct crypto_ed25519 *secret; /* borrowed */
};

/*
 * Cosigns the current checkpoint of the ledger in `path`, which one of `keys` signed, and adds the signature's line to
 * it. `time` is now, in seconds since 1970. ERROR_MISMATCH, -EBADMSG where the ledger was rolled back, forked or
 * rewritten since the last cosignature, or its checkpoint does not hold; nothing is signed then.
 */
MUST_USE int witness_cosign(const struct witness *witness, const char *path, const struct note_key *keys,
                            size_t key_count, uint64_t time, struct checkpoint *ret_checkpoint, struct error *err);

#endif
