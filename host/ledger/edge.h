/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The right edge of a tree: the last tile of each level, which is all that an append needs to know.
 *
 * At level L it holds (size >> 8·L) mod 256 hashes; a level whose last tile is full holds none.
 */
#ifndef LAZARET_HOST_LEDGER_EDGE_H
#define LAZARET_HOST_LEDGER_EDGE_H

#include "host/ledger/tiles.h"

struct edge {
    uint64_t size;
    uint8_t hashes[TILE_LEVELS_MAX][TILE_SIZE];
};

/* One tile that an append changed. */
struct edge_change {
    unsigned level, width;
    uint64_t index;
};

/* Reads the edge of a tree of `size` leaves. Errors as tiles_read(). */
MUST_USE int edge_load(const struct store *store, uint64_t size, struct edge *ret_edge, struct error *err);

/* The tree's root, from the edge alone. */
void edge_root(const struct edge *edge, uint8_t ret_root[SHA256_SIZE]);

/* How many hashes the edge holds at a level. */
unsigned edge_width(const struct edge *edge, unsigned level);

/*
 * Adds a leaf's hash. Returns how many tiles changed, from level 0 up; all but the last became full, and edge->hashes
 * holds their content until the next call. The size must be below MERKLE_SIZE_MAX.
 */
unsigned edge_add(struct edge *edge, const uint8_t leaf[SHA256_SIZE], struct edge_change ret_changes[TILE_LEVELS_MAX]);

#endif
