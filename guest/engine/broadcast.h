/* SPDX-License-Identifier: Apache-2.0 */
/* What operators of two inputs with numpy's broadcasting share. */
#ifndef LAZARET_GUEST_ENGINE_BROADCAST_H
#define LAZARET_GUEST_ENGINE_BROADCAST_H

#include "guest/engine/ops.h"
#include "guest/engine/walk.h"

/* Such an operator's state. */
struct broadcast {
    struct walk walk; /* over the output; tensor 0 is a, 1 is b, 2 the output */
    bool repeated[2]; /* the input is broadcast: its gradient is a sum */
};

/* An op's plan: checks that it has two inputs that broadcast to its output, and allocates op->state. */
MUST_USE int broadcast_plan(struct op_node *op, struct error *err);

#endif
