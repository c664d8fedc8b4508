/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Kolmogorov-Smirnov test share. */
#ifndef LAZARET_GUEST_CHECKS_KS_INTERNAL_H
#define LAZARET_GUEST_CHECKS_KS_INTERNAL_H

#include "guest/checks/ks.h"

/* Sizes of two samples and the distance of their distribution functions, all in whole numbers. */
struct ks_gap {
    uint64_t larger, smaller; /* sizes of the samples, m ≥ n */
    uint64_t divisor;         /* greatest common, of both */
    uint64_t steps;           /* the distance in steps of 1/lcm(m, n) */
};

/*
 * The exact p. -ERANGE where SciPy's exact method gives up (counts of paths beyond a double, a least
 * common multiple beyond 2³¹ where KS_EXACT was asked for by name) or KS_CELLS_MAX is passed; -ENOMEM.
 */
MUST_USE int ks_exact(const struct ks_gap *gap, enum ks_alternative alternative, double *ret_p);

/* P(Dₙ < d) for n values, each where Simard and L'Ecuyer use it. */
MUST_USE int ks_durbin(uint64_t n, double d, double *ret_p); /* -ENOMEM */
double ks_pomeranz(uint64_t n, double d);                    /* n ≤ KS_POMERANZ_MAX */
double ks_pelz_good(uint64_t n, double d);

#define KS_POMERANZ_MAX 140u

#endif
