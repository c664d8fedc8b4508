/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded 2-means.
 *
 * Theory of operation. Distances are worked out for KMEANS_BLOCK points at once from a transposed
 * copy; every point's sum has the order that it would have alone. From the labels of one round all
 * later rounds follow, as both centres are means of labelled points. So a start that comes to labels
 * which an earlier one went on from has nothing new to find, and ends there: most of a hundred starts
 * do, after a few rounds. Labels are known by a 64-bit sum of random words, one a point; were two
 * alike, a start would be lost, the same one everywhere.
 */
#include "guest/checks/kmeans.h"

#include "base/cleanup.h"
#include "guest/checks/random.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Relative gain below which an exchange is rounding. */
#define KMEANS_EXCHANGE_MARGIN 1e-12

#define KMEANS_BLOCK 4u    /* points whose distances are worked out together */
#define SEEN_SLOTS   8192u /* a power of two */
#define SEEN_MAX     (SEEN_SLOTS / 2)

/* Labels that a start has gone on from, by their sums. */
struct seen {
    uint32_t count;
    uint64_t sums[SEEN_SLOTS]; /* 0: free */
};

struct run {
    const struct kmeans_points *points;
    size_t padded; /* count, rounded up to whole blocks */
    double tolerance;
    double *columns;      /* dims × padded: the points transposed, zeros at the end */
    double *distances[2]; /* padded each: to both centres */
    uint64_t *words;      /* count: of the labels' sum */
    uint64_t all_words;   /* their sum */
    uint64_t sum;         /* of the words of all points in the second cluster */
    uint8_t *labels;      /* count */
    struct seen *rounds, *exchanges;
    struct kmeans_result result;
};

typedef double pair __attribute__((vector_size(16), aligned(8)));

/* Squared distances from both centres, of every point from the block of `first` on. */
static void measure_from(struct run *run, size_t first)
{
    const double *near = run->result.centres[0], *far = run->result.centres[1];

    for (size_t i = first - first % KMEANS_BLOCK; i < run->padded; i += KMEANS_BLOCK) {
        const double *x = run->columns + i;
        pair a0 = {0, 0}, a1 = {0, 0}, b0 = {0, 0}, b1 = {0, 0};

        for (size_t d = 0; d < run->points->dims; d++, x += run->padded) {
            pair p0 = *(const pair *)x, p1 = *(const pair *)(x + 2);
            pair da0 = p0 - near[d], da1 = p1 - near[d], db0 = p0 - far[d], db1 = p1 - far[d];

            a0 += da0 * da0;
            a1 += da1 * da1;
            b0 += db0 * db0;
            b1 += db1 * db1;
        }
        *(pair *)(run->distances[0] + i) = a0;
        *(pair *)(run->distances[0] + i + 2) = a1;
        *(pair *)(run->distances[1] + i) = b0;
        *(pair *)(run->distances[1] + i + 2) = b1;
    }
}

static void measure_distances(struct run *run)
{
    measure_from(run, 0);
}

/* Whether the labels' sum was there before; notes it, as long as there is room. */
static bool was_seen(const struct run *run, struct seen *seen)
{
    uint64_t other = run->all_words - run->sum;               /* the same clusters, the other way round */
    uint64_t sum = (run->sum < other ? run->sum : other) | 1; /* 0 is a free slot */
    size_t slot = (size_t)(sum >> 1) & (SEEN_SLOTS - 1);

    for (; seen->sums[slot] != 0; slot = (slot + 1) & (SEEN_SLOTS - 1))
        if (seen->sums[slot] == sum)
            return true;
    if (seen->count < SEEN_MAX) {
        seen->sums[slot] = sum;
        seen->count++;
    }
    return false;
}

static const double *point_at(const struct kmeans_points *points, size_t i)
{
    return points->values + i * points->dims;
}

static double squared_distance(const double *a, const double *b, size_t dims)
{
    double sum = 0.0;

    for (size_t d = 0; d < dims; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

unsigned kmeans_nearest(const struct kmeans_result *result, const double *point, size_t dims)
{
    return squared_distance(point, result->centres[1], dims) < squared_distance(point, result->centres[0], dims);
}

double kmeans_separation(const struct kmeans_result *result, size_t dims)
{
    return sqrt(squared_distance(result->centres[0], result->centres[1], dims));
}

/* KMEANS_TOLERANCE × the mean over dimensions of the variance. */
static double tolerance_of(const struct kmeans_points *points)
{
    double total = 0.0, count = (double)points->count;

    for (size_t d = 0; d < points->dims; d++) {
        double mean = 0.0, variance = 0.0;

        for (size_t i = 0; i < points->count; i++)
            mean += point_at(points, i)[d];
        mean /= count;
        for (size_t i = 0; i < points->count; i++) {
            double difference = point_at(points, i)[d] - mean;

            variance += difference * difference;
        }
        total += variance / count;
    }
    return KMEANS_TOLERANCE * total / (double)points->dims;
}

static void set_centre(struct run *run, unsigned c, size_t point)
{
    memcpy(run->result.centres[c], point_at(run->points, point), run->points->dims * sizeof(double));
}

/* k-means++: the first centre uniformly, the second by squared distance from the first. */
static void choose_centres(struct run *run, struct random_stream *stream)
{
    const struct kmeans_points *points = run->points;
    size_t chosen = (size_t)random_below(stream, points->count);
    double total = 0.0, target;

    set_centre(run, 0, chosen);
    set_centre(run, 1, chosen);
    measure_distances(run);
    for (size_t i = 0; i < points->count; i++)
        total += run->distances[0][i];
    target = random_unit(stream) * total;
    total = 0.0;
    for (size_t i = 0; i < points->count; i++) {
        if (run->distances[0][i] > 0.0)
            chosen = i; /* rounding can't lead past the last point that may be chosen */
        total += run->distances[0][i];
        if (total > target)
            break;
    }
    set_centre(run, 1, chosen);
}

/* Another label than the point has. */
static void set_label(struct run *run, size_t i, unsigned label)
{
    if (label == 1)
        run->sum += run->words[i];
    else if (run->labels[i] == 1)
        run->sum -= run->words[i];
    run->labels[i] = (uint8_t)label;
}

/* Assigns every point, of equals to the first centre; returns how many changed their cluster. */
static size_t assign(struct run *run)
{
    const struct kmeans_points *points = run->points;
    size_t changed = 0, second = 0;

    measure_distances(run);
    for (size_t i = 0; i < points->count; i++) {
        unsigned label = run->distances[1][i] < run->distances[0][i];

        second += label;
        if (run->labels[i] == label)
            continue;
        set_label(run, i, label);
        changed++;
    }
    run->result.sizes[0] = points->count - second;
    run->result.sizes[1] = second;
    return changed;
}

/* Centres become means; an empty cluster keeps its own. Returns the squared shift of both. */
static double move_centres(struct run *run)
{
    const struct kmeans_points *points = run->points;
    double shift = 0.0, sums[2][PLAN_COMPONENTS_MAX] = {{0.0}};

    for (size_t i = 0; i < points->count; i++)
        for (size_t d = 0; d < points->dims; d++)
            sums[run->labels[i]][d] += point_at(points, i)[d];
    for (unsigned c = 0; c < 2; c++) {
        if (run->result.sizes[c] == 0)
            continue;
        for (size_t d = 0; d < points->dims; d++)
            sums[c][d] /= (double)run->result.sizes[c];
        shift += squared_distance(sums[c], run->result.centres[c], points->dims);
        memcpy(run->result.centres[c], sums[c], points->dims * sizeof(double));
    }
    return shift;
}

/* Returns whether there may be something new to find. */
static bool run_lloyd(struct run *run)
{
    const struct kmeans_points *points = run->points;

    memset(run->labels, UINT8_MAX, points->count); /* no cluster: the first assignment changes all */
    run->sum = 0;
    for (unsigned iteration = 0; iteration < KMEANS_ITERATIONS_MAX; iteration++) {
        if (assign(run) == 0)
            break;
        if (move_centres(run) <= run->tolerance) {
            (void)assign(run);
            break;
        }
        if (was_seen(run, run->rounds))
            return false;
    }
    (void)move_centres(run);
    return !was_seen(run, run->exchanges);
}

/* Moves one point to the other cluster and both centres with it. */
static void exchange(struct run *run, size_t i)
{
    const double *point = point_at(run->points, i);
    unsigned from = run->labels[i], to = !from;
    double *left = run->result.centres[from], *entered = run->result.centres[to];
    double left_size = (double)--run->result.sizes[from], entered_size = (double)++run->result.sizes[to];

    for (size_t d = 0; d < run->points->dims; d++) {
        left[d] -= (point[d] - left[d]) / left_size;
        entered[d] += (point[d] - entered[d]) / entered_size;
    }
    set_label(run, i, to);
    measure_from(run, i); /* those before have had their turn */
}

/* Whether the sum of squared distances falls when point i, alone, changes its cluster. */
static bool gains_by_exchange(const struct run *run, size_t i)
{
    unsigned from = run->labels[i], to = !from;
    double from_size = (double)run->result.sizes[from], to_size = (double)run->result.sizes[to];
    double loss, gain;

    if (run->result.sizes[from] < 2)
        return false;
    gain = run->distances[from][i] * from_size / (from_size - 1.0);
    loss = run->distances[to][i] * to_size / (to_size + 1.0);
    return loss < gain * (1.0 - KMEANS_EXCHANGE_MARGIN);
}

static void run_exchanges(struct run *run)
{
    const struct kmeans_points *points = run->points;

    for (unsigned iteration = 0; iteration < KMEANS_ITERATIONS_MAX; iteration++) {
        size_t moved = 0;

        measure_distances(run);
        for (size_t i = 0; i < points->count; i++) {
            if (!gains_by_exchange(run, i))
                continue;
            exchange(run, i);
            moved++;
        }
        if (moved == 0)
            break;
    }
    (void)move_centres(run); /* from the sums, without the exchanges' rounding */
    run->result.inertia = 0.0;
    measure_distances(run);
    for (size_t i = 0; i < points->count; i++)
        run->result.inertia += run->distances[run->labels[i]][i];
}

/* The larger cluster becomes 0; of equals the one that holds the first point. */
static void order_clusters(struct kmeans_result *result, uint8_t *labels, size_t count)
{
    double centre[PLAN_COMPONENTS_MAX];
    size_t size = result->sizes[0];

    if (result->sizes[0] > result->sizes[1] || (result->sizes[0] == result->sizes[1] && labels[0] == 0))
        return;
    result->sizes[0] = result->sizes[1];
    result->sizes[1] = size;
    memcpy(centre, result->centres[0], sizeof centre);
    memcpy(result->centres[0], result->centres[1], sizeof centre);
    memcpy(result->centres[1], centre, sizeof centre);
    for (size_t i = 0; i < count; i++)
        labels[i] = (uint8_t)!labels[i];
}

static void close_run(struct run *run)
{
    free(run->columns);
    free(run->distances[0]);
    free(run->words);
    free(run->labels);
    free(run->rounds);
    free(run->exchanges);
}

static int open_run(struct run *run, const struct kmeans_points *points)
{
    struct random_stream words = {.state = 0}; /* the same for all: they only tell labels apart */

    run->points = points;
    run->padded = (points->count + KMEANS_BLOCK - 1) / KMEANS_BLOCK * KMEANS_BLOCK;
    run->columns = calloc(points->dims * run->padded, sizeof *run->columns);
    run->distances[0] = calloc(2 * run->padded, sizeof *run->distances[0]);
    run->words = calloc(points->count, sizeof *run->words);
    run->labels = calloc(points->count, 1);
    run->rounds = calloc(1, sizeof *run->rounds);
    run->exchanges = calloc(1, sizeof *run->exchanges);
    if (run->columns == NULL || run->distances[0] == NULL || run->words == NULL || run->labels == NULL ||
        run->rounds == NULL || run->exchanges == NULL)
        return -ENOMEM;
    run->distances[1] = run->distances[0] + run->padded;
    for (size_t i = 0; i < points->count; i++) {
        run->words[i] = random_u64(&words);
        run->all_words += run->words[i];
        for (size_t d = 0; d < points->dims; d++)
            run->columns[d * run->padded + i] = point_at(points, i)[d];
    }
    run->tolerance = tolerance_of(points);
    return 0;
}

static void run_starts(struct run *run, const uint8_t seed[SHA256_SIZE], uint64_t stream, uint32_t starts,
                       uint8_t *ret_labels, struct kmeans_result *ret_best)
{
    struct kmeans_result best = {.inertia = INFINITY};

    for (uint32_t start = 0; start < starts; start++) {
        struct random_stream random;

        random_start(&random, seed, stream, start);
        choose_centres(run, &random);
        if (!run_lloyd(run))
            continue;
        run_exchanges(run);
        if (start > 0 && run->result.inertia >= best.inertia)
            continue;
        best = run->result;
        memcpy(ret_labels, run->labels, run->points->count);
    }
    order_clusters(&best, ret_labels, run->points->count);
    *ret_best = best;
}

int kmeans_two(const struct kmeans_points *points, const uint8_t seed[SHA256_SIZE], uint64_t stream, uint32_t starts,
               uint8_t *ret_labels, struct kmeans_result *ret_result)
{
    struct run run = {.points = NULL};
    int r = open_run(&run, points);

    if (r == 0)
        run_starts(&run, seed, stream, starts, ret_labels, ret_result);
    close_run(&run);
    return r;
}
