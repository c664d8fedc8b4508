/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symmetric eigenproblem. With A the matrix, T tridiagonal and Q orthogonal:
 *
 *   A = Q T Qᵀ    reduce(): Q is a product of reflections H = I − β v vᵀ, one a column; each v is
 * kept in the row of `matrix` that its column has freed Z = Qᵀ        accumulate(): rows of Z are
 * columns of Q T = S Λ Sᵀ    diagonalise(): plane rotations, each applied to two rows of Z, which
 * thus become the rows of Sᵀ Qᵀ, the eigenvectors of A
 *
 * Rows are contiguous, so that compilers vectorise over a row's elements; no sum is split.
 */
#include "guest/checks/eigen.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct eigen {
    size_t size;
    double *a;        /* size × size */
    double *diagonal; /* size */
    double *next;     /* size: next[i] stands between i and i + 1 */
    double *scale;    /* size: β of each reflection, 0 for none */
    double *work;     /* size */
};

static double *row(const struct eigen *eigen, size_t i)
{
    return eigen->a + i * eigen->size;
}

/*
 * The reflection that maps column k below the diagonal onto its first element. The column, as a row
 * of the symmetric matrix, lies in row k from k + 1 on, and is replaced by v.
 */
static void make_reflection(struct eigen *eigen, size_t k)
{
    double *v = row(eigen, k), sum = 0.0, length;

    for (size_t i = k + 2; i < eigen->size; i++)
        sum += v[i] * v[i];
    if (sum == 0.0) {
        eigen->next[k] = v[k + 1];
        eigen->scale[k] = 0.0;
        return;
    }
    length = sqrt(sum + v[k + 1] * v[k + 1]);
    if (v[k + 1] > 0.0)
        length = -length; /* no cancellation in v */
    eigen->next[k] = length;
    v[k + 1] -= length;
    eigen->scale[k] = 2.0 / (sum + v[k + 1] * v[k + 1]);
}

/* A := H A H of the trailing block, both triangles: A −= v wᵀ + w vᵀ, w = p − (β/2)(vᵀp) v, p = β A
 * v. */
static void reflect_block(struct eigen *eigen, size_t k)
{
    const double *v = row(eigen, k);
    double beta = eigen->scale[k], *w = eigen->work, product = 0.0;

    for (size_t i = k + 1; i < eigen->size; i++)
        w[i] = 0.0;
    for (size_t j = k + 1; j < eigen->size; j++)
        for (size_t i = k + 1; i < eigen->size; i++)
            w[i] += v[j] * row(eigen, j)[i];
    for (size_t i = k + 1; i < eigen->size; i++) {
        w[i] *= beta;
        product += w[i] * v[i];
    }
    product *= beta / 2.0;
    for (size_t i = k + 1; i < eigen->size; i++)
        w[i] -= product * v[i];
    for (size_t i = k + 1; i < eigen->size; i++) {
        double *target = row(eigen, i), vi = v[i], wi = w[i];

        for (size_t j = k + 1; j < eigen->size; j++)
            target[j] -= vi * w[j] + wi * v[j];
    }
}

static void reduce(struct eigen *eigen)
{
    for (size_t k = 0; k + 2 < eigen->size; k++) {
        eigen->diagonal[k] = row(eigen, k)[k];
        make_reflection(eigen, k);
        if (eigen->scale[k] != 0.0)
            reflect_block(eigen, k);
    }
    for (size_t k = eigen->size < 2 ? 0 : eigen->size - 2; k < eigen->size; k++) {
        eigen->diagonal[k] = row(eigen, k)[k];
        if (k + 1 < eigen->size)
            eigen->next[k] = row(eigen, k)[k + 1];
    }
}

/* Row k + 1 and on of Z := Z (I − β v vᵀ), in place: the block right of and below k holds the later
 * ones. */
static void accumulate_one(struct eigen *eigen, size_t k, const double *v)
{
    double beta = eigen->scale[k];
    size_t i = k + 1;

    for (; i + 3 < eigen->size; i += 4) { /* four rows' sums do not wait for each other; each keeps its own order */
        double *z0 = row(eigen, i), *z1 = row(eigen, i + 1), *z2 = row(eigen, i + 2), *z3 = row(eigen, i + 3);
        double p0 = 0.0, p1 = 0.0, p2 = 0.0, p3 = 0.0;

        for (size_t j = k + 1; j < eigen->size; j++) {
            p0 += z0[j] * v[j];
            p1 += z1[j] * v[j];
            p2 += z2[j] * v[j];
            p3 += z3[j] * v[j];
        }
        p0 *= beta;
        p1 *= beta;
        p2 *= beta;
        p3 *= beta;
        for (size_t j = k + 1; j < eigen->size; j++) {
            z0[j] -= p0 * v[j];
            z1[j] -= p1 * v[j];
            z2[j] -= p2 * v[j];
            z3[j] -= p3 * v[j];
        }
    }
    for (; i < eigen->size; i++) {
        double *z = row(eigen, i), product = 0.0;

        for (size_t j = k + 1; j < eigen->size; j++)
            product += z[j] * v[j];
        product *= beta;
        for (size_t j = k + 1; j < eigen->size; j++)
            z[j] -= product * v[j];
    }
}

/* Row and column k of the part of Z from k on, as in the identity. */
static void put_identity(struct eigen *eigen, size_t k)
{
    for (size_t i = k; i < eigen->size; i++)
        row(eigen, k)[i] = row(eigen, i)[k] = 0.0;
    row(eigen, k)[k] = 1.0;
}

static void accumulate(struct eigen *eigen)
{
    for (size_t k = eigen->size; k-- > 0;) {
        memcpy(eigen->work, row(eigen, k), eigen->size * sizeof *eigen->work);
        put_identity(eigen, k);
        if (k + 2 < eigen->size && eigen->scale[k] != 0.0)
            accumulate_one(eigen, k, eigen->work);
    }
}

static void rotate_rows(struct eigen *eigen, size_t i, double cosine, double sine)
{
    double *upper = row(eigen, i), *lower = row(eigen, i + 1);

    for (size_t k = 0; k < eigen->size; k++) {
        double u = upper[k], l = lower[k];

        lower[k] = sine * u + cosine * l;
        upper[k] = cosine * u - sine * l;
    }
}

/* One implicit QL step on rows first to last: chases the bulge upwards from the last. */
static void ql_step(struct eigen *eigen, size_t first, size_t last)
{
    double *d = eigen->diagonal, *e = eigen->next, cosine = 1.0, sine = 1.0, shifted = 0.0;
    double g = (d[first + 1] - d[first]) / (2.0 * e[first]), r = sqrt(g * g + 1.0);

    g = d[last] - d[first] + e[first] / (g + (g < 0.0 ? -r : r)); /* Wilkinson's shift */
    for (size_t i = last; i-- > first;) {
        double f = sine * e[i], b = cosine * e[i];

        r = sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r == 0.0) { /* the matrix splits here */
            d[i + 1] -= shifted;
            e[last] = 0.0;
            return;
        }
        sine = f / r;
        cosine = g / r;
        g = d[i + 1] - shifted;
        r = (d[i] - g) * sine + 2.0 * cosine * b;
        shifted = sine * r;
        d[i + 1] = g + shifted;
        g = cosine * r - b;
        rotate_rows(eigen, i, cosine, sine);
    }
    d[first] -= shifted;
    e[first] = g;
    e[last] = 0.0;
}

/*
 * What an element beside the diagonal may be to count as zero: the rounding error of the largest.
 * Not finite where an element isn't.
 */
static double negligible(const struct eigen *eigen)
{
    double largest = 0.0;

    for (size_t i = 0; i < eigen->size; i++) {
        if (!isfinite(eigen->diagonal[i]) || !isfinite(eigen->next[i]))
            return INFINITY;
        if (fabs(eigen->diagonal[i]) > largest)
            largest = fabs(eigen->diagonal[i]);
        if (fabs(eigen->next[i]) > largest)
            largest = fabs(eigen->next[i]);
    }
    return largest * DBL_EPSILON;
}

static int diagonalise(struct eigen *eigen)
{
    double tiny = negligible(eigen);

    for (size_t first = 0; first < eigen->size; first++) {
        for (unsigned iteration = 0;; iteration++) {
            size_t last = first;

            while (last + 1 < eigen->size && fabs(eigen->next[last]) > tiny)
                last++;
            if (last == first)
                break;
            if (iteration == EIGEN_ITERATIONS_MAX)
                return -EDOM;
            ql_step(eigen, first, last);
        }
    }
    return 0;
}

static void swap_rows(struct eigen *eigen, size_t i, size_t j)
{
    double value = eigen->diagonal[i];

    eigen->diagonal[i] = eigen->diagonal[j];
    eigen->diagonal[j] = value;
    for (size_t k = 0; k < eigen->size; k++) {
        value = row(eigen, i)[k];
        row(eigen, i)[k] = row(eigen, j)[k];
        row(eigen, j)[k] = value;
    }
}

static void sort_descending(struct eigen *eigen)
{
    for (size_t i = 0; i + 1 < eigen->size; i++) {
        size_t best = i;

        for (size_t j = i + 1; j < eigen->size; j++)
            if (eigen->diagonal[j] > eigen->diagonal[best])
                best = j;
        if (best != i)
            swap_rows(eigen, i, best);
    }
}

void eigen_normalise_sign(double *vector, size_t size)
{
    size_t best = 0;

    for (size_t i = 1; i < size; i++)
        if (fabs(vector[i]) > fabs(vector[best]))
            best = i;
    if (vector[best] < 0.0)
        for (size_t i = 0; i < size; i++)
            vector[i] = -vector[i];
}

static void mirror_lower(struct eigen *eigen)
{
    for (size_t i = 0; i < eigen->size; i++)
        for (size_t j = i + 1; j < eigen->size; j++)
            row(eigen, i)[j] = row(eigen, j)[i];
}

static int solve(struct eigen *eigen)
{
    int r;

    mirror_lower(eigen);
    reduce(eigen);
    if (!isfinite(negligible(eigen)))
        return -EDOM;
    accumulate(eigen);
    r = diagonalise(eigen);
    if (r < 0)
        return r;
    sort_descending(eigen);
    for (size_t i = 0; i < eigen->size; i++)
        eigen_normalise_sign(row(eigen, i), eigen->size);
    return 0;
}

int eigen_symmetric(double *matrix, size_t size, double *ret_values)
{
    CLEANUP_FREE double *vectors = calloc(size > 0 ? 4 * size : 1, sizeof *vectors);
    struct eigen eigen;
    int r;

    if (vectors == NULL)
        return -ENOMEM;
    eigen = (struct eigen){.size = size,
                           .a = matrix,
                           .diagonal = vectors,
                           .next = vectors + size,
                           .scale = vectors + 2 * size,
                           .work = vectors + 3 * size};
    r = solve(&eigen);
    if (r == 0 && size > 0)
        memcpy(ret_values, eigen.diagonal, size * sizeof *ret_values);
    return r;
}
