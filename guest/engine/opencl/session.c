/* SPDX-License-Identifier: Apache-2.0 */
/* A session: its memory, its nodes, and the table of operators. */
#include "guest/engine/opencl/session_internal.h"

#include <errno.h>

static const struct node_calls *const table[GRAPH_OP_COUNT] = {
    [GRAPH_CONV] = &calls_conv,
    [GRAPH_CONV_TRANSPOSE] = &calls_conv_transpose,
    [GRAPH_GEMM] = &calls_gemm,
    [GRAPH_MATMUL] = &calls_matmul,
    [GRAPH_BATCH_NORM] = &calls_batch_norm,
    [GRAPH_RELU] = &calls_unary,
    [GRAPH_LEAKY_RELU] = &calls_unary,
    [GRAPH_SIGMOID] = &calls_unary,
    [GRAPH_TANH] = &calls_unary,
    [GRAPH_HARD_SIGMOID] = &calls_unary,
    [GRAPH_CLIP] = &calls_unary,
    [GRAPH_ELU] = &calls_unary,
    [GRAPH_ERF] = &calls_unary,
    [GRAPH_SOFTMAX] = &calls_softmax,
    [GRAPH_LOG_SOFTMAX] = &calls_softmax,
    [GRAPH_MAX_POOL] = &calls_pool,
    [GRAPH_AVERAGE_POOL] = &calls_pool,
    [GRAPH_GLOBAL_AVERAGE_POOL] = &calls_global_average,
    [GRAPH_ADD] = &calls_binary,
    [GRAPH_SUB] = &calls_binary,
    [GRAPH_MUL] = &calls_binary,
    [GRAPH_DIV] = &calls_binary,
    [GRAPH_CONCAT] = &calls_concat,
    [GRAPH_RESHAPE] = &calls_reshape,
    [GRAPH_TRANSPOSE] = &calls_view,
    [GRAPH_GATHER] = &calls_view,
    [GRAPH_SLICE] = &calls_view,
    [GRAPH_PAD] = &calls_view,
    [GRAPH_REDUCE_MEAN] = &calls_reduce,
    [GRAPH_REDUCE_SUM] = &calls_reduce,
    [GRAPH_FUNCTION] = &calls_function,
};

const struct node_calls *session_calls(enum graph_op op)
{
    return (unsigned)op < GRAPH_OP_COUNT ? table[op] : NULL;
}

bool opencl_has_forward(enum graph_op op)
{
    return session_calls(op) != NULL && session_calls(op)->forward != NULL;
}

bool opencl_has_backward(enum graph_op op)
{
    return session_calls(op) != NULL && session_calls(op)->backward != NULL;
}

/* --- memory ------------------------------------------------------------------------------------------------ */

int session_upload(struct device_session *session, const void *content, size_t bytes, const char *what,
                   cl_mem *ret_buffer, struct error *err)
{
    int r = opencl_allocate(session->device, bytes, what, &session->held, ret_buffer, err);
    cl_int status;

    if (r < 0 || bytes == 0)
        return r;
    status = clEnqueueWriteBuffer(session->device->queue, *ret_buffer, CL_TRUE, 0, bytes, content, 0, NULL, NULL);
    return status == CL_SUCCESS ? 0 : opencl_failed(session->device, what, status, err);
}

void session_want_scratch(struct device_session *session, size_t floats)
{
    if (floats > session->scratch_floats)
        session->scratch_floats = floats;
}

struct place session_place(const struct device_session *session, const float *pointer)
{
    if (pointer == NULL)
        return (struct place){session->arena_buffer, 0};
    if (pointer >= session->arena && pointer < session->arena + session->arena_size)
        return (struct place){session->arena_buffer, (cl_ulong)(pointer - session->arena)};
    for (uint32_t value = 0; value < session->graph->value_count; value++)
        if (session->graph->values[value].constant == pointer)
            return (struct place){session->constants[value], 0};
    return (struct place){NULL, 0};
}

static void release_buffer(cl_mem buffer)
{
    if (buffer != NULL)
        (void)clReleaseMemObject(buffer);
}

static void session_close(struct device_session *session)
{
    if (session == NULL)
        return;
    (void)clFinish(session->device->transfer);
    (void)clFinish(session->device->queue);
    for (uint32_t i = 0; session->prepared != NULL && i < session->graph->node_count; i++) {
        const struct node_calls *calls = session_calls(session->graph->nodes[i].op);

        if (session->prepared[i] != NULL && calls != NULL && calls->release != NULL)
            calls->release(session, i);
        free(session->prepared[i]);
    }
    for (uint32_t v = 0; session->constants != NULL && v < session->graph->value_count; v++)
        release_buffer(session->constants[v]);
    session_free_stages(session);
    release_buffer(session->arena_buffer);
    release_buffer(session->scratch);
    release_buffer(session->labels);
    release_buffer(session->predictions);
    free(session->prepared);
    free(session->constants);
    free(session);
}

static void cleanup_session(struct device_session **session)
{
    session_close(*session);
}

/* Constants that kernels read as they are. */
static int upload_constants(struct device_session *session, struct error *err)
{
    const struct graph *graph = session->graph;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        bool weighted = node->op == GRAPH_CONV || node->op == GRAPH_CONV_TRANSPOSE;

        if (session_calls(node->op) == NULL || node->op == GRAPH_BATCH_NORM)
            continue;
        for (uint32_t k = 0; r == 0 && k < node->input_count; k++) {
            uint32_t v = node->inputs[k];

            if (v == GRAPH_NONE || graph->values[v].constant == NULL || session->constants[v] != NULL ||
                (weighted && k == 1))
                continue;
            r = session_upload(session, graph->values[v].constant, graph->values[v].elements * sizeof(float),
                               "the model's constants", &session->constants[v], err);
        }
    }
    return r;
}

static int prepare_nodes(struct device_session *session, struct error *err)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < session->graph->node_count; i++) {
        const struct node_calls *calls = session_calls(session->graph->nodes[i].op);

        if (calls != NULL && calls->prepare != NULL)
            r = calls->prepare(session, i, err);
    }
    return r;
}

/* Kernels count a tensor's elements in 31 bits. */
static int check_sizes(const struct device_session *session, struct error *err)
{
    for (uint32_t v = 0; v < session->graph->value_count; v++)
        if (session->graph->values[v].elements > INT32_MAX)
            return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                             "a batch of %u has a tensor of more than 2^31 elements, which the device's kernels don't "
                             "count; give a smaller --batch",
                             session->graph->batch);
    return 0;
}

static int session_open(struct device *base, const struct device_setting *setting, struct device_session **ret_session,
                        struct error *err)
{
    CLEANUP(cleanup_session) struct device_session *session = calloc(1, sizeof *session);
    struct opencl_device *device = (struct opencl_device *)(void *)base;
    size_t batch = setting->graph->batch;
    int r;

    if (session == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a session with the device");
    session->device = device;
    session->graph = setting->graph;
    session->nodes = setting->nodes;
    session->arena = setting->arena;
    session->arena_size = setting->arena_size;
    session->input_size = setting->input_size;
    session->constants = calloc(setting->graph->value_count, sizeof(cl_mem));
    session->prepared = calloc((size_t)setting->graph->node_count + 1, sizeof(void *));
    if (session->constants == NULL || session->prepared == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a session with the device");
    r = check_sizes(session, err);
    if (r == 0)
        r = opencl_allocate(device, setting->arena_size * sizeof(float), "the network's activations", &session->held,
                            &session->arena_buffer, err);
    if (r == 0)
        r = upload_constants(session, err);
    if (r == 0)
        r = prepare_nodes(session, err);
    if (r == 0)
        r = opencl_allocate(device, session->scratch_floats * sizeof(float), "the convolutions' scratch",
                            &session->held, &session->scratch, err);
    if (r == 0)
        r = session_allocate_stages(session, err);
    if (r == 0)
        r = opencl_allocate(device, batch * sizeof(cl_int), "labels", &session->held, &session->labels, err);
    if (r == 0)
        r = opencl_allocate(device, batch * sizeof(cl_int), "predictions", &session->held, &session->predictions, err);
    if (r < 0)
        return r;
    *ret_session = TAKE_POINTER(session);
    return 0;
}

static uint64_t session_memory(const struct device_session *session)
{
    return session->held;
}

/* --- nodes --------------------------------------------------------------------------------------------------- */

static bool session_runs_forward(const struct device_session *session, const struct op_node *op)
{
    const struct node_calls *calls = session_calls(op->node->op);

    return calls != NULL && calls->forward != NULL && (calls->fits == NULL || calls->fits(session, op, false, 0));
}

static bool session_runs_backward(const struct device_session *session, const struct op_node *op, uint32_t input)
{
    const struct node_calls *calls = session_calls(op->node->op);

    return calls != NULL && calls->backward != NULL && (calls->fits == NULL || calls->fits(session, op, true, input));
}

static int session_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    return session_calls(run->op->node->op)->forward(session, run, err);
}

static int session_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                            float *ret_dx, struct error *err)
{
    return session_calls(run->op->node->op)->backward(session, run, input, dy, ret_dx, err);
}

const struct device_calls opencl_calls = {
    .open = session_open,
    .close = session_close,
    .memory = session_memory,
    .runs_forward = session_runs_forward,
    .runs_backward = session_runs_backward,
    .forward = session_forward,
    .backward = session_backward,
    .add = session_add,
    .loss = session_loss,
    .predictions = session_predictions,
    .input = session_input,
    .stage = session_stage,
    .take_input = session_take_input,
    .write = session_write,
    .read = session_read,
};
