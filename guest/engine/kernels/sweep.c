/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over a grid of positions for many outputs, cut into tiles. */
#include "sweep.h"

#include <emmintrin.h>
#include <string.h>

#define STRETCH_TERMS 192u /* terms whose weights stay in the cache: 24 KiB of the widest lanes */
#define PIECE_TILES   64u  /* the most tiles that pass over a stretch, and the fewest */
#define PIECE_LEAST   8u
#define UNITS_WANTED  4u /* for each thread, as units differ in work */
#define TILE_FLOATS   ((size_t)TILE_POSITIONS_MAX * TILE_LANES_MAX)
#define STRIPS_MAX    (TILE_POSITIONS_MAX + 1u)

/* Neighbouring columns that are cut alike: `across` chunks of the kind's columns. */
struct strip {
    const struct tile_kind *kind, *single; /* single: of one line, for the lines left over */
    size_t first_column, across;
    size_t line_groups; /* of kind->lines lines of all images */
};

struct plan {
    const struct sweep *sweep;
    const struct product_table *table;
    float *scratch;
    struct strip strips[STRIPS_MAX];
    size_t strip_count;
    size_t tiles, piece_tiles, pieces, blocks; /* of one group */
};

struct place {
    const struct strip *strip;
    size_t column, line; /* the line counts through all images */
};

size_t sweep_packed_size(unsigned lanes, size_t outputs, size_t terms)
{
    return (outputs + lanes - 1) / lanes * lanes * terms;
}

size_t sweep_scratch_size(void)
{
    return (PIECE_TILES + 1) * TILE_FLOATS; /* turning a tile reads whole groups of four positions */
}

/* Blocks are of two vectors, and of one at the end where that is enough. */
static unsigned block_vectors(unsigned lanes, size_t outputs, size_t block)
{
    return outputs - block * 2 * lanes > lanes ? 2 : 1;
}

struct sweep_slot sweep_slot_of(unsigned lanes, size_t outputs, size_t terms, size_t output)
{
    size_t block = output / (2 * lanes);

    return (struct sweep_slot){
        .first = block * 2 * lanes * terms + output % (2 * lanes),
        .step = (size_t)block_vectors(lanes, outputs, block) * lanes,
    };
}

/* How many chunks of `columns`; a single column left over is slow, so then one chunk fewer. */
static size_t chunks_across(size_t left, size_t columns)
{
    size_t across = left / columns;

    return across > 0 && columns >= 4 && left % columns == 1 ? across - 1 : across;
}

static void cut_columns(struct plan *plan)
{
    size_t lines = plan->sweep->images * plan->sweep->lines, column = 0;

    for (const struct tile_kind *kind = plan->table->kinds; kind->columns != 0; kind++) {
        size_t left = plan->sweep->columns - column;
        size_t across = chunks_across(left, kind->columns);
        struct strip *strip = &plan->strips[plan->strip_count];

        if (across == 0)
            continue;
        *strip = (struct strip){
            .kind = kind,
            .single = kind,
            .first_column = column,
            .across = across,
            .line_groups = (lines + kind->lines - 1) / kind->lines,
        };
        while (strip->single->lines != 1)
            strip->single++;
        column += strip->across * kind->columns;
        plan->tiles += strip->across * strip->line_groups;
        plan->strip_count++;
    }
}

static struct place locate(const struct plan *plan, size_t tile)
{
    const struct strip *strip = plan->strips;

    while (tile >= strip->across * strip->line_groups) {
        tile -= strip->across * strip->line_groups;
        strip++;
    }
    return (struct place){
        .strip = strip,
        .line = tile / strip->across * strip->kind->lines,
        .column = strip->first_column + tile % strip->across * strip->kind->columns,
    };
}

/* What is not above zero becomes +0; NaN stays, as `value <= 0 ? 0 : value` has it. */
static inline __m128 cut_below_zero(__m128 sign, __m128 value)
{
    return _mm_andnot_ps(_mm_cmple_ps(sign, _mm_setzero_ps()), value);
}

/* [positions × lanes] to [lanes × TILE_POSITIONS_MAX], with the bias of each lane, and relu'd where asked. */
static void turn_tile(const float *sums, size_t positions, size_t lanes, size_t outputs, const float *bias, bool relu,
                      float *ret_turned)
{
    for (size_t lane = 0; lane < outputs; lane += 4) {
        for (size_t p = 0; p < positions; p += 4) {
            __m128 v[4];

            for (size_t i = 0; i < 4; i++) {
                v[i] = _mm_loadu_ps(sums + (p + i) * lanes + lane);
                if (bias != NULL)
                    v[i] = _mm_add_ps(v[i], _mm_loadu_ps(bias + lane));
                if (relu)
                    v[i] = cut_below_zero(v[i], v[i]);
            }
            _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
            for (size_t i = 0; i < 4; i++)
                _mm_storeu_ps(ret_turned + (lane + i) * TILE_POSITIONS_MAX + p, v[i]);
        }
    }
}

static float finish_one(const struct sweep *sweep, size_t at, float value)
{
    if (sweep->addend != NULL)
        value = value + sweep->addend[at];
    if (sweep->relu)
        value = value <= 0.0f ? 0.0f : value;
    if (sweep->mask != NULL)
        value = sweep->mask[at] <= 0.0f ? 0.0f : value;
    return value;
}

/* finish_one for four places in a row. */
static __m128 finish_four(const struct sweep *sweep, size_t at, __m128 value)
{
    if (sweep->addend != NULL)
        value = _mm_add_ps(value, _mm_loadu_ps(sweep->addend + at));
    if (sweep->relu)
        value = cut_below_zero(value, value);
    if (sweep->mask != NULL)
        value = cut_below_zero(_mm_loadu_ps(sweep->mask + at), value);
    return value;
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

struct block {
    size_t group, first, outputs; /* within the group */
    unsigned vectors;
    const float *weights;
    const float *bias; /* padded to TILE_LANES_MAX, or NULL */
};

/* A turned tile to neighbouring places, `columns` a constant where it is called. */
static inline void put_columns(float *const *to, const float *turned, const struct block *block, size_t output_step,
                               size_t lines, size_t columns)
{
    for (size_t o = 0; o < block->outputs; o++) {
        const float *from = turned + o * TILE_POSITIONS_MAX;

        for (size_t l = 0; l < lines; l++)
            memcpy(to[l] + o * output_step, from + l * columns, columns * sizeof(*from));
    }
}

static void put_tile(float *const *to, const float *turned, const struct block *block, size_t output_step,
                     const struct tile_kind *kind)
{
    switch (kind->columns) {
    case 12:
        put_columns(to, turned, block, output_step, 1, 12);
        break;
    case 6:
        put_columns(to, turned, block, output_step, kind->lines, 6);
        break;
    case 4:
        put_columns(to, turned, block, output_step, kind->lines, 4);
        break;
    case 3:
        put_columns(to, turned, block, output_step, kind->lines, 3);
        break;
    case 2:
        put_columns(to, turned, block, output_step, kind->lines, 2);
        break;
    default:
        put_columns(to, turned, block, output_step, kind->lines, kind->columns);
    }
}

/* Where `count` lines from `line` on begin, counted through all images. */
static void find_lines(const struct sweep *sweep, size_t line, size_t count, size_t image_step, size_t line_step,
                       size_t *ret_offsets)
{
    size_t within = line % sweep->lines;
    size_t offset = line / sweep->lines * image_step + within * line_step;

    for (size_t l = 0; l < count; l++) {
        ret_offsets[l] = offset;
        offset += line_step;
        if (++within == sweep->lines) {
            within = 0;
            offset += image_step - sweep->lines * line_step;
        }
    }
}

static void store_tile(const struct plan *plan, const struct block *block, const struct tile_kind *kind, size_t line,
                       size_t column, const float *sums)
{
    const struct sweep *sweep = plan->sweep;
    size_t lanes = (size_t)block->vectors * plan->table->lanes;
    float turned[TILE_FLOATS];
    size_t starts[TILE_POSITIONS_MAX];
    float *to[TILE_POSITIONS_MAX];
    size_t first =
        sweep->result_column * column + (block->group * sweep->outputs + block->first) * sweep->result_output;
    bool relu_first = sweep->relu && sweep->addend == NULL; /* before the tile is turned, where it costs least */
    bool finished = sweep->addend != NULL || sweep->mask != NULL;

    find_lines(sweep, line, kind->lines, sweep->result_image, sweep->result_line, starts);
    for (size_t l = 0; l < kind->lines; l++)
        to[l] = sweep->result + first + starts[l];
    if (sweep->result_output == 1 && sweep->bias == NULL && !sweep->relu && !finished) { /* already in order */
        for (size_t p = 0; p < (size_t)kind->lines * kind->columns; p++)
            memcpy(to[p / kind->columns] + p % kind->columns * sweep->result_column, sums + p * lanes,
                   block->outputs * sizeof(*sums));
        return;
    }
    turn_tile(sums, (size_t)kind->lines * kind->columns, lanes, block->outputs, block->bias, relu_first, turned);
    if (sweep->result_column == 1 && !finished) {
        put_tile(to, turned, block, sweep->result_output, kind);
        return;
    }
    for (size_t o = 0; o < block->outputs; o++) {
        const float *from = turned + o * TILE_POSITIONS_MAX;
        size_t output = o * sweep->result_output;

        for (size_t l = 0; l < kind->lines; l++, from += kind->columns) {
            if (finished)
                finish_run(sweep, to[l] + output, sweep->result_column, from, kind->columns);
            else
                for (size_t c = 0; c < kind->columns; c++)
                    to[l][output + c * sweep->result_column] = from[c];
        }
    }
}

struct stretch {
    size_t first, terms;
    bool last;
};

static void run_one(const struct plan *plan, const struct block *block, const struct stretch *stretch,
                    const struct tile_kind *kind, size_t line, size_t column, float *sums)
{
    const struct sweep *sweep = plan->sweep;
    size_t lanes = (size_t)block->vectors * plan->table->lanes;
    size_t starts[TILE_POSITIONS_MAX];
    struct tile tile = {
        .offsets = sweep->offsets + stretch->first,
        .weights = block->weights + stretch->first * lanes,
        .terms = stretch->terms,
        .resumed = stretch->first != 0,
        .sums = sums,
    };

    find_lines(sweep, line, kind->lines, sweep->source_image, sweep->source_line, starts);
    for (size_t l = 0; l < kind->lines; l++)
        tile.lines[l] = sweep->source + block->group * sweep->source_group + column + starts[l];
    kind->run[block->vectors - 1](&tile);
    if (stretch->last)
        store_tile(plan, block, kind, line, column, sums);
}

/* One tile, or as many of one line as there are lines left. */
static void run_place(const struct plan *plan, const struct block *block, const struct stretch *stretch,
                      struct place place, float *sums)
{
    size_t left = plan->sweep->images * plan->sweep->lines - place.line;
    const struct tile_kind *single = place.strip->single;

    if (left >= place.strip->kind->lines) {
        run_one(plan, block, stretch, place.strip->kind, place.line, place.column, sums);
        return;
    }
    for (size_t l = 0; l < left; l++, sums += (size_t)single->columns * TILE_LANES_MAX)
        run_one(plan, block, stretch, single, place.line + l, place.column, sums);
}

/* A block of lanes over a piece of the grid. */
static void run_unit(const struct plan *plan, const struct block *block, size_t piece, float *scratch)
{
    size_t first = piece * plan->piece_tiles, last = first + plan->piece_tiles;
    size_t terms = plan->sweep->terms;
    bool whole = terms <= STRETCH_TERMS;
    struct stretch stretch = {0};

    if (last > plan->tiles)
        last = plan->tiles;
    do {
        stretch.terms = terms - stretch.first;
        stretch.last = stretch.terms <= STRETCH_TERMS;
        if (!stretch.last)
            stretch.terms = STRETCH_TERMS;
        for (size_t tile = first; tile < last; tile++)
            run_place(plan, block, &stretch, locate(plan, tile),
                      whole ? scratch : scratch + (tile - first) * TILE_FLOATS);
        stretch.first += stretch.terms;
    } while (!stretch.last);
}

/* Units are counted by group, then piece, then block. */
static void run_units(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct plan *plan = argument;
    const struct sweep *sweep = plan->sweep;
    unsigned lanes = plan->table->lanes;
    float bias[TILE_LANES_MAX] = {0};

    for (size_t unit = first; unit < last; unit++) {
        size_t index = unit % plan->blocks, piece = unit / plan->blocks % plan->pieces;
        struct block block = {
            .group = unit / plan->blocks / plan->pieces,
            .first = index * 2 * lanes,
            .vectors = block_vectors(lanes, sweep->outputs, index),
        };

        block.outputs = sweep->outputs - block.first;
        if (block.outputs > (size_t)block.vectors * lanes)
            block.outputs = (size_t)block.vectors * lanes;
        block.weights = sweep->packed + block.group * sweep_packed_size(lanes, sweep->outputs, sweep->terms) +
                        block.first * sweep->terms;
        if (sweep->bias != NULL) {
            memcpy(bias, sweep->bias + block.group * sweep->outputs + block.first, block.outputs * sizeof(*bias));
            block.bias = bias;
        }
        run_unit(plan, &block, piece, plan->scratch + worker * sweep_scratch_size());
    }
}

/* Large enough to use a stretch's weights often, small enough to give every thread some units. */
static size_t choose_piece(const struct plan *plan, unsigned threads)
{
    size_t piece = plan->tiles * plan->blocks * plan->sweep->groups / ((size_t)threads * UNITS_WANTED);

    if (piece < PIECE_LEAST)
        return PIECE_LEAST;
    return piece < PIECE_TILES ? piece : PIECE_TILES;
}

void sweep_run(struct kernels *kernels, const struct sweep *sweep, float *scratch)
{
    struct plan plan = {.sweep = sweep, .table = kernels->product, .scratch = scratch};
    double products = (double)(sweep->images * sweep->lines * sweep->columns) *
                      (double)(sweep->terms * sweep->outputs * sweep->groups);

    cut_columns(&plan);
    plan.blocks = (sweep->outputs + 2 * plan.table->lanes - 1) / (2 * plan.table->lanes);
    plan.piece_tiles = choose_piece(&plan, pool_threads(kernels->pool));
    plan.pieces = (plan.tiles + plan.piece_tiles - 1) / plan.piece_tiles;
    kernels_share(kernels, products, sweep->groups * plan.pieces * plan.blocks, run_units, &plan);
}
