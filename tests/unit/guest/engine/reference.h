/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain evaluator of graphs in double, one element at a time by its definition, sharing no code with
 * the engine: what operators are tested against, and what central differences are taken of.
 */
#ifndef LAZARET_TESTS_ENGINE_REFERENCE_H
#define LAZARET_TESTS_ENGINE_REFERENCE_H

#include "guest/model/graph.h"

/* The logits of the graph for a whole batch of inputs; the caller frees them. */
double *reference_logits(const struct graph *graph, const double *x);

/* sum over logits of weight·logit, and its gradient by central differences of step h. */
void reference_gradient(const struct graph *graph, const double *x, const double *weights, double h,
                        double *ret_gradient);

/* The same at every stride-th element only. */
void reference_gradient_some(const struct graph *graph, const double *x, const double *weights, double h,
                             size_t stride, double *ret_gradient);

#endif
