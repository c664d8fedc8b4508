/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of TreeEnsembleClassifier, as sklearn's forests are exported.
 *
 * Two classes whose weights all name one class have a single score s, and what it means is onnxruntime's reading:
 * where no weight is negative s is the second class's probability (whatever post_transform says), else its sign
 * decides, and LOGISTIC makes probabilities of it.
 */
#include "guest/model/lower_ml.h"

#include "guest/model/trees.h"

#include <errno.h>
#include <string.h>

struct tree_lists { /* the attributes, and how long each is */
    struct onnx_lists lists;
    struct trees_listing listing;
    uint64_t tree_ids, node_ids, features, yes_ids, no_ids, missing, values;
    uint64_t weight_trees, weight_nodes, columns, weights;
    const float *base;
    uint64_t base_count, classes;
    enum ml_transform transform;
};

static int no_memory(struct lower *lower)
{
    return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
}

static int visit_mode(void *context, uint64_t index, struct span string)
{
    static const char *const names[TREE_MODE_COUNT] = {
        [TREE_LEQ] = "BRANCH_LEQ", [TREE_LT] = "BRANCH_LT",   [TREE_GTE] = "BRANCH_GTE", [TREE_GT] = "BRANCH_GT",
        [TREE_EQ] = "BRANCH_EQ",   [TREE_NEQ] = "BRANCH_NEQ", [TREE_LEAF] = "LEAF"};
    uint8_t *modes = context;

    for (uint8_t i = 0; i < TREE_MODE_COUNT; i++)
        if (span_equal(string, names[i])) {
            modes[index] = i;
            return 0;
        }
    return -EBADMSG;
}

static int read_modes(struct lower *lower, struct tree_lists *t)
{
    const struct onnx_list *list = onnx_lists_find(&t->lists, "nodes_modes");
    uint8_t *modes;

    if (list == NULL || list->strings == 0)
        return lower_bad(lower, "it has no nodes_modes");
    if (list->strings > TREES_NODES_MAX)
        return lower_bad(lower, "%llu nodes; %u are read at most", (unsigned long long)list->strings, TREES_NODES_MAX);
    modes = arena_allocate(lower->arena, list->strings, sizeof *modes);
    if (modes == NULL)
        return no_memory(lower);
    t->listing.modes = modes;
    t->listing.node_count = (uint32_t)list->strings;
    return onnx_list_strings(lower->model, list, visit_mode, modes, lower->err);
}

static int read_nodes(struct lower *lower, struct tree_lists *t)
{
    struct trees_listing *listing = &t->listing;
    int r = read_modes(lower, t);

    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "nodes_treeids", &listing->tree_ids, &t->tree_ids);
    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "nodes_nodeids", &listing->node_ids, &t->node_ids);
    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "nodes_featureids", &listing->features, &t->features);
    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "nodes_truenodeids", &listing->yes_ids, &t->yes_ids);
    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "nodes_falsenodeids", &listing->no_ids, &t->no_ids);
    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "nodes_missing_value_tracks_true", &listing->missing_is_true, &t->missing);
    if (r == 0)
        r = lower_ml_floats(lower, &t->lists, "nodes_values", &listing->values, &t->values);
    (void)onnx_lists_find(&t->lists, "nodes_hitrates"); /* of training; no part of the prediction */
    if (r < 0)
        return r;
    if (t->missing == 0)
        listing->missing_is_true = NULL;
    if (t->tree_ids != listing->node_count || t->node_ids != listing->node_count ||
        t->features != listing->node_count || t->yes_ids != listing->node_count || t->no_ids != listing->node_count ||
        t->values != listing->node_count || (t->missing != 0 && t->missing != listing->node_count))
        return lower_bad(lower, "its lists of nodes are not equally long (nodes_modes has %u)", listing->node_count);
    return 0;
}

static int read_weights(struct lower *lower, struct tree_lists *t)
{
    struct trees_listing *listing = &t->listing;
    int r = lower_ml_ints(lower, &t->lists, "class_treeids", &listing->weight_trees, &t->weight_trees);

    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "class_nodeids", &listing->weight_nodes, &t->weight_nodes);
    if (r == 0)
        r = lower_ml_ints(lower, &t->lists, "class_ids", &listing->columns, &t->columns);
    if (r == 0)
        r = lower_ml_floats(lower, &t->lists, "class_weights", &listing->weights, &t->weights);
    if (r == 0)
        r = lower_ml_floats(lower, &t->lists, "base_values", &t->base, &t->base_count);
    if (r < 0)
        return r;
    if (t->weights == 0 || t->weights > TREES_WEIGHTS_MAX || t->weight_trees != t->weights ||
        t->weight_nodes != t->weights || t->columns != t->weights)
        return lower_bad(lower, "its lists of weights are not equally long, empty, or longer than %u",
                         TREES_WEIGHTS_MAX);
    listing->weight_count = (uint32_t)t->weights;
    return 0;
}

/* Two classes of which one alone has weights: one column, and what comes out of it. */
static bool is_single(const struct tree_lists *t)
{
    for (uint32_t i = 1; i < t->listing.weight_count; i++)
        if (t->listing.columns[i] != t->listing.columns[0])
            return false;
    return t->classes == 2 && (t->listing.columns[0] == 0 || t->listing.columns[0] == 1);
}

static int set_single(struct lower *lower, struct tree_lists *t, struct trees *trees)
{
    int64_t *columns = arena_allocate(lower->arena, t->weights, sizeof *columns);
    bool negative = false;

    if (columns == NULL)
        return no_memory(lower);
    memset(columns, 0, t->weights * sizeof *columns);
    for (uint32_t i = 0; i < t->listing.weight_count; i++)
        negative = negative || t->listing.weights[i] < 0;
    t->listing.columns = columns;
    t->listing.column_count = 1;
    trees->columns = 1;
    if (!negative)
        trees->output = TREES_COMPLEMENT;
    else
        trees->output = t->transform == ML_NONE ? TREES_NEGATED : TREES_ZERO;
    if (t->base_count == 2) /* of two the second one counts, of one that */
        t->base++;
    t->base_count = t->base_count == 2 ? 1 : t->base_count;
    /* A softmax over 0 and s is the sigmoid of s, and can be cut; a softmax over -s and s is that of 2s. */
    if (negative && t->transform == ML_SOFTMAX)
        return lower_unsupported(lower, "post_transform SOFTMAX over a single score is not supported");
    t->transform = trees->output == TREES_ZERO ? ML_SOFTMAX : ML_NONE;
    return 0;
}

static int set_base(struct lower *lower, const struct tree_lists *t, struct trees *trees)
{
    float *base = arena_allocate(lower->arena, trees->columns, sizeof *base);

    if (base == NULL)
        return no_memory(lower);
    if (t->base_count != 0 && t->base_count != trees->columns)
        return lower_bad(lower, "%llu base_values for %llu classes", (unsigned long long)t->base_count,
                         (unsigned long long)t->classes);
    memset(base, 0, trees->columns * sizeof *base);
    if (t->base_count > 0)
        memcpy(base, t->base, trees->columns * sizeof *base);
    trees->base = base;
    return 0;
}

static int make_trees(struct lower *lower, struct tree_lists *t, struct trees *trees)
{
    int r = 0;

    t->listing.column_count = t->classes;
    trees->columns = (uint32_t)t->classes;
    trees->output = TREES_SCORES;
    if (is_single(t))
        r = set_single(lower, t, trees);
    if (r == 0)
        r = set_base(lower, t, trees);
    if (r < 0)
        return r;
    r = trees_build(&t->listing, lower->arena, trees, lower->err);
    if (r < 0)
        (void)onnx_blame_node(lower->model, lower->node_index, lower->err);
    return r;
}

int lower_tree_ensemble_classifier(struct lower *lower)
{
    CLEANUP_FREE struct tree_lists *t = calloc(1, sizeof *t);
    struct graph_attributes attributes = {0};
    struct trees *trees = arena_allocate(lower->arena, 1, sizeof *trees);
    struct lower_value x;
    uint32_t input, scores;
    int r;

    if (t == NULL || trees == NULL)
        return no_memory(lower);
    r = lower_data(lower, 0, &input, &x);
    if (r < 0)
        return r;
    if (x.rank != 2 || x.constant)
        return lower_bad(lower, "its input is %s; batch x features is needed", DIMS_TEXT(x.rank, x.dims));
    t->listing.feature_count = x.dims[1];
    r = onnx_lists_read(lower->model, lower->node, &t->lists, lower->err);
    if (r == 0)
        r = lower_ml_transform(lower, &t->lists, &t->transform);
    if (r == 0)
        r = lower_ml_classes(lower, &t->lists, &t->classes);
    if (r == 0)
        r = read_nodes(lower, t);
    if (r == 0)
        r = read_weights(lower, t);
    if (r == 0)
        r = lower_ml_check_used(lower, &t->lists);
    if (r == 0)
        r = make_trees(lower, t, trees);
    if (r < 0)
        return r;
    attributes.trees = trees;
    r = lower_emit(lower, GRAPH_TREE_ENSEMBLE, &input, 1, &attributes, 2,
                   (const uint64_t[]){x.dims[0], trees_classes(trees)}, &scores);
    return r < 0 ? r : lower_ml_scores(lower, scores, t->classes, t->transform);
}
