/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 3×3 convolutions of stride 1 by Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for
 * Convolutional Neural Networks", 2016; Toom and Cook's construction from interpolation points).
 *
 * Theory of operation. The result is cut into tiles of edge × edge, edge 2 or 4, from row and column 0 on.
 * A tile needs (edge + 2)² source elements; outside the source they are +0. For each tile, with d the
 * source elements of a channel and g its 3×3 kernel,
 *     V = Bᵀ·d·B,    U = G·g·Gᵀ,    M = 0 plus U ∘ V over the channels, ascending,    Y = Aᵀ·M·A.
 * U is worked out in double when weights are packed and rounded to float once. V and Y are float, each
 * operation rounded on its own in both arithmetic classes, in the order of winograd_loops.c; the terms of
 * M are those of the arithmetic class. Then the result is finished as kernels.h says. The points are 0, ±1
 * and infinity for edge 2, and 0, ±5/8, ±3/2 and infinity for edge 4, whose constants are exact and whose
 * error is half of the usual ±1, ±2's. The gradient is a correlation with the kernel turned by 180 degrees,
 * of input and output channels exchanged.
 *
 * The sums M over the channels are small matrix products, one for each of the (edge + 2)² points, whose lanes
 * are outputs. A chunk of tiles goes through the three steps together, so that V and M stay in the cache.
 */
#include "winograd.h"

#include "sweep.h"

#include <errno.h>
#include <string.h>

#define CHUNK_FLOATS  ((size_t)320 << 10) /* of V and M together: a share of L2 */
#define CHUNK_LEAST   ((size_t)48)        /* tiles, so that weights are used often enough */
#define CHUNK_HEAVY   ((size_t)128)       /* the same where the weights don't fit L2 */
#define HEAVY_FLOATS  ((size_t)512 << 10)
#define STRETCH_TERMS 192u /* terms whose weights stay in L1 */
#define SPREAD_FLOATS 16u  /* points lie a cache line apart from a power of two */

static size_t tiles_of(size_t size, size_t edge)
{
    return (size + edge - 1) / edge;
}

/* --- the plan of a run ------------------------------------------------------------------------- */

struct plan {
    const struct winograd_pass *pass;
    const struct winograd_table *table;
    const struct points_kind *kinds;
    const float *source, *packed;
    struct kernel_finish finish;
    float *result;
    unsigned lanes, size, points;
    size_t across, down;     /* tiles of an image */
    size_t channels, groups; /* in channels, rounded up to vectors; vectors */
    size_t outputs, blocks;  /* outputs, rounded up to vectors; blocks of two vectors of them */
    size_t chunk_images;     /* whole images; with 1 perhaps only */
    size_t chunk_rows;       /* some rows of tiles */
    size_t chunk_tiles;      /* rounded up to the products' positions */
    size_t image_chunks;     /* chunks of one image */
    size_t chunks;
    size_t v_point, m_point; /* floats of a point */
    size_t region;           /* floats of one worker's region */
    bool by_chunk;           /* threads take whole chunks; else they share the steps of one */
    float *chunk_memory;     /* V and M, of each worker where by_chunk */
    float *regions;          /* of each worker */
};

/* What is under way: images and rows of tiles. */
struct chunk {
    const struct plan *plan;
    size_t first_image, images, first_row, rows;
    size_t tiles; /* rounded up */
    float *v, *m;
    float *regions; /* of all workers */
};

static size_t round_up(size_t count, size_t unit)
{
    return (count + unit - 1) / unit * unit;
}

static size_t positions_unit(const struct points_kind *kinds)
{
    size_t unit = 1;

    for (; kinds->positions != 0; kinds++)
        unit = kinds->positions;
    return unit;
}

/* Tiles that should go through together. */
static size_t wanted_tiles(const struct plan *plan)
{
    size_t wanted = CHUNK_FLOATS / (plan->points * (plan->channels + plan->outputs));
    size_t least = plan->points * plan->channels * plan->outputs > HEAVY_FLOATS ? CHUNK_HEAVY : CHUNK_LEAST;

    return wanted > least ? wanted : least;
}

/* False where sizes overflow. */
static bool make_plan(const struct kernels *kernels, const struct winograd_pass *pass, struct plan *ret_plan)
{
    unsigned lanes = kernels->product->lanes, threads = pool_threads(kernels->pool);
    struct plan plan = {
        .pass = pass,
        .table = kernels->winograd,
        .kinds = kernels->product->points,
        .lanes = lanes,
        .size = pass->edge + 2,
        .points = (pass->edge + 2) * (pass->edge + 2),
        .across = tiles_of(pass->out_width, pass->edge),
        .down = tiles_of(pass->out_height, pass->edge),
        .channels = round_up(pass->in, lanes),
        .outputs = round_up(pass->out, lanes),
        .blocks = tiles_of(pass->out, 2 * lanes),
        .chunk_images = 1,
    };
    size_t wanted = wanted_tiles(&plan), v, m;

    plan.groups = plan.channels / lanes;
    plan.chunk_rows = plan.down;
    if (plan.down * plan.across > wanted)
        plan.chunk_rows = wanted / plan.across == 0 ? 1 : wanted / plan.across;
    else
        plan.chunk_images = wanted / (plan.down * plan.across);
    if (plan.chunk_images > pass->batch)
        plan.chunk_images = pass->batch;
    plan.image_chunks = tiles_of(plan.down, plan.chunk_rows);
    plan.chunks = tiles_of(pass->batch, plan.chunk_images) * plan.image_chunks;
    plan.chunk_tiles = round_up(plan.chunk_images * plan.chunk_rows * plan.across, positions_unit(plan.kinds));
    plan.by_chunk = plan.chunks >= 2 * (size_t)threads || threads == 1;
    if (__builtin_mul_overflow(plan.chunk_tiles, plan.channels, &v) ||
        __builtin_mul_overflow(plan.chunk_tiles, plan.outputs, &m) || v > SIZE_MAX / 1024 || m > SIZE_MAX / 1024)
        return false;
    plan.v_point = kernels_round_floats(v) + SPREAD_FLOATS;
    plan.m_point = kernels_round_floats(m) + SPREAD_FLOATS;
    if (__builtin_mul_overflow((plan.chunk_rows * pass->edge + 2) * lanes, plan.across * pass->edge + 2,
                               &plan.region) ||
        plan.region > SIZE_MAX / 1024)
        return false;
    plan.region = kernels_round_floats(plan.region);
    *ret_plan = plan;
    return true;
}

/* Floats of V and M of one chunk. */
static size_t chunk_floats(const struct plan *plan)
{
    return plan->points * (plan->v_point + plan->m_point);
}

static bool plan_memory(const struct plan *plan, unsigned threads, size_t *ret_floats)
{
    size_t chunks, regions;

    return !__builtin_mul_overflow(chunk_floats(plan), plan->by_chunk ? threads : 1, &chunks) &&
           !__builtin_mul_overflow(plan->region, threads, &regions) &&
           !__builtin_add_overflow(chunks, regions, ret_floats);
}

size_t winograd_scratch(const struct kernels *kernels, const struct winograd_pass *pass)
{
    struct plan plan;
    size_t floats;

    if (pass->batch == 0)
        return 0;
    if (!make_plan(kernels, pass, &plan) || !plan_memory(&plan, pool_threads(kernels->pool), &floats))
        return SIZE_MAX;
    return floats;
}

/* --- the three steps ---------------------------------------------------------------------------- */

/* The input's transform; images of the chunk, then vectors of channels, counted through. */
static void run_inputs(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct chunk *chunk = argument;
    const struct plan *plan = chunk->plan;
    const struct winograd_pass *pass = plan->pass;
    size_t plane = pass->in_height * pass->in_width;
    float *region = chunk->regions + worker * plan->region;

    for (size_t unit = first; unit < last; unit++) {
        size_t image = unit / plan->groups, channel = unit % plan->groups * plan->lanes;
        struct winograd_spread spread = {
            .source = plan->source + ((chunk->first_image + image) * pass->in + channel) * plane,
            .plane = plane,
            .width = pass->in_width,
            .height = pass->in_height,
            .channels = pass->in - channel < plan->lanes ? pass->in - channel : plan->lanes,
            .first_row = pass->first_row + (ptrdiff_t)(chunk->first_row * pass->edge),
            .first_column = pass->first_column,
            .rows = chunk->rows * pass->edge + 2,
            .columns = plan->across * pass->edge + 2,
            .region = region,
        };
        struct winograd_input input = {
            .region = region,
            .pitch = spread.columns,
            .tiles = plan->across,
            .points = chunk->v + image * chunk->rows * plan->across * plan->channels + channel,
            .point_step = plan->v_point,
            .tile_step = plan->channels,
        };

        plan->table->spread(&spread);
        for (size_t row = 0; row < chunk->rows; row++) {
            plan->table->input[pass->edge / 4](&input);
            input.region += pass->edge * spread.columns * plan->lanes;
            input.points += plan->across * plan->channels;
        }
    }
}

/* Tiles that only fill up the last positions. */
static void clear_rest(const struct chunk *chunk)
{
    const struct plan *plan = chunk->plan;
    size_t tiles = chunk->images * chunk->rows * plan->across;

    if (tiles < chunk->tiles)
        for (unsigned p = 0; p < plan->points; p++)
            memset(chunk->v + p * plan->v_point + tiles * plan->channels, 0,
                   (chunk->tiles - tiles) * plan->channels * sizeof(float));
}

/* Outputs [first, first + vectors · lanes). */
struct block {
    size_t first;
    unsigned vectors;
};

static struct block block_of(const struct plan *plan, size_t index)
{
    struct block block = {.first = index * 2 * plan->lanes, .vectors = 2};

    if (plan->outputs - block.first == plan->lanes)
        block.vectors = 1;
    return block;
}

/* The matrix products; points, then blocks of outputs, counted through. */
static void run_products(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct chunk *chunk = argument;
    const struct plan *plan = chunk->plan;
    size_t terms = plan->pass->in;

    (void)worker;
    for (size_t unit = first; unit < last; unit++) {
        size_t point = unit / plan->blocks;
        struct block block = block_of(plan, unit % plan->blocks);
        size_t width = (size_t)block.vectors * plan->lanes;
        const float *weights = plan->packed + point * plan->outputs * terms + block.first * terms;
        const float *v = chunk->v + point * plan->v_point;
        float *m = chunk->m + point * plan->m_point + block.first * plan->chunk_tiles;

        for (size_t term = 0; term < terms; term += STRETCH_TERMS) {
            const struct points_kind *kind = plan->kinds;
            struct points points = {.step = plan->channels, .resumed = term != 0};

            points.weights = weights + term * width;
            points.terms = terms - term < STRETCH_TERMS ? terms - term : STRETCH_TERMS;
            for (size_t tile = 0; tile < chunk->tiles; tile += kind->positions) {
                while (chunk->tiles - tile < kind->positions)
                    kind++;
                points.source = v + tile * plan->channels + term;
                points.sums = m + tile * width;
                kind->run[block.vectors - 1](&points);
            }
        }
    }
}

static void set_finish(const struct kernel_finish *finish, size_t at, struct winograd_output *output)
{
    output->addend = finish->addend == NULL ? NULL : finish->addend + at;
    output->mask = finish->mask == NULL ? NULL : finish->mask + at;
    output->relu = finish->relu;
}

/* The output's transform; blocks of outputs, then rows of tiles of all images, counted through. */
static void run_outputs(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct chunk *chunk = argument;
    const struct plan *plan = chunk->plan;
    const struct winograd_pass *pass = plan->pass;
    size_t rows = chunk->images * chunk->rows, plane = pass->out_height * pass->out_width;
    float bias[TILE_LANES_MAX] = {0};

    (void)worker;
    for (size_t unit = first; unit < last; unit++) {
        size_t index = unit / rows, row = unit % rows, image = chunk->first_image + row / chunk->rows;
        size_t line = (chunk->first_row + row % chunk->rows) * pass->edge;
        struct block block = block_of(plan, index);
        size_t width = (size_t)block.vectors * plan->lanes;

        for (unsigned vector = 0; vector < block.vectors; vector++) {
            size_t channel = block.first + vector * plan->lanes;
            size_t at = (image * pass->out + channel) * plane + line * pass->out_width;
            struct winograd_output output = {
                .points = chunk->m + block.first * plan->chunk_tiles + row * plan->across * width +
                          (size_t)vector * plan->lanes,
                .point_step = plan->m_point,
                .tile_step = width,
                .tiles = plan->across,
                .result = plan->result + at,
                .outputs = pass->out - channel < plan->lanes ? pass->out - channel : plan->lanes,
                .plane = plane,
                .width = pass->out_width,
                .rows = pass->out_height - line,
                .columns = pass->out_width,
            };

            set_finish(&plan->finish, at, &output);
            if (plan->finish.bias != NULL) {
                memcpy(bias, plan->finish.bias + channel, output.outputs * sizeof(*bias));
                output.bias = bias;
            }
            plan->table->output[pass->edge / 4](&output);
        }
    }
}

/* Chunk `index` in the memory of a worker (by_chunk) or of all. */
static struct chunk open_chunk(const struct plan *plan, size_t index, unsigned memory)
{
    size_t part = index % plan->image_chunks;
    struct chunk chunk = {
        .plan = plan,
        .first_image = index / plan->image_chunks * plan->chunk_images,
        .images = plan->chunk_images,
        .first_row = part * plan->chunk_rows,
        .rows = plan->chunk_rows,
        .v = plan->chunk_memory + memory * chunk_floats(plan),
        .regions = plan->regions,
    };

    if (plan->pass->batch - chunk.first_image < chunk.images)
        chunk.images = plan->pass->batch - chunk.first_image;
    if (plan->down - chunk.first_row < chunk.rows)
        chunk.rows = plan->down - chunk.first_row;
    chunk.tiles = round_up(chunk.images * chunk.rows * plan->across, positions_unit(plan->kinds));
    chunk.m = chunk.v + plan->points * plan->v_point;
    return chunk;
}

static void run_chunks(void *argument, unsigned worker, size_t first, size_t last)
{
    const struct plan *plan = argument;

    for (size_t index = first; index < last; index++) {
        struct chunk chunk = open_chunk(plan, index, worker);

        run_inputs(&chunk, worker, 0, chunk.images * plan->groups);
        clear_rest(&chunk);
        run_products(&chunk, worker, 0, plan->points * plan->blocks);
        run_outputs(&chunk, worker, 0, plan->blocks * chunk.images * chunk.rows);
    }
}

int winograd_run(struct kernels *kernels, const struct winograd_pass *pass, const float *source, const float *packed,
                 const struct kernel_finish *finish, float *ret_result)
{
    unsigned threads = pool_threads(kernels->pool);
    struct plan plan;
    size_t floats;

    if (!make_plan(kernels, pass, &plan) || !plan_memory(&plan, threads, &floats))
        return -ENOMEM;
    plan.regions = kernels_scratch(kernels, floats);
    if (plan.regions == NULL)
        return -ENOMEM;
    plan.chunk_memory = plan.regions + threads * plan.region;
    plan.source = source;
    plan.packed = packed;
    plan.result = ret_result;
    if (finish != NULL)
        plan.finish = *finish;
    if (plan.by_chunk) {
        pool_run(kernels->pool, plan.chunks, run_chunks, &plan);
        return 0;
    }
    for (size_t index = 0; index < plan.chunks; index++) {
        struct chunk chunk = open_chunk(&plan, index, 0);

        pool_run(kernels->pool, chunk.images * plan.groups, run_inputs, &chunk);
        clear_rest(&chunk);
        pool_run(kernels->pool, plan.points * plan.blocks, run_products, &chunk);
        pool_run(kernels->pool, plan.blocks * chunk.images * chunk.rows, run_outputs, &chunk);
    }
    return 0;
}
