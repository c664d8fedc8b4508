/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a graph in planned memory.
 *
 * Steps of a run: 0 writes the input; 1 … n run the nodes forward; n + 1 reads logits and layer, and
 * writes the logits' gradient; 2n + 1 … n + 2, counted down by node, run them backward; 2n + 2 reads the
 * input's gradient. schedule.c derives from that how long each buffer lives.
 */
#include "guest/engine/executor.h"

#include "guest/engine/device_pass.h"
#include "guest/engine/fusion.h"
#include "guest/engine/guard.h"
#include "guest/engine/ops.h"
#include "guest/engine/samples.h"
#include "guest/engine/schedule.h"

#include <errno.h>
#include <string.h>

#define ARENA_ALIGNMENT 64u

struct executor {
    const struct graph *graph;  /* borrowed */
    struct op_node *nodes;      /* graph->node_count */
    bool *depends;              /* a value depends on the input */
    struct fusion_node *fusion; /* by node */
    bool unfused;
    struct schedule *schedules[2]; /* by enum executor_pass; the second NULL without gradient */
    float *arena;
    size_t arena_size;     /* floats */
    size_t kernel_scratch; /* floats that the kernels' context must have */
    uint32_t layer;
    bool takes_fewer;
    size_t samples; /* of the last forward pass with gradient; 0 before one */
    uint64_t memory;
    const struct device *device;    /* NULL: none */
    struct device_session *session; /* NULL without one */
    bool staged;                    /* the next run's input is on its way to the device */
    bool has_loss;                  /* the logits' gradient is on the device */
    size_t computed;                /* samples of the run under way, for its results */
};

void executor_free(struct executor *executor)
{
    if (executor == NULL)
        return;
    if (executor->session != NULL)
        executor->device->calls->close(executor->session);
    for (uint32_t i = 0; executor->nodes != NULL && i < executor->graph->node_count; i++) {
        const struct op *op = op_find(executor->graph->nodes[i].op);

        if (op != NULL && op->release != NULL)
            op->release(&executor->nodes[i]);
        else
            free(executor->nodes[i].state);
    }
    schedule_free(executor->schedules[EXECUTOR_FORWARD]);
    schedule_free(executor->schedules[EXECUTOR_GRADIENT]);
    free(executor->nodes);
    free(executor->depends);
    free(executor->fusion);
    free(executor->arena);
    free(executor);
}

static void cleanup_executor(struct executor **executor)
{
    executor_free(*executor);
}

/* `bytes` is what the plan comes to, or has come to so far. */
static int refuse_memory(const struct executor *executor, const struct executor_options *options, const char *more,
                         uint64_t bytes, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                     "the model needs %s%llu MiB besides its weights, in batches of %u, and may take %llu MiB", more,
                     (unsigned long long)((bytes + (1u << 20) - 1) >> 20), executor->graph->batch,
                     (unsigned long long)(options->memory_max >> 20));
}

static int prepare_nodes(struct executor *executor, const struct executor_options *options, struct error *err)
{
    const struct graph *graph = options->graph;
    size_t scratch = 0;

    for (uint32_t i = 0; i < graph->node_count; i++) {
        struct op_node *node = &executor->nodes[i];
        int ret;

        *node = (struct op_node){
            .graph = graph, .node = &graph->nodes[i], .kernels = options->kernels, .gradient = options->gradient};
        ret = op_find(graph->nodes[i].op)->plan(node, err);
        if (ret < 0)
            return ret;
        executor->memory += node->state_bytes;
        if (options->memory_max > 0 && executor->memory > options->memory_max)
            return refuse_memory(executor, options, "more than ", executor->memory, err);
        if (node->kernel_scratch > scratch)
            scratch = node->kernel_scratch;
    }
    executor->kernel_scratch = scratch;
    return 0;
}

static int plan_pass(struct executor *executor, enum executor_pass pass, struct error *err)
{
    struct schedule_options options = {.graph = executor->graph,
                                       .nodes = executor->nodes,
                                       .fusion = executor->fusion,
                                       .depends = executor->depends,
                                       .layer = pass == EXECUTOR_FORWARD ? executor->layer : GRAPH_NONE,
                                       .gradient = pass == EXECUTOR_GRADIENT,
                                       .finish_gradients = !executor->unfused};
    int ret = schedule_create(&options, &executor->schedules[pass]);

    if (ret == -EOVERFLOW)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "a batch of %u needs more memory than there can be",
                         executor->graph->batch);
    if (ret < 0)
        return error_set(err, ERROR_UNAVAILABLE, ret, "not enough memory to plan a graph of %u nodes",
                         executor->graph->node_count);
    if (executor->schedules[pass]->arena_size > executor->arena_size)
        executor->arena_size = executor->schedules[pass]->arena_size;
    executor->memory += executor->schedules[pass]->bytes;
    return 0;
}

/* What kernels and arena will take is known now: nothing of it is asked for where it is too much. */
static int allocate_memory(struct executor *executor, const struct executor_options *options, struct error *err)
{
    uint64_t arena = (uint64_t)executor->arena_size * sizeof(float);
    void *memory = NULL;

    executor->memory += arena + kernels_memory(options->kernels, executor->kernel_scratch);
    if (options->memory_max > 0 && executor->memory > options->memory_max)
        return refuse_memory(executor, options, "", executor->memory, err);
    if (posix_memalign(&memory, ARENA_ALIGNMENT, arena) != 0 ||
        kernels_reserve(options->kernels, executor->kernel_scratch) < 0) {
        free(memory);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "not enough memory: a batch of %u needs %llu MiB; a smaller batch needs less",
                         executor->graph->batch, (unsigned long long)(executor->memory >> 20) + 1);
    }
    executor->arena = memory;
    return 0;
}

/* The device's half of the plan. */
static int open_session(struct executor *executor, const struct executor_options *options, struct error *err)
{
    struct device *device = kernels_device(options->kernels);
    const struct graph_value *input = &executor->graph->values[executor->graph->input];
    const struct device_setting setting = {.graph = executor->graph,
                                           .nodes = executor->nodes,
                                           .arena = executor->arena,
                                           .arena_size = executor->arena_size,
                                           .input_size = input->elements};

    if (device == NULL)
        return 0;
    executor->device = device;
    return device->calls->open(device, &setting, &executor->session, err);
}

static int allocate_tables(struct executor *executor, struct error *err)
{
    const struct graph *graph = executor->graph;

    executor->nodes = calloc((size_t)graph->node_count + 1, sizeof(executor->nodes[0]));
    executor->depends = calloc(graph->value_count, sizeof(executor->depends[0]));
    if (executor->nodes == NULL || executor->depends == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory for a graph of %u nodes",
                         graph->node_count);
    executor->fusion = executor->unfused ? fusion_none(graph) : fusion_plan(graph, executor->layer);
    if (executor->fusion == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory for a graph of %u nodes",
                         graph->node_count);
    executor->memory += graph->node_count * (sizeof(executor->nodes[0]) + sizeof(executor->fusion[0])) +
                        graph->value_count * sizeof(bool);
    samples_mark_dependent(graph, executor->depends);
    return 0;
}

int executor_create(const struct executor_options *options, struct executor **ret_executor, struct error *err)
{
    __attribute__((cleanup(cleanup_executor))) struct executor *executor = NULL;
    const struct graph *graph = options->graph;
    int ret = samples_check_graph(graph, err);

    if (ret < 0)
        return ret;
    if (options->layer != GRAPH_NONE &&
        (options->layer >= graph->value_count || graph->values[options->layer].constant != NULL))
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "the layer is a constant of the model");
    executor = calloc(1, sizeof(*executor));
    if (executor == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory");
    executor->graph = graph;
    executor->layer = options->layer;
    executor->unfused = options->unfused;
    executor->memory = sizeof(*executor);
    executor->takes_fewer = samples_are_independent(graph);
    ret = allocate_tables(executor, err);
    if (ret == 0)
        ret = prepare_nodes(executor, options, err);
    if (ret == 0)
        ret = plan_pass(executor, EXECUTOR_FORWARD, err);
    if (ret == 0 && options->gradient)
        ret = plan_pass(executor, EXECUTOR_GRADIENT, err);
    if (ret == 0)
        ret = allocate_memory(executor, options, err);
    if (ret == 0)
        ret = open_session(executor, options, err);
    if (ret < 0)
        return ret;
    *ret_executor = TAKE_POINTER(executor);
    return 0;
}

uint64_t executor_memory(const struct executor *executor)
{
    return executor->memory;
}

bool executor_takes_fewer(const struct executor *executor)
{
    return executor->takes_fewer;
}

/* Where a value lies in this pass: a constant's own memory, or the arena. */
static const float *value_at(const struct executor *executor, enum executor_pass pass, uint32_t value)
{
    const struct schedule *schedule = executor->schedules[pass];

    if (executor->graph->values[value].constant != NULL)
        return executor->graph->values[value].constant;
    return executor->arena + schedule_offset(schedule, schedule->value[value]);
}

static float *buffer_at(const struct executor *executor, enum executor_pass pass, uint32_t buffer)
{
    if (buffer == SCHEDULE_NONE)
        return NULL;
    return executor->arena + schedule_offset(executor->schedules[pass], buffer);
}

float *executor_input(struct executor *executor, enum executor_pass pass)
{
    if (executor->session != NULL) {
        executor->staged = false; /* it will be another one */
        return executor->device->calls->input(executor->session);
    }
    return buffer_at(executor, pass, executor->schedules[pass]->value[executor->graph->input]);
}

const float *executor_logits(const struct executor *executor, enum executor_pass pass)
{
    return value_at(executor, pass, executor->graph->logits);
}

const float *executor_layer(const struct executor *executor)
{
    return value_at(executor, EXECUTOR_FORWARD, executor->layer);
}

float *executor_logits_gradient(struct executor *executor)
{
    return buffer_at(executor, EXECUTOR_GRADIENT, executor->schedules[EXECUTOR_GRADIENT]->logits_gradient);
}

static void open_buffer(const struct executor *executor, enum executor_pass pass, uint32_t buffer)
{
    if (buffer != SCHEDULE_NONE)
        guard_open(buffer_at(executor, pass, buffer), executor->schedules[pass]->buffers[buffer].size);
}

/* Between these two, only what a node's run names is open (guard.h). */
static void guard_run(const struct executor *executor, enum executor_pass pass, const struct op_run *run,
                      uint32_t output, uint32_t scratch)
{
    const struct schedule *schedule = executor->schedules[pass];
    const struct graph_node *node = run->op->node;

    guard_close(executor->arena, executor->arena_size);
    for (uint32_t k = 0; k < node->input_count; k++)
        if (run->inputs[k] != NULL)
            open_buffer(executor, pass, schedule->value[node->inputs[k]]);
    if (run->output != NULL)
        open_buffer(executor, pass, schedule->value[output]);
    open_buffer(executor, pass, scratch);
}

static void guard_end(const struct executor *executor)
{
    guard_open(executor->arena, executor->arena_size);
}

static int node_failed(const struct op_node *node, int code, struct error *err)
{
    char name[OP_NAME_TEXT_MAX];

    op_name_text(name, node->node->name);
    return error_set(err, code == -ENOMEM ? ERROR_UNAVAILABLE : ERROR_INTERNAL, code,
                     "node \"%s\" (%s) could not be run", name, graph_op_name(node->node->op));
}

/* One node, by the processor or the device. */
static int forward_node(struct executor *executor, enum executor_pass pass, struct op_run *run, uint32_t i,
                        struct error *err)
{
    const struct fusion_node *fusion = &executor->fusion[i];
    int ret;

    if (executor->session != NULL) {
        if (fusion->addend != GRAPH_NONE)
            run->finish.addend = value_at(executor, pass, fusion->addend);
        return device_pass_forward(executor->device, executor->session, run, err);
    }
    guard_run(executor, pass, run, fusion->result, executor->schedules[pass]->scratch_forward[i]);
    if (fusion->addend != GRAPH_NONE) {
        run->finish.addend = value_at(executor, pass, fusion->addend);
        open_buffer(executor, pass, executor->schedules[pass]->value[fusion->addend]);
    }
    ret = op_find(executor->graph->nodes[i].op)->forward(run);
    guard_end(executor);
    return ret < 0 ? node_failed(run->op, ret, err) : 0;
}

bool executor_stages(const struct executor *executor)
{
    return executor->session != NULL;
}

/* Elements of so many samples of a value. */
static size_t elements_of(const struct executor *executor, uint32_t value, size_t samples)
{
    size_t elements = executor->graph->values[value].elements;

    return samples == executor->graph->batch ? elements : elements / executor->graph->batch * samples;
}

int executor_stage(struct executor *executor, size_t samples, struct error *err)
{
    int ret =
        executor->device->calls->stage(executor->session, elements_of(executor, executor->graph->input, samples), err);

    executor->staged = ret == 0;
    return ret;
}

static int start_device(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    const struct schedule *schedule = executor->schedules[pass];
    int ret = executor->staged ? 0 : executor_stage(executor, samples, err);

    executor->staged = executor->has_loss = false;
    return ret < 0
               ? ret
               : executor->device->calls->take_input(executor->session,
                                                     buffer_at(executor, pass, schedule->value[executor->graph->input]),
                                                     elements_of(executor, executor->graph->input, samples), err);
}

int executor_start(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    const struct graph *graph = executor->graph;
    const struct schedule *schedule = executor->schedules[pass];
    int ret = 0;

    executor->samples = 0;
    if (schedule == NULL || samples == 0 || samples > graph->batch ||
        (samples < graph->batch && !executor->takes_fewer))
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a run of %zu samples was not prepared", samples);
    if (executor->session != NULL)
        ret = start_device(executor, pass, samples, err);
    for (uint32_t i = 0; ret == 0 && i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        const struct fusion_node *fusion = &executor->fusion[i];
        const float *inputs[GRAPH_INPUTS_MAX];
        struct op_run run = {.op = &executor->nodes[i],
                             .samples = samples,
                             .inputs = inputs,
                             .output = buffer_at(executor, pass, schedule->value[fusion->result]),
                             .scratch = buffer_at(executor, pass, schedule->scratch_forward[i]),
                             .finish.relu = fusion->relu};

        if (fusion->runs_in != i)
            continue;
        for (uint32_t k = 0; k < node->input_count; k++)
            inputs[k] = node->inputs[k] == GRAPH_NONE ? NULL : value_at(executor, pass, node->inputs[k]);
        ret = forward_node(executor, pass, &run, i, err);
    }
    if (ret < 0)
        return ret;
    executor->computed = samples;
    if (pass == EXECUTOR_GRADIENT)
        executor->samples = samples;
    return 0;
}

/* A computed value, from the device. */
static int fetch_value(struct executor *executor, enum executor_pass pass, uint32_t value, struct error *err)
{
    if (value == GRAPH_NONE || executor->graph->values[value].constant != NULL)
        return 0;
    return executor->device->calls->read(executor->session,
                                         buffer_at(executor, pass, executor->schedules[pass]->value[value]),
                                         elements_of(executor, value, executor->computed), err);
}

int executor_finish(struct executor *executor, enum executor_pass pass, struct error *err)
{
    int ret = 0;

    if (executor->session == NULL)
        return 0;
    ret = fetch_value(executor, pass, executor->graph->logits, err);
    if (ret == 0 && pass == EXECUTOR_FORWARD && executor->layer != executor->graph->logits)
        ret = fetch_value(executor, pass, executor->layer, err);
    return ret;
}

int executor_forward(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    int ret = executor_start(executor, pass, samples, err);

    return ret < 0 ? ret : executor_finish(executor, pass, err);
}

/* The inputs that backward may read for input k: those it has said it needs, and constants. */
static void needed_inputs(const struct executor *executor, const struct graph_node *node, uint32_t k, unsigned needs,
                          const float **ret_inputs)
{
    for (uint32_t j = 0; j < node->input_count; j++) {
        uint32_t value = node->inputs[j];
        bool needed = (needs & (j == k ? OP_NEEDS_SELF : OP_NEEDS_OTHERS)) != 0;

        if (value == GRAPH_NONE || (!needed && executor->graph->values[value].constant == NULL))
            ret_inputs[j] = NULL;
        else
            ret_inputs[j] = value_at(executor, EXECUTOR_GRADIENT, value);
    }
}

static void add_to(const struct executor *executor, uint32_t value, const float *term, float *sum)
{
    size_t count = elements_of(executor, value, executor->samples);

    for (size_t i = 0; i < count; i++)
        sum[i] = sum[i] + term[i];
}

/* The operator's own backward step, by the processor or the device, and the sum where it is another's to add. */
static int run_backward(struct executor *executor, const struct op_run *run, const struct schedule_edge *edge,
                        uint32_t k, const float *dy, float *out, struct error *err)
{
    const struct graph_node *node = run->op->node;
    bool adds = edge->sum != SCHEDULE_NONE && edge->sum != edge->written;
    int ret;

    if (executor->session != NULL) {
        ret = device_pass_backward(executor->device, executor->session, run, k, dy, out, err);
        if (ret == 0 && adds)
            ret =
                executor->device->calls->add(executor->session, out, buffer_at(executor, EXECUTOR_GRADIENT, edge->sum),
                                             elements_of(executor, node->inputs[k], executor->samples), err);
        return ret;
    }
    ret = op_find(node->op)->backward(run, k, dy, out);
    guard_end(executor);
    if (ret < 0)
        return node_failed(run->op, ret, err);
    if (adds)
        add_to(executor, node->inputs[k], out, buffer_at(executor, EXECUTOR_GRADIENT, edge->sum));
    return 0;
}

/* One input's share of a node's gradient, written or added as the schedule says. */
static int backward_input(struct executor *executor, uint32_t i, uint32_t k, const float *dy, struct error *err)
{
    const struct graph_node *node = &executor->graph->nodes[i];
    const struct schedule *schedule = executor->schedules[EXECUTOR_GRADIENT];
    const struct schedule_edge *edge = &schedule->edges[schedule->first_edge[i] + k];
    unsigned needs = op_find(node->op)->needs[k == 0 ? 0 : 1];
    const float *inputs[GRAPH_INPUTS_MAX];
    struct op_run run = {.op = &executor->nodes[i],
                         .samples = executor->samples,
                         .inputs = inputs,
                         .scratch = buffer_at(executor, EXECUTOR_GRADIENT, schedule->scratch_backward[i])};
    float *out = buffer_at(executor, EXECUTOR_GRADIENT, edge->written);

    needed_inputs(executor, node, k, needs, inputs);
    if ((needs & OP_NEEDS_OUTPUT) != 0)
        run.output = buffer_at(executor, EXECUTOR_GRADIENT, schedule->value[node->output]);
    if (executor->session == NULL)
        guard_run(executor, EXECUTOR_GRADIENT, &run, node->output, schedule->scratch_backward[i]);
    if (edge->mask != GRAPH_NONE) {
        run.finish.mask = value_at(executor, EXECUTOR_GRADIENT, edge->mask);
        open_buffer(executor, EXECUTOR_GRADIENT, schedule->value[edge->mask]);
    }
    if (edge->sum == edge->written)
        run.finish.addend = out;
    open_buffer(executor, EXECUTOR_GRADIENT, schedule->gradient_of_output[i]);
    open_buffer(executor, EXECUTOR_GRADIENT, edge->written);
    return run_backward(executor, &run, edge, k, dy, out, err);
}

int executor_loss(struct executor *executor, const int32_t *labels, struct error *err)
{
    uint32_t logits = executor->graph->logits;
    int ret;

    if (executor->samples == 0 || executor->session == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a loss without a forward pass on a device");
    ret = executor->device->calls->loss(executor->session, value_at(executor, EXECUTOR_GRADIENT, logits), labels,
                                        executor->samples, elements_of(executor, logits, 1),
                                        executor_logits_gradient(executor), err);
    executor->has_loss = ret == 0;
    return ret;
}

int executor_predictions(struct executor *executor, size_t samples, int32_t *ret_predictions, struct error *err)
{
    return executor->device->calls->predictions(executor->session, samples, ret_predictions, err);
}

int executor_backward_start(struct executor *executor, struct error *err)
{
    const struct graph *graph = executor->graph;
    const struct schedule *schedule = executor->schedules[EXECUTOR_GRADIENT];

    if (schedule == NULL || executor->samples == 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a backward pass without a forward pass");
    if (executor->session != NULL && !executor->has_loss) {
        int ret = executor->device->calls->write(executor->session, executor_logits_gradient(executor),
                                                 elements_of(executor, graph->logits, executor->samples), err);

        if (ret < 0)
            return ret;
    }
    for (uint32_t i = graph->node_count; i-- > 0;) {
        const struct graph_node *node = &graph->nodes[i];
        const float *dy = buffer_at(executor, EXECUTOR_GRADIENT, schedule->gradient_of_output[i]);

        if (dy == NULL)
            continue;
        for (uint32_t k = 0; k < node->input_count; k++) {
            int ret;

            if (node->inputs[k] == GRAPH_NONE || !executor->depends[node->inputs[k]])
                continue;
            ret = backward_input(executor, i, k, dy, err);
            if (ret < 0)
                return ret;
        }
    }
    executor->samples = 0;
    return 0;
}

int executor_backward_finish(struct executor *executor, const float **ret_gradient, struct error *err)
{
    float *gradient = buffer_at(executor, EXECUTOR_GRADIENT, executor->schedules[EXECUTOR_GRADIENT]->input_gradient);

    if (executor->session != NULL) {
        int ret = executor->device->calls->read(executor->session, gradient,
                                                elements_of(executor, executor->graph->input, executor->computed), err);

        if (ret < 0)
            return ret;
    }
    *ret_gradient = gradient;
    return 0;
}

int executor_backward(struct executor *executor, const float **ret_gradient, struct error *err)
{
    int ret = executor_backward_start(executor, err);

    return ret < 0 ? ret : executor_backward_finish(executor, ret_gradient, err);
}
