/* SPDX-License-Identifier: Apache-2.0 */
/* Turns one image from the data set's layout and channel order into the model's. */
#ifndef LAZARET_HOST_DATA_ARRANGE_H
#define LAZARET_HOST_DATA_ARRANGE_H

#include "host/data/spec.h"

/* Whether samples are not already as the model takes them. */
bool arrange_is_needed(const struct spec_arrangement *how);

/* Whether samples lie as H×W×C in the file, where the model takes `layout`. */
bool arrange_file_is_nhwc(const struct spec_arrangement *how, enum data_layout layout);

/* Puts the three dimensions of the file's samples in the model's order; without a change of layout, does nothing. */
void arrange_dims(const struct spec_arrangement *how, const uint64_t *file_dims, uint64_t *dims);

/* One sample of the file's three dimensions. The two arrays don't overlap. */
void arrange_sample(const struct spec_arrangement *how, enum data_layout layout, const uint64_t *file_dims,
                    const float *from, float *ret_to);

#endif
