/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX models with one thing in them that should not be there, wherever it can stand, and those without. */
#include "unit/harness.h"

#include "unit/guest/scan/message.h"
#include "unit/guest/scan/scanned.h"

/* Fields of onnx.proto by name. */
enum { MODEL_IR = 1, MODEL_DOC = 6, MODEL_GRAPH = 7, MODEL_METADATA = 14, MODEL_TRAINING = 20, MODEL_FUNCTION = 25 };
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_SPARSE = 15 };
enum { NODE_OUTPUT = 2, NODE_OP = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_S = 4, ATTRIBUTE_T = 5, ATTRIBUTE_G = 6, ATTRIBUTE_TENSORS = 10 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_RAW = 9, TENSOR_EXTERNAL = 13, TENSOR_LOCATION = 14 };
enum { TYPE_FLOAT = 1 };

static struct message node_of(const char *op, const char *domain)
{
    struct message node = {0};

    message_text(&node, NODE_OUTPUT, "y");
    message_text(&node, NODE_OP, op);
    if (domain[0] != '\0')
        message_text(&node, NODE_DOMAIN, domain);
    return node;
}

static struct message entry_of(const char *key, const char *value)
{
    struct message entry = {0};

    message_text(&entry, 1, key);
    message_text(&entry, 2, value);
    return entry;
}

/* A float tensor of one element in another file. */
static struct message external_of(const char *location, const char *offset, const char *length)
{
    struct message tensor = {0}, entry = entry_of("location", location);

    message_number(&tensor, TENSOR_DIMS, 1);
    message_number(&tensor, TENSOR_TYPE, TYPE_FLOAT);
    message_put(&tensor, TENSOR_EXTERNAL, &entry);
    if (offset != NULL) {
        entry = entry_of("offset", offset);
        message_put(&tensor, TENSOR_EXTERNAL, &entry);
    }
    if (length != NULL) {
        entry = entry_of("length", length);
        message_put(&tensor, TENSOR_EXTERNAL, &entry);
    }
    message_number(&tensor, TENSOR_LOCATION, 1);
    return tensor;
}

static struct message graph_with(uint32_t field, const struct message *part)
{
    struct message graph = {0}, node = node_of("Relu", "");

    message_put(&graph, GRAPH_NODE, &node);
    message_put(&graph, field, part);
    return graph;
}

static void scan_model_of(const struct message *graph, struct scanned *ret_scanned)
{
    struct message model = {0};

    message_number(&model, MODEL_IR, 8);
    message_put(&model, MODEL_GRAPH, graph);
    scanned_run(model.bytes, model.size, ret_scanned);
    CU_ASSERT_STRING_EQUAL(ret_scanned->summary.format, "onnx");
}

static bool node_is(const char *op, const char *domain, enum scan_verdict verdict, const char *rule)
{
    struct message node = node_of(op, domain), graph = graph_with(GRAPH_NODE, &node);
    struct scanned scanned;

    scan_model_of(&graph, &scanned);
    return scanned_is(&scanned, verdict, rule);
}

static bool tensor_is(const struct message *tensor, enum scan_verdict verdict, const char *rule)
{
    struct message graph = graph_with(GRAPH_INITIALIZER, tensor);
    struct scanned scanned;

    scan_model_of(&graph, &scanned);
    return scanned_is(&scanned, verdict, rule);
}

static bool location_is(const char *location, enum scan_verdict verdict, const char *rule)
{
    struct message tensor = external_of(location, "0", "4");

    return tensor_is(&tensor, verdict, rule);
}

static void test_locations(void)
{
    static const char *const plain[] = {"model.onnx.data", "weights/w.bin", "a..b",   "...",
                                        "weights:2",       "./w.bin",       ".hidden"};
    static const char *const outside[] = {
        "../w.bin", "a/../../w.bin", "a/..",      "..",  "/etc/passwd",           "\\\\host\\share",    "..\\w.bin",
        "a\\w.bin", "C:w.bin",       "C:\\w.bin", "~/w", "https://example.org/w", "file:///etc/passwd", "s3://bucket/w",
    };

    for (size_t i = 0; i < HARNESS_COUNT(plain); i++)
        CU_ASSERT(location_is(plain[i], SCAN_ALLOWED, NULL));
    for (size_t i = 0; i < HARNESS_COUNT(outside); i++)
        CU_ASSERT(location_is(outside[i], SCAN_DANGEROUS, "onnx-external-path"));
    CU_ASSERT(location_is("*/_ORT_MEM_ADDR_/*", SCAN_DANGEROUS, "onnx-external-memory"));
}

static void test_ranges(void)
{
    static const char *const bad[] = {"-1", "99999999999999999999", "0x10", "1e9", "", "4 4"};
    struct message tensor;

    for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
        tensor = external_of("w.bin", bad[i], "4");
        CU_ASSERT(tensor_is(&tensor, SCAN_DANGEROUS, "onnx-external-range"));
        tensor = external_of("w.bin", "0", bad[i]);
        CU_ASSERT(tensor_is(&tensor, SCAN_DANGEROUS, "onnx-external-range"));
    }
    tensor = external_of("w.bin", "4096", "4");
    CU_ASSERT(tensor_is(&tensor, SCAN_ALLOWED, NULL));
    tensor = external_of("w.bin", NULL, NULL);
    CU_ASSERT(tensor_is(&tensor, SCAN_ALLOWED, NULL));
    tensor = external_of("w.bin", "0", "4000");
    CU_ASSERT(tensor_is(&tensor, SCAN_UNKNOWN, "onnx-external-size"));
}

/* The same tensor in every place where a model can have one. */
static void test_places(void)
{
    const struct message tensor = external_of("../w", "0", "4");
    struct message attribute = {0}, node = node_of("Constant", ""), graph, inner, model, part;
    struct scanned scanned;

    message_text(&attribute, ATTRIBUTE_NAME, "value");
    message_put(&attribute, ATTRIBUTE_T, &tensor);
    message_put(&node, NODE_ATTRIBUTE, &attribute);
    inner = graph = graph_with(GRAPH_NODE, &node);
    scan_model_of(&graph, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-external-path"));

    for (unsigned depth = 0; depth < 8; depth++) { /* If in If in If ... */
        memset(&attribute, 0, sizeof attribute);
        message_put(&attribute, ATTRIBUTE_G, &inner);
        node = node_of("If", "");
        message_put(&node, NODE_ATTRIBUTE, &attribute);
        inner = graph_with(GRAPH_NODE, &node);
    }
    scan_model_of(&inner, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-external-path"));

    memset(&attribute, 0, sizeof attribute);
    message_put(&attribute, ATTRIBUTE_TENSORS, &tensor);
    node = node_of("Custom", "");
    message_put(&node, NODE_ATTRIBUTE, &attribute);
    inner = graph_with(GRAPH_NODE, &node);
    scan_model_of(&inner, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-external-path"));

    for (uint32_t field = 1; field <= 2; field++) { /* the values and the indices of a sparse tensor */
        memset(&part, 0, sizeof part);
        message_put(&part, field, &tensor);
        inner = graph_with(GRAPH_SPARSE, &part);
        scan_model_of(&inner, &scanned);
        CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-external-path"));
    }

    inner = graph_with(GRAPH_INITIALIZER, &tensor);
    memset(&model, 0, sizeof model);
    memset(&part, 0, sizeof part);
    memset(&graph, 0, sizeof graph);
    node = node_of("Relu", "");
    message_put(&graph, GRAPH_NODE, &node);
    message_put(&model, MODEL_GRAPH, &graph);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_ALLOWED, NULL));
    message_put(&part, 2, &inner); /* TrainingInfoProto.algorithm */
    message_put(&model, MODEL_TRAINING, &part);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-external-path"));
}

static void test_operators(void)
{
    struct message model = {0}, function = {0}, node = node_of("Mine", "my.functions"), graph = {0};
    struct scanned scanned;

    CU_ASSERT(node_is("Gelu", "com.microsoft", SCAN_ALLOWED, NULL));
    CU_ASSERT(node_is("TreeEnsembleClassifier", "ai.onnx.ml", SCAN_ALLOWED, NULL));
    CU_ASSERT(node_is("PyOp", "ai.onnx.contrib", SCAN_DANGEROUS, "onnx-operator"));
    CU_ASSERT(node_is("PythonOp", "com.microsoft", SCAN_DANGEROUS, "onnx-operator"));
    CU_ASSERT(node_is("ShellExec", "vendor", SCAN_DANGEROUS, "onnx-operator"));
    CU_ASSERT(node_is("http_get", "vendor", SCAN_DANGEROUS, "onnx-operator"));
    CU_ASSERT(node_is("BertTokenizer", "ai.onnx.contrib", SCAN_UNKNOWN, "onnx-custom-domain"));
    CU_ASSERT(node_is("EPContext", "com.microsoft", SCAN_UNKNOWN, "onnx-engine"));

    /* A domain of the model's own functions is no library's. */
    message_put(&graph, GRAPH_NODE, &node);
    message_put(&model, MODEL_GRAPH, &graph);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNKNOWN, "onnx-custom-domain"));
    message_text(&function, 1, "Mine");
    message_text(&function, 10, "my.functions");
    message_put(&model, MODEL_FUNCTION, &function);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_ALLOWED, NULL));
    /* What stands in a function is looked at, too. */
    memset(&function, 0, sizeof function);
    node = node_of("PyOp", "my.functions");
    message_put(&function, 7, &node);
    message_put(&model, MODEL_FUNCTION, &function);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-operator"));
}

/* The operator of a node around others is judged by its own name. */
static void test_nodes_within(void)
{
    struct message inner_node = node_of("Relu", ""), inner = {0}, attribute = {0}, node = {0}, graph = {0};
    struct scanned scanned;

    message_put(&inner, GRAPH_NODE, &inner_node);
    message_put(&attribute, ATTRIBUTE_G, &inner);
    message_text(&node, NODE_OP, "PyOp");
    message_text(&node, NODE_DOMAIN, "ai.onnx.contrib");
    message_put(&node, NODE_ATTRIBUTE, &attribute);
    message_put(&graph, GRAPH_NODE, &node);
    scan_model_of(&graph, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-operator"));
}

static void test_tensors(void)
{
    static const uint8_t four[4] = {0};
    struct message tensor = {0};

    message_number(&tensor, TENSOR_DIMS, 1);
    message_number(&tensor, TENSOR_TYPE, TYPE_FLOAT);
    message_bytes(&tensor, TENSOR_RAW, four, sizeof four);
    CU_ASSERT(tensor_is(&tensor, SCAN_ALLOWED, NULL));
    message_number(&tensor, TENSOR_DIMS, 100000000);
    CU_ASSERT(tensor_is(&tensor, SCAN_UNKNOWN, "onnx-tensor-short"));
    for (unsigned i = 0; i < 4; i++)
        message_number(&tensor, TENSOR_DIMS, 100000000);
    CU_ASSERT(tensor_is(&tensor, SCAN_DANGEROUS, "onnx-tensor-bomb"));
    memset(&tensor, 0, sizeof tensor);
    message_number(&tensor, TENSOR_TYPE, TYPE_FLOAT);
    message_bytes(&tensor, TENSOR_DIMS, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10); /* packed: -1 */
    CU_ASSERT(tensor_is(&tensor, SCAN_DANGEROUS, "onnx-tensor-bomb"));
}

static void test_texts(void)
{
    struct message model = {0}, graph = {0}, node = node_of("Relu", ""), entry;
    struct scanned scanned;

    message_put(&graph, GRAPH_NODE, &node);
    message_put(&model, MODEL_GRAPH, &graph);
    message_text(&model, MODEL_DOC, "A classifier of irises, trained for 20 epochs. See the paper.");
    entry = entry_of("author", "A. N. Author");
    message_put(&model, MODEL_METADATA, &entry);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_ALLOWED, NULL));
    entry = entry_of("init", "__import__('os').system('id')");
    message_put(&model, MODEL_METADATA, &entry);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-code"));
}

static void test_damage(void)
{
    const struct message tensor = external_of("../w", "0", "4");
    struct message graph = graph_with(GRAPH_INITIALIZER, &tensor), node = node_of("Relu", ""), model = {0}, plain = {0};
    struct scanned scanned;

    /* What is in front of a broken tail is found, and the tail is a gap. */
    message_put(&plain, GRAPH_NODE, &node);
    message_put(&model, MODEL_GRAPH, &plain);
    message_add(&model, "\x3a\x7f\x0a", 3);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNSCANNED, NULL));
    memset(&model, 0, sizeof model);
    message_put(&model, MODEL_GRAPH, &graph);
    message_add(&model, "\x3a\x7f\x0a", 3);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-external-path"));
    /* A length that no protobuf may have. */
    memset(&model, 0, sizeof model);
    message_put(&model, MODEL_GRAPH, &plain);
    message_add(&model, "\x3a\xff\xff\xff\xff\x7f", 6);
    scanned_run(model.bytes, model.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "onnx-length"));
}

/* Graphs within each other, deeper than a loader goes: a gap, and not the end of our stack. */
static void test_depth(void)
{
    struct message graph = {0}, node = node_of("Relu", "");
    struct scanned scanned;

    message_put(&graph, GRAPH_NODE, &node);
    for (unsigned depth = 0; depth < 200; depth++) {
        struct message attribute = {0};

        message_put(&attribute, ATTRIBUTE_G, &graph);
        node = node_of("If", "");
        message_put(&node, NODE_ATTRIBUTE, &attribute);
        memset(&graph, 0, sizeof graph);
        message_put(&graph, GRAPH_NODE, &node);
    }
    scan_model_of(&graph, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNSCANNED, NULL));
    CU_ASSERT(scanned.summary.gaps[SCAN_GAP_DEPTH].places > 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"external data: locations", test_locations},
        {"external data: offsets and lengths", test_ranges},
        {"external data, wherever a tensor can be", test_places},
        {"operators of other domains", test_operators},
        {"operators of nodes around others", test_nodes_within},
        {"tensors that promise more than is there", test_tensors},
        {"texts that are code", test_texts},
        {"damaged models", test_damage},
        {"graphs within each other", test_depth},
    };

    return harness_run("scan-onnx", tests, HARNESS_COUNT(tests));
}
