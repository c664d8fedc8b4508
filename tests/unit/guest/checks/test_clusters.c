/* SPDX-License-Identifier: Apache-2.0 */
/* Eigenvectors, principal components, 2-means and silhouette against the digits reference. */
#include "unit/harness.h"

#include "guest/checks/eigen.h"
#include "guest/checks/kmeans.h"
#include "guest/checks/lanczos.h"
#include "guest/checks/pca.h"
#include "guest/checks/random.h"
#include "unit/guest/checks/fixture.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define COMPONENTS 10u
#define STARTS     100u

static const uint8_t seed[SHA256_SIZE] = {1, 2, 3};

/* Points of one class in its own basis. */
struct projected {
    uint64_t rows[FIXTURE_TRAIN];
    double points[FIXTURE_TRAIN * COMPONENTS];
    struct kmeans_points view;
};

static void project_class(const float *activations, const uint8_t *labels, unsigned label, struct projected *projected)
{
    struct pca_rows data = {.samples = activations, .rows = projected->rows, .features = FIXTURE_FEATURES};
    struct pca *pca = NULL;

    for (size_t i = 0; i < FIXTURE_TRAIN; i++)
        if (labels[i] == label)
            projected->rows[data.count++] = i;
    CU_ASSERT_EQUAL_FATAL(pca_fit(&data, COMPONENTS, &pca, NULL), 0);
    CU_ASSERT_EQUAL(pca_components(pca), COMPONENTS);
    for (size_t i = 0; i < data.count; i++)
        pca_project(pca, activations + projected->rows[i] * FIXTURE_FEATURES, projected->points + i * COMPONENTS);
    projected->view = (struct kmeans_points){.values = projected->points, .count = data.count, .dims = COMPONENTS};
    pca_free(pca);
}

/* What the reference found: the best of 100 starts of Lloyd's method, in f64. */
struct reference {
    unsigned label;
    size_t sizes[2];
    double inertia, silhouette;
};

static size_t count_same(const struct projected *projected, const uint8_t *labels, const uint8_t *expected)
{
    size_t same = 0;

    for (size_t i = 0; i < projected->view.count; i++)
        same += labels[i] == expected[projected->rows[i]];
    return same;
}

/* No worse than the reference; where as good, the same clusters and silhouette. Returns whether as
 * good. */
static bool compare_class(const struct projected *projected, const struct reference *reference, const uint8_t *expected)
{
    static uint8_t labels[FIXTURE_TRAIN];
    size_t count = projected->view.count, same;
    struct kmeans_result result;
    double silhouette = 0.0;

    CU_ASSERT_EQUAL(kmeans_two(&projected->view, seed, reference->label, STARTS, labels, &result), 0);
    CU_ASSERT(result.inertia <= reference->inertia * (1.0 + 1e-9));
    if (result.inertia < reference->inertia * (1.0 - 1e-9))
        return false;
    CU_ASSERT_EQUAL(result.sizes[0], reference->sizes[0]);
    CU_ASSERT_EQUAL(result.sizes[1], reference->sizes[1]);
    same = count_same(projected, labels, expected);
    CU_ASSERT(same == count || (same == 0 && result.sizes[0] == result.sizes[1])); /* equals have no order */
    CU_ASSERT_EQUAL(kmeans_silhouette(&projected->view, labels, seed, 0, &silhouette), 0);
    CU_ASSERT_DOUBLE_EQUAL(silhouette, reference->silhouette, 1e-9);
    return true;
}

/* Other seeds lead to the same clusters. */
static void compare_seeds(const struct projected *projected, unsigned label)
{
    static uint8_t labels[FIXTURE_TRAIN], others[FIXTURE_TRAIN];
    struct kmeans_result result;

    CU_ASSERT_EQUAL(kmeans_two(&projected->view, seed, label, STARTS, labels, &result), 0);
    for (uint8_t i = 0; i < 8; i++) {
        const uint8_t other[SHA256_SIZE] = {i, 99};

        CU_ASSERT_EQUAL(kmeans_two(&projected->view, other, label, STARTS, others, &result), 0);
        CU_ASSERT_EQUAL(memcmp(labels, others, projected->view.count), 0);
    }
}

/* One of digits' two models, with its fixtures. */
struct model {
    float *activations;
    uint8_t *labels, *clusters;
    struct reference references[FIXTURE_CLASSES];
};

static void read_model(const char *name, struct model *ret_model)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "activations-%s.f32", name);
    ret_model->activations = fixture_read(path, sizeof(float) * FIXTURE_TRAIN * FIXTURE_FEATURES);
    (void)snprintf(path, sizeof path, "train-%s-y.u8", name);
    ret_model->labels = fixture_read(path, FIXTURE_TRAIN);
    (void)snprintf(path, sizeof path, "clusters-%s.u8", name);
    ret_model->clusters = fixture_read(path, FIXTURE_TRAIN);
    (void)snprintf(path, sizeof path, "tests/fixtures/checks/clusters-%s.txt", name);
    file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (unsigned i = 0; i < FIXTURE_CLASSES; i++) {
        struct reference *r = &ret_model->references[i];

        CU_ASSERT_EQUAL(
            fscanf(file, "%u %zu %zu %lf %lf", &r->label, &r->sizes[0], &r->sizes[1], &r->inertia, &r->silhouette), 5);
        CU_ASSERT_EQUAL(r->label, i);
    }
    (void)fclose(file);
}

static void free_model(struct model *model)
{
    free(model->activations);
    free(model->labels);
    free(model->clusters);
}

/* All classes; returns how many are exactly the reference's, the others being better. */
static unsigned compare_model(const struct model *model)
{
    static struct projected projected;
    unsigned equal = 0;

    for (unsigned label = 0; label < FIXTURE_CLASSES; label++) {
        project_class(model->activations, model->labels, label, &projected);
        equal += compare_class(&projected, &model->references[label], model->clusters);
        compare_seeds(&projected, label);
    }
    return equal;
}

static void test_clean_model(void)
{
    struct model model;

    read_model("clean", &model);
    CU_ASSERT_EQUAL(compare_model(&model), 8); /* classes 3 and 5 are better than Lloyd's */
    free_model(&model);
}

static void test_backdoored_model(void)
{
    static struct projected projected;
    static uint8_t labels[FIXTURE_TRAIN];
    uint8_t *poisoned = fixture_read("poisoned-bd15.u8", FIXTURE_TRAIN);
    struct kmeans_result result;
    struct model model;
    size_t counts[2] = {0, 0};

    read_model("bd15", &model);
    CU_ASSERT_EQUAL(compare_model(&model), 9); /* class 3 is better than Lloyd's */
    project_class(model.activations, model.labels, 0, &projected);
    CU_ASSERT_EQUAL(kmeans_two(&projected.view, seed, 0, STARTS, labels, &result), 0);
    for (size_t i = 0; i < projected.view.count; i++)
        counts[labels[i]] += poisoned[projected.rows[i]];
    CU_ASSERT(counts[0] == 202 && counts[1] == 0);
    free_model(&model);
    free(poisoned);
}

/* A v = λ v, unit length, orthogonal, descending. */
static void check_decomposition(const double *matrix, size_t n, double scale)
{
    double *copy = malloc(n * n * sizeof *copy), *values = malloc(n * sizeof *values);

    memcpy(copy, matrix, n * n * sizeof *copy);
    CU_ASSERT_EQUAL(eigen_symmetric(copy, n, values), 0);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double product = 0.0;

            for (size_t k = 0; k < n; k++)
                product += copy[i * n + k] * copy[j * n + k];
            CU_ASSERT_DOUBLE_EQUAL(product, i == j ? 1.0 : 0.0, 1e-12);
        }
        for (size_t k = 0; k < n; k++) {
            double image = 0.0;

            for (size_t l = 0; l < n; l++)
                image += matrix[k * n + l] * copy[i * n + l];
            CU_ASSERT_DOUBLE_EQUAL(image, values[i] * copy[i * n + k], 1e-12 * scale * (double)n);
        }
        CU_ASSERT(i == 0 || values[i] <= values[i - 1]);
    }
    free(copy);
    free(values);
}

static void test_eigen(void)
{
    enum { N = 37 };
    static double matrix[N * N];
    struct random_stream random;

    random_start(&random, seed, 0, 0);
    for (size_t size = 1; size <= N; size += 4) {
        for (size_t i = 0; i < size; i++)
            for (size_t j = 0; j <= i; j++)
                matrix[i * size + j] = matrix[j * size + i] = random_unit(&random) - 0.5;
        check_decomposition(matrix, size, 1.0);
    }
    memset(matrix, 0, sizeof matrix);
    check_decomposition(matrix, N, 1.0);
    for (size_t i = 0; i < N; i++) /* rank one, with rows of zeros */
        for (size_t j = 0; j < N; j++)
            matrix[i * N + j] = (i % 3 == 0) * (j % 3 == 0) * 1e30;
    check_decomposition(matrix, N, 1e32);
}

static void test_eigen_refuses_what_is_not_finite(void)
{
    double matrix[9] = {1, 2, 3, 2, NAN, 4, 3, 4, INFINITY}, values[3];

    CU_ASSERT_EQUAL(eigen_symmetric(matrix, 3, values), -EDOM);
}

/* Fewer samples than features: distances between projected samples are the samples' own. */
static void test_gram(void)
{
    enum { N = 7, D = 50 };
    static float samples[N * D];
    uint64_t rows[N];
    struct pca_rows data = {.samples = samples, .rows = rows, .count = N, .features = D};
    double a[N][N];
    struct random_stream random;
    struct pca *pca = NULL;

    random_start(&random, seed, 5, 6);
    for (size_t i = 0; i < (size_t)N * D; i++)
        samples[i] = (float)random_unit(&random);
    for (uint64_t i = 0; i < N; i++)
        rows[i] = i;
    CU_ASSERT_EQUAL_FATAL(pca_fit(&data, 64, &pca, NULL), 0);
    CU_ASSERT_EQUAL(pca_components(pca), N);
    for (size_t i = 0; i < N; i++)
        pca_project(pca, samples + i * D, a[i]);
    for (size_t i = 1; i < N; i++) {
        double own = 0.0, projected = 0.0;

        for (size_t d = 0; d < D; d++)
            own += pow((double)(samples[i * D + d] - samples[d]), 2);
        for (size_t c = 0; c < N; c++)
            projected += pow(a[i][c] - a[0][c], 2);
        CU_ASSERT_DOUBLE_EQUAL(projected / own, 1.0, 1e-6);
    }
    pca_free(pca);
}

static void apply_diagonal(void *argument, const double *vector, double *ret_image)
{
    const double *diagonal = argument;

    for (size_t i = 0; i < 300; i++)
        ret_image[i] = diagonal[i] * vector[i];
}

static void test_lanczos(void)
{
    static double diagonal[300], vectors[5 * 300];
    const struct lanczos_matrix matrix = {.size = 300, .apply = apply_diagonal, .argument = diagonal};
    double values[5];

    for (unsigned i = 0; i < 300; i++)
        diagonal[i] = (double)(i + 1);
    CU_ASSERT_EQUAL(lanczos_largest(&matrix, 5, values, vectors), 0);
    for (unsigned i = 0; i < 5; i++) {
        CU_ASSERT_DOUBLE_EQUAL(values[i], 300.0 - i, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(vectors[i * 300 + 299 - i], 1.0, 1e-9);
    }
    for (unsigned i = 0; i < 300; i++)
        diagonal[i] = i < 3 ? 2.0 : 0.0; /* rank three, one value */
    CU_ASSERT_EQUAL(lanczos_largest(&matrix, 5, values, vectors), 0);
    for (unsigned i = 0; i < 5; i++)
        CU_ASSERT_DOUBLE_EQUAL(values[i], i < 3 ? 2.0 : 0.0, 1e-12);
    diagonal[7] = NAN;
    CU_ASSERT_EQUAL(lanczos_largest(&matrix, 5, values, vectors), -EDOM);
}

/* A set whose principal components are known. */
static void compare_large(size_t count, size_t features)
{
    float *samples = calloc(count * features, sizeof *samples);
    uint64_t *rows = calloc(count, sizeof *rows);
    struct pca_rows data = {.samples = samples, .rows = rows, .count = count, .features = features};
    double factors[4], variance[4] = {0.0}, crossed = 0.0, point[4];
    struct random_stream random;
    struct pca *pca = NULL;

    CU_ASSERT_FATAL(samples != NULL && rows != NULL);
    random_start(&random, seed, count, features);
    for (size_t i = 0; i < count; i++) { /* four directions of deviation 8, 4, 2, 1, and a little noise */
        rows[i] = i;
        for (unsigned k = 0; k < 4; k++)
            factors[k] = (random_unit(&random) - 0.5) * sqrt(12.0) * (double)(8 >> k);
        for (size_t j = 0; j < features; j++)
            samples[i * features + j] = (float)(3.0 + factors[j % 4] + 0.01 * (random_unit(&random) - 0.5));
    }
    CU_ASSERT_EQUAL_FATAL(pca_fit(&data, 4, &pca, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        pca_project(pca, samples + i * features, point);
        for (unsigned k = 0; k < 4; k++)
            variance[k] += point[k] * point[k] / (double)count;
        crossed += point[0] * point[1] / (double)count;
    }
    for (unsigned k = 0; k < 4; k++) { /* a quarter of the features each: length √(features/4) */
        double expected = pow((double)(8 >> k), 2) * (double)features / 4.0;

        CU_ASSERT(fabs(variance[k] / expected - 1.0) < 0.1);
    }
    CU_ASSERT(fabs(crossed) < 1e-9 * variance[0]);
    pca_whiten(pca);
    pca_project(pca, samples, point);
    CU_ASSERT(pca_components(pca) == 4 && fabs(point[0]) < 2.0); /* uniform: at most √3 */
    pca_free(pca);
    free(samples);
    free(rows);
}

static void test_large(void)
{
    compare_large(PCA_FULL_MAX + 20, PCA_FULL_MAX + 80);
    compare_large(PCA_FULL_MAX + 80, PCA_FULL_MAX + 20);
}

static void test_pca_limits(void)
{
    CU_ASSERT_EQUAL(pca_memory(SIZE_MAX, SIZE_MAX, 10), UINT64_MAX);
    CU_ASSERT(pca_memory(100000, 65536, 10) < UINT64_C(1) << 30); /* no matrix of a side squared */
}

static void test_equal_points(void)
{
    double values[5 * 2];
    struct kmeans_points points = {.values = values, .count = 5, .dims = 2};
    struct kmeans_result result;
    uint8_t labels[5];
    double silhouette = 1.0;

    for (size_t i = 0; i < 10; i++)
        values[i] = 3.0;
    CU_ASSERT_EQUAL(kmeans_two(&points, seed, 0, 10, labels, &result), 0);
    CU_ASSERT_EQUAL(result.sizes[0], 5);
    CU_ASSERT_EQUAL(result.sizes[1], 0);
    CU_ASSERT_EQUAL(kmeans_separation(&result, 2), 0.0);
    CU_ASSERT_EQUAL(kmeans_silhouette(&points, labels, seed, 0, &silhouette), 0);
    CU_ASSERT_EQUAL(silhouette, 0.0);
}

/* Beyond the cap a subsample estimates the mean silhouette: here two points, far apart, many times
 * over. */
static void test_silhouette_subsample(void)
{
    size_t count = SILHOUETTE_SAMPLES_MAX + 1000;
    double *values = malloc(count * sizeof *values), silhouette = 0.0;
    uint8_t *labels = malloc(count);
    struct kmeans_points points = {.values = values, .count = count, .dims = 1};

    for (size_t i = 0; i < count; i++) {
        labels[i] = i % 3 == 0;
        values[i] = i % 3 == 0 ? 1.0 : -1.0;
    }
    CU_ASSERT_EQUAL(kmeans_silhouette(&points, labels, seed, 0, &silhouette), 0);
    CU_ASSERT_DOUBLE_EQUAL(silhouette, 1.0, 1e-12);
    free(values);
    free(labels);
}

/* SplitMix64's published first values for the state 1234567, and the key's derivation. */
static void test_random(void)
{
    struct random_stream a = {.state = 1234567}, b;

    CU_ASSERT_EQUAL(random_u64(&a), UINT64_C(6457827717110365317));
    CU_ASSERT_EQUAL(random_u64(&a), UINT64_C(3203168211198807973));
    random_start(&a, seed, 1, 2);
    random_start(&b, seed, 2, 1);
    CU_ASSERT_NOT_EQUAL(a.state, b.state);
    for (unsigned i = 0; i < 1000; i++) {
        double unit = random_unit(&a);

        CU_ASSERT(unit >= 0.0 && unit < 1.0);
        CU_ASSERT(random_below(&b, 3) < 3);
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"random streams", test_random},
        {"eigenvectors", test_eigen},
        {"eigenvectors of what is not finite", test_eigen_refuses_what_is_not_finite},
        {"fewer samples than features", test_gram},
        {"Lanczos's method", test_lanczos},
        {"many samples and many features", test_large},
        {"limits of principal components", test_pca_limits},
        {"the clean model's classes reach the reference's optimum", test_clean_model},
        {"the backdoored model's classes reach the reference's optimum", test_backdoored_model},
        {"equal points are one cluster", test_equal_points},
        {"a silhouette by subsample", test_silhouette_subsample},
    };

    return harness_run("clusters", tests, HARNESS_COUNT(tests));
}
