/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions on a device: their nodes, forward and backward. */
#include "guest/engine/opencl/conv_side.h"

struct conv_node {
    struct conv_side forward, backward;
};

static void side_release(struct conv_side *side)
{
    conv_direct_release(side);
    if (side->weights != NULL)
        (void)clReleaseMemObject(side->weights);
}

static void release(struct device_session *session, uint32_t node)
{
    struct conv_node *conv = session->prepared[node];

    side_release(&conv->forward);
    side_release(&conv->backward);
}

static int prepare_side(struct device_session *session, const struct kernel_conv *conv, bool backward,
                        const float *weights, struct conv_side *side, struct error *err)
{
    side->winograd =
        backward ? winograd_set_backward(conv, &side->minimal) : winograd_set_forward(conv, &side->minimal);
    if (side->winograd && (side->minimal.in > CONV_GROUPS_MAX || side->minimal.out > CONV_GROUPS_MAX))
        return error_set(err, ERROR_UNAVAILABLE, -ENOTSUP, "a convolution of more than %u channels", CONV_GROUPS_MAX);
    return side->winograd ? conv_winograd_prepare(session, backward, weights, side, err)
                          : conv_direct_prepare(session, conv, backward, weights, side, err);
}

static int run_side(struct device_session *session, const struct conv_side *side, size_t images, const float *source,
                    const struct kernel_finish *finish, float *result, struct error *err)
{
    return side->winograd ? conv_winograd_run(session, side, images, source, finish, result, err)
                          : conv_direct_run(session, side, images, source, finish, result, err);
}

static int prepare(struct device_session *session, uint32_t node, bool transposed, struct error *err)
{
    const struct op_node *op = &session->nodes[node];
    const struct conv_state *state = op->state;
    const float *weights = op_input(op, 1)->constant;
    struct conv_node *conv = calloc(1, sizeof *conv);
    int r = 0;

    if (conv == NULL)
        return conv_no_memory(err);
    session->prepared[node] = conv;
    if (!transposed || op->gradient)
        r = prepare_side(session, &state->conv, false, weights, &conv->forward, err);
    if (r == 0 && (transposed || op->gradient))
        r = prepare_side(session, &state->conv, true, weights, &conv->backward, err);
    return r;
}

static int prepare_conv(struct device_session *session, uint32_t node, struct error *err)
{
    return prepare(session, node, false, err);
}

static int prepare_transpose(struct device_session *session, uint32_t node, struct error *err)
{
    return prepare(session, node, true, err);
}

static size_t images_of(const struct op_run *run)
{
    return op_part(run, ((const struct conv_state *)run->op->state)->conv.batch);
}

static struct kernel_finish finish_with_bias(const struct op_run *run)
{
    struct kernel_finish finish = run->finish;

    finish.bias = run->op->node->input_count > 2 ? run->inputs[2] : NULL;
    return finish;
}

static int conv_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];
    const struct kernel_finish finish = finish_with_bias(run);

    return run_side(session, &conv->forward, images_of(run), run->inputs[0], &finish, run->output, err);
}

static int conv_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                         float *ret_dx, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];

    (void)input;
    return run_side(session, &conv->backward, images_of(run), dy, &run->finish, ret_dx, err);
}

/* ConvTranspose is the mirror's gradient (op_conv.c). */
static int transpose_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];
    const struct kernel_finish finish = finish_with_bias(run);

    return run_side(session, &conv->backward, images_of(run), run->inputs[0], &finish, run->output, err);
}

static int transpose_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                              float *ret_dx, struct error *err)
{
    const struct conv_node *conv = session->prepared[session_node(session, run)];

    (void)input;
    return run_side(session, &conv->forward, images_of(run), dy, &run->finish, ret_dx, err);
}

const struct node_calls calls_conv = {
    .prepare = prepare_conv, .release = release, .forward = conv_forward, .backward = conv_backward};
const struct node_calls calls_conv_transpose = {
    .prepare = prepare_transpose, .release = release, .forward = transpose_forward, .backward = transpose_backward};
