/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec says of single elements: the keys features, mask and epsScale. */
#include "host/data/spec_document.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const cyaml_strval_t kinds[] = {
    {"real", SPEC_FEATURE_REAL}, {"integer", SPEC_FEATURE_INTEGER}, {"categorical", SPEC_FEATURE_CATEGORICAL}};

/* libcyaml takes any word but a few for true. */
static const cyaml_strval_t truths[] = {{"false", 0}, {"true", 1}};

#define OPTIONAL         (CYAML_FLAG_OPTIONAL)
#define OPTIONAL_STRICT  (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define OPTIONAL_POINTER (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

/* libcyaml's macros mix signedness in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
static const cyaml_schema_value_t number_schema = {CYAML_VALUE_FLOAT(CYAML_FLAG_STRICT, double)};

static const cyaml_schema_field_t feature_fields[] = {
    CYAML_FIELD_STRING_PTR("name", OPTIONAL_POINTER, struct document_feature, name, 1, SPEC_FEATURE_NAME_MAX - 1),
    CYAML_FIELD_SEQUENCE_COUNT("range", OPTIONAL_POINTER, struct document_feature, range, range_count, &number_schema,
                               2, 2),
    CYAML_FIELD_ENUM("type", OPTIONAL_STRICT, struct document_feature, kind, kinds, 3),
    CYAML_FIELD_STRING_PTR("group", OPTIONAL_POINTER, struct document_feature, group, 1, SPEC_FEATURE_NAME_MAX - 1),
    CYAML_FIELD_ENUM("immutable", OPTIONAL_STRICT, struct document_feature, immutable, truths, 2),
    CYAML_FIELD_FLOAT_PTR("epsScale", OPTIONAL_STRICT, struct document_feature, eps_scale),
    CYAML_FIELD_END};

const cyaml_schema_value_t spec_document_feature = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_feature, feature_fields)};

const cyaml_schema_field_t spec_document_values[] = {
    CYAML_FIELD_STRING_PTR("file", OPTIONAL_POINTER, struct document_values, file, 1, DATA_FILE_NAME_MAX - 1),
    CYAML_FIELD_SEQUENCE_COUNT("values", OPTIONAL_POINTER, struct document_values, values, values_count, &number_schema,
                               1, SPEC_VALUES_MAX),
    CYAML_FIELD_END};
#pragma GCC diagnostic pop

bool spec_has_features(const struct spec *spec)
{
    bool has = spec->feature_count > 0;

    for (unsigned i = 0; i < DATA_ARRAY_COUNT; i++)
        has = has || spec->arrays[i].count > 0 || spec->arrays[i].file[0] != '\0';
    return has;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

/* --- features ---------------------------------------------------------------------------------- */

static int refuse(unsigned index, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "key features: entry %u: %s", index + 1, what);
}

/* The number of a one-hot group: that of the feature before which names it too, else the next one. */
static uint32_t group_of(const struct document_feature *features, unsigned index, const struct spec *spec)
{
    uint32_t next = 2;

    for (unsigned i = 0; i < index; i++) {
        if (features[i].group != NULL && strcmp(features[i].group, features[index].group) == 0)
            return spec->features[i].group;
        if (spec->features[i].group >= next)
            next = spec->features[i].group + 1;
    }
    return next;
}

static int take_range(const struct document_feature *from, unsigned index, struct spec_feature *to, struct error *err)
{
    if (from->kind == SPEC_FEATURE_CATEGORICAL) { /* a column of ones and zeros */
        to->has_range = true;
        to->low = 0;
        to->high = 1;
        return from->range == NULL || (from->range[0] == 0 && from->range[1] == 1)
                   ? 0
                   : refuse(index, "the range of a categorical column is [0, 1]", err);
    }
    if (from->range == NULL)
        return 0;
    to->has_range = true;
    to->low = (float)from->range[0];
    to->high = (float)from->range[1];
    if (!isfinite(to->low) || !isfinite(to->high) || !(to->low <= to->high))
        return refuse(index, "its range must be [low, high], two finite float32 numbers with low <= high", err);
    if (from->kind == SPEC_FEATURE_INTEGER && (to->low != floorf(to->low) || to->high != floorf(to->high)))
        return refuse(index, "the range of an integer feature must be of integers", err);
    return 0;
}

static int take_feature(const struct document_feature *features, unsigned index, struct spec *spec, struct error *err)
{
    const struct document_feature *from = &features[index];
    struct spec_feature *to = &spec->features[index];

    *to = (struct spec_feature){.kind = from->kind, .immutable = from->immutable != 0, .eps_scale = 1.0f};
    if ((from->name != NULL && !is_printable(from->name)) || (from->group != NULL && !is_printable(from->group)))
        return refuse(index, "a name or group of other characters than printable ASCII", err);
    if (from->name != NULL)
        (void)snprintf(to->name, sizeof to->name, "%s", from->name);
    if ((from->kind == SPEC_FEATURE_CATEGORICAL) != (from->group != NULL))
        return refuse(index,
                      from->group == NULL ? "a categorical feature is one column of a one-hot group: name its group, "
                                            "or make it integer and immutable"
                                          : "group is for features of type categorical",
                      err);
    if (from->group != NULL)
        to->group = group_of(features, index, spec);
    if (from->eps_scale != NULL) {
        to->eps_scale = (float)*from->eps_scale;
        if (!isfinite(to->eps_scale) || to->eps_scale < 0)
            return refuse(index, "epsScale must be a finite number of at least 0", err);
    }
    return take_range(from, index, to, err);
}

/* A group of a single column could only ever be 1. */
static int check_groups(const struct spec *spec, struct error *err)
{
    for (uint32_t i = 0; i < spec->feature_count; i++) {
        unsigned columns = 0;

        for (uint32_t k = 0; spec->features[i].group != 0 && k < spec->feature_count; k++)
            columns += spec->features[k].group == spec->features[i].group;
        if (columns == 1)
            return refuse(i, "its group has no other column", err);
    }
    return 0;
}

int spec_take_features(const struct document_feature *features, unsigned count, struct spec *spec, struct error *err)
{
    for (unsigned i = 0; i < count; i++) {
        int r = take_feature(features, i, spec, err);

        if (r < 0)
            return r;
        spec->feature_count++;
    }
    return check_groups(spec, err);
}

/* --- mask and epsScale --------------------------------------------------------------------------- */

static const char *const array_keys[DATA_ARRAY_COUNT] = {
    [DATA_ARRAY_MASK] = "mask", [DATA_ARRAY_EPS_SCALE] = "epsScale"};

/* The name of a file beside the spec, and of no other place. */
static bool is_plain_name(const char *name)
{
    size_t length = strlen(name);

    return is_printable(name) && name[0] != '.' && strchr(name, '/') == NULL && length > 4 &&
           strcmp(name + length - 4, ".npy") == 0;
}

static int take_values(const char *key, const struct document_values *from, struct spec_values *to, struct error *err)
{
    if ((from->file != NULL) == (from->values != NULL))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "key %s: it takes either file or values", key);
    if (from->file != NULL && !is_plain_name(from->file))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "key %s.file: it must be the name of a .npy file beside the spec, without a folder", key);
    if (from->file != NULL)
        (void)snprintf(to->file, sizeof to->file, "%s", from->file);
    for (unsigned i = 0; i < from->values_count; i++) {
        to->values[i] = (float)from->values[i];
        if (!isfinite(to->values[i]))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "key %s.values: entry %u is no finite number", key, i + 1);
    }
    to->count = from->values_count;
    return 0;
}

int spec_take_values(const struct document_values *const values[DATA_ARRAY_COUNT], struct spec *spec, struct error *err)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < DATA_ARRAY_COUNT; i++)
        if (values[i] != NULL)
            r = take_values(array_keys[i], values[i], &spec->arrays[i], err);
    return r;
}
