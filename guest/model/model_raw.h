/* SPDX-License-Identifier: Apache-2.0 */
/* The importer without its contract, for tests of single operators: several inputs and outputs, nothing cut. */
#ifndef LAZARET_GUEST_MODEL_MODEL_RAW_H
#define LAZARET_GUEST_MODEL_MODEL_RAW_H

#include "guest/model/model.h"

struct model_raw_input { /* in the order of the graph's inputs; TensorProto bytes, which must outlive the graph */
    const void *tensor;
    size_t size;
    bool computed; /* the tensor gives only its shape; else it is a constant of the graph */
};

/*
 * A graph of all outputs. ret_inputs gets a value index an input, or GRAPH_NONE for a constant;
 * ret_outputs one an output of the model: it may be a constant, where all was folded. Integer
 * outputs come as f32. The graph's batch is 1, its logits the first output, penultimate GRAPH_NONE.
 */
MUST_USE int model_graph_raw(const struct model *model, const struct model_raw_input *inputs, uint32_t input_count,
                             struct graph **ret_graph, uint32_t *ret_inputs, uint32_t *ret_outputs, struct error *err);

/* The elements of a TensorProto as f32, integers converted; *ret_floats is the caller's to free. */
MUST_USE int model_raw_tensor(const void *tensor, size_t size, uint32_t *ret_rank, uint64_t *ret_dims,
                              float **ret_floats, struct error *err);

/* The operator of a model of one node; "" of more. */
#define MODEL_RAW_OPERATOR_MAX 64u
void model_raw_operator(const struct model *model, char ret_name[MODEL_RAW_OPERATOR_MAX]);

uint32_t model_raw_output_count(const struct model *model);

#endif
