/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5's values: which attributes and datasets hold texts or bytes, where those stand, and what they are judged by. */
#include "guest/scan/code_text.h"
#include "guest/scan/embedded.h"
#include "guest/scan/hdf5_internal.h"
#include "guest/scan/json.h"
#include "guest/scan/keras.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

#define WHOLE_VALUE_MAX SCAN_VIEW_MAX

/* --- one text --------------------------------------------------------------------------------------------------- */

static bool is_keras_name(const char *name)
{
    return strncmp(name, "model_config", 12) == 0 || strncmp(name, "training_config", 15) == 0;
}

/* As an object of its own: JSON, a pickle, whatever is found. */
static MUST_USE int scan_part(struct hdf5 *hdf5, const char *name, struct hdf5_span bytes, bool is_json)
{
    CLEANUP_SOURCE struct source *range = source_of_range(hdf5->source, bytes.at, bytes.end - bytes.at);
    const struct scan_object part = {.source = range, .name = name, .role = SCAN_ROLE_GUESS, .parent = hdf5->object};

    if (range == NULL)
        return hdf5->failed = error_set(hdf5->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read HDF5");
    if (is_keras_name(name) && is_json)
        return hdf5->failed = keras_config_scan(hdf5->scan, hdf5->object, range, bytes.at, hdf5->err);
    return hdf5->failed = scan_object(hdf5->scan, &part, hdf5->err);
}

static MUST_USE int judge_code(struct hdf5 *hdf5, const char *name, struct hdf5_span bytes)
{
    enum code_text judged = CODE_TEXT_NONE;
    const char *what = "";
    uint64_t offset = 0;
    int r = code_text_judge_source(hdf5->source, bytes.at, bytes.end - bytes.at, &judged, &offset, &what, &hdf5->cause);

    if (r < 0 || judged != CODE_TEXT_EXECUTES)
        return r;
    return hdf5->failed = scan_find(hdf5->scan, hdf5->object, &hdf5_rules[HDF5_RULE_CODE], bytes.at, hdf5->err,
                                    "'%s': %s", TEXT(name, strlen(name)), what);
}

/* A text without the padding behind it. */
static MUST_USE int trim(struct hdf5 *hdf5, struct hdf5_span *bytes)
{
    while (bytes->end > bytes->at) {
        const uint8_t *last;
        size_t got;
        int r = source_view(hdf5->source, bytes->end - 1, 1, &last, &got, &hdf5->cause);

        if (r < 0)
            return r;
        if (got == 0)
            return hdf5_bad(hdf5, bytes->at, "a value is beyond the file");
        if (*last != 0 && *last != ' ')
            return 0;
        bytes->end--;
        r = hdf5_step(hdf5);
        if (r < 0)
            return r;
    }
    return 0;
}

int hdf5_value(struct hdf5 *hdf5, const char *name, struct hdf5_span bytes)
{
    CLEANUP_FREE uint8_t *copy = NULL;
    uint64_t size = 0;
    bool is_json;
    int r = trim(hdf5, &bytes);

    size = bytes.end - bytes.at;
    if (r < 0 || size == 0)
        return r;
    if (size > HDF5_VALUES_MAX - hdf5->judged)
        return error_set(&hdf5->cause, ERROR_BAD_INPUT, -EFBIG, "HDF5: texts of more than %llu bytes",
                         (unsigned long long)HDF5_VALUES_MAX);
    hdf5->judged += size;
    scan_looked(hdf5->scan, size);
    is_json = json_may_begin(hdf5->source, bytes.at);
    if (is_json || size > WHOLE_VALUE_MAX)
        r = scan_part(hdf5, name, bytes, is_json);
    if (r == 0 && !is_json)
        r = judge_code(hdf5, name, bytes);
    if (r < 0 || size > WHOLE_VALUE_MAX || size < EMBEDDED_SIZE_MIN || is_json)
        return r;
    copy = malloc((size_t)size);
    if (copy == NULL)
        return hdf5->failed = error_set(hdf5->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read HDF5");
    r = source_copy(hdf5->source, bytes.at, copy, (size_t)size, &hdf5->cause);
    if (r < 0)
        return r;
    return hdf5->failed = scan_embedded(hdf5->scan, hdf5->object, name, copy, (size_t)size, bytes.at, hdf5->err);
}

/* --- types and spaces ------------------------------------------------------------------------------------------- */

int hdf5_read_type(struct hdf5 *hdf5, struct hdf5_span span, struct hdf5_type *ret_type)
{
    uint64_t class = 0, bits = 0, size = 0, base = 0;
    int r = hdf5_integer(hdf5, &span, 1, &class);

    if (r == 0)
        r = hdf5_integer(hdf5, &span, 3, &bits);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 4, &size);
    if (r < 0)
        return r;
    *ret_type = (struct hdf5_type){.class = class & 15, .size = size};
    if (ret_type->class != HDF5_VARIABLE)
        return 0;
    r = hdf5_integer(hdf5, &span, 1, &base); /* a string, or a sequence of what may be bytes */
    if (r == 0)
        ret_type->of_bytes = (bits & 15) == 1 || (base & 15) == 0 || (base & 15) == HDF5_OPAQUE;
    return r;
}

/* IV.A.2.b: how many elements; no more than fit 2^63. */
int hdf5_read_space(struct hdf5 *hdf5, struct hdf5_span span, uint64_t *ret_count)
{
    uint64_t version = 0, rank = 0, type = 0, count = 1;
    int r = hdf5_integer(hdf5, &span, 1, &version);

    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &rank);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 1);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &type); /* reserved in version 1 */
    if (r == 0 && version == 1)
        r = hdf5_skip(hdf5, &span, 4);
    if (r == 0 && version == 2 && type == 2)
        count = 0;
    for (uint64_t i = 0; r == 0 && i < rank; i++) {
        uint64_t size = 0;

        r = hdf5_length(hdf5, &span, &size);
        if (r == 0)
            count = size == 0 ? 0 : count <= (UINT64_MAX >> 1) / size ? count * size : UINT64_MAX >> 1;
    }
    if (r == 0)
        *ret_count = count;
    return r;
}

/* --- elements --------------------------------------------------------------------------------------------------- */

static void too_many(struct hdf5 *hdf5, uint64_t offset)
{
    scan_skipped(hdf5->scan, hdf5->object, SCAN_GAP_BUDGET, offset, 0, "HDF5: a value of more than %u texts",
                 HDF5_ELEMENTS_MAX);
}

int hdf5_global_value(struct hdf5 *hdf5, const char *name, struct hdf5_span bytes)
{
    bool first = true;
    int r = 0;

    if (bytes.end - bytes.at >= HDF5_LARGE_MIN && !is_keras_name(name))
        r = hdf5_visit(hdf5, bytes.at, &first);
    return r == 0 && first ? hdf5_value(hdf5, name, bytes) : r;
}

/* III.E: a length, and where in which global heap the bytes are. */
static MUST_USE int read_variable(struct hdf5 *hdf5, const char *name, struct hdf5_span *span)
{
    struct hdf5_span bytes = {0};
    uint64_t length = 0, collection = 0, index = 0;
    int r = hdf5_integer(hdf5, span, 4, &length);

    if (r == 0)
        r = hdf5_address(hdf5, span, &collection);
    if (r == 0)
        r = hdf5_integer(hdf5, span, 4, &index);
    if (r < 0 || length == 0 || collection == HDF5_UNDEFINED || index == 0)
        return r;
    r = hdf5_global(hdf5, collection, index, &bytes);
    return r == 0 ? hdf5_global_value(hdf5, name, bytes) : r;
}

int hdf5_read_elements(struct hdf5 *hdf5, const char *name, const struct hdf5_type *type, uint64_t count,
                       struct hdf5_span data)
{
    uint64_t most = count < HDF5_ELEMENTS_MAX ? count : HDF5_ELEMENTS_MAX;

    for (uint64_t i = 0; i < most; i++) {
        uint64_t offset = data.at;
        int r = hdf5_step(hdf5);

        if (r == 0 && type->class == HDF5_VARIABLE) {
            r = read_variable(hdf5, name, &data);
        } else if (r == 0) {
            r = hdf5_skip(hdf5, &data, type->size);
            if (r == 0)
                r = hdf5_value(hdf5, name, hdf5_span_of(offset, type->size));
        }
        if (hdf5->failed != 0)
            return hdf5->failed;
        if (r < 0 && (data.at == offset || r == -EFBIG))
            return r;
        if (r < 0 && (r = hdf5_gap(hdf5, r, offset)) < 0)
            return r;
    }
    if (count > most)
        too_many(hdf5, data.at);
    return 0;
}

bool hdf5_is_text(const struct hdf5_type *type)
{
    return type->class == HDF5_STRING || type->class == HDF5_OPAQUE || type->class == HDF5_COMPOUND ||
           (type->class == HDF5_VARIABLE && type->of_bytes);
}

/* --- attributes ------------------------------------------------------------------------------------------------- */

struct attribute {
    uint64_t version, flags, name_size, type_size, space_size;
};

static uint64_t padded(const struct attribute *attribute, uint64_t size)
{
    return attribute->version == 1 ? (size + 7) & ~UINT64_C(7) : size;
}

static MUST_USE int read_attribute_head(struct hdf5 *hdf5, struct hdf5_span *span, struct attribute *ret_attribute)
{
    int r = hdf5_integer(hdf5, span, 1, &ret_attribute->version);

    if (r == 0)
        r = hdf5_integer(hdf5, span, 1, &ret_attribute->flags);
    if (r == 0)
        r = hdf5_integer(hdf5, span, 2, &ret_attribute->name_size);
    if (r == 0)
        r = hdf5_integer(hdf5, span, 2, &ret_attribute->type_size);
    if (r == 0)
        r = hdf5_integer(hdf5, span, 2, &ret_attribute->space_size);
    if (r == 0 && ret_attribute->version >= 3)
        r = hdf5_skip(hdf5, span, 1);
    if (r == 0 && (ret_attribute->version == 0 || ret_attribute->version > 3))
        r = hdf5_bad(hdf5, span->at, "an attribute is of no version");
    return r;
}

/* Its type, which may be another object's. */
static MUST_USE int attribute_type(struct hdf5 *hdf5, const struct attribute *attribute, struct hdf5_span span,
                                   struct hdf5_type *ret_type)
{
    uint64_t version = 0, kind = 0, address = 0;
    int r = 0;

    if (attribute->version > 1 && (attribute->flags & 1) != 0) {
        r = hdf5_integer(hdf5, &span, 1, &version);
        if (r == 0)
            r = hdf5_integer(hdf5, &span, 1, &kind);
        if (r == 0 && version == 1)
            r = hdf5_skip(hdf5, &span, 6);
        if (r == 0 && version == 3 && kind == 1)
            return -ENOTSUP;
        if (r == 0)
            r = hdf5_address(hdf5, &span, &address);
        if (r == 0)
            r = hdf5_committed_type(hdf5, address, &span);
    }
    return r == 0 ? hdf5_read_type(hdf5, span, ret_type) : r;
}

int hdf5_read_attribute(struct hdf5 *hdf5, struct hdf5_span span)
{
    struct attribute attribute = {0};
    char name[HDF5_NAME_MAX + 1] = "";
    struct hdf5_span part = {0};
    struct hdf5_type type = {0};
    uint64_t count = 0;
    int r = read_attribute_head(hdf5, &span, &attribute);

    if (r == 0) {
        part = hdf5_span_of(span.at, attribute.name_size);
        r = hdf5_name(hdf5, &part, attribute.name_size, name);
    }
    if (r == 0)
        r = hdf5_skip(hdf5, &span, padded(&attribute, attribute.name_size));
    if (r == 0)
        r = attribute_type(hdf5, &attribute, hdf5_span_of(span.at, attribute.type_size), &type);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, padded(&attribute, attribute.type_size));
    if (r == 0)
        r = hdf5_read_space(hdf5, hdf5_span_of(span.at, attribute.space_size), &count);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, padded(&attribute, attribute.space_size));
    if (r < 0 || !hdf5_is_text(&type))
        return r;
    return hdf5_read_elements(hdf5, name, &type, count, span);
}
