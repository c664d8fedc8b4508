/* SPDX-License-Identifier: Apache-2.0 */
/* The operators that can be imported: one table of names, arity and lowering. */
#ifndef LAZARET_GUEST_MODEL_OPERATORS_H
#define LAZARET_GUEST_MODEL_OPERATORS_H

#include "guest/model/onnx.h"

struct lower;

struct operator_entry {
    const char *name;
    uint8_t inputs_min, inputs_max;    /* of the node, empty ones counted */
    bool any_outputs;                  /* has more than one; those not made are refused where used */
    int (*lower)(struct lower *lower); /* the node at hand into the graph; sets lower->result */
};

/* The operator of ONNX's own domain with this name, or NULL. */
const struct operator_entry *operator_find(struct span name);

/* Why an operator that is not imported is not; NULL where nothing is known of it. */
const char *operator_refusal(struct span name);

#endif
