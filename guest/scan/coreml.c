/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CoreML's models (.mlmodel; model.mlmodel inside a .mlpackage): messages of Model.proto, NeuralNetwork.proto,
 * MIL.proto and LinkedModel.proto of coremltools 7.
 *
 * A model computes with what the system has built in, apart from custom layers and models, which name a class of the
 * app that loads it, and from files beside it that it names.
 */
#include "guest/scan/formats.h"

#include "guest/scan/names.h"
#include "guest/scan/proto_visit.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX         256u
#define MATCH_FIELDS     64u
#define VERSION_MAX      1000u /* of the specification: 9 in 2024 */
#define FIRST_MODEL_TYPE 200u  /* Model.Type's fields have numbers from here on ... */
#define LAST_MODEL_TYPE  3000u

enum message {
    MODEL = 1,
    DESCRIPTION,
    METADATA,
    METADATA_ENTRY, /* of a map<string, string> */
    PIPELINE_KIND,  /* PipelineClassifier, PipelineRegressor */
    PIPELINE,
    NETWORK,
    LAYER,
    CUSTOM_LAYER,
    CUSTOM_MODEL,
    LINKED_MODEL,
    LINKED_FILE,
    STRING_PARAMETER,
    PARAMETER_ENTRY, /* of a map<string, CustomLayerParamValue> */
    PARAMETER,
    PROGRAM,
    FUNCTION_ENTRY, /* of maps to the message that their name says */
    FUNCTION,
    BLOCK_ENTRY,
    BLOCK,
    OPERATION,
    VALUE_ENTRY,
    VALUE,
    ARGUMENT_ENTRY,
    ARGUMENT,
    BINDING,
    FILE_VALUE,
};

enum field { NOTHING, CUSTOM_LAYER_CLASS, CUSTOM_MODEL_CLASS, FILE_NAME, FILE_FOLDER, WORDS, STRING, OPERATOR };

/* The three kinds of neural network have the same fields where it matters; so have Pipeline's wrappers. */
static const struct proto_row rows[] = {
    {MODEL, 2, PROTO_BYTES, DESCRIPTION, 0, NULL},
    {MODEL, 200, PROTO_BYTES, PIPELINE_KIND, 0, NULL},
    {MODEL, 201, PROTO_BYTES, PIPELINE_KIND, 0, NULL},
    {MODEL, 202, PROTO_BYTES, PIPELINE, 0, NULL},
    {MODEL, 303, PROTO_BYTES, NETWORK, 0, NULL},
    {MODEL, 403, PROTO_BYTES, NETWORK, 0, NULL},
    {MODEL, 500, PROTO_BYTES, NETWORK, 0, NULL},
    {MODEL, 502, PROTO_BYTES, PROGRAM, 0, NULL},
    {MODEL, 555, PROTO_BYTES, CUSTOM_MODEL, 0, NULL},
    {MODEL, 556, PROTO_BYTES, LINKED_MODEL, 0, NULL},
    {MODEL, 3000, PROTO_BYTES, 0, STRING, NULL},
    {DESCRIPTION, 100, PROTO_BYTES, METADATA, 0, NULL},
    {METADATA, 1, PROTO_BYTES, 0, WORDS, "description"},
    {METADATA, 2, PROTO_BYTES, 0, WORDS, "version"},
    {METADATA, 3, PROTO_BYTES, 0, WORDS, "author"},
    {METADATA, 4, PROTO_BYTES, 0, WORDS, "license"},
    {METADATA, 100, PROTO_BYTES, METADATA_ENTRY, 0, NULL},
    {METADATA_ENTRY, 2, PROTO_BYTES, 0, WORDS, "metadata"},
    {PIPELINE_KIND, 1, PROTO_BYTES, PIPELINE, 0, NULL},
    {PIPELINE, 1, PROTO_BYTES, MODEL, 0, NULL},
    {NETWORK, 1, PROTO_BYTES, LAYER, 0, NULL},
    {LAYER, 500, PROTO_BYTES, CUSTOM_LAYER, 0, NULL},
    {CUSTOM_LAYER, 10, PROTO_BYTES, 0, CUSTOM_LAYER_CLASS, NULL},
    {CUSTOM_LAYER, 30, PROTO_BYTES, PARAMETER_ENTRY, 0, NULL},
    {CUSTOM_LAYER, 40, PROTO_BYTES, 0, WORDS, "description"},
    {CUSTOM_MODEL, 10, PROTO_BYTES, 0, CUSTOM_MODEL_CLASS, NULL},
    {CUSTOM_MODEL, 30, PROTO_BYTES, PARAMETER_ENTRY, 0, NULL},
    {CUSTOM_MODEL, 40, PROTO_BYTES, 0, WORDS, "description"},
    {LINKED_MODEL, 1, PROTO_BYTES, LINKED_FILE, 0, NULL},
    {LINKED_FILE, 1, PROTO_BYTES, STRING_PARAMETER, FILE_NAME, NULL},
    {LINKED_FILE, 2, PROTO_BYTES, STRING_PARAMETER, FILE_FOLDER, NULL},
    {STRING_PARAMETER, 1, PROTO_BYTES, 0, FILE_NAME, NULL},
    {PARAMETER_ENTRY, 2, PROTO_BYTES, PARAMETER, 0, NULL},
    {PARAMETER, 20, PROTO_BYTES, 0, STRING, NULL},
    {PARAMETER, 60, PROTO_BYTES, 0, STRING, NULL},
    {PROGRAM, 2, PROTO_BYTES, FUNCTION_ENTRY, 0, NULL},
    {FUNCTION_ENTRY, 2, PROTO_BYTES, FUNCTION, 0, NULL},
    {FUNCTION, 3, PROTO_BYTES, BLOCK_ENTRY, 0, NULL},
    {BLOCK_ENTRY, 2, PROTO_BYTES, BLOCK, 0, NULL},
    {BLOCK, 3, PROTO_BYTES, OPERATION, 0, NULL},
    {OPERATION, 1, PROTO_BYTES, 0, OPERATOR, NULL},
    {OPERATION, 2, PROTO_BYTES, ARGUMENT_ENTRY, 0, NULL},
    {OPERATION, 4, PROTO_BYTES, BLOCK, 0, NULL},
    {OPERATION, 5, PROTO_BYTES, VALUE_ENTRY, 0, NULL},
    {VALUE_ENTRY, 2, PROTO_BYTES, VALUE, 0, NULL},
    {VALUE, 5, PROTO_BYTES, FILE_VALUE, 0, NULL},
    {ARGUMENT_ENTRY, 2, PROTO_BYTES, ARGUMENT, 0, NULL},
    {ARGUMENT, 1, PROTO_BYTES, BINDING, 0, NULL},
    {BINDING, 2, PROTO_BYTES, VALUE, 0, NULL},
    {FILE_VALUE, 1, PROTO_BYTES, 0, FILE_NAME, NULL},
};

enum rule { RULE_LENGTH, RULE_CUSTOM_LAYER, RULE_CUSTOM_MODEL, RULE_PATH, RULE_LINKED, RULE_CODE, RULE_COUNT };

static const struct scan_rule rules[RULE_COUNT] = {
    [RULE_LENGTH] = {"coreml-length", SCAN_HIGH,
                     "A field says to be larger than any model can be; a loader that believes it runs out of memory."},
    [RULE_CUSTOM_LAYER] = {"coreml-custom-layer", SCAN_MEDIUM,
                           "Running the model makes an object of a class of the app's, and calls it."},
    [RULE_CUSTOM_MODEL] = {"coreml-custom-model", SCAN_MEDIUM,
                           "Loading the model makes an object of a class of the app's, and calls it."},
    [RULE_PATH] = {"coreml-path", SCAN_HIGH, "Loading the model reads a file outside of its package."},
    [RULE_LINKED] = {"coreml-linked-model", SCAN_MEDIUM, "The model is another file's, which is looked for by name."},
    [RULE_CODE] = {"coreml-code", SCAN_HIGH, "A text of the model is code, which a tool that evaluates it would run."},
};

/* --- the visit ------------------------------------------------------------------------------------------ */

static int find(struct proto_visit *visit, enum rule rule, const struct proto_field *field, struct error *err)
{
    char text[TEXT_MAX];
    size_t size = proto_visit_copy(visit, field, text, sizeof text);
    const char *word = names_operator_reaches(text, size);

    return scan_find(visit->scan, visit->object, &rules[rule], field->offset, err, "'%s'%s%s", TEXT(text, size),
                     word != NULL ? ", with the word " : "", word != NULL ? word : "");
}

/* "@model_path/weights/weight.bin" is what an ordinary package has: relative to it. */
static int judge_path(struct proto_visit *visit, const struct proto_field *field, struct error *err)
{
    static const char own[] = "@model_path/";
    char text[TEXT_MAX];
    size_t size = proto_visit_copy(visit, field, text, sizeof text), from = 0;
    const char *leaves;

    if (size >= sizeof own - 1 && memcmp(text, own, sizeof own - 1) == 0)
        from = sizeof own - 1;
    leaves = names_path_leaves(text + from, size - from);
    if (leaves == NULL)
        return 0;
    return scan_find(visit->scan, visit->object, &rules[RULE_PATH], field->offset, err, "%s: '%s'", leaves,
                     TEXT(text, size));
}

static int enter(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    if (row == NULL || row->message != LINKED_MODEL)
        return 0;
    return scan_find(visit->scan, visit->object, &rules[RULE_LINKED], field->offset, err, "%s", "a linked model");
}

static int value(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    switch (row->field) {
    case CUSTOM_LAYER_CLASS:
        return find(visit, RULE_CUSTOM_LAYER, field, err);
    case CUSTOM_MODEL_CLASS:
        return find(visit, RULE_CUSTOM_MODEL, field, err);
    case FILE_NAME:
    case FILE_FOLDER:
        return judge_path(visit, field, err);
    case WORDS:
        return proto_visit_text(visit, field, row->name, &rules[RULE_CODE], NULL, err);
    case STRING:
        return proto_visit_string(visit, field, "parameter", err);
    case OPERATOR: {
        char text[TEXT_MAX];
        size_t size = proto_visit_copy(visit, field, text, sizeof text);

        return size == 12 && memcmp(text, "custom_layer", 12) == 0 ? find(visit, RULE_CUSTOM_LAYER, field, err) : 0;
    }
    default:
        return 0;
    }
}

static int scan_coreml(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    static const struct proto_visitor visitor = {.rows = rows,
                                                 .row_count = sizeof rows / sizeof rows[0],
                                                 .length_rule = &rules[RULE_LENGTH],
                                                 .enter = enter,
                                                 .value = value};
    struct proto_visit visit = {.scan = scan, .object = object, .visitor = &visitor};

    (void)ret_recognised;
    return proto_visit(&visit, 0, UINT64_MAX, MODEL, err);
}

/* --- recognition ---------------------------------------------------------------------------------------- */

/* A small version, a description, and one message with a number that only types of models have. */
static enum scan_match match_coreml(struct scan *scan, const struct scan_object *object)
{
    static const uint64_t first[] = {PROTO_TAG(1, PROTO_VARINT), PROTO_TAG(2, PROTO_BYTES)};
    struct proto model;
    struct proto_field field;
    bool version = false, type = false;

    (void)scan;
    if (!proto_begins_with(object->source, first, sizeof first / sizeof first[0]))
        return SCAN_MATCH_NO;
    model = proto_over(object->source, 0, UINT64_MAX, NULL);
    for (uint32_t i = 0; i < MATCH_FIELDS && !(version && type) && proto_next(&model, &field) > 0; i++) {
        version = version ||
                  (field.number == 1 && field.type == PROTO_VARINT && field.value > 0 && field.value <= VERSION_MAX);
        type =
            type || (field.number >= FIRST_MODEL_TYPE && field.number <= LAST_MODEL_TYPE && field.type == PROTO_BYTES);
    }
    return version && type ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

const struct scan_format scan_format_coreml = {
    .name = "coreml",
    .rules = rules,
    .rule_count = RULE_COUNT,
    .match = match_coreml,
    .scan = scan_coreml,
};
