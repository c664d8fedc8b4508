/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows of the square attack (Andriushchenko et al. 2020, arXiv:1912.00049): where an image changes at once,
 * and by what shape.
 *
 * An input is `positions` times `channels`. Three axes are an image, its channels first or, where the last axis is
 * the one of at most four and the first is not, last; two axes are an image of one channel. Anything else, tabular
 * data above all, has no neighbourhood: a window is then a random subset of the elements.
 */
#ifndef LAZARET_GUEST_CHECKS_SQUARE_WINDOW_H
#define LAZARET_GUEST_CHECKS_SQUARE_WINDOW_H

#include "guest/checks/random.h"
#include "wire/plan.h"

#include <stddef.h>

struct square_layout {
    bool image;
    size_t height, width, channels;
    size_t position_stride, channel_stride; /* in elements */
};

/* Room for as many positions as the layout has. */
struct square_window {
    size_t count;
    uint32_t *positions;
    float *shape; /* the change at each position; used for finite norms */
};

struct square_layout square_layout_of(const struct plan_contract *contract);

/* Positions of the layout: height × width, or all elements. */
size_t square_positions(const struct square_layout *layout);

/*
 * The share of the positions that changes at a query, of `queries` in all: 0.8, halved after 10, 50, 200, 500, 1000,
 * 2000, 4000, 6000 and 8000 of 10,000 queries, as the paper has it.
 */
double square_share(uint64_t query, uint64_t queries);

/* A random window of that share of the positions. For norm inf the shape is not filled in. */
void square_draw(const struct square_layout *layout, struct random_stream *stream, double share, bool shaped,
                 struct square_window *window);

/* As many windows side by side cover the image at the start of a finite norm's search: window `n`, false beyond. */
bool square_tile(const struct square_layout *layout, struct random_stream *stream, size_t n,
                 struct square_window *window);

#endif
