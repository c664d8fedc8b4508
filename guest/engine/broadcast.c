/* SPDX-License-Identifier: Apache-2.0 */
/* Two inputs walked over one output. */
#include "guest/engine/broadcast.h"

int broadcast_plan(struct op_node *op, struct error *err)
{
    const struct graph_value *y = op_output(op);
    struct broadcast *state = op_allocate_state(op, sizeof(*state));

    if (state == NULL)
        return op_no_memory(op, err);
    if (op->node->input_count != 2 || op_input(op, 0) == NULL || op_input(op, 1) == NULL)
        return op_refuse(op, err, "must have two inputs");
    state->walk = walk_over(y);
    for (uint32_t k = 0; k < 2; k++) {
        if (!walk_broadcast(&state->walk, k, op_input(op, k)))
            return op_refuse(op, err, "inputs don't broadcast to the output's shape");
        state->repeated[k] = op_input(op, k)->elements != y->elements;
    }
    if (!walk_broadcast(&state->walk, 2, y))
        return op_refuse(op, err, "the output's shape is wrong");
    walk_collapse(&state->walk);
    return 0;
}
