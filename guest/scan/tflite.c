/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow Lite's models: FlatBuffers with the identifier "TFL3" (schema.fbs, version 3).
 *
 * A model computes with the operators that its runtime has built in. What goes beyond: custom operators, which are
 * native code that comes along; operators of TensorFlow itself ("Flex"), each with a NodeDef of its own, which is what
 * is run, whatever the operator is called; and references that lead out of the file, which the runtime follows
 * without looking where no verifier was built in.
 */
#include "guest/scan/formats.h"

#include "guest/scan/code_text.h"
#include "guest/scan/flatbuffer.h"
#include "guest/scan/flexbuffer.h"
#include "guest/scan/names.h"
#include "guest/scan/tensorflow_ops.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define IDENTIFIER_AT 4u
#define NAME_MAX_SIZE 128u
#define CUSTOM        32u /* BuiltinOperator_CUSTOM */
#define OPTIONS_MAX   SCAN_VIEW_MAX
#define STEPS_MORE    4096u /* tables and elements that any file may have, ... */
#define STEPS_BYTES   2u    /* ... and one more for each so many bytes of it */
#define STEP_BYTES    4u    /* bytes that are looked at for one step */

/* Fields by their place in schema.fbs. */
enum { MODEL_OPERATOR_CODES = 1, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS, MODEL_METADATA = 6 };
enum { CODE_DEPRECATED_BUILTIN, CODE_CUSTOM, CODE_BUILTIN = 3 };
enum { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS };
enum { OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_OPTIONS = 5 };
enum { TENSOR_BUFFER = 2 };
enum { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };
enum { METADATA_NAME, METADATA_BUFFER };

enum rule { RULE_BOUNDS, RULE_CUSTOM, RULE_REACHING, RULE_FLEX, RULE_FLEX_UNKNOWN, RULE_CODE, RULE_COUNT };

static const struct scan_rule rules[RULE_COUNT] = {
    [RULE_BOUNDS] = {"tflite-bounds", SCAN_HIGH,
                     "A runtime that does not verify reads or writes memory outside of the model."},
    [RULE_CUSTOM] = {"tflite-custom-operator", SCAN_MEDIUM,
                     "The operator is native code that has to come along with the model."},
    [RULE_REACHING] = {"tflite-reaching-operator", SCAN_HIGH,
                       "The custom operator is called after something that runs code or reaches files or a network."},
    [RULE_FLEX] = {"tflite-flex-operator", SCAN_HIGH,
                   "An operator of TensorFlow's that runs code or reaches files or a network."},
    [RULE_FLEX_UNKNOWN] = {"tflite-flex-unknown", SCAN_MEDIUM,
                           "An operator from TensorFlow's side that is none of TensorFlow's, or touches files."},
    [RULE_CODE] = {"tflite-code", SCAN_HIGH, "A text of the model is code, which a tool that evaluates it would run."},
};

struct tflite {
    struct scan *scan;
    const struct scan_object *object;
    struct flatbuffer buffer;
    struct error cause;
    uint64_t steps, steps_max; /* tables and elements looked at */
    uint64_t skipped;          /* bytes of weights */
    bool failed;               /* an error that is not the file's */
    struct flatbuffer_vector codes, buffers;
};

/* So many more tables or elements; -EFBIG where there are more than a file without overlaps can have. */
static int steps(struct tflite *model, uint64_t count)
{
    model->steps += count;
    return model->steps > model->steps_max ? -EFBIG : 0;
}

static int step(struct tflite *model)
{
    return steps(model, 1);
}

/* Element `index` of a vector of tables. */
static int table_of(struct tflite *model, const struct flatbuffer_vector *vector, uint32_t index,
                    struct flatbuffer_table *ret_table)
{
    int r = step(model);

    return r < 0 ? r : flatbuffer_table(&model->buffer, vector->at + 4 * (uint64_t)index, ret_table);
}

/* An error of ours, or of whom findings go to. */
static int ours(struct tflite *model, int r)
{
    model->failed = model->failed || r < 0;
    return r;
}

/* A reference that leads nowhere spoils what depends on it, and nothing else. */
static int spoils(const struct tflite *model, int r)
{
    return r == -EBADMSG && !model->failed ? 0 : r;
}

/* --- operators ------------------------------------------------------------------------------------------ */

/* Custom operators of TFLite's own tools and of MediaPipe, which only compute. */
static bool is_known_custom(const char *name, size_t size)
{
    static const char *const known[] = {
        "AudioSpectrogram",
        "Convolution2DTransposeBias",
        "Landmarks2TransformMatrix",
        "MaxPoolingWithArgmax2D",
        "MaxUnpooling2D",
        "Mfcc",
        "NumericVerify",
        "TFLite_Detection_PostProcess",
        "TransformLandmarks",
        "TransformTensor",
        "TransformTensorBilinear",
        "edgetpu-custom-op",
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i]) == size && memcmp(known[i], name, size) == 0)
            return true;
    return false;
}

static int find(struct tflite *model, enum rule rule, uint64_t offset, const char *name, size_t size, struct error *err)
{
    return ours(model, scan_find(model->scan, model->object, &rules[rule], offset, err, "%s", TEXT(name, size)));
}

static int judge_flex(struct tflite *model, uint64_t offset, const char *name, size_t size, struct error *err)
{
    switch (tensorflow_op_of(name, size)) {
    case TENSORFLOW_OP_REACHING:
    case TENSORFLOW_OP_PYTHON:
    case TENSORFLOW_OP_READS:
    case TENSORFLOW_OP_WRITES:
    case TENSORFLOW_OP_NETWORK:
        return find(model, RULE_FLEX, offset, name, size, err);
    case TENSORFLOW_OP_COMPUTES:
    case TENSORFLOW_OP_PATH:
    case TENSORFLOW_OP_TABLE:
        return 0;
    default:
        return find(model, RULE_FLEX_UNKNOWN, offset, name, size, err);
    }
}

static int judge_custom(struct tflite *model, uint64_t offset, const char *name, size_t size, struct error *err)
{
    static const char flex[] = "Flex";

    if (size > sizeof flex - 1 && memcmp(name, flex, sizeof flex - 1) == 0)
        return judge_flex(model, offset, name + sizeof flex - 1, size - (sizeof flex - 1), err);
    if (is_known_custom(name, size))
        return 0;
    return find(model, names_operator_reaches(name, size) != NULL ? RULE_REACHING : RULE_CUSTOM, offset, name, size,
                err);
}

/* The name of a custom operator; size 0 for one that is built in. */
static int read_code(struct tflite *model, uint32_t index, char *ret_name, size_t *ret_size, uint64_t *ret_at)
{
    struct flatbuffer_table code;
    struct flatbuffer_vector name;
    uint64_t builtin, deprecated;
    int r = table_of(model, &model->codes, index, &code);

    if (r == 0)
        r = flatbuffer_number(&model->buffer, &code, CODE_BUILTIN, 4, 0, &builtin);
    if (r == 0)
        r = flatbuffer_number(&model->buffer, &code, CODE_DEPRECATED_BUILTIN, 1, 0, &deprecated);
    if (r == 0)
        r = flatbuffer_vector(&model->buffer, &code, CODE_CUSTOM, 1, &name);
    if (r < 0)
        return r;
    if (builtin != CUSTOM && deprecated != CUSTOM) {
        *ret_size = 0;
        return 0;
    }
    *ret_size = name.count < NAME_MAX_SIZE ? name.count : NAME_MAX_SIZE;
    *ret_at = name.at;
    return source_copy(model->buffer.source, name.at, ret_name, *ret_size, model->buffer.err);
}

static int scan_codes(struct tflite *model, struct error *err)
{
    char name[NAME_MAX_SIZE];
    uint64_t at = 0;
    size_t size;
    int r = 0;

    for (uint32_t i = 0; i < model->codes.count && r == 0; i++) {
        r = spoils(model, read_code(model, i, name, &size, &at));
        if (r == 0 && size > 0 && !model->buffer.broken)
            r = judge_custom(model, at, name, size, err);
    }
    return r;
}

/* The NodeDef in a Flex operator's options is what is run: looked at as a graph of one node. */
static int scan_node(struct tflite *model, const uint8_t *node, size_t size, struct error *err)
{
    CLEANUP_FREE uint8_t *graph = malloc(size + 4);
    CLEANUP_SOURCE struct source *source = NULL;
    struct scan_object object = {.name = "NodeDef", .role = SCAN_ROLE_GUESS, .parent = model->object};

    if (graph == NULL)
        return ours(model, error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory"));
    graph[0] = 1 << 3 | 2; /* GraphDef.node, and a length of three bytes */
    graph[1] = (uint8_t)((size & 0x7f) | 0x80);
    graph[2] = (uint8_t)((size >> 7 & 0x7f) | 0x80);
    graph[3] = (uint8_t)(size >> 14);
    memcpy(graph + 4, node, size);
    source = source_of_memory(graph, size + 4);
    if (source == NULL)
        return ours(model, error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory"));
    object.source = source;
    return ours(model, scan_object(model->scan, &object, err));
}

static int scan_options(struct tflite *model, const struct flatbuffer_vector *options, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = NULL;
    const uint8_t *node;
    size_t size;
    int r;

    if (options->count == 0)
        return 0;
    if (options->count > OPTIONS_MAX) {
        scan_skipped(model->scan, model->object, SCAN_GAP_UNSUPPORTED, options->at, options->count, "%s",
                     "options of an operator of TensorFlow's");
        return 0;
    }
    r = steps(model, options->count / STEP_BYTES);
    if (r == 0)
        r = scan_reserve(model->scan, 2 * OPTIONS_MAX, NULL);
    if (r < 0)
        return r;
    bytes = malloc(options->count);
    if (bytes == NULL)
        r = ours(model, error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory"));
    else if (source_copy(model->buffer.source, options->at, bytes, options->count, NULL) == 0 &&
             flexbuffer_string(bytes, options->count, 1, &node, &size) == 0)
        r = scan_node(model, node, size, err);
    scan_release(model->scan, 2 * OPTIONS_MAX);
    return r;
}

/* --- subgraphs ------------------------------------------------------------------------------------------ */

/* Indices of tensors, of which -1 stands for none. */
static int check_indices(struct tflite *model, const struct flatbuffer_table *table, uint32_t field, uint32_t count)
{
    struct flatbuffer_vector indices;
    uint64_t index;
    int r = flatbuffer_vector(&model->buffer, table, field, 4, &indices);

    for (uint32_t i = 0; r == 0 && i < indices.count; i++) {
        r = step(model);
        if (r == 0)
            r = flatbuffer_at(&model->buffer, indices.at + 4 * (uint64_t)i, 4, &index);
        if (r == 0 && index >= count && index != UINT32_MAX)
            r = flatbuffer_break(&model->buffer, indices.at + 4 * (uint64_t)i, true);
    }
    return r;
}

static int scan_operator(struct tflite *model, const struct flatbuffer_table *operator, uint32_t tensors,
                         struct error *err)
{
    struct flatbuffer_vector options;
    char name[NAME_MAX_SIZE];
    uint64_t code, at;
    size_t size;
    int r = flatbuffer_number(&model->buffer, operator, OPERATOR_CODE, 4, 0, &code);

    if (r == 0)
        r = spoils(model, check_indices(model, operator, OPERATOR_INPUTS, tensors));
    if (r == 0)
        r = spoils(model, check_indices(model, operator, OPERATOR_OUTPUTS, tensors));
    if (r == 0 && code >= model->codes.count)
        r = flatbuffer_break(&model->buffer, operator->at, true);
    if (r == 0)
        r = flatbuffer_vector(&model->buffer, operator, OPERATOR_OPTIONS, 1, &options);
    if (r < 0 || options.count == 0)
        return r;
    r = read_code(model, (uint32_t)code, name, &size, &at);
    return r == 0 && size > 4 && memcmp(name, "Flex", 4) == 0 ? scan_options(model, &options, err) : r;
}

static int scan_subgraph(struct tflite *model, const struct flatbuffer_table *subgraph, struct error *err)
{
    struct flatbuffer_vector tensors, operators;
    struct flatbuffer_table table;
    uint64_t buffer;
    int r = flatbuffer_vector(&model->buffer, subgraph, SUBGRAPH_TENSORS, 4, &tensors);

    if (r == 0)
        r = flatbuffer_vector(&model->buffer, subgraph, SUBGRAPH_OPERATORS, 4, &operators);
    if (r == 0)
        r = spoils(model, check_indices(model, subgraph, SUBGRAPH_INPUTS, tensors.count));
    if (r == 0)
        r = spoils(model, check_indices(model, subgraph, SUBGRAPH_OUTPUTS, tensors.count));
    for (uint32_t i = 0; r == 0 && i < tensors.count; i++) {
        r = table_of(model, &tensors, i, &table);
        if (r == 0)
            r = flatbuffer_number(&model->buffer, &table, TENSOR_BUFFER, 4, 0, &buffer);
        if (r == 0 && buffer >= model->buffers.count && buffer != 0)
            r = flatbuffer_break(&model->buffer, table.at, true);
        r = spoils(model, r);
    }
    for (uint32_t i = 0; r == 0 && i < operators.count; i++) {
        r = table_of(model, &operators, i, &table);
        r = spoils(model, r == 0 ? scan_operator(model, &table, tensors.count, err) : r);
    }
    return r;
}

/* --- buffers and texts ---------------------------------------------------------------------------------- */

/* Where a buffer's bytes are: in it, or behind the FlatBuffer in files of more than 2 GiB. */
static int read_buffer(struct tflite *model, uint32_t index, uint64_t *ret_at, uint64_t *ret_size)
{
    struct flatbuffer_table table;
    struct flatbuffer_vector data;
    uint64_t offset, size;
    int r = table_of(model, &model->buffers, index, &table);

    if (r == 0)
        r = flatbuffer_vector(&model->buffer, &table, BUFFER_DATA, 1, &data);
    if (r == 0)
        r = flatbuffer_number(&model->buffer, &table, BUFFER_OFFSET, 8, 0, &offset);
    if (r == 0)
        r = flatbuffer_number(&model->buffer, &table, BUFFER_SIZE, 8, 0, &size);
    if (r < 0)
        return r;
    if (offset > 1) { /* 0 and 1 say that there is none */
        if (offset > model->buffer.size || size > model->buffer.size - offset)
            return flatbuffer_break(&model->buffer, table.at, offset + size < offset);
        *ret_at = offset;
        *ret_size = size;
        return 0;
    }
    *ret_at = data.at;
    *ret_size = data.count;
    return 0;
}

static int scan_buffers(struct tflite *model)
{
    int r = 0;

    for (uint32_t i = 0; i < model->buffers.count && r == 0; i++) {
        uint64_t at = 0, size = 0;

        r = spoils(model, read_buffer(model, i, &at, &size));
        if (r == 0 && size > 0) {
            scan_skipped(model->scan, model->object, SCAN_SKIP_WEIGHTS, at, size, "%s", "");
            model->skipped += size;
        }
    }
    return r;
}

static int judge_text(struct tflite *model, uint64_t at, uint64_t size, const char *name, struct error *err)
{
    enum code_text judged;
    uint64_t offset = at;
    const char *what = "";
    int r = steps(model, size / STEP_BYTES);

    if (r == 0)
        r = code_text_judge_source(model->buffer.source, at, size, &judged, &offset, &what, model->buffer.err);
    if (r < 0 || judged != CODE_TEXT_EXECUTES)
        return r;
    return ours(model, scan_find(model->scan, model->object, &rules[RULE_CODE], offset, err, "%s: %s", name, what));
}

static int scan_metadata(struct tflite *model, const struct flatbuffer_vector *all, struct error *err)
{
    int r = 0;

    for (uint32_t i = 0; i < all->count && r == 0; i++) {
        struct flatbuffer_table metadata;
        uint64_t buffer = 0, at = 0, size = 0;

        r = table_of(model, all, i, &metadata);
        if (r == 0)
            r = flatbuffer_number(&model->buffer, &metadata, METADATA_BUFFER, 4, 0, &buffer);
        if (r == 0 && buffer >= model->buffers.count)
            r = flatbuffer_break(&model->buffer, metadata.at, true);
        if (r == 0)
            r = read_buffer(model, (uint32_t)buffer, &at, &size);
        if (r == 0)
            r = judge_text(model, at, size, "metadata", err);
        r = spoils(model, r);
    }
    return r;
}

/* --- the format ----------------------------------------------------------------------------------------- */

static int scan_model(struct tflite *model, struct error *err)
{
    struct flatbuffer_table root, subgraph;
    struct flatbuffer_vector subgraphs, metadata, description;
    int r = flatbuffer_table(&model->buffer, 0, &root);

    if (r < 0) { /* the root is written last, and in front: no file that was cut short lacks it */
        model->buffer.impossible = model->buffer.impossible || r == -EBADMSG;
        return r;
    }
    r = flatbuffer_vector(&model->buffer, &root, MODEL_BUFFERS, 4, &model->buffers);
    if (r == 0)
        r = scan_buffers(model);
    r = spoils(model, r);
    if (r == 0)
        r = flatbuffer_vector(&model->buffer, &root, MODEL_OPERATOR_CODES, 4, &model->codes);
    if (r == 0)
        r = scan_codes(model, err);
    if (r == 0)
        r = flatbuffer_vector(&model->buffer, &root, MODEL_SUBGRAPHS, 4, &subgraphs);
    for (uint32_t i = 0; r == 0 && i < subgraphs.count; i++) {
        r = table_of(model, &subgraphs, i, &subgraph);
        r = spoils(model, r == 0 ? scan_subgraph(model, &subgraph, err) : r);
    }
    r = spoils(model, r);
    if (r == 0)
        r = flatbuffer_vector(&model->buffer, &root, MODEL_DESCRIPTION, 1, &description);
    if (r == 0)
        r = judge_text(model, description.at, description.count, "description", err);
    if (r == 0)
        r = flatbuffer_vector(&model->buffer, &root, MODEL_METADATA, 4, &metadata);
    return r == 0 ? scan_metadata(model, &metadata, err) : r;
}

static enum scan_match match_tflite(struct scan *scan, const struct scan_object *object)
{
    (void)scan;
    return source_has(object->source, IDENTIFIER_AT, "TFL3", 4) ? SCAN_MATCH_YES : SCAN_MATCH_NO;
}

/* What is left is about the file. */
static int end(struct tflite *model, int r, struct error *err)
{
    scan_looked(model->scan, model->buffer.size > model->skipped ? model->buffer.size - model->skipped : 0);
    if (r == -EFBIG)
        scan_skipped(model->scan, model->object, SCAN_GAP_BUDGET, 0, 0, "%s",
                     "tables refer to each other more often than any model's");
    else if (r < 0 && r != -EBADMSG)
        scan_skipped_for(model->scan, model->object, r, 0, &model->cause);
    if (!model->buffer.broken)
        return 0;
    if (!model->buffer.impossible) {
        scan_skipped_for(model->scan, model->object, -EBADMSG, model->buffer.broken_at, NULL);
        return 0;
    }
    return scan_find(model->scan, model->object, &rules[RULE_BOUNDS], model->buffer.broken_at, err, "%s",
                     "a reference leads out of the file, or to an element that is not there");
}

static int scan_tflite(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct tflite model = {.scan = scan, .object = object, .buffer = {.source = object->source}};
    int r = source_size(object->source, &model.buffer.size, &model.cause);

    (void)ret_recognised;
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, &model.cause);
        return 0;
    }
    model.buffer.err = &model.cause;
    model.steps_max = STEPS_MORE + model.buffer.size / STEPS_BYTES;
    r = scan_model(&model, err);
    if (model.failed)
        return r;
    return end(&model, r, err);
}

const struct scan_format scan_format_tflite = {
    .name = "tflite",
    .rules = rules,
    .rule_count = RULE_COUNT,
    .match = match_tflite,
    .scan = scan_tflite,
    .also = "zip", /* TFLite's metadata: associated files are a zip behind the model */
};
