/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph form: what every importer makes and the engine runs.
 *
 * A graph is a network for one batch size: every shape is a number, every computation on shapes has
 * been folded, dropout and identity are gone (a layer is known by the name of what they stood behind),
 * a terminal Softmax, LogSoftmax or single Sigmoid is cut, and the nodes stand in an order in which
 * inputs come before their use. All computed values are f32; truths are 0 and 1, integers whole numbers
 * up to 2^24. What works element by element on constants, and moves of them, is folded up to a limit;
 * other nodes may have nothing but constant inputs. Operators of ONNX that are made of simpler ones
 * (LayerNormalization, Resize, LSTM, ...) come as those.
 */
#ifndef LAZARET_GUEST_MODEL_GRAPH_H
#define LAZARET_GUEST_MODEL_GRAPH_H

#include "base/cleanup.h"
#include "guest/model/function.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_RANK_MAX   8u
#define GRAPH_INPUTS_MAX 64u /* of one node (Concat has the most) */

enum graph_op {
    GRAPH_CONV,           /* inputs x, weights OIHW (constant), bias or GRAPH_NONE; 1-D comes as height 1 */
    GRAPH_CONV_TRANSPOSE, /* inputs x, weights IOHW (constant), bias or GRAPH_NONE */
    GRAPH_GEMM,           /* alpha·op(A)·op(B) + beta·C, C broadcast or GRAPH_NONE */
    GRAPH_MATMUL,         /* numpy's matmul, batched with broadcasting */
    GRAPH_BATCH_NORM,     /* inputs x of two axes or more, scale, bias, mean, variance (constants) of axis 1 */
    GRAPH_RELU,
    GRAPH_LEAKY_RELU,
    GRAPH_SIGMOID,
    GRAPH_TANH,
    GRAPH_HARD_SIGMOID,
    GRAPH_CLIP, /* bounds in attributes; ±infinity where absent */
    GRAPH_ELU,
    GRAPH_ERF,
    GRAPH_SOFTMAX,     /* over axes [axis, axis_end) taken as one */
    GRAPH_LOG_SOFTMAX, /* likewise */
    GRAPH_MAX_POOL,
    GRAPH_AVERAGE_POOL,
    GRAPH_GLOBAL_AVERAGE_POOL, /* of batch × channels × height × width, as all pools and convolutions */
    GRAPH_ADD,                 /* with numpy broadcasting, as the next three */
    GRAPH_SUB,
    GRAPH_MUL,
    GRAPH_DIV,
    GRAPH_CONCAT,
    GRAPH_RESHAPE, /* same elements in the same order, another shape (Flatten, Squeeze, Unsqueeze too) */
    GRAPH_TRANSPOSE,
    GRAPH_GATHER, /* of a computed value by constant indices, attributes */
    GRAPH_SLICE,  /* of a computed value, starts and steps normalised */
    GRAPH_PAD,
    GRAPH_REDUCE_MEAN,
    GRAPH_FUNCTION,    /* a function of each element, attributes.function */
    GRAPH_FUNCTION2,   /* of two numbers, with numpy broadcasting, attributes.function2 */
    GRAPH_WHERE,       /* inputs condition (0 is false), then, else, with numpy broadcasting */
    GRAPH_PICK,        /* element by constant index, or a fill, the same in each of equal blocks; attributes */
    GRAPH_REDUCE_SUM,  /* as ReduceMean, not divided */
    GRAPH_REDUCE_MAX,  /* over axes [axis, axis_end), as the next five */
    GRAPH_REDUCE_PROD, /* likewise */
    GRAPH_ARG_MAX,     /* the position among those elements, as a number; below 2^24 */
    GRAPH_HARDMAX,     /* 1 at the first maximum, else 0 */
    GRAPH_TOP_K,       /* the `kept` largest in falling order, of equal ones the first first; or their positions */
    GRAPH_CUM_SUM,
    GRAPH_TREE_ENSEMBLE, /* decision trees, attributes.trees; it has no gradient */
    GRAPH_OP_COUNT
};

enum graph_pad_mode { GRAPH_PAD_CONSTANT, GRAPH_PAD_REFLECT, GRAPH_PAD_EDGE };

struct graph_window { /* convolutions and pooling; index 0 is height, 1 is width */
    uint32_t kernel[2], stride[2], dilation[2];
    uint32_t pad_begin[2], pad_end[2]; /* less than the window; the end includes what ceil_mode lets overhang */
    uint32_t output_pad[2]; /* ConvTranspose: added at the end; more than a stride where the model asks for a size */
    uint32_t groups;
    bool count_include_pad; /* AveragePool */
};

struct trees;

struct graph_attributes {
    struct graph_window window;
    float alpha, beta; /* Gemm, LeakyRelu (alpha), HardSigmoid, Elu (alpha), Clip (alpha=min, beta=max), Function */
    float epsilon;     /* BatchNormalization */
    bool transposed_a, transposed_b;
    uint32_t axis, axis_end;              /* Softmax, Concat, Gather, ReduceMax and others: never negative here */
    uint32_t permutation[GRAPH_RANK_MAX]; /* Transpose */
    int64_t start[GRAPH_RANK_MAX], step[GRAPH_RANK_MAX];         /* Slice, one an axis of the input: the first element
                                                                    taken, and the way to the next, never 0 */
    uint32_t pad_begin[GRAPH_RANK_MAX], pad_end[GRAPH_RANK_MAX]; /* Pad */
    enum graph_pad_mode pad_mode;
    float pad_value;
    bool reduce[GRAPH_RANK_MAX]; /* ReduceMean, ReduceSum: the axes that go */
    const int64_t *indices;      /* Gather; owned by the graph, each within the axis, never negative. Pick: within
                                    the input's block, or -1 for pad_value */
    const struct trees *trees;   /* TreeEnsemble: trees.h; owned by the graph */
    size_t index_count;          /* of Pick: the elements of one block of the output */
    enum function function;      /* Function, of alpha and beta too */
    enum function2 function2;
    uint64_t kept;          /* TopK */
    bool gives_positions;   /* TopK: of the elements, not the elements */
    bool last_first;        /* ArgMax: the last of equal ones; CumSum: from the end */
    bool leaves_itself_out; /* CumSum: the sum of those before */
};

#define GRAPH_NONE UINT32_MAX /* an absent optional input */

struct graph_value {
    const char *name; /* from the model, hostile text; "#" and a number where made here; owned by the graph */
    uint32_t rank;
    uint64_t dims[GRAPH_RANK_MAX];
    uint64_t elements;     /* product of dims */
    const float *constant; /* elements of a constant, 64-byte aligned; NULL where computed. Owned, or in the
                              model's own bytes where these are so aligned */
};

struct graph_node {
    enum graph_op op;
    const char *name; /* from the model, or a generated one; owned by the graph */
    uint32_t inputs[GRAPH_INPUTS_MAX];
    uint32_t input_count;
    uint32_t output; /* every op has one output */
    struct graph_attributes attributes;
};

struct graph {
    struct graph_value *values;
    uint32_t value_count;
    struct graph_node *nodes; /* in topological order; only those that logits need */
    uint32_t node_count;
    uint32_t batch;
    uint32_t input;              /* value index; shape batch × the contract's sample shape */
    uint32_t logits;             /* value index; shape batch × classes, before any terminal Softmax */
    uint32_t penultimate;        /* value index: computed input of the last Gemm, MatMul, Conv or ConvTranspose
                                    before the logits; GRAPH_NONE where there is none */
    bool input_is_channels_last; /* the model takes NHWC though its convolutions are NCHW: never set by ONNX */
    void *arena;                 /* owned: everything above */
};

const char *graph_op_name(enum graph_op op);                   /* ONNX's name, for messages */
const char *graph_node_op_name(const struct graph_node *node); /* likewise, with the function's own name */
void graph_free(struct graph *graph);

/* The value with this name, or GRAPH_NONE. Layers are asked for by their output value's or node's name. */
uint32_t graph_find_value(const struct graph *graph, const char *name);

#endif
