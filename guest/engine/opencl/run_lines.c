/* SPDX-License-Identifier: Apache-2.0 */
/* Sums along lines and windows, and moves by tables: softmax, reductions, pooling, transposes and their like. */
#include "guest/engine/op_states.h"
#include "guest/engine/opencl/session.h"

#include <errno.h>
#include <string.h>

/* --- Softmax and LogSoftmax ---------------------------------------------------------------------------------- */

static void softmax_numbers(struct launch *launch, const struct op_run *run, size_t *ret_lines)
{
    const struct graph_value *x = op_input(run->op, 0);
    const struct graph_attributes *attributes = &run->op->node->attributes;
    size_t length = op_span(x, attributes->axis, attributes->axis_end);

    *ret_lines = op_part(run, x->elements) / length;
    launch_number(launch, length);
    launch_number(launch, op_span(x, attributes->axis_end, x->rank));
    launch_number(launch, run->op->node->op == GRAPH_LOG_SOFTMAX);
    launch_number(launch, *ret_lines);
}

static int softmax_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    struct launch launch = launch_begin(session->device, KERNEL_SOFTMAX);
    size_t lines;

    launch_place(&launch, session_place(session, run->inputs[0]));
    launch_place(&launch, session_place(session, run->output));
    softmax_numbers(&launch, run, &lines);
    return launch_run(&launch, lines, 1, 1, err);
}

static int softmax_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                            float *ret_dx, struct error *err)
{
    struct launch launch = launch_begin(session->device, KERNEL_SOFTMAX_GRADIENT);
    size_t lines;

    (void)input;
    launch_place(&launch, session_place(session, run->output));
    launch_place(&launch, session_place(session, dy));
    launch_place(&launch, session_place(session, ret_dx));
    softmax_numbers(&launch, run, &lines);
    return launch_run(&launch, lines, 1, 1, err);
}

const struct node_calls calls_softmax = {.forward = softmax_forward, .backward = softmax_backward};

/* --- ReduceSum and ReduceMean ----------------------------------------------------------------------------------- */

static int reduce_run(struct device_session *session, const struct op_run *run, bool backward, const float *from,
                      float *to, struct error *err)
{
    const struct reduce_state *state = run->op->state;
    const struct walk_shape walk = session_walk(&state->walk, op_part(run, state->walk.dims[0]));
    const struct graph_value *written = backward ? op_input(run->op, 0) : op_output(run->op);
    struct launch launch = launch_begin(session->device, backward ? KERNEL_REDUCE_GRADIENT : KERNEL_REDUCE);
    size_t count = op_part(run, written->elements);

    launch_place(&launch, session_place(session, from));
    launch_place(&launch, session_place(session, to));
    launch_shape(&launch, 'W', &walk, sizeof walk);
    launch_float(&launch, state->divisor);
    launch_number(&launch, count);
    return launch_run(&launch, count, 1, 1, err);
}

static int reduce_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    return reduce_run(session, run, false, run->inputs[0], run->output, err);
}

static int reduce_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                           float *ret_dx, struct error *err)
{
    (void)input;
    return reduce_run(session, run, true, dy, ret_dx, err);
}

const struct node_calls calls_reduce = {.forward = reduce_forward, .backward = reduce_backward};

/* --- MaxPool and AveragePool -------------------------------------------------------------------------------------- */

static struct pool_shape pool_of(const struct op_run *run)
{
    const struct graph_window *window = &run->op->node->attributes.window;
    const struct graph_value *x = op_input(run->op, 0), *y = op_output(run->op);

    return (struct pool_shape){
        .planes = (uint32_t)op_part(run, x->dims[0] * x->dims[1]),
        .height = (uint32_t)x->dims[2],
        .width = (uint32_t)x->dims[3],
        .out_height = (uint32_t)y->dims[2],
        .out_width = (uint32_t)y->dims[3],
        .kernel_height = window->kernel[0],
        .kernel_width = window->kernel[1],
        .row_stride = window->stride[0],
        .column_stride = window->stride[1],
        .row_dilation = window->dilation[0],
        .column_dilation = window->dilation[1],
        .pad_top = window->pad_begin[0],
        .pad_left = window->pad_begin[1],
        .pad_bottom = window->pad_end[0],
        .pad_right = window->pad_end[1],
        .maximum = run->op->node->op == GRAPH_MAX_POOL,
        .include_pad = window->count_include_pad,
    };
}

/* The kernels count places in 32 bits. */
static bool pool_fits(const struct device_session *session, const struct op_node *op, bool backward, uint32_t input)
{
    const struct graph_window *window = &op->node->attributes.window;

    (void)session;
    (void)backward;
    (void)input;
    for (unsigned axis = 0; axis < 2; axis++) {
        uint64_t image = op_input(op, 0)->dims[2 + axis], outputs = op_output(op)->dims[2 + axis];

        if (image + window->pad_begin[axis] + window->pad_end[axis] > INT32_MAX ||
            outputs * window->stride[axis] > INT32_MAX ||
            (uint64_t)window->kernel[axis] * window->dilation[axis] > INT32_MAX)
            return false;
    }
    return true;
}

static int pool_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    const struct pool_shape shape = pool_of(run);
    struct launch launch = launch_begin(session->device, KERNEL_POOL);

    launch_place(&launch, session_place(session, run->inputs[0]));
    launch_place(&launch, session_place(session, run->output));
    launch_shape(&launch, 'P', &shape, sizeof shape);
    return launch_run(&launch, (size_t)shape.planes * shape.out_height * shape.out_width, 1, 1, err);
}

static int pool_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                         float *ret_dx, struct error *err)
{
    const struct pool_shape shape = pool_of(run);
    struct launch launch = launch_begin(session->device, KERNEL_POOL_GRADIENT);

    (void)input;
    launch_place(&launch, session_place(session, run->inputs[0]));
    launch_place(&launch, session_place(session, dy));
    launch_place(&launch, session_place(session, ret_dx));
    launch_shape(&launch, 'P', &shape, sizeof shape);
    return launch_run(&launch, (size_t)shape.planes * shape.height * shape.width, 1, 1, err);
}

const struct node_calls calls_pool = {.fits = pool_fits, .forward = pool_forward, .backward = pool_backward};

static int global_run(struct device_session *session, const struct op_run *run, enum opencl_kernel kernel,
                      const float *from, float *to, struct error *err)
{
    const struct graph_value *x = op_input(run->op, 0);
    size_t planes = op_part(run, x->dims[0] * x->dims[1]), inner = op_span(x, 2, x->rank);
    size_t count = kernel == KERNEL_GLOBAL_AVERAGE ? planes : planes * inner;
    struct launch launch = launch_begin(session->device, kernel);

    launch_place(&launch, session_place(session, from));
    launch_place(&launch, session_place(session, to));
    launch_number(&launch, inner);
    launch_number(&launch, count);
    return launch_run(&launch, count, 1, 1, err);
}

static int global_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    return global_run(session, run, KERNEL_GLOBAL_AVERAGE, run->inputs[0], run->output, err);
}

static int global_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                           float *ret_dx, struct error *err)
{
    (void)input;
    return global_run(session, run, KERNEL_GLOBAL_AVERAGE_GRADIENT, dy, ret_dx, err);
}

const struct node_calls calls_global_average = {.forward = global_forward, .backward = global_backward};

/* --- Transpose, Slice, Gather, Pad ---------------------------------------------------------------------------------
 */

struct view_node {
    struct view_shape shape;
    cl_mem tables;
    bool unique; /* no two outputs read one element */
};

static void view_release(struct device_session *session, uint32_t node)
{
    const struct view_node *view = session->prepared[node];

    if (view->tables != NULL)
        (void)clReleaseMemObject(view->tables);
}

static int compare_entries(const void *left, const void *right)
{
    cl_uint a = *(const cl_uint *)left, b = *(const cl_uint *)right;

    return a < b ? -1 : a > b;
}

/* Whether an axis reads none of its places twice; sorts a copy. */
static bool is_unique(const cl_uint *entries, size_t count, cl_uint *copy)
{
    memcpy(copy, entries, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, compare_entries);
    for (size_t i = 0; i + 1 < count; i++)
        if (copy[i] == copy[i + 1] && copy[i] != VIEW_FILL)
            return false;
    return true;
}

static int view_prepare(struct device_session *session, uint32_t node, struct error *err)
{
    const struct view_state *state = session->nodes[node].state;
    struct view_node *view = calloc(1, sizeof *view);
    CLEANUP_FREE cl_uint *entries = NULL, *copy = NULL;
    size_t total = 0;

    if (view == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to prepare a device's node");
    session->prepared[node] = view;
    for (uint32_t axis = 0; axis < state->rank; axis++)
        total += state->dims[axis];
    entries = calloc(total + 1, sizeof *entries);
    copy = calloc(total + 1, sizeof *copy);
    if (entries == NULL || copy == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to prepare a device's node");
    for (size_t i = 0; i < total; i++)
        entries[i] = state->tables[i] == VIEW_STATE_FILL ? VIEW_FILL : (cl_uint)state->tables[i];
    view->shape = (struct view_shape){.rank = state->rank, .fill = state->fill};
    view->unique = true;
    for (uint32_t axis = 0; axis < state->rank; axis++) {
        size_t first = (size_t)(state->table[axis] - state->tables);

        view->shape.dims[axis] = (uint32_t)state->dims[axis];
        view->shape.table[axis] = (uint32_t)first;
        view->unique = view->unique && is_unique(entries + first, state->dims[axis], copy);
    }
    return session_upload(session, entries, total * sizeof *entries, "a view's tables", &view->tables, err);
}

static bool view_fits(const struct device_session *session, const struct op_node *op, bool backward, uint32_t input)
{
    const struct view_node *view = session->prepared[op - session->nodes];

    (void)input;
    return !backward || view->unique;
}

static int view_run(struct device_session *session, const struct op_run *run, enum opencl_kernel kernel,
                    const float *from, float *to, struct error *err)
{
    const struct view_node *view = session->prepared[session_node(session, run)];
    size_t count = op_part(run, op_output(run->op)->elements);
    struct launch launch = launch_begin(session->device, kernel);

    launch_place(&launch, session_place(session, from));
    launch_place(&launch, session_place(session, to));
    launch_buffer(&launch, view->tables);
    launch_shape(&launch, 'V', &view->shape, sizeof view->shape);
    launch_number(&launch, count);
    return launch_run(&launch, count, 1, 1, err);
}

static int view_forward(struct device_session *session, const struct op_run *run, struct error *err)
{
    return view_run(session, run, KERNEL_VIEW, run->inputs[0], run->output, err);
}

static int view_backward(struct device_session *session, const struct op_run *run, uint32_t input, const float *dy,
                         float *ret_dx, struct error *err)
{
    int r = session_fill(session, ret_dx, 0, op_part(run, op_input(run->op, input)->elements), err);

    return r < 0 ? r : view_run(session, run, KERNEL_VIEW_GRADIENT, dy, ret_dx, err);
}

const struct node_calls calls_view = {.prepare = view_prepare,
                                      .release = view_release,
                                      .fits = view_fits,
                                      .forward = view_forward,
                                      .backward = view_backward};
