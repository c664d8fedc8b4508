/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow's models in the binary format: SavedModel, MetaGraphDef (.meta), GraphDef (frozen graphs, and those that
 * stand in strings of others), and keras_metadata.pb.
 *
 * None of them has a magic number, and the same bytes can be several: whichever a loader could take them for is
 * visited.
 */
#include "guest/scan/formats.h"

#include "guest/scan/keras.h"
#include "guest/scan/tensorflow_graph.h"

#include <errno.h>
#include <string.h>

#define MATCH_FIELDS    4096u /* of one message, that are looked at to recognise it */
#define MATCH_DEPTH_MAX 4u
#define NESTED_MIN      8u /* bytes of the smallest graph with a node that does something */
#define TYPE_STRING     7u /* DataType.DT_STRING */

struct tensorflow {
    struct tensorflow_graph graph;
    uint64_t tensor_type;
    struct proto_field content; /* of the tensor under way; size 0 for none */
};

/* --- the visit ------------------------------------------------------------------------------------------ */

static int enter(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    struct tensorflow *model = visit->argument;

    (void)err;
    if (row != NULL && row->field == TENSORFLOW_IS_TENSOR) {
        model->tensor_type = 0;
        model->content.size = 0;
    }
    return tensorflow_graph_enter(&model->graph, row, field->offset);
}

static int leave(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    struct tensorflow *model = visit->argument;

    (void)field;
    return tensorflow_graph_leave(&model->graph, row, err);
}

static int take_text(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                     struct error *err)
{
    struct tensorflow *model = visit->argument;
    char bytes[TENSORFLOW_TEXT_MAX];
    const struct tensorflow_text text = {.bytes = bytes,
                                         .size = proto_visit_copy(visit, field, bytes, sizeof bytes),
                                         .whole = field->size,
                                         .offset = field->start};

    return tensorflow_graph_text(&model->graph, row, &text, err);
}

static int take_string(struct proto_visit *visit, const struct proto_field *field, struct error *err);

/*
 * The strings of a tensor in its content: all their lengths, then all their bytes (tensor.cc, EncodeStringList). How
 * many there are is where the lengths add up to what is left. -ENOENT where they never do.
 */
static int count_strings(struct proto_visit *visit, const struct proto_field *content, uint64_t *ret_count)
{
    struct proto lengths = proto_over(visit->object->source, content->start, content->size, NULL);
    uint64_t sum = 0, count = 0, length;

    while (proto_next_varint(&lengths, &length) > 0) {
        if (length > content->size - sum)
            return -ENOENT;
        sum += length;
        count++;
        if (sum == lengths.end - lengths.offset) {
            *ret_count = count;
            return 0;
        }
        if (sum > lengths.end - lengths.offset)
            return -ENOENT;
    }
    return -ENOENT;
}

static int take_content(struct proto_visit *visit, const struct proto_field *content, struct error *err)
{
    static const struct proto_row row = {.field = TENSORFLOW_TENSOR_STRING};
    struct proto lengths = proto_over(visit->object->source, content->start, content->size, NULL), strings = lengths;
    struct proto_field string = {.type = PROTO_BYTES};
    uint64_t count, length;
    int r = count_strings(visit, content, &count);

    if (r < 0) {
        proto_visit_pass(visit, content, SCAN_SKIP_WEIGHTS);
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) /* to the first string */
        if (proto_next_varint(&strings, &length) <= 0)
            return 0;
    for (uint64_t i = 0; i < count && r == 0; i++) {
        if (proto_next_varint(&lengths, &length) <= 0)
            return 0;
        string.offset = string.start = strings.offset;
        string.size = string.claimed = length;
        strings.offset += length;
        r = take_text(visit, &row, &string, err);
        if (r == 0)
            r = take_string(visit, &string, err);
    }
    return r;
}

/* The type may come before its tensor's content, or behind it. */
static int take_tensor(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                       struct error *err)
{
    struct tensorflow *model = visit->argument;
    struct proto_field content = model->content;

    if (row->field == TENSORFLOW_TENSOR_TYPE) {
        model->tensor_type = field->value;
        model->content.size = 0;
        return field->value == TYPE_STRING && content.size > 0 ? take_content(visit, &content, err) : 0;
    }
    if (model->tensor_type == TYPE_STRING)
        return take_content(visit, field, err);
    if (model->tensor_type == 0)
        model->content = *field;
    proto_visit_pass(visit, field, SCAN_SKIP_WEIGHTS);
    return 0;
}

static bool is_message(struct proto proto, uint8_t message, uint32_t depth);

/* A graph in a string is run by DatasetFromGraph and its like, and has nothing but its shape to tell it. */
static int take_string(struct proto_visit *visit, const struct proto_field *field, struct error *err)
{
    if (field->size >= NESTED_MIN &&
        is_message(proto_over(visit->object->source, field->start, field->size, NULL), TENSORFLOW_GRAPH, 0))
        return proto_visit_object(visit, field, "graph", err);
    return proto_visit_string(visit, field, "string", err);
}

static int take_keras(struct proto_visit *visit, const struct proto_field *field, struct error *err)
{
    CLEANUP_SOURCE struct source *config = source_of_range(visit->object->source, field->start, field->size);

    if (config == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    return keras_config_scan(visit->scan, visit->object, config, field->start, err);
}

static int value(struct proto_visit *visit, const struct proto_row *row, const struct proto_field *field,
                 struct error *err)
{
    int r;

    switch (row->field) {
    case TENSORFLOW_TENSOR_TYPE:
    case TENSORFLOW_TENSOR_CONTENT:
        return take_tensor(visit, row, field, err);
    case TENSORFLOW_NUMBERS:
        proto_visit_pass(visit, field, SCAN_SKIP_WEIGHTS);
        return 0;
    case TENSORFLOW_KERAS_CONFIG:
        return field->size > 0 ? take_keras(visit, field, err) : 0;
    case TENSORFLOW_ATTR_STRING:
    case TENSORFLOW_TENSOR_STRING:
        r = take_text(visit, row, field, err);
        return r < 0 ? r : take_string(visit, field, err);
    default:
        return take_text(visit, row, field, err);
    }
}

/* --- recognition ---------------------------------------------------------------------------------------- */

static bool is_operator(const struct proto *proto, const struct proto_field *field)
{
    char name[TENSORFLOW_NAME_MAX];
    size_t size;

    if (field->size == 0 || proto_copy(proto, field, name, sizeof name, &size) < 0)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

        if (!letter && (i == 0 || ((c < '0' || c > '9') && strchr(">./-", c) == NULL)))
            return false;
    }
    return true;
}

/* A NodeDef has a name and an operator, both strings, of which the latter is an identifier. */
static bool is_node(struct proto node)
{
    struct proto_field field;
    bool named = false, operates = false;

    for (uint32_t i = 0; i < MATCH_FIELDS && proto_next(&node, &field) > 0 && !(named && operates); i++) {
        if (field.type != PROTO_BYTES)
            continue;
        named = named || field.number == 1;
        operates = operates || (field.number == 2 && is_operator(&node, &field));
    }
    return named && operates;
}

/* A SavedObject of Keras' metadata: a path, an identifier, and a configuration, which is JSON. */
static bool is_keras_object(struct proto object)
{
    struct proto_field field;
    bool identified = false, configured = false;
    char first[1];
    size_t size;

    for (uint32_t i = 0; i < MATCH_FIELDS && proto_next(&object, &field) > 0 && !(identified && configured); i++) {
        if (field.type != PROTO_BYTES)
            continue;
        identified = identified || field.number == 4;
        configured = configured || (field.number == 5 && proto_copy(&object, &field, first, 1, &size) == 0 &&
                                    size == 1 && first[0] == '{');
    }
    return identified && configured;
}

/* The shapes by which a message is recognised: where in it the first part that tells it may stand. */
static const struct shape {
    uint8_t message, part;
    uint16_t number;
} shapes[] = {
    {TENSORFLOW_SAVED_MODEL, TENSORFLOW_META_GRAPH, 2},
    {TENSORFLOW_META_GRAPH, TENSORFLOW_GRAPH, 2},
    {TENSORFLOW_GRAPH, TENSORFLOW_NODE, 1},
    {TENSORFLOW_GRAPH, TENSORFLOW_LIBRARY, 2},
    {TENSORFLOW_LIBRARY, TENSORFLOW_FUNCTION, 1},
    {TENSORFLOW_FUNCTION, TENSORFLOW_NODE, 3},
    {TENSORFLOW_KERAS_METADATA, TENSORFLOW_KERAS_OBJECT, 1},
};

/* Recursion ends at MATCH_DEPTH_MAX, as the shapes lead from SavedModel to a node at most by way of a library. */
static bool is_message(struct proto proto, uint8_t message, uint32_t depth)
{
    struct proto_field field;

    if (message == TENSORFLOW_NODE)
        return is_node(proto);
    if (message == TENSORFLOW_KERAS_OBJECT)
        return is_keras_object(proto);
    for (uint32_t i = 0; i < MATCH_FIELDS && proto_next(&proto, &field) > 0; i++)
        for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++)
            if (shapes[k].message == message && shapes[k].number == field.number && field.type == PROTO_BYTES &&
                depth <= MATCH_DEPTH_MAX && is_message(proto_within(&proto, &field), shapes[k].part, depth + 1))
                return true;
    return false;
}

static const uint8_t roots[] = {TENSORFLOW_SAVED_MODEL, TENSORFLOW_META_GRAPH, TENSORFLOW_GRAPH,
                                TENSORFLOW_KERAS_METADATA};

static enum scan_match match_tensorflow(struct scan *scan, const struct scan_object *object)
{
    static const uint64_t first[] = {
        PROTO_TAG(1, PROTO_VARINT), PROTO_TAG(1, PROTO_BYTES), PROTO_TAG(2, PROTO_BYTES),
        PROTO_TAG(3, PROTO_VARINT), PROTO_TAG(3, PROTO_BYTES), PROTO_TAG(4, PROTO_BYTES),
        PROTO_TAG(5, PROTO_BYTES),  PROTO_TAG(6, PROTO_BYTES), PROTO_TAG(7, PROTO_BYTES),
    };

    (void)scan;
    if (!proto_begins_with(object->source, first, sizeof first / sizeof first[0]))
        return SCAN_MATCH_NO;
    for (size_t i = 0; i < sizeof roots; i++)
        if (is_message(proto_over(object->source, 0, UINT64_MAX, NULL), roots[i], 0))
            return SCAN_MATCH_YES;
    return SCAN_MATCH_NO;
}

static int visit_as(struct scan *scan, const struct scan_object *object, struct tensorflow *model, uint8_t root,
                    struct error *err)
{
    const struct proto_visitor visitor = {.rows = tensorflow_rows,
                                          .row_count = tensorflow_row_count,
                                          .length_rule = &tensorflow_rules[TENSORFLOW_RULE_LENGTH],
                                          .enter = enter,
                                          .leave = leave,
                                          .value = value};
    struct proto_visit visit = {.scan = scan, .object = object, .visitor = &visitor, .argument = model};

    memset(model, 0, sizeof *model);
    model->graph.scan = scan;
    model->graph.object = object;
    return proto_visit(&visit, 0, UINT64_MAX, root, err);
}

static int scan_tensorflow(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    CLEANUP_FREE struct tensorflow *model = NULL;
    int r = scan_reserve(scan, sizeof *model, NULL);

    (void)ret_recognised;
    if (r < 0) {
        scan_skipped_for(scan, object, r, 0, NULL);
        return 0;
    }
    model = malloc(sizeof *model);
    if (model == NULL)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "out of memory");
    for (size_t i = 0; i < sizeof roots && r == 0; i++)
        if (is_message(proto_over(object->source, 0, UINT64_MAX, NULL), roots[i], 0))
            r = visit_as(scan, object, model, roots[i], err);
    scan_release(scan, sizeof *model);
    return r;
}

const struct scan_format scan_format_tensorflow = {
    .name = "tensorflow",
    .rules = tensorflow_rules,
    .rule_count = TENSORFLOW_RULE_COUNT,
    .match = match_tensorflow,
    .scan = scan_tensorflow,
};
