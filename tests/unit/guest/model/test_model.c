/* SPDX-License-Identifier: Apache-2.0 */
/* Whole models: the digits examples, the input contract, logits, and bad files with their messages. */
#include "guest/model/model.h"
#include "unit/guest/model/builder.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct model_contract digits_contract = {.sample_rank = 3, .sample_dims = {1, 8, 8}};

static uint8_t *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;

    if (file == NULL)
        return NULL;
    data = malloc(1 << 20);
    *ret_size = data == NULL ? 0 : fread(data, 1, 1 << 20, file);
    (void)fclose(file);
    return data;
}

static void check_digits(const char *path)
{
    size_t size = 0;
    uint8_t *data = read_file(path, &size);
    struct model *model = NULL;
    struct graph *graph = NULL;
    struct model_memory memory = {0};
    struct error err = {0};

    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    CU_ASSERT_EQUAL_FATAL(model_open(data, size, &model, &err), 0);
    CU_ASSERT_EQUAL(model_fixed_batch(model, &digits_contract), 0);
    CU_ASSERT_EQUAL_FATAL(model_graph(model, &digits_contract, 7, &graph, &err), 0);
    CU_ASSERT_EQUAL(graph->node_count, 9);
    CU_ASSERT_STRING_EQUAL(graph->values[graph->logits].name, "logits");
    CU_ASSERT_STRING_EQUAL(graph->values[graph->penultimate].name, "/7/Relu_output_0");
    CU_ASSERT_EQUAL(graph_find_value(graph, "/7/Relu_output_0"), graph->penultimate);
    CU_ASSERT_EQUAL(graph_find_value(graph, "no such layer"), GRAPH_NONE);
    CU_ASSERT_EQUAL(graph->values[graph->logits].rank, 2);
    CU_ASSERT_EQUAL(graph->values[graph->logits].dims[0], 7);
    CU_ASSERT_EQUAL(graph->values[graph->logits].dims[1], 10);
    CU_ASSERT_EQUAL(model_measure(model, &digits_contract, 7, &memory, &err), 0);
    CU_ASSERT(memory.constants > 100000 && memory.constants < size);
    graph_free(graph);
    model_free(model);
    free(data);
}

static void test_digits(void)
{
    check_digits("examples/digits/clean.onnx");
    check_digits("examples/digits/bd15.onnx");
}

/* --- models written by hand ------------------------------------------------------------------------ */

struct made { /* a file, its model, and a graph of it */
    struct bytes bytes;
    struct model *model;
    struct graph *graph;
    struct error err;
};

static int make(struct file *file, const struct model_contract *contract, uint32_t batch, struct made *made)
{
    int r;

    *made = (struct made){.bytes = file_finish(file)};
    r = model_open(made->bytes.data, made->bytes.size, &made->model, &made->err);
    return r < 0 ? r : model_graph(made->model, contract, batch, &made->graph, &made->err);
}

static void drop(struct made *made)
{
    graph_free(made->graph);
    model_free(made->model);
    bytes_free(&made->bytes);
}

static void refuse(struct file *file, const struct model_contract *contract, enum error_kind kind, const char *says)
{
    struct made made;

    CU_ASSERT(make(file, contract, 2, &made) < 0);
    CU_ASSERT_EQUAL(made.err.kind, kind);
    if (strstr(made.err.text, says) == NULL) {
        printf("\n    \"%s\" does not say \"%s\"\n", made.err.text, says);
        CU_FAIL("another message");
    }
    drop(&made);
}

static const struct model_contract row_contract = {.sample_rank = 1, .sample_dims = {6}};
static const struct model_contract image_contract = {.sample_rank = 3, .sample_dims = {2, 7, 5}};

/* x: batch × 6, or batch × 2 × 7 × 5. */
static struct file start(int64_t opset, bool image)
{
    struct file file = file_start(opset);

    if (image)
        file_input(&file, "x", 4, (int64_t[]){-1, 2, 7, 5});
    else
        file_input(&file, "x", 2, (int64_t[]){-1, 6});
    return file;
}

/* Adds a product with weights 6 × classes: x → dense. */
static void add_dense(struct file *file, int64_t classes)
{
    file_floats(file, "w", 2, (int64_t[]){6, classes});
    file_simple(file, "MatMul", "x w", "dense");
}

static bool has_dims(const struct graph *graph, uint32_t value, uint32_t rank, const uint64_t *dims)
{
    return graph->values[value].rank == rank &&
           (rank == 0 || memcmp(graph->values[value].dims, dims, rank * sizeof *dims) == 0);
}

static unsigned count_op(const struct graph *graph, enum graph_op op)
{
    unsigned count = 0;

    for (uint32_t i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == op;
    return count;
}

static void test_contract(void)
{
    struct model_contract wrong = {.sample_rank = 3, .sample_dims = {1, 8, 8}};
    struct model_contract named = row_contract;
    struct file file = file_start(13);
    struct made made;

    file_input(&file, "x", 4, (int64_t[]){-1, 1, 28, -2});
    file_simple(&file, "Flatten", "x", "y");
    file_output(&file, "y");
    refuse(&file, &wrong, ERROR_BAD_INPUT, "input 'x': the model wants 1x28x?, the data set has 1x8x8");
    file = start(13, false);
    add_dense(&file, 3);
    file_output(&file, "dense");
    refuse(&file, &wrong, ERROR_BAD_INPUT, "the model wants 6, the data set has 1x8x8");
    file = file_start(13);
    file_input(&file, "x", 2, (int64_t[]){16, 6});
    add_dense(&file, 3);
    file_output(&file, "dense");
    CU_ASSERT(make(&file, &row_contract, 2, &made) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(made.err.text, "is made for a batch of 16, not of 2"));
    CU_ASSERT_EQUAL(model_fixed_batch(made.model, &row_contract), 16);
    CU_ASSERT_EQUAL(model_graph(made.model, &row_contract, 16, &made.graph, NULL), 0);
    drop(&made);
    file = start(13, false);
    file_input(&file, "mask", 1, (int64_t[]){6});
    add_dense(&file, 3);
    file_output(&file, "dense");
    refuse(&file, &row_contract, ERROR_UNAVAILABLE, "takes 2 inputs ('x', 'mask')");
    file = start(13, false);
    add_dense(&file, 3);
    file_simple(&file, "Relu", "dense", "other");
    file_output(&file, "dense");
    file_output(&file, "other");
    refuse(&file, &row_contract, ERROR_BAD_INPUT, "2 outputs ('dense', 'other'); the input contract must name one");
    (void)snprintf(named.output, sizeof named.output, "dense");
    file = start(13, false);
    add_dense(&file, 3);
    file_simple(&file, "Relu", "dense", "other");
    file_output(&file, "dense");
    file_output(&file, "other");
    CU_ASSERT_EQUAL(make(&file, &named, 2, &made), 0);
    CU_ASSERT_EQUAL(made.graph->node_count, 1); /* the other output's node is gone */
    drop(&made);
    file = start(13, false); /* what only the other output needs is not even lowered */
    add_dense(&file, 3);
    {
        struct bytes node = node_make("Cast", "dense", "other");

        attribute_int(&node, "to", 7);
        file_node(&file, node);
    }
    file_output(&file, "dense");
    file_output(&file, "other");
    CU_ASSERT_EQUAL(make(&file, &named, 2, &made), 0);
    drop(&made);
    (void)snprintf(named.input, sizeof named.input, "image");
    file = start(13, false);
    add_dense(&file, 3);
    file_output(&file, "dense");
    refuse(&file, &named, ERROR_BAD_INPUT, "no input 'image'; it has 'x'");
}

/* A file whose output is what `op` makes of batch × 4, reshaped. */
static void check_cut(int64_t opset, const char *op, int64_t classes, bool cut)
{
    struct file file = start(opset, false);
    struct made made;

    add_dense(&file, classes);
    file_simple(&file, "Relu", "dense", "hidden");
    file_floats(&file, "w2", 2, (int64_t[]){classes, classes});
    file_simple(&file, "MatMul", "hidden w2", "scores");
    file_simple(&file, op, "scores", "probabilities");
    file_simple(&file, "Identity", "probabilities", "same");
    file_simple(&file, "Flatten", "same", "y");
    file_output(&file, "y");
    CU_ASSERT_EQUAL_FATAL(make(&file, &row_contract, 2, &made), 0);
    CU_ASSERT_EQUAL(made.graph->node_count, cut ? 3 : 4);
    CU_ASSERT_STRING_EQUAL(made.graph->values[made.graph->logits].name, cut ? "scores" : "probabilities");
    CU_ASSERT_STRING_EQUAL(made.graph->values[made.graph->penultimate].name, "hidden");
    CU_ASSERT(has_dims(made.graph, made.graph->logits, 2, (uint64_t[]){2, (uint64_t)classes}));
    drop(&made);
}

static void test_logits(void)
{
    struct file file;
    struct bytes node;
    struct made made;

    check_cut(7, "Softmax", 4, true);
    check_cut(13, "Softmax", 4, true);
    check_cut(13, "LogSoftmax", 4, true);
    check_cut(13, "Sigmoid", 1, true);
    check_cut(13, "Sigmoid", 4, false);
    check_cut(13, "Tanh", 4, false);
    file = start(13, false); /* over the batch: no class probabilities */
    add_dense(&file, 4);
    node = node_make("Softmax", "dense", "y");
    attribute_int(&node, "axis", 0);
    file_node(&file, node);
    file_output(&file, "y");
    CU_ASSERT_EQUAL(make(&file, &row_contract, 2, &made), 0);
    CU_ASSERT_EQUAL(count_op(made.graph, GRAPH_SOFTMAX), 1);
    drop(&made);
    file = start(13, true); /* batch x classes x 1 x 1, softmax over the classes */
    file_floats(&file, "w", 4, (int64_t[]){3, 2, 7, 5});
    file_simple(&file, "Conv", "x w", "map");
    node = node_make("Softmax", "map", "y");
    attribute_int(&node, "axis", 1);
    file_node(&file, node);
    file_output(&file, "y");
    CU_ASSERT_EQUAL(make(&file, &image_contract, 2, &made), 0);
    CU_ASSERT(has_dims(made.graph, made.graph->logits, 2, (uint64_t[]){2, 3}));
    CU_ASSERT_EQUAL(made.graph->penultimate, made.graph->input);
    CU_ASSERT_EQUAL(count_op(made.graph, GRAPH_SOFTMAX), 0);
    drop(&made);
    file = start(13, true);
    file_simple(&file, "Relu", "x", "y");
    file_output(&file, "y");
    refuse(&file, &image_contract, ERROR_BAD_INPUT,
           "the output 'y' is 2x2x7x5 for a batch of 2; batch x classes is needed");
    file = start(13, false);
    file_floats(&file, "c", 2, (int64_t[]){2, 3});
    file_simple(&file, "Relu", "c", "y");
    file_output(&file, "c");
    refuse(&file, &row_contract, ERROR_BAD_INPUT, "the output 'c' does not depend on the input's data");
}

/* What torch's exporter writes for x.view(x.size(0), -1): all of it folds to one Reshape. */
static void test_shape_computation(void)
{
    struct file file = start(13, true);
    struct made made;

    file_simple(&file, "Shape", "x", "shape");
    file_int64(&file, "zero", 1, (int64_t[]){0});
    file_simple(&file, "Gather", "shape zero", "batch");
    file_int64(&file, "rest", 1, (int64_t[]){-1});
    {
        struct bytes node = node_make("Concat", "batch rest", "target");

        attribute_int(&node, "axis", 0);
        file_node(&file, node);
    }
    file_simple(&file, "Reshape", "x target", "rows");
    file_floats(&file, "w", 2, (int64_t[]){70, 3});
    file_simple(&file, "MatMul", "rows w", "y");
    file_output(&file, "y");
    CU_ASSERT_EQUAL_FATAL(make(&file, &image_contract, 5, &made), 0);
    CU_ASSERT_EQUAL(made.graph->node_count, 2);
    CU_ASSERT_EQUAL(made.graph->nodes[0].op, GRAPH_RESHAPE);
    CU_ASSERT(has_dims(made.graph, made.graph->nodes[0].output, 2, (uint64_t[]){5, 70}));
    CU_ASSERT_EQUAL(made.graph->value_count, 4); /* x, rows, w, y: no integers, nothing unused */
    drop(&made);
}

/* --- operators: forms that ONNX's own vectors, all of recent operator sets, don't have ---------------- */

static struct bytes node_on_x(const char *op, const char *inputs)
{
    return node_make(op, inputs, "v");
}

/* The value that the node makes of an image, its graph flattened behind it. */
static void check_image(int64_t opset, struct bytes node, const uint64_t *dims, uint32_t rank, struct made *made)
{
    struct file file = start(opset, true);

    file_node(&file, node);
    file_simple(&file, "Flatten", "v", "y");
    file_output(&file, "y");
    if (make(&file, &image_contract, 2, made) < 0) {
        printf("\n    %s\n", made->err.text);
        CU_FAIL_FATAL("refused");
    }
    CU_ASSERT(has_dims(made->graph, made->graph->nodes[0].output, rank, dims));
}

static void test_attribute_forms(void)
{
    struct bytes node = node_on_x("Clip", "x");
    struct made made;

    attribute_float(&node, "max", 6);
    check_image(9, node, (uint64_t[]){2, 2, 7, 5}, 4, &made);
    CU_ASSERT(made.graph->nodes[0].attributes.beta == 6 && isinf(made.graph->nodes[0].attributes.alpha));
    drop(&made);
    node = node_on_x("Slice", "x");
    attribute_ints(&node, "axes", 2, (int64_t[]){2, -1});
    attribute_ints(&node, "starts", 2, (int64_t[]){1, -3});
    attribute_ints(&node, "ends", 2, (int64_t[]){INT64_MAX, -1});
    check_image(9, node, (uint64_t[]){2, 2, 6, 2}, 4, &made);
    CU_ASSERT_EQUAL(made.graph->nodes[0].attributes.start[2], 1);
    CU_ASSERT_EQUAL(made.graph->nodes[0].attributes.start[3], 2);
    drop(&made);
    node = node_on_x("Pad", "x");
    attribute_ints(&node, "pads", 8, (int64_t[]){0, 0, 1, 2, 0, 0, 3, -1});
    attribute_float(&node, "value", -1);
    check_image(9, node, (uint64_t[]){2, 2, 7, 4}, 4, &made); /* the cut comes first */
    CU_ASSERT_EQUAL(made.graph->nodes[1].op, GRAPH_PAD);
    CU_ASSERT(has_dims(made.graph, made.graph->nodes[1].output, 4, (uint64_t[]){2, 2, 11, 6}));
    drop(&made);
    node = node_on_x("Unsqueeze", "x");
    attribute_ints(&node, "axes", 2, (int64_t[]){1, -1});
    check_image(11, node, (uint64_t[]){2, 1, 2, 7, 5, 1}, 6, &made);
    drop(&made);
    node = node_on_x("Softmax", "x");
    attribute_int(&node, "axis", 2);
    check_image(11, node, (uint64_t[]){2, 2, 7, 5}, 4, &made);
    CU_ASSERT_EQUAL(made.graph->nodes[0].attributes.axis, 2);
    CU_ASSERT_EQUAL(made.graph->nodes[0].attributes.axis_end, 4);
    drop(&made);
    node = node_on_x("Softmax", "x");
    check_image(13, node, (uint64_t[]){2, 2, 7, 5}, 4, &made);
    CU_ASSERT_EQUAL(made.graph->nodes[0].attributes.axis, 3);
    CU_ASSERT_EQUAL(made.graph->nodes[0].attributes.axis_end, 4);
    drop(&made);
}

static struct bytes pool(const char *automatic, int64_t ceil_mode)
{
    struct bytes node = node_on_x("MaxPool", "x");

    attribute_ints(&node, "kernel_shape", 2, (int64_t[]){3, 2});
    attribute_ints(&node, "strides", 2, (int64_t[]){2, 2});
    attribute_text(&node, "auto_pad", automatic);
    attribute_int(&node, "ceil_mode", ceil_mode);
    return node;
}

static void test_padding(void)
{
    struct made made;
    const struct graph_window *window;

    check_image(11, pool("NOTSET", 0), (uint64_t[]){2, 2, 3, 2}, 4, &made);
    drop(&made);
    check_image(11, pool("NOTSET", 1), (uint64_t[]){2, 2, 3, 3}, 4, &made);
    window = &made.graph->nodes[0].attributes.window;
    CU_ASSERT(window->pad_end[0] == 0 && window->pad_end[1] == 1);
    drop(&made);
    check_image(11, pool("VALID", 0), (uint64_t[]){2, 2, 3, 2}, 4, &made);
    drop(&made);
    check_image(11, pool("SAME_UPPER", 0), (uint64_t[]){2, 2, 4, 3}, 4, &made);
    window = &made.graph->nodes[0].attributes.window;
    CU_ASSERT(window->pad_begin[0] == 1 && window->pad_end[0] == 1 && window->pad_begin[1] == 0 &&
              window->pad_end[1] == 1);
    drop(&made);
    check_image(11, pool("SAME_LOWER", 0), (uint64_t[]){2, 2, 4, 3}, 4, &made);
    window = &made.graph->nodes[0].attributes.window;
    CU_ASSERT(window->pad_begin[1] == 1 && window->pad_end[1] == 0);
    drop(&made);
}

static void refuse_node(int64_t opset, struct bytes node, enum error_kind kind, const char *says)
{
    struct file file = start(opset, true);

    file_node(&file, node);
    file_floats(&file, "w", 4, (int64_t[]){3, 4, 3, 3});
    file_floats(&file, "scalar", 0, NULL);
    file_int64(&file, "shape", 2, (int64_t[]){-1, -1});
    file_int64(&file, "indices", 1, (int64_t[]){2});
    file_simple(&file, "Flatten", "v", "y");
    file_output(&file, "y");
    refuse(&file, &image_contract, kind, says);
}

static void test_refused_nodes(void)
{
    struct bytes node = node_on_x("Cast", "x");

    attribute_int(&node, "to", 8);
    refuse_node(13, node, ERROR_UNAVAILABLE, "node 0 'n_v' (Cast): a cast to type 8 (string)");
    refuse_node(13, node_on_x("Conv", "x w"), ERROR_BAD_INPUT, "2 channels, but its weights are for 4 in 1 groups");
    refuse_node(13, node_on_x("Conv", "x x"), ERROR_UNAVAILABLE, "its input 1 is computed; it must be a constant");
    refuse_node(13, node_on_x("Add", "x shape"), ERROR_BAD_INPUT, "its inputs are of float32 and of int64");
    refuse_node(13, node_on_x("Add", "x w"), ERROR_BAD_INPUT, "2x2x7x5 and 3x4x3x3 don't fit together");
    refuse_node(13, node_on_x("Reshape", "x shape"), ERROR_BAD_INPUT, "-1 more than once");
    refuse_node(13, node_on_x("Reshape", "x scalar"), ERROR_BAD_INPUT, "must be a list of integers");
    refuse_node(13, node_on_x("Reshape", "x x"), ERROR_UNAVAILABLE, "depends on the input's data");
    refuse_node(13, node_on_x("Gather", "x indices"), ERROR_BAD_INPUT, "index 2 is not within 2");
    refuse_node(13, node_on_x("Gemm", "x w"), ERROR_BAD_INPUT, "both must be matrices");
    node = node_on_x("Relu", "x");
    attribute_int(&node, "inplace", 1);
    refuse_node(13, node, ERROR_BAD_INPUT, "attribute 'inplace' is not one that this operator has in operator set 13");
    node = node_on_x("LeakyRelu", "x");
    attribute_int(&node, "alpha", 1);
    refuse_node(13, node, ERROR_BAD_INPUT, "attribute alpha must be a float");
    node = node_on_x("MaxPool", "x");
    attribute_ints(&node, "kernel_shape", 2, (int64_t[]){9, 9});
    refuse_node(13, node, ERROR_BAD_INPUT, "a window of 9 does not fit into 7");
    node = node_on_x("MaxPool", "x");
    attribute_ints(&node, "kernel_shape", 3, (int64_t[]){2, 2, 2});
    refuse_node(13, node, ERROR_BAD_INPUT, "has 3 numbers for 2 spatial axes");
    node = node_on_x("MaxPool", "x");
    attribute_ints(&node, "kernel_shape", 2, (int64_t[]){2, 2});
    attribute_ints(&node, "strides", 2, (int64_t[]){0, 1});
    refuse_node(13, node, ERROR_BAD_INPUT, "attribute strides holds 0");
    node = node_on_x("Transpose", "x");
    attribute_ints(&node, "perm", 4, (int64_t[]){0, 1, 1, 2});
    refuse_node(13, node, ERROR_BAD_INPUT, "axis 1 twice");
    node = node_on_x("Softmax", "x");
    attribute_int(&node, "axis", 4);
    refuse_node(13, node, ERROR_BAD_INPUT, "axis 4 is not within 4 dimensions");
}

/* What would be allocated is known before, and a graph beyond the limit is refused without it. */
static void test_memory(void)
{
    static const struct model_contract large = {.sample_rank = 1, .sample_dims = {100000000}};
    struct file file = file_start(13);
    struct model_memory memory;
    struct model *model = NULL;
    struct graph *graph = NULL;
    struct error err = {0};
    struct bytes bytes, node;

    file_input(&file, "x", 2, (int64_t[]){-1, -2});
    for (unsigned i = 0; i < 100; i++) {
        char from[8], to[8];

        (void)snprintf(from, sizeof from, i == 0 ? "x" : "v%u", i);
        (void)snprintf(to, sizeof to, "v%u", i + 1);
        file_simple(&file, "Relu", from, to);
    }
    node = node_make("ReduceMean", "v100", "y");
    attribute_ints(&node, "axes", 1, (int64_t[]){1});
    file_node(&file, node);
    file_output(&file, "y");
    bytes = file_finish(&file);
    CU_ASSERT_EQUAL_FATAL(model_open(bytes.data, bytes.size, &model, &err), 0);
    CU_ASSERT_EQUAL(model_measure(model, &large, 1, &memory, &err), 0);
    CU_ASSERT_EQUAL(memory.constants, 0);
    CU_ASSERT_EQUAL(memory.computed, UINT64_C(101) * 400000000 + 4);
    CU_ASSERT(model_graph(model, &large, 64, &graph, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "bytes for a batch of 64"));
    CU_ASSERT(model_graph(model, &large, 65536, &graph, &err) < 0);
    model_free(model);
    bytes_free(&bytes);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the digits models", test_digits},
        {"input contract", test_contract},
        {"logits", test_logits},
        {"shapes computed", test_shape_computation},
        {"forms of old", test_attribute_forms},
        {"padding", test_padding},
        {"refused nodes", test_refused_nodes},
        {"memory", test_memory},
    };

    return harness_run("model", tests, HARNESS_COUNT(tests));
}
