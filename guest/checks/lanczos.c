/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanczos's method. After m steps the rows q of `basis` are orthonormal and span what the matrix A
 * makes of the start; Q A Qᵀ is tridiagonal (αs and βs), and its eigenvectors s give A's: Qᵀs, with
 * the residual βₘ·|s's last element|.
 */
#include "guest/checks/lanczos.h"

#include "guest/checks/eigen.h"
#include "guest/checks/random.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TRY_EVERY 20u /* steps between two looks at the residuals */

struct lanczos {
    const struct lanczos_matrix *matrix;
    size_t steps;
    double *basis;              /* LANCZOS_STEPS_MAX + 1 rows */
    double *alphas, *betas;     /* of each step; a β of 0 splits the matrix */
    double *projected, *values; /* of the small problem */
    double largest;             /* |α| or β so far */
};

static size_t most_steps(size_t size)
{
    return size < LANCZOS_STEPS_MAX ? size : LANCZOS_STEPS_MAX;
}

uint64_t lanczos_memory(size_t size)
{
    uint64_t steps = most_steps(size), rows = steps + 1, bytes;

    if (__builtin_mul_overflow(rows * sizeof(double), (uint64_t)size, &bytes))
        return UINT64_MAX;
    return bytes + (steps * steps + 3 * rows) * sizeof(double);
}

static double *row(const struct lanczos *l, size_t i)
{
    return l->basis + i * l->matrix->size;
}

static double dot(const double *a, const double *b, size_t size)
{
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    size_t i = 0;

    for (; i + 4 <= size; i += 4)
        for (unsigned k = 0; k < 4; k++)
            sums[k] += a[i + k] * b[i + k];
    for (; i < size; i++)
        sums[0] += a[i] * b[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* Takes from a vector what lies along the first `count` rows: twice is enough. */
static void orthogonalise(const struct lanczos *l, double *vector, size_t count)
{
    size_t size = l->matrix->size;

    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count; i++) {
            const double *q = row(l, i);
            double along = dot(q, vector, size);

            for (size_t j = 0; j < size; j++)
                vector[j] -= along * q[j];
        }
}

/* A unit vector into row `at` that is orthogonal to those before; false where there is none. */
static bool start_row(struct lanczos *l, size_t at)
{
    size_t size = l->matrix->size;
    double *q = row(l, at), length;
    struct random_stream random = {.state = at}; /* of no influence on what is found but for rounding */

    for (size_t j = 0; j < size; j++)
        q[j] = random_unit(&random) - 0.5;
    length = sqrt(dot(q, q, size));
    orthogonalise(l, q, at);
    if (!(sqrt(dot(q, q, size)) > length * 1e-8))
        return false;
    length = sqrt(dot(q, q, size));
    for (size_t j = 0; j < size; j++)
        q[j] /= length;
    return true;
}

/* One step; false where the whole space is spent. */
static bool take_step(struct lanczos *l)
{
    size_t m = l->steps, size = l->matrix->size;
    double *next = row(l, m + 1), beta;

    l->matrix->apply(l->matrix->argument, row(l, m), next);
    l->alphas[m] = dot(row(l, m), next, size);
    orthogonalise(l, next, m + 1);
    beta = sqrt(dot(next, next, size));
    if (fabs(l->alphas[m]) > l->largest)
        l->largest = fabs(l->alphas[m]);
    if (beta > l->largest)
        l->largest = beta;
    l->steps = m + 1;
    if (beta > l->largest * DBL_EPSILON * 64.0) {
        for (size_t j = 0; j < size; j++)
            next[j] /= beta;
        l->betas[m] = beta;
        return true;
    }
    l->betas[m] = 0.0;
    return l->steps < size && start_row(l, m + 1);
}

/* Eigenvalues and vectors of the tridiagonal matrix; whether the first `count` have settled. */
static int solve_small(struct lanczos *l, size_t count, bool *ret_settled)
{
    size_t m = l->steps;
    bool settled = m >= count;
    int r;

    memset(l->projected, 0, m * m * sizeof *l->projected);
    for (size_t i = 0; i < m; i++) {
        l->projected[i * m + i] = l->alphas[i];
        if (i > 0)
            l->projected[i * m + i - 1] = l->betas[i - 1];
    }
    r = eigen_symmetric(l->projected, m, l->values);
    if (r < 0)
        return r;
    for (size_t i = 0; settled && i < count; i++)
        settled = l->betas[m - 1] * fabs(l->projected[i * m + m - 1]) <= LANCZOS_TOLERANCE * fabs(l->values[0]);
    *ret_settled = settled;
    return 0;
}

static void lift_vectors(const struct lanczos *l, size_t count, double *ret_values, double *ret_vectors)
{
    size_t size = l->matrix->size;

    memset(ret_vectors, 0, count * size * sizeof *ret_vectors);
    memcpy(ret_values, l->values, count * sizeof *ret_values);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < l->steps; k++) {
            double factor = l->projected[i * l->steps + k];

            for (size_t j = 0; j < size; j++)
                ret_vectors[i * size + j] += factor * row(l, k)[j];
        }
        eigen_normalise_sign(ret_vectors + i * size, size);
    }
}

static int iterate(struct lanczos *l, size_t count)
{
    size_t most = most_steps(l->matrix->size);
    bool settled = false, more = start_row(l, 0);
    int r = more ? 0 : -EDOM;

    while (r == 0 && !settled && more && l->steps < most) {
        more = take_step(l);
        if (!isfinite(l->largest) || !isfinite(l->alphas[l->steps - 1]))
            return -EDOM;
        if (!more || l->steps == most || (l->steps > count && l->steps % TRY_EVERY == 0))
            r = solve_small(l, count, &settled);
    }
    return r;
}

int lanczos_largest(const struct lanczos_matrix *matrix, size_t count, double *ret_values, double *ret_vectors)
{
    size_t most = most_steps(matrix->size);
    CLEANUP_FREE double *basis = calloc((most + 1) * matrix->size, sizeof *basis);
    CLEANUP_FREE double *small = calloc(most * most + 3 * (most + 1), sizeof *small);
    struct lanczos l = {.matrix = matrix, .basis = basis};
    int r;

    if (basis == NULL || small == NULL)
        return -ENOMEM;
    l.projected = small;
    l.values = small + most * most;
    l.alphas = l.values + most + 1;
    l.betas = l.alphas + most + 1;
    r = iterate(&l, count);
    if (r == 0)
        lift_vectors(&l, count, ret_values, ret_vectors);
    return r;
}
