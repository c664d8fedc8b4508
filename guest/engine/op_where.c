/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where: the second input's element where the first's is not 0, else the third's, with numpy's broadcasting.
 *
 * The gradient of an input that was broadcast is 0 plus the terms of the outputs that read it, in those
 * outputs' row-major order; the condition's is 0.
 */
#include "guest/engine/ops.h"
#include "guest/engine/walk.h"

#include <string.h>

struct where_state {
    struct walk walk; /* over the output; tensors 0 to 2 are the inputs, 3 the output */
    bool repeated[3];
};

struct where_run {
    const struct where_state *state;
    const float *inputs[3], *dy;
    float *out;
    uint32_t input;
};

static int plan(struct op_node *op, struct error *err)
{
    const struct graph_value *y = op_output(op);
    struct where_state *state = op_allocate_state(op, sizeof(*state));

    if (state == NULL)
        return op_no_memory(op, err);
    if (op->node->input_count != 3)
        return op_refuse(op, err, "must have three inputs");
    state->walk = walk_over(y);
    for (uint32_t k = 0; k < 3; k++) {
        if (op_input(op, k) == NULL || !walk_broadcast(&state->walk, k, op_input(op, k)))
            return op_refuse(op, err, "inputs don't broadcast to the output's shape");
        state->repeated[k] = op_input(op, k)->elements != y->elements;
    }
    if (!walk_broadcast(&state->walk, 3, y))
        return op_refuse(op, err, "the output's shape is wrong");
    walk_collapse(&state->walk);
    return 0;
}

static void row_work(const struct where_run *r, const size_t *offset, size_t count)
{
    const struct walk *walk = &r->state->walk;
    uint32_t last = walk->rank - 1;
    const float *condition = r->inputs[0] + offset[0];
    size_t step_condition = walk->stride[0][last], step = walk->stride[r->input][last];
    size_t step_then = walk->stride[1][last], step_else = walk->stride[2][last];

    if (r->dy == NULL) {
        for (size_t i = 0; i < count; i++)
            r->out[offset[3] + i] = condition[i * step_condition] != 0 ? r->inputs[1][offset[1] + i * step_then]
                                                                       : r->inputs[2][offset[2] + i * step_else];
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool taken = (condition[i * step_condition] != 0) == (r->input == 1);
        float *to = &r->out[offset[r->input] + i * step], term = taken ? r->dy[offset[3] + i] : 0.0f;

        *to = r->state->repeated[r->input] ? *to + term : term;
    }
}

static void work(void *argument, size_t first, size_t last)
{
    const struct where_run *r = argument;
    const struct walk *walk = &r->state->walk;
    struct walk_row row;
    size_t offset[WALK_TENSORS];

    if (walk->rank == 1) {
        for (uint32_t t = 0; t < WALK_TENSORS; t++)
            offset[t] = first * walk->stride[t][0];
        row_work(r, offset, last - first);
        return;
    }
    walk_start(walk, first, &row);
    for (size_t i = first; i < last; i++, walk_next(walk, &row))
        row_work(r, row.offset, walk->dims[walk->rank - 1]);
}

static void run_all(const struct op_run *run, struct where_run *r, bool parallel)
{
    const struct walk *walk = &r->state->walk;
    size_t outermost = op_part(run, walk->dims[0]);
    size_t count = walk->rank == 1 ? outermost : walk_rows(walk, outermost);

    if (parallel)
        op_parallel(run->op, count, walk->rank == 1 ? 1 : walk->dims[walk->rank - 1], work, r);
    else
        work(r, 0, count);
}

static int forward(const struct op_run *run)
{
    struct where_run r = {.state = run->op->state,
                          .inputs = {run->inputs[0], run->inputs[1], run->inputs[2]},
                          .out = run->output};

    run_all(run, &r, true);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    const struct where_state *state = run->op->state;
    struct where_run r = {.state = state, .inputs = {run->inputs[0]}, .dy = dy, .out = ret_dx, .input = input};

    if (input == 0 || state->repeated[input])
        memset(ret_dx, 0, op_part(run, op_input(run->op, input)->elements) * sizeof(float));
    if (input != 0)
        run_all(run, &r, !state->repeated[input]);
    return 0;
}

const struct op op_where = {
    .needs = {0, OP_NEEDS_OTHERS}, .plan = plan, .forward = forward, .backward = backward};
