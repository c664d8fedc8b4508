/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network ready to run: what checks use. Logits, gradients with respect to the input, and the
 * activations of one layer, for any number of inputs; the batch it works in never changes a bit.
 */
#ifndef LAZARET_GUEST_ENGINE_NETWORK_H
#define LAZARET_GUEST_ENGINE_NETWORK_H

#include "base/error.h"
#include "guest/engine/kernels/kernels.h"
#include "guest/model/model.h"

struct network_options {
    struct kernels *kernels;              /* borrowed */
    const struct model *model;            /* borrowed */
    const struct model_contract *contract; /* borrowed */
    uint32_t batch;                       /* inputs computed together; lowered where the model's is fixed */
    const float *scale, *offset;          /* a channel of the sample's first axis: x' = x·scale + offset, inside
                                             the graph, so that gradients are in the input's own units; or NULL */
    const char *layer;                    /* for network_activations; NULL or "": the penultimate layer */
    bool forward_only;                    /* network_gradient won't be used: less memory */
};

struct network;

MUST_USE int network_create(const struct network_options *options, struct network **ret_network,
                            struct error *err);
void network_free(struct network *network);

size_t network_input_size(const struct network *network); /* floats of one input */
size_t network_classes(const struct network *network);    /* 1 for a single sigmoid output: binary, 2 classes */
size_t network_layer_size(const struct network *network); /* floats of one input's activations */
const char *network_layer_name(const struct network *network);
uint32_t network_batch(const struct network *network);    /* inputs computed together, as it was settled */
uint64_t network_memory(const struct network *network);   /* bytes held, known before the first run */

/* logits[count × classes] of x[count × input size]. */
MUST_USE int network_logits(struct network *network, const float *x, size_t count, float *ret_logits,
                            struct error *err);

/* The activations [count × layer size] of the chosen layer; logits as well unless NULL. */
MUST_USE int network_activations(struct network *network, const float *x, size_t count, float *ret_activations,
                                 float *ret_logits, struct error *err);

/*
 * The gradient [count × input size] of each input's own cross-entropy loss (not a mean) with respect to
 * that input. labels[count], or NULL: the model's own predictions, written to ret_predictions unless NULL
 * (first maximum wins). dL/dlogit_y is computed as -sum of the other probabilities in ascending order
 * (the stable form), so that saturated inputs keep their gradient.
 */
MUST_USE int network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels,
                              float *ret_gradient, int32_t *ret_predictions, struct error *err);

/* The first index of the largest of `classes` logits; for one logit, logit > 0. */
int32_t network_argmax(const float *logits, size_t classes);

#endif
