/* SPDX-License-Identifier: Apache-2.0 */
/* Listed tree nodes checked and put in preorder. */
#include "guest/model/trees.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

struct key { /* the name of a node: a tree and a number in it */
    int64_t tree, node;
    uint32_t index; /* in the listing */
};

struct builder {
    const struct trees_listing *listing;
    struct key *keys;        /* sorted by name */
    uint32_t *yes, *no;      /* listed children; NOWHERE at leaves */
    uint32_t *placed;        /* where a listed node stands in preorder; NOWHERE before */
    uint32_t *stack, *depth; /* of the walk: nodes to come, and their depth */
    uint32_t *first, *next;  /* weights of each listed node, a chain in listed order */
    bool *has_parent;
    struct tree_node *nodes;
    struct tree_weight *weights;
    uint32_t node_count, weight_count;
    struct error *err;
};

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the trees");
}

/* Names a listed node in the message. */
static int bad_node(const struct builder *b, uint32_t index, const char *what)
{
    return error_set(b->err, ERROR_BAD_INPUT, -EBADMSG, "tree %lld, node %lld: %s",
                     (long long)b->listing->tree_ids[index], (long long)b->listing->node_ids[index], what);
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a, *right = b;

    if (left->tree != right->tree)
        return left->tree < right->tree ? -1 : 1;
    if (left->node != right->node)
        return left->node < right->node ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

static int compare_names(const void *a, const void *b)
{
    const struct key *left = a, *right = b;

    if (left->tree != right->tree)
        return left->tree < right->tree ? -1 : 1;
    return left->node < right->node ? -1 : left->node > right->node;
}

static uint32_t find_node(const struct builder *b, int64_t tree, int64_t node)
{
    const struct key wanted = {.tree = tree, .node = node};
    const struct key *found = bsearch(&wanted, b->keys, b->listing->node_count, sizeof *b->keys, compare_names);

    return found != NULL ? found->index : NOWHERE;
}

static int name_nodes(struct builder *b)
{
    const struct trees_listing *listing = b->listing;

    for (uint32_t i = 0; i < listing->node_count; i++)
        b->keys[i] = (struct key){listing->tree_ids[i], listing->node_ids[i], i};
    qsort(b->keys, listing->node_count, sizeof *b->keys, compare_keys);
    for (uint32_t i = 1; i < listing->node_count; i++)
        if (compare_names(&b->keys[i - 1], &b->keys[i]) == 0)
            return bad_node(b, b->keys[i].index, "it is listed twice");
    return 0;
}

static int take_child(struct builder *b, uint32_t parent, int64_t id, uint32_t *ret_child)
{
    uint32_t child = find_node(b, b->listing->tree_ids[parent], id);

    if (child == NOWHERE)
        return bad_node(b, parent, "a child of it is not in its tree");
    if (b->has_parent[child])
        return bad_node(b, child, "it is the child of two nodes");
    b->has_parent[child] = true;
    *ret_child = child;
    return 0;
}

static int link_nodes(struct builder *b)
{
    const struct trees_listing *listing = b->listing;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < listing->node_count; i++) {
        b->yes[i] = b->no[i] = b->placed[i] = b->first[i] = NOWHERE;
        if (listing->modes[i] == TREE_LEAF)
            continue;
        if (listing->features[i] < 0 || (uint64_t)listing->features[i] >= listing->feature_count)
            return bad_node(b, i, "it looks at a feature that inputs don't have");
        r = take_child(b, i, listing->yes_ids[i], &b->yes[i]);
        if (r == 0)
            r = take_child(b, i, listing->no_ids[i], &b->no[i]);
    }
    return r;
}

/* The weights at each leaf, in listed order: chains made from the last one on. */
static int link_weights(struct builder *b)
{
    const struct trees_listing *listing = b->listing;

    for (uint32_t i = listing->weight_count; i > 0; i--) {
        uint32_t node = find_node(b, listing->weight_trees[i - 1], listing->weight_nodes[i - 1]);

        if (node == NOWHERE || listing->modes[node] != TREE_LEAF)
            return error_set(b->err, ERROR_BAD_INPUT, -EBADMSG, "weight %u belongs to tree %lld, node %lld, no leaf",
                             i - 1, (long long)listing->weight_trees[i - 1], (long long)listing->weight_nodes[i - 1]);
        if (listing->columns[i - 1] < 0 || (uint64_t)listing->columns[i - 1] >= listing->column_count)
            return error_set(b->err, ERROR_BAD_INPUT, -EBADMSG, "weight %u is of class %lld; there are %llu", i - 1,
                             (long long)listing->columns[i - 1], (unsigned long long)listing->column_count);
        b->next[i - 1] = b->first[node];
        b->first[node] = i - 1;
    }
    return 0;
}

static void place_leaf(struct builder *b, uint32_t index, struct tree_node *node)
{
    node->yes = b->weight_count;
    for (uint32_t w = b->first[index]; w != NOWHERE; w = b->next[w])
        b->weights[b->weight_count++] = (struct tree_weight){(uint32_t)b->listing->columns[w], b->listing->weights[w]};
    node->no = b->weight_count - node->yes;
}

/* One tree from its root, yes before no; children get their places when they are reached. */
static int place_tree(struct builder *b, uint32_t root)
{
    const struct trees_listing *listing = b->listing;
    uint32_t waiting = 1;

    b->stack[0] = root;
    b->depth[0] = 0;
    while (waiting > 0) {
        uint32_t index = b->stack[--waiting], depth = b->depth[waiting];
        struct tree_node *node = &b->nodes[b->node_count];

        b->placed[index] = b->node_count++;
        *node = (struct tree_node){.mode = listing->modes[index],
                                   .missing_is_true =
                                       listing->missing_is_true != NULL && listing->missing_is_true[index] != 0,
                                   .feature = (uint32_t)listing->features[index],
                                   .value = listing->values[index]};
        if (node->mode == TREE_LEAF) {
            node->feature = 0;
            place_leaf(b, index, node);
            continue;
        }
        if (depth >= TREES_DEPTH_MAX)
            return bad_node(b, index, "it lies deeper than 4096 nodes");
        b->stack[waiting] = b->no[index];
        b->stack[waiting + 1] = b->yes[index];
        b->depth[waiting] = b->depth[waiting + 1] = depth + 1;
        waiting += 2;
    }
    return 0;
}

/* Listed children become places. Every node must have been reached: those that were not lie in cycles. */
static int settle_children(struct builder *b)
{
    for (uint32_t i = 0; i < b->listing->node_count; i++) {
        struct tree_node *node;

        if (b->placed[i] == NOWHERE)
            return bad_node(b, i, "no root leads to it: the nodes form a cycle");
        node = &b->nodes[b->placed[i]];
        if (node->mode == TREE_LEAF)
            continue;
        node->yes = b->placed[b->yes[i]];
        node->no = b->placed[b->no[i]];
    }
    return 0;
}

/* Each tree has one node without a parent. */
static int check_roots(const struct builder *b)
{
    uint32_t roots = 0;

    for (uint32_t i = 0; i < b->listing->node_count; i++) {
        const struct key *key = &b->keys[i];

        if (i > 0 && b->keys[i - 1].tree != key->tree)
            roots = 0;
        if (!b->has_parent[key->index] && ++roots > 1)
            return bad_node(b, key->index, "its tree has two roots");
    }
    return 0;
}

static int place_trees(struct builder *b, uint32_t *roots, uint32_t *ret_count)
{
    uint32_t count = 0;
    int r = check_roots(b);

    for (uint32_t i = 0; r == 0 && i < b->listing->node_count; i++) {
        if (b->has_parent[i])
            continue;
        roots[count++] = b->node_count;
        r = place_tree(b, i);
    }
    *ret_count = count;
    return r < 0 ? r : settle_children(b);
}

static void free_builder(struct builder *b)
{
    free(b->keys);
    free(b->yes);
    free(b->no);
    free(b->placed);
    free(b->stack);
    free(b->depth);
    free(b->first);
    free(b->next);
    free(b->has_parent);
}

static int allocate(struct builder *b, struct arena *arena, uint32_t **ret_roots)
{
    size_t nodes = b->listing->node_count, weights = b->listing->weight_count;

    b->keys = malloc(nodes * sizeof *b->keys);
    b->yes = malloc(nodes * sizeof *b->yes);
    b->no = malloc(nodes * sizeof *b->no);
    b->placed = malloc(nodes * sizeof *b->placed);
    b->stack = malloc((nodes + 2) * sizeof *b->stack);
    b->depth = malloc((nodes + 2) * sizeof *b->depth);
    b->first = malloc(nodes * sizeof *b->first);
    b->next = malloc((weights + 1) * sizeof *b->next);
    b->has_parent = calloc(nodes, sizeof *b->has_parent);
    b->nodes = arena_allocate(arena, nodes, sizeof *b->nodes);
    b->weights = arena_allocate(arena, weights + 1, sizeof *b->weights);
    *ret_roots = arena_allocate(arena, nodes, sizeof **ret_roots);
    if (b->keys == NULL || b->yes == NULL || b->no == NULL || b->placed == NULL || b->stack == NULL ||
        b->depth == NULL || b->first == NULL || b->next == NULL || b->has_parent == NULL || b->nodes == NULL ||
        b->weights == NULL || *ret_roots == NULL)
        return no_memory(b->err);
    return 0;
}

int trees_build(const struct trees_listing *listing, struct arena *arena, struct trees *ret_trees, struct error *err)
{
    CLEANUP(free_builder) struct builder b = {.listing = listing, .err = err};
    uint32_t *roots, count = 0;
    int r;

    if (listing->node_count == 0 || listing->node_count > TREES_NODES_MAX || listing->weight_count > TREES_WEIGHTS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%u tree nodes and %u weights; 1 to %u and up to %u are read",
                         listing->node_count, listing->weight_count, TREES_NODES_MAX, TREES_WEIGHTS_MAX);
    r = allocate(&b, arena, &roots);
    if (r == 0)
        r = name_nodes(&b);
    if (r == 0)
        r = link_nodes(&b);
    if (r == 0)
        r = link_weights(&b);
    if (r == 0)
        r = place_trees(&b, roots, &count);
    if (r < 0)
        return r;
    ret_trees->tree_count = count;
    ret_trees->node_count = b.node_count;
    ret_trees->weight_count = b.weight_count;
    ret_trees->roots = roots;
    ret_trees->nodes = b.nodes;
    ret_trees->weights = b.weights;
    return 0;
}
