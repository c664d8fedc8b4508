/* SPDX-License-Identifier: Apache-2.0 */
/* The table of operators and what they share. */
#include "guest/engine/ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FLOAT_ALIGNMENT 64u
#define PARALLEL_WORTH  32768u /* operations below which one thread is sooner done */

static const struct op *const table[GRAPH_OP_COUNT] = {
    [GRAPH_CONV] = &op_conv,
    [GRAPH_CONV_TRANSPOSE] = &op_conv_transpose,
    [GRAPH_GEMM] = &op_gemm,
    [GRAPH_MATMUL] = &op_matmul,
    [GRAPH_BATCH_NORM] = &op_batch_norm,
    [GRAPH_RELU] = &op_relu,
    [GRAPH_LEAKY_RELU] = &op_leaky_relu,
    [GRAPH_SIGMOID] = &op_sigmoid,
    [GRAPH_TANH] = &op_tanh,
    [GRAPH_HARD_SIGMOID] = &op_hard_sigmoid,
    [GRAPH_CLIP] = &op_clip,
    [GRAPH_ELU] = &op_elu,
    [GRAPH_ERF] = &op_erf,
    [GRAPH_SOFTMAX] = &op_softmax,
    [GRAPH_LOG_SOFTMAX] = &op_log_softmax,
    [GRAPH_MAX_POOL] = &op_max_pool,
    [GRAPH_AVERAGE_POOL] = &op_average_pool,
    [GRAPH_GLOBAL_AVERAGE_POOL] = &op_global_average_pool,
    [GRAPH_ADD] = &op_add,
    [GRAPH_SUB] = &op_sub,
    [GRAPH_MUL] = &op_mul,
    [GRAPH_DIV] = &op_div,
    [GRAPH_CONCAT] = &op_concat,
    [GRAPH_RESHAPE] = &op_reshape,
    [GRAPH_TRANSPOSE] = &op_transpose,
    [GRAPH_GATHER] = &op_gather,
    [GRAPH_SLICE] = &op_slice,
    [GRAPH_PAD] = &op_pad,
    [GRAPH_REDUCE_MEAN] = &op_reduce_mean,
    [GRAPH_TREE_ENSEMBLE] = &op_tree_ensemble,
    [GRAPH_FUNCTION] = &op_function,
    [GRAPH_FUNCTION2] = &op_function2,
    [GRAPH_WHERE] = &op_where,
    [GRAPH_PICK] = &op_pick,
    [GRAPH_REDUCE_SUM] = &op_reduce_sum,
    [GRAPH_REDUCE_MAX] = &op_reduce_max,
    [GRAPH_REDUCE_PROD] = &op_reduce_prod,
    [GRAPH_ARG_MAX] = &op_arg_max,
    [GRAPH_HARDMAX] = &op_hardmax,
    [GRAPH_TOP_K] = &op_top_k,
    [GRAPH_CUM_SUM] = &op_cum_sum,
};

const struct op *op_find(enum graph_op op)
{
    return (unsigned)op < GRAPH_OP_COUNT ? table[op] : NULL;
}

void op_name_text(char ret_text[OP_NAME_TEXT_MAX], const char *name)
{
    size_t length = 0;

    if (name == NULL)
        name = "";
    for (; name[length] != '\0' && length < OP_NAME_TEXT_MAX - 1; length++) {
        char c = name[length];

        ret_text[length] = (c > ' ' && c < 0x7f && c != '"' && c != '\\') ? c : '?';
    }
    if (name[length] != '\0')
        memcpy(ret_text + length - 3, "...", 3);
    ret_text[length] = '\0';
}

int op_refuse(const struct op_node *op, struct error *err, const char *reason)
{
    char name[OP_NAME_TEXT_MAX];

    op_name_text(name, op->node->name);
    return error_set(err, ERROR_BAD_INPUT, -EINVAL, "node \"%s\" (%s): %s", name, graph_node_op_name(op->node), reason);
}

int op_no_memory(const struct op_node *op, struct error *err)
{
    char name[OP_NAME_TEXT_MAX];

    op_name_text(name, op->node->name);
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "node \"%s\" (%s): not enough memory to prepare it", name,
                     graph_node_op_name(op->node));
}

float *op_allocate_floats(struct op_node *op, size_t count)
{
    void *memory = NULL;

    if (count == 0 || count > SIZE_MAX / sizeof(float) - FLOAT_ALIGNMENT ||
        posix_memalign(&memory, FLOAT_ALIGNMENT, count * sizeof(float)) != 0)
        return NULL;
    op->state_bytes += count * sizeof(float);
    return memory;
}

void *op_allocate_state(struct op_node *op, size_t size)
{
    op->state = calloc(1, size);
    if (op->state != NULL)
        op->state_bytes += size;
    return op->state;
}

const struct graph_value *op_input(const struct op_node *op, uint32_t k)
{
    if (k >= op->node->input_count || op->node->inputs[k] == GRAPH_NONE)
        return NULL;
    return &op->graph->values[op->node->inputs[k]];
}

const struct graph_value *op_output(const struct op_node *op)
{
    return &op->graph->values[op->node->output];
}

size_t op_span(const struct graph_value *value, uint32_t first, uint32_t last)
{
    size_t product = 1;

    for (uint32_t axis = first; axis < last && axis < value->rank; axis++)
        product *= value->dims[axis];
    return product;
}

bool op_same_dims(const struct graph_value *a, const struct graph_value *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof(a->dims[0])) == 0;
}

int op_take_axes(const struct op_node *op, struct op_axes *ret_axes, struct error *err)
{
    const struct graph_attributes *attributes = &op->node->attributes;
    const struct graph_value *x = op_input(op, 0);

    if (op->node->input_count != 1 || x == NULL)
        return op_refuse(op, err, "must have one input");
    if (attributes->axis > attributes->axis_end || attributes->axis_end > x->rank)
        return op_refuse(op, err, "its axes are not within its input");
    ret_axes->outer = op_span(x, 0, attributes->axis);
    ret_axes->length = op_span(x, attributes->axis, attributes->axis_end);
    ret_axes->inner = op_span(x, attributes->axis_end, x->rank);
    return 0;
}

int op_plan_unary(struct op_node *op, struct error *err)
{
    const struct graph_value *x = op_input(op, 0);

    if (x == NULL || op->node->input_count != 1)
        return op_refuse(op, err, "must have one input");
    if (x->elements != op_output(op)->elements)
        return op_refuse(op, err, "output and input differ in size");
    return 0;
}

size_t op_part(const struct op_run *run, size_t whole)
{
    size_t batch = run->op->graph->batch;

    return run->samples == batch ? whole : whole / batch * run->samples;
}

void op_parallel(const struct op_node *op, size_t count, size_t cost,
                 void (*work)(void *argument, size_t first, size_t last), void *argument)
{
    if (count == 0)
        return;
    if (count == 1 || count < PARALLEL_WORTH / (cost == 0 ? 1 : cost))
        work(argument, 0, count);
    else
        kernels_parallel(op->kernels, count, work, argument);
}
