/* SPDX-License-Identifier: Apache-2.0 */
/* Principal components. */
#include "guest/checks/pca.h"

#include "guest/checks/eigen.h"
#include "guest/checks/pca_large.h"
#include "wire/plan.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

struct pca {
    size_t features, components;
    double *mean;      /* features */
    double *basis;     /* components × features */
    double *variances; /* components; 0 where it is no more than rounding */
};

/* What one fit works on. */
struct fit {
    const struct pca_rows *data;
    const double *mean;
    double *centred; /* covariance: one row; Gram: all rows */
    double *matrix;  /* side × side */
    size_t side;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

uint64_t pca_memory(size_t count, size_t features, size_t components)
{
    uint64_t side = smaller(count, features), centred = count < features ? count : 1, doubles, part;

    if (side > PCA_FULL_MAX) {
        part = pca_large_memory(count, features, components);
        if (__builtin_mul_overflow((components + 1) * sizeof(double), (uint64_t)features, &doubles) ||
            __builtin_add_overflow(doubles, part, &doubles))
            return UINT64_MAX;
        return doubles;
    }
    if (__builtin_mul_overflow(side, side, &doubles) ||
        __builtin_mul_overflow(centred + components + 1, (uint64_t)features, &part) ||
        __builtin_add_overflow(doubles, part, &doubles) || __builtin_add_overflow(doubles, 5 * side, &doubles) ||
        __builtin_mul_overflow(doubles, (uint64_t)sizeof(double), &doubles))
        return UINT64_MAX;
    return doubles;
}

static const float *row_of(const struct pca_rows *data, size_t i)
{
    return data->samples + data->rows[i] * data->features;
}

static void compute_mean(const struct pca_rows *data, double *ret_mean)
{
    for (size_t j = 0; j < data->features; j++)
        ret_mean[j] = 0.0;
    for (size_t i = 0; i < data->count; i++) {
        const float *sample = row_of(data, i);

        for (size_t j = 0; j < data->features; j++)
            ret_mean[j] += (double)sample[j];
    }
    for (size_t j = 0; j < data->features; j++)
        ret_mean[j] /= (double)data->count;
}

static void centre(const struct fit *fit, size_t i, double *ret_row)
{
    const float *sample = row_of(fit->data, i);

    for (size_t j = 0; j < fit->data->features; j++)
        ret_row[j] = (double)sample[j] - fit->mean[j];
}

/* Lower triangle of XᵀX, samples in ascending order. */
static void compute_covariance(const struct fit *fit)
{
    for (size_t i = 0; i < fit->data->count; i++) {
        centre(fit, i, fit->centred);
        for (size_t j = 0; j < fit->side; j++) {
            double *target = fit->matrix + j * fit->side, value = fit->centred[j];

            for (size_t k = 0; k <= j; k++)
                target[k] += value * fit->centred[k];
        }
    }
}

/* Lower triangle of XXᵀ, features in ascending order. */
static void compute_gram(const struct fit *fit)
{
    size_t features = fit->data->features;

    for (size_t i = 0; i < fit->side; i++) {
        const double *a = fit->centred + i * features;

        centre(fit, i, fit->centred + i * features);
        for (size_t j = 0; j <= i; j++) {
            const double *b = fit->centred + j * features;
            double sum = 0.0;

            for (size_t k = 0; k < features; k++)
                sum += a[k] * b[k];
            fit->matrix[i * fit->side + j] = sum;
        }
    }
}

/* Xᵀu brought to unit length. */
static void component_from_gram(const struct fit *fit, const double *u, double *ret_component)
{
    size_t features = fit->data->features;
    double sum = 0.0;

    for (size_t k = 0; k < features; k++)
        ret_component[k] = 0.0;
    for (size_t i = 0; i < fit->side; i++)
        for (size_t k = 0; k < features; k++)
            ret_component[k] += u[i] * fit->centred[i * features + k];
    for (size_t k = 0; k < features; k++)
        sum += ret_component[k] * ret_component[k];
    sum = sum > 0.0 ? sqrt(sum) : 1.0;
    for (size_t k = 0; k < features; k++)
        ret_component[k] /= sum;
    eigen_normalise_sign(ret_component, features);
}

/* Variances of the eigenvalues of the covariance times the samples, as far as they are more than rounding. */
static void note_variances(struct pca *pca, const struct pca_rows *data, const double *values)
{
    double least = values[0] * DBL_EPSILON * (double)smaller(data->count, data->features);

    for (size_t c = 0; c < pca->components; c++)
        if (values[c] > least)
            pca->variances[c] = values[c] / (double)data->count;
}

static int blame(int r, struct error *err)
{
    if (r == -EDOM)
        return error_set(err, ERROR_BAD_INPUT, r, "the activations' covariance has no eigenvalues: it is not finite");
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for eigenvectors") : 0;
}

static int decompose(struct pca *pca, const struct fit *fit, double *values, struct error *err)
{
    int r;

    if (fit->side == fit->data->features)
        compute_covariance(fit);
    else
        compute_gram(fit);
    r = eigen_symmetric(fit->matrix, fit->side, values);
    if (r < 0)
        return blame(r, err);
    note_variances(pca, fit->data, values);
    for (size_t c = 0; c < pca->components; c++) {
        const double *vector = fit->matrix + c * fit->side;

        if (fit->side == pca->features)
            memcpy(pca->basis + c * pca->features, vector, pca->features * sizeof *vector);
        else if (pca->variances[c] > 0.0) /* else stays 0 */
            component_from_gram(fit, vector, pca->basis + c * pca->features);
    }
    return 0;
}

static int fit_large(struct pca *pca, const struct pca_rows *data, struct error *err)
{
    double values[PLAN_COMPONENTS_MAX];
    int r;

    compute_mean(data, pca->mean);
    r = pca_large_components(data, pca->mean, pca->components, values, pca->basis);
    if (r == 0)
        note_variances(pca, data, values);
    return blame(r, err);
}

static int fit_into(struct pca *pca, const struct pca_rows *data, struct error *err)
{
    size_t side = smaller(data->count, data->features);
    size_t centred_rows = data->count < data->features ? data->count : 1;
    CLEANUP_FREE double *centred = calloc(centred_rows * data->features, sizeof *centred);
    CLEANUP_FREE double *matrix = calloc(side * side, sizeof *matrix);
    CLEANUP_FREE double *values = calloc(side, sizeof *values);
    struct fit fit = {.data = data, .mean = pca->mean, .centred = centred, .matrix = matrix, .side = side};

    if (centred == NULL || matrix == NULL || values == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the principal components of %zu × %zu",
                         data->count, data->features);
    compute_mean(data, pca->mean);
    return decompose(pca, &fit, values, err);
}

int pca_fit(const struct pca_rows *data, size_t components, struct pca **ret_pca, struct error *err)
{
    size_t side = smaller(data->count, data->features);
    struct pca *pca;
    int r;

    if (side == 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "principal components of nothing");
    pca = calloc(1, sizeof *pca);
    if (pca == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for principal components");
    pca->features = data->features;
    pca->components = smaller(components < PLAN_COMPONENTS_MAX ? components : PLAN_COMPONENTS_MAX, side);
    pca->mean = calloc(pca->features, sizeof *pca->mean);
    pca->basis = calloc(pca->components * pca->features, sizeof *pca->basis);
    pca->variances = calloc(pca->components, sizeof *pca->variances);
    if (pca->mean == NULL || pca->basis == NULL || pca->variances == NULL)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a basis of %zu × %zu", pca->components,
                      pca->features);
    else
        r = side > PCA_FULL_MAX ? fit_large(pca, data, err) : fit_into(pca, data, err);
    if (r < 0) {
        pca_free(pca);
        return r;
    }
    *ret_pca = pca;
    return 0;
}

void pca_free(struct pca *pca)
{
    if (pca == NULL)
        return;
    free(pca->mean);
    free(pca->basis);
    free(pca->variances);
    free(pca);
}

size_t pca_components(const struct pca *pca)
{
    return pca->components;
}

void pca_whiten(struct pca *pca)
{
    size_t kept = 0;

    while (kept < pca->components && pca->variances[kept] > 0.0) { /* they descend */
        double scale = 1.0 / sqrt(pca->variances[kept]);

        for (size_t j = 0; j < pca->features; j++)
            pca->basis[kept * pca->features + j] *= scale;
        kept++;
    }
    pca->components = kept > 0 ? kept : 1;
}

void pca_rotate(struct pca *pca, const double *rotation)
{
    double turned[PLAN_COMPONENTS_MAX];

    for (size_t j = 0; j < pca->features; j++) {
        for (size_t c = 0; c < pca->components; c++) {
            turned[c] = 0.0;
            for (size_t k = 0; k < pca->components; k++)
                turned[c] += rotation[c * pca->components + k] * pca->basis[k * pca->features + j];
        }
        for (size_t c = 0; c < pca->components; c++)
            pca->basis[c * pca->features + j] = turned[c];
    }
}

#define PROJECT_TOGETHER 4u /* sums that do not wait for each other; each keeps its own order */

void pca_project(const struct pca *pca, const float *sample, double *ret_coordinates)
{
    size_t c = 0, features = pca->features;

    for (; c + PROJECT_TOGETHER <= pca->components; c += PROJECT_TOGETHER) {
        const double *component = pca->basis + c * features;
        double sums[PROJECT_TOGETHER] = {0.0, 0.0, 0.0, 0.0};

        for (size_t j = 0; j < features; j++) {
            double centred = (double)sample[j] - pca->mean[j];

            sums[0] += centred * component[j];
            sums[1] += centred * component[features + j];
            sums[2] += centred * component[2 * features + j];
            sums[3] += centred * component[3 * features + j];
        }
        memcpy(ret_coordinates + c, sums, sizeof sums);
    }
    for (; c < pca->components; c++) {
        const double *component = pca->basis + c * features;
        double sum = 0.0;

        for (size_t j = 0; j < features; j++)
            sum += ((double)sample[j] - pca->mean[j]) * component[j];
        ret_coordinates[c] = sum;
    }
}
