/* SPDX-License-Identifier: Apache-2.0 */
/* Life times of values, gradients and scratch memory; the steps are those of executor.c. */
#include "guest/engine/schedule.h"

#include <errno.h>
#include <string.h>

/* What is known while a schedule is made. */
struct builder {
    const struct schedule_options *options;
    const struct graph *graph;
    struct schedule *schedule;
    uint32_t *last_use; /* by value: the last step that reads it */
    uint32_t *gradient; /* by value: its gradient's buffer */
    size_t *last_edge;  /* by value: the edge that was last added to its gradient, where backward() can finish it */
};

#define NO_EDGE SIZE_MAX

static uint32_t forward_step(uint32_t node)
{
    return node + 1;
}

static uint32_t loss_step(const struct graph *graph)
{
    return graph->node_count + 1;
}

static uint32_t backward_step(const struct graph *graph, uint32_t node)
{
    return 2 * graph->node_count + 1 - node;
}

static void extend(uint32_t *last, uint32_t step)
{
    if (step > *last)
        *last = step;
}

static uint32_t add_buffer(struct builder *builder, size_t size, uint32_t first, uint32_t last)
{
    struct schedule *schedule = builder->schedule;

    schedule->buffers[schedule->buffer_count] = (struct memory_buffer){.size = size, .first = first, .last = last};
    return schedule->buffer_count++;
}

static size_t elements(const struct builder *builder, uint32_t value)
{
    return builder->graph->values[value].elements;
}

void schedule_free(struct schedule *schedule)
{
    if (schedule == NULL)
        return;
    free(schedule->buffers);
    free(schedule->value);
    free(schedule->scratch_forward);
    free(schedule->scratch_backward);
    free(schedule->gradient_of_output);
    free(schedule->first_edge);
    free(schedule->edges);
    free(schedule);
}

static void cleanup_schedule(struct schedule **schedule)
{
    schedule_free(*schedule);
}

static uint32_t *new_table(struct schedule *schedule, size_t count)
{
    uint32_t *table = malloc((count + 1) * sizeof(*table));

    if (table == NULL)
        return NULL;
    for (size_t i = 0; i <= count; i++)
        table[i] = SCHEDULE_NONE;
    schedule->bytes += (count + 1) * sizeof(*table);
    return table;
}

static int allocate(struct schedule *schedule, const struct graph *graph)
{
    size_t edges = 0, buffers;

    for (uint32_t i = 0; i < graph->node_count; i++)
        edges += graph->nodes[i].input_count;
    /* A value, a gradient and a temporary an edge, two scratches a node, and the interface. */
    buffers = graph->value_count + 2 * edges + 2 * (size_t)graph->node_count + 2;
    if (buffers >= SCHEDULE_NONE || graph->node_count >= SCHEDULE_NONE / 4)
        return -EOVERFLOW;
    schedule->buffers = calloc(buffers, sizeof(schedule->buffers[0]));
    schedule->edges = malloc((edges + 1) * sizeof(schedule->edges[0]));
    schedule->first_edge = calloc((size_t)graph->node_count + 1, sizeof(schedule->first_edge[0]));
    schedule->value = new_table(schedule, graph->value_count);
    schedule->scratch_forward = new_table(schedule, graph->node_count);
    schedule->scratch_backward = new_table(schedule, graph->node_count);
    schedule->gradient_of_output = new_table(schedule, graph->node_count);
    if (schedule->buffers == NULL || schedule->edges == NULL || schedule->first_edge == NULL ||
        schedule->value == NULL || schedule->scratch_forward == NULL || schedule->scratch_backward == NULL ||
        schedule->gradient_of_output == NULL)
        return -ENOMEM;
    for (size_t i = 0; i <= edges; i++)
        schedule->edges[i] = (struct schedule_edge){SCHEDULE_NONE, SCHEDULE_NONE, GRAPH_NONE};
    for (uint32_t i = 0; i < graph->node_count; i++)
        schedule->first_edge[i + 1] = schedule->first_edge[i] + graph->nodes[i].input_count;
    schedule->bytes += sizeof(*schedule) + buffers * sizeof(schedule->buffers[0]) + edges * sizeof(schedule->edges[0]) +
                       graph->node_count * sizeof(size_t);
    schedule->logits_gradient = schedule->input_gradient = SCHEDULE_NONE;
    return 0;
}

/* Whether input k of a node has a gradient, given that the node's output has one. */
static bool takes_gradient(const struct builder *builder, const struct graph_node *node, uint32_t k)
{
    return node->inputs[k] != GRAPH_NONE && builder->options->depends[node->inputs[k]];
}

/* What backward passes read keeps those values alive; returns through last_use. */
static void keep_for_backward(struct builder *builder, bool *has_gradient)
{
    const struct graph *graph = builder->graph;

    has_gradient[graph->logits] = true;
    for (uint32_t i = graph->node_count; i-- > 0;) {
        const struct graph_node *node = &graph->nodes[i];
        const struct op *op = op_find(node->op);
        uint32_t step = backward_step(graph, i);

        if (!has_gradient[node->output])
            continue;
        for (uint32_t k = 0; k < node->input_count; k++) {
            unsigned needs = op->needs[k == 0 ? 0 : 1];

            if (!takes_gradient(builder, node, k))
                continue;
            has_gradient[node->inputs[k]] = true;
            if ((needs & OP_NEEDS_OUTPUT) != 0)
                extend(&builder->last_use[node->output], step);
            for (uint32_t j = 0; j < node->input_count; j++)
                if (node->inputs[j] != GRAPH_NONE && (needs & (j == k ? OP_NEEDS_SELF : OP_NEEDS_OTHERS)) != 0)
                    extend(&builder->last_use[node->inputs[j]], step);
        }
    }
}

static int find_last_uses(struct builder *builder)
{
    const struct graph *graph = builder->graph;
    CLEANUP_FREE bool *has_gradient = NULL;

    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        uint32_t step = forward_step(builder->options->fusion[i].runs_in);

        extend(&builder->last_use[node->output], step);
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] != GRAPH_NONE)
                extend(&builder->last_use[node->inputs[k]], step);
    }
    extend(&builder->last_use[graph->logits], loss_step(graph));
    if (builder->options->layer != GRAPH_NONE)
        extend(&builder->last_use[builder->options->layer], loss_step(graph));
    if (!builder->options->gradient)
        return 0;
    has_gradient = calloc(graph->value_count, sizeof(bool));
    if (has_gradient == NULL)
        return -ENOMEM;
    keep_for_backward(builder, has_gradient);
    return 0;
}

/* The buffer of input 0 where the node's output may take it over, or SCHEDULE_NONE. */
static uint32_t shared_buffer(const struct builder *builder, uint32_t i, uint32_t output)
{
    const struct graph_node *node = &builder->graph->nodes[i];
    const struct op *op = op_find(node->op);
    uint32_t buffer = node->inputs[0] == GRAPH_NONE ? SCHEDULE_NONE : builder->schedule->value[node->inputs[0]];

    if (buffer == SCHEDULE_NONE || elements(builder, node->inputs[0]) != elements(builder, output))
        return SCHEDULE_NONE;
    if (op->alias)
        return buffer;
    return op->in_place && builder->schedule->buffers[buffer].last <= forward_step(i) ? buffer : SCHEDULE_NONE;
}

static void place_values(struct builder *builder)
{
    const struct graph *graph = builder->graph;
    struct schedule *schedule = builder->schedule;

    schedule->value[graph->input] =
        add_buffer(builder, elements(builder, graph->input), 0, builder->last_use[graph->input]);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        uint32_t output = builder->options->fusion[i].result;
        uint32_t step = forward_step(i);
        uint32_t buffer;

        if (builder->options->fusion[i].runs_in != i)
            continue;
        buffer = shared_buffer(builder, i, output);
        if (buffer == SCHEDULE_NONE)
            buffer = add_buffer(builder, elements(builder, output), step, step);
        extend(&schedule->buffers[buffer].last, builder->last_use[output]);
        schedule->value[output] = buffer;
        if (builder->options->nodes[i].scratch_forward > 0)
            schedule->scratch_forward[i] = add_buffer(builder, builder->options->nodes[i].scratch_forward, step, step);
    }
}

/* The last input of a node that takes a gradient: after it, dy is not read again. */
static uint32_t last_gradient_input(const struct builder *builder, const struct graph_node *node)
{
    uint32_t last = SCHEDULE_NONE;

    for (uint32_t k = 0; k < node->input_count; k++)
        if (takes_gradient(builder, node, k))
            last = k;
    return last;
}

static void place_edge(struct builder *builder, uint32_t i, uint32_t k, uint32_t dy)
{
    const struct graph_node *node = &builder->graph->nodes[i];
    const struct op *op = op_find(node->op);
    size_t index = builder->schedule->first_edge[i] + k;
    struct schedule_edge *edge = &builder->schedule->edges[index];
    bool finishes = k == 0 && (op->finishes & OP_FINISHES_GRADIENT) != 0 && builder->options->finish_gradients;
    uint32_t value = node->inputs[k];
    uint32_t step = backward_step(builder->graph, i);
    size_t size = elements(builder, value);

    builder->last_edge[value] = finishes ? index : NO_EDGE;
    if (builder->gradient[value] != SCHEDULE_NONE) {
        edge->sum = builder->gradient[value];
        extend(&builder->schedule->buffers[edge->sum].last, step);
        edge->written = finishes ? edge->sum : add_buffer(builder, size, step, step);
        return;
    }
    if (op->in_place_backward && k == last_gradient_input(builder, node) && size == elements(builder, node->output))
        edge->written = dy;
    else
        edge->written = add_buffer(builder, size, step, step);
    builder->gradient[value] = edge->written;
}

/* Whether a Relu's backward step was done by whoever finished its output's gradient; then it is noted there. */
static bool mask_before(struct builder *builder, const struct graph_node *node)
{
    size_t edge = builder->last_edge[node->output];

    if (node->op != GRAPH_RELU || edge == NO_EDGE || builder->gradient[node->inputs[0]] != SCHEDULE_NONE ||
        elements(builder, node->inputs[0]) != elements(builder, node->output))
        return false;
    builder->schedule->edges[edge].mask = node->output;
    builder->gradient[node->inputs[0]] = builder->gradient[node->output];
    return true;
}

static void place_gradients(struct builder *builder)
{
    const struct graph *graph = builder->graph;
    struct schedule *schedule = builder->schedule;
    uint32_t loss = loss_step(graph);

    schedule->logits_gradient = add_buffer(builder, elements(builder, graph->logits), loss, loss);
    builder->gradient[graph->logits] = schedule->logits_gradient;
    for (uint32_t i = graph->node_count; i-- > 0;) {
        const struct graph_node *node = &graph->nodes[i];
        uint32_t dy = builder->gradient[node->output];
        uint32_t step = backward_step(graph, i);

        if (dy == SCHEDULE_NONE || mask_before(builder, node))
            continue;
        schedule->gradient_of_output[i] = dy;
        extend(&schedule->buffers[dy].last, step);
        for (uint32_t k = 0; k < node->input_count; k++)
            if (takes_gradient(builder, node, k))
                place_edge(builder, i, k, dy);
        if (builder->options->nodes[i].scratch_backward > 0)
            schedule->scratch_backward[i] =
                add_buffer(builder, builder->options->nodes[i].scratch_backward, step, step);
    }
    schedule->input_gradient = builder->gradient[graph->input];
    extend(&schedule->buffers[schedule->input_gradient].last, 2 * graph->node_count + 2);
}

int schedule_create(const struct schedule_options *options, struct schedule **ret_schedule)
{
    const struct graph *graph = options->graph;
    __attribute__((cleanup(cleanup_schedule))) struct schedule *schedule = calloc(1, sizeof(*schedule));
    CLEANUP_FREE uint32_t *last_use = calloc(graph->value_count, sizeof(uint32_t));
    CLEANUP_FREE uint32_t *gradient = malloc(graph->value_count * sizeof(uint32_t));
    CLEANUP_FREE size_t *last_edge = malloc(graph->value_count * sizeof(size_t));
    struct builder builder = {.options = options,
                              .graph = graph,
                              .schedule = schedule,
                              .last_use = last_use,
                              .gradient = gradient,
                              .last_edge = last_edge};
    int ret;

    if (schedule == NULL || last_use == NULL || gradient == NULL || last_edge == NULL)
        return -ENOMEM;
    memset(gradient, 0xff, graph->value_count * sizeof(uint32_t));
    memset(last_edge, 0xff, graph->value_count * sizeof(size_t));
    ret = allocate(schedule, graph);
    if (ret == 0)
        ret = find_last_uses(&builder);
    if (ret < 0)
        return ret;
    place_values(&builder);
    if (options->gradient)
        place_gradients(&builder);
    ret = memory_plan(schedule->buffers, schedule->buffer_count, &schedule->arena_size);
    if (ret < 0)
        return ret;
    *ret_schedule = TAKE_POINTER(schedule);
    return 0;
}
