/* SPDX-License-Identifier: Apache-2.0 */
/* The geometry of convolutions and pools over one to three spatial axes. Internal to the importer. */
#ifndef LAZARET_GUEST_MODEL_LOWER_WINDOW_H
#define LAZARET_GUEST_MODEL_LOWER_WINDOW_H

#include "guest/model/compose.h"

struct window_span { /* along one axis */
    uint32_t kernel, stride, dilation, pad_begin, pad_end, output_pad;
    uint64_t in, out;
};

#define WINDOW_DEPTH 0u /* of 3: the model's axes are the last of them */

struct window {
    uint32_t axes; /* of the model: 1 to 3 */
    uint32_t groups;
    uint64_t batch, channels; /* of the input */
    bool ceil, count_include_pad;
    struct window_span span[3]; /* depth, height, width; an axis that the model has not is 1 long */
};

enum window_auto { WINDOW_NOTSET, WINDOW_VALID, WINDOW_UPPER, WINDOW_LOWER };

/* The input's shape, and strides, dilations and pads. Gives the input as batch x channels x depth x height x width. */
uint32_t window_take(struct compose *compose, struct window *window, uint32_t x);
/* One number of at least `minimum` an axis, where the attribute is there. */
void window_list(struct compose *compose, const struct window *window, const char *name, int64_t minimum,
                 uint32_t *ret_three);
enum window_auto window_auto_pad(struct compose *compose);
/* Splits padding over both ends of an axis: the odd one at the end for SAME_UPPER. */
void window_split_pad(struct window_span *span, uint64_t total, bool upper);
uint64_t window_extent(const struct window_span *span); /* of the window, holes included */
/* The output's sizes, for convolutions and pools, and the padding that gives them. */
void window_measure(struct compose *compose, struct window *window);

/* The graph form's window: of height and width. */
struct graph_window window_form(const struct window *window);
/* batch x channels x depth x height x width with the model's axes alone. */
uint32_t window_give(struct compose *compose, const struct window *window, uint32_t y, uint64_t channels);

/*
 * For a window over depth as well: the planes that each position along the depth's output reads, kernel element by
 * kernel element, as so many channels more of an image: batch·out x channels·kernel x height x width. `planes[i·kernel
 * + k]` says which, or the number of them for zeros.
 */
uint32_t window_unroll(struct compose *compose, const struct window *window, uint32_t x, const int64_t *planes);
/* Back from images batch·out x channels x height x width. */
uint32_t window_roll(struct compose *compose, const struct window *window, uint32_t y, uint64_t channels);

/* Convolution of x by constant weights (OIHW, or with three axes) and a constant bias or GRAPH_NONE, by the
 * attributes of the node at hand. */
uint32_t window_convolve(struct compose *compose, uint32_t x, uint32_t weights, uint32_t bias);

#endif
