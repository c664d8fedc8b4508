/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchNormalization in inference: y = x·s + t by channel, never folded into a convolution's weights.
 *
 * s = scale / sqrt(variance + epsilon) and t = bias − mean·s are worked out in double and rounded to
 * float once; y is a rounded product and a rounded sum in both arithmetic classes. dx = dy·s.
 */
#include "guest/engine/op_states.h"
#include "guest/engine/ops.h"

#include <errno.h>
#include <math.h>

struct batch_norm_run {
    const struct batch_norm_state *state;
    const float *in;
    float *out;
    bool backward;
};

static void release(struct op_node *op)
{
    struct batch_norm_state *state = op->state;

    if (state != NULL)
        free(state->factor);
    free(state);
}

static int check(const struct op_node *op, struct error *err)
{
    const struct graph_value *x = op_input(op, 0);

    if (op->node->input_count != 5 || x == NULL || x->rank < 2 || x->elements != op_output(op)->elements)
        return op_refuse(op, err, "must have 5 inputs, the first of two axes or more, and an output of its size");
    for (uint32_t k = 1; k < 5; k++) {
        const struct graph_value *value = op_input(op, k);

        if (value == NULL || value->constant == NULL || value->elements != x->dims[1])
            return op_refuse(op, err, "scale, bias, mean and variance must be constants, one a channel");
    }
    return 0;
}

static int plan(struct op_node *op, struct error *err)
{
    struct batch_norm_state *state = op_allocate_state(op, sizeof(*state));
    const struct graph_value *x = op_input(op, 0);
    int ret = check(op, err);

    if (ret < 0)
        return ret;
    if (state == NULL)
        return op_no_memory(op, err);
    state->channels = x->dims[1];
    state->inner = op_span(x, 2, x->rank);
    state->factor = op_allocate_floats(op, 2 * state->channels);
    if (state->factor == NULL)
        return op_no_memory(op, err);
    for (size_t c = 0; c < state->channels; c++) {
        double variance = (double)op_input(op, 4)->constant[c] + (double)op->node->attributes.epsilon;
        double s = (double)op_input(op, 1)->constant[c] / sqrt(variance);
        double t = (double)op_input(op, 2)->constant[c] - (double)op_input(op, 3)->constant[c] * s;

        state->factor[c] = (float)s;
        state->factor[state->channels + c] = (float)t;
    }
    return 0;
}

/* Channels of samples [first, last), counted through. */
static void work(void *argument, size_t first, size_t last)
{
    const struct batch_norm_run *r = argument;
    size_t inner = r->state->inner;

    for (size_t plane = first; plane < last; plane++) {
        size_t c = plane % r->state->channels;
        float s = r->state->factor[c];
        float t = r->state->factor[r->state->channels + c];
        const float *in = r->in + plane * inner;
        float *out = r->out + plane * inner;

        if (r->backward)
            for (size_t i = 0; i < inner; i++)
                out[i] = in[i] * s;
        else
            for (size_t i = 0; i < inner; i++)
                out[i] = in[i] * s + t;
    }
}

static void run_planes(const struct op_run *run, struct batch_norm_run *r)
{
    op_parallel(run->op, op_part(run, op_output(run->op)->elements) / r->state->inner, r->state->inner, work, r);
}

static int forward(const struct op_run *run)
{
    struct batch_norm_run r = {.state = run->op->state, .in = run->inputs[0], .out = run->output};

    run_planes(run, &r);
    return 0;
}

static int backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    struct batch_norm_run r = {.state = run->op->state, .in = dy, .out = ret_dx, .backward = true};

    (void)input;
    run_planes(run, &r);
    return 0;
}

const struct op op_batch_norm = {.in_place = true,
                                 .in_place_backward = true,
                                 .plan = plan,
                                 .forward = forward,
                                 .backward = backward,
                                 .release = release};
