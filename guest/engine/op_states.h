/* SPDX-License-Identifier: Apache-2.0 */
/* What operators prepare that a device's kernels read as well. */
#ifndef LAZARET_GUEST_ENGINE_OP_STATES_H
#define LAZARET_GUEST_ENGINE_OP_STATES_H

#include "guest/engine/kernels/kernels.h"
#include "guest/engine/walk.h"

/* op_batch_norm.c */
struct batch_norm_state {
    size_t channels, inner; /* inner: positions of one channel of one sample */
    float *factor;          /* s[channels], then t[channels] */
};

/* op_reduce.c */
struct reduce_state {
    struct walk walk; /* over the input; tensor 0 is the output, 1 the input */
    float divisor;
    bool parallel; /* axis 0 stays: its positions share no sum */
};

/* op_view.c: a table entry an axis of the output, whose sum is the input's offset; or padding. */
#define VIEW_STATE_FILL SIZE_MAX

struct view_state {
    uint32_t rank; /* at least 1 */
    size_t dims[GRAPH_RANK_MAX];
    size_t *table[GRAPH_RANK_MAX]; /* into `tables` */
    size_t *tables;                /* owned */
    float fill;
    bool rows_are_runs;   /* the last axis reads consecutive elements: a row is one copy */
    bool outer_is_unique; /* no two positions of axis 0 read one element */
};

/* op_gemm.c */
struct gemm_state {
    size_t m, n, k;
    size_t c_row, c_column;    /* strides of C, 0 where broadcast */
    float *forward, *backward; /* a constant B packed for either pass, or NULL */
};

/* op_matmul.c */
struct matmul_state {
    size_t m, n, k;
    bool one_b;                /* the right operand is one matrix: m counts all rows of the left one */
    struct walk walk;          /* over the leading axes and a last axis of 1; tensors a, b, y in matrices */
    float *forward, *backward; /* a constant sole B packed for either pass, or NULL */
};

/* op_conv.c */
struct conv_state {
    struct kernel_conv conv; /* of Conv itself, or of the mirror */
    float *forward;          /* packed for kernel_conv_forward, or NULL */
    float *backward;         /* packed for kernel_conv_backward_input, or NULL */
};

#endif
