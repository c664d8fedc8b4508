/* SPDX-License-Identifier: Apache-2.0 */
/* The silhouette of two clusters. */
#include "guest/checks/kmeans.h"

#include "base/cleanup.h"
#include "guest/checks/random.h"

#include <errno.h>
#include <math.h>

/* The points that are looked at, ascending. */
struct subset {
    const struct kmeans_points *points;
    const uint8_t *labels;
    const size_t *indices; /* count */
    size_t count;
    size_t sizes[2];
};

static double distance(const struct kmeans_points *points, size_t i, size_t j)
{
    const double *a = points->values + i * points->dims, *b = points->values + j * points->dims;
    double sum = 0.0;

    for (size_t d = 0; d < points->dims; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sqrt(sum);
}

/* (b − a) / max(a, b): a the mean distance to the own cluster's others, b to the other cluster's
 * points. */
static double silhouette_of(const struct subset *subset, size_t i)
{
    size_t point = subset->indices[i];
    unsigned own = subset->labels[point];
    double sums[2] = {0.0, 0.0}, a, b, larger;

    if (subset->sizes[own] < 2)
        return 0.0;
    for (size_t j = 0; j < subset->count; j++)
        sums[subset->labels[subset->indices[j]]] += distance(subset->points, point, subset->indices[j]);
    a = sums[own] / (double)(subset->sizes[own] - 1);
    b = sums[!own] / (double)subset->sizes[!own];
    larger = a > b ? a : b;
    return larger > 0.0 ? (b - a) / larger : 0.0;
}

/* Selection sampling (Knuth, The Art of Computer Programming, 3.4.2, algorithm S): ascending, all
 * subsets equally likely. */
static void choose(struct random_stream *stream, size_t count, size_t wanted, size_t *ret_indices)
{
    size_t chosen = 0;

    for (size_t i = 0; i < count && chosen < wanted; i++)
        if (random_below(stream, count - i) < wanted - chosen)
            ret_indices[chosen++] = i;
}

int kmeans_silhouette(const struct kmeans_points *points, const uint8_t *labels, const uint8_t seed[SHA256_SIZE],
                      uint64_t stream, double *ret_silhouette)
{
    size_t count = points->count < SILHOUETTE_SAMPLES_MAX ? points->count : SILHOUETTE_SAMPLES_MAX;
    CLEANUP_FREE size_t *indices = calloc(count > 0 ? count : 1, sizeof *indices);
    struct subset subset = {.points = points, .labels = labels, .indices = indices, .count = count};
    struct random_stream random;
    double sum = 0.0;

    if (indices == NULL)
        return -ENOMEM;
    random_start(&random, seed, stream, UINT64_MAX);
    choose(&random, points->count, count, indices);
    for (size_t i = 0; i < count; i++)
        subset.sizes[labels[indices[i]]]++;
    if (subset.sizes[0] > 0 && subset.sizes[1] > 0)
        for (size_t i = 0; i < count; i++)
            sum += silhouette_of(&subset, i);
    *ret_silhouette = count > 0 ? sum / (double)count : 0.0;
    return 0;
}
