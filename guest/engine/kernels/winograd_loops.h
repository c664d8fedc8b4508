/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd's transforms, compiled once for each instruction set; the same in both arithmetic classes. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_WINOGRAD_LOOPS_H
#define LAZARET_GUEST_ENGINE_KERNELS_WINOGRAD_LOOPS_H

#include "tables.h"

#define WINOGRAD_EDGE_MAX   4u
#define WINOGRAD_SIZE_MAX   6u /* of an input tile: edge + 2 */
#define WINOGRAD_POINTS_MAX 36u

/* A row of tiles, one vector of channels. */
struct winograd_input {
    const float *region; /* element (row, column) of the first tile's lanes at (row·pitch + column)·lanes */
    size_t pitch;
    size_t tiles;
    float *points; /* written: point p of tile t at p·point_step + t·tile_step */
    size_t point_step, tile_step;
};

/* A row of tiles, one vector of outputs. */
struct winograd_output {
    const float *points; /* read: as above */
    size_t point_step, tile_step;
    size_t tiles;
    const float *bias; /* [lanes] or NULL */
    /* written: output o, row r, column c at o·plane + r·width + c, of the rows and columns there are */
    float *result;
    const float *addend, *mask; /* at the same places, or NULL */
    bool relu;
    size_t outputs; /* at most the lanes */
    size_t plane, width;
    size_t rows, columns; /* of the image, from the first tile's corner on */
};

/* Rows of up to a vector of planes to lanes: what lies outside of the planes is +0. */
struct winograd_spread {
    const float *source; /* plane of the first channel */
    size_t plane, width, height;
    size_t channels; /* at most the lanes; the lanes left over become +0 */
    ptrdiff_t first_row, first_column;
    size_t rows, columns; /* of the region */
    float *region;        /* [rows × columns × lanes] */
};

struct winograd_table {
    unsigned lanes;
    void (*spread)(const struct winograd_spread *spread);
    void (*input[2])(const struct winograd_input *input);    /* edge 2, edge 4 */
    void (*output[2])(const struct winograd_output *output); /* likewise */
};

extern const struct winograd_table winograd_sse2, winograd_avx, winograd_avx2, winograd_avx512;

#endif
