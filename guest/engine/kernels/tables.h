/* SPDX-License-Identifier: Apache-2.0 */
/* The loops that are compiled once for each instruction set, as tables of functions. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_TABLES_H
#define LAZARET_GUEST_ENGINE_KERNELS_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- elementwise.c; the same in both arithmetic classes ------------------------------------ */

typedef void elementwise_function(const float *x, float *ret_y, size_t count);

struct elementwise_table {
    elementwise_function *exp, *tanh, *erf, *sigmoid, *log;
};

extern const struct elementwise_table elementwise_sse2, elementwise_avx, elementwise_avx2, elementwise_avx512;

/* --- tiles.c, for each class as well ----------------------------------------------------------- */

#define TILE_LANES_MAX     32u /* two vectors of the widest instruction set */
#define TILE_POSITIONS_MAX 12u
#define TILE_FLOATS        ((size_t)TILE_POSITIONS_MAX * TILE_LANES_MAX)

/*
 * A tile is positions × lanes outputs held in registers: `lines` runs of `columns` neighbouring
 * positions, and one or two vectors of outputs (channels) at each. Term k of position (l, c) is
 * lines[l][offsets[k] + c] · weights[k][lane].
 */
struct tile {
    const float *lines[TILE_POSITIONS_MAX];
    const uint32_t *offsets; /* [terms] */
    const float *weights;    /* [terms × lanes] */
    size_t terms;
    bool resumed; /* sums holds those of earlier terms; else they start at +0 */
    float *sums;  /* [positions × lanes] */
    /* done to the sums, in this order, before they are stored */
    const float *bias; /* [lanes], one rounded addition; or NULL */
    bool relu;         /* +0 for what is not above zero; a NaN stays */
};

typedef void tile_function(const struct tile *tile);

struct tile_kind {
    unsigned columns, lines;
    tile_function *run[2]; /* one and two vectors of lanes */
};

/*
 * Sums whose lanes are positions, for so few outputs that they would fill no vector:
 * sums[output][i] = sum over k of x[offsets[k] + i] · weights[k][output], then + bias[output], for i
 * below count, which is a multiple of the lanes.
 */
#define ROW_OUTPUTS_MAX 4u

struct row {
    const float *x;
    const uint32_t *offsets; /* [terms] */
    const float *weights;    /* [terms × outputs] */
    const float *bias;       /* [outputs] or NULL */
    size_t terms;
    float *sums; /* [outputs × count] */
    size_t count;
};

typedef void row_function(const struct row *row);

/*
 * A tile whose positions lie `step` floats apart and whose terms are neighbours: term k of position p is
 * source[p·step + k] · weights[k][lane].
 */
struct points {
    const float *source;
    size_t step;
    const float *weights; /* [terms × lanes] */
    size_t terms;
    bool resumed; /* as of a tile */
    float *sums;  /* [positions × lanes] */
};

typedef void points_function(const struct points *points);

struct points_kind {
    unsigned positions;
    points_function *run[2]; /* one and two vectors of lanes */
};

struct product_table {
    unsigned lanes;                      /* of one vector */
    const struct tile_kind *kinds;       /* by falling columns, then lines; for each number of columns one
                                            kind has a single line; ends with one of no columns */
    const struct points_kind *points;    /* by falling positions, each a multiple of the last; ends with none */
    row_function *rows[ROW_OUTPUTS_MAX]; /* for 1, 2, ... outputs */
};

extern const struct product_table product_mul_add_sse2, product_mul_add_avx, product_mul_add_avx2,
    product_mul_add_avx512, product_fma_sse2, product_fma_avx, product_fma_avx2, product_fma_avx512;

#endif
