/* SPDX-License-Identifier: Apache-2.0 */
/* Keras's configurations: what is dangerous at any depth and in any spelling, and what an ordinary model has. */
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

/* Bytecode as Keras writes it: marshal's code object, in base64; it does nothing (lambda x: x). */
#define CODE "4wEAAAAAAAAAAAAAAAEAAAABAAAAUwAAAHMEAAAAfABTAKkBTqkAqQHaAXhyAQAAAPoGY29uZmln2gg8bGFtYmRhPg=="

#define SEQUENTIAL(layers) "{\"module\":\"keras\",\"class_name\":\"Sequential\",\"config\":{\"layers\":[" layers "]}}"
#define LAYER(module, name, config)                                                                                    \
    "{\"module\":\"" module "\",\"class_name\":\"" name "\",\"config\":{" config "},\"registered_name\":null}"
#define LAMBDA_OF(function) "{\"class_name\":\"Lambda\",\"config\":{\"name\":\"l\",\"function\":" function "}}"
#define BYTECODE_2          "[\"" CODE "\",null,null]"
#define BYTECODE_3          "{\"class_name\":\"__lambda__\",\"config\":{\"code\":\"" CODE "\"}}"
#define NAMED(module, name)                                                                                            \
    "{\"module\":\"" module "\",\"class_name\":\"function\",\"config\":\"" name "\",\"registered_name\":\"function\"}"
#define TENSOR                                                                                                         \
    "{\"class_name\":\"__keras_tensor__\",\"config\":{\"shape\":[null,4],\"dtype\":\"float32\",\"keras_history\":["    \
    "\"in\",0,0]}}"

struct example {
    const char *json;
    enum scan_verdict verdict;
    const char *rule;
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct scanned scanned;

        scanned_run(examples[i].json, strlen(examples[i].json), &scanned);
        if (!scanned_is(&scanned, examples[i].verdict, examples[i].rule)) {
            fprintf(stderr, "of %s\n", examples[i].json);
            CU_FAIL("another verdict");
        }
        CU_ASSERT(strstr(scanned.summary.format, "keras") != NULL);
    }
}

static void lambdas_are_found(void)
{
    static const struct example examples[] = {
        {SEQUENTIAL(LAMBDA_OF(BYTECODE_2)), SCAN_DANGEROUS, "keras-bytecode"},
        {SEQUENTIAL(LAMBDA_OF(BYTECODE_3)), SCAN_DANGEROUS, "keras-bytecode"},
        {SEQUENTIAL(SEQUENTIAL(SEQUENTIAL(LAMBDA_OF(BYTECODE_3)))), SCAN_DANGEROUS, "keras-bytecode"},
        {SEQUENTIAL(LAYER("keras.layers", "TimeDistributed", "\"layer\":" LAMBDA_OF(BYTECODE_2))), SCAN_DANGEROUS,
         "keras-bytecode"},
        {SEQUENTIAL(LAYER("keras.layers", "Dense", "\"kernel_regularizer\":" BYTECODE_3)), SCAN_DANGEROUS,
         "keras-bytecode"},
        {SEQUENTIAL(LAYER("keras.layers", "Lambda", "\"output_shape\":[\"" CODE "\",null],\"function\":\"f\"")),
         SCAN_DANGEROUS, "keras-bytecode"},
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[]},\"compile_config\":{\"loss\":" BYTECODE_3 "}}",
         SCAN_DANGEROUS, "keras-bytecode"},
        {"[" SEQUENTIAL(LAMBDA_OF(BYTECODE_2)) "]", SCAN_DANGEROUS, "keras-bytecode"},
        /* The members in another order, and the name in escapes. */
        {"{\"config\":{\"layers\":[{\"config\":{\"function\":" BYTECODE_2 "},\"class_name\":\"\\u004cam\\u0062da\"}]},"
         "\"class_name\":\"Sequential\"}",
         SCAN_DANGEROUS, "keras-bytecode"},
        {SEQUENTIAL(LAMBDA_OF("{\"class_name\":\"__tuple__\",\"items\":" BYTECODE_2 "}")), SCAN_DANGEROUS,
         "keras-bytecode"},
        {SEQUENTIAL(LAMBDA_OF("\"lambda x: x + 1\"")), SCAN_DANGEROUS, "keras-lambda"},
        {SEQUENTIAL("{\"class_name\":\"Lambda\",\"config\":{}}"), SCAN_DANGEROUS, "keras-lambda"},
        {SEQUENTIAL("{\"class_name\":\"Lambda\",\"config\":{\"function_type\":\"lambda\",\"function\":\"abc\"}}"),
         SCAN_DANGEROUS, "keras-lambda"},
        {SEQUENTIAL(LAMBDA_OF("\"my_function\"")), SCAN_UNKNOWN, "keras-lambda-named"},
        {SEQUENTIAL(LAMBDA_OF("\"__import__('os').system('id')\"")), SCAN_DANGEROUS, "keras-code"},
    };

    check(examples, HARNESS_COUNT(examples));
}

static void imports_are_found(void)
{
    static const struct example examples[] = {
        {SEQUENTIAL(LAYER("os", "system", "")), SCAN_DANGEROUS, "keras-module"},
        {SEQUENTIAL(NAMED("builtins", "eval")), SCAN_DANGEROUS, "keras-module"},
        {SEQUENTIAL(NAMED("subprocess", "run")), SCAN_DANGEROUS, "keras-module"},
        {SEQUENTIAL("{\"module\":\"keras.layers\",\"class_name\":\"function\",\"config\":\"relu\","
                    "\"registered_name\":\"load_model\"}"),
         SCAN_DANGEROUS, "keras-call"},
        {SEQUENTIAL(NAMED("pip", "main")), SCAN_DANGEROUS, "keras-module"},
        {SEQUENTIAL(NAMED("torch.hub", "load")), SCAN_DANGEROUS, "keras-module"},
        {SEQUENTIAL(NAMED("keras.utils", "get_file")), SCAN_DANGEROUS, "keras-call"},
        {SEQUENTIAL(LAMBDA_OF(NAMED("keras.src.utils.file_utils", "extract_open_archive"))), SCAN_DANGEROUS,
         "keras-call"},
        {SEQUENTIAL(NAMED("keras.config", "enable_unsafe_deserialization")), SCAN_DANGEROUS, "keras-call"},
        {SEQUENTIAL(NAMED("tensorflow.keras.models", "load_model")), SCAN_DANGEROUS, "keras-call"},
        {SEQUENTIAL(NAMED("tensorflow.io", "read_file")), SCAN_DANGEROUS, "keras-call"},
        {SEQUENTIAL("{\"class_name\":\"__typespec__\",\"spec_name\":\"system\",\"module\":\"os\",\"config\":[]}"),
         SCAN_DANGEROUS, "keras-module"},
        {SEQUENTIAL(LAYER("keras.layers", "TFSMLayer", "\"filepath\":\"m\"")), SCAN_DANGEROUS, "keras-loads"},
        {SEQUENTIAL(LAYER("keras.layers", "TorchModuleWrapper", "\"module\":\"\"")), SCAN_DANGEROUS, "keras-loads"},
        {SEQUENTIAL(LAYER("keras.layers", "StringLookup", "\"vocabulary\":\"/etc/passwd\"")), SCAN_DANGEROUS,
         "keras-vocabulary"},
        {SEQUENTIAL(LAYER("keras.layers", "TextVectorization", "\"vocabulary\":\"http:x\"")), SCAN_DANGEROUS,
         "keras-vocabulary"},
        {SEQUENTIAL(LAYER("keras.layers", "IntegerLookup", "\"vocabulary\":\"vocabulary.txt\"")), SCAN_UNKNOWN,
         "keras-vocabulary-name"},
        {SEQUENTIAL("{\"class_name\":\"TFOpLambda\",\"config\":{\"function\":\"io.write_file\"}}"), SCAN_DANGEROUS,
         "keras-operator"},
        {SEQUENTIAL("{\"class_name\":\"TFOpLambda\",\"config\":{\"function\":\"tf.compat.v1.py_func\"}}"),
         SCAN_DANGEROUS, "keras-operator"},
        {SEQUENTIAL("{\"class_name\":\"TFOpLambda\",\"config\":{\"function\":\"numpy_function\"}}"), SCAN_DANGEROUS,
         "keras-operator"},
        {SEQUENTIAL("{\"class_name\":\"TensorFlowOpLayer\",\"config\":{\"node_def\":\"{\\\"op\\\": "
                    "\\\"PyFunc\\\"}\"}}"),
         SCAN_DANGEROUS, "keras-operator"},
    };

    check(examples, HARNESS_COUNT(examples));
}

static void hiding_is_found(void)
{
    static const struct example examples[] = {
        {SEQUENTIAL("{\"class_name\":\"Lambda\",\"config\":{\"function\":" BYTECODE_2 "},\"class_name\":\"Dense\"}"),
         SCAN_DANGEROUS, "keras-duplicate-key"},
        {SEQUENTIAL("{\"class_name\":\"Lambda\",\"config\":{\"function\":" BYTECODE_2 "},\"class_name\":\"Dense\"}"),
         SCAN_DANGEROUS, "keras-bytecode"},
        {SEQUENTIAL("{\"config\":{\"function\":" BYTECODE_2 "},\"config\":{\"units\":1},\"class_name\":\"Dense\"}"),
         SCAN_DANGEROUS, "keras-duplicate-key"},
        /* Damaged behind the finding, and within it. */
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[" LAMBDA_OF(BYTECODE_2) ",", SCAN_DANGEROUS,
         "keras-bytecode"},
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"Lambda\",\"config\":{\"function\":["
         "\"" CODE "\"",
         SCAN_DANGEROUS, "keras-bytecode"},
        {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[", SCAN_UNSCANNED, NULL},
    };

    check(examples, HARNESS_COUNT(examples));
}

static void unknown_is_unknown(void)
{
    static const struct example examples[] = {
        {SEQUENTIAL(LAYER("my_package.layers", "MyLayer", "")), SCAN_UNKNOWN, "keras-unknown"},
        {SEQUENTIAL("{\"class_name\":\"Package>MyLayer\",\"config\":{}}"), SCAN_UNKNOWN, "keras-unknown"},
        {SEQUENTIAL(NAMED("builtins", "my_loss")), SCAN_UNKNOWN, "keras-unknown"},
        {SEQUENTIAL("{\"class_name\":\"TFOpLambda\",\"config\":{\"function\":\"unheard.of\"}}"), SCAN_UNKNOWN,
         "keras-unknown"},
    };

    check(examples, HARNESS_COUNT(examples));
}

static void ordinary_models_are_allowed(void)
{
    static const struct example examples[] = {
        {SEQUENTIAL(LAYER("keras.layers", "InputLayer", "\"batch_shape\":[null,4]") "," LAYER(
             "keras.layers", "Dense",
             "\"activation\":\"relu\",\"dtype\":" LAYER(
                 "keras", "DTypePolicy",
                 "\"name\":\"float32\"") ","
                                         "\"kernel_initializer\":" LAYER(
                                             "keras.initializers", "GlorotUniform",
                                             "\"seed\":null")) "," LAYER("keras.layers", "Bidirectional",
                                                                         "\"layer\":" LAYER("keras.layers", "LSTM",
                                                                                            "\"units\":4"))),
         SCAN_ALLOWED, NULL},
        {"{\"module\":\"keras.src.models.functional\",\"class_name\":\"Functional\",\"config\":{\"layers\":[" LAYER(
             "keras.src.ops.numpy", "Add",
             "") "],\"inbound_nodes\":[{\"args\":[" TENSOR
                 "],\"kwargs\":{}}]},\"registered_name\":\"Functional\",\"build_config\":{\"input_shape\":null},"
                 "\"compile_config\":{\"optimizer\":" LAYER(
                     "keras.optimizers", "Adam",
                     "\"learning_rate\":0.001") ",\"loss\":" NAMED("builtins", "mean_squared_error") ",\"metrics\":["
                                                                                                     "\"accuracy\"]}}",
         SCAN_ALLOWED, NULL},
        {"{\"class_name\":\"Model\",\"config\":{\"layers\":[{\"class_name\":\"Conv2D\",\"config\":{\"filters\":3}},"
         "{\"class_name\":\"TFOpLambda\",\"config\":{\"function\":\"math.multiply\"}},"
         "{\"class_name\":\"TFOpLambda\",\"config\":{\"function\":\"compat.v1.io.decode_png\"}},"
         "{\"class_name\":\"SlicingOpLambda\",\"config\":{\"function\":\"__operators__.getitem\"}},"
         "{\"class_name\":\"Custom>Adam\",\"config\":{}}]},\"keras_version\":\"2.9.0\",\"backend\":\"tensorflow\"}",
         SCAN_ALLOWED, NULL},
        {SEQUENTIAL(LAYER("keras.layers", "StringLookup", "\"vocabulary\":[\"a\",\"b\"]")), SCAN_ALLOWED, NULL},
        {SEQUENTIAL("{\"class_name\":\"__typespec__\",\"spec_name\":\"TensorSpec\",\"module\":"
                    "\"tensorflow.python.framework.tensor_spec\",\"config\":[]}"),
         SCAN_ALLOWED, NULL},
    };

    check(examples, HARNESS_COUNT(examples));
}

static void other_json_is_left_alone(void)
{
    static const char plain[] = "{\"model_type\":\"bert\",\"layers\":[{\"class_name\":\"Anything\",\"config\":{}}]}";
    static const char hidden[] = "{\"x\":[{\"class_name\":\"Lambda\",\"config\":{\"function\":" BYTECODE_2 "}}]}";
    struct scanned scanned;

    scanned_run(plain, sizeof plain - 1, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_ALLOWED, NULL));
    scanned_run(hidden, sizeof hidden - 1, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "keras-bytecode"));
}

static void encodings_are_read(void)
{
    static const char text[] = SEQUENTIAL(LAMBDA_OF(BYTECODE_2));
    uint8_t wide[2 * sizeof text] = {0xff, 0xfe}, widest[4 * sizeof text];
    struct scanned scanned;

    memset(widest, 0, sizeof widest);
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        wide[2 + 2 * i] = (uint8_t)text[i];
        widest[4 * i + 3] = (uint8_t)text[i];
    }
    scanned_run(wide, 2 * sizeof text, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "keras-bytecode"));
    scanned_run(widest, 4 * (sizeof text - 1), &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "keras-bytecode"));
}

static void findings_tell_the_place(void)
{
    static const char text[] = SEQUENTIAL(LAYER("keras.layers", "Dense", "") "," LAMBDA_OF("\"lambda x: x + 1\""));
    struct scanned scanned;

    scanned_run(text, sizeof text - 1, &scanned);
    CU_ASSERT(scanned_is(&scanned, SCAN_DANGEROUS, "keras-lambda"));
    CU_ASSERT_EQUAL(scanned.last_offset, (uint64_t)(strstr(text, "\"Lambda\"") - text));
    CU_ASSERT_PTR_NOT_NULL(strstr(scanned.last, "config.layers[1]"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"Lambda layers and bytecode are found wherever they are", lambdas_are_found},
        {"imports, calls and paths are found", imports_are_found},
        {"what hides or breaks off is found", hiding_is_found},
        {"somebody's own classes are unknown", unknown_is_unknown},
        {"ordinary models are allowed", ordinary_models_are_allowed},
        {"other JSON is left alone", other_json_is_left_alone},
        {"UTF-16 and UTF-32 are read", encodings_are_read},
        {"findings tell the place", findings_tell_the_place},
    };

    return harness_run("keras", tests, HARNESS_COUNT(tests));
}
