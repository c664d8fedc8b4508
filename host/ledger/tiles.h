/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of one tree size in a folder, as a source of nodes for proofs; a few tiles are kept. */
#ifndef LAZARET_HOST_LEDGER_TILES_H
#define LAZARET_HOST_LEDGER_TILES_H

#include "host/ledger/merkle.h"
#include "host/ledger/store.h"
#include "host/ledger/tile.h"

#define TILES_KEPT (2u * TILE_LEVELS_MAX) /* a proof meets two tiles of a level: the leaf's, and the last */

struct tiles {
    const struct store *store;
    uint64_t size; /* leaves of the tree */
    size_t next;   /* the place that is filled next */
    struct {
        unsigned level, width; /* width 0: nothing kept */
        uint64_t index;
        uint8_t hashes[TILE_SIZE];
    } kept[TILES_KEPT];
};

/* Prepares an empty set; tiles are read as they are needed. */
void tiles_start(struct tiles *tiles, const struct store *store, uint64_t size);

/* The nodes; borrows `tiles`. Errors: ERROR_MISMATCH, -EBADMSG where a tile is missing or has another size. */
struct merkle_source tiles_source(struct tiles *tiles);

/*
 * Reads the first `width` hashes of a tile: from its file of that width, or, where the tree has grown since, from the
 * full one. Errors as above.
 */
MUST_USE int tiles_read(const struct store *store, unsigned level, uint64_t index, unsigned width,
                        uint8_t ret_hashes[TILE_SIZE], struct error *err);

/* Appends the bytes of an entry bundle of `width` entries, or of the full one; *ret_width says which. As above. */
MUST_USE int tiles_read_bundle(const struct store *store, uint64_t index, unsigned width, struct buffer *ret_bundle,
                               unsigned *ret_width, struct error *err);

#endif
