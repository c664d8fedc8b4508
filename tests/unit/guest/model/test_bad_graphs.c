/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs that ask for what can't be: each refused with the node, the reason and what to do about it, before memory of
 * the size that it asks for is taken.
 */
#include "guest/model/limits.h"
#include "guest/model/model.h"
#include "unit/guest/model/builder.h"
#include "unit/harness.h"

#include <stdio.h>
#include <string.h>

static const struct model_contract image = {.sample_rank = 3, .sample_dims = {2, 8, 8}};
static const struct model_contract row = {.sample_rank = 1, .sample_dims = {6}};

/* x: batch x 2 x 8 x 8, or batch x 6. */
static struct file start(int64_t opset, bool of_images)
{
    struct file file = file_start(opset);

    if (of_images)
        file_input(&file, "x", 4, (int64_t[]){-1, 2, 8, 8});
    else
        file_input(&file, "x", 2, (int64_t[]){-1, 6});
    return file;
}

/* The model is refused, on opening or when its graph is made, with words that say so. */
static void refuse(struct file *file, const struct model_contract *contract, const char *node, const char *says)
{
    struct bytes bytes = file_finish(file);
    struct model *model = NULL;
    struct graph *graph = NULL;
    struct error err = {0};
    int r = model_open(bytes.data, bytes.size, &model, &err);

    if (r == 0)
        r = model_graph(model, contract, 2, &graph, &err);
    CU_ASSERT(r < 0);
    CU_ASSERT(err.kind == ERROR_BAD_INPUT || err.kind == ERROR_UNAVAILABLE);
    if (strstr(err.text, node) == NULL || strstr(err.text, says) == NULL) {
        printf("\n    \"%s\" does not say \"%s\" and \"%s\"\n", err.text, node, says);
        CU_FAIL("another message");
    }
    graph_free(graph);
    model_free(model);
    bytes_free(&bytes);
}

/* One node on x, its result flattened into the output. */
static void refuse_node(int64_t opset, struct bytes node, const char *says)
{
    struct file file = start(opset, true);
    char name[64];

    file_int64(&file, "seven", 1, (int64_t[]){7});
    file_int64(&file, "huge", 2, (int64_t[]){1 << 20, 1 << 20});
    file_int64(&file, "repeats", 4, (int64_t[]){1, 1, 1 << 20, 1 << 20});
    file_floats(&file, "scales", 4, (int64_t[]){1, 1, 1, 1});
    file_floats(&file, "w", 4, (int64_t[]){4, 2, 3, 3});
    file_node(&file, node);
    file_simple(&file, "Flatten", "v", "y");
    file_output(&file, "y");
    (void)snprintf(name, sizeof name, "node 0 'n_v'");
    refuse(&file, &image, name, says);
}

static struct bytes node_with(const char *op, const char *inputs, const char *attribute, int64_t value)
{
    struct bytes node = node_make(op, inputs, "v");

    attribute_int(&node, attribute, value);
    return node;
}

static struct bytes node_with_list(const char *op, const char *inputs, const char *attribute, int64_t a, int64_t b)
{
    struct bytes node = node_make(op, inputs, "v");

    attribute_ints(&node, attribute, 2, (int64_t[]){a, b});
    return node;
}

static void test_attributes(void)
{
    refuse_node(13, node_with("Softmax", "x", "axis", 4), "axis 4 is not within 4 dimensions");
    refuse_node(13, node_with("ArgMax", "x", "axis", -5), "axis -5 is not within 4 dimensions");
    refuse_node(13, node_with("Conv", "x w", "group", 0), "0 groups");
    refuse_node(13, node_with_list("Conv", "x w", "strides", 0, 1),
                "attribute strides holds 0; 1 to 1048576 is possible");
    refuse_node(13, node_with_list("Conv", "x w", "dilations", 1, INT64_MAX), "attribute dilations holds");
    refuse_node(13, node_with_list("Conv", "x w", "dilations", 900, 900), "does not fit into 8");
    refuse_node(13, node_with_list("MaxPool", "x", "kernel_shape", 9, 9), "a window of 9 does not fit into 8");
    refuse_node(13, node_with("DepthToSpace", "x", "blocksize", 3), "don't make blocks of 3");
    refuse_node(13, node_with("DepthToSpace", "x", "blocksize", INT64_MIN), "blocks of -9223372036854775808");
    refuse_node(13, node_with("LRN", "x", "size", -1), "a window of -1 channels");
    refuse_node(13, node_with("Transpose", "x", "perm", 1), "perm");
    refuse_node(13, node_with("GatherElements", "x seven", "axis", 1), "its indices are 1 for 2x2x8x8");
    refuse_node(13, node_with("Gather", "x seven", "axis", 1), "index 7 is not within 2");
    refuse_node(13, node_with("TopK", "x seven", "axis", 1), "k is 7 for 2 elements");
    refuse_node(13, node_with("Cast", "x", "to", 99), "a cast to type 99");
    refuse_node(13, node_with("Split", "x", "axis", 7), "axis 7 is not within 4 dimensions");
    refuse_node(13, node_with_list("ReduceMax", "x", "axes", 1, 1), "axis 1 is there twice");
    refuse_node(13, node_with("Relu", "x", "slope", 1), "attribute 'slope' is not one that this operator has");
}

static void test_huge(void)
{
    refuse_node(13, node_make("ConstantOfShape", "huge", "v"), "1048576x1048576 has more than 2^33 elements");
    refuse_node(13, node_make("Tile", "x repeats", "v"), "8388608 positions; up to 4194304 are possible");
    refuse_node(13, node_make("Expand", "x repeats", "v"), "can't be expanded");
    refuse_node(13, node_make("Range", "huge seven seven", "v"), "its input 0 is 2, not a scalar");
}

/* An initializer that says 2^40 elements, with and without so many bytes behind it. */
static void test_huge_constant(void)
{
    struct file file = start(13, false);
    struct bytes tensor = {0};

    put_varint(&tensor, 1, 1 << 20);
    put_varint(&tensor, 1, 1 << 20);
    put_varint(&tensor, 2, 1);
    put_text(&tensor, 8, "w");
    put_text(&tensor, 9, "none");
    file_initializer(&file, tensor);
    file_simple(&file, "MatMul", "x w", "y");
    file_output(&file, "y");
    refuse(&file, &row, "tensor 'w'", "more than 2^33 elements");
}

static void test_memory(void)
{
    struct file file = start(13, false);
    struct model_memory memory = {0};
    struct model *model = NULL;
    struct graph *graph = NULL;
    struct error err = {0};
    struct bytes bytes;

    /* Each Expand is allowed, 2^32 elements; all together are beyond what a graph may take. */
    file_int64(&file, "shape", 3, (int64_t[]){1 << 16, 1 << 12, 1});
    file_int64(&file, "axes", 1, (int64_t[]){1});
    file_simple(&file, "Unsqueeze", "x axes", "u");
    file_int64(&file, "wide", 4, (int64_t[]){1 << 15, 1 << 13, 2, 6});
    file_simple(&file, "Expand", "x wide", "e0");
    file_simple(&file, "Exp", "e0", "e1");
    for (int i = 1; i < 100; i++) {
        char from[8], to[8];

        (void)snprintf(from, sizeof from, "e%d", i);
        (void)snprintf(to, sizeof to, "e%d", i + 1);
        file_simple(&file, "Exp", from, to);
    }
    {
        struct bytes node = node_make("ReduceSum", "e100 first", "s");

        attribute_int(&node, "keepdims", 0);
        file_int64(&file, "first", 2, (int64_t[]){0, 1});
        file_node(&file, node);
    }
    file_output(&file, "s");
    bytes = file_finish(&file);
    CU_ASSERT_EQUAL_FATAL(model_open(bytes.data, bytes.size, &model, &err), 0);
    CU_ASSERT_EQUAL(model_measure(model, &row, 2, &memory, &err), 0);
    CU_ASSERT(memory.computed > MODEL_MEMORY_MAX); /* said from shapes alone, so that admission can refuse */
    CU_ASSERT(model_graph(model, &row, 2, &graph, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT(strstr(err.text, "use a smaller batch or model") != NULL);
    model_free(model);
    bytes_free(&bytes);
}

static void test_shapes_not_inferred(void)
{
    struct file file = start(13, false);
    struct bytes cast = node_make("Cast", "x", "i");

    attribute_int(&cast, "to", 7);
    file_node(&file, cast);
    file_simple(&file, "Reshape", "x i", "y");
    file_output(&file, "y");
    refuse(&file, &row, "node 1 'n_y' (Reshape)", "export the model with fixed sizes");
    file = start(13, false);
    file_simple(&file, "NonZero", "x", "y");
    file_output(&file, "y");
    refuse(&file, &row, "node 0 'n_y' (NonZero)", "how many elements are not zero depends on the input's data");
    file = start(13, false);
    file_int64(&file, "shape", 2, (int64_t[]){-1, 5});
    file_simple(&file, "Reshape", "x shape", "y");
    file_output(&file, "y");
    refuse(&file, &row, "node 0 'n_y' (Reshape)", "can't be spread over a shape of 2 dimensions");
}

/* Axes that the file leaves open, or says otherwise, and that turn out not to fit. */
static void test_axes_disagree(void)
{
    struct file file = file_start(13);

    file_input(&file, "x", 2, (int64_t[]){-1, -1});
    file_floats(&file, "w", 2, (int64_t[]){5, 3});
    file_simple(&file, "MatMul", "x w", "y");
    file_output(&file, "y");
    refuse(&file, &row, "node 0 'n_y' (MatMul)", "2x6 can't be multiplied by 5x3");
    file = file_start(13);
    file_input(&file, "x", 2, (int64_t[]){-1, -1});
    file_floats(&file, "b", 2, (int64_t[]){3, 1});
    file_simple(&file, "Add", "x b", "y");
    file_output(&file, "y");
    refuse(&file, &row, "node 0 'n_y' (Add)", "2x6 and 3x1 don't fit together");
    file = file_start(13);
    file_input(&file, "x", 2, (int64_t[]){-1, 7});
    file_simple(&file, "Relu", "x", "y");
    file_output(&file, "y");
    refuse(&file, &row, "input 'x'", "the model wants 7, the data set has 6");
    file = file_start(13);
    file_input(&file, "x", 2, (int64_t[]){-1, -1});
    file_int64(&file, "shape", 2, (int64_t[]){1, -1});
    file_simple(&file, "Reshape", "x shape", "y");
    file_output(&file, "y");
    refuse(&file, &row, "the output 'y' is 1x12 for a batch of 2", "export the model with a free batch");
}

static void test_no_class_output(void)
{
    struct file file = start(13, true);

    file_simple(&file, "Relu", "x", "y");
    file_output(&file, "y");
    refuse(&file, &image, "the output 'y' is 2x2x8x8", "name the output that has the class scores");
    file = start(13, true);
    file_simple(&file, "Shape", "x", "y");
    file_output(&file, "y");
    refuse(&file, &image, "the output 'y'", "does not depend on the input's data");
    file = start(13, false);
    file_simple(&file, "ReduceMean", "x", "y");
    file_output(&file, "y");
    refuse(&file, &row, "the output 'y' is 1x1", "batch x classes is needed");
    file = start(13, false); /* the predicted class is no score */
    {
        struct bytes node = node_make("ArgMax", "x", "y");

        attribute_int(&node, "axis", 1);
        file_node(&file, node);
    }
    file_output(&file, "y");
    refuse(&file, &row, "the output 'y' is of int64", "class scores are floats");
}

/* Integers that f32 could not hold are refused, not rounded. */
static void test_inexact_integers(void)
{
    struct file file = start(13, false);
    struct bytes cast = node_make("Cast", "x", "i");

    attribute_int(&cast, "to", 6);
    file_node(&file, cast);
    file_simple(&file, "Add", "i i", "y");
    file_output(&file, "y");
    refuse(&file, &row, "node 1 'n_y' (Add)", "beyond 2^24 they are not computed with");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"attributes out of range", test_attributes},
        {"huge results", test_huge},
        {"a constant of 2^40 elements", test_huge_constant},
        {"more memory than a graph may take", test_memory},
        {"shapes that can't be inferred", test_shapes_not_inferred},
        {"axes that disagree", test_axes_disagree},
        {"no class output", test_no_class_output},
        {"integers beyond 2^24", test_inexact_integers},
    };

    return harness_run("bad graphs", tests, HARNESS_COUNT(tests));
}
