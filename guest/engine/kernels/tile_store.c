/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tile whose sums are whole, from the kernels' order to the tensor's.
 *
 * Blocks of four positions by four outputs are turned in registers. Where lines have a multiple of four columns,
 * a turned block's rows are pieces of the result's lines and go straight there; other tiles are turned to a buffer
 * first.
 */
#include "tile_store.h"
#include "vector.h"

#include <string.h>

/* What is not above zero becomes +0; NaN stays, as `value <= 0 ? 0 : value` has it. */
static inline __m128 cut_below_zero(__m128 sign, __m128 value)
{
    return _mm_andnot_ps(_mm_cmple_ps(sign, _mm_setzero_ps()), value);
}

/* A tile is relu'd with its sums, but where an addend comes in between. */
static float finish_one(const struct sweep *sweep, size_t at, float value)
{
    if (sweep->addend != NULL) {
        value = value + sweep->addend[at];
        if (sweep->relu)
            value = value <= 0.0f ? 0.0f : value;
    }
    if (sweep->mask != NULL)
        value = sweep->mask[at] <= 0.0f ? 0.0f : value;
    return value;
}

/* finish_one for four places in a row. */
static inline __m128 finish_four(const struct sweep *sweep, size_t at, __m128 value)
{
    if (sweep->addend != NULL) {
        value = _mm_add_ps(value, _mm_loadu_ps(sweep->addend + at));
        if (sweep->relu)
            value = cut_below_zero(value, value);
    }
    if (sweep->mask != NULL)
        value = cut_below_zero(_mm_loadu_ps(sweep->mask + at), value);
    return value;
}

static bool is_finished_later(const struct sweep *sweep)
{
    return sweep->addend != NULL || sweep->mask != NULL;
}

/* Four positions' four outputs, as four outputs' four positions. */
static inline void turn_block(const float *sums, size_t lanes, __m128 ret_rows[4])
{
    VECTOR_UNROLL
    for (size_t i = 0; i < 4; i++)
        ret_rows[i] = _mm_loadu_ps(sums + i * lanes);
    _MM_TRANSPOSE4_PS(ret_rows[0], ret_rows[1], ret_rows[2], ret_rows[3]);
}

/* --- lines of fours ------------------------------------------------------------------------------- */

/* `count` outputs from `lane` on, 4 or 1; count and finished are constants where this is inlined. */
static inline __attribute__((always_inline)) void store_lanes(const struct tile_store *store, const float *sums,
                                                              size_t lane, size_t count, bool finished)
{
    const struct sweep *sweep = store->sweep;
    const size_t lanes = store->lanes, step = sweep->result_output;

    for (size_t l = 0; l < store->lines; l++) {
        float *to = store->to[l] + lane * step;

        for (size_t c = 0; c < store->columns; c += 4, sums += 4 * lanes) {
            __m128 rows[4];

            turn_block(sums + lane, lanes, rows);
            VECTOR_UNROLL
            for (size_t i = 0; i < count; i++) {
                float *place = to + i * step + c;

                if (finished)
                    rows[i] = finish_four(sweep, (size_t)(place - sweep->result), rows[i]);
                _mm_storeu_ps(place, rows[i]);
            }
        }
    }
}

static void store_fours(const struct tile_store *store, const float *sums)
{
    size_t lane = 0;

    if (is_finished_later(store->sweep))
        for (; lane + 4 <= store->outputs; lane += 4)
            store_lanes(store, sums, lane, 4, true);
    else
        for (; lane + 4 <= store->outputs; lane += 4)
            store_lanes(store, sums, lane, 4, false);
    for (; lane < store->outputs; lane++)
        store_lanes(store, sums, lane, 1, is_finished_later(store->sweep));
}

/* --- through a buffer --------------------------------------------------------------------------------- */

/* [positions × lanes] to [lanes × TILE_POSITIONS_MAX]. */
static void turn_tile(const struct tile_store *store, const float *sums, float *ret_turned)
{
    for (size_t lane = 0; lane < store->outputs; lane += 4)
        for (size_t p = 0; p < (size_t)store->lines * store->columns; p += 4) {
            __m128 rows[4];

            turn_block(sums + p * store->lanes + lane, store->lanes, rows);
            VECTOR_UNROLL
            for (size_t i = 0; i < 4; i++)
                _mm_storeu_ps(ret_turned + (lane + i) * TILE_POSITIONS_MAX + p, rows[i]);
        }
}

/* Neighbouring places, `columns` a constant where it is called. */
static inline void put_columns(const struct tile_store *store, const float *turned, size_t columns)
{
    for (size_t o = 0; o < store->outputs; o++) {
        const float *from = turned + o * TILE_POSITIONS_MAX;

        for (size_t l = 0; l < store->lines; l++)
            memcpy(store->to[l] + o * store->sweep->result_output, from + l * columns, columns * sizeof(*from));
    }
}

static void put_tile(const struct tile_store *store, const float *turned)
{
    switch (store->columns) {
    case 6:
        put_columns(store, turned, 6);
        break;
    case 3:
        put_columns(store, turned, 3);
        break;
    case 2:
        put_columns(store, turned, 2);
        break;
    default:
        put_columns(store, turned, store->columns);
    }
}

/* A run with addend, relu and mask, to places `step` apart. */
static void finish_run(const struct sweep *sweep, float *to, size_t step, const float *from, size_t columns)
{
    size_t at = (size_t)(to - sweep->result), c = 0;

    for (; step == 1 && c + 4 <= columns; c += 4)
        _mm_storeu_ps(to + c, finish_four(sweep, at + c, _mm_loadu_ps(from + c)));
    for (; c < columns; c++)
        to[c * step] = finish_one(sweep, at + c * step, from[c]);
}

static void put_apart(const struct tile_store *store, const float *turned)
{
    const struct sweep *sweep = store->sweep;
    const size_t step = sweep->result_column;
    const bool finished = is_finished_later(sweep);

    for (size_t o = 0; o < store->outputs; o++) {
        const float *from = turned + o * TILE_POSITIONS_MAX;

        for (size_t l = 0; l < store->lines; l++, from += store->columns) {
            float *to = store->to[l] + o * sweep->result_output;

            if (finished)
                finish_run(sweep, to, step, from, store->columns);
            else
                for (size_t c = 0; c < store->columns; c++)
                    to[c * step] = from[c];
        }
    }
}

/* A position's outputs are neighbours in the result as well: nothing is turned. */
static void put_positions(const struct tile_store *store, const float *sums)
{
    for (size_t l = 0; l < store->lines; l++)
        for (size_t c = 0; c < store->columns; c++, sums += store->lanes)
            memcpy(store->to[l] + c * store->sweep->result_column, sums, store->outputs * sizeof(*sums));
}

void tile_store(const struct tile_store *store, const float *sums)
{
    const struct sweep *sweep = store->sweep;
    const bool finished = is_finished_later(sweep);
    float turned[TILE_FLOATS];

    if (sweep->result_output == 1 && !finished) {
        put_positions(store, sums);
        return;
    }
    if (sweep->result_column == 1 && store->columns % 4 == 0) {
        store_fours(store, sums);
        return;
    }
    turn_tile(store, sums, turned);
    if (sweep->result_column == 1 && !finished)
        put_tile(store, turned);
    else
        put_apart(store, turned);
}
