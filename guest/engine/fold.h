/* SPDX-License-Identifier: Apache-2.0 */
/* Folding: batch normalisations put into the weights before them, once for a graph. */
#ifndef LAZARET_GUEST_ENGINE_FOLD_H
#define LAZARET_GUEST_ENGINE_FOLD_H

#include "base/error.h"
#include "guest/model/graph.h"

/*
 * Takes away every BatchNormalization whose input is the output of a Conv, a ConvTranspose or a Gemm (alpha
 * and beta 1, A not transposed, a bias of one row or none), all constant, that nothing else reads and that
 * is neither the logits nor `layer` (or GRAPH_NONE). With s = scale / sqrt(variance + epsilon), in double,
 *     weight' = weight·s,    bias' = (bias − mean)·s + shift
 * are worked out in double and rounded to float once. New constants are the graph's own. A graph that is not
 * what its operators will require is left alone, for them to refuse. ERROR_UNAVAILABLE, -ENOMEM.
 */
MUST_USE int fold_norms(struct graph *graph, uint32_t layer, struct error *err);

#endif
