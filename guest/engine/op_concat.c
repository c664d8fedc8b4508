/* SPDX-License-Identifier: Apache-2.0 */
/* Concat: copies of the inputs' blocks, one after the other; backward the block's gradient. */
#include "guest/engine/ops.h"

#include <errno.h>
#include <string.h>

static int plan(struct op_node *op, struct error *err)
{
    const struct graph_value *y = op_output(op);
    uint32_t axis = op->node->attributes.axis;
    uint64_t total = 0;

    if (axis >= y->rank)
        return op_refuse(op, err, "the axis is outside the output");
    for (uint32_t k = 0; k < op->node->input_count; k++) {
        const struct graph_value *x = op_input(op, k);

        if (x == NULL || x->rank != y->rank)
            return op_refuse(op, err, "inputs and output differ in rank");
        for (uint32_t i = 0; i < y->rank; i++)
            if (i != axis && x->dims[i] != y->dims[i])
                return op_refuse(op, err, "inputs and output differ outside the axis");
        if (x->dims[axis] > y->dims[axis] - total)
            return op_refuse(op, err, "the inputs don't fill the output");
        total += x->dims[axis];
    }
    if (total != y->dims[axis])
        return op_refuse(op, err, "the inputs don't fill the output");
    return 0;
}

/* Copies between input k's blocks and their places in the output's shape. */
static void copy_blocks(const struct op_run *run, uint32_t k, const float *from, float *to, bool to_output)
{
    const struct graph_value *y = op_output(run->op);
    uint32_t axis = run->op->node->attributes.axis;
    size_t inner = op_span(y, axis + 1, y->rank);
    size_t size = op_input(run->op, k)->dims[axis] * inner;
    size_t whole = y->dims[axis] * inner;
    /* Along axis 0 there is one block, and never fewer samples than the batch (samples.h). */
    size_t outer = axis == 0 ? 1 : op_part(run, op_span(y, 0, axis));
    size_t place = 0;

    for (uint32_t i = 0; i < k; i++)
        place += op_input(run->op, i)->dims[axis] * inner;
    for (size_t i = 0; i < outer; i++)
        memcpy(to + i * (to_output ? whole : size) + (to_output ? place : 0),
               from + i * (to_output ? size : whole) + (to_output ? 0 : place), size * sizeof(float));
}

static int forward(const struct op_run *run)
{
    for (uint32_t k = 0; k < run->op->node->input_count; k++)
        copy_blocks(run, k, run->inputs[k], run->output, true);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    copy_blocks(run, input, dy, ret_dx, false);
    return 0;
}

const struct op op_concat = {.plan = plan, .forward = forward, .backward = backward};
