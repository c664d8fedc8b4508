/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles and entry bundles: names, widths and sizes. Source: C2SP tlog-tiles, "Merkle Tree", "Log entries".
 *
 * Tile N of level L holds 256 hashes of nodes that each cover 256^L leaves, from node 256·N on; the last tile of a
 * level may be partial. Entry bundle N holds the leaves below tile N of level 0, each after its length in two bytes,
 * big-endian.
 */
#ifndef LAZARET_HOST_LEDGER_TILE_H
#define LAZARET_HOST_LEDGER_TILE_H

#include "base/buffer.h"
#include "digest/sha256.h"

#define TILE_WIDTH      256u
#define TILE_BITS       8u
#define TILE_SIZE       (TILE_WIDTH * SHA256_SIZE)
#define TILE_LEVELS_MAX 6u /* levels of a tree of MERKLE_SIZE_MAX leaves, and tlog-tiles' own limit */
#define TILE_ENTRY_MAX  65535u
#define TILE_BUNDLE_MAX ((size_t)TILE_WIDTH * (2 + TILE_ENTRY_MAX))
#define TILE_PATH_SIZE  64u             /* of every name below, with the final NUL */
#define TILE_ENTRIES    TILE_LEVELS_MAX /* stands for entry bundles where a level is asked for */

/* How many hashes (or entries) tile `index` of `level` has in a tree of `size` leaves: 0 to 256. */
unsigned tile_width(unsigned level, uint64_t index, uint64_t size);

/*
 * The name below the ledger's folder: tile/<level>/<index>, with ".p/<width>" below 256. The index is written in groups
 * of three digits, all but the last with an "x" before them: 1234067 is x001/x234/067. Level TILE_ENTRIES gives
 * tile/entries/.
 */
void tile_path(unsigned level, uint64_t index, unsigned width, char ret_path[TILE_PATH_SIZE]);

/* The folder of a tile's partial forms: the name of the full tile and ".p". */
void tile_partial_folder(unsigned level, uint64_t index, char ret_path[TILE_PATH_SIZE]);

/* The hash of 2^height nodes of a row. */
void tile_subtree(const uint8_t *hashes, unsigned height, uint8_t ret_hash[SHA256_SIZE]);

/* Appends an entry to a bundle. -EMSGSIZE above TILE_ENTRY_MAX, else as buffer_append. */
MUST_USE int tile_bundle_append(struct buffer *bundle, const void *entry, size_t size);

/* Finds where an entry begins; `offset` is that of its length. -EBADMSG where the bundle ends too early. */
MUST_USE int tile_bundle_next(const void *bundle, size_t bundle_size, size_t *offset, const uint8_t **ret_entry,
                              size_t *ret_size);

#endif
