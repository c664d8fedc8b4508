/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All eigenvalues and eigenvectors of a real symmetric matrix, in f64 and in one fixed order.
 *
 * Householder reduction to tridiagonal form, then the QL method with implicit shifts (Golub and Van
 * Loan, Matrix Computations, 8.3; Martin, Reinsch and Wilkinson 1968). Only + - * / and sqrt, so
 * the same bits on every machine. About 9·n³ operations: 64: instant; 512: a second; 4096: ten
 * minutes.
 */
#ifndef LAZARET_GUEST_CHECKS_EIGEN_H
#define LAZARET_GUEST_CHECKS_EIGEN_H

#include "base/cleanup.h"

#include <stddef.h>

/*
 * `matrix` is size × size, row-major; its lower triangle is read, and all of it is overwritten. On
 * success row i of it is the unit eigenvector of ret_values[i], values descending, ties in the
 * order in which they came up; the first component of largest magnitude is positive. -ENOMEM; -EDOM
 * where an eigenvalue needs more than EIGEN_ITERATIONS_MAX steps or the matrix is not finite.
 */
#define EIGEN_ITERATIONS_MAX 100u
MUST_USE int eigen_symmetric(double *matrix, size_t size, double *ret_values);

/* Turns a vector so that its first element of largest magnitude is positive. */
void eigen_normalise_sign(double *vector, size_t size);

#endif
