/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Merkle tree of RFC 6962 (section 2.1): its hashes, and inclusion and consistency proofs made and checked.
 *
 * A node at `level` L with index I covers the leaves [I << L, (I + 1) << L); leaves' hashes are level 0. Proofs list
 * their hashes from the leaves towards the root, as the RFC does.
 */
#ifndef LAZARET_HOST_LEDGER_MERKLE_H
#define LAZARET_HOST_LEDGER_MERKLE_H

#include "base/error.h"
#include "digest/sha256.h"

#define MERKLE_LEVELS_MAX 64u                 /* of a tree of fewer than 2^64 leaves */
#define MERKLE_PROOF_MAX  MERKLE_LEVELS_MAX   /* hashes of a proof: one a level at most, and one for consistency */
#define MERKLE_SIZE_MAX   (UINT64_C(1) << 40) /* leaves of a tree that is read or written here */

struct merkle_proof {
    size_t count;
    uint8_t hashes[MERKLE_PROOF_MAX][SHA256_SIZE];
};

/* Where the makers of proofs find complete nodes. */
struct merkle_source {
    int (*node)(void *argument, unsigned level, uint64_t index, uint8_t ret_hash[SHA256_SIZE], struct error *err);
    void *argument;
};

/* The root of the tree without leaves; a leaf's hash; a node's hash (ret_hash may be one of the children). */
void merkle_empty_root(uint8_t ret_hash[SHA256_SIZE]);
void merkle_leaf(const void *data, size_t size, uint8_t ret_hash[SHA256_SIZE]);
void merkle_node(const uint8_t left[SHA256_SIZE], const uint8_t right[SHA256_SIZE], uint8_t ret_hash[SHA256_SIZE]);

/* The root of the first `size` leaves. Errors are the source's. */
MUST_USE int merkle_root(const struct merkle_source *source, uint64_t size, uint8_t ret_root[SHA256_SIZE],
                         struct error *err);

/* That leaf `index` is among the first `size` (2.1.1); index < size. Errors are the source's. */
MUST_USE int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                                    struct merkle_proof *ret_proof, struct error *err);

/* That the first `from` leaves begin the first `size` (2.1.2); from <= size; empty for 0 and for equal sizes. */
MUST_USE int merkle_prove_consistency(const struct merkle_source *source, uint64_t from, uint64_t size,
                                      struct merkle_proof *ret_proof, struct error *err);

/* The checks of RFC 9162, 2.1.3.2 and 2.1.4.2. ERROR_MISMATCH, -EBADMSG where the proof does not prove it. */
MUST_USE int merkle_check_inclusion(uint64_t index, uint64_t size, const uint8_t leaf[SHA256_SIZE],
                                    const struct merkle_proof *proof, const uint8_t root[SHA256_SIZE],
                                    struct error *err);
MUST_USE int merkle_check_consistency(uint64_t from, uint64_t size, const uint8_t old_root[SHA256_SIZE],
                                      const uint8_t new_root[SHA256_SIZE], const struct merkle_proof *proof,
                                      struct error *err);

#endif
