/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a graph in planned memory: what is planned, and made.
 *
 * Steps of a run: 0 writes the input; 1 … n run the nodes forward; n + 1 reads logits and layer, and
 * writes the logits' gradient; 2n + 1 … n + 2, counted down by node, run them backward; 2n + 2 reads the
 * input's gradient. schedule.c derives from that how long each buffer lives.
 */
#include "guest/engine/executor_internal.h"

#include "guest/engine/samples.h"

#include <errno.h>
#include <string.h>

#define ARENA_ALIGNMENT 64u

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

float *executor_input(struct executor *executor, enum executor_pass pass)
{
    if (executor->session != NULL) {
        executor->staged = false; /* it will be another one */
        return executor->device->calls->input(executor->session);
    }
    return executor_buffer_at(executor, pass, executor->schedules[pass]->value[executor->graph->input]);
}

const float *executor_logits(const struct executor *executor, enum executor_pass pass)
{
    return executor_value_at(executor, pass, executor->graph->logits);
}

const float *executor_layer(const struct executor *executor)
{
    return executor_value_at(executor, EXECUTOR_FORWARD, executor->layer);
}

float *executor_logits_gradient(struct executor *executor)
{
    return executor_buffer_at(executor, EXECUTOR_GRADIENT, executor->schedules[EXECUTOR_GRADIENT]->logits_gradient);
}
