/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow's models in the binary format: what they hold, wherever it can stand, and the savers that all have. */
#include "unit/harness.h"

#include "unit/guest/scan/message.h"
#include "unit/guest/scan/scanned.h"

/* Fields by name. */
enum { SAVED_MODEL_VERSION = 1, SAVED_MODEL_META = 2 };
enum { META_INFO = 1, META_GRAPH = 2, META_ASSET = 6, META_OBJECTS = 7 };
enum { GRAPH_NODE = 1, GRAPH_LIBRARY = 2 };
enum { FUNCTION_SIGNATURE = 1, FUNCTION_NODE = 3 };
enum { NODE_NAME = 1, NODE_OP = 2, NODE_INPUT = 3, NODE_ATTR = 5 };
enum { ATTR_LIST = 1, ATTR_S = 2, ATTR_TENSOR = 8 };
enum { TENSOR_TYPE = 1, TENSOR_CONTENT = 4, TENSOR_STRING = 8, TENSOR_VARIANT = 15 };
enum { TYPE_FLOAT = 1, TYPE_STRING = 7 };

static struct message node_of(const char *name, const char *op, const char *input, const char *second)
{
    struct message node = {0};

    message_text(&node, NODE_NAME, name);
    message_text(&node, NODE_OP, op);
    if (input != NULL)
        message_text(&node, NODE_INPUT, input);
    if (second != NULL)
        message_text(&node, NODE_INPUT, second);
    return node;
}

static void add_node(struct message *graph, uint32_t field, const char *name, const char *op, const char *input,
                     const char *second)
{
    struct message node = node_of(name, op, input, second);

    message_put(graph, field, &node);
}

static void add_attribute(struct message *node, const char *key, uint32_t kind, const void *bytes, size_t size)
{
    struct message entry = {0}, value = {0};

    message_bytes(&value, kind, bytes, size);
    message_text(&entry, 1, key);
    message_put(&entry, 2, &value);
    message_put(node, NODE_ATTR, &entry);
}

/* A constant of one string. */
static struct message constant_of(const char *name, const void *bytes, size_t size)
{
    struct message node = node_of(name, "Const", NULL, NULL), tensor = {0};

    message_number(&tensor, TENSOR_TYPE, TYPE_STRING);
    message_bytes(&tensor, TENSOR_STRING, bytes, size);
    add_attribute(&node, "value", ATTR_TENSOR, tensor.bytes, tensor.size);
    return node;
}

static void add_constant(struct message *graph, uint32_t field, const char *name, const char *text)
{
    struct message node = constant_of(name, text, strlen(text));

    message_put(graph, field, &node);
}

static struct message model_of(const struct message *graph)
{
    struct message meta = {0}, model = {0};

    message_put(&meta, META_GRAPH, graph);
    message_number(&model, SAVED_MODEL_VERSION, 1);
    message_put(&model, SAVED_MODEL_META, &meta);
    return model;
}

static bool message_is(const struct message *message, enum scan_verdict verdict, const char *rule)
{
    struct scanned scanned;

    scanned_run(message->bytes, message->size, &scanned);
    CU_ASSERT_STRING_EQUAL(scanned.summary.format, "tensorflow");
    return scanned_is(&scanned, verdict, rule);
}

static bool graph_is(const struct message *graph, enum scan_verdict verdict, const char *rule)
{
    struct message model = model_of(graph);

    return message_is(&model, verdict, rule);
}

static struct message library_with(const char *name, const struct message *nodes)
{
    struct message signature = {0}, function = {0}, library = {0};

    message_text(&signature, 1, name);
    message_put(&function, FUNCTION_SIGNATURE, &signature);
    message_add(&function, nodes->bytes, nodes->size);
    message_put(&library, 1, &function);
    return library;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void test_operators(void)
{
    static const struct {
        const char *op;
        enum scan_verdict verdict;
        const char *rule;
    } cases[] = {
        {"MatMul", SCAN_ALLOWED, NULL},
        {"PrintV2", SCAN_ALLOWED, NULL},
        {"WriteFile", SCAN_DANGEROUS, "tensorflow-file"},
        {"ReadFile", SCAN_DANGEROUS, "tensorflow-file"},
        {"TextLineDataset", SCAN_DANGEROUS, "tensorflow-file"},
        {"EagerPyFunc", SCAN_DANGEROUS, "tensorflow-python"},
        {"RpcClient", SCAN_DANGEROUS, "tensorflow-network"},
        {"ExecCommand", SCAN_DANGEROUS, "tensorflow-reaching-operator"},
        {"MyCustomOp", SCAN_UNKNOWN, "tensorflow-unknown-operator"},
        {"TRTEngineOp", SCAN_UNKNOWN, "tensorflow-opaque-operator"},
        {"DebugIdentityV2", SCAN_UNKNOWN, "tensorflow-debug"},
        {"DatasetFromGraph", SCAN_UNKNOWN, "tensorflow-nested-graph"},
        {"LookupTableImportV2", SCAN_UNKNOWN, "tensorflow-table"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct message graph = {0}, nodes = {0}, library, meta = {0};

        add_node(&graph, GRAPH_NODE, "n", cases[i].op, NULL, NULL);
        CU_ASSERT(graph_is(&graph, cases[i].verdict, cases[i].rule));
        CU_ASSERT(message_is(&graph, cases[i].verdict, cases[i].rule)); /* a frozen graph */
        message_put(&meta, META_GRAPH, &graph);
        CU_ASSERT(message_is(&meta, cases[i].verdict, cases[i].rule)); /* a .meta */
        /* In a function that nothing calls. */
        memset(&graph, 0, sizeof graph);
        add_node(&graph, GRAPH_NODE, "n", "NoOp", NULL, NULL);
        add_node(&nodes, FUNCTION_NODE, "n", cases[i].op, NULL, NULL);
        library = library_with("f", &nodes);
        message_put(&graph, GRAPH_LIBRARY, &library);
        CU_ASSERT(graph_is(&graph, cases[i].verdict, cases[i].rule));
    }
}

/* Fields may stand in any order; the operator behind the attributes is the same operator. */
static void test_order(void)
{
    struct message node = {0}, graph = {0};

    add_attribute(&node, "output_stream", ATTR_S, "file:///tmp/x", 13);
    message_text(&node, NODE_OP, "PrintV2");
    message_text(&node, NODE_NAME, "p");
    message_put(&graph, GRAPH_NODE, &node);
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-url"));
}

static void test_attributes(void)
{
    static const struct {
        const char *op, *key, *value;
        bool bad;
    } cases[] = {
        {"PrintV2", "output_stream", "stderr", false},
        {"PrintV2", "output_stream", "file:///etc/x", true},
        {"DebugIdentityV2", "debug_urls", "grpc://host:1", true},
        {"CopyHost", "debug_ops_spec", "DebugIdentity;file:///tmp/t;1", true},
        {"StaticRegexFullMatch", "pattern", "^s3://.*", false},
        {"StaticRegexReplace", "pattern", "http://x", false},
        {"DecodeProtoV2", "descriptor_source", "local://", false},
        {"DecodeProtoV2", "descriptor_source", "file:///etc/passwd", true},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct message node = node_of("n", cases[i].op, NULL, NULL), graph = {0};

        add_attribute(&node, cases[i].key, ATTR_S, cases[i].value, strlen(cases[i].value));
        message_put(&graph, GRAPH_NODE, &node);
        CU_ASSERT(
            graph_is(&graph, cases[i].bad ? SCAN_DANGEROUS : SCAN_ALLOWED, cases[i].bad ? "tensorflow-url" : NULL));
    }
}

/* As tf.train.Saver writes it, with the path's constant given. */
static struct message saver_of(const char *path, bool reversed)
{
    struct message graph = {0};

    if (!reversed)
        add_constant(&graph, GRAPH_NODE, "save/filename/input", path);
    add_node(&graph, GRAPH_NODE, "save/SaveV2", "SaveV2", "save/ShardedFilename", "save/SaveV2/names");
    add_node(&graph, GRAPH_NODE, "save/RestoreV2", "RestoreV2", "save/Const", "save/RestoreV2/names");
    add_node(&graph, GRAPH_NODE, "save/Merge", "MergeV2Checkpoints", "save/Prefixes", "save/Const");
    add_node(&graph, GRAPH_NODE, "save/ShardedFilename", "ShardedFilename", "save/StringJoin:0", "^save/num");
    add_node(&graph, GRAPH_NODE, "save/StringJoin", "StringJoin", "save/Const", "save/part");
    add_node(&graph, GRAPH_NODE, "save/Const", "PlaceholderWithDefault", "save/filename/input", NULL);
    if (reversed)
        add_constant(&graph, GRAPH_NODE, "save/filename/input", path);
    return graph;
}

static void test_savers(void)
{
    struct message graph = saver_of("model", false), nodes = {0}, library;

    CU_ASSERT(graph_is(&graph, SCAN_ALLOWED, NULL));
    graph = saver_of("/etc/cron.d/x", false);
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-save"));
    graph = saver_of("../../x", true);
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-save"));

    /* As tf.saved_model.save writes it: the path is a function's argument. */
    memset(&graph, 0, sizeof graph);
    add_node(&graph, GRAPH_NODE, "call", "StatefulPartitionedCall", NULL, NULL);
    add_constant(&nodes, FUNCTION_NODE, "Const", "_temp/part");
    add_node(&nodes, FUNCTION_NODE, "StringJoin", "StringJoin", "file_prefix", "Const:output:0");
    add_node(&nodes, FUNCTION_NODE, "ShardedFilename", "ShardedFilename", "StringJoin:output:0", NULL);
    add_node(&nodes, FUNCTION_NODE, "SaveV2", "SaveV2", "ShardedFilename:filename:0", NULL);
    add_node(&nodes, FUNCTION_NODE, "RestoreV2", "RestoreV2", "file_prefix", NULL);
    library = library_with("__inference__traced_save_7", &nodes);
    message_put(&graph, GRAPH_LIBRARY, &library);
    CU_ASSERT(graph_is(&graph, SCAN_ALLOWED, NULL));

    /* One that saves only, one that restores only, one that merges only. */
    memset(&graph, 0, sizeof graph);
    add_node(&graph, GRAPH_NODE, "s", "SaveV2", "a", "b");
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-save"));
    memset(&graph, 0, sizeof graph);
    add_node(&graph, GRAPH_NODE, "s", "RestoreV2", "a", "b");
    CU_ASSERT(graph_is(&graph, SCAN_UNKNOWN, "tensorflow-restore"));
    memset(&graph, 0, sizeof graph);
    add_node(&graph, GRAPH_NODE, "s", "MergeV2Checkpoints", "a", "b");
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-save"));
}

static void test_assets(void)
{
    struct message graph = {0}, meta = {0}, model = {0}, asset = {0}, info = {0};

    add_constant(&graph, GRAPH_NODE, "path", "vocab.txt");
    add_node(&graph, GRAPH_NODE, "init", "InitializeTableFromTextFileV2", "table", "path");
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-file"));
    message_put(&meta, META_GRAPH, &graph);
    message_text(&asset, 2, "vocab.txt");
    message_put(&meta, META_ASSET, &asset);
    message_put(&model, SAVED_MODEL_META, &meta);
    CU_ASSERT(message_is(&model, SCAN_ALLOWED, NULL));

    memset(&asset, 0, sizeof asset);
    message_text(&asset, 2, "../../../etc/passwd");
    message_put(&meta, META_ASSET, &asset);
    memset(&model, 0, sizeof model);
    message_put(&model, SAVED_MODEL_META, &meta);
    CU_ASSERT(message_is(&model, SCAN_DANGEROUS, "tensorflow-asset"));

    /* An asset is no excuse for another file. */
    memset(&graph, 0, sizeof graph);
    memset(&meta, 0, sizeof meta);
    memset(&model, 0, sizeof model);
    memset(&asset, 0, sizeof asset);
    add_constant(&graph, GRAPH_NODE, "path", "/etc/passwd");
    add_node(&graph, GRAPH_NODE, "init", "InitializeTableFromTextFileV2", "table", "path");
    message_put(&meta, META_GRAPH, &graph);
    message_text(&asset, 2, "vocab.txt");
    message_put(&meta, META_ASSET, &asset);
    message_put(&model, SAVED_MODEL_META, &meta);
    CU_ASSERT(message_is(&model, SCAN_DANGEROUS, "tensorflow-file"));

    /* Unless it takes the place of that constant: so TensorFlow 1 writes it. */
    message_text(&info, 1, "path:0");
    message_put(&asset, 1, &info);
    message_put(&meta, META_ASSET, &asset);
    memset(&model, 0, sizeof model);
    message_put(&model, SAVED_MODEL_META, &meta);
    CU_ASSERT(message_is(&model, SCAN_ALLOWED, NULL));
}

static void test_nested(void)
{
    struct message inner = {0}, graph = {0}, node, tensor = {0}, list = {0};
    uint8_t content[256];

    add_node(&inner, GRAPH_NODE, "w", "WriteFile", NULL, NULL);
    for (unsigned depth = 0; depth < 3; depth++) { /* a graph in a graph in a graph */
        node = constant_of("g", inner.bytes, inner.size);
        memset(&graph, 0, sizeof graph);
        message_put(&graph, GRAPH_NODE, &node);
        CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-file"));
        inner = graph;
    }

    memset(&inner, 0, sizeof inner);
    add_node(&inner, GRAPH_NODE, "w", "WriteFile", NULL, NULL);
    node = node_of("d", "Const", NULL, NULL); /* in an attribute, and in a list of one */
    add_attribute(&node, "graph", ATTR_S, inner.bytes, inner.size);
    memset(&graph, 0, sizeof graph);
    message_put(&graph, GRAPH_NODE, &node);
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-file"));
    message_bytes(&list, 2, inner.bytes, inner.size);
    node = node_of("d", "Const", NULL, NULL);
    add_attribute(&node, "graphs", ATTR_LIST, list.bytes, list.size);
    memset(&graph, 0, sizeof graph);
    message_put(&graph, GRAPH_NODE, &node);
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-file"));

    /* In the content of a tensor of two strings: their lengths, then their bytes; the type in front or behind. */
    content[0] = 1;
    content[1] = (uint8_t)inner.size;
    content[2] = 'x';
    memcpy(content + 3, inner.bytes, inner.size);
    for (unsigned behind = 0; behind < 2; behind++) {
        memset(&tensor, 0, sizeof tensor);
        if (behind == 0)
            message_number(&tensor, TENSOR_TYPE, TYPE_STRING);
        message_bytes(&tensor, TENSOR_CONTENT, content, 3 + inner.size);
        if (behind == 1)
            message_number(&tensor, TENSOR_TYPE, TYPE_STRING);
        node = node_of("d", "Const", NULL, NULL);
        add_attribute(&node, "value", ATTR_TENSOR, tensor.bytes, tensor.size);
        memset(&graph, 0, sizeof graph);
        message_put(&graph, GRAPH_NODE, &node);
        CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-file"));
    }
}

static void test_functions(void)
{
    struct message graph = {0}, nodes = {0}, library;

    /* An operator that is a function of the model's own is none that is missing, whatever its name. */
    add_node(&nodes, FUNCTION_NODE, "n", "Relu", NULL, NULL);
    library = library_with("my_file_function", &nodes);
    add_node(&graph, GRAPH_NODE, "call", "my_file_function", NULL, NULL);
    CU_ASSERT(graph_is(&graph, SCAN_DANGEROUS, "tensorflow-reaching-operator"));
    message_put(&graph, GRAPH_LIBRARY, &library);
    CU_ASSERT(graph_is(&graph, SCAN_ALLOWED, NULL));
    /* One that takes the place of an operator is told. */
    memset(&graph, 0, sizeof graph);
    library = library_with("MatMul", &nodes);
    add_node(&graph, GRAPH_NODE, "n", "MatMul", NULL, NULL);
    message_put(&graph, GRAPH_LIBRARY, &library);
    CU_ASSERT(graph_is(&graph, SCAN_UNKNOWN, "tensorflow-override"));
}

static void test_damage(void)
{
    struct message graph = {0}, model;
    struct scanned scanned;

    add_node(&graph, GRAPH_NODE, "n", "Relu", NULL, NULL);
    model = model_of(&graph);
    message_add(&model, "\x12\x7f\x0a", 3);
    CU_ASSERT(message_is(&model, SCAN_UNSCANNED, NULL));
    add_node(&graph, GRAPH_NODE, "n", "PyFunc", NULL, NULL);
    model = model_of(&graph);
    message_add(&model, "\x12\x7f\x0a", 3);
    CU_ASSERT(message_is(&model, SCAN_DANGEROUS, "tensorflow-python"));
    /* Each byte cut from the end: never an error, and never allowed once something is missing. */
    for (size_t size = 0; size < model.size; size++) {
        scanned_run(model.bytes, size, &scanned);
        if (strcmp(scanned.summary.format, "tensorflow") == 0 && size > 2 && scanned.rules[0] == '\0')
            CU_ASSERT(scanned.summary.verdict != SCAN_ALLOWED);
    }
}

static void test_keras_metadata(void)
{
    static const char config[] =
        "{\"class_name\": \"Lambda\", \"config\": {\"name\": \"l\", \"function\": {\"class_name\": "
        "\"__lambda__\", \"config\": {\"code\": \"4wEAAAAA\"}}}}";
    struct message object = {0}, metadata = {0}, model = {0}, meta = {0}, graph = {0}, objects = {0}, saved = {0};

    message_text(&object, 3, "root.l");
    message_text(&object, 4, "_tf_keras_layer");
    message_text(&object, 5, config);
    message_put(&metadata, 1, &object);
    CU_ASSERT(message_is(&metadata, SCAN_DANGEROUS, "keras-bytecode"));

    /* Before TensorFlow 2.5 it stood in the model itself: SavedObject.user_object.metadata. */
    memset(&object, 0, sizeof object);
    message_text(&object, 1, "_tf_keras_layer");
    message_text(&object, 3, config);
    message_put(&saved, 4, &object);
    message_put(&objects, 1, &saved);
    add_node(&graph, GRAPH_NODE, "n", "NoOp", NULL, NULL);
    message_put(&meta, META_GRAPH, &graph);
    message_put(&meta, META_OBJECTS, &objects);
    message_put(&model, SAVED_MODEL_META, &meta);
    CU_ASSERT(message_is(&model, SCAN_DANGEROUS, "keras-bytecode"));
}

/* What stands beside the graph in a SavedModel's folder. */
static void test_folder(void)
{
    static const uint8_t magic[8] = {0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb};
    struct message fingerprint = {0}, index = {0};
    struct scanned scanned;

    for (uint32_t field = 1; field <= 5; field++)
        message_number(&fingerprint, field, UINT64_C(0x9e3779b97f4a7c15) * field);
    message_bytes(&fingerprint, 6, "\x08\x01", 2);
    scanned_run(fingerprint.bytes, fingerprint.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_ALLOWED, NULL));
    CU_ASSERT_STRING_EQUAL(scanned.summary.format, "tensorflow-bundle");
    message_text(&fingerprint, 7, "more"); /* then it is something else */
    scanned_run(fingerprint.bytes, fingerprint.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNSCANNED, NULL));

    message_add(&index, "\x00\x00\x06\x08\x01\x1a\x02\x08\x01", 9);
    index.size = 90;
    message_add(&index, magic, sizeof magic);
    scanned_run(index.bytes, index.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_ALLOWED, NULL));
    index.bytes[index.size - 1]++;
    scanned_run(index.bytes, index.size, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_UNSCANNED, NULL));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"operators, in each place", test_operators},
        {"fields in another order", test_order},
        {"attributes that are URLs", test_attributes},
        {"savers, and what looks like one", test_savers},
        {"assets and tables", test_assets},
        {"graphs in strings", test_nested},
        {"functions", test_functions},
        {"damaged models", test_damage},
        {"Keras' metadata", test_keras_metadata},
        {"a SavedModel's folder", test_folder},
    };

    return harness_run("scan-tensorflow", tests, HARNESS_COUNT(tests));
}
