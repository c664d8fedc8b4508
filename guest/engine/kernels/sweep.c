/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over a grid of positions for many outputs, cut into tiles. */
#include "sweep.h"
#include "tile_store.h"

#include <string.h>

#define STRETCH_TERMS   192u /* terms whose weights stay in the cache: 24 KiB of the widest lanes */
#define PIECE_TILES     64u  /* the most tiles that pass over a stretch, and the fewest */
#define PIECE_LEAST     8u
#define UNITS_WANTED    4u /* for each thread, as units differ in work */
#define WAITING_COLUMNS 4u
#define STRIPS_MAX      (TILE_POSITIONS_MAX + 1u)

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

struct block {
    size_t group, first, outputs; /* within the group */
    unsigned vectors;
    const float *weights;
    const float *bias; /* padded to TILE_LANES_MAX, or NULL */
};

struct stretch {
    size_t first, terms;
    bool last;
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

/*
 * Whether tiles of four columns, at least as many positions each, cut all that is left: their lines are stored without
 * a detour (tile_store.c).
 */
static bool fours_do(const struct tile_kind *kind, size_t left)
{
    const unsigned positions = kind->columns * kind->lines;

    if (left % 4 != 0 || kind->columns % 4 == 0)
        return false;
    for (kind++; kind->columns != 0; kind++)
        if (kind->columns == 4 && kind->lines * 4 >= positions)
            return true;
    return false;
}

static void cut_columns(struct plan *plan)
{
    size_t lines = plan->sweep->images * plan->sweep->lines, column = 0;

    for (const struct tile_kind *kind = plan->table->kinds; kind->columns != 0; kind++) {
        size_t left = plan->sweep->columns - column;
        size_t across = chunks_across(left, kind->columns);
        struct strip *strip = &plan->strips[plan->strip_count];

        if (across == 0 || fours_do(kind, left))
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

/* Where lines are read and, once their sums are whole, written; they go on into the next image. */
static void place_lines(const struct sweep *sweep, const struct block *block, size_t line, size_t column, size_t count,
                        const float **ret_from, float **ret_to)
{
    size_t image = line / sweep->lines, within = line % sweep->lines;
    size_t first = block->group * sweep->outputs + block->first;
    size_t from = block->group * sweep->source_group + image * sweep->source_image + within * sweep->source_line;
    size_t to = first * sweep->result_output + image * sweep->result_image + within * sweep->result_line;

    from += column;
    to += column * sweep->result_column;
    for (size_t l = 0; l < count; l++) {
        ret_from[l] = sweep->source + from;
        ret_to[l] = sweep->result + to;
        from += sweep->source_line;
        to += sweep->result_line;
        if (++within == sweep->lines) {
            within = 0;
            from += sweep->source_image - sweep->lines * sweep->source_line;
            to += sweep->result_image - sweep->lines * sweep->result_line;
        }
    }
}

/* A tile of which `lines` are wanted, 1 or more; its others read the last of those once more, and are not stored. */
static void run_one(const struct plan *plan, const struct block *block, const struct stretch *stretch,
                    const struct tile_kind *kind, struct place place, size_t lines, float *sums)
{
    const struct sweep *sweep = plan->sweep;
    size_t lanes = (size_t)block->vectors * plan->table->lanes;
    struct tile tile; /* filled in one by one, as their arrays are long for a short tile */
    struct tile_store store;

    tile.offsets = sweep->offsets + stretch->first;
    tile.weights = block->weights + stretch->first * lanes;
    tile.terms = stretch->terms;
    tile.resumed = stretch->first != 0;
    tile.sums = sums;
    tile.bias = stretch->last ? block->bias : NULL; /* while the sums are in registers */
    tile.relu = stretch->last && sweep->relu && sweep->addend == NULL;
    store.sweep = sweep;
    store.lanes = lanes;
    store.outputs = block->outputs;
    store.columns = kind->columns;
    store.lines = (unsigned)lines;
    place_lines(sweep, block, place.line, place.column, lines, tile.lines, store.to);
    for (size_t l = lines; l < kind->lines; l++)
        tile.lines[l] = tile.lines[lines - 1];
    kind->run[block->vectors - 1](&tile);
    if (stretch->last)
        tile_store(&store, sums);
}

/*
 * Whether `left` lines, too few for a tile of this kind, are done sooner as one anyway: a single line of few columns
 * leaves the multipliers waiting for its sums, and so costs as much as one of WAITING_COLUMNS.
 */
static bool fills_tile(const struct tile_kind *kind, size_t left)
{
    unsigned columns = kind->columns > WAITING_COLUMNS ? kind->columns : WAITING_COLUMNS;

    return left * columns > (size_t)kind->lines * kind->columns;
}

/* One tile, or where the images end as many of one line as are left. */
static void run_place(const struct plan *plan, const struct block *block, const struct stretch *stretch,
                      struct place place, float *sums)
{
    const struct tile_kind *kind = place.strip->kind, *single = place.strip->single;
    size_t left = plan->sweep->images * plan->sweep->lines - place.line;

    if (left >= kind->lines || fills_tile(kind, left)) {
        run_one(plan, block, stretch, kind, place, left < kind->lines ? left : kind->lines, sums);
        return;
    }
    for (; left > 0; left--, place.line++, sums += (size_t)single->columns * TILE_LANES_MAX)
        run_one(plan, block, stretch, single, place, 1, sums);
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
