/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a graph in planned memory.
 *
 * Steps of a run: 0 writes the input; 1 … n run the nodes forward; n + 1 reads logits and layer, and
 * writes the logits' gradient; 2n + 1 … n + 2, counted down by node, run them backward; 2n + 2 reads the
 * input's gradient. schedule.c derives from that how long each buffer lives.
 */
#include "guest/engine/executor.h"

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
    size_t arena_size; /* floats */
    uint32_t layer;
    bool takes_fewer;
    size_t samples; /* of the last forward pass with gradient; 0 before one */
    uint64_t memory;
};

void executor_free(struct executor *executor)
{
    if (executor == NULL)
        return;
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
        if (node->kernel_scratch > scratch)
            scratch = node->kernel_scratch;
    }
    if (scratch > SIZE_MAX / sizeof(float) || kernels_reserve(options->kernels, scratch) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory for the kernels: they need %llu MiB",
                         (unsigned long long)(scratch / (1u << 18)) + 1);
    executor->memory += kernels_memory(options->kernels);
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

static int allocate_arena(struct executor *executor, struct error *err)
{
    uint64_t bytes = (uint64_t)executor->arena_size * sizeof(float);
    void *memory = NULL;

    if (posix_memalign(&memory, ARENA_ALIGNMENT, bytes) != 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "not enough memory: a batch of %u needs %llu MiB; a smaller batch needs less",
                         executor->graph->batch, (unsigned long long)(bytes >> 20) + 1);
    executor->arena = memory;
    executor->memory += bytes;
    return 0;
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
        ret = allocate_arena(executor, err);
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

int executor_forward(struct executor *executor, enum executor_pass pass, size_t samples, struct error *err)
{
    const struct graph *graph = executor->graph;
    const struct schedule *schedule = executor->schedules[pass];

    executor->samples = 0;
    if (schedule == NULL || samples == 0 || samples > graph->batch ||
        (samples < graph->batch && !executor->takes_fewer))
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a run of %zu samples was not prepared", samples);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        const struct op *op = op_find(node->op);
        const struct fusion_node *fusion = &executor->fusion[i];
        const float *inputs[GRAPH_INPUTS_MAX];
        struct op_run run = {.op = &executor->nodes[i],
                             .samples = samples,
                             .inputs = inputs,
                             .output = buffer_at(executor, pass, schedule->value[fusion->result]),
                             .scratch = buffer_at(executor, pass, schedule->scratch_forward[i]),
                             .finish.relu = fusion->relu};
        int ret;

        if (fusion->runs_in != i)
            continue;
        for (uint32_t k = 0; k < node->input_count; k++)
            inputs[k] = node->inputs[k] == GRAPH_NONE ? NULL : value_at(executor, pass, node->inputs[k]);
        guard_run(executor, pass, &run, fusion->result, schedule->scratch_forward[i]);
        if (fusion->addend != GRAPH_NONE) {
            run.finish.addend = value_at(executor, pass, fusion->addend);
            open_buffer(executor, pass, schedule->value[fusion->addend]);
        }
        ret = op->forward(&run);
        guard_end(executor);
        if (ret < 0)
            return node_failed(run.op, ret, err);
    }
    if (pass == EXECUTOR_GRADIENT)
        executor->samples = samples;
    return 0;
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
    size_t count = executor->graph->values[value].elements / executor->graph->batch * executor->samples;

    if (executor->samples == executor->graph->batch)
        count = executor->graph->values[value].elements;
    for (size_t i = 0; i < count; i++)
        sum[i] = sum[i] + term[i];
}

/* One input's share of a node's gradient, written or added as the schedule says. */
static int backward_input(const struct executor *executor, uint32_t i, uint32_t k, const float *dy)
{
    const struct graph_node *node = &executor->graph->nodes[i];
    const struct schedule *schedule = executor->schedules[EXECUTOR_GRADIENT];
    const struct schedule_edge *edge = &schedule->edges[schedule->first_edge[i] + k];
    const struct op *op = op_find(node->op);
    unsigned needs = op->needs[k == 0 ? 0 : 1];
    const float *inputs[GRAPH_INPUTS_MAX];
    struct op_run run = {.op = &executor->nodes[i],
                         .samples = executor->samples,
                         .inputs = inputs,
                         .scratch = buffer_at(executor, EXECUTOR_GRADIENT, schedule->scratch_backward[i])};
    float *out = buffer_at(executor, EXECUTOR_GRADIENT, edge->written);
    int ret;

    needed_inputs(executor, node, k, needs, inputs);
    if ((needs & OP_NEEDS_OUTPUT) != 0)
        run.output = buffer_at(executor, EXECUTOR_GRADIENT, schedule->value[node->output]);
    guard_run(executor, EXECUTOR_GRADIENT, &run, node->output, schedule->scratch_backward[i]);
    if (edge->mask != GRAPH_NONE) {
        run.finish.mask = value_at(executor, EXECUTOR_GRADIENT, edge->mask);
        open_buffer(executor, EXECUTOR_GRADIENT, schedule->value[edge->mask]);
    }
    if (edge->sum == edge->written)
        run.finish.addend = out;
    open_buffer(executor, EXECUTOR_GRADIENT, schedule->gradient_of_output[i]);
    open_buffer(executor, EXECUTOR_GRADIENT, edge->written);
    ret = op->backward(&run, k, dy, out);
    guard_end(executor);
    if (ret == 0 && edge->sum != SCHEDULE_NONE && edge->sum != edge->written)
        add_to(executor, node->inputs[k], out, buffer_at(executor, EXECUTOR_GRADIENT, edge->sum));
    return ret;
}

int executor_backward(struct executor *executor, const float **ret_gradient, struct error *err)
{
    const struct graph *graph = executor->graph;
    const struct schedule *schedule = executor->schedules[EXECUTOR_GRADIENT];

    if (schedule == NULL || executor->samples == 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a backward pass without a forward pass");
    for (uint32_t i = graph->node_count; i-- > 0;) {
        const struct graph_node *node = &graph->nodes[i];
        const float *dy = buffer_at(executor, EXECUTOR_GRADIENT, schedule->gradient_of_output[i]);

        if (dy == NULL)
            continue;
        for (uint32_t k = 0; k < node->input_count; k++) {
            int ret;

            if (node->inputs[k] == GRAPH_NONE || !executor->depends[node->inputs[k]])
                continue;
            ret = backward_input(executor, i, k, dy);
            if (ret < 0)
                return node_failed(&executor->nodes[i], ret, err);
        }
    }
    executor->samples = 0;
    *ret_gradient = buffer_at(executor, EXECUTOR_GRADIENT, schedule->input_gradient);
    return 0;
}
