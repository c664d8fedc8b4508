/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model as it arrived, read once; graphs for a batch size are made from it.
 *
 * The bytes are hostile. They stay where they are (a read-only map) and the model points into them,
 * so they must outlive it, and its graphs. Formats are recognised by content; ONNX it is so far.
 *
 * Weights and the input may be float32, float16, bfloat16 (exactly converted) or float64 (rounded to f32); all is
 * computed in f32, integers that depend on the input too, where f32 holds them exactly. Limits are named in limits.h.
 * Messages show names from the model escaped and cut (printable.h). -ENOMEM is ERROR_UNAVAILABLE.
 */
#ifndef LAZARET_GUEST_MODEL_MODEL_H
#define LAZARET_GUEST_MODEL_MODEL_H

#include "base/error.h"
#include "guest/model/graph.h"

/* What the host's input contract says of the model's interface; empty strings mean "the only one". */
struct model_contract {
    char input[128];
    char output[128];
    uint32_t sample_rank; /* of one input, without the batch: 3 for CHW */
    uint64_t sample_dims[GRAPH_RANK_MAX];
};

struct model;

/*
 * Reads and checks the whole file: structure, limits, names, operators, cycles. ERROR_BAD_INPUT names
 * the place, by byte offset or node; ERROR_UNAVAILABLE what is valid ONNX and not supported: an operator,
 * a domain, an operator set, data in other files. Memory is bounded by counts, never by the file's size.
 */
MUST_USE int model_open(const void *data, size_t size, struct model **ret_model, struct error *err);
void model_free(struct model *model);

/*
 * A graph for `batch` inputs of the contract's shape. ERROR_BAD_INPUT where shapes don't fit (says
 * which, and the model's own), where the batch is fixed to another number (see model_fixed_batch), or
 * where the output is not batch × classes (trailing ones are dropped). ERROR_UNAVAILABLE names the node
 * that asks for what is not supported: shapes that depend on the input's data, integers that may pass 2^24,
 * computed weights of convolutions.
 */
MUST_USE int model_graph(const struct model *model, const struct model_contract *contract, uint32_t batch,
                         struct graph **ret_graph, struct error *err);

struct model_memory {   /* bytes */
    uint64_t constants; /* weights, as f32 */
    uint64_t computed;  /* every value of one forward pass, the input too */
};

/*
 * What model_graph would hold, worked out from shapes alone, so that a model too large for this
 * machine is refused before anything of its size is allocated. Errors as model_graph.
 */
MUST_USE int model_measure(const struct model *model, const struct model_contract *contract, uint32_t batch,
                           struct model_memory *ret_memory, struct error *err);

/* The batch that the model insists on, or 0 where any will do. */
uint32_t model_fixed_batch(const struct model *model, const struct model_contract *contract);

#endif
