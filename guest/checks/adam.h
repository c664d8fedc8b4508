/* SPDX-License-Identifier: Apache-2.0 */
/* The Adam optimiser (Kingma and Ba 2015, algorithm 1) in f64 and one fixed order. */
#ifndef LAZARET_GUEST_CHECKS_ADAM_H
#define LAZARET_GUEST_CHECKS_ADAM_H

#include "base/cleanup.h"

#include <stddef.h>

#define ADAM_EPSILON 1e-8

/* State for `count` weights. */
struct adam {
    size_t count;
    double rate, beta1, beta2;
    double power1, power2; /* beta1 and beta2 to the number of steps taken */
    double *moments;       /* count first ones, then count second ones */
};

MUST_USE int adam_open(struct adam *adam, size_t count, double rate, double beta1, double beta2); /* -ENOMEM */
void adam_close(struct adam *adam);

/* As if no step had been taken. */
void adam_reset(struct adam *adam);

/* w −= rate·m̂ / (√v̂ + ADAM_EPSILON) */
void adam_step(struct adam *adam, const double *gradient, double *weights);

#endif
