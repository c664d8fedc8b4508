/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels' arguments that are structures: members as in the .cl files, each of four bytes. */
#ifndef LAZARET_GUEST_ENGINE_OPENCL_SHAPES_H
#define LAZARET_GUEST_ENGINE_OPENCL_SHAPES_H

#include "guest/model/graph.h"

#include <stdint.h>

#define SHAPE_HAS_BIAS   1u
#define SHAPE_HAS_ADDEND 2u
#define SHAPE_HAS_MASK   4u
#define SHAPE_HAS_RELU   8u

struct conv_shape {
    uint32_t terms, outputs, padded, images, rows, columns;
    uint32_t source_channels, group_channels, height, width;
    uint32_t row_step, column_step;
    uint32_t result_channels, result_plane, result_width, row_first, row_stride, column_first, column_stride;
    uint32_t flags;
};

#define DENSE_ZERO_FIRST 1u
#define DENSE_ALPHA      2u
#define DENSE_C          4u
#define DENSE_RELU       8u
#define DENSE_ADD        16u
#define DENSE_TABLE      32u

struct dense_shape {
    uint32_t m, n, k;
    uint32_t left_m, left_k, right_k, right_n, result_m, result_n;
    uint32_t left_step, right_step, result_step;
    uint32_t c_m, c_n;
    uint32_t flags;
    float alpha, beta;
};

struct winograd_shape {
    uint32_t edge, tiles, across, down;
    uint32_t channels, height, width;
    int32_t first_row, first_column;
    uint32_t first_image;
    uint32_t flags;
};

enum unary_function {
    UNARY_RELU,
    UNARY_LEAKY_RELU,
    UNARY_SIGMOID,
    UNARY_TANH,
    UNARY_HARD_SIGMOID,
    UNARY_CLIP,
    UNARY_ELU,
    UNARY_ERF,
    UNARY_EXP,
    UNARY_LOG,
    UNARY_COPY,
    UNARY_NEG,
    UNARY_SQRT,
    UNARY_RECIPROCAL,
    UNARY_NONE
};

struct walk_shape {
    uint32_t rank, dims[GRAPH_RANK_MAX], stride[3][GRAPH_RANK_MAX];
};

struct pool_shape {
    uint32_t planes, height, width, out_height, out_width;
    uint32_t kernel_height, kernel_width, row_stride, column_stride, row_dilation, column_dilation;
    uint32_t pad_top, pad_left, pad_bottom, pad_right;
    uint32_t maximum, include_pad;
};

#define VIEW_FILL UINT32_MAX

struct view_shape {
    uint32_t rank, dims[GRAPH_RANK_MAX], table[GRAPH_RANK_MAX];
    float fill;
};

#endif
