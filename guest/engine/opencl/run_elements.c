/* SPDX-License-Identifier: Apache-2.0 */
/* Element by element: functions of one number, batch normalisation, two tensors with broadcasting, moves. */
#include "guest/engine/broadcast.h"
#include "guest/engine/op_states.h"
#include "guest/engine/opencl/session.h"

#include <errno.h>
#include <string.h>

static size_t count_of(const struct op_run *run)
{
    return op_part(run, op_output(run->op)->elements);
}

/* --- functions of one number ----------------------------------------------------------------------------- */

static enum unary_function function_of(const struct graph_node *node)
{
    static const enum unary_function functions[] = {
        [GRAPH_RELU] = UNARY_RELU,
        [GRAPH_LEAKY_RELU] = UNARY_LEAKY_RELU,
        [GRAPH_SIGMOID] = UNARY_SIGMOID,
        [GRAPH_TANH] = UNARY_TANH,
        [GRAPH_HARD_SIGMOID] = UNARY_HARD_SIGMOID,
        [GRAPH_CLIP] = UNARY_CLIP,
        [GRAPH_ELU] = UNARY_ELU,
        [GRAPH_ERF] = UNARY_ERF,
    };

    return functions[node->op];
}

static int unary_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct graph_attributes *attributes = &run->op->node->attributes;

    return session_unary(session, function_of(run->op->node), attributes->alpha, attributes->beta, run->inputs[0],
                         run->output, count_of(run), err);
}

static int unary_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                          float *ret_dx, struct error *err)
{
    const struct graph_attributes *attributes = &run->op->node->attributes;
    struct launch launch = launch_begin(session->device, KERNEL_UNARY_GRADIENT);

    (void)input;
    launch_place(&launch, session_place(session, run->inputs[0]));
    launch_place(&launch, session_place(session, run->output));
    launch_place(&launch, session_place(session, dy));
    launch_place(&launch, session_place(session, ret_dx));
    launch_number(&launch, function_of(run->op->node));
    launch_float(&launch, attributes->alpha);
    launch_float(&launch, attributes->beta);
    launch_number(&launch, count_of(run));
    return launch_run(&launch, count_of(run), 1, 1, err);
}

const struct node_calls calls_unary = {.forward = unary_forward, .backward = unary_backward};

/* Function: those that the processor's kernels work out in float. */
static enum unary_function float_function(const struct graph_node *node)
{
    switch (node->attributes.function) {
    case FUNCTION_EXP:
        return UNARY_EXP;
    case FUNCTION_LOG:
        return UNARY_LOG;
    case FUNCTION_NEG:
        return UNARY_NEG;
    case FUNCTION_SQRT:
        return UNARY_SQRT;
    case FUNCTION_RECIPROCAL:
        return UNARY_RECIPROCAL;
    default:
        return UNARY_NONE;
    }
}

static bool function_fits(const struct device_session *session, const struct op_node *op, bool backward, uint32_t input)
{
    (void)session;
    (void)input;
    return !backward && float_function(op->node) != UNARY_NONE;
}

static int function_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    return session_unary(session, float_function(run->op->node), 0, 0, run->inputs[0], run->output, count_of(run), err);
}

const struct node_calls calls_function = {.fits = function_fits, .forward = function_forward};

/* --- Reshape: the same memory, or a copy --------------------------------------------------------------------- */

static int reshape_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    if (run->output == run->inputs[0])
        return 0;
    return session_unary(session, UNARY_COPY, 0, 0, run->inputs[0], run->output, count_of(run), err);
}

static int reshape_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                            float *ret_dx, struct error *err)
{
    (void)input;
    return ret_dx == dy ? 0 : session_unary(session, UNARY_COPY, 0, 0, dy, ret_dx, count_of(run), err);
}

const struct node_calls calls_reshape = {.forward = reshape_forward, .backward = reshape_backward};

/* --- batch normalisation ---------------------------------------------------------------------------------- */

struct norm {
    cl_mem factors;
};

static int norm_prepare(struct device_session *session, uint32_t node, struct error *err)
{
    const struct batch_norm_state *state = session->nodes[node].state;
    struct norm *norm = calloc(1, sizeof *norm);

    if (norm == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to prepare a device's node");
    session->prepared[node] = norm;
    return session_upload(session, state->factor, 2 * state->channels * sizeof(float), "a normalisation's factors",
                          &norm->factors, err);
}

static void norm_release(struct device_session *session, uint32_t node)
{
    const struct norm *norm = session->prepared[node];

    if (norm->factors != NULL)
        (void)clReleaseMemObject(norm->factors);
}

static int norm_run(struct device_session *session, const struct op_run *run, const float *x, float *y, bool with_sum,
                    struct error *err)
{
    const struct batch_norm_state *state = run->op->state;
    const struct norm *norm = session->prepared[session_node(session, run)];
    struct launch launch = launch_begin(session->device, KERNEL_BATCH_NORM);

    launch_place(&launch, session_place(session, x));
    launch_place(&launch, session_at(norm->factors, 0));
    launch_place(&launch, session_place(session, y));
    launch_number(&launch, state->channels);
    launch_number(&launch, state->inner);
    launch_number(&launch, with_sum);
    launch_number(&launch, count_of(run));
    return launch_run(&launch, count_of(run), 1, 1, err);
}

static int norm_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    return norm_run(session, run, run->inputs[0], run->output, true, err);
}

static int norm_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                         float *ret_dx, struct error *err)
{
    (void)input;
    return norm_run(session, run, dy, ret_dx, false, err);
}

const struct node_calls calls_batch_norm = {
    .prepare = norm_prepare, .release = norm_release, .forward = norm_forward, .backward = norm_backward};

/* --- two tensors ---------------------------------------------------------------------------------------------- */

static size_t binary_number(const struct graph_node *node)
{
    return (size_t)(node->op - GRAPH_ADD);
}

_Static_assert(GRAPH_SUB == GRAPH_ADD + 1 && GRAPH_MUL == GRAPH_ADD + 2 && GRAPH_DIV == GRAPH_ADD + 3,
               "the kernels number them so");

static int binary_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct broadcast *state = run->op->state;
    const struct walk_shape walk = session_walk(&state->walk, op_part(run, state->walk.dims[0]));
    struct launch launch = launch_begin(session->device, KERNEL_BINARY);

    launch_place(&launch, session_place(session, run->inputs[0]));
    launch_place(&launch, session_place(session, run->inputs[1]));
    launch_place(&launch, session_place(session, run->output));
    launch_shape(&launch, 'W', &walk, sizeof walk);
    launch_number(&launch, binary_number(run->op->node));
    launch_number(&launch, run->finish.relu);
    launch_number(&launch, count_of(run));
    return launch_run(&launch, count_of(run), 1, 1, err);
}

static int binary_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                           float *ret_dx, struct error *err)
{
    const struct broadcast *state = run->op->state;
    const struct walk_shape walk = session_walk(&state->walk, op_part(run, state->walk.dims[0]));
    size_t count = op_part(run, op_input(run->op, input)->elements);
    struct launch launch = launch_begin(session->device, KERNEL_BINARY_GRADIENT);

    launch_place(&launch, session_place(session, run->inputs[0]));
    launch_place(&launch, session_place(session, run->inputs[1]));
    launch_place(&launch, session_place(session, dy));
    launch_place(&launch, session_place(session, ret_dx));
    launch_shape(&launch, 'W', &walk, sizeof walk);
    launch_number(&launch, binary_number(run->op->node));
    launch_number(&launch, input);
    launch_number(&launch, state->repeated[input]);
    launch_number(&launch, (run->inputs[0] != NULL ? 1u : 0u) | (run->inputs[1] != NULL ? 2u : 0u));
    launch_number(&launch, count);
    return launch_run(&launch, count, 1, 1, err);
}

const struct node_calls calls_binary = {.forward = binary_forward, .backward = binary_backward};

/* --- Concat ------------------------------------------------------------------------------------------------------ */

static int copy_blocks(struct device_session *session, const struct op_run *run, uint32_t k, const float *from,
                       float *to, bool to_output, struct error *err)
{
    const struct graph_value *y = op_output(run->op);
    uint32_t axis = run->op->node->attributes.axis;
    size_t inner = op_span(y, axis + 1, y->rank), size = op_input(run->op, k)->dims[axis] * inner;
    size_t whole = y->dims[axis] * inner, outer = axis == 0 ? 1 : op_part(run, op_span(y, 0, axis)), at = 0;
    struct launch launch = launch_begin(session->device, KERNEL_BLOCKS);

    for (uint32_t i = 0; i < k; i++)
        at += op_input(run->op, i)->dims[axis] * inner;
    if (size == 0 || outer == 0)
        return 0;
    launch_place(&launch, session_place(session, to_output ? from : from + at));
    launch_place(&launch, session_place(session, to_output ? to + at : to));
    launch_number(&launch, size);
    launch_number(&launch, to_output ? size : whole);
    launch_number(&launch, to_output ? whole : size);
    launch_number(&launch, outer * size);
    return launch_run(&launch, outer * size, 1, 1, err);
}

static int concat_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    int r = 0;

    for (uint32_t k = 0; r == 0 && k < run->op->node->input_count; k++)
        r = copy_blocks(session, run, k, run->inputs[k], run->output, true, err);
    return r;
}

static int concat_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                           float *ret_dx, struct error *err)
{
    return copy_blocks(session, run, input, dy, ret_dx, false, err);
}

const struct node_calls calls_concat = {.forward = concat_forward, .backward = concat_backward};
