/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of convolution and matrix product: a block of sums in registers, term by term.
 *
 * Compiled for each instruction set and both arithmetic classes. Each lane is one output's sum, and
 * its terms come in the order of `offsets`; how many outputs a tile holds is only a matter of how
 * many registers there are.
 */
#include "multiply_add.h"
#include "tables.h"

/* columns, lines and vectors are constants where this is inlined, so that sums are registers. */
VECTOR_INLINE void run_tile(const struct tile *tile, const unsigned columns, const unsigned lines,
                            const unsigned vectors)
{
    const uint32_t *offsets = tile->offsets, *end = offsets + tile->terms;
    const float *weights = tile->weights;
    const float *line[TILE_POSITIONS_MAX];
    vector_f32 sums[TILE_POSITIONS_MAX][2];

    VECTOR_UNROLL
    for (unsigned l = 0; l < lines; l++)
        line[l] = tile->lines[l];
    VECTOR_UNROLL
    for (unsigned p = 0; p < lines * columns; p++)
        VECTOR_UNROLL
        for (unsigned v = 0; v < vectors; v++)
            sums[p][v] = tile->resumed
                             ? vector_load(tile->sums + (p * vectors + v) * VECTOR_LANES)
                             : (vector_f32){0};
    for (; offsets < end; offsets++, weights += vectors * VECTOR_LANES) {
        size_t offset = *offsets;
        vector_f32 w[2];

        VECTOR_UNROLL
        for (unsigned v = 0; v < vectors; v++)
            w[v] = vector_load(weights + v * VECTOR_LANES);
        VECTOR_UNROLL
        for (unsigned p = 0; p < lines * columns; p++) {
            vector_f32 x = vector_all(line[p / columns][offset + p % columns]);

            VECTOR_UNROLL
            for (unsigned v = 0; v < vectors; v++)
                sums[p][v] = vector_multiply_add(x, w[v], sums[p][v]);
        }
    }
    VECTOR_UNROLL
    for (unsigned p = 0; p < lines * columns; p++)
        VECTOR_UNROLL
        for (unsigned v = 0; v < vectors; v++)
            vector_store(tile->sums + (p * vectors + v) * VECTOR_LANES, sums[p][v]);
}

#define TILE(columns, lines)                                                                       \
    static void run_##columns##x##lines##x1(const struct tile *tile)                               \
    {                                                                                              \
        run_tile(tile, columns, lines, 1);                                                         \
    }                                                                                              \
    static void run_##columns##x##lines##x2(const struct tile *tile)                               \
    {                                                                                              \
        run_tile(tile, columns, lines, 2);                                                         \
    }

#define KIND(columns, lines)                                                                       \
    {                                                                                              \
        columns, lines,                                                                            \
        {                                                                                          \
            run_##columns##x##lines##x1, run_##columns##x##lines##x2                               \
        }                                                                                          \
    }

/* 32 registers hold 12 positions of two vectors, 16 hold 6; emulated fma needs its registers itself. */
#if defined(KERNEL_SOFT_FMA)
TILE(2, 1)
TILE(1, 2)
TILE(1, 1)
static const struct tile_kind kinds[] = {KIND(2, 1), KIND(1, 2), KIND(1, 1), {0, 0, {NULL, NULL}}};
#elif VECTOR_LANES == 16
TILE(12, 1)
TILE(6, 2)
TILE(6, 1)
TILE(4, 3)
TILE(4, 1)
TILE(3, 4)
TILE(3, 1)
TILE(2, 6)
TILE(2, 1)
TILE(1, 12)
TILE(1, 1)
static const struct tile_kind kinds[] = {
    KIND(12, 1), KIND(6, 2), KIND(6, 1), KIND(4, 3),  KIND(4, 1), KIND(3, 4),
    KIND(3, 1),  KIND(2, 6), KIND(2, 1), KIND(1, 12), KIND(1, 1), {0, 0, {NULL, NULL}},
};
#else
TILE(6, 1)
TILE(3, 2)
TILE(3, 1)
TILE(2, 3)
TILE(2, 1)
TILE(1, 6)
TILE(1, 1)
static const struct tile_kind kinds[] = {
    KIND(6, 1), KIND(3, 2), KIND(3, 1), KIND(2, 3),
    KIND(2, 1), KIND(1, 6), KIND(1, 1), {0, 0, {NULL, NULL}},
};
#endif

#define ROW_VECTORS 4u

VECTOR_INLINE void run_row_block(const float *x, const uint32_t *offsets, const float *weights,
                                 size_t terms, float *ret_sums, const unsigned vectors)
{
    vector_f32 sums[ROW_VECTORS];

    VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        sums[v] = (vector_f32){0};
    for (size_t k = 0; k < terms; k++) {
        vector_f32 w = vector_all(weights[k]);

        VECTOR_UNROLL
        for (unsigned v = 0; v < vectors; v++)
            sums[v] = vector_multiply_add(vector_load(x + offsets[k] + v * VECTOR_LANES), w, sums[v]);
    }
    VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        vector_store(ret_sums + v * VECTOR_LANES, sums[v]);
}

static void run_row(const float *x, const uint32_t *offsets, const float *weights, size_t terms,
                    float *ret_sums, size_t count)
{
    const size_t block = (size_t)ROW_VECTORS * VECTOR_LANES;
    size_t i = 0;

    for (; count - i >= block; i += block)
        run_row_block(x + i, offsets, weights, terms, ret_sums + i, ROW_VECTORS);
    for (; i < count; i += VECTOR_LANES)
        run_row_block(x + i, offsets, weights, terms, ret_sums + i, 1);
}

#if KERNEL_FUSED
#define CLASS_TABLE product_fma
#else
#define CLASS_TABLE product_mul_add
#endif

const struct product_table VECTOR_JOIN(CLASS_TABLE, VECTOR_ISA) = {
    .lanes = VECTOR_LANES,
    .kinds = kinds,
    .row = run_row,
};
