/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor: runs a graph forward, and backward from its logits to its input.
 *
 * The gradient of a value that several nodes read is the sum of theirs, added in the order of the
 * nodes from last to first, and of one node's inputs from first to last. Only values that depend on the
 * input have a gradient.
 */
#ifndef LAZARET_GUEST_ENGINE_EXECUTOR_H
#define LAZARET_GUEST_ENGINE_EXECUTOR_H

#include "base/error.h"
#include "guest/engine/kernels/kernels.h"
#include "guest/model/graph.h"

struct executor_options {
    struct kernels *kernels;   /* borrowed */
    const struct graph *graph; /* borrowed */
    uint32_t layer;            /* a computed value kept beside the logits; GRAPH_NONE for none */
    bool gradient;             /* executor_backward will be used */
    uint64_t memory_max;       /* bytes that the executor may hold; 0: no limit */
    bool unfused;              /* each node by itself: for comparisons; the bits are the same */
};

struct executor;

/*
 * Checks the graph, prepares its nodes (packs weights) and allocates all memory that runs will use.
 * ERROR_BAD_INPUT for a graph that is not well formed, ERROR_UNAVAILABLE, -ENOMEM where memory doesn't suffice;
 * a plan beyond memory_max is refused, with its figure, before the activations' memory is asked for.
 */
MUST_USE int executor_create(const struct executor_options *options, struct executor **ret_executor, struct error *err);
void executor_free(struct executor *executor);

/* Bytes held. */
uint64_t executor_memory(const struct executor *executor);

/* Whether a run may be for fewer samples than the graph's batch (samples_are_independent). */
bool executor_takes_fewer(const struct executor *executor);

enum executor_pass {
    EXECUTOR_FORWARD,  /* keeps logits and the layer */
    EXECUTOR_GRADIENT, /* keeps logits and what executor_backward needs */
};

/* Where the input of the next run of this kind is to be written: batch × sample, row-major. */
float *executor_input(struct executor *executor, enum executor_pass pass);

/* Runs the first `samples` of the batch forward. */
MUST_USE int executor_forward(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err);

/*
 * The same in two parts, between which a device (kernels_attach) computes and the next run's input may be written and
 * sent there: executor_stage(), where executor_stages() says so. Without a device the first part does it all.
 */
MUST_USE int executor_start(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err);
MUST_USE int executor_finish(struct executor *executor, enum executor_pass pass, struct error *err);
bool executor_stages(const struct executor *executor);
MUST_USE int executor_stage(struct executor *executor, size_t samples, struct error *err);

/* After a forward pass: the logits or the layer, until the next run. */
const float *executor_logits(const struct executor *executor, enum executor_pass pass);
const float *executor_layer(const struct executor *executor);

/* After a forward pass of the kind EXECUTOR_GRADIENT: where dL/dlogits is to be written. */
float *executor_logits_gradient(struct executor *executor);

/* Runs backward for the samples of the forward pass; points at dL/dinput, good until the next run. */
MUST_USE int executor_backward(struct executor *executor, const float **ret_gradient, struct error *err);

/* The same in two parts likewise. */
MUST_USE int executor_backward_start(struct executor *executor, struct error *err);
MUST_USE int executor_backward_finish(struct executor *executor, const float **ret_gradient, struct error *err);

/*
 * Where executor_stages(): dL/dlogits is worked out on the device, as loss_gradient() does it, between executor_start()
 * and executor_backward_start(), of `labels`, which have been checked, or NULL for the predictions; those come when the
 * backward pass has been finished.
 */
MUST_USE int executor_loss(struct executor *executor, const int32_t *labels, struct error *err);
MUST_USE int executor_predictions(struct executor *executor, size_t samples, int32_t *ret_predictions,
                                  struct error *err);

#endif
