/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes another one does as it writes its result. */
#include "guest/engine/fusion.h"

#include "guest/engine/ops.h"

/* What is known of a value. */
struct known {
    uint32_t readers, reader; /* how many inputs read it, and the last of those nodes */
    uint32_t made_in;         /* the node that computes it; GRAPH_NONE for input and constants */
};

static bool same_shape(const struct graph *graph, uint32_t a, uint32_t b)
{
    return op_same_dims(&graph->values[a], &graph->values[b]);
}

/* The other operand of an Add of `value`, where it can be an addend of node i; else GRAPH_NONE. */
static uint32_t addend_of(const struct graph *graph, const struct known *known, const struct graph_node *add,
                          uint32_t value, uint32_t i)
{
    uint32_t other;

    if (add->op != GRAPH_ADD || add->input_count != 2)
        return GRAPH_NONE;
    other = add->inputs[0] == value ? add->inputs[1] : add->inputs[0];
    if (other == GRAPH_NONE || graph->values[other].constant != NULL || !same_shape(graph, other, value) ||
        !same_shape(graph, add->output, value))
        return GRAPH_NONE;
    return known[other].made_in == GRAPH_NONE || known[other].made_in < i ? other : GRAPH_NONE;
}

/* Gives node i what it can do of its readers' work, one after the other. */
static void extend_node(const struct graph *graph, struct known *known, uint32_t i, struct fusion_node *plan)
{
    unsigned finishes = op_find(graph->nodes[i].op)->finishes;
    struct fusion_node *self = &plan[i];

    while (!self->relu && known[self->result].readers == 1) {
        uint32_t reader = known[self->result].reader;
        const struct graph_node *next = &graph->nodes[reader];

        if ((finishes & OP_FINISHES_RELU) != 0 && next->op == GRAPH_RELU &&
            same_shape(graph, next->output, self->result)) {
            self->relu = true;
        } else if ((finishes & OP_FINISHES_ADDEND) != 0 && self->addend == GRAPH_NONE) {
            self->addend = addend_of(graph, known, next, self->result, i);
            if (self->addend == GRAPH_NONE)
                return;
        } else {
            return;
        }
        plan[reader].runs_in = i;
        self->result = next->output;
        known[next->output].made_in = i;
    }
}

struct fusion_node *fusion_none(const struct graph *graph)
{
    struct fusion_node *plan = calloc((size_t)graph->node_count + 1, sizeof(*plan));

    for (uint32_t i = 0; plan != NULL && i < graph->node_count; i++)
        plan[i] = (struct fusion_node){.runs_in = i, .result = graph->nodes[i].output, .addend = GRAPH_NONE};
    return plan;
}

struct fusion_node *fusion_plan(const struct graph *graph, uint32_t layer)
{
    struct fusion_node *plan = fusion_none(graph);
    CLEANUP_FREE struct known *known = calloc(graph->value_count, sizeof(*known));

    if (plan == NULL || known == NULL) {
        free(plan);
        return NULL;
    }
    for (uint32_t v = 0; v < graph->value_count; v++)
        known[v].made_in = GRAPH_NONE;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        known[graph->nodes[i].output].made_in = i;
        for (uint32_t k = 0; k < graph->nodes[i].input_count; k++)
            if (graph->nodes[i].inputs[k] != GRAPH_NONE) {
                known[graph->nodes[i].inputs[k]].readers++;
                known[graph->nodes[i].inputs[k]].reader = i;
            }
    }
    /* Whoever asks for these reads them, too. */
    known[graph->logits].readers += 2;
    if (layer != GRAPH_NONE)
        known[layer].readers += 2;
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (plan[i].runs_in == i)
            extend_node(graph, known, i, plan);
    return plan;
}
