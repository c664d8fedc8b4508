/* SPDX-License-Identifier: Apache-2.0 */
/* Classical models against sklearn's own probabilities; every kind of node; hostile trees; every byte spoilt. */
#include "guest/engine/network.h"
#include "guest/model/trees.h"
#include "unit/guest/model/builder.h"
#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIXTURES "tests/fixtures/trees/"
#define FILE_MAX ((size_t)1 << 20)

static uint8_t *read_file(const char *name, const char *suffix, size_t *ret_size)
{
    uint8_t *bytes = malloc(FILE_MAX);
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, FIXTURES "%s%s", name, suffix);
    file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    *ret_size = fread(bytes, 1, FILE_MAX, file);
    (void)fclose(file);
    return bytes;
}

struct opened {
    struct model *model;
    struct kernels *kernels;
    struct network *network;
    struct model_contract contract;
};

static int open_bytes(const void *bytes, size_t size, uint64_t features, uint32_t batch, bool gradient,
                      struct opened *ret_opened, struct error *err)
{
    struct opened opened = {.contract = {.sample_rank = 1, .sample_dims = {features}}};
    struct network_options options = {.batch = batch, .forward_only = !gradient};
    int r = model_open(bytes, size, &opened.model, err);

    CU_ASSERT_EQUAL_FATAL(kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &opened.kernels, NULL), 0);
    options.model = opened.model;
    options.kernels = opened.kernels;
    options.contract = &opened.contract;
    if (r == 0)
        r = network_create(&options, &opened.network, err);
    *ret_opened = opened;
    return r;
}

static void close_all(struct opened *opened)
{
    network_free(opened->network);
    kernels_free(opened->kernels);
    model_free(opened->model);
}

/* --- sklearn ------------------------------------------------------------------------------------- */

static void softmax(const float *logits, uint32_t classes, double *ret_shares)
{
    double sum = 0;

    for (uint32_t c = 0; c < classes; c++)
        sum += ret_shares[c] = exp((double)logits[c] - (double)logits[0]);
    for (uint32_t c = 0; c < classes; c++)
        ret_shares[c] /= sum;
}

static int32_t largest(const double *shares, uint32_t classes)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < classes; c++)
        best = shares[c] > shares[best] ? c : best;
    return (int32_t)best;
}

/* The network's scores against predict_proba; where a softmax was cut, it is made here. */
static void check_against_sklearn(const char *name, bool cut, bool gradient)
{
    size_t model_size, data_size;
    CLEANUP_FREE uint8_t *bytes = read_file(name, ".onnx", &model_size);
    CLEANUP_FREE uint8_t *data = read_file(name, ".bin", &data_size);
    CLEANUP_FREE float *logits = NULL, *alone = NULL;
    uint32_t head[3]; /* samples, features, classes */
    const float *x = (const float *)(const void *)(data + sizeof head);
    struct opened opened;
    struct error err = {0};
    double worst = 0;

    memcpy(head, data, sizeof head);
    CU_ASSERT_EQUAL_FATAL(data_size, sizeof head + (size_t)head[0] * (head[1] * 4 + head[2] * 8));
    if (open_bytes(bytes, model_size, head[1], 7, true, &opened, &err) < 0) {
        (void)printf("\n    %s: %s", name, err.text);
        CU_FAIL_FATAL("the model was refused");
    }
    CU_ASSERT_EQUAL_FATAL(network_classes(opened.network), head[2]);
    CU_ASSERT_EQUAL(network_has_gradient(opened.network), gradient);
    logits = malloc((size_t)head[0] * head[2] * sizeof *logits);
    alone = malloc(head[2] * sizeof *alone);
    CU_ASSERT_EQUAL(network_logits(opened.network, x, head[0], logits, &err), 0);
    for (uint32_t i = 0; i < head[0]; i++) {
        double expected[16], shares[16];
        const float *row = logits + (size_t)i * head[2];

        memcpy(expected, data + sizeof head + (size_t)head[0] * head[1] * 4 + (size_t)i * head[2] * 8, head[2] * 8);
        if (cut)
            softmax(row, head[2], shares);
        for (uint32_t c = 0; c < head[2]; c++) {
            double difference = fabs((cut ? shares[c] : (double)row[c]) - expected[c]);

            worst = difference > worst ? difference : worst;
        }
        CU_ASSERT_EQUAL(network_argmax(row, head[2]), largest(expected, head[2]));
        CU_ASSERT_EQUAL(network_logits(opened.network, x + (size_t)i * head[1], 1, alone, &err), 0);
        CU_ASSERT_EQUAL(memcmp(alone, row, head[2] * sizeof *alone), 0); /* the batch changes no bit */
    }
    (void)printf(" (%s %.1e)", name, worst);
    CU_ASSERT(worst < 1e-6);
    close_all(&opened);
}

static void test_sklearn(void)
{
    check_against_sklearn("forest-digits", false, false);
    check_against_sklearn("forest-cancer", false, false);
    check_against_sklearn("boosting-cancer", true, false);
    check_against_sklearn("boosting-wine", true, false);
    check_against_sklearn("tree-iris", false, false);
    check_against_sklearn("logistic-wine", false, true);
    check_against_sklearn("logistic-cancer", false, true);
}

/* A check that would take a gradient gets an error, not a crash. */
static void test_no_gradient(void)
{
    size_t size;
    CLEANUP_FREE uint8_t *bytes = read_file("tree-iris", ".onnx", &size);
    struct opened opened;
    struct error err = {0};
    float x[4] = {5, 3, 1, 0.2f}, gradient[4];

    CU_ASSERT_EQUAL_FATAL(open_bytes(bytes, size, 4, 1, true, &opened, &err), 0);
    CU_ASSERT(network_gradient(opened.network, x, 1, NULL, gradient, NULL, &err) < 0);
    close_all(&opened);
    CU_ASSERT(open_bytes(bytes, size, 3, 1, false, &opened, &err) < 0); /* inputs of another width */
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    close_all(&opened);
}

/* --- kinds of nodes -------------------------------------------------------------------------------- */

static void attribute_floats(struct bytes *node, const char *name, size_t count, const float *values)
{
    struct bytes attribute = {0};

    put_text(&attribute, 1, name);
    for (size_t i = 0; i < count; i++)
        put_float(&attribute, 7, values[i]);
    put_varint(&attribute, 20, 6);
    put_message(node, 5, &attribute);
}

static void attribute_texts(struct bytes *node, const char *name, size_t count, const char *const *values)
{
    struct bytes attribute = {0};

    put_text(&attribute, 1, name);
    for (size_t i = 0; i < count; i++)
        put_text(&attribute, 9, values[i]);
    put_varint(&attribute, 20, 8);
    put_message(node, 5, &attribute);
}

/* A stump: x `mode` 2 leads to class 1, else to class 0; three classes, so that scores stay what they are. */
static struct bytes stump(const char *mode, int64_t missing, const char *transform)
{
    static const int64_t dims[] = {-1, 1};
    static const float values[] = {2, 0, 0}, weights[] = {1, 1};
    const char *const modes[] = {mode, "LEAF", "LEAF"};
    struct bytes node = node_make("TreeEnsembleClassifier", "x", "label scores");
    struct file file = file_start(15);

    put_text(&node, 7, "ai.onnx.ml");
    attribute_text(&node, "post_transform", transform);
    attribute_ints(&node, "classlabels_int64s", 3, (const int64_t[]){4, 5, 6});
    attribute_ints(&node, "nodes_treeids", 3, (const int64_t[]){0, 0, 0});
    attribute_ints(&node, "nodes_nodeids", 3, (const int64_t[]){10, 20, 30});
    attribute_ints(&node, "nodes_featureids", 3, (const int64_t[]){0, 0, 0});
    attribute_ints(&node, "nodes_truenodeids", 3, (const int64_t[]){20, 0, 0});
    attribute_ints(&node, "nodes_falsenodeids", 3, (const int64_t[]){30, 0, 0});
    attribute_ints(&node, "nodes_missing_value_tracks_true", 3, (const int64_t[]){missing, 0, 0});
    attribute_texts(&node, "nodes_modes", 3, modes);
    attribute_floats(&node, "nodes_values", 3, values);
    attribute_ints(&node, "class_treeids", 2, (const int64_t[]){0, 0});
    attribute_ints(&node, "class_nodeids", 2, (const int64_t[]){20, 30});
    attribute_ints(&node, "class_ids", 2, (const int64_t[]){1, 0});
    attribute_floats(&node, "class_weights", 2, weights);
    file_input(&file, "x", 2, dims);
    file_output(&file, "scores");
    file_node(&file, node);
    return file_finish(&file);
}

static void test_modes(void)
{
    static const struct {
        const char *mode;
        bool below, equal, above, missing; /* whether each leads to class 1 */
    } cases[] = {
        {"BRANCH_LEQ", true, true, false, false}, {"BRANCH_LT", true, false, false, false},
        {"BRANCH_GTE", false, true, true, false}, {"BRANCH_GT", false, false, true, false},
        {"BRANCH_EQ", false, true, false, false}, {"BRANCH_NEQ", true, false, true, true},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        for (int64_t tracks = 0; tracks < 2; tracks++) {
            struct bytes bytes = stump(cases[i].mode, tracks, "NONE");
            const bool expected[] = {cases[i].below, cases[i].equal, cases[i].above, cases[i].missing || tracks != 0};
            const float x[] = {1, 2, 3, NAN};
            struct opened opened;
            struct error err = {0};
            float logits[12];

            if (open_bytes(bytes.data, bytes.size, 1, 3, false, &opened, &err) < 0)
                CU_FAIL_FATAL("the model was refused");
            CU_ASSERT_EQUAL(network_logits(opened.network, x, 4, logits, &err), 0);
            for (size_t k = 0; k < 4; k++)
                CU_ASSERT(logits[3 * k + 1] == (expected[k] ? 1.0f : 0.0f) && logits[3 * k] == 1 - logits[3 * k + 1] &&
                          logits[3 * k + 2] == 0.0f);
            close_all(&opened);
            bytes_free(&bytes);
        }
}

static void test_transforms(void)
{
    static const char *const refused[] = {"PROBIT", "SOFTMAX_ZERO", ""};

    for (size_t i = 0; i < HARNESS_COUNT(refused); i++) {
        struct bytes bytes = stump("BRANCH_LEQ", 0, refused[i]);
        struct opened opened;
        struct error err = {0};

        CU_ASSERT(open_bytes(bytes.data, bytes.size, 1, 1, false, &opened, &err) < 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "post_transform"));
        close_all(&opened);
        bytes_free(&bytes);
    }
}

/* --- hostile trees ---------------------------------------------------------------------------------- */

struct listed { /* one small tree: a root, a branch, three leaves */
    int64_t trees[5], nodes[5], features[5], yes[5], no[5], weight_trees[3], weight_nodes[3], columns[3];
    uint8_t modes[5];
    float values[5], weights[3];
};

static const struct listed sound = {.nodes = {0, 1, 2, 3, 4},
                                    .yes = {1, 0, 3, 0, 0},
                                    .no = {2, 0, 4, 0, 0},
                                    .weight_nodes = {1, 3, 4},
                                    .columns = {0, 1, 1},
                                    .modes = {TREE_LEQ, TREE_LEAF, TREE_GT, TREE_LEAF, TREE_LEAF},
                                    .weights = {1, 2, 3}};

static int build(const struct listed *l, struct trees *ret_trees, struct arena *arena, struct error *err)
{
    const struct trees_listing listing = {.node_count = 5,
                                          .weight_count = 3,
                                          .tree_ids = l->trees,
                                          .node_ids = l->nodes,
                                          .features = l->features,
                                          .yes_ids = l->yes,
                                          .no_ids = l->no,
                                          .modes = l->modes,
                                          .values = l->values,
                                          .weight_trees = l->weight_trees,
                                          .weight_nodes = l->weight_nodes,
                                          .columns = l->columns,
                                          .weights = l->weights,
                                          .feature_count = 2,
                                          .column_count = 2};

    return trees_build(&listing, arena, ret_trees, err);
}

static void expect_refused(const struct listed *listed, const char *part)
{
    struct arena *arena = NULL;
    struct trees trees;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(arena_create(&arena), 0);
    CU_ASSERT(build(listed, &trees, arena, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    if (strstr(err.text, part) == NULL) {
        (void)printf("\n    got: %s\n    not: %s", err.text, part);
        CU_FAIL("the message says something else");
    }
    arena_free(arena);
}

static void test_hostile(void)
{
    struct listed l = sound;

    l.yes[0] = 9;
    expect_refused(&l, "tree 0, node 0: a child of it is not in its tree");
    l = sound, l.yes[0] = INT64_MIN;
    expect_refused(&l, "not in its tree");
    l = sound, l.yes[2] = 1;
    expect_refused(&l, "node 1: it is the child of two nodes");
    l = sound, l.yes[2] = 0;
    expect_refused(&l, "no root leads to it");
    l = sound, l.yes[0] = l.no[0];
    expect_refused(&l, "the child of two nodes");
    l = sound, l.modes[0] = TREE_LEAF;
    expect_refused(&l, "its tree has two roots");
    l = sound, l.nodes[4] = 3;
    expect_refused(&l, "it is listed twice");
    l = sound, l.trees[4] = 1;
    expect_refused(&l, "node 2: a child of it is not in its tree");
    l = sound, l.features[0] = 2;
    expect_refused(&l, "node 0: it looks at a feature that inputs don't have");
    l = sound, l.features[2] = -1;
    expect_refused(&l, "a feature that inputs don't have");
    l = sound, l.weight_nodes[1] = 2;
    expect_refused(&l, "weight 1 belongs to tree 0, node 2, no leaf");
    l = sound, l.weight_trees[2] = 7;
    expect_refused(&l, "weight 2 belongs to tree 7");
    l = sound, l.columns[1] = 2;
    expect_refused(&l, "weight 1 is of class 2; there are 2");
    l = sound, l.columns[1] = -1;
    expect_refused(&l, "of class -1");
    /* Two nodes that lead to each other, beside a sound tree. */
    l = sound, l.modes[0] = TREE_LEAF, l.modes[1] = l.modes[3] = TREE_LEQ, l.yes[1] = 3, l.no[1] = 4, l.yes[3] = 1,
    l.no[3] = 2, l.modes[2] = l.modes[4] = TREE_LEAF;
    expect_refused(&l, "no leaf");
    l.weight_nodes[0] = l.weight_nodes[1] = l.weight_nodes[2] = 0;
    expect_refused(&l, "the nodes form a cycle");
}

/* Whatever the order of the listing, children stand behind their parents and weights with their leaves. */
static void test_order(void)
{
    struct arena *arena = NULL;
    struct trees trees = {0};
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(arena_create(&arena), 0);
    CU_ASSERT_EQUAL(build(&sound, &trees, arena, &err), 0);
    CU_ASSERT(trees.tree_count == 1 && trees.node_count == 5 && trees.weight_count == 3 && trees.roots[0] == 0);
    CU_ASSERT(trees.nodes[0].yes == 1 && trees.nodes[0].no == 2 && trees.nodes[2].yes == 3 && trees.nodes[2].no == 4);
    CU_ASSERT(trees.nodes[4].no == 1 && trees.weights[trees.nodes[4].yes].weight == 3.0f);
    arena_free(arena);
}

/* A vine of more nodes than may lie under one another is refused, not recursed into. */
static void test_depth(void)
{
    enum { STEPS = TREES_DEPTH_MAX + 2, COUNT = 2 * STEPS + 1 };
    struct trees_listing listing = {.node_count = COUNT, .feature_count = 1, .column_count = 1};
    CLEANUP_FREE int64_t *ids = calloc(4 * COUNT, sizeof *ids);
    CLEANUP_FREE uint8_t *modes = calloc(COUNT, 1);
    CLEANUP_FREE float *values = calloc(COUNT, sizeof *values);
    struct arena *arena = NULL;
    struct trees trees;
    struct error err = {0};

    for (int64_t i = 0; i < COUNT; i++) { /* 2k: a branch with a leaf 2k + 1 and the rest at 2k + 2 */
        ids[COUNT + i] = i;
        ids[2 * COUNT + i] = i + 1;
        ids[3 * COUNT + i] = i + 2;
        modes[i] = i % 2 == 1 || i == COUNT - 1 ? TREE_LEAF : TREE_LEQ;
    }
    listing.tree_ids = listing.features = ids;
    listing.node_ids = ids + COUNT;
    listing.yes_ids = ids + 2 * (ptrdiff_t)COUNT;
    listing.no_ids = ids + 3 * (ptrdiff_t)COUNT;
    listing.modes = modes;
    listing.values = values;
    CU_ASSERT_EQUAL_FATAL(arena_create(&arena), 0);
    CU_ASSERT(trees_build(&listing, arena, &trees, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "deeper than 4096"));
    arena_free(arena);
}

/* Each byte of a small model spoilt in turn: refused, or a network that runs. */
static void test_tampered(void)
{
    size_t size;
    CLEANUP_FREE uint8_t *bytes = read_file("tree-iris", ".onnx", &size);
    const float x[4] = {5, 3, 1, 0.2f};
    unsigned refused = 0;

    for (size_t i = 0; i < size; i++) {
        struct opened opened;
        struct error err = {0};
        float logits[64];

        bytes[i] ^= 0x11;
        if (open_bytes(bytes, size, 4, 1, false, &opened, &err) < 0) {
            CU_ASSERT(err.kind == ERROR_BAD_INPUT || err.kind == ERROR_UNAVAILABLE);
            refused++;
        } else if (network_classes(opened.network) <= HARNESS_COUNT(logits)) {
            CU_ASSERT_EQUAL(network_logits(opened.network, x, 1, logits, &err), 0);
        }
        close_all(&opened);
        bytes[i] ^= 0x11;
    }
    CU_ASSERT(refused > size / 2);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"sklearn's models", test_sklearn},
        {"no gradient", test_no_gradient},
        {"kinds of nodes, and missing values", test_modes},
        {"transforms that are refused", test_transforms},
        {"hostile trees", test_hostile},
        {"order of nodes", test_order},
        {"depth", test_depth},
        {"every byte spoilt", test_tampered},
    };

    return harness_run("guest/engine/trees", tests, HARNESS_COUNT(tests));
}
