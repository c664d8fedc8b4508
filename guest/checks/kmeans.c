/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded 2-means. */
#include "guest/checks/kmeans.h"

#include "base/cleanup.h"
#include "guest/checks/random.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Relative gain below which an exchange is rounding. */
#define KMEANS_EXCHANGE_MARGIN 1e-12

struct run {
    const struct kmeans_points *points;
    double tolerance;
    double *distances; /* count: to the first centre while starting */
    uint8_t *labels;   /* count */
    struct kmeans_result result;
};

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
    for (size_t i = 0; i < points->count; i++) {
        run->distances[i] = squared_distance(point_at(points, i), run->result.centres[0], points->dims);
        total += run->distances[i];
    }
    target = random_unit(stream) * total;
    total = 0.0;
    for (size_t i = 0; i < points->count; i++) {
        if (run->distances[i] > 0.0)
            chosen = i; /* rounding can't lead past the last point that may be chosen */
        total += run->distances[i];
        if (total > target)
            break;
    }
    set_centre(run, 1, chosen);
}

/* Assigns every point; returns how many changed their cluster. */
static size_t assign(struct run *run)
{
    const struct kmeans_points *points = run->points;
    size_t changed = 0;

    run->result.sizes[0] = run->result.sizes[1] = 0;
    for (size_t i = 0; i < points->count; i++) {
        unsigned label = kmeans_nearest(&run->result, point_at(points, i), points->dims);

        changed += run->labels[i] != label;
        run->labels[i] = (uint8_t)label;
        run->result.sizes[label]++;
    }
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

static void run_lloyd(struct run *run)
{
    const struct kmeans_points *points = run->points;

    memset(run->labels, UINT8_MAX, points->count); /* no cluster: the first assignment changes all */
    for (unsigned iteration = 0; iteration < KMEANS_ITERATIONS_MAX; iteration++) {
        if (assign(run) == 0)
            break;
        if (move_centres(run) <= run->tolerance) {
            (void)assign(run);
            break;
        }
    }
    (void)move_centres(run);
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
    run->labels[i] = (uint8_t)to;
}

/* Whether the sum of squared distances falls when point i, alone, changes its cluster. */
static bool gains_by_exchange(const struct run *run, size_t i)
{
    const double *point = point_at(run->points, i);
    unsigned from = run->labels[i], to = !from;
    double from_size = (double)run->result.sizes[from], to_size = (double)run->result.sizes[to];
    double loss, gain;

    if (run->result.sizes[from] < 2)
        return false;
    gain = squared_distance(point, run->result.centres[from], run->points->dims) * from_size / (from_size - 1.0);
    loss = squared_distance(point, run->result.centres[to], run->points->dims) * to_size / (to_size + 1.0);
    return loss < gain * (1.0 - KMEANS_EXCHANGE_MARGIN);
}

static void run_exchanges(struct run *run)
{
    const struct kmeans_points *points = run->points;

    for (unsigned iteration = 0; iteration < KMEANS_ITERATIONS_MAX; iteration++) {
        size_t moved = 0;

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
    for (size_t i = 0; i < points->count; i++)
        run->result.inertia += squared_distance(point_at(points, i), run->result.centres[run->labels[i]], points->dims);
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

int kmeans_two(const struct kmeans_points *points, const uint8_t seed[SHA256_SIZE], uint64_t stream, uint32_t starts,
               uint8_t *ret_labels, struct kmeans_result *ret_result)
{
    CLEANUP_FREE double *distances = calloc(points->count, sizeof *distances);
    CLEANUP_FREE uint8_t *labels = calloc(points->count, 1);
    struct run run = {.points = points, .distances = distances, .labels = labels};
    struct kmeans_result best = {.inertia = INFINITY};

    if (distances == NULL || labels == NULL)
        return -ENOMEM;
    run.tolerance = tolerance_of(points);
    for (uint32_t start = 0; start < starts; start++) {
        struct random_stream random;

        random_start(&random, seed, stream, start);
        choose_centres(&run, &random);
        run_lloyd(&run);
        run_exchanges(&run);
        if (start > 0 && run.result.inertia >= best.inertia)
            continue;
        best = run.result;
        memcpy(ret_labels, labels, points->count);
    }
    order_clusters(&best, ret_labels, points->count);
    *ret_result = best;
    return 0;
}
