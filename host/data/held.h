/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two small sets that are held in memory: the user's triggers, and what the spec says of each element.
 *
 * Samples are in the model's layout, as the test set's. Errors are ERROR_BAD_INPUT with the array or key.
 */
#ifndef LAZARET_HOST_DATA_HELD_H
#define LAZARET_HOST_DATA_HELD_H

#include "host/data/set.h"

struct held_set {
    struct data_set_description shape; /* present, count, rank, dims, elements, min, max */
    float *x;                          /* count × elements; owned */
};

void held_set_free(struct held_set *set);

/* `count` samples to the sink. -EINVAL (ERROR_INTERNAL) beyond the set. */
MUST_USE int held_set_window(const struct held_set *set, uint64_t first, uint64_t count, data_set_sink *sink,
                             void *context, struct error *err);

/*
 * A file with `x` (K patterns, shaped as the test set's samples) and `mask` (likewise, or K×H×W or K×1×H×W, then for
 * all channels; in [0, 1]), in the layout of the data: 2K samples, each pattern followed by its mask.
 */
MUST_USE int held_set_read_triggers(const struct source_files *files, const struct spec *spec,
                                    const struct data_set_description *test, struct held_set *ret_set,
                                    struct error *err);

/*
 * The samples of enum data_feature for inputs shaped as the test set's. `arrays`, by enum data_array, are the .npy
 * files that the spec names, of `sizes` bytes: one number an element, or a pixel for all channels, in the data's
 * layout.
 */
MUST_USE int held_set_make_features(const struct spec *spec, const struct data_set_description *test,
                                    const uint8_t *const arrays[DATA_ARRAY_COUNT], const size_t sizes[DATA_ARRAY_COUNT],
                                    struct held_set *ret_set, struct error *err);

#endif
