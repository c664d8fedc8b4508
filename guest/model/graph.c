/* SPDX-License-Identifier: Apache-2.0 */
/* The graph form: names of its operators, search by name, release. */
#include "guest/model/graph.h"

#include "guest/model/arena.h"

#include <string.h>

static const char *const op_names[GRAPH_OP_COUNT] = {
    [GRAPH_CONV] = "Conv",
    [GRAPH_CONV_TRANSPOSE] = "ConvTranspose",
    [GRAPH_GEMM] = "Gemm",
    [GRAPH_MATMUL] = "MatMul",
    [GRAPH_BATCH_NORM] = "BatchNormalization",
    [GRAPH_RELU] = "Relu",
    [GRAPH_LEAKY_RELU] = "LeakyRelu",
    [GRAPH_SIGMOID] = "Sigmoid",
    [GRAPH_TANH] = "Tanh",
    [GRAPH_HARD_SIGMOID] = "HardSigmoid",
    [GRAPH_CLIP] = "Clip",
    [GRAPH_ELU] = "Elu",
    [GRAPH_ERF] = "Erf",
    [GRAPH_SOFTMAX] = "Softmax",
    [GRAPH_LOG_SOFTMAX] = "LogSoftmax",
    [GRAPH_MAX_POOL] = "MaxPool",
    [GRAPH_AVERAGE_POOL] = "AveragePool",
    [GRAPH_GLOBAL_AVERAGE_POOL] = "GlobalAveragePool",
    [GRAPH_ADD] = "Add",
    [GRAPH_SUB] = "Sub",
    [GRAPH_MUL] = "Mul",
    [GRAPH_DIV] = "Div",
    [GRAPH_CONCAT] = "Concat",
    [GRAPH_RESHAPE] = "Reshape",
    [GRAPH_TRANSPOSE] = "Transpose",
    [GRAPH_GATHER] = "Gather",
    [GRAPH_SLICE] = "Slice",
    [GRAPH_PAD] = "Pad",
    [GRAPH_REDUCE_MEAN] = "ReduceMean",
    [GRAPH_TREE_ENSEMBLE] = "TreeEnsembleClassifier",
    [GRAPH_FUNCTION] = "Function",
    [GRAPH_FUNCTION2] = "Function2",
    [GRAPH_WHERE] = "Where",
    [GRAPH_PICK] = "Pick",
    [GRAPH_REDUCE_SUM] = "ReduceSum",
    [GRAPH_REDUCE_MAX] = "ReduceMax",
    [GRAPH_REDUCE_PROD] = "ReduceProd",
    [GRAPH_ARG_MAX] = "ArgMax",
    [GRAPH_HARDMAX] = "Hardmax",
    [GRAPH_TOP_K] = "TopK",
    [GRAPH_CUM_SUM] = "CumSum",
};

const char *graph_op_name(enum graph_op op)
{
    return (unsigned)op < GRAPH_OP_COUNT ? op_names[op] : "?";
}

const char *graph_node_op_name(const struct graph_node *node)
{
    if (node->op == GRAPH_FUNCTION)
        return function_name(node->attributes.function);
    if (node->op == GRAPH_FUNCTION2)
        return function2_name(node->attributes.function2);
    return graph_op_name(node->op);
}

uint32_t graph_find_value(const struct graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->value_count; i++)
        if (strcmp(graph->values[i].name, name) == 0)
            return i;
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return graph->nodes[i].output;
    return GRAPH_NONE;
}

void graph_free(struct graph *graph)
{
    if (graph == NULL)
        return;
    arena_free(graph->arena);
    free(graph);
}
