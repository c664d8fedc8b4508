/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of operators: how a node is checked and prepared once, run forward, and run backward.
 *
 * Each operator writes every output from sums in one order that its source documents; threads and
 * the batch only choose which outputs are computed, never how. Arithmetic outside the convolution
 * and matrix kernels is a rounded product followed by a rounded sum in both arithmetic classes.
 *
 * Samples: a graph is made for `graph->batch` inputs, and a run may compute only the first `samples`
 * of them. That is allowed where sample b is the b-th of `batch` equal contiguous blocks of every
 * computed value (samples.h), so that an operator only has to do the first part of its outermost loop.
 */
#ifndef LAZARET_GUEST_ENGINE_OPS_H
#define LAZARET_GUEST_ENGINE_OPS_H

#include "guest/engine/kernels/kernels.h"
#include "guest/model/graph.h"

/* What the backward pass of one input reads; an executor keeps those values until then. */
enum op_needs {
    OP_NEEDS_SELF = 1,   /* the input itself */
    OP_NEEDS_OTHERS = 2, /* the node's other inputs */
    OP_NEEDS_OUTPUT = 4,
};

/* What an operator can do as it writes a result (struct op_run's finish). */
enum op_finishes {
    OP_FINISHES_RELU = 1,     /* forward: relu */
    OP_FINISHES_ADDEND = 2,   /* forward: addend */
    OP_FINISHES_GRADIENT = 4, /* backward to input 0: addend (which may be ret_dx) and mask */
};

/* A node made ready to run. */
struct op_node {
    const struct graph *graph;
    const struct graph_node *node;
    struct kernels *kernels;
    bool gradient;      /* a backward pass will be asked for */
    void *state;        /* what plan() prepared (packed weights, tables); owned; release() frees it */
    size_t state_bytes; /* its size, for the memory figure */
    size_t scratch_forward, scratch_backward; /* floats that each pass may write to while it runs */
    size_t kernel_scratch;                    /* floats that its kernels take from their context */
};

struct op_run {
    const struct op_node *op;
    size_t samples;              /* 1 to graph->batch */
    const float *const *inputs;  /* one an input; NULL for an absent one, and in the backward pass for
                                    those that it has not said it needs */
    float *output;               /* NULL in the backward pass unless needed; then it is only read */
    float *scratch;              /* NULL where none was asked for */
    struct kernel_finish finish; /* addend, relu and mask where the operator finishes them; else empty */
};

struct op {
    unsigned needs[2];      /* enum op_needs, for the gradient of input 0, and of any other */
    bool in_place;          /* the output may lie in input 0's memory, where sizes agree */
    bool in_place_backward; /* dx may lie in dy's memory, where sizes agree */
    unsigned finishes;      /* enum op_finishes */
    bool alias;             /* the output is the input's memory: forward does nothing */

    /*
     * Checks all that forward and backward rely on (shapes, bounds, what must be constant), so that
     * a graph made from a hostile model can't reach beyond a buffer; fills in the rest of op_node.
     * On failure release() is still called.
     */
    int (*plan)(struct op_node *op, struct error *err);
    int (*forward)(const struct op_run *run);
    /* Writes (does not add) the gradient of one input from that of the output. NULL: it has none (network.h). */
    int (*backward)(const struct op_run *run, uint32_t input, const float *dy, float *ret_dx);
    void (*release)(struct op_node *op); /* or NULL: state is one allocation */
};

/* The operator, or NULL for a number outside the enumeration. */
const struct op *op_find(enum graph_op op);

/* --- for the operators ------------------------------------------------------------------------ */

#define OP_NAME_TEXT_MAX 48u

/* A name from a model made fit to print: printable ASCII without quotes, cut to the buffer. */
void op_name_text(char ret_text[OP_NAME_TEXT_MAX], const char *name);

/* ERROR_BAD_INPUT, -EINVAL, naming the node. */
int op_refuse(const struct op_node *op, struct error *err, const char *reason);

/* ERROR_UNAVAILABLE, -ENOMEM, naming the node. */
int op_no_memory(const struct op_node *op, struct error *err);

/* floats, 64-byte aligned, counted in op->state_bytes; NULL when there is no memory. */
float *op_allocate_floats(struct op_node *op, size_t count);

/* Zeroed memory for op->state, counted. */
void *op_allocate_state(struct op_node *op, size_t size);

/* The k-th input's value; NULL where the node has no such input. */
const struct graph_value *op_input(const struct op_node *op, uint32_t k);
const struct graph_value *op_output(const struct op_node *op);

/* Product of the dims of axes [first, last). */
size_t op_span(const struct graph_value *value, uint32_t first, uint32_t last);

bool op_same_dims(const struct graph_value *a, const struct graph_value *b);

/* An operator along axes [axis, axis_end) of its input: outer × length × inner elements. */
struct op_axes {
    size_t outer, length, inner;
};

/* Those of the node's attributes; refuses axes that its input has not. */
int op_take_axes(const struct op_node *op, struct op_axes *ret_axes, struct error *err);

/* A plan: refuses all but one input of the output's size. */
int op_plan_unary(struct op_node *op, struct error *err);

/* The part of a count over the whole batch that belongs to the run's samples. */
size_t op_part(const struct op_run *run, size_t whole);

/*
 * work over [0, count), by the kernels' threads when `count` items of about `cost` operations are
 * worth their wake-up. The choice can't be seen in the result.
 */
void op_parallel(const struct op_node *op, size_t count, size_t cost,
                 void (*work)(void *argument, size_t first, size_t last), void *argument);

extern const struct op op_conv, op_conv_transpose, op_gemm, op_matmul, op_batch_norm, op_relu, op_leaky_relu,
    op_sigmoid, op_tanh, op_hard_sigmoid, op_clip, op_elu, op_erf, op_softmax, op_log_softmax, op_max_pool,
    op_average_pool, op_global_average_pool, op_add, op_sub, op_mul, op_div, op_concat, op_reshape, op_transpose,
    op_tree_ensemble, op_gather, op_slice, op_pad, op_reduce_mean, op_reduce_sum;
extern const struct op op_function, op_function2, op_where, op_pick, op_reduce_max, op_reduce_prod, op_arg_max,
    op_hardmax, op_top_k, op_cum_sum;

#endif
