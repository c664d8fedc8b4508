/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of one number, element by element (function.h). Exp and Log are the kernels'; the derivative is
 * worked out again from the input, dx = dy · f'(x), and is 0 where f' is, whatever dy.
 */
#include "guest/engine/ops.h"

struct function_run {
    const struct graph_attributes *attributes;
    const float *x, *dy;
    float *out;
};

static int plan(struct op_node *op, struct error *err)
{
    if ((unsigned)op->node->attributes.function >= FUNCTION_COUNT)
        return op_refuse(op, err, "its function is not known");
    return op_plan_unary(op, err);
}

static void forward_work(void *argument, size_t first, size_t last)
{
    const struct function_run r = *(const struct function_run *)argument;
    const enum function function = r.attributes->function;

    switch (function) { /* the frequent ones in loops that can be vectorised */
    case FUNCTION_NEG:
        for (size_t i = first; i < last; i++)
            r.out[i] = -r.x[i];
        break;
    case FUNCTION_SQRT:
        for (size_t i = first; i < last; i++)
            r.out[i] = __builtin_sqrtf(r.x[i]);
        break;
    case FUNCTION_RECIPROCAL:
        for (size_t i = first; i < last; i++)
            r.out[i] = 1.0f / r.x[i];
        break;
    default:
        for (size_t i = first; i < last; i++)
            r.out[i] = function_value(function, r.x[i], r.attributes->alpha, r.attributes->beta);
        break;
    }
}

static void backward_work(void *argument, size_t first, size_t last)
{
    const struct function_run r = *(const struct function_run *)argument;

    for (size_t i = first; i < last; i++) {
        float slope = function_slope(r.attributes->function, r.x[i], r.attributes->alpha, r.attributes->beta);

        r.out[i] = slope == 0.0f ? 0.0f : r.dy[i] * slope;
    }
}

static int forward(const struct op_run *run)
{
    struct function_run r = {.attributes = &run->op->node->attributes, .x = run->inputs[0], .out = run->output};
    size_t count = op_part(run, op_output(run->op)->elements);

    if (r.attributes->function == FUNCTION_EXP)
        kernel_exp(run->op->kernels, r.x, r.out, count);
    else if (r.attributes->function == FUNCTION_LOG)
        kernel_log(run->op->kernels, r.x, r.out, count);
    else
        op_parallel(run->op, count, 8, forward_work, &r);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct function_run r = {.attributes = &run->op->node->attributes, .x = run->inputs[0], .dy = dy, .out = ret_dx};

    (void)input;
    op_parallel(run->op, op_part(run, op_output(run->op)->elements), 16, backward_work, &r);
    return 0;
}

const struct op op_function = {.needs = {OP_NEEDS_SELF, 0},
                               .in_place = true,
                               .in_place_backward = true,
                               .plan = plan,
                               .forward = forward,
                               .backward = backward};
