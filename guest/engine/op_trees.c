/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decision trees (guest/model/trees.h), forward only: a step has no slope.
 *
 * For each sample and column 0, plus the weights of the leaves it reaches, in the trees' order, plus the base
 * value, all in f32; a sample is one thread's.
 */
#include "guest/engine/ops.h"
#include "guest/model/trees.h"

#include <errno.h>
#include <string.h>

struct trees_run {
    const struct trees *trees;
    size_t features, classes;
    const float *x;
    float *scores;
};

/* That no step can leave the lists, and that each leads further on. */
static bool is_sound(const struct trees *trees, uint64_t features)
{
    for (uint32_t i = 0; i < trees->tree_count; i++)
        if (trees->roots[i] >= trees->node_count)
            return false;
    for (uint32_t i = 0; i < trees->node_count; i++) {
        const struct tree_node *node = &trees->nodes[i];
        bool leaf = node->mode == TREE_LEAF;

        if (leaf ? node->yes > trees->weight_count || node->no > trees->weight_count - node->yes
                 : node->mode >= TREE_MODE_COUNT || node->yes <= i || node->no <= i || node->yes >= trees->node_count ||
                       node->no >= trees->node_count || node->feature >= features)
            return false;
    }
    for (uint32_t i = 0; i < trees->weight_count; i++)
        if (trees->weights[i].column >= trees->columns)
            return false;
    return trees->columns > 0 && (trees->output == TREES_SCORES || trees->columns == 1);
}

static int plan(struct op_node *op, struct error *err)
{
    const struct trees *trees = op->node->attributes.trees;
    const struct graph_value *x = op_input(op, 0), *y = op_output(op);

    if (op->node->input_count != 1 || x == NULL || x->rank != 2 || y->rank != 2 || x->dims[0] != y->dims[0] ||
        trees == NULL || y->dims[1] != trees_classes(trees))
        return op_refuse(op, err, "must have one matrix as input and a column a class as output");
    if (!is_sound(trees, x->dims[1]))
        return op_refuse(op, err, "its trees lead out of their lists");
    return 0;
}

static bool goes_to_yes(const struct tree_node *node, float x)
{
    if (node->missing_is_true && x != x)
        return true;
    switch (node->mode) {
    case TREE_LEQ:
        return x <= node->value;
    case TREE_LT:
        return x < node->value;
    case TREE_GTE:
        return x >= node->value;
    case TREE_GT:
        return x > node->value;
    case TREE_EQ:
        return x == node->value;
    default:
        return x != node->value;
    }
}

static const struct tree_node *find_leaf(const struct trees *trees, uint32_t at, const float *x)
{
    while (trees->nodes[at].mode != TREE_LEAF) {
        const struct tree_node *node = &trees->nodes[at];

        at = goes_to_yes(node, x[node->feature]) ? node->yes : node->no;
    }
    return &trees->nodes[at];
}

static void score_sample(const struct trees *trees, const float *x, float *scores)
{
    memset(scores, 0, trees->columns * sizeof *scores);
    for (uint32_t t = 0; t < trees->tree_count; t++) {
        const struct tree_node *leaf = find_leaf(trees, trees->roots[t], x);

        for (uint32_t w = leaf->yes; w < leaf->yes + leaf->no; w++)
            scores[trees->weights[w].column] += trees->weights[w].weight;
    }
    for (uint32_t c = 0; c < trees->columns; c++)
        scores[c] += trees->base[c];
    if (trees->output == TREES_SCORES)
        return;
    scores[1] = scores[0];
    if (trees->output == TREES_COMPLEMENT)
        scores[0] = 1.0f - scores[1];
    else
        scores[0] = trees->output == TREES_NEGATED ? -scores[1] : 0.0f;
}

static void work(void *argument, size_t first, size_t last)
{
    const struct trees_run *r = argument;

    for (size_t i = first; i < last; i++)
        score_sample(r->trees, r->x + i * r->features, r->scores + i * r->classes);
}

static int forward(const struct op_run *run)
{
    const struct graph_value *x = op_input(run->op, 0);
    struct trees_run r = {.trees = run->op->node->attributes.trees,
                          .features = (size_t)x->dims[1],
                          .x = run->inputs[0],
                          .scores = run->output};

    r.classes = trees_classes(r.trees);
    op_parallel(run->op, op_part(run, (size_t)x->dims[0]), (size_t)r.trees->tree_count * 32, work, &r);
    return 0;
}

const struct op op_tree_ensemble = {.plan = plan, .forward = forward};
