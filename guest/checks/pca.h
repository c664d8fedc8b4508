/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principal components in f64, by the full eigen-decomposition of the covariance of mean-centred
 * rows; where samples and features are both more than PCA_FULL_MAX, by Lanczos's method (lanczos.h).
 *
 * Of samples × features it decomposes the smaller square: the covariance (features²), or with fewer
 * samples than features the Gram matrix (samples²), whose eigenvectors u give the components
 * Xᵀu/√λ. Components are unit vectors, variance descending, the element of largest magnitude
 * positive.
 */
#ifndef LAZARET_GUEST_CHECKS_PCA_H
#define LAZARET_GUEST_CHECKS_PCA_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define PCA_FULL_MAX 1024u /* side of the matrix decomposed; eigen.h says what that costs */

/* Rows of a matrix of f32: row i of the data is samples[rows[i] × features]. Borrowed. */
struct pca_rows {
    const float *samples;
    const uint64_t *rows;
    size_t count, features;
};

struct pca; /* a mean and a basis; opaque */

/* Bytes that pca_fit allocates at its height; UINT64_MAX beyond any memory. */
uint64_t pca_memory(size_t count, size_t features, size_t components);

/*
 * As many components as asked for, or fewer where samples or features are fewer. ERROR_UNAVAILABLE
 * with -ENOMEM; ERROR_BAD_INPUT with -EDOM for values that are not finite.
 */
MUST_USE int pca_fit(const struct pca_rows *data, size_t components, struct pca **ret_pca, struct error *err);
void pca_free(struct pca *pca);

size_t pca_components(const struct pca *pca);

/*
 * Makes every coordinate's variance over the fitted rows 1; components without variance are dropped,
 * but for the first.
 */
void pca_whiten(struct pca *pca);

/* Turns the basis: `rotation` is components × components, row-major; a row makes a new coordinate of the old. */
void pca_rotate(struct pca *pca, const double *rotation);

/* The coordinates [components] of one sample of `features` elements. */
void pca_project(const struct pca *pca, const float *sample, double *ret_coordinates);

#endif
