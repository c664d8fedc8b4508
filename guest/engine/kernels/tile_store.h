/* SPDX-License-Identifier: Apache-2.0 */
/* A tile whose sums are whole, from the kernels' order (position by position) to the tensor's. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_TILE_STORE_H
#define LAZARET_GUEST_ENGINE_KERNELS_TILE_STORE_H

#include "sweep.h"
#include "tables.h"

struct tile_store {
    const struct sweep *sweep;     /* how the result lies, and what is done to it */
    size_t lanes;                  /* of one position in the sums */
    size_t outputs;                /* of those, what is stored; 1 or more */
    unsigned columns, lines;       /* of the tile */
    float *to[TILE_POSITIONS_MAX]; /* where each line's first position has its first output */
};

/*
 * sums: [positions × lanes] with what tile->bias and tile->relu do already done; groups of four positions
 * are read whole, so the memory behind reaches up to the next multiple of four.
 */
void tile_store(const struct tile_store *store, const float *sums);

#endif
