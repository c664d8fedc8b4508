/* SPDX-License-Identifier: Apache-2.0 */
/* Independent components of the digits models' activations against scikit-learn's. */
#include "unit/harness.h"

#include "guest/checks/fast_ica.h"
#include "guest/checks/pca.h"
#include "guest/checks/random.h"
#include "unit/guest/checks/fixture.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define COMPONENTS 10u
#define STARTS     400u
#define SOON       20u /* rounds; where it takes more, rounding decides which way it wanders */

static const uint8_t seed[SHA256_SIZE] = {4, 5, 6};

struct projected {
    uint64_t rows[FIXTURE_TRAIN];
    double points[FIXTURE_TRAIN * COMPONENTS];
    struct kmeans_points view;
    struct pca *pca;
    const float *activations;
};

static void project(struct projected *projected)
{
    projected->view = (struct kmeans_points){
        .values = projected->points, .count = projected->view.count, .dims = pca_components(projected->pca)};
    for (size_t i = 0; i < projected->view.count; i++)
        pca_project(projected->pca, projected->activations + projected->rows[i] * FIXTURE_FEATURES,
                    projected->points + i * projected->view.dims);
}

static void whiten_class(const float *activations, const uint8_t *labels, unsigned label, struct projected *projected)
{
    struct pca_rows data = {.samples = activations, .rows = projected->rows, .features = FIXTURE_FEATURES};

    for (size_t i = 0; i < FIXTURE_TRAIN; i++)
        if (labels[i] == label)
            projected->rows[data.count++] = i;
    projected->activations = activations;
    projected->view.count = data.count;
    CU_ASSERT_EQUAL_FATAL(pca_fit(&data, COMPONENTS, &projected->pca, NULL), 0);
    pca_whiten(projected->pca);
    CU_ASSERT_EQUAL(pca_components(projected->pca), COMPONENTS);
    project(projected);
}

/* The start of the fixtures (tests/fixtures/checks/ica.py). */
static void fixture_start(double rotation[COMPONENTS * COMPONENTS])
{
    for (unsigned i = 0; i < COMPONENTS; i++)
        for (unsigned j = 0; j < COMPONENTS; j++)
            rotation[i * COMPONENTS + j] =
                ((double)((i * i * 7 + j * 11 + i * j * 3) % 17) - 8.0) / 8.0 + (i == j ? 2.0 : 0.0);
}

static double largest_correlation(const struct projected *projected)
{
    double largest = 0.0;

    for (unsigned a = 0; a < COMPONENTS; a++)
        for (unsigned b = 0; b <= a; b++) {
            double sum = 0.0;

            for (size_t i = 0; i < projected->view.count; i++)
                sum += projected->points[i * COMPONENTS + a] * projected->points[i * COMPONENTS + b];
            largest = fmax(largest, fabs(sum / (double)projected->view.count - (a == b ? 1.0 : 0.0)));
        }
    return largest;
}

static void compare_sources(const char *model, unsigned label, const struct projected *projected)
{
    char name[64];
    double *sources, worst = 0.0;

    (void)snprintf(name, sizeof name, "ica-%s-%u.f64", model, label);
    sources = fixture_read(name, projected->view.count * COMPONENTS * sizeof *sources);
    for (size_t i = 0; i < projected->view.count * COMPONENTS; i++)
        worst = fmax(worst, fabs(sources[i] - projected->points[i]));
    CU_ASSERT(worst < 1e-6);
    printf("(%s %u: %.1e) ", model, label, worst);
    free(sources);
}

struct reference {
    char model[8];
    unsigned label;
    size_t sizes[2];
    double inertia;
    unsigned iterations;
};

/* No worse a pair of clusters than scikit-learn's best, whatever the start: distances don't depend on it. */
static void compare_clusters(const struct reference *reference, const struct projected *projected)
{
    static uint8_t labels[FIXTURE_TRAIN];
    struct kmeans_result result;

    CU_ASSERT_EQUAL(kmeans_two(&projected->view, seed, reference->label, STARTS, labels, &result), 0);
    CU_ASSERT(result.inertia <= reference->inertia * (1.0 + 1e-9));
    if (!(result.inertia <= reference->inertia * (1.0 + 1e-9)))
        printf("(%s %u: %.9g, not %.9g, sizes %zu %zu) ", reference->model, reference->label, result.inertia,
               reference->inertia, result.sizes[0], result.sizes[1]);
    if (result.inertia > reference->inertia * (1.0 - 1e-9))
        CU_ASSERT(result.sizes[0] == reference->sizes[0] && result.sizes[1] == reference->sizes[1]);
}

static void test_class(const struct reference *reference, const float *activations, const uint8_t *labels)
{
    static struct projected projected;
    double rotation[COMPONENTS * COMPONENTS];
    uint32_t iterations = 0;
    bool kept = reference->iterations < SOON;

    whiten_class(activations, labels, reference->label, &projected);
    CU_ASSERT(largest_correlation(&projected) < 1e-9);
    fixture_start(rotation);
    CU_ASSERT_EQUAL(fast_ica_rotate(&projected.view, rotation, &iterations), 0);
    pca_rotate(projected.pca, rotation);
    project(&projected);
    CU_ASSERT(largest_correlation(&projected) < 1e-9);
    if (kept) {
        CU_ASSERT_EQUAL(iterations, reference->iterations);
        compare_sources(reference->model, reference->label, &projected);
    }
    compare_clusters(reference, &projected);
    pca_free(projected.pca);
}

static void test_references(void)
{
    FILE *file = fopen("tests/fixtures/checks/ica.txt", "r");
    float *activations[2] = {fixture_read("activations-clean.f32", sizeof(float) * FIXTURE_TRAIN * FIXTURE_FEATURES),
                             fixture_read("activations-bd15.f32", sizeof(float) * FIXTURE_TRAIN * FIXTURE_FEATURES)};
    uint8_t *labels[2] = {fixture_read("train-clean-y.u8", FIXTURE_TRAIN),
                          fixture_read("train-bd15-y.u8", FIXTURE_TRAIN)};
    struct reference r;
    unsigned count = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (fscanf(file, "%7s %u %zu %zu %lf %u", r.model, &r.label, &r.sizes[0], &r.sizes[1], &r.inertia,
                  &r.iterations) == 6) {
        bool poisoned = strcmp(r.model, "bd15") == 0;

        test_class(&r, activations[poisoned], labels[poisoned]);
        count++;
    }
    CU_ASSERT_EQUAL(count, 20);
    (void)fclose(file);
    for (unsigned i = 0; i < 2; i++) {
        free(activations[i]);
        free(labels[i]);
    }
}

/* Two uniform sources, mixed: they are found again, up to order and sign. */
static void test_mixture(void)
{
    enum { COUNT = 4000 };
    static double points[COUNT * 2], sources[COUNT * 2];
    const struct kmeans_points view = {points, COUNT, 2};
    double rotation[4], cosine = sqrt(0.75), sine = 0.5, along = 0.0, across = 0.0;
    struct random_stream random;
    uint32_t iterations;

    random_start(&random, seed, 1, 2);
    for (unsigned i = 0; i < COUNT; i++) {
        double a = (random_unit(&random) - 0.5) * sqrt(12.0), b = (random_unit(&random) - 0.5) * sqrt(12.0);

        sources[2 * i] = a;
        sources[2 * i + 1] = b;
        points[2 * i] = cosine * a - sine * b;
        points[2 * i + 1] = sine * a + cosine * b;
    }
    fast_ica_start(seed, 3, 2, rotation);
    CU_ASSERT_EQUAL(fast_ica_rotate(&view, rotation, &iterations), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        double found = rotation[0] * points[2 * i] + rotation[1] * points[2 * i + 1];

        along += found * sources[2 * i] / COUNT;
        across += found * sources[2 * i + 1] / COUNT;
    }
    CU_ASSERT(fmax(fabs(along), fabs(across)) > 0.99 && fmin(fabs(along), fabs(across)) < 0.1);
}

static void test_edges(void)
{
    const double values[4] = {1, NAN, 0, 1}, zeros[4] = {0};
    struct kmeans_points points = {values, 2, 2};
    double rotation[4] = {1, 1, 1, 1}, one = 0.5;
    uint32_t iterations;

    CU_ASSERT_EQUAL(fast_ica_rotate(&points, rotation, &iterations), -EDOM); /* singular */
    fast_ica_start(seed, 0, 2, rotation);
    CU_ASSERT_EQUAL(fast_ica_rotate(&points, rotation, &iterations), -EDOM); /* not finite */
    points = (struct kmeans_points){zeros, 4, 1};
    CU_ASSERT_EQUAL(fast_ica_rotate(&points, &one, &iterations), 0);
    CU_ASSERT_EQUAL(fabs(one), 1.0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"sources and clusters of the digits models", test_references},
        {"a mixture of two sources", test_mixture},
        {"singular and not finite", test_edges},
    };

    return harness_run("FastICA", tests, HARNESS_COUNT(tests));
}
