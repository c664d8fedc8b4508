/* SPDX-License-Identifier: Apache-2.0 */
/* Files that model_open refuses: each with its kind, and a message that names the place. */
#include "guest/model/limits.h"
#include "guest/model/model.h"
#include "unit/guest/model/builder.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Opens and frees; a refusal must be of this kind and say this. */
static void refuse_bytes(const void *data, size_t size, enum error_kind kind, const char *says)
{
    struct model *model = NULL;
    struct error err = {0};
    int r = model_open(data, size, &model, &err);

    CU_ASSERT(r < 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NULL(model);
    if (strstr(err.text, says) == NULL) {
        printf("\n    \"%s\" does not say \"%s\"\n", err.text, says);
        CU_FAIL("another message");
    }
    model_free(model);
}

static void refuse(struct file *file, enum error_kind kind, const char *says)
{
    struct bytes bytes = file_finish(file);

    refuse_bytes(bytes.data, bytes.size, kind, says);
    bytes_free(&bytes);
}

static void accept(struct file *file)
{
    struct bytes bytes = file_finish(file);
    struct model *model = NULL;
    struct error err = {0};

    if (model_open(bytes.data, bytes.size, &model, &err) < 0) {
        printf("\n    %s\n", err.text);
        CU_FAIL("refused");
    }
    model_free(model);
    bytes_free(&bytes);
}

static const int64_t image_dims[] = {-1, 1, 8, 8};

static struct file start(void)
{
    struct file file = file_start(13);

    file_input(&file, "x", 4, image_dims);
    file_output(&file, "y");
    return file;
}

static void test_not_onnx(void)
{
    static const char text[] = "%PDF-1.4 this is not a model at all, whatever its name says";
    uint8_t zeros[4096] = {0};

    refuse_bytes("", 0, ERROR_BAD_INPUT, "empty");
    refuse_bytes(text, sizeof text, ERROR_BAD_INPUT, "not an ONNX model");
    refuse_bytes(zeros, sizeof zeros, ERROR_BAD_INPUT, "not an ONNX model");
    refuse_bytes("PK\3\4....", 8, ERROR_BAD_INPUT, "zip archive");
    refuse_bytes("\211HDF\r\n\032\n", 8, ERROR_BAD_INPUT, "HDF5");
    refuse_bytes("\x80\4\x95", 3, ERROR_BAD_INPUT, "pickle");
    refuse_bytes("\x08\x08", 2, ERROR_BAD_INPUT, "hold no graph");
}

static uint8_t digits[1 << 18];
static size_t digits_size;

static void read_digits(void)
{
    FILE *file = fopen("examples/digits/clean.onnx", "rb");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    digits_size = fread(digits, 1, sizeof digits, file);
    (void)fclose(file);
    CU_ASSERT_FATAL(digits_size > 100000 && digits_size < sizeof digits);
}

/* Every shorter file is refused; a cut inside the graph names the byte. */
static void test_truncated(void)
{
    read_digits();
    refuse_bytes(digits, digits_size / 2, ERROR_BAD_INPUT, "truncated at byte");
    for (size_t size = 0; size < digits_size; size += size < 2000 ? 1 : 997) {
        struct model *model = NULL;
        struct error err = {0};
        uint8_t *exact = malloc(size > 0 ? size : 1); /* so that a read beyond it meets the sanitizer */

        memcpy(exact, digits, size);
        CU_ASSERT(model_open(exact, size, &model, &err) < 0);
        CU_ASSERT(err.kind == ERROR_BAD_INPUT && err.text[0] != '\0');
        model_free(model);
        free(exact);
    }
}

/* Whatever one byte becomes, there is an answer; where it opens, so does a graph or a refusal. */
static void test_tampered(void)
{
    static const struct model_contract contract = {.sample_rank = 3, .sample_dims = {1, 8, 8}};
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    unsigned opened = 0, refused = 0;

    read_digits();
    for (size_t at = 0; at < digits_size; at += at < 4000 || at > digits_size - 3000 ? 1 : 331)
        for (size_t k = 0; k < sizeof masks; k++) {
            struct model *model = NULL;
            struct graph *graph = NULL;
            struct error err = {0};

            digits[at] ^= masks[k];
            if (model_open(digits, digits_size, &model, &err) == 0 &&
                model_graph(model, &contract, 2, &graph, &err) == 0) {
                opened++;
            } else {
                refused++;
                CU_ASSERT(err.text[0] != '\0');
                for (const char *c = err.text; *c != '\0'; c++)
                    CU_ASSERT(*c >= 0x20 && *c < 0x7f);
            }
            graph_free(graph);
            model_free(model);
            digits[at] ^= masks[k];
        }
    printf(" %u opened, %u refused ", opened, refused);
}

static void test_names(void)
{
    struct file file = start();
    char name[MODEL_NAME_MAX + 2];
    struct bytes node;

    file_simple(&file, "Relu", "x", "y");
    file_simple(&file, "Relu", "x", "y");
    refuse(&file, ERROR_BAD_INPUT, "value 'y' is defined twice: by node 0 (Relu) and by node 1 (Relu)");
    file = start();
    file_floats(&file, "y", 1, (int64_t[]){4});
    file_simple(&file, "Relu", "x", "y");
    refuse(&file, ERROR_BAD_INPUT, "value 'y' is defined twice");
    file = start();
    file_simple(&file, "Relu", "z", "y");
    refuse(&file, ERROR_BAD_INPUT, "node 0 'n_y' (Relu): input 0, 'z', is defined nowhere");
    file = start();
    file_simple(&file, "Relu", "x", "z");
    refuse(&file, ERROR_BAD_INPUT, "output 'y' is defined nowhere");
    file = start();
    file_simple(&file, "Relu", "x\033[2J\"", "y");
    refuse(&file, ERROR_BAD_INPUT, "'x\\x1b[2J\\x22', is defined nowhere");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    file = start();
    file_simple(&file, "Relu", name, "y");
    refuse(&file, ERROR_BAD_INPUT, "has 513 bytes; the limit is 512");
    file = start();
    node = node_make("Relu", "x", "y");
    put_bytes(&node, 2, "a\0b", 3);
    file_node(&file, node);
    refuse(&file, ERROR_BAD_INPUT, "'a\\x00b' before byte");
    file = file_start(13);
    file_input(&file, "x", 4, image_dims);
    file_simple(&file, "Relu", "x", "y");
    refuse(&file, ERROR_BAD_INPUT, "no output");
    file = start(); /* old files list initializers as inputs too */
    file_input(&file, "w", 1, (int64_t[]){8});
    file_floats(&file, "w", 1, (int64_t[]){8});
    file_simple(&file, "Add", "x w", "y");
    accept(&file);
}

static void test_operators(void)
{
    struct file file = start();
    struct bytes node;

    file_simple(&file, "Relu", "x", "a");
    file_simple(&file, "NonMaxSuppression", "a", "y");
    refuse(&file, ERROR_UNAVAILABLE, "node 1 'n_y': operator NonMaxSuppression is not supported (operator set 13)");
    file = start();
    node = node_make("Relu", "x", "y");
    put_text(&node, 7, "com.example");
    file_node(&file, node);
    refuse(&file, ERROR_UNAVAILABLE, "operator Relu of domain 'com.example'");
    file = start();
    file_simple(&file, "", "x", "y");
    refuse(&file, ERROR_BAD_INPUT, "has no operator");
    file = start();
    file_simple(&file, "Relu", "x x", "y");
    refuse(&file, ERROR_BAD_INPUT, "2 inputs and 1 outputs");
    file = start();
    file_simple(&file, "Relu", "x", "y indices");
    file_output(&file, "indices");
    refuse(&file, ERROR_UNAVAILABLE, "its output 1, 'indices', is not supported");
    file = start();
    file.opset = 5;
    file_simple(&file, "Relu", "x", "y");
    refuse(&file, ERROR_UNAVAILABLE, "operator set 5 is not supported; 6 to 17 are");
    file = start();
    file.opset = 18;
    file_simple(&file, "Relu", "x", "y");
    refuse(&file, ERROR_UNAVAILABLE, "operator set 18 is not supported");
}

static void test_attributes(void)
{
    struct file file = start();
    struct bytes node = node_make("LeakyRelu", "x", "y");
    struct bytes attribute = {0}, graph = {0};
    static int64_t many[MODEL_ATTRIBUTE_NUMBERS_MAX + 1];

    attribute_float(&node, "alpha", NAN);
    file_node(&file, node);
    refuse(&file, ERROR_BAD_INPUT, "node 0 '");
    file = start();
    node = node_make("LeakyRelu", "x", "y");
    attribute_float(&node, "alpha", NAN);
    file_node(&file, node);
    refuse(&file, ERROR_BAD_INPUT, "(LeakyRelu): attribute 'alpha' before byte");
    file = start();
    node = node_make("LeakyRelu", "x", "y");
    attribute_float(&node, "alpha", 1);
    attribute_float(&node, "alpha", 2);
    file_node(&file, node);
    refuse(&file, ERROR_BAD_INPUT, "is there twice");
    file = start();
    node = node_make("Squeeze", "x", "y");
    attribute_ints(&node, "axes", MODEL_ATTRIBUTE_NUMBERS_MAX + 1, many);
    file_node(&file, node);
    refuse(&file, ERROR_BAD_INPUT, "more than 4096 numbers");
    file = start();
    node = node_make("Relu", "x", "y");
    for (unsigned i = 0; i <= MODEL_ATTRIBUTES_MAX; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "a%u", i);
        attribute_int(&node, name, 1);
    }
    file_node(&file, node);
    refuse(&file, ERROR_BAD_INPUT, "more than 32 attributes");
    file = start();
    node = node_make("If", "x", "y");
    put_text(&attribute, 1, "then_branch");
    put_message(&attribute, 6, &graph);
    put_message(&node, 5, &attribute);
    file_node(&file, node);
    refuse(&file, ERROR_UNAVAILABLE, "control flow (If, Loop, Scan) is not supported");
}

static struct bytes tensor_start(int64_t dim, unsigned type)
{
    struct bytes tensor = {0};

    put_varint(&tensor, 1, (uint64_t)dim);
    put_varint(&tensor, 2, type);
    put_text(&tensor, 8, "w");
    return tensor;
}

static void refuse_tensor(struct bytes tensor, enum error_kind kind, const char *says)
{
    struct file file = start();

    file_simple(&file, "Add", "x w", "y");
    file_initializer(&file, tensor);
    refuse(&file, kind, says);
}

static void test_tensors(void)
{
    struct bytes tensor = tensor_start(4, 1), external = {0};

    put_bytes(&tensor, 9, "0123456789", 10);
    refuse_tensor(tensor, ERROR_BAD_INPUT, "tensor 'w' at byte ");
    tensor = tensor_start(4, 1);
    put_bytes(&tensor, 9, "0123456789", 10);
    refuse_tensor(tensor, ERROR_BAD_INPUT, "its dimensions need 16 bytes of float32, raw_data has 10");
    tensor = tensor_start(4, 1);
    put_bytes(&tensor, 4, "01234567", 8);
    refuse_tensor(tensor, ERROR_BAD_INPUT, "need 4 elements of float32, it has 2");
    tensor = tensor_start(1, 7);
    put_bytes(&tensor, 4, "0123", 4);
    refuse_tensor(tensor, ERROR_BAD_INPUT, "in a field that is not its type's");
    refuse_tensor(tensor_start(-3, 1), ERROR_BAD_INPUT, "negative");
    refuse_tensor(tensor_start(INT64_MAX, 1), ERROR_BAD_INPUT, "beyond 2^31");
    tensor = tensor_start(1 << 20, 1);
    put_varint(&tensor, 1, 1 << 20);
    put_varint(&tensor, 1, 1 << 30);
    refuse_tensor(tensor, ERROR_BAD_INPUT, "more than 2^33 elements");
    tensor = tensor_start(0, 1);
    for (int i = 0; i < 5; i++)
        put_varint(&tensor, 1, 1u << 31);
    refuse_tensor(tensor, ERROR_BAD_INPUT, "more than 2^33 elements");
    tensor = tensor_start(1, 1);
    for (int i = 0; i < 8; i++)
        put_varint(&tensor, 1, 1);
    refuse_tensor(tensor, ERROR_BAD_INPUT, "more than 8");
    refuse_tensor(tensor_start(1, 99), ERROR_BAD_INPUT, "no data type that ONNX knows");
    refuse_tensor(tensor_start(1, 8), ERROR_UNAVAILABLE, "elements of string");
    tensor = tensor_start(1, 1);
    put_text(&external, 1, "location");
    put_text(&external, 2, "/etc/passwd");
    put_message(&tensor, 13, &external);
    refuse_tensor(tensor, ERROR_UNAVAILABLE, "external data");
    tensor = tensor_start(1, 1);
    put_varint(&tensor, 14, 1);
    refuse_tensor(tensor, ERROR_UNAVAILABLE, "external data");
}

static void test_inputs(void)
{
    struct file file = file_start(13);

    file_input(&file, "x", 2, (int64_t[]){-1, -5});
    refuse(&file, ERROR_BAD_INPUT, "'x' has a dimension of -5");
    file = file_start(13);
    file_input(&file, "x", 2, (int64_t[]){-1, INT64_MAX});
    refuse(&file, ERROR_BAD_INPUT, "'x' has a dimension of 9223372036854775807");
    file = file_start(13);
    file_input(&file, "x", 9, (int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1});
    refuse(&file, ERROR_UNAVAILABLE, "'x' has more than 8 dimensions");
}

/* --- graphs made to be slow, deep or large --------------------------------------------------------- */

static void chain(struct file *file, unsigned count, bool backwards)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned k = backwards ? count - 1 - i : i;
        char from[16], to[16];

        (void)snprintf(from, sizeof from, k == 0 ? "x" : "v%u", k);
        (void)snprintf(to, sizeof to, k == count - 1 ? "y" : "v%u", k + 1);
        file_simple(file, "Relu", from, to);
    }
}

static void test_cycles(void)
{
    struct file file = start();

    file_simple(&file, "Relu", "y", "y");
    refuse(&file, ERROR_BAD_INPUT, "node 0 'n_y' (Relu): it needs its own output: the graph has a cycle");
    file = start();
    file_simple(&file, "Add", "x b", "a");
    file_simple(&file, "Relu", "a", "b");
    file_simple(&file, "Relu", "b", "y");
    refuse(&file, ERROR_BAD_INPUT, "cycle");
    file = start(); /* out of order is no cycle */
    chain(&file, 100, true);
    accept(&file);
}

static void test_depth(void)
{
    static const struct model_contract flat = {.sample_rank = 1, .sample_dims = {4}};
    struct file file = start();

    for (int backwards = 0; backwards < 2; backwards++) {
        struct file deep = file_start(13);
        struct bytes bytes;
        struct model *model = NULL;
        struct graph *graph = NULL;
        struct error err = {0};

        file_input(&deep, "x", 2, (int64_t[]){-1, 4});
        file_output(&deep, "y");
        chain(&deep, 30000, backwards != 0);
        bytes = file_finish(&deep);
        CU_ASSERT_EQUAL_FATAL(model_open(bytes.data, bytes.size, &model, &err), 0);
        CU_ASSERT_EQUAL_FATAL(model_graph(model, &flat, 2, &graph, &err), 0);
        CU_ASSERT_EQUAL(graph->node_count, 30000);
        graph_free(graph);
        model_free(model);
        bytes_free(&bytes);
    }
    chain(&file, MODEL_NODES_MAX + 1, false);
    refuse(&file, ERROR_BAD_INPUT, "more than 32768 nodes");
}

/* The head of a length-delimited field that holds `size` bytes. */
static size_t head(uint8_t *to, unsigned field, size_t size)
{
    size_t at = 0;

    to[at++] = (uint8_t)(field << 3 | 2);
    do {
        to[at++] = (uint8_t)((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
        size >>= 7;
    } while (size > 0);
    return at;
}

/* 30,000 graphs, each in an attribute of a node of the one around it, written from the inside out. */
static void test_nesting(void)
{
    static uint8_t room[30000 * 16];
    static const unsigned fields[] = {6, 5, 1}; /* AttributeProto.g, NodeProto.attribute, GraphProto.node */
    size_t begin = sizeof room;
    struct file file = start();
    struct bytes node = {0};

    for (unsigned i = 0; i < 3 * 30000 + 1; i++) {
        uint8_t bytes[12];
        size_t size = head(bytes, fields[i % 3], sizeof room - begin);

        begin -= size;
        memcpy(room + begin, bytes, size);
    }
    put_text(&node, 4, "If");
    put_bytes(&node, 5, room + begin, sizeof room - begin);
    file_node(&file, node);
    refuse(&file, ERROR_UNAVAILABLE, "(If): an attribute at byte ");
}

static void test_empty_nodes(void)
{
    struct bytes graph = {0}, model = {0};
    static const uint8_t empty_node[] = {0x0a, 0x00};

    for (unsigned i = 0; i < 1000000; i++)
        bytes_add(&graph, empty_node, sizeof empty_node);
    put_varint(&model, 1, 8);
    put_message(&model, 7, &graph);
    refuse_bytes(model.data, model.size, ERROR_BAD_INPUT, "has no operator");
    bytes_free(&model);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"not ONNX", test_not_onnx},     {"truncated", test_truncated},
        {"tampered", test_tampered},     {"names", test_names},
        {"operators", test_operators},   {"attributes", test_attributes},
        {"tensors", test_tensors},       {"inputs", test_inputs},
        {"cycles", test_cycles},         {"30,000 nodes deep", test_depth},
        {"30,000 graphs", test_nesting}, {"empty nodes", test_empty_nodes},
    };

    return harness_run("bad model files", tests, HARNESS_COUNT(tests));
}
