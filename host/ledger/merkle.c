/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 6962's tree.
 *
 * A tree over leaves [begin, end) splits at begin + k, k the largest power of two below its size. Every range that a
 * proof names begins at a multiple of a power of two that is no less than its size, so it is a row of complete nodes
 * whose sizes are the range's bits, the largest first.
 */
#include "host/ledger/merkle.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void merkle_empty_root(uint8_t ret_hash[SHA256_SIZE])
{
    sha256_of("", 0, ret_hash);
}

void merkle_leaf(const void *data, size_t size, uint8_t ret_hash[SHA256_SIZE])
{
    struct sha256 hash;

    sha256_start(&hash);
    sha256_update(&hash, "\x00", 1);
    sha256_update(&hash, data, size);
    sha256_finish(&hash, ret_hash);
}

void merkle_node(const uint8_t left[SHA256_SIZE], const uint8_t right[SHA256_SIZE], uint8_t ret_hash[SHA256_SIZE])
{
    struct sha256 hash;

    sha256_start(&hash);
    sha256_update(&hash, "\x01", 1);
    sha256_update(&hash, left, SHA256_SIZE);
    sha256_update(&hash, right, SHA256_SIZE);
    sha256_finish(&hash, ret_hash);
}

/* --- making proofs ----------------------------------------------------------------------------------- */

/* The hash of the leaves [begin, end): from its smallest node, the last, up to its largest, the first. */
static int range_hash(const struct merkle_source *source, uint64_t begin, uint64_t end, uint8_t ret_hash[SHA256_SIZE],
                      struct error *err)
{
    uint8_t hash[SHA256_SIZE], node[SHA256_SIZE];
    bool is_first = true;

    while (begin < end) {
        unsigned level = (unsigned)__builtin_ctzll(end - begin);
        int r = source->node(source->argument, level, (end >> level) - 1, node, err);

        if (r < 0)
            return r;
        if (is_first)
            memcpy(hash, node, sizeof hash);
        else
            merkle_node(node, hash, hash);
        is_first = false;
        end -= UINT64_C(1) << level;
    }
    memcpy(ret_hash, hash, sizeof hash);
    return 0;
}

int merkle_root(const struct merkle_source *source, uint64_t size, uint8_t ret_root[SHA256_SIZE], struct error *err)
{
    if (size == 0) {
        merkle_empty_root(ret_root);
        return 0;
    }
    return range_hash(source, 0, size, ret_root, err);
}

/* The left part's size of a tree of more than one leaf. */
static uint64_t split_size(uint64_t size)
{
    return UINT64_C(1) << (63 - __builtin_clzll(size - 1));
}

static void reverse(struct merkle_proof *proof)
{
    for (size_t i = 0; i < proof->count / 2; i++) {
        uint8_t *left = proof->hashes[i], *right = proof->hashes[proof->count - 1 - i], hash[SHA256_SIZE];

        memcpy(hash, left, sizeof hash);
        memcpy(left, right, sizeof hash);
        memcpy(right, hash, sizeof hash);
    }
}

int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                           struct merkle_proof *ret_proof, struct error *err)
{
    struct merkle_proof proof = {0};
    uint64_t begin = 0, end = size;
    int r = 0;

    while (r == 0 && end - begin > 1) {
        uint64_t middle = begin + split_size(end - begin);

        if (index < middle) {
            r = range_hash(source, middle, end, proof.hashes[proof.count++], err);
            end = middle;
        } else {
            r = range_hash(source, begin, middle, proof.hashes[proof.count++], err);
            begin = middle;
        }
    }
    if (r < 0)
        return r;
    reverse(&proof);
    *ret_proof = proof;
    return 0;
}

int merkle_prove_consistency(const struct merkle_source *source, uint64_t from, uint64_t size,
                             struct merkle_proof *ret_proof, struct error *err)
{
    struct merkle_proof proof = {0};
    uint64_t begin = 0, end = size;
    int r = 0;

    if (from > 0 && from < size) {
        while (r == 0 && from < end) {
            uint64_t middle = begin + split_size(end - begin);

            if (from <= middle) {
                r = range_hash(source, middle, end, proof.hashes[proof.count++], err);
                end = middle;
            } else {
                r = range_hash(source, begin, middle, proof.hashes[proof.count++], err);
                begin = middle;
            }
        }
        /* The old tree itself is known to who asks; a part of it is not. */
        if (r == 0 && begin > 0)
            r = range_hash(source, begin, end, proof.hashes[proof.count++], err);
    }
    if (r < 0)
        return r;
    reverse(&proof);
    *ret_proof = proof;
    return 0;
}

/* --- checking proofs --------------------------------------------------------------------------------- */

static int no_proof(const char *what, struct error *err)
{
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s", what);
}

int merkle_check_inclusion(uint64_t index, uint64_t size, const uint8_t leaf[SHA256_SIZE],
                           const struct merkle_proof *proof, const uint8_t root[SHA256_SIZE], struct error *err)
{
    uint64_t node = index, last = size - 1;
    uint8_t hash[SHA256_SIZE];

    if (index >= size)
        return no_proof("inclusion: the leaf's index is not within the tree", err);
    memcpy(hash, leaf, sizeof hash);
    for (size_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return no_proof("inclusion: the proof has too many hashes", err);
        if ((node & 1) != 0 || node == last) {
            merkle_node(proof->hashes[i], hash, hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            merkle_node(hash, proof->hashes[i], hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if (last != 0)
        return no_proof("inclusion: the proof has too few hashes", err);
    if (memcmp(hash, root, sizeof hash) != 0)
        return no_proof("inclusion: leaf and proof do not lead to the checkpoint's root hash", err);
    return 0;
}

/* Whether proofs of equal sizes and of the empty tree say what they must. */
static int check_trivial(uint64_t from, uint64_t size, const uint8_t old_root[SHA256_SIZE],
                         const uint8_t new_root[SHA256_SIZE], const struct merkle_proof *proof, struct error *err)
{
    uint8_t empty[SHA256_SIZE];

    merkle_empty_root(empty);
    if (from == 0 && memcmp(old_root, empty, sizeof empty) != 0)
        return no_proof("consistency: the older tree is empty, its root hash is not", err);
    if (from == size && memcmp(old_root, new_root, SHA256_SIZE) != 0)
        return no_proof("consistency: two root hashes for one size: the ledger was forked", err);
    if (proof->count != 0)
        return no_proof("consistency: the proof has too many hashes", err);
    return 0;
}

int merkle_check_consistency(uint64_t from, uint64_t size, const uint8_t old_root[SHA256_SIZE],
                             const uint8_t new_root[SHA256_SIZE], const struct merkle_proof *proof, struct error *err)
{
    uint8_t old_hash[SHA256_SIZE], new_hash[SHA256_SIZE];
    uint64_t node = from - 1, last = size - 1;
    size_t i = 0;

    if (from > size)
        return no_proof("consistency: the newer tree is smaller: the ledger was rolled back", err);
    if (from == 0 || from == size)
        return check_trivial(from, size, old_root, new_root, proof, err);
    if (proof->count == 0)
        return no_proof("consistency: the proof has too few hashes", err);
    while ((node & 1) != 0) {
        node >>= 1;
        last >>= 1;
    }
    /* Where the older tree is one complete node, the proof leaves out its root. */
    memcpy(old_hash, node == 0 ? old_root : proof->hashes[i++], sizeof old_hash);
    memcpy(new_hash, old_hash, sizeof new_hash);
    for (; i < proof->count; i++) {
        if (last == 0)
            return no_proof("consistency: the proof has too many hashes", err);
        if ((node & 1) != 0 || node == last) {
            merkle_node(proof->hashes[i], old_hash, old_hash);
            merkle_node(proof->hashes[i], new_hash, new_hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            merkle_node(new_hash, proof->hashes[i], new_hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if (last != 0)
        return no_proof("consistency: the proof has too few hashes", err);
    if (memcmp(old_hash, old_root, SHA256_SIZE) != 0)
        return no_proof("consistency: the proof does not lead to the older root hash: the ledger was rewritten", err);
    if (memcmp(new_hash, new_root, SHA256_SIZE) != 0)
        return no_proof("consistency: the proof does not lead to the newer root hash", err);
    return 0;
}
