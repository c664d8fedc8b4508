/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the evaluator in double share. */
#ifndef LAZARET_TESTS_ENGINE_REFERENCE_OPS_H
#define LAZARET_TESTS_ENGINE_REFERENCE_OPS_H

#include "reference.h"

struct reference_tensor {
    const struct graph_value *shape;
    double *data;
};

void reference_unravel(const struct graph_value *shape, size_t i, size_t *ret_index);
size_t reference_ravel(const struct graph_value *shape, const size_t *index);
double reference_broadcast(const struct reference_tensor *t, const struct graph_value *shape, const size_t *index);

/* Element i of functions, choices, reductions along an axis and what picks. */
double reference_more(const struct graph_node *node, const struct reference_tensor *in, const struct graph_value *y,
                      size_t i, const size_t *index);

#endif
