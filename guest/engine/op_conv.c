/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conv and ConvTranspose.
 *
 * ConvTranspose is the gradient of the convolution that takes its output to its input (the mirror):
 * IOHW weights are the mirror's OIHW weights, the forward pass is the mirror's backward kernel and
 * the backward pass its forward kernel. Its bias is added afterwards, one rounded addition.
 */
#include "guest/engine/op_states.h"
#include "guest/engine/ops.h"

#include <errno.h>

struct bias_run {
    const float *bias;
    float *y;
    size_t channels, inner;
};

static void release(struct op_node *op)
{
    struct conv_state *state = op->state;

    if (state != NULL) {
        free(state->forward);
        free(state->backward);
    }
    free(state);
}

/* The images' side of the convolution (Conv's x, the mirror's image) and its result's side. */
static struct kernel_conv describe(const struct graph_window *window, const struct graph_value *image,
                                   const struct graph_value *result)
{
    return (struct kernel_conv){
        .batch = image->dims[0],
        .groups = window->groups,
        .in_channels = image->dims[1],
        .in_height = image->dims[2],
        .in_width = image->dims[3],
        .out_channels = result->dims[1],
        .out_height = result->dims[2],
        .out_width = result->dims[3],
        .kernel_height = window->kernel[0],
        .kernel_width = window->kernel[1],
        .stride_height = window->stride[0],
        .stride_width = window->stride[1],
        .dilation_height = window->dilation[0],
        .dilation_width = window->dilation[1],
        .pad_top = window->pad_begin[0],
        .pad_left = window->pad_begin[1],
    };
}

/* Whether `result` is what the window makes of `image` along one axis (0 height, 1 width). */
static bool window_fits(const struct graph_window *window, uint32_t axis, uint64_t image, uint64_t result)
{
    uint64_t reach, padded;

    if (window->kernel[axis] == 0 || window->stride[axis] == 0 || window->dilation[axis] == 0)
        return false;
    reach = (uint64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1;
    padded = image + window->pad_begin[axis] + window->pad_end[axis];
    if (padded < reach || window->pad_begin[axis] >= reach + image)
        return false;
    return (padded - reach) / window->stride[axis] + 1 == result;
}

static int check(const struct op_node *op, bool transposed, struct error *err)
{
    const struct graph_window *window = &op->node->attributes.window;
    const struct graph_value *x = op_input(op, 0);
    const struct graph_value *w = op_input(op, 1);
    const struct graph_value *bias = op_input(op, 2);
    const struct graph_value *y = op_output(op);
    const struct graph_value *image = transposed ? y : x;
    const struct graph_value *result = transposed ? x : y;

    if (x == NULL || w == NULL || w->constant == NULL || (bias != NULL && bias->constant == NULL))
        return op_refuse(op, err, "weights and bias must be constants");
    if (x->rank != 4 || w->rank != 4 || y->rank != 4 || x->dims[0] != y->dims[0])
        return op_refuse(op, err, "input, weights and output must have 4 axes, and one batch");
    if (window->groups == 0 || image->dims[1] % window->groups != 0 || result->dims[1] % window->groups != 0 ||
        w->dims[0] != result->dims[1] || w->dims[1] != image->dims[1] / window->groups ||
        (bias != NULL && bias->elements != y->dims[1]))
        return op_refuse(op, err, "channels of input, weights, bias and output don't fit");
    for (uint32_t axis = 0; axis < 2; axis++)
        if (w->dims[2 + axis] != window->kernel[axis] ||
            !window_fits(window, axis, image->dims[2 + axis], result->dims[2 + axis]))
            return op_refuse(op, err, "kernel, strides, dilations and pads don't give the output's size");
    return 0;
}

static void take_scratch(struct op_node *op, size_t floats)
{
    if (floats > op->kernel_scratch)
        op->kernel_scratch = floats;
}

static int pack(struct op_node *op, struct conv_state *state, bool forward, struct error *err)
{
    const float *weights = op_input(op, 1)->constant;

    if (forward) {
        state->forward = op_allocate_floats(op, kernel_conv_packed_size(&state->conv));
        if (state->forward == NULL)
            return op_no_memory(op, err);
        kernel_conv_pack(op->kernels, &state->conv, weights, state->forward);
        take_scratch(op, kernel_conv_forward_scratch(op->kernels, &state->conv));
        return 0;
    }
    state->backward = op_allocate_floats(op, kernel_conv_packed_backward_size(&state->conv));
    if (state->backward == NULL)
        return op_no_memory(op, err);
    kernel_conv_pack_backward(op->kernels, &state->conv, weights, state->backward);
    take_scratch(op, kernel_conv_backward_scratch(op->kernels, &state->conv));
    return 0;
}

static int plan_conv(struct op_node *op, struct error *err)
{
    struct conv_state *state = op_allocate_state(op, sizeof(*state));
    int ret = check(op, false, err);

    if (ret < 0)
        return ret;
    if (state == NULL)
        return op_no_memory(op, err);
    state->conv = describe(&op->node->attributes.window, op_input(op, 0), op_output(op));
    ret = pack(op, state, true, err);
    if (ret == 0 && op->gradient)
        ret = pack(op, state, false, err);
    return ret;
}

static int plan_transpose(struct op_node *op, struct error *err)
{
    struct conv_state *state = op_allocate_state(op, sizeof(*state));
    int ret = check(op, true, err);

    if (ret < 0)
        return ret;
    if (state == NULL)
        return op_no_memory(op, err);
    state->conv = describe(&op->node->attributes.window, op_output(op), op_input(op, 0));
    ret = pack(op, state, false, err);
    if (ret == 0 && op->gradient)
        ret = pack(op, state, true, err);
    return ret;
}

/* The convolution for this run's samples. */
static struct kernel_conv conv_of(const struct op_run *run)
{
    struct kernel_conv conv = ((const struct conv_state *)run->op->state)->conv;

    conv.batch = op_part(run, conv.batch);
    return conv;
}

static int conv_forward(const struct op_run *run)
{
    const struct conv_state *state = run->op->state;
    struct kernel_conv conv = conv_of(run);
    struct kernel_finish finish = run->finish;

    finish.bias = run->op->node->input_count > 2 ? run->inputs[2] : NULL;
    return kernel_conv_forward_finish(run->op->kernels, &conv, run->inputs[0], state->forward, &finish, run->output);
}

static int conv_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    const struct conv_state *state = run->op->state;
    struct kernel_conv conv = conv_of(run);

    (void)input;
    return kernel_conv_backward_input_finish(run->op->kernels, &conv, dy, state->backward, &run->finish, ret_dx);
}

static void bias_work(void *argument, size_t first, size_t last)
{
    const struct bias_run *r = argument;
    size_t inner = r->inner; /* a store to y can't reach it */

    for (size_t plane = first; plane < last; plane++) {
        float bias = r->bias[plane % r->channels];
        float *y = r->y + plane * inner;

        for (size_t i = 0; i < inner; i++)
            y[i] = y[i] + bias;
    }
}

static int transpose_forward(const struct op_run *run)
{
    const struct conv_state *state = run->op->state;
    struct kernel_conv conv = conv_of(run);
    struct bias_run r = {.y = run->output, .channels = conv.in_channels, .inner = conv.in_height * conv.in_width};
    int ret = kernel_conv_backward_input(run->op->kernels, &conv, run->inputs[0], state->backward, run->output);

    if (ret < 0 || run->op->node->input_count < 3 || run->inputs[2] == NULL)
        return ret;
    r.bias = run->inputs[2];
    op_parallel(run->op, conv.batch * r.channels, r.inner, bias_work, &r);
    return 0;
}

static int transpose_backward(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx)
{
    const struct conv_state *state = run->op->state;
    struct kernel_conv conv = conv_of(run);

    (void)input;
    return kernel_conv_forward(run->op->kernels, &conv, dy, state->forward, NULL, ret_dx);
}

const struct op op_conv = {.finishes = OP_FINISHES_RELU | OP_FINISHES_ADDEND | OP_FINISHES_GRADIENT,
                           .plan = plan_conv,
                           .forward = conv_forward,
                           .backward = conv_backward,
                           .release = release};
const struct op op_conv_transpose = {
    .plan = plan_transpose, .forward = transpose_forward, .backward = transpose_backward, .release = release};
