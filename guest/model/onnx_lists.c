/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes with long lists: found first, read afterwards. */
#include "guest/model/onnx_lists.h"

#include "guest/model/onnx_decode.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- the first pass ------------------------------------------------------------------------------ */

static bool count_ints(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    uint64_t *count = *arg, bits;

    (void)field;
    for (; stream->bytes_left > 0; ++*count)
        if (!pb_decode_varint(stream, &bits))
            return false;
    return true;
}

static bool count_floats(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    uint64_t *count = *arg;
    float value;

    (void)field;
    for (; stream->bytes_left > 0; ++*count)
        if (!pb_decode_fixed32(stream, &value))
            return false;
    return true;
}

static bool count_strings(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    uint64_t *count = *arg;
    struct span string;

    (void)field;
    ++*count;
    return decoder_take(stream, &string);
}

static bool note_string(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct onnx_list *list = *arg;

    (void)field;
    list->has_s = true;
    return decoder_take(stream, &list->s);
}

static bool note_list(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct onnx_lists *lists = *arg;
    struct decoder *decoder = decoder_of(stream);
    struct onnx_list list = {.size = stream->bytes_left};
    pb_callback_t other = {.funcs.decode = decode_presence, .arg = &list.has_other};
    onnx_AttributeProto message = {
        .name = {.funcs.decode = decode_name, .arg = &list.name},
        .s = {.funcs.decode = note_string, .arg = &list},
        .ints = {.funcs.decode = count_ints, .arg = &list.ints},
        .floats = {.funcs.decode = count_floats, .arg = &list.floats},
        .strings = {.funcs.decode = count_strings, .arg = &list.strings},
        .t = other,
        .g = other,
        .graphs = other,
        .tensors = other,
        .tp = other,
        .type_protos = other,
        .sparse_tensor = other,
        .sparse_tensors = other,
        .ref_attr_name = other,
    };

    (void)field;
    if (decoder == NULL)
        return false;
    list.offset = decoder->cursor.offset;
    if (lists->count == MODEL_ATTRIBUTES_MAX)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "more than %u attributes at byte %zu", MODEL_ATTRIBUTES_MAX,
                            list.offset);
    if (!pb_decode(stream, onnx_AttributeProto_fields, &message))
        return false;
    for (uint32_t i = 0; i < lists->count; i++)
        if (span_compare(lists->items[i].name, list.name) == 0)
            return decoder_fail(decoder, ERROR_BAD_INPUT, "attribute '%s' before byte %zu is there twice",
                                SPAN_TEXT(list.name), decoder->cursor.offset);
    lists->items[lists->count++] = list;
    return true;
}

int onnx_lists_read(const struct model *model, const struct onnx_node *node, struct onnx_lists *ret_lists,
                    struct error *err)
{
    struct decoder decoder;
    onnx_NodeProto message = {.attribute = {.funcs.decode = note_list, .arg = ret_lists}};

    ret_lists->count = 0;
    return onnx_decode(&decoder, (struct span){model->data, model->size}, node->offset, node->size,
                       onnx_NodeProto_fields, &message, err);
}

struct onnx_list *onnx_lists_find(struct onnx_lists *lists, const char *name)
{
    for (uint32_t i = 0; i < lists->count; i++)
        if (span_equal(lists->items[i].name, name)) {
            lists->items[i].used = true;
            return &lists->items[i];
        }
    return NULL;
}

/* --- the elements ---------------------------------------------------------------------------------- */

struct filling {
    uint64_t at, count;
    int64_t *ints;
    float *floats;
    onnx_list_visitor *visit;
    void *context;
    int code; /* of the visitor */
};

static bool fill_ints(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct filling *filling = *arg;
    uint64_t bits;

    (void)field;
    while (stream->bytes_left > 0) {
        if (!pb_decode_varint(stream, &bits) || filling->at == filling->count)
            return false;
        filling->ints[filling->at++] = (int64_t)bits;
    }
    return true;
}

static bool fill_floats(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct filling *filling = *arg;
    float value;

    (void)field;
    while (stream->bytes_left > 0) {
        if (!pb_decode_fixed32(stream, &value) || filling->at == filling->count)
            return false;
        if (isnan(value))
            return decoder_fail(decoder_of(stream), ERROR_BAD_INPUT, "a list of floats holds one that is not a number");
        filling->floats[filling->at++] = value;
    }
    return true;
}

static bool visit_string(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct filling *filling = *arg;
    struct span string;

    (void)field;
    if (!decoder_take(stream, &string))
        return false;
    filling->code = filling->visit(filling->context, filling->at++, string);
    return filling->code == 0;
}

static int fill(const struct model *model, const struct onnx_list *list, onnx_AttributeProto *message,
                struct error *err)
{
    struct decoder decoder;

    return onnx_decode(&decoder, (struct span){model->data, model->size}, list->offset, list->size,
                       onnx_AttributeProto_fields, message, err);
}

int onnx_list_ints(const struct model *model, const struct onnx_list *list, int64_t *ret_ints, struct error *err)
{
    struct filling filling = {.count = list->ints, .ints = ret_ints};
    onnx_AttributeProto message = {.ints = {.funcs.decode = fill_ints, .arg = &filling}};

    return fill(model, list, &message, err);
}

int onnx_list_floats(const struct model *model, const struct onnx_list *list, float *ret_floats, struct error *err)
{
    struct filling filling = {.count = list->floats, .floats = ret_floats};
    onnx_AttributeProto message = {.floats = {.funcs.decode = fill_floats, .arg = &filling}};

    return fill(model, list, &message, err);
}

int onnx_list_strings(const struct model *model, const struct onnx_list *list, onnx_list_visitor *visit, void *context,
                      struct error *err)
{
    struct filling filling = {.count = list->strings, .visit = visit, .context = context};
    onnx_AttributeProto message = {.strings = {.funcs.decode = visit_string, .arg = &filling}};
    int r = fill(model, list, &message, err);

    if (filling.code < 0)
        return error_set(err, ERROR_BAD_INPUT, filling.code, "attribute '%s': entry %llu is none that it may hold",
                         SPAN_TEXT(list->name), (unsigned long long)filling.at - 1);
    return r;
}
