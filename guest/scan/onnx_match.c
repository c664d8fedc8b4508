/* SPDX-License-Identifier: Apache-2.0 */
/* Recognition of ONNX models, which have no magic number: a graph with a node or a typed input, where a model has it.
 */
#include "guest/scan/onnx_schema.h"

#define NAME_MAX_SIZE   128u
#define MATCH_FIELDS    4096u /* of one message, that are looked at */
#define MATCH_GRAPH_MAX 64u

static bool is_name(const struct proto *proto, const struct proto_field *field)
{
    uint8_t name[NAME_MAX_SIZE];
    size_t size;

    if (field->size == 0 || proto_copy(proto, field, name, sizeof name, &size) < 0)
        return false;
    for (size_t i = 0; i < size; i++)
        if (name[i] <= ' ' || name[i] == 0x7f)
            return false;
    return true;
}

/* A NodeProto has an op_type; a ValueInfoProto has a name and a type. */
static bool is_part(const struct proto *graph, const struct proto_field *part)
{
    struct proto within = proto_within(graph, part);
    struct proto_field field;
    bool named = false, typed = false;

    if (part->type != PROTO_BYTES || (part->number != 1 && part->number != 11 && part->number != 12))
        return false;
    for (uint32_t i = 0; i < MATCH_GRAPH_MAX && proto_next(&within, &field) > 0; i++) {
        if (field.type != PROTO_BYTES)
            continue;
        if (part->number == 1 && field.number == 4)
            return is_name(&within, &field);
        named = named || (field.number == 1 && is_name(&within, &field));
        typed = typed || field.number == 2;
    }
    return part->number != 1 && named && typed;
}

static bool is_graph(const struct proto *model, const struct proto_field *graph)
{
    struct proto within = proto_within(model, graph);
    struct proto_field field;

    for (uint32_t i = 0; i < MATCH_FIELDS && proto_next(&within, &field) > 0; i++)
        if (is_part(&within, &field))
            return true;
    return false;
}

enum scan_match onnx_match(struct scan *scan, const struct scan_object *object)
{
    static const uint64_t first[] = {
        PROTO_TAG(1, PROTO_VARINT), PROTO_TAG(2, PROTO_BYTES),  PROTO_TAG(3, PROTO_BYTES),  PROTO_TAG(4, PROTO_BYTES),
        PROTO_TAG(5, PROTO_VARINT), PROTO_TAG(6, PROTO_BYTES),  PROTO_TAG(7, PROTO_BYTES),  PROTO_TAG(8, PROTO_BYTES),
        PROTO_TAG(14, PROTO_BYTES), PROTO_TAG(20, PROTO_BYTES), PROTO_TAG(25, PROTO_BYTES), PROTO_TAG(26, PROTO_BYTES),
    };
    struct proto model;
    struct proto_field field;

    (void)scan;
    if (!proto_begins_with(object->source, first, sizeof first / sizeof first[0]))
        return SCAN_MATCH_NO;
    model = proto_over(object->source, 0, UINT64_MAX, NULL);
    for (uint32_t i = 0; i < MATCH_FIELDS && proto_next(&model, &field) > 0; i++)
        if (field.number == 7 && field.type == PROTO_BYTES && is_graph(&model, &field))
            return SCAN_MATCH_YES;
    return SCAN_MATCH_NO;
}
