/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Winograd's transforms: every lane is a channel, so that the order of operations is that of a scalar.
 *
 * Products and sums are rounded one by one in both arithmetic classes. Two-dimensional transforms take
 * all columns first, then all rows. The one-dimensional ones are those of shared/winograd_lines.h.
 */
#include "winograd_loops.h"

#include "vector.h"

#include "shared/winograd_lines.h"

/* edge is a constant where this is inlined. */
VECTOR_INLINE void run_input(const struct winograd_input *input, const unsigned edge)
{
    const unsigned size = edge + 2;
    const float *from = input->region;
    float *to = input->points;

    for (size_t t = 0; t < input->tiles; t++, from += edge * VECTOR_LANES, to += input->tile_step) {
        vector_f32 half[WINOGRAD_SIZE_MAX][WINOGRAD_SIZE_MAX]; /* [column][row of the transform] */

        VECTOR_UNROLL
        for (unsigned c = 0; c < size; c++) {
            vector_f32 d[WINOGRAD_SIZE_MAX];

            VECTOR_UNROLL
            for (unsigned r = 0; r < size; r++)
                d[r] = vector_load(from + (r * input->pitch + c) * VECTOR_LANES);
            input_line(edge, d, half[c]);
        }
        VECTOR_UNROLL
        for (unsigned r = 0; r < size; r++) {
            vector_f32 d[WINOGRAD_SIZE_MAX], line[WINOGRAD_SIZE_MAX];

            VECTOR_UNROLL
            for (unsigned c = 0; c < size; c++)
                d[c] = half[c][r];
            input_line(edge, d, line);
            VECTOR_UNROLL
            for (unsigned c = 0; c < size; c++)
                vector_store(to + (r * size + c) * input->point_step, line[c]);
        }
    }
}

/* Four floats of a row: what a tile leaves, and what is done to it on the way out. */
VECTOR_INLINE __m128 finish_four(const struct winograd_output *output, size_t at, __m128 v)
{
    if (output->addend != NULL)
        v = _mm_add_ps(v, _mm_loadu_ps(output->addend + at));
    if (output->relu)
        v = _mm_andnot_ps(_mm_cmple_ps(v, _mm_setzero_ps()), v);
    if (output->mask != NULL)
        v = _mm_andnot_ps(_mm_cmple_ps(_mm_loadu_ps(output->mask + at), _mm_setzero_ps()), v);
    return v;
}

static float finish_one(const struct winograd_output *output, size_t at, float v)
{
    if (output->addend != NULL)
        v = v + output->addend[at];
    if (output->relu)
        v = v <= 0.0f ? 0.0f : v;
    if (output->mask != NULL)
        v = output->mask[at] <= 0.0f ? 0.0f : v;
    return v;
}

/* A tile [edge² × lanes] to its place, as much of it as the image has. */
VECTOR_INLINE void store_part(const struct winograd_output *output, const float *tile, size_t first_column,
                              const unsigned edge)
{
    size_t rows = output->rows < edge ? output->rows : edge;
    size_t columns = output->columns - first_column < edge ? output->columns - first_column : edge;

    for (size_t o = 0; o < output->outputs; o++)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++) {
                size_t at = o * output->plane + r * output->width + first_column + c;

                output->result[at] = finish_one(output, at, tile[(r * edge + c) * VECTOR_LANES + o]);
            }
}

/* The same of a whole tile of edge 4 and all lanes. */
VECTOR_INLINE void store_four(const struct winograd_output *output, const float *tile, size_t first_column)
{
    VECTOR_UNROLL
    for (unsigned o = 0; o < VECTOR_LANES; o += 4) {
        size_t at = o * output->plane + first_column;

        for (unsigned r = 0; r < 4; r++, at += output->width) {
            __m128 v[4];

            VECTOR_UNROLL
            for (unsigned c = 0; c < 4; c++)
                v[c] = _mm_loadu_ps(tile + (r * 4 + c) * VECTOR_LANES + o);
            _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
            VECTOR_UNROLL
            for (unsigned i = 0; i < 4; i++)
                _mm_storeu_ps(output->result + at + i * output->plane,
                              finish_four(output, at + i * output->plane, v[i]));
        }
    }
}

/* Two neighbouring tiles of edge 2 and all lanes, the second behind the first. */
VECTOR_INLINE void store_two(const struct winograd_output *output, const float *tiles, size_t first_column)
{
    VECTOR_UNROLL
    for (unsigned o = 0; o < VECTOR_LANES; o += 4) {
        size_t at = o * output->plane + first_column;

        for (unsigned r = 0; r < 2; r++, at += output->width) {
            __m128 v[4];

            VECTOR_UNROLL
            for (unsigned c = 0; c < 4; c++)
                v[c] = _mm_loadu_ps(tiles + (c / 2 * 4 + r * 2 + c % 2) * VECTOR_LANES + o);
            _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
            VECTOR_UNROLL
            for (unsigned i = 0; i < 4; i++)
                _mm_storeu_ps(output->result + at + i * output->plane,
                              finish_four(output, at + i * output->plane, v[i]));
        }
    }
}

/* edge is a constant where this is inlined. */
VECTOR_INLINE void transform_tile(const struct winograd_output *output, const float *from, const unsigned edge,
                                  float *ret_tile)
{
    const unsigned size = edge + 2;
    vector_f32 half[WINOGRAD_SIZE_MAX][WINOGRAD_EDGE_MAX]; /* [column][row of the result] */

    VECTOR_UNROLL
    for (unsigned c = 0; c < size; c++) {
        vector_f32 m[WINOGRAD_SIZE_MAX];

        VECTOR_UNROLL
        for (unsigned r = 0; r < size; r++)
            m[r] = vector_load(from + (r * size + c) * output->point_step);
        output_line(edge, m, half[c]);
    }
    VECTOR_UNROLL
    for (unsigned r = 0; r < edge; r++) {
        vector_f32 m[WINOGRAD_SIZE_MAX], y[WINOGRAD_EDGE_MAX];

        VECTOR_UNROLL
        for (unsigned c = 0; c < size; c++)
            m[c] = half[c][r];
        output_line(edge, m, y);
        VECTOR_UNROLL
        for (unsigned c = 0; c < edge; c++) {
            if (output->bias != NULL)
                y[c] = y[c] + vector_load(output->bias);
            vector_store(ret_tile + (r * edge + c) * VECTOR_LANES, y[c]);
        }
    }
}

static void run_output_2(const struct winograd_output *output)
{
    bool whole = output->outputs == VECTOR_LANES && output->rows >= 2;
    float tiles[2 * 4 * VECTOR_LANES] __attribute__((aligned(64)));

    for (size_t t = 0; t < output->tiles; t++) {
        float *tile = tiles + t % 2 * 4 * VECTOR_LANES;
        bool paired = whole && (t - t % 2 + 2) * 2 <= output->columns && t - t % 2 + 2 <= output->tiles;

        transform_tile(output, output->points + t * output->tile_step, 2, tile);
        if (!paired)
            store_part(output, tile, t * 2, 2);
        else if (t % 2 == 1)
            store_two(output, tiles, (t - 1) * 2);
    }
}

static void run_output_4(const struct winograd_output *output)
{
    bool whole = output->outputs == VECTOR_LANES && output->rows >= 4;
    float tile[16 * VECTOR_LANES] __attribute__((aligned(64)));

    for (size_t t = 0; t < output->tiles; t++) {
        transform_tile(output, output->points + t * output->tile_step, 4, tile);
        if (whole && t * 4 + 4 <= output->columns)
            store_four(output, tile, t * 4);
        else
            store_part(output, tile, t * 4, 4);
    }
}

static void run_input_2(const struct winograd_input *input)
{
    run_input(input, 2);
}

static void run_input_4(const struct winograd_input *input)
{
    run_input(input, 4);
}

/* Columns [first, last) of a row of every channel, to region columns from `to` on. */
static void spread_row(const struct winograd_spread *spread, const float *row, size_t columns, float *to)
{
    size_t whole = columns / 4 * 4, groups = spread->channels / 4;

    for (size_t g = 0; g < groups; g++) {
        const float *from = row + g * 4 * spread->plane;
        float *lanes = to + g * 4;

        for (size_t c = 0; c < whole; c += 4) {
            __m128 v[4];

            VECTOR_UNROLL
            for (unsigned i = 0; i < 4; i++)
                v[i] = _mm_loadu_ps(from + i * spread->plane + c);
            _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
            VECTOR_UNROLL
            for (unsigned i = 0; i < 4; i++)
                _mm_storeu_ps(lanes + (c + i) * VECTOR_LANES, v[i]);
        }
    }
    for (size_t channel = 0; channel < spread->channels; channel++)
        for (size_t c = channel < groups * 4 ? whole : 0; c < columns; c++)
            to[c * VECTOR_LANES + channel] = row[channel * spread->plane + c];
}

static void run_spread(const struct winograd_spread *spread)
{
    ptrdiff_t height = (ptrdiff_t)spread->height, width = (ptrdiff_t)spread->width;
    ptrdiff_t begin = spread->first_column < 0 ? -spread->first_column : 0;
    ptrdiff_t end = width - spread->first_column;
    size_t line = spread->columns * VECTOR_LANES;

    end = end < (ptrdiff_t)spread->columns ? end : (ptrdiff_t)spread->columns;
    for (size_t r = 0; r < spread->rows; r++) {
        ptrdiff_t row = spread->first_row + (ptrdiff_t)r;
        float *to = spread->region + r * line;

        if (row < 0 || row >= height || begin >= end) {
            memset(to, 0, line * sizeof(*to));
            continue;
        }
        if (spread->channels < VECTOR_LANES)
            memset(to, 0, line * sizeof(*to));
        memset(to, 0, (size_t)begin * VECTOR_LANES * sizeof(*to));
        memset(to + (size_t)end * VECTOR_LANES, 0, (spread->columns - (size_t)end) * VECTOR_LANES * sizeof(*to));
        spread_row(spread, spread->source + row * width + (spread->first_column + begin), (size_t)(end - begin),
                   to + (size_t)begin * VECTOR_LANES);
    }
}

const struct winograd_table VECTOR_JOIN(winograd, VECTOR_ISA) = {
    .lanes = VECTOR_LANES,
    .spread = run_spread,
    .input = {run_input_2, run_input_4},
    .output = {run_output_2, run_output_4},
};
