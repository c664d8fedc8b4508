/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principal components without a matrix: Lanczos's method needs XᵀXv or XXᵀu only, whichever is
 * shorter, and these are two passes over the rows, centred as they are read.
 */
#include "guest/checks/pca_large.h"

#include "guest/checks/eigen.h"
#include "guest/checks/lanczos.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct rows {
    const struct pca_rows *data;
    const double *mean;
    double *along; /* features: Xᵀu on the way to XXᵀu */
};

static const float *row_of(const struct rows *rows, size_t i)
{
    return rows->data->samples + rows->data->rows[i] * rows->data->features;
}

/* (x − mean)·v, in four sums. */
static double centred_dot(const struct rows *rows, size_t i, const double *v)
{
    const float *x = row_of(rows, i);
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    size_t j = 0, features = rows->data->features;

    for (; j + 4 <= features; j += 4)
        for (unsigned k = 0; k < 4; k++)
            sums[k] += ((double)x[j + k] - rows->mean[j + k]) * v[j + k];
    for (; j < features; j++)
        sums[0] += ((double)x[j] - rows->mean[j]) * v[j];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static void add_centred(const struct rows *rows, size_t i, double factor, double *target)
{
    const float *x = row_of(rows, i);

    for (size_t j = 0; j < rows->data->features; j++)
        target[j] += factor * ((double)x[j] - rows->mean[j]);
}

static void transpose_times(const struct rows *rows, const double *u, double *ret_image)
{
    memset(ret_image, 0, rows->data->features * sizeof *ret_image);
    for (size_t i = 0; i < rows->data->count; i++)
        add_centred(rows, i, u[i], ret_image);
}

/* XᵀXv */
static void apply_covariance(void *argument, const double *v, double *ret_image)
{
    const struct rows *rows = argument;

    memset(ret_image, 0, rows->data->features * sizeof *ret_image);
    for (size_t i = 0; i < rows->data->count; i++)
        add_centred(rows, i, centred_dot(rows, i, v), ret_image);
}

/* XXᵀu */
static void apply_gram(void *argument, const double *u, double *ret_image)
{
    const struct rows *rows = argument;

    transpose_times(rows, u, rows->along);
    for (size_t i = 0; i < rows->data->count; i++)
        ret_image[i] = centred_dot(rows, i, rows->along);
}

uint64_t pca_large_memory(size_t count, size_t features, size_t components)
{
    size_t side = count < features ? count : features;
    uint64_t own;

    if (__builtin_mul_overflow((uint64_t)side * sizeof(double), (uint64_t)components, &own) ||
        __builtin_add_overflow(own, (uint64_t)features * sizeof(double), &own) ||
        __builtin_add_overflow(own, lanczos_memory(side), &own))
        return UINT64_MAX;
    return own;
}

/* Xᵀu of each, brought to unit length. */
static void turn_to_features(const struct rows *rows, size_t components, const double *values, const double *vectors,
                             double *ret_basis)
{
    size_t features = rows->data->features, count = rows->data->count;

    for (size_t c = 0; c < components; c++) {
        double *component = ret_basis + c * features, length = 0.0;

        if (!(values[c] > values[0] * DBL_EPSILON * (double)count))
            continue;
        transpose_times(rows, vectors + c * count, component);
        for (size_t j = 0; j < features; j++)
            length += component[j] * component[j];
        length = sqrt(length);
        for (size_t j = 0; j < features; j++)
            component[j] /= length;
        eigen_normalise_sign(component, features);
    }
}

int pca_large_components(const struct pca_rows *data, const double *mean, size_t components, double *ret_values,
                         double *ret_basis)
{
    bool gram = data->count < data->features;
    CLEANUP_FREE double *along = calloc(data->features, sizeof *along);
    CLEANUP_FREE double *vectors = gram ? calloc(components * data->count, sizeof *vectors) : NULL;
    struct rows rows = {.data = data, .mean = mean, .along = along};
    const struct lanczos_matrix matrix = {
        .size = gram ? data->count : data->features, .apply = gram ? apply_gram : apply_covariance, .argument = &rows};
    int r;

    if (along == NULL || (gram && vectors == NULL))
        return -ENOMEM;
    r = lanczos_largest(&matrix, components, ret_values, gram ? vectors : ret_basis);
    if (r == 0 && gram)
        turn_to_features(&rows, components, ret_values, vectors, ret_basis);
    return r;
}
