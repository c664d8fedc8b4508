/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: the text that a ledger's key signs. Source: C2SP tlog-checkpoint.
 *
 * Three lines: the origin (our key's name), the number of leaves in decimal, the root hash in base64. Others'
 * checkpoints may add lines; ours do not.
 */
#ifndef LAZARET_HOST_LEDGER_CHECKPOINT_H
#define LAZARET_HOST_LEDGER_CHECKPOINT_H

#include "host/ledger/merkle.h"
#include "host/ledger/note.h"

#define CHECKPOINT_KEYS_MAX 16u /* keys of one ledger that are known at once */

struct checkpoint {
    char origin[NOTE_NAME_MAX + 1];
    uint64_t size; /* at most MERKLE_SIZE_MAX */
    uint8_t root[SHA256_SIZE];
};

/* Appends the text. Errors as buffer_append. */
MUST_USE int checkpoint_encode(const struct checkpoint *checkpoint, struct buffer *ret_text);

/* Parses a note's text. ERROR_BAD_INPUT, -EBADMSG; `where` begins the error's text. */
MUST_USE int checkpoint_parse(const void *text, size_t size, const char *where, struct checkpoint *ret_checkpoint,
                              struct error *err);

/*
 * Parses a signed checkpoint and checks that at least one of the keys, each named as its origin, signed it, and that no
 * signature of any of them is wrong. ERROR_BAD_INPUT where it is malformed, else ERROR_MISMATCH; -EBADMSG.
 */
MUST_USE int checkpoint_verify(const void *data, size_t size, const struct note_key *keys, size_t key_count,
                               const char *where, struct checkpoint *ret_checkpoint, struct error *err);

/*
 * How many of the witnesses, each counted once by its public key, cosigned it. ERROR_MISMATCH where a witness's
 * signature is wrong.
 */
MUST_USE int checkpoint_count_witnesses(const void *data, size_t size, const struct note_key *witnesses, size_t count,
                                        const char *where, unsigned *ret_count, struct error *err);

#endif
