/* SPDX-License-Identifier: Apache-2.0 */
/*
 * P(Dₙ < d): Durbin's matrix as Marsaglia, Tsang and Wang compute it (2003, Journal of Statistical
 * Software 8, 18), Pomeranz's recursion (1974, Communications of the ACM 17, 12), and Pelz's and
 * Good's expansion (1976, Journal of the Royal Statistical Society B 38).
 */
#include "guest/checks/ks_internal.h"
#include "guest/checks/real.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCALE          0x1p128 /* what numbers are divided by when they grow too large, and times when too small */
#define SCALE_EXPONENT 128

/* --- Durbin ------------------------------------------------------------------------------------------- */

/* A square matrix of numbers × 2^exponent. */
struct matrix {
    size_t side;
    double *cells;
    int exponent;
};

/* nd = k − h with k whole and 0 ≤ h < 1; the matrix has 2k − 1 rows. First column and last row are the edges' own. */
static void fill_durbin(struct matrix *matrix, double h)
{
    size_t m = matrix->side;
    double inverse = 1.0, power = h; /* 1/i!, h^i */
    double corner = 2.0 * h - 1.0 > 0.0 ? real_power(2.0 * h - 1.0, m) : 0.0;

    memset(matrix->cells, 0, m * m * sizeof *matrix->cells);
    for (size_t i = 1; i <= m; i++) {
        double edge;

        for (size_t row = i - 1; row + 1 < m; row++) /* a diagonal of 1/(i − 1)!, the first the one above the main */
            if (row + 2 - i < m)
                matrix->cells[row * m + (row + 2 - i)] = inverse;
        inverse /= (double)i;
        edge = (1.0 - power) * inverse;
        power *= h;
        matrix->cells[(i - 1) * m] = edge;
        matrix->cells[(m - 1) * m + (m - i)] = edge;
    }
    matrix->cells[(m - 1) * m] = (1.0 - 2.0 * real_power(h, m) + corner) * inverse;
}

/* target = a·b; rows of a. */
static void multiply(const double *a, size_t rows, const double *b, size_t side, double *restrict target)
{
    memset(target, 0, rows * side * sizeof *target);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < side; k++) {
            double factor = a[i * side + k];
            const double *from = b + k * side;

            for (size_t j = 0; j < side; j++)
                target[i * side + j] += factor * from[j];
        }
}

static void rescale(double *cells, size_t count, double pivot, int *exponent)
{
    if (pivot <= SCALE)
        return;
    for (size_t i = 0; i < count; i++)
        cells[i] /= SCALE;
    *exponent += SCALE_EXPONENT;
}

/* Row k − 1 of matrixⁿ, by the binary digits of n: row·H^(2^i) for each. Returns its middle element. */
static double power_row(struct matrix *matrix, double *row, double *work, uint64_t n, int *ret_exponent)
{
    size_t side = matrix->side, middle = side / 2;
    int exponent = 0;

    for (size_t j = 0; j < side; j++)
        row[j] = j == middle ? 1.0 : 0.0;
    for (;;) {
        if ((n & 1u) != 0) {
            multiply(row, 1, matrix->cells, side, work);
            memcpy(row, work, side * sizeof *row);
            exponent += matrix->exponent;
            rescale(row, side, row[middle], &exponent);
        }
        n >>= 1;
        if (n == 0)
            break;
        multiply(matrix->cells, side, matrix->cells, side, work);
        memcpy(matrix->cells, work, side * side * sizeof *work);
        matrix->exponent *= 2;
        rescale(matrix->cells, side * side, matrix->cells[middle * side + middle], &matrix->exponent);
    }
    *ret_exponent = exponent;
    return row[middle];
}

int ks_durbin(uint64_t n, double d, double *ret_p)
{
    double t = (double)n * d, k = ceil(t), p;
    size_t side = 2 * (size_t)k - 1;
    CLEANUP_FREE double *cells = calloc(2 * side * side + side, sizeof *cells);
    struct matrix matrix = {.side = side, .cells = cells};
    int exponent;

    if (cells == NULL)
        return -ENOMEM;
    fill_durbin(&matrix, k - t);
    p = power_row(&matrix, cells + 2 * side * side, cells + side * side, n, &exponent);
    for (uint64_t i = 1; i <= n; i++) { /* n!/nⁿ */
        p = p * (double)i / (double)n;
        if (p < 1.0 / SCALE) {
            p *= SCALE;
            exponent -= SCALE_EXPONENT;
        }
    }
    *ret_p = ldexp(p, exponent);
    return 0;
}

/* --- Pomeranz ----------------------------------------------------------------------------------------- */

/* t = nd = whole + part; g is the part's distance from the nearest whole number. */
struct pomeranz {
    int64_t n, whole;
    double part, g;
};

/*
 * A₁ = 0, A₂ = g, A₃ = 1 − g, A₄ = 1 + g, …, A_{2n+2} = n. ⌊Aᵢ − t⌋ and ⌈Aᵢ + t⌉ in whole numbers, as
 * what is left of Aᵢ ∓ t beside them is known: a column j of row i counts where it is from
 * ⌊Aᵢ − t⌋ + 2 to ⌈Aᵢ + t⌉.
 */
static void columns_of(const struct pomeranz *p, int64_t i, int64_t *ret_first, int64_t *ret_last)
{
    int64_t q = i / 2, below, above;
    bool late = p->part > 0.5, broken = p->part > 0.0;

    if (i == 1 || i == 2 * p->n + 2) {
        q = i == 1 ? 0 : p->n;
        below = q - p->whole - broken;
        above = q + p->whole + broken;
    } else if (i % 2 == 0) { /* q − 1 + g */
        below = q - 1 - p->whole - late;
        above = q - 1 + p->whole + broken;
    } else { /* q − g */
        below = q - 1 - p->whole + (broken ? 0 : 1);
        above = q + p->whole + late;
    }
    *ret_first = below + 2 > 1 ? below + 2 : 1;
    *ret_last = above < p->n + 1 ? above : p->n + 1;
}

#define POMERANZ_COLUMNS (KS_POMERANZ_MAX + 2u)

/* (w/n)^m / m! */
static void fill_powers(double w, int64_t n, double ret_powers[POMERANZ_COLUMNS])
{
    ret_powers[0] = 1.0;
    for (unsigned m = 1; m < POMERANZ_COLUMNS; m++)
        ret_powers[m] = ret_powers[m - 1] * (w / (double)n) / (double)m;
}

/* Row i from row i − 1: a convolution with the powers of Aᵢ − Aᵢ₋₁. */
static void next_row(const struct pomeranz *p, int64_t i, const double powers[POMERANZ_COLUMNS],
                     const double before[POMERANZ_COLUMNS], double ret_now[POMERANZ_COLUMNS])
{
    int64_t first, last, before_first, before_last;

    columns_of(p, i - 1, &before_first, &before_last);
    columns_of(p, i, &first, &last);
    memset(ret_now, 0, POMERANZ_COLUMNS * sizeof *ret_now);
    for (int64_t j = first; j <= last; j++)
        for (int64_t k = before_first; k <= before_last && k <= j; k++)
            ret_now[j] += before[k] * powers[j - k];
}

double ks_pomeranz(uint64_t n, double d)
{
    double t = (double)n * d, whole = floor(t), rows[2][POMERANZ_COLUMNS] = {{0.0}}, p;
    double edge[POMERANZ_COLUMNS], odd[POMERANZ_COLUMNS], even[POMERANZ_COLUMNS];
    struct pomeranz recursion = {.n = (int64_t)n, .whole = (int64_t)whole, .part = t - whole};

    recursion.g = recursion.part < 0.5 ? recursion.part : 1.0 - recursion.part;
    fill_powers(recursion.g, recursion.n, edge);
    fill_powers(2.0 * recursion.g, recursion.n, even);
    fill_powers(1.0 - 2.0 * recursion.g, recursion.n, odd);
    rows[1][1] = 1.0;
    for (int64_t i = 2; i <= 2 * recursion.n + 2; i++)
        next_row(&recursion, i,
                 i == 2 || i == 2 * recursion.n + 2 ? edge
                 : i % 2 == 0                       ? even
                                                    : odd,
                 rows[(i - 1) % 2], rows[i % 2]);
    p = rows[0][n + 1];
    for (uint64_t i = 1; i <= n; i++)
        p *= (double)i;
    return p;
}

/* --- Pelz and Good --------------------------------------------------------------------------------------- */

#define SQRT_2PI 2.50662827463100050242

/* Σ over odd m of e^(−π²m²/8z²) × 1, m², m⁴, m⁶; and over all k of e^(−π²k²/2z²) × k², k⁴. */
struct theta_sums {
    double odd[4], all[2];
};

static void sum_thetas(double z, struct theta_sums *ret_sums)
{
    double decay = -REAL_PI * REAL_PI / (8.0 * z * z), last = ceil(16.0 * z / REAL_PI);

    *ret_sums = (struct theta_sums){{0.0}, {0.0}};
    for (double k = last; k >= 1.0; k -= 1.0) { /* the small terms first */
        double m2 = (2.0 * k - 1.0) * (2.0 * k - 1.0), k2 = k * k;
        double odd = real_exp(decay * m2), all = real_exp(4.0 * decay * k2);

        for (unsigned i = 0; i < 4; i++, odd *= m2)
            ret_sums->odd[i] += odd;
        for (unsigned i = 0; i < 2; i++)
            ret_sums->all[i] += all *= k2;
    }
}

/* K₀ + K₁/√n + K₂/n + K₃/n^1.5 at z = d√n. */
double ks_pelz_good(uint64_t n, double d)
{
    double size = (double)n, root = sqrt(size), z = root * d, z2 = z * z, z4 = z2 * z2, z6 = z4 * z2, z8 = z4 * z4;
    double pi2 = REAL_PI * REAL_PI, pi4 = pi2 * pi2, pi6 = pi4 * pi2, k0, k1, k2, k3;
    struct theta_sums s;

    if (-pi2 / (8.0 * z2) < -708.0)
        return 0.0;
    sum_thetas(z, &s);
    k0 = SQRT_2PI / z * s.odd[0];
    k1 = SQRT_2PI / (6.0 * z4) * (pi2 / 4.0 * s.odd[1] - z2 * s.odd[0]);
    k2 = SQRT_2PI / (72.0 * z6 * z) *
         ((6.0 * z6 + 2.0 * z4) * s.odd[0] + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * s.odd[1] +
          (1.0 - 2.0 * z2) * pi4 / 16.0 * s.odd[2]);
    k2 -= SQRT_2PI * pi2 / (36.0 * z2 * z) * s.all[0];
    k3 = SQRT_2PI / (6480.0 * z8 * z2) *
         ((-30.0 * z6 - 90.0 * z8) * s.odd[0] + (135.0 * z4 - 96.0 * z6) * pi2 / 4.0 * s.odd[1] +
          (212.0 * z4 - 60.0 * z2) * pi4 / 16.0 * s.odd[2] + (5.0 - 30.0 * z2) * pi6 / 64.0 * s.odd[3]);
    k3 += SQRT_2PI * pi2 / (216.0 * z6) * (3.0 * z2 * s.all[0] - pi2 * s.all[1]);
    return k0 + k1 / root + k2 / size + k3 / (size * root);
}
