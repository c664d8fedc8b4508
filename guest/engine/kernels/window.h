/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The geometry of a convolution, in a form in which forward and backward, stride, dilation and
 * padding are all the same: a grid of outputs that walks over planes one element at a time.
 *
 * Theory of operation. Along one axis, output i adds, for its taps t in order, the source at
 * i·step + t·dilation - padding. Elements that are `step` apart are stored side by side: coordinate
 * u goes to slot u mod step, index u / step. Then tap t is at a fixed distance from output i, and
 * neighbouring outputs read neighbouring elements. Padding is stored as zeros.
 *
 * The gradient with respect to the input falls into phases: dx rows that leave the same remainder by
 * the stride meet the same kernel rows (those with (row + padding - tap·dilation) divisible by the
 * stride), and read dy at a step of one, backwards. Each phase is a window of its own.
 */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_WINDOW_H
#define LAZARET_GUEST_ENGINE_KERNELS_WINDOW_H

#include "kernels.h"

struct window_axis {
    size_t outputs;             /* positions along this axis */
    size_t out_first, out_step; /* position i is element out_first + i·out_step of the result */
    size_t taps;                /* 0: the sum is empty */
    size_t tap_first, tap_step; /* tap t is kernel element tap_first + t·tap_step */
    size_t source_size;         /* of the tensor that is read */
    size_t step, dilation;      /* forward: stride and dilation; backward: 1, and of the taps left */
    size_t slots, length;       /* as stored: slots × length elements */
    ptrdiff_t origin;           /* element 0 of slot 0 is this source coordinate */
    bool backward;              /* taps walk downwards */
};

struct window {
    struct window_axis row, column;
    size_t source_channels; /* of all groups */
    size_t group_channels;  /* read, of one group */
    size_t terms;           /* group_channels × row.taps × column.taps */
    size_t pitch, plane;    /* as stored: floats of a line and of a channel */
    bool copied;            /* false: the tensor itself is read, as it lies */
    ptrdiff_t start;        /* where not copied: of the first element read, in floats */
};

/* 0, or -EINVAL where the shape makes no sense or a size is over the limits. */
MUST_USE int window_check_conv(const struct kernel_conv *conv);

/* The forward window; phases of the backward one. The shape has been checked. */
void window_set_forward(const struct kernel_conv *conv, struct window *ret_window);
void window_set_backward(const struct kernel_conv *conv, size_t row_phase, size_t column_phase,
                         struct window *ret_window);
size_t window_row_phases(const struct kernel_conv *conv);
size_t window_column_phases(const struct kernel_conv *conv);

/* Stores are needed where `copied` is forced or unavoidable. -EOVERFLOW where offsets don't fit. */
MUST_USE int window_lay_out(struct window *window, bool force_copy);

/* The place of each term, from a position's first element: channel, row and column ascending. */
void window_offsets(const struct window *window, uint32_t *ret_offsets);

/* One channel of the tensor as stored. `padded`: the plane's padding is there from a copy before. */
void window_copy_plane(const struct window *window, const float *source, bool padded, float *ret_plane);

#endif
