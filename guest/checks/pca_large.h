/* SPDX-License-Identifier: Apache-2.0 */
/* Principal components where samples and features are both many: by Lanczos's method, without a covariance matrix. */
#ifndef LAZARET_GUEST_CHECKS_PCA_LARGE_H
#define LAZARET_GUEST_CHECKS_PCA_LARGE_H

#include "guest/checks/pca.h"

/* Bytes that it allocates; UINT64_MAX beyond any memory. */
uint64_t pca_large_memory(size_t count, size_t features, size_t components);

/*
 * The largest eigenvalues of XᵀX, X the centred rows, and their unit vectors (components × features,
 * zeroed by the caller; one without variance stays 0), signs as pca.h has them. -ENOMEM, -EDOM.
 */
MUST_USE int pca_large_components(const struct pca_rows *data, const double *mean, size_t components,
                                  double *ret_values, double *ret_basis);

#endif
