/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model's weights as its file has them: the floating-point initializers, before anything is folded
 * or made a graph, and which of two models' belong together.
 */
#ifndef LAZARET_GUEST_MODEL_MODEL_WEIGHTS_H
#define LAZARET_GUEST_MODEL_MODEL_WEIGHTS_H

#include "guest/model/model.h"

#define MODEL_WEIGHT_NONE UINT32_MAX

struct model_weight {
    const char *name; /* hostile bytes of the model, not NUL-terminated, never empty */
    size_t name_size;
    uint32_t rank;
    uint64_t dims[GRAPH_RANK_MAX];
    uint64_t elements; /* product of dims; may be 0 */
};

/* Weight `index` of a model, an index out of a pair. */
void model_weight_describe(const struct model *model, uint32_t index, struct model_weight *ret_weight);

/* Its elements, row-major, as f32 (float16 and bfloat16 exactly, float64 rounded). */
MUST_USE int model_weight_values(const struct model *model, uint32_t index, float *ret_values, struct error *err);

/* Weights that belong together; MODEL_WEIGHT_NONE on the side that has none. */
struct model_weight_pair {
    uint32_t weight, reference;
};

/*
 * Pairs the weights of two models: by name; of those left over, the first of each shape with the
 * first of that shape, the second with the second, and so on. In the model's order, then what only
 * the reference has in its order. The caller frees ret_pairs; the array may be empty. -ENOMEM.
 */
MUST_USE int model_weights_match(const struct model *model, const struct model *reference,
                                 struct model_weight_pair **ret_pairs, uint32_t *ret_count, struct error *err);

/* Whether a model has a weight at all. */
bool model_has_weights(const struct model *model);

#endif
