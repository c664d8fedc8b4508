/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a graph is well formed, and whether the samples of its batch are independent. */
#include "guest/engine/samples.h"

#include "guest/engine/ops.h"

#include <errno.h>
#include <string.h>

static int check_value(const struct graph_value *value, struct error *err)
{
    uint64_t elements = 1;
    char name[OP_NAME_TEXT_MAX];

    op_name_text(name, value->name);
    if (value->rank > GRAPH_RANK_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "value \"%s\" has %u axes", name, value->rank);
    for (uint32_t axis = 0; axis < value->rank; axis++)
        if (value->dims[axis] == 0 || __builtin_mul_overflow(elements, value->dims[axis], &elements) ||
            elements > SIZE_MAX / sizeof(float) / 2)
            return error_set(err, ERROR_BAD_INPUT, -EINVAL, "value \"%s\" has an empty or too large shape", name);
    if (elements != value->elements)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "value \"%s\" has not as many elements as its shape", name);
    return 0;
}

static int check_node(const struct graph *graph, const struct graph_node *node, bool *known, struct error *err)
{
    char name[OP_NAME_TEXT_MAX];

    op_name_text(name, node->name);
    if (op_find(node->op) == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOSYS, "node \"%s\": operator number %u is not supported", name,
                         (unsigned)node->op);
    if (node->input_count == 0 || node->input_count > GRAPH_INPUTS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "node \"%s\" has %u inputs", name, node->input_count);
    for (uint32_t k = 0; k < node->input_count; k++)
        if (node->inputs[k] != GRAPH_NONE && (node->inputs[k] >= graph->value_count || !known[node->inputs[k]]))
            return error_set(err, ERROR_BAD_INPUT, -EINVAL, "node \"%s\": input %u is not computed before it", name, k);
    if (node->output >= graph->value_count || known[node->output])
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "node \"%s\": its output is computed twice", name);
    known[node->output] = true;
    return 0;
}

static int check_interface(const struct graph *graph, struct error *err)
{
    if (graph->batch == 0 || graph->value_count == 0 || graph->input >= graph->value_count ||
        graph->logits >= graph->value_count || graph->values[graph->input].constant != NULL)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "the graph has no input, logits or batch");
    if (graph->input_is_channels_last)
        return error_set(err, ERROR_UNAVAILABLE, -ENOSYS, "inputs with channels last are not supported");
    return 0;
}

int samples_check_graph(const struct graph *graph, struct error *err)
{
    CLEANUP_FREE bool *known = NULL;
    int ret = check_interface(graph, err);

    for (uint32_t v = 0; ret == 0 && v < graph->value_count; v++)
        ret = check_value(&graph->values[v], err);
    if (ret < 0)
        return ret;
    if (graph->values[graph->input].elements % graph->batch != 0 ||
        graph->values[graph->logits].elements % graph->batch != 0)
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "input or logits don't divide into %u samples", graph->batch);
    known = calloc(graph->value_count, sizeof(bool));
    if (known == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "not enough memory for a graph of %u values",
                         graph->value_count);
    for (uint32_t v = 0; v < graph->value_count; v++)
        known[v] = graph->values[v].constant != NULL || v == graph->input;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        ret = check_node(graph, &graph->nodes[i], known, err);
        if (ret < 0)
            return ret;
    }
    samples_mark_dependent(graph, known);
    if (!known[graph->logits])
        return error_set(err, ERROR_BAD_INPUT, -EINVAL, "the model's logits don't depend on its input");
    return 0;
}

void samples_mark_dependent(const struct graph *graph, bool *ret_depends)
{
    memset(ret_depends, 0, graph->value_count * sizeof(bool));
    ret_depends[graph->input] = true;
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (uint32_t k = 0; k < graph->nodes[i].input_count; k++)
            if (graph->nodes[i].inputs[k] != GRAPH_NONE && ret_depends[graph->nodes[i].inputs[k]])
                ret_depends[graph->nodes[i].output] = true;
}

/* --- independence -------------------------------------------------------------------------- */

/* A constant beside `y` reads the same for each sample. */
static bool constant_is_uniform(const struct graph *graph, const struct graph_value *value, const struct graph_value *y)
{
    size_t block;

    if (value->rank < y->rank || value->rank == 0 || value->dims[0] == 1)
        return true;
    if (value->elements % graph->batch != 0)
        return false;
    block = value->elements / graph->batch * sizeof(float);
    for (uint32_t b = 1; b < graph->batch; b++)
        if (memcmp(value->constant, (const char *)value->constant + b * block, block) != 0)
            return false;
    return true;
}

/* An operand of an operator with broadcasting: computed with the output's first axis, or uniform. */
static bool operand_keeps_samples(const struct graph *graph, uint32_t input, const struct graph_value *y)
{
    const struct graph_value *value = &graph->values[input];

    if (value->constant != NULL)
        return constant_is_uniform(graph, value, y);
    return value->rank == y->rank && value->dims[0] == y->dims[0];
}

static bool matmul_keeps_samples(const struct graph *graph, const struct graph_node *node)
{
    const struct graph_value *a = &graph->values[node->inputs[0]];
    const struct graph_value *b = &graph->values[node->inputs[1]];
    const struct graph_value *y = &graph->values[node->output];

    if (a->constant == NULL && a->rank == y->rank && a->rank == 2)
        return b->constant != NULL && b->rank <= 2;
    /* Above two axes the first one only counts matrices; a vector on the right takes the last away. */
    if (b->constant != NULL && b->rank == 1)
        return a->rank >= 2;
    return y->rank >= 3 && a->rank <= y->rank && b->rank <= y->rank &&
           operand_keeps_samples(graph, node->inputs[0], y) && operand_keeps_samples(graph, node->inputs[1], y);
}

static bool gemm_keeps_samples(const struct graph *graph, const struct graph_node *node)
{
    const struct graph_value *y = &graph->values[node->output];

    if (graph->values[node->inputs[0]].constant != NULL || node->attributes.transposed_a ||
        graph->values[node->inputs[1]].constant == NULL)
        return false;
    return node->input_count < 3 || node->inputs[2] == GRAPH_NONE || operand_keeps_samples(graph, node->inputs[2], y);
}

static bool node_keeps_samples(const struct graph *graph, const struct graph_node *node)
{
    const struct graph_attributes *attributes = &node->attributes;
    const struct graph_value *x = &graph->values[node->inputs[0]];
    const struct graph_value *y = &graph->values[node->output];

    switch (node->op) {
    case GRAPH_GEMM:
        return gemm_keeps_samples(graph, node);
    case GRAPH_MATMUL:
        return matmul_keeps_samples(graph, node);
    case GRAPH_SOFTMAX:
    case GRAPH_LOG_SOFTMAX:
    case GRAPH_GATHER:
    case GRAPH_REDUCE_MAX:
    case GRAPH_REDUCE_PROD:
    case GRAPH_ARG_MAX:
    case GRAPH_HARDMAX:
    case GRAPH_TOP_K:
    case GRAPH_CUM_SUM:
        return attributes->axis > 0;
    case GRAPH_CONCAT:
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] == GRAPH_NONE || !operand_keeps_samples(graph, node->inputs[k], y))
                return false;
        return attributes->axis > 0;
    case GRAPH_ADD:
    case GRAPH_SUB:
    case GRAPH_MUL:
    case GRAPH_DIV:
        return node->input_count == 2 && node->inputs[1] != GRAPH_NONE &&
               operand_keeps_samples(graph, node->inputs[0], y) && operand_keeps_samples(graph, node->inputs[1], y);
    case GRAPH_TRANSPOSE:
        return attributes->permutation[0] == 0;
    case GRAPH_SLICE:
        return attributes->start[0] == 0 && attributes->step[0] == 1 && x->dims[0] == y->dims[0];
    case GRAPH_PAD:
        return attributes->pad_begin[0] == 0 && attributes->pad_end[0] == 0;
    case GRAPH_REDUCE_MEAN:
    case GRAPH_REDUCE_SUM:
        return !attributes->reduce[0];
    case GRAPH_FUNCTION2:
    case GRAPH_WHERE:
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] == GRAPH_NONE || !operand_keeps_samples(graph, node->inputs[k], y))
                return false;
        return true;
    case GRAPH_PICK:
        return attributes->index_count > 0 && y->elements / attributes->index_count % graph->batch == 0;
    default: /* convolutions, pooling and what works element by element, on a first axis of samples */
        return true;
    }
}

bool samples_are_independent(const struct graph *graph)
{
    const struct graph_value *input = &graph->values[graph->input];

    if (graph->batch == 1)
        return true;
    if (input->rank == 0 || input->dims[0] != graph->batch)
        return false;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        const struct graph_value *y = &graph->values[node->output];
        bool computed = false;

        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] != GRAPH_NONE && graph->values[node->inputs[k]].constant == NULL)
                computed = true;
        /* What is computed from constants alone has no samples: the importer folds it. */
        if (!computed || node->inputs[0] == GRAPH_NONE || y->rank == 0 || y->dims[0] % graph->batch != 0 ||
            !node_keeps_samples(graph, node))
            return false;
    }
    return true;
}
