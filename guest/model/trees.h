/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ensemble of decision trees, as the graph form has it (GRAPH_TREE_ENSEMBLE).
 *
 * Nodes of a tree stand in preorder, so that a child always comes after its parent: walking down ends. Leaves
 * add weights to columns; a sample's scores are, for each column, 0 plus the weights of the trees' leaves in the
 * trees' order, in f32, plus the base value: the order of ONNX's reference and of onnxruntime for batches.
 */
#ifndef LAZARET_GUEST_MODEL_TREES_H
#define LAZARET_GUEST_MODEL_TREES_H

#include "base/error.h"
#include "guest/model/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREES_NODES_MAX   (1u << 24)
#define TREES_WEIGHTS_MAX (1u << 25)
#define TREES_DEPTH_MAX   4096u

enum tree_mode { TREE_LEQ, TREE_LT, TREE_GTE, TREE_GT, TREE_EQ, TREE_NEQ, TREE_LEAF, TREE_MODE_COUNT };

struct tree_node {
    uint8_t mode;         /* enum tree_mode: "x[feature] mode value" goes to yes, else to no */
    bool missing_is_true; /* a NaN goes to yes */
    uint32_t feature;
    float value;
    uint32_t yes, no; /* nodes; of a leaf its first weight and how many there are */
};

struct tree_weight {
    uint32_t column;
    float weight;
};

/* What becomes of the columns' scores. With a single column s, two classes come out. */
enum trees_output {
    TREES_SCORES,     /* one column a class */
    TREES_COMPLEMENT, /* 1 - s, s */
    TREES_NEGATED,    /* -s, s */
    TREES_ZERO,       /* 0, s: what a softmax turns into 1 - sigmoid(s), sigmoid(s) */
};

struct trees {
    uint32_t tree_count, node_count, weight_count;
    uint32_t columns;
    enum trees_output output;
    const uint32_t *roots; /* nodes, in the trees' order */
    const struct tree_node *nodes;
    const struct tree_weight *weights;
    const float *base; /* one a column */
};

/* Classes that come out. */
static inline uint32_t trees_classes(const struct trees *trees)
{
    return trees->output == TREES_SCORES ? trees->columns : 2;
}

/* What it holds, for the memory figure. */
static inline uint64_t trees_bytes(const struct trees *trees)
{
    return (uint64_t)trees->node_count * sizeof *trees->nodes + (uint64_t)trees->weight_count * sizeof *trees->weights +
           ((uint64_t)trees->tree_count + trees->columns) * sizeof *trees->roots;
}

/* Nodes as a model lists them, in any order. */
struct trees_listing {
    uint32_t node_count, weight_count;
    const int64_t *tree_ids, *node_ids, *features, *yes_ids, *no_ids;
    const int64_t *missing_is_true; /* or NULL */
    const uint8_t *modes;           /* enum tree_mode */
    const float *values;
    const int64_t *weight_trees, *weight_nodes, *columns;
    const float *weights;
    uint64_t feature_count, column_count; /* which features and columns must be below */
};

/*
 * Builds nodes, roots and weights; columns, base and output are the caller's. Trees stand in the order in which
 * their roots are listed, weights of a leaf as listed. ERROR_BAD_INPUT names the node: two of one name, a child
 * that is none, a node of two parents, a tree without a root or with several, a cycle, one too deep, a feature or
 * column out of range, a weight at no leaf. Memory is the arena's.
 */
MUST_USE int trees_build(const struct trees_listing *listing, struct arena *arena, struct trees *ret_trees,
                         struct error *err);

#endif
