/* SPDX-License-Identifier: Apache-2.0 */
/* Independent components by fixed-point rounds. */
#include "guest/checks/fast_ica.h"

#include "guest/checks/eigen.h"
#include "guest/checks/random.h"
#include "guest/checks/real.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX PLAN_COMPONENTS_MAX

struct square {
    double cells[SIDE_MAX * SIDE_MAX];
};

/* What the rounds work with. */
struct ica {
    const struct kmeans_points *points;
    size_t dims;
    struct square next, gram, work;
};

void fast_ica_start(const uint8_t seed[SHA256_SIZE], uint64_t stream, size_t dims, double *ret_rotation)
{
    struct random_stream random;

    random_start(&random, seed, stream, FAST_ICA_STREAM);
    for (size_t i = 0; i < dims * dims; i++)
        ret_rotation[i] = 2.0 * random_unit(&random) - 1.0;
}

/* target = aᵀ·diag(scale)·b. */
static void multiply_scaled(size_t n, const double *a, const double *scale, const double *b, double *target)
{
    memset(target, 0, n * n * sizeof *target);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n; i++) {
            double factor = a[k * n + i] * scale[k];

            for (size_t j = 0; j < n; j++)
                target[i * n + j] += factor * b[k * n + j];
        }
}

/* W := (W Wᵀ)^(−½) W: the orthogonal matrix next to W. */
static int decorrelate(struct ica *ica, double *w)
{
    size_t n = ica->dims;
    double *gram = ica->gram.cells, *root = ica->work.cells, values[SIDE_MAX], ones[SIDE_MAX];
    int r;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0.0;

            for (size_t k = 0; k < n; k++)
                sum += w[i * n + k] * w[j * n + k];
            gram[i * n + j] = sum;
        }
    r = eigen_symmetric(gram, n, values);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        if (!(values[i] > 0.0))
            return -EDOM;
        values[i] = 1.0 / sqrt(values[i]);
        ones[i] = 1.0;
    }
    multiply_scaled(n, gram, values, gram, root); /* symmetric, thus its own transpose */
    multiply_scaled(n, root, ones, w, gram);
    memcpy(w, gram, n * n * sizeof *w);
    return 0;
}

/* next = E[g(Wx) xᵀ] − diag(E[g′(Wx)]) W with g = tanh. */
static void fixed_point(struct ica *ica, const double *w)
{
    size_t n = ica->dims, count = ica->points->count;
    double *next = ica->next.cells, slopes[SIDE_MAX] = {0.0};

    memset(next, 0, n * n * sizeof *next);
    for (size_t p = 0; p < count; p++) {
        const double *x = ica->points->values + p * n;

        for (size_t i = 0; i < n; i++) {
            double source = 0.0, bent;

            for (size_t k = 0; k < n; k++)
                source += w[i * n + k] * x[k];
            bent = real_tanh(source);
            slopes[i] += 1.0 - bent * bent;
            for (size_t k = 0; k < n; k++)
                next[i * n + k] += bent * x[k];
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            next[i * n + k] = next[i * n + k] / (double)count - slopes[i] / (double)count * w[i * n + k];
}

/* The largest 1 − |cos| between a component and what it was. */
static double turned(const struct ica *ica, const double *w)
{
    size_t n = ica->dims;
    double largest = 0.0;

    for (size_t i = 0; i < n; i++) {
        double cosine = 0.0;

        for (size_t k = 0; k < n; k++)
            cosine += ica->next.cells[i * n + k] * w[i * n + k];
        if (fabs(fabs(cosine) - 1.0) > largest)
            largest = fabs(fabs(cosine) - 1.0);
    }
    return largest;
}

int fast_ica_rotate(const struct kmeans_points *points, double *rotation, uint32_t *ret_iterations)
{
    CLEANUP_FREE struct ica *ica = calloc(1, sizeof *ica);
    uint32_t iteration = 0;
    int r;

    if (ica == NULL)
        return -ENOMEM;
    ica->points = points;
    ica->dims = points->dims;
    r = decorrelate(ica, rotation);
    for (bool done = false; r == 0 && !done && iteration < FAST_ICA_ITERATIONS_MAX; iteration++) {
        fixed_point(ica, rotation);
        r = decorrelate(ica, ica->next.cells);
        if (r < 0)
            break;
        done = turned(ica, rotation) < FAST_ICA_TOLERANCE;
        memcpy(rotation, ica->next.cells, ica->dims * ica->dims * sizeof *rotation);
    }
    if (r == 0)
        *ret_iterations = iteration;
    return r;
}
