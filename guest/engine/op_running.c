/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReduceProd: 1 times the elements along its axes in ascending order; dx is dy times the product of those before
 * and that of those behind, each in ascending order from 1, so that a zero among them does no harm.
 *
 * CumSum: 0 plus the elements up to each position in ascending order (descending where it runs from the end);
 * dx runs the other way over dy.
 */
#include "guest/engine/ops.h"

struct running_run {
    const struct op_axes *axes;
    const struct graph_attributes *attributes;
    const float *x, *dy;
    float *out;
};

static int plan_size(struct op_node *op, bool whole, struct error *err)
{
    struct op_axes *axes = op_allocate_state(op, sizeof(*axes));
    int ret;

    if (axes == NULL)
        return op_no_memory(op, err);
    ret = op_take_axes(op, axes, err);
    if (ret == 0 && axes->outer * axes->inner * (whole ? axes->length : 1) != op_output(op)->elements)
        ret = op_refuse(op, err, "the output's size is wrong");
    return ret;
}

static int plan_prod(struct op_node *op, struct error *err)
{
    return plan_size(op, false, err);
}

static int plan_sum(struct op_node *op, struct error *err)
{
    return plan_size(op, true, err);
}

static void run_lines(const struct op_run *run, struct running_run *r,
                      void (*work)(void *argument, size_t first, size_t last))
{
    r->axes = run->op->state;
    r->attributes = &run->op->node->attributes;
    op_parallel(run->op, op_part(run, r->axes->outer), r->axes->length * r->axes->inner, work, r);
}

/* --- ReduceProd ---------------------------------------------------------------------------------------------- */

static float product(const float *x, size_t first, size_t last, size_t step)
{
    float all = 1.0f;

    for (size_t i = first; i < last; i++)
        all *= x[i * step];
    return all;
}

static void prod_work(void *argument, size_t first, size_t last)
{
    const struct running_run *r = argument;
    size_t length = r->axes->length, inner = r->axes->inner;

    for (size_t i = first * inner; i < last * inner; i++)
        r->out[i] = product(r->x + i / inner * length * inner + i % inner, 0, length, inner);
}

static void prod_gradient_work(void *argument, size_t first, size_t last)
{
    const struct running_run *r = argument;
    size_t length = r->axes->length, inner = r->axes->inner;

    for (size_t i = first * inner; i < last * inner; i++) {
        size_t base = i / inner * length * inner + i % inner;
        const float *x = r->x + base;
        float before = 1.0f;

        for (size_t k = 0; k < length; k++) {
            r->out[base + k * inner] = r->dy[i] * (before * product(x, k + 1, length, inner));
            before *= x[k * inner];
        }
    }
}

static int prod_forward(const struct op_run *run)
{
    struct running_run r = {.x = run->inputs[0], .out = run->output};

    run_lines(run, &r, prod_work);
    return 0;
}

static int prod_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct running_run r = {.x = run->inputs[0], .dy = dy, .out = ret_dx};

    (void)input;
    run_lines(run, &r, prod_gradient_work);
    return 0;
}

const struct op op_reduce_prod = {
    .needs = {OP_NEEDS_SELF, 0}, .plan = plan_prod, .forward = prod_forward, .backward = prod_backward};

/* --- CumSum -------------------------------------------------------------------------------------------------- */

static void sum_line(const struct running_run *r, size_t base, bool from_end)
{
    size_t length = r->axes->length, inner = r->axes->inner;
    float sum = 0.0f;

    for (size_t k = 0; k < length; k++) {
        size_t at = base + (from_end ? length - 1 - k : k) * inner;
        float before = sum;

        sum += r->x[at];
        r->out[at] = r->attributes->leaves_itself_out ? before : sum;
    }
}

static void sum_work(void *argument, size_t first, size_t last)
{
    const struct running_run *r = argument;
    size_t inner = r->axes->inner;
    bool from_end = r->attributes->last_first != (r->dy != NULL);

    for (size_t i = first * inner; i < last * inner; i++)
        sum_line(r, i / inner * r->axes->length * inner + i % inner, from_end);
}

static int sum_forward(const struct op_run *run)
{
    struct running_run r = {.x = run->inputs[0], .out = run->output};

    run_lines(run, &r, sum_work);
    return 0;
}

static int sum_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct running_run r = {.x = dy, .dy = dy, .out = ret_dx};

    (void)input;
    run_lines(run, &r, sum_work);
    return 0;
}

const struct op op_cum_sum = {.plan = plan_sum, .forward = sum_forward, .backward = sum_backward};
