/* SPDX-License-Identifier: Apache-2.0 */
/* 3×3 convolutions of stride 1 by Winograd's minimal filtering. */
#ifndef LAZARET_GUEST_ENGINE_KERNELS_WINOGRAD_H
#define LAZARET_GUEST_ENGINE_KERNELS_WINOGRAD_H

#include "internal.h"

/* One pass: a correlation of `in` planes with 3×3 kernels, the backward one with them turned. */
struct winograd_pass {
    unsigned edge; /* of an output tile: 2 or 4 */
    size_t batch;
    size_t in, in_height, in_width;
    size_t out, out_height, out_width;
    ptrdiff_t first_row, first_column; /* the source element of output (0, 0)'s first tap */
};

/* False where the direct method is to be used. The shape has been checked. */
bool winograd_set_forward(const struct kernel_conv *conv, struct winograd_pass *ret_pass);
bool winograd_set_backward(const struct kernel_conv *conv, struct winograd_pass *ret_pass);

/* Floats, for vectors of so many lanes. */
size_t winograd_packed_size(const struct winograd_pass *pass, unsigned lanes);
void winograd_pack(const struct kernels *kernels, const struct winograd_pass *pass, const float *weights, bool backward,
                   float *ret_packed);

/* U of one output and one input channel: (edge + 2)² points. */
void winograd_transform(const struct winograd_pass *pass, const float *weights, bool backward, size_t o, size_t c,
                        float ret_points[WINOGRAD_POINTS_MAX]);

/* Floats; SIZE_MAX where there can't be as many. */
size_t winograd_scratch(const struct kernels *kernels, const struct winograd_pass *pass);

/* -ENOMEM. */
MUST_USE int winograd_run(struct kernels *kernels, const struct winograd_pass *pass, const float *source,
                          const float *packed, const struct kernel_finish *finish, float *ret_result);

#endif
