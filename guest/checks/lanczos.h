/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest eigenvalues of a large symmetric matrix that is only known by what it makes of a
 * vector: Lanczos's method with full reorthogonalisation (Golub and Van Loan, Matrix Computations,
 * 10.1). f64, one fixed order.
 *
 * Steps go on until the wanted values' residuals are below LANCZOS_TOLERANCE of the largest value, or
 * to LANCZOS_STEPS_MAX, with what there is then. Where the vectors reached so far are all that the matrix leads to, a
 * new start goes on beside them, so that a value that is there several times is found as often.
 */
#ifndef LAZARET_GUEST_CHECKS_LANCZOS_H
#define LAZARET_GUEST_CHECKS_LANCZOS_H

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define LANCZOS_STEPS_MAX 400u
#define LANCZOS_TOLERANCE 1e-11

/* ret_image = matrix × vector. */
struct lanczos_matrix {
    size_t size;
    void (*apply)(void *argument, const double *vector, double *ret_image);
    void *argument;
};

/* Bytes that lanczos_largest allocates. */
uint64_t lanczos_memory(size_t size);

/*
 * The `count` largest eigenvalues, descending, and their unit eigenvectors (count × size, row-major),
 * for count ≤ LANCZOS_STEPS_MAX / 2 and count ≤ size. -ENOMEM; -EDOM where values are not
 * finite.
 */
MUST_USE int lanczos_largest(const struct lanczos_matrix *matrix, size_t count, double *ret_values,
                             double *ret_vectors);

#endif
