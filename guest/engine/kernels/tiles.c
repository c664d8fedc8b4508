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
        sums[p][v] = tile->resumed ? vector_load(tile->sums + (p * vectors + v) * VECTOR_LANES) : (vector_f32){0};
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
    if (tile->bias != NULL)
        VECTOR_UNROLL
    for (unsigned p = 0; p < lines * columns; p++)
        VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        sums[p][v] = sums[p][v] + vector_load(tile->bias + v * VECTOR_LANES);
    if (tile->relu)
        VECTOR_UNROLL
    for (unsigned p = 0; p < lines * columns; p++)
        VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        sums[p][v] = vector_above_zero(sums[p][v]);
    VECTOR_UNROLL
    for (unsigned p = 0; p < lines * columns; p++)
        VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        vector_store(tile->sums + (p * vectors + v) * VECTOR_LANES, sums[p][v]);
}

#define TILE(columns, lines)                                                                                           \
    static void run_##columns##x##lines##x1(const struct tile *tile)                                                   \
    {                                                                                                                  \
        run_tile(tile, columns, lines, 1);                                                                             \
    }                                                                                                                  \
    static void run_##columns##x##lines##x2(const struct tile *tile)                                                   \
    {                                                                                                                  \
        run_tile(tile, columns, lines, 2);                                                                             \
    }

#define KIND(columns, lines)                                                                                           \
    {                                                                                                                  \
        columns, lines,                                                                                                \
        {                                                                                                              \
            run_##columns##x##lines##x1, run_##columns##x##lines##x2                                                   \
        }                                                                                                              \
    }

/*
 * 32 registers hold 12 positions of two vectors, 16 hold 6; emulated fma needs its registers
 * itself. Four columns of one line are common, and just keep the multipliers busy.
 */
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
TILE(4, 1)
TILE(3, 2)
TILE(3, 1)
TILE(2, 3)
TILE(2, 1)
TILE(1, 6)
TILE(1, 1)
static const struct tile_kind kinds[] = {
    KIND(6, 1), KIND(4, 1), KIND(3, 2), KIND(3, 1),           KIND(2, 3),
    KIND(2, 1), KIND(1, 6), KIND(1, 1), {0, 0, {NULL, NULL}},
};
#endif

/* positions and vectors are constants where this is inlined. */
VECTOR_INLINE void run_points(const struct points *points, const unsigned positions, const unsigned vectors)
{
    const float *weights = points->weights;
    const float *from[TILE_POSITIONS_MAX];
    vector_f32 sums[TILE_POSITIONS_MAX][2];
    size_t terms = points->terms;

    VECTOR_UNROLL
    for (unsigned p = 0; p < positions; p++)
        from[p] = points->source + p * points->step;
    VECTOR_UNROLL
    for (unsigned p = 0; p < positions; p++)
        VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        sums[p][v] = points->resumed ? vector_load(points->sums + (p * vectors + v) * VECTOR_LANES) : (vector_f32){0};
    for (size_t k = 0; k < terms; k++, weights += vectors * VECTOR_LANES) {
        vector_f32 w[2];

        VECTOR_UNROLL
        for (unsigned v = 0; v < vectors; v++)
            w[v] = vector_load(weights + v * VECTOR_LANES);
        VECTOR_UNROLL
        for (unsigned p = 0; p < positions; p++) {
            vector_f32 x = vector_all(from[p][k]);

            VECTOR_UNROLL
            for (unsigned v = 0; v < vectors; v++)
                sums[p][v] = vector_multiply_add(x, w[v], sums[p][v]);
        }
    }
    VECTOR_UNROLL
    for (unsigned p = 0; p < positions; p++)
        VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        vector_store(points->sums + (p * vectors + v) * VECTOR_LANES, sums[p][v]);
}

#define POINTS(positions)                                                                                              \
    static void run_points_##positions##x1(const struct points *points)                                                \
    {                                                                                                                  \
        run_points(points, positions, 1);                                                                              \
    }                                                                                                                  \
    static void run_points_##positions##x2(const struct points *points)                                                \
    {                                                                                                                  \
        run_points(points, positions, 2);                                                                              \
    }

#define POINTS_KIND(positions)                                                                                         \
    {                                                                                                                  \
        positions,                                                                                                     \
        {                                                                                                              \
            run_points_##positions##x1, run_points_##positions##x2                                                     \
        }                                                                                                              \
    }
#define POINTS_END                                                                                                     \
    {                                                                                                                  \
        0,                                                                                                             \
        {                                                                                                              \
            NULL, NULL                                                                                                 \
        }                                                                                                              \
    }

#if defined(KERNEL_SOFT_FMA)
POINTS(2)
static const struct points_kind points_kinds[] = {POINTS_KIND(2), POINTS_END};
#elif VECTOR_LANES == 16
POINTS(12)
POINTS(8)
POINTS(4)
static const struct points_kind points_kinds[] = {POINTS_KIND(12), POINTS_KIND(8), POINTS_KIND(4), POINTS_END};
#else
POINTS(6)
POINTS(4)
POINTS(2)
static const struct points_kind points_kinds[] = {POINTS_KIND(6), POINTS_KIND(4), POINTS_KIND(2), POINTS_END};
#endif

#define ROW_VECTORS_MAX 4u

/* outputs and vectors are constants where this is inlined. */
VECTOR_INLINE void run_row_block(const struct row *row, size_t at, const unsigned outputs, const unsigned vectors)
{
    const float *x = row->x + at, *weights = row->weights;
    const uint32_t *offsets = row->offsets, *end = offsets + row->terms;
    vector_f32 sums[ROW_OUTPUTS_MAX][ROW_VECTORS_MAX];

    VECTOR_UNROLL
    for (unsigned o = 0; o < outputs; o++)
        VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++)
        sums[o][v] = (vector_f32){0};
    for (; offsets < end; offsets++, weights += outputs) {
        vector_f32 values[ROW_VECTORS_MAX];

        VECTOR_UNROLL
        for (unsigned v = 0; v < vectors; v++)
            values[v] = vector_load(x + *offsets + v * VECTOR_LANES);
        VECTOR_UNROLL
        for (unsigned o = 0; o < outputs; o++) {
            vector_f32 w = vector_all(weights[o]);

            VECTOR_UNROLL
            for (unsigned v = 0; v < vectors; v++)
                sums[o][v] = vector_multiply_add(values[v], w, sums[o][v]);
        }
    }
    VECTOR_UNROLL
    for (unsigned o = 0; o < outputs; o++)
        VECTOR_UNROLL
    for (unsigned v = 0; v < vectors; v++) {
        if (row->bias != NULL)
            sums[o][v] = sums[o][v] + vector_all(row->bias[o]);
        vector_store(row->sums + o * row->count + at + v * VECTOR_LANES, sums[o][v]);
    }
}

VECTOR_INLINE void run_row(const struct row *row, const unsigned outputs, const unsigned vectors)
{
    const size_t block = (size_t)vectors * VECTOR_LANES;
    size_t at = 0;

    for (; row->count - at >= block; at += block)
        run_row_block(row, at, outputs, vectors);
    for (; at < row->count; at += VECTOR_LANES)
        run_row_block(row, at, outputs, 1);
}

#define ROW(outputs, vectors)                                                                                          \
    static void run_row_##outputs(const struct row *row)                                                               \
    {                                                                                                                  \
        run_row(row, outputs, vectors);                                                                                \
    }

#if defined(KERNEL_SOFT_FMA)
ROW(1, 2)
ROW(2, 1)
ROW(3, 1)
ROW(4, 1)
#elif VECTOR_LANES == 16
ROW(1, 4)
ROW(2, 4)
ROW(3, 4)
ROW(4, 4)
#else
ROW(1, 4)
ROW(2, 4)
ROW(3, 3)
ROW(4, 2)
#endif

#if KERNEL_FUSED
#define CLASS_TABLE product_fma
#else
#define CLASS_TABLE product_mul_add
#endif

const struct product_table VECTOR_JOIN(CLASS_TABLE, VECTOR_ISA) = {
    .lanes = VECTOR_LANES,
    .kinds = kinds,
    .points = points_kinds,
    .rows = {run_row_1, run_row_2, run_row_3, run_row_4},
};
