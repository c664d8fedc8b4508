/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient of a vector's graph against central differences of its evaluation in double. */
#ifndef LAZARET_TESTS_MODEL_VECTOR_GRADIENT_H
#define LAZARET_TESTS_MODEL_VECTOR_GRADIENT_H

#include "guest/engine/kernels/kernels.h"
#include "guest/model/graph.h"

/*
 * The largest difference, relative to the largest element of the gradient or 1, over some elements of the input x,
 * of a weighted sum of the graph's logits. Elements at a kink, where differences of two steps disagree, are left
 * out. Negative for a graph that is too large, or that has no gradient here.
 */
double vector_gradient_error(struct kernels *kernels, const struct graph *graph, const float *x);

#endif
