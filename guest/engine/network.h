/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network ready to run: what checks use. Logits, gradients with respect to the input, and the
 * activations of one layer, for any number of inputs; the batch it works in never changes a bit.
 *
 * Inputs go through in batches of network_batch; the last run computes only what is left. A model
 * whose inputs can't be shown to be independent of each other (one that reduces over the batch, say)
 * is run one input at a time; if it insists on a larger batch, it is refused. All memory is allocated
 * by network_create; runs allocate nothing but what kernels.h says. One thread at a time.
 */
#ifndef LAZARET_GUEST_ENGINE_NETWORK_H
#define LAZARET_GUEST_ENGINE_NETWORK_H

#include "base/error.h"
#include "guest/engine/kernels/kernels.h"
#include "guest/model/model.h"

struct network_options {
    struct kernels *kernels;               /* borrowed */
    const struct model *model;             /* borrowed */
    const struct model_contract *contract; /* borrowed */
    uint32_t batch;                        /* inputs computed together; lowered where the model's is fixed */
    const float *scale, *offset;           /* a channel of the sample's first axis: x' = x·scale + offset, inside
                                              the graph, so that gradients are in the input's own units; or NULL */
    const char *layer;                     /* for network_activations; NULL or "": the penultimate layer, or the
                                              logits of a model without a dense last layer */
    bool forward_only;                     /* network_gradient won't be used: less memory */
};

struct network;

/*
 * ERROR_BAD_INPUT for a model that doesn't fit the contract or contradicts itself and for an unknown
 * layer (the message names some), ERROR_UNAVAILABLE for what is not supported and where memory does not
 * suffice (-ENOMEM). Names in messages are the model's, made printable and cut.
 */
MUST_USE int network_create(const struct network_options *options, struct network **ret_network, struct error *err);
void network_free(struct network *network);

size_t network_input_size(const struct network *network);      /* floats of one input */
size_t network_classes(const struct network *network);         /* 1 for a single sigmoid output: binary, 2 classes */
size_t network_layer_size(const struct network *network);      /* floats of one input's activations */
const char *network_layer_name(const struct network *network); /* the model's own text: hostile */
uint32_t network_batch(const struct network *network);         /* inputs computed together, as it was settled */

/*
 * Whether network_gradient may be called: the network was not made forward_only, and every operator on the way from
 * input to logits has a gradient. A model with one that has none (decision trees) is made for forward passes alone.
 */
bool network_has_gradient(const struct network *network);

uint64_t network_memory(const struct network *network); /* bytes held, known before the first run */

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
 * (the stable form), so that saturated inputs keep their gradient (loss.h has the order of sums). A
 * label that is not a class is ERROR_BAD_INPUT; labels of a single logit are 0 and 1. After an error the
 * outputs may hold the results of the batches before.
 */
MUST_USE int network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels,
                              float *ret_gradient, int32_t *ret_predictions, struct error *err);

/* The first index of the largest of `classes` logits, NaN never being it (all NaN: 0); for one logit, logit > 0. */
int32_t network_argmax(const float *logits, size_t classes);

#endif
