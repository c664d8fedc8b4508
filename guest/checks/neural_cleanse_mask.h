/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trigger that neural-cleanse looks for: a mask over rows and columns, and a pattern.
 *
 * Both are functions of weights w without bounds: mask = (tanh(w) + 1)/2; pattern = low + (high − low)·(tanh(w) + 1)/2.
 * A triggered input is x' = x·(1 − mask) + pattern·mask, worked out in f64 and rounded to f32 once. All weights start
 * at 0.
 */
#ifndef LAZARET_GUEST_CHECKS_NEURAL_CLEANSE_MASK_H
#define LAZARET_GUEST_CHECKS_NEURAL_CLEANSE_MASK_H

#include "guest/checks/adam.h"
#include "guest/checks/kept.h"

struct cleanse_mask {
    struct kept_shape shape;
    double low, high;
    size_t area, size; /* elements of the mask and of the pattern */
    double *weights;   /* area + size: the mask's, then the pattern's by element of an input */
    double *values;    /* area + size: mask and pattern */
    double *gradient;  /* area + size: of the sum of the samples' losses, by values */
    uint32_t *cells;   /* size: the mask's element over each */
    struct adam adam;
};

MUST_USE int cleanse_mask_open(struct cleanse_mask *mask, const struct kept_shape *shape, double low, double high,
                               double rate);
void cleanse_mask_close(struct cleanse_mask *mask);

/* Back to the start. */
void cleanse_mask_reset(struct cleanse_mask *mask);

/* The L1 norm of the mask. */
double cleanse_mask_norm(const struct cleanse_mask *mask);

/* Puts the trigger whose mask and pattern are `values` (area + size) on an input. */
void cleanse_mask_apply(const struct cleanse_mask *mask, const double *values, const float *x, float *ret_x);

/* Adds one sample's loss gradient [size], taken at x' of `x`. */
void cleanse_mask_add(struct cleanse_mask *mask, const float *x, const float *gradient);

/* One step down the mean loss of `count` added samples plus cost times the mask's norm; forgets what was added. */
void cleanse_mask_step(struct cleanse_mask *mask, uint32_t count, double cost);

/* The smallest box that holds every element of `values`' mask of at least a half of the largest. */
struct cleanse_box {
    uint32_t row, col, height, width;
    double largest;
};
void cleanse_mask_box(const struct cleanse_mask *mask, const double *values, struct cleanse_box *ret_box);

#endif
