/* SPDX-License-Identifier: Apache-2.0 */
/* AttributeProto: the attributes of one node into one flat record. */
#include "guest/model/onnx_decode.h"

#include <math.h>

struct lists { /* an attribute on its way in */
    struct onnx_attributes *attributes;
    struct onnx_attribute *attribute;
};

static bool add_ints(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct lists *lists = *arg;

    (void)field;
    while (stream->bytes_left > 0) {
        uint64_t bits;

        if (!pb_decode_varint(stream, &bits))
            return false;
        if (lists->attributes->int_count == MODEL_ATTRIBUTE_NUMBERS_MAX)
            return false;
        lists->attributes->ints[lists->attributes->int_count++] = (int64_t)bits;
        lists->attribute->int_count++;
    }
    return true;
}

static bool add_floats(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct lists *lists = *arg;

    (void)field;
    while (stream->bytes_left > 0) {
        float value;

        if (!pb_decode_fixed32(stream, &value))
            return false;
        if (lists->attributes->float_count == MODEL_ATTRIBUTE_NUMBERS_MAX)
            return false;
        lists->attributes->floats[lists->attributes->float_count++] = value;
        lists->attribute->float_count++;
    }
    return true;
}

static bool set_string(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct onnx_attribute *attribute = *arg;

    (void)field;
    attribute->has_s = true;
    return decoder_take(stream, &attribute->s);
}

static bool set_tensor(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct onnx_attribute *attribute = *arg;

    (void)field;
    attribute->has_t = true;
    return onnx_tensor_decode(stream, &attribute->t);
}

static bool refuse_graph(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    (void)arg;
    return decoder_fail(decoder_of(stream), ERROR_UNAVAILABLE,
                        "an attribute at byte %zu holds a graph; control flow (If, Loop, Scan) is not supported",
                        decoder_of(stream) != NULL ? decoder_of(stream)->cursor.offset : 0);
}

static bool check_numbers(struct decoder *decoder, const struct onnx_attributes *attributes,
                          const struct onnx_attribute *attribute)
{
    bool nan = attribute->has_f && isnan(attribute->f);

    for (uint32_t i = 0; i < attribute->float_count; i++)
        nan = nan || isnan(attributes->floats[attribute->first_float + i]);
    if (nan)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "attribute '%s' before byte %zu is not a number",
                            SPAN_TEXT(attribute->name), decoder->cursor.offset);
    return true;
}

bool onnx_attribute_decode(pb_istream_t *stream, struct onnx_attributes *attributes)
{
    struct decoder *decoder = decoder_of(stream);
    struct onnx_attribute attribute = {.first_int = attributes->int_count, .first_float = attributes->float_count};
    struct lists lists = {.attributes = attributes, .attribute = &attribute};
    pb_callback_t other = {.funcs.decode = decode_presence, .arg = &attribute.has_other};
    onnx_AttributeProto message = {
        .name = {.funcs.decode = decode_name, .arg = &attribute.name},
        .s = {.funcs.decode = set_string, .arg = &attribute},
        .t = {.funcs.decode = set_tensor, .arg = &attribute},
        .ints = {.funcs.decode = add_ints, .arg = &lists},
        .floats = {.funcs.decode = add_floats, .arg = &lists},
        .g = {.funcs.decode = refuse_graph},
        .graphs = {.funcs.decode = refuse_graph},
        .strings = other,
        .tensors = other,
        .tp = other,
        .type_protos = other,
        .sparse_tensor = other,
        .sparse_tensors = other,
        .ref_attr_name = other,
    };

    if (decoder == NULL)
        return false;
    if (attributes->count == MODEL_ATTRIBUTES_MAX)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "more than %u attributes at byte %zu", MODEL_ATTRIBUTES_MAX,
                            decoder->cursor.offset);
    if (!pb_decode(stream, onnx_AttributeProto_fields, &message)) {
        if (attributes->int_count == MODEL_ATTRIBUTE_NUMBERS_MAX ||
            attributes->float_count == MODEL_ATTRIBUTE_NUMBERS_MAX)
            return decoder_fail(decoder, ERROR_BAD_INPUT, "attribute '%s' at byte %zu: more than %u numbers",
                                SPAN_TEXT(attribute.name), decoder->cursor.offset, MODEL_ATTRIBUTE_NUMBERS_MAX);
        return false;
    }
    attribute.has_f = message.has_f;
    attribute.f = message.f;
    attribute.has_i = message.has_i;
    attribute.i = message.i;
    attribute.type = message.has_type ? (int32_t)message.type : 0;
    if (attribute.name.size == 0)
        return decoder_fail(decoder, ERROR_BAD_INPUT, "an attribute before byte %zu has no name",
                            decoder->cursor.offset);
    for (uint32_t i = 0; i < attributes->count; i++)
        if (span_compare(attributes->items[i].name, attribute.name) == 0)
            return decoder_fail(decoder, ERROR_BAD_INPUT, "attribute '%s' before byte %zu is there twice",
                                SPAN_TEXT(attribute.name), decoder->cursor.offset);
    if (!check_numbers(decoder, attributes, &attribute))
        return false;
    attributes->items[attributes->count++] = attribute;
    return true;
}

static bool add_attribute(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return onnx_attribute_decode(stream, *arg);
}

int onnx_attributes_read(const struct model *model, const struct onnx_node *node,
                         struct onnx_attributes *ret_attributes, struct error *err)
{
    struct decoder decoder;
    onnx_NodeProto message = {.attribute = {.funcs.decode = add_attribute, .arg = ret_attributes}};

    ret_attributes->count = ret_attributes->int_count = ret_attributes->float_count = 0;
    return onnx_decode(&decoder, (struct span){model->data, model->size}, node->offset, node->size,
                       onnx_NodeProto_fields, &message, err);
}
