/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fusion: nodes whose work another node does as it writes its result.
 *
 * A convolution takes an Add of a value that is there before it, and a Relu; Gemm and Add take a Relu; where
 * nothing else reads what lies between. The graph stays as it is. Each step is the operator's own on the same
 * numbers (an addition rounded once, a maximum), so that no bit changes.
 */
#ifndef LAZARET_GUEST_ENGINE_FUSION_H
#define LAZARET_GUEST_ENGINE_FUSION_H

#include "base/error.h"
#include "guest/model/graph.h"

struct fusion_node {
    uint32_t runs_in; /* the node that does this one's work: itself, or an earlier one */
    /* of a node that runs: */
    uint32_t result; /* the value it writes: its own output, or that of the last node it does */
    uint32_t addend; /* a value added to its output, or GRAPH_NONE */
    bool relu;
};

/* An entry a node; freed by the caller. `layer` (or GRAPH_NONE) stays a value. NULL without memory. */
struct fusion_node *fusion_plan(const struct graph *graph, uint32_t layer);

/* Every node on its own. */
struct fusion_node *fusion_none(const struct graph *graph);

#endif
