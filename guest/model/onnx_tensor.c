/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto: checked on decoding, converted to f32 or int64 when its elements are needed. */
#include "guest/model/lower.h"
#include "guest/model/onnx_decode.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t size; /* bytes of an element in raw_data; 0: not read */
} types[] = {
    [ONNX_UNDEFINED] = {"undefined", 0}, [ONNX_FLOAT] = {"float32", 4},
    [ONNX_UINT8] = {"uint8", 1},         [ONNX_INT8] = {"int8", 1},
    [ONNX_UINT16] = {"uint16", 2},       [ONNX_INT16] = {"int16", 2},
    [ONNX_INT32] = {"int32", 4},         [ONNX_INT64] = {"int64", 8},
    [ONNX_STRING] = {"string", 0},       [ONNX_BOOL] = {"bool", 1},
    [ONNX_FLOAT16] = {"float16", 2},     [ONNX_DOUBLE] = {"float64", 8},
    [ONNX_UINT32] = {"uint32", 4},       [ONNX_UINT64] = {"uint64", 8},
    [ONNX_COMPLEX64] = {"complex64", 0}, [ONNX_COMPLEX128] = {"complex128", 0},
    [ONNX_BFLOAT16] = {"bfloat16", 2},
};

#define TYPE_COUNT ((int32_t)(sizeof types / sizeof types[0]))

const char *onnx_type_name(int32_t type)
{
    return type >= 0 && type < TYPE_COUNT ? types[type].name : "unknown";
}

bool onnx_type_is_float(int32_t type)
{
    return type == ONNX_FLOAT || type == ONNX_FLOAT16 || type == ONNX_BFLOAT16 || type == ONNX_DOUBLE;
}

bool onnx_type_is_integer(int32_t type)
{
    return type >= 0 && type < TYPE_COUNT && types[type].size > 0 && !onnx_type_is_float(type);
}

/* The typed field that holds elements of a type where raw_data is absent (onnx.proto, TensorProto). */
enum storage { STORED_FLOAT, STORED_INT32, STORED_INT64, STORED_DOUBLE, STORED_UINT64, STORAGE_COUNT };

static enum storage storage_of(int32_t type)
{
    switch (type) {
    case ONNX_FLOAT:
        return STORED_FLOAT;
    case ONNX_DOUBLE:
        return STORED_DOUBLE;
    case ONNX_INT64:
        return STORED_INT64;
    case ONNX_UINT32:
    case ONNX_UINT64:
        return STORED_UINT64;
    default:
        return STORED_INT32;
    }
}

/* --- decoding: shape, and how many elements each field holds ------------------------------ */

struct tally {
    struct onnx_tensor *tensor;
    uint64_t counts[STORAGE_COUNT];
    uint32_t runs; /* fields that float_data or double_data came in */
    bool has_raw, has_strings, has_external, dims_bad;
    int64_t bad_dim;
    struct span run; /* the last packed run of fixed-size numbers */
};

static bool tally_dims(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct tally *tally = *arg;

    (void)field;
    while (stream->bytes_left > 0) {
        uint64_t dim;

        if (!pb_decode_varint(stream, &dim))
            return false;
        if (dim > MODEL_DIM_MAX || tally->tensor->rank == GRAPH_RANK_MAX) {
            if (!tally->dims_bad)
                tally->bad_dim = (int64_t)dim;
            tally->dims_bad = true;
            continue;
        }
        tally->tensor->dims[tally->tensor->rank++] = dim;
    }
    return true;
}

static bool tally_fixed(pb_istream_t *stream, struct tally *tally, enum storage storage, size_t width)
{
    size_t size = stream->bytes_left;

    if (size % width != 0)
        return false;
    tally->counts[storage] += size / width;
    tally->runs++;
    if (decoder_of(stream) != NULL)
        return decoder_take(stream, &tally->run);
    tally->runs++; /* one number by itself: not in the file as an array */
    return pb_read(stream, (pb_byte_t[8]){0}, size);
}

static bool tally_floats(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return tally_fixed(stream, *arg, STORED_FLOAT, 4);
}

static bool tally_doubles(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return tally_fixed(stream, *arg, STORED_DOUBLE, 8);
}

static bool tally_varints(pb_istream_t *stream, struct tally *tally, enum storage storage)
{
    uint64_t ignored;

    while (stream->bytes_left > 0) {
        if (!pb_decode_varint(stream, &ignored))
            return false;
        tally->counts[storage]++;
    }
    return true;
}

static bool tally_int32(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return tally_varints(stream, *arg, STORED_INT32);
}

static bool tally_int64(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return tally_varints(stream, *arg, STORED_INT64);
}

static bool tally_uint64(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return tally_varints(stream, *arg, STORED_UINT64);
}

static bool tally_raw(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct tally *tally = *arg;

    (void)field;
    tally->has_raw = true;
    return decoder_take(stream, &tally->tensor->data);
}

static bool fail_tensor(struct decoder *decoder, const struct onnx_tensor *tensor, enum error_kind kind,
                        const char *why)
{
    return decoder_fail(decoder, kind, "tensor '%s' at byte %zu: %s", SPAN_TEXT(tensor->name), tensor->offset, why);
}

static bool check_shape(struct decoder *decoder, struct tally *tally)
{
    struct onnx_tensor *tensor = tally->tensor;

    if (tally->dims_bad && tally->bad_dim < 0)
        return fail_tensor(decoder, tensor, ERROR_BAD_INPUT, "a dimension is negative");
    if (tally->dims_bad)
        return fail_tensor(decoder, tensor, ERROR_BAD_INPUT,
                           "a dimension is beyond 2^31, or there are more than 8 of them");
    tensor->elements = dims_elements(tensor->rank, tensor->dims);
    if (tensor->elements == UINT64_MAX)
        return fail_tensor(decoder, tensor, ERROR_BAD_INPUT, "more than 2^33 elements");
    return true;
}

static bool check_data(struct decoder *decoder, struct tally *tally)
{
    struct onnx_tensor *tensor = tally->tensor;
    enum storage storage = storage_of(tensor->type);
    char text[160];
    uint64_t have;

    for (unsigned i = 0; i < STORAGE_COUNT; i++)
        if (tally->counts[i] > 0 && (i != storage || tally->has_raw))
            return fail_tensor(decoder, tensor, ERROR_BAD_INPUT, "its data is in a field that is not its type's");
    if (tally->has_raw) {
        have = tensor->data.size;
        if (have == tensor->elements * types[tensor->type].size)
            return true;
        (void)snprintf(text, sizeof text, "its dimensions need %llu bytes of %s, raw_data has %llu",
                       (unsigned long long)tensor->elements * types[tensor->type].size, onnx_type_name(tensor->type),
                       (unsigned long long)have);
        return fail_tensor(decoder, tensor, ERROR_BAD_INPUT, text);
    }
    have = tally->counts[storage];
    if (have != tensor->elements) {
        (void)snprintf(text, sizeof text, "its dimensions need %llu elements of %s, it has %llu",
                       (unsigned long long)tensor->elements, onnx_type_name(tensor->type), (unsigned long long)have);
        return fail_tensor(decoder, tensor, ERROR_BAD_INPUT, text);
    }
    tensor->encoding = ONNX_FIELDS;
    if ((storage == STORED_FLOAT || storage == STORED_DOUBLE) && tally->runs == 1) {
        tensor->encoding = ONNX_LITTLE_ENDIAN;
        tensor->data = tally->run;
    }
    return true;
}

bool onnx_tensor_decode(pb_istream_t *stream, struct onnx_tensor *ret_tensor)
{
    struct decoder *decoder = decoder_of(stream);
    struct onnx_tensor tensor = {0};
    struct tally tally = {.tensor = &tensor};
    onnx_TensorProto message = {
        .dims = {.funcs.decode = tally_dims, .arg = &tally},
        .float_data = {.funcs.decode = tally_floats, .arg = &tally},
        .double_data = {.funcs.decode = tally_doubles, .arg = &tally},
        .int32_data = {.funcs.decode = tally_int32, .arg = &tally},
        .int64_data = {.funcs.decode = tally_int64, .arg = &tally},
        .uint64_data = {.funcs.decode = tally_uint64, .arg = &tally},
        .raw_data = {.funcs.decode = tally_raw, .arg = &tally},
        .name = {.funcs.decode = decode_name, .arg = &tensor.name},
        .string_data = {.funcs.decode = decode_presence, .arg = &tally.has_strings},
        .external_data = {.funcs.decode = decode_presence, .arg = &tally.has_external},
    };

    if (decoder == NULL)
        return false;
    tensor.offset = decoder->cursor.offset;
    tensor.size = stream->bytes_left;
    if (!pb_decode(stream, onnx_TensorProto_fields, &message))
        return false;
    if (tally.has_external ||
        (message.has_data_location && message.data_location != onnx_TensorProto_DataLocation_DEFAULT))
        return fail_tensor(decoder, &tensor, ERROR_UNAVAILABLE,
                           "its data is in another file (external data); save the model as a single file");
    tensor.type = message.has_data_type ? (int32_t)message.data_type : ONNX_UNDEFINED;
    if (tensor.type <= 0 || tensor.type >= TYPE_COUNT)
        return fail_tensor(decoder, &tensor, ERROR_BAD_INPUT, "it has no data type that ONNX knows");
    if (types[tensor.type].size == 0 || tally.has_strings)
        return decoder_fail(decoder, ERROR_UNAVAILABLE, "tensor '%s' at byte %zu: elements of %s are not supported",
                            SPAN_TEXT(tensor.name), tensor.offset, onnx_type_name(tensor.type));
    if (!check_shape(decoder, &tally) || !check_data(decoder, &tally))
        return false;
    *ret_tensor = tensor;
    return true;
}

int onnx_tensor_parse(const void *data, size_t size, struct onnx_tensor *ret_tensor, struct error *err)
{
    struct decoder decoder;
    struct onnx_tensor tensor;
    pb_istream_t stream = decoder_start(&decoder, (struct span){data, size}, 0, size, err);

    if (!onnx_tensor_decode(&stream, &tensor))
        return decoder_finish(&decoder, &stream);
    *ret_tensor = tensor;
    return 0;
}

/* --- reading elements ---------------------------------------------------------------------- */

/* IEEE 754 binary16: every value is a float32's. */
static float from_half(uint32_t half)
{
    uint32_t sign = (half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 31;
    uint32_t fraction = half & 0x3ffu;
    uint32_t bits;
    float value;

    if (exponent == 0) {
        value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_bfloat16(uint32_t bits)
{
    float value;

    bits <<= 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t load_bits(const uint8_t *data, uint32_t size)
{
    uint64_t bits = 0;

    for (uint32_t i = 0; i < size; i++)
        bits |= (uint64_t)data[i] << (8 * i);
    return bits;
}

static float float_of(int32_t type, uint64_t bits)
{
    float single;
    double wide;
    uint32_t low = (uint32_t)bits;

    switch (type) {
    case ONNX_FLOAT16:
        return from_half(low & 0xffffu);
    case ONNX_BFLOAT16:
        return from_bfloat16(low & 0xffffu);
    case ONNX_DOUBLE:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    default:
        memcpy(&single, &low, sizeof single);
        return single;
    }
}

static int64_t integer_of(int32_t type, uint64_t bits)
{
    switch (type) {
    case ONNX_UINT8:
        return (uint8_t)bits;
    case ONNX_INT8:
        return (int8_t)bits;
    case ONNX_UINT16:
        return (uint16_t)bits;
    case ONNX_INT16:
        return (int16_t)bits;
    case ONNX_UINT32:
        return (uint32_t)bits;
    case ONNX_INT32:
        return (int32_t)bits;
    case ONNX_BOOL:
        return (bits & 0xffu) != 0;
    default:
        return (int64_t)bits;
    }
}

struct sink { /* where elements go: one of the two */
    int32_t type;
    float *floats;
    int64_t *integers;
    uint64_t count, room;
};

static bool sink_put(struct sink *sink, uint64_t bits)
{
    if (sink->count == sink->room)
        return false;
    if (sink->floats != NULL)
        sink->floats[sink->count++] = float_of(sink->type, bits);
    else
        sink->integers[sink->count++] = integer_of(sink->type, bits);
    return true;
}

static bool sink_fixed(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    struct sink *sink = *arg;
    uint32_t width = sink->type == ONNX_DOUBLE ? 8 : 4;

    (void)field;
    while (stream->bytes_left > 0) {
        uint8_t bytes[8];

        if (!pb_read(stream, bytes, width) || !sink_put(sink, load_bits(bytes, width)))
            return false;
    }
    return true;
}

static bool sink_varints(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    while (stream->bytes_left > 0) {
        uint64_t bits;

        if (!pb_decode_varint(stream, &bits) || !sink_put(*arg, bits))
            return false;
    }
    return true;
}

static int read_elements(struct span file, const struct onnx_tensor *tensor, struct sink *sink, struct error *err)
{
    uint32_t width = types[tensor->type].size;
    onnx_TensorProto message = {0};
    pb_callback_t varints = {.funcs.decode = sink_varints, .arg = sink};
    struct decoder decoder = {0};
    pb_callback_t fixed = {.funcs.decode = sink_fixed, .arg = sink};

    sink->type = tensor->type;
    sink->room = tensor->elements;
    if (tensor->encoding == ONNX_LITTLE_ENDIAN) {
        for (uint64_t i = 0; i < tensor->elements; i++)
            (void)sink_put(sink, load_bits(tensor->data.data + i * width, width));
        return 0;
    }
    switch (storage_of(tensor->type)) {
    case STORED_FLOAT:
        message.float_data = fixed;
        break;
    case STORED_DOUBLE:
        message.double_data = fixed;
        break;
    case STORED_INT64:
        message.int64_data = varints;
        break;
    case STORED_UINT64:
        message.uint64_data = varints;
        break;
    default:
        message.int32_data = varints;
        break;
    }
    return onnx_decode(&decoder, file, tensor->offset, tensor->size, onnx_TensorProto_fields, &message, err);
}

int onnx_tensor_floats(struct span file, const struct onnx_tensor *tensor, float *ret_floats, struct error *err)
{
    struct sink sink = {.floats = ret_floats};

    if (tensor->type == ONNX_FLOAT && tensor->encoding == ONNX_LITTLE_ENDIAN) {
        if (tensor->elements > 0)
            memcpy(ret_floats, tensor->data.data, tensor->elements * sizeof *ret_floats);
        return 0;
    }
    return read_elements(file, tensor, &sink, err);
}

int onnx_tensor_integers(struct span file, const struct onnx_tensor *tensor, int64_t *ret_integers, struct error *err)
{
    struct sink sink = {.integers = ret_integers};

    return read_elements(file, tensor, &sink, err);
}
