/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a .npy array, and its elements as numbers. */
#include "host/data/npy.h"

#include "base/cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NPY_DESCR_MAX    64u /* bytes of a dtype's text; those we read have 3 */
#define NPY_ELEMENTS_MAX (UINT64_C(1) << 56)

static const struct {
    char descr[4];
    const char *name;
    uint32_t size;
} types[NPY_TYPE_COUNT] = {
    [NPY_F2] = {"<f2", "float16", 2}, [NPY_F4] = {"<f4", "float32", 4}, [NPY_F8] = {"<f8", "float64", 8},
    [NPY_I1] = {"|i1", "int8", 1},    [NPY_I2] = {"<i2", "int16", 2},   [NPY_I4] = {"<i4", "int32", 4},
    [NPY_I8] = {"<i8", "int64", 8},   [NPY_U1] = {"|u1", "uint8", 1},   [NPY_U2] = {"<u2", "uint16", 2},
    [NPY_U4] = {"<u4", "uint32", 4},  [NPY_U8] = {"<u8", "uint64", 8},  [NPY_BF2] = {"", "bfloat16", 2},
};

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

const char *npy_type_name(enum npy_type type)
{
    return type < NPY_TYPE_COUNT ? types[type].name : "unknown";
}

bool npy_type_is_integer(enum npy_type type)
{
    return type >= NPY_I1 && type <= NPY_U8;
}

static int bad(struct error *err, size_t offset, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "byte %zu of the array's header: %s; save it again with numpy.savez", offset, what);
}

/* Reads magic, version and length; the cursor is then at the literal. */
static int read_prefix(struct cursor *cursor, size_t *ret_length, struct error *err)
{
    const uint8_t *bytes;
    uint8_t major, minor;
    uint16_t short_length;
    uint32_t length;
    int r;

    r = cursor_read_bytes(cursor, sizeof magic, &bytes);
    if (r < 0 || memcmp(bytes, magic, sizeof magic) != 0)
        return bad(err, 0, "not the magic \\x93NUMPY of a .npy array");
    r = cursor_read_u8(cursor, &major);
    if (r == 0)
        r = cursor_read_u8(cursor, &minor);
    if (r < 0 || major < 1 || major > 3 || minor != 0)
        return bad(err, sizeof magic, "a format version other than 1.0, 2.0 or 3.0");
    if (major == 1) {
        r = cursor_read_u16le(cursor, &short_length);
        length = r == 0 ? short_length : 0;
    } else {
        r = cursor_read_u32le(cursor, &length);
    }
    if (r < 0)
        return bad(err, cursor->offset, "it ends within the header's length");
    *ret_length = length;
    return 0;
}

int npy_preamble_size(const uint8_t prefix[NPY_PREFIX_SIZE], size_t *ret_size, struct error *err)
{
    struct cursor cursor = cursor_over(prefix, NPY_PREFIX_SIZE);
    size_t length;
    int r = read_prefix(&cursor, &length, err);

    if (r < 0)
        return r;
    if (length > NPY_PREAMBLE_MAX - cursor.offset)
        return bad(err, cursor.offset, "a header longer than 16384 bytes");
    if (cursor.offset + length < NPY_PREFIX_SIZE)
        return bad(err, cursor.offset, "a header too short to hold anything");
    *ret_size = cursor.offset + length;
    return 0;
}

/* --- the dict literal -------------------------------------------------------------------------- */

static int peek(const struct cursor *cursor)
{
    struct cursor ahead = *cursor;
    uint8_t byte;

    return cursor_read_u8(&ahead, &byte) < 0 ? -1 : byte;
}

static void skip_space(struct cursor *cursor)
{
    for (int c = peek(cursor); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(cursor))
        if (cursor_skip(cursor, 1) < 0)
            return;
}

/* Skips white space, then takes `wanted` where it stands there. */
static bool take(struct cursor *cursor, char wanted)
{
    skip_space(cursor);
    return peek(cursor) == wanted && cursor_skip(cursor, 1) == 0;
}

static bool take_word(struct cursor *cursor, const char *word)
{
    struct cursor ahead = *cursor;
    const uint8_t *bytes;
    size_t size = strlen(word);

    if (cursor_read_bytes(&ahead, size, &bytes) < 0 || memcmp(bytes, word, size) != 0)
        return false;
    *cursor = ahead;
    return true;
}

/* A quoted string without escapes. */
static int read_string(struct cursor *cursor, char ret_text[NPY_DESCR_MAX], struct error *err)
{
    char quote = take(cursor, '\'') ? '\'' : '"';
    size_t size = 0;
    uint8_t byte;

    if (quote == '"' && !take(cursor, '"'))
        return bad(err, cursor->offset, "expected a quoted string");
    for (;;) {
        if (cursor_read_u8(cursor, &byte) < 0)
            return bad(err, cursor->offset, "a string without its closing quote");
        if (byte == (uint8_t)quote)
            break;
        if (byte < 0x20 || byte > 0x7e || byte == '\\' || size + 1 >= NPY_DESCR_MAX)
            return bad(err, cursor->offset - 1, "a string that is too long or not plain ASCII");
        ret_text[size++] = (char)byte;
    }
    ret_text[size] = '\0';
    return 0;
}

static int read_number(struct cursor *cursor, uint64_t *ret_value, struct error *err)
{
    size_t start = cursor->offset;
    uint64_t value = 0;
    size_t digits = 0;

    for (int c = peek(cursor); c >= '0' && c <= '9'; c = peek(cursor), digits++) {
        if (value > NPY_ELEMENTS_MAX)
            return bad(err, start, "a dimension beyond 2^56");
        value = value * 10 + (uint64_t)(c - '0');
        if (cursor_skip(cursor, 1) < 0)
            break;
    }
    if (digits == 0)
        return bad(err, start, "expected a dimension, a plain number");
    *ret_value = value;
    return 0;
}

/* "()", "(3,)", "(450, 1, 8, 8)". */
static int read_shape(struct cursor *cursor, struct npy_header *header, struct error *err)
{
    bool comma = false;
    int r;

    header->rank = 0;
    if (!take(cursor, '('))
        return bad(err, cursor->offset, "expected the shape, a tuple");
    while (!take(cursor, ')')) {
        if (header->rank > 0 && !comma)
            return bad(err, cursor->offset, "expected a comma in the shape");
        if (header->rank >= NPY_RANK_MAX)
            return bad(err, cursor->offset, "more than 8 dimensions");
        skip_space(cursor);
        r = read_number(cursor, &header->dims[header->rank], err);
        if (r < 0)
            return r;
        header->rank++;
        comma = take(cursor, ',');
    }
    if (header->rank == 1 && !comma)
        return bad(err, cursor->offset, "a shape that is a number, not a tuple");
    return 0;
}

/* Refuses with the reason and the remedy that fit the dtype's text. */
static int refuse_descr(const char *descr, struct error *err)
{
    if (strchr(descr, 'O') != NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "dtype '%s' holds pickled Python objects, which are never loaded; save plain numbers, for "
                         "instance with x.astype('float32')",
                         descr);
    if (descr[0] == '>')
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "dtype '%s' is big-endian; save it with x.astype('<%s')",
                         descr, descr + 1);
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "dtype '%s' is not a float16, float32, float64 or integer type; convert it, for instance with "
                     "x.astype('float32')",
                     descr);
}

static int read_descr(struct cursor *cursor, struct npy_header *header, struct error *err)
{
    char descr[NPY_DESCR_MAX];
    int r;

    skip_space(cursor);
    if (peek(cursor) == '[' || peek(cursor) == '(')
        return bad(err, cursor->offset, "a structured dtype; save x and y as arrays of their own");
    r = read_string(cursor, descr, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < NPY_BF2; i++) {
        bool single = types[i].size == 1 && strlen(descr) == 3 && (descr[0] == '<' || descr[0] == '>');

        if (strcmp(descr, types[i].descr) == 0 || (single && strcmp(descr + 1, types[i].descr + 1) == 0)) {
            header->type = (enum npy_type)i;
            header->item_size = types[i].size;
            return 0;
        }
    }
    return refuse_descr(descr, err);
}

static int read_fortran(struct cursor *cursor, struct error *err)
{
    skip_space(cursor);
    if (take_word(cursor, "False"))
        return 0;
    if (take_word(cursor, "True"))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "the array is in Fortran order; save it with numpy.ascontiguousarray(x)");
    return bad(err, cursor->offset, "fortran_order is neither True nor False");
}

/* One key with its value; `seen` has a bit for each of the three keys. */
static int read_entry(struct cursor *cursor, unsigned *seen, struct npy_header *header, struct error *err)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    char key[NPY_DESCR_MAX];
    size_t start = cursor->offset;
    unsigned which = 0;
    int r = read_string(cursor, key, err);

    if (r < 0)
        return r;
    while (which < 3 && strcmp(key, keys[which]) != 0)
        which++;
    if (which == 3)
        return bad(err, start, "a key other than descr, fortran_order and shape");
    if ((*seen & (1u << which)) != 0)
        return bad(err, start, "a key that stands there twice");
    *seen |= 1u << which;
    if (!take(cursor, ':'))
        return bad(err, cursor->offset, "expected a colon");
    if (which == 0)
        return read_descr(cursor, header, err);
    return which == 1 ? read_fortran(cursor, err) : read_shape(cursor, header, err);
}

static int read_literal(struct cursor *cursor, struct npy_header *header, struct error *err)
{
    unsigned seen = 0;
    bool comma = true;

    if (!take(cursor, '{'))
        return bad(err, cursor->offset, "expected a dict literal");
    while (!take(cursor, '}')) {
        int r;

        if (!comma)
            return bad(err, cursor->offset, "expected a comma");
        r = read_entry(cursor, &seen, header, err);
        if (r < 0)
            return r;
        comma = take(cursor, ',');
    }
    if (seen != 7)
        return bad(err, cursor->offset, "descr, fortran_order or shape is missing");
    skip_space(cursor);
    if (cursor_left(cursor) > 0)
        return bad(err, cursor->offset, "something after the dict literal");
    return 0;
}

int npy_parse(const void *preamble, size_t size, struct npy_header *ret_header, struct error *err)
{
    struct cursor cursor = cursor_over(preamble, size);
    struct npy_header header = {0};
    size_t length;
    int r = read_prefix(&cursor, &length, err);

    if (r < 0)
        return r;
    if (length != cursor_left(&cursor) || size > NPY_PREAMBLE_MAX)
        return bad(err, cursor.offset, "a length that is not the header's");
    r = read_literal(&cursor, &header, err);
    if (r < 0)
        return r;
    header.elements = 1;
    for (uint32_t i = 0; i < header.rank; i++) {
        if (__builtin_mul_overflow(header.elements, header.dims[i], &header.elements) ||
            header.elements > NPY_ELEMENTS_MAX)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the array's shape has more than 2^56 elements");
    }
    *ret_header = header;
    return 0;
}

/* --- elements ---------------------------------------------------------------------------------- */

/* IEEE 754 binary16 to binary32, exact. */
static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t fraction = half & 0x3ffu;
    uint32_t bits;
    float value;

    if (exponent == 0) { /* zero or subnormal: fraction × 2^-24 */
        value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    bits = exponent == 0x1f ? 0x7f800000u : (exponent + 112) << 23;
    bits |= sign | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t load(const uint8_t *bytes, uint32_t size)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static int64_t load_signed(const uint8_t *bytes, uint32_t size)
{
    unsigned shift = 64 - 8 * size;

    return (int64_t)(load(bytes, size) << shift) >> shift;
}

int64_t npy_to_integer(enum npy_type type, const uint8_t *bytes)
{
    uint64_t value;

    if (type < NPY_U1)
        return load_signed(bytes, types[type].size);
    value = load(bytes, types[type].size);
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

void npy_to_f32(enum npy_type type, const uint8_t *bytes, size_t count, float *ret_values)
{
    uint32_t size = types[type].size;

    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a .npy float32 is this machine's float");
    if (type == NPY_F4) {
        memcpy(ret_values, bytes, count * sizeof *ret_values);
    } else if (type == NPY_F2) {
        for (size_t i = 0; i < count; i++)
            ret_values[i] = half_to_float((uint16_t)load(bytes + 2 * i, 2));
    } else if (type == NPY_F8) {
        for (size_t i = 0; i < count; i++) {
            double value;

            memcpy(&value, bytes + 8 * i, sizeof value);
            ret_values[i] = (float)value;
        }
    } else if (type == NPY_BF2) { /* the upper half of a binary32 */
        for (size_t i = 0; i < count; i++) {
            uint32_t bits = (uint32_t)load(bytes + 2 * i, 2) << 16;

            memcpy(&ret_values[i], &bits, sizeof bits);
        }
    } else if (type == NPY_U1) {
        for (size_t i = 0; i < count; i++)
            ret_values[i] = (float)bytes[i];
    } else if (type >= NPY_U1) {
        for (size_t i = 0; i < count; i++)
            ret_values[i] = (float)load(bytes + size * i, size);
    } else {
        for (size_t i = 0; i < count; i++)
            ret_values[i] = (float)load_signed(bytes + size * i, size);
    }
}
