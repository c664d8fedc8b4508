/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of activation clustering, class by class: principal components, projection, 2-means and
 * silhouette; bench_clustering.py runs it beside scikit-learn.
 *
 * Usage: bench-clustering ACTIVATIONS LABELS FEATURES STARTS [SEED]   (f32 and u8 files)
 * Prints milliseconds, then each class's sizes and inertia.
 */
#include "guest/checks/kmeans.h"
#include "guest/checks/pca.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLES_MAX  4096u
#define FEATURES_MAX 512u
#define COMPONENTS   10u
#define CLASSES      10u

static float activations[SAMPLES_MAX * FEATURES_MAX];
static uint8_t labels[SAMPLES_MAX], clusters[SAMPLES_MAX];
static uint64_t rows[SAMPLES_MAX];
static double points[SAMPLES_MAX * COMPONENTS];

static double cpu_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static size_t read_file(const char *path, void *data, size_t size, size_t most)
{
    FILE *file = fopen(path, "rb");
    size_t count = file == NULL ? 0 : fread(data, size, most, file);

    if (file != NULL)
        (void)fclose(file);
    return count;
}

static int cluster_class(uint8_t label, size_t samples, size_t features, uint32_t starts,
                         const uint8_t seed[SHA256_SIZE], struct kmeans_result *ret_result)
{
    struct pca_rows data = {.samples = activations, .rows = rows, .features = features};
    struct kmeans_points view = {.values = points};
    struct pca *pca;
    double silhouette;
    int r;

    for (size_t i = 0; i < samples; i++)
        if (labels[i] == label)
            rows[data.count++] = i;
    r = pca_fit(&data, COMPONENTS, &pca, NULL);
    if (r < 0)
        return r;
    view.count = data.count;
    view.dims = pca_components(pca);
    for (size_t i = 0; i < data.count; i++)
        pca_project(pca, activations + rows[i] * features, points + i * view.dims);
    r = kmeans_two(&view, seed, label, starts, clusters, ret_result);
    if (r == 0)
        r = kmeans_silhouette(&view, clusters, seed, label, &silhouette);
    pca_free(pca);
    return r;
}

int main(int count, char **arguments)
{
    struct kmeans_result results[CLASSES];
    uint8_t seed[SHA256_SIZE] = {0};
    size_t features = count >= 5 ? strtoul(arguments[3], NULL, 10) : 0, samples = 0;
    uint32_t starts = count >= 5 ? (uint32_t)strtoul(arguments[4], NULL, 10) : 0;
    double start;

    if (features > 0 && features <= FEATURES_MAX && starts > 0)
        samples = read_file(arguments[2], labels, 1, SAMPLES_MAX);
    if (samples == 0 || read_file(arguments[1], activations, features * sizeof(float), samples) != samples) {
        fputs("usage: bench-clustering ACTIVATIONS LABELS FEATURES STARTS [SEED]\n", stderr);
        return 64;
    }
    seed[0] = count > 5 ? (uint8_t)strtoul(arguments[5], NULL, 10) : 0;
    start = cpu_ms();
    for (uint8_t label = 0; label < CLASSES; label++)
        if (cluster_class(label, samples, features, starts, seed, &results[label]) < 0)
            return 1;
    printf("%.4f\n", cpu_ms() - start);
    for (unsigned label = 0; label < CLASSES; label++)
        printf("%zu %zu %.17g\n", results[label].sizes[0], results[label].sizes[1], results[label].inertia);
    return 0;
}
