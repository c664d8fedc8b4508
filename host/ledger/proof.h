/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof files: all that is needed, besides the ledger's verifier key, to check one claim offline.
 *
 * Inclusion is C2SP tlog-proof; "extra" holds the leaf itself. Consistency has the same form:
 *
 *   c2sp.org/tlog-proof@v1             lazaret.dev/tlog-consistency@v1
 *   extra <base64 of the leaf>
 *   index <number>                     from <number of leaves of the older tree>
 *   <base64 of a hash>, a line each    the same
 *   (an empty line)                    the same
 *   <signed checkpoint>                the same
 */
#ifndef LAZARET_HOST_LEDGER_PROOF_H
#define LAZARET_HOST_LEDGER_PROOF_H

#include "host/ledger/ledger.h"

#define PROOF_SIZE_MAX (NOTE_SIZE_MAX + (size_t)128 * 1024)

enum proof_kind { PROOF_INCLUSION, PROOF_CONSISTENCY };

struct proof {
    enum proof_kind kind;
    uint64_t number; /* the leaf's index, or the older tree's leaves */
    struct buffer leaf;
    struct merkle_proof hashes;
    struct buffer note; /* the signed checkpoint */
};

/* Appends the proof file of a receipt; `leaf` is NULL for one of consistency. Errors as buffer_append. */
MUST_USE int proof_encode(const struct ledger_receipt *receipt, const void *leaf, size_t leaf_size,
                          struct buffer *ret_text);

/* Parses a proof file. ERROR_BAD_INPUT, -EBADMSG; `where` begins the text. proof_free() the result. */
MUST_USE int proof_decode(const void *text, size_t size, const char *where, struct proof *ret_proof, struct error *err);

/*
 * Checks an inclusion proof: the checkpoint's signature, and that the leaf is in its tree. ERROR_MISMATCH; returns the
 * checkpoint.
 */
MUST_USE int proof_verify_inclusion(const struct proof *proof, const struct note_key *keys, size_t key_count,
                                    const char *where, struct checkpoint *ret_checkpoint, struct error *err);

/* Checks a consistency proof against a checkpoint held before, whose signature the caller has checked; as above. */
MUST_USE int proof_verify_consistency(const struct proof *proof, const struct checkpoint *before,
                                      const struct note_key *keys, size_t key_count, const char *where,
                                      struct checkpoint *ret_checkpoint, struct error *err);

void proof_free(struct proof *proof);

#define CLEANUP_PROOF CLEANUP(proof_free)

#endif
