/* SPDX-License-Identifier: Apache-2.0 */
/* The input contract's file: a libcyaml schema, then checks of what the schema can't say. */
#include "host/data/spec.h"

#include "host/data/spec_document.h"
#include "host/yaml/load.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SPEC_LABEL_OFFSET_MAX (INT64_C(1) << 31)

enum spec_channels { SPEC_CHANNELS_NONE, SPEC_CHANNELS_RGB, SPEC_CHANNELS_BGR };
enum spec_type { SPEC_TYPE_NONE, SPEC_TYPE_FLOAT32 };
enum spec_outputs { SPEC_OUTPUTS_NONE, SPEC_OUTPUTS_LOGITS, SPEC_OUTPUTS_PROBABILITIES };

/* The document as libcyaml builds it; pointers are NULL and enumerations 0 where a key is absent. */
struct document_data {
    enum data_layout layout;
    enum spec_channels channels;
};

struct document {
    char *input, *output;
    enum data_layout layout;
    enum spec_channels channels;
    enum spec_type type;
    enum spec_outputs outputs;
    double *range, *scale, *mean, *std;
    unsigned range_count, mean_count, std_count;
    int64_t *classes, *label_offset, *shape;
    unsigned shape_count, feature_count;
    struct document_data *data;
    struct document_feature *features;
    struct document_values *mask, *eps_scale;
};

static const cyaml_strval_t layouts[] = {
    {"NCHW", DATA_LAYOUT_NCHW}, {"NHWC", DATA_LAYOUT_NHWC}, {"ND", DATA_LAYOUT_ND}};
static const cyaml_strval_t channel_orders[] = {{"rgb", SPEC_CHANNELS_RGB}, {"bgr", SPEC_CHANNELS_BGR}};
static const cyaml_strval_t element_types[] = {{"float32", SPEC_TYPE_FLOAT32}};
static const cyaml_strval_t output_kinds[] = {{"logits", SPEC_OUTPUTS_LOGITS},
                                              {"probabilities", SPEC_OUTPUTS_PROBABILITIES}};

#define OPTIONAL         (CYAML_FLAG_OPTIONAL)
#define OPTIONAL_STRICT  (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define OPTIONAL_POINTER (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

/* libcyaml's macros mix signedness in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
static const cyaml_schema_value_t number_schema = {CYAML_VALUE_FLOAT(CYAML_FLAG_STRICT, double)};

static const cyaml_schema_value_t dimension_schema = {CYAML_VALUE_INT(CYAML_FLAG_STRICT, int64_t)};

static const cyaml_schema_field_t data_fields[] = {
    CYAML_FIELD_ENUM("layout", OPTIONAL_STRICT, struct document_data, layout, layouts, 2 /* images only */),
    CYAML_FIELD_ENUM("channels", OPTIONAL_STRICT, struct document_data, channels, channel_orders, 2), CYAML_FIELD_END};

static const cyaml_schema_field_t document_fields[] = {
    CYAML_FIELD_STRING_PTR("input", OPTIONAL_POINTER, struct document, input, 1, DATA_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("output", OPTIONAL_POINTER, struct document, output, 1, DATA_NAME_MAX - 1),
    CYAML_FIELD_ENUM("layout", OPTIONAL_STRICT, struct document, layout, layouts, 3),
    CYAML_FIELD_ENUM("channels", OPTIONAL_STRICT, struct document, channels, channel_orders, 2),
    CYAML_FIELD_ENUM("type", OPTIONAL_STRICT, struct document, type, element_types, 1),
    CYAML_FIELD_ENUM("outputs", OPTIONAL_STRICT, struct document, outputs, output_kinds, 2),
    CYAML_FIELD_SEQUENCE_COUNT("range", OPTIONAL_POINTER, struct document, range, range_count, &number_schema, 2, 2),
    CYAML_FIELD_FLOAT_PTR("scale", OPTIONAL_STRICT, struct document, scale),
    CYAML_FIELD_SEQUENCE_COUNT("mean", OPTIONAL_POINTER, struct document, mean, mean_count, &number_schema, 1,
                               DATA_CHANNELS_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("std", OPTIONAL_POINTER, struct document, std, std_count, &number_schema, 1,
                               DATA_CHANNELS_MAX),
    CYAML_FIELD_INT_PTR("classes", OPTIONAL, struct document, classes),
    CYAML_FIELD_INT_PTR("labelOffset", OPTIONAL, struct document, label_offset),
    CYAML_FIELD_MAPPING_PTR("data", OPTIONAL_POINTER, struct document, data, data_fields),
    CYAML_FIELD_SEQUENCE_COUNT("shape", OPTIONAL_POINTER, struct document, shape, shape_count, &dimension_schema, 1,
                               DATA_RANK_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("features", OPTIONAL_POINTER, struct document, features, feature_count,
                               &spec_document_feature, 1, SPEC_FEATURES_MAX),
    CYAML_FIELD_MAPPING_PTR("mask", OPTIONAL_POINTER, struct document, mask, spec_document_values),
    CYAML_FIELD_MAPPING_PTR("epsScale", OPTIONAL_POINTER, struct document, eps_scale, spec_document_values),
    CYAML_FIELD_END};

static const cyaml_schema_value_t document_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct document, document_fields)};
#pragma GCC diagnostic pop

/* --- loading ----------------------------------------------------------------------------------- */

static void free_document(struct document **document)
{
    strict_yaml_free(&document_schema, *document);
}

static int load(const void *yaml, size_t size, struct document **ret_document, struct error *err)
{
    struct error cause = {0};
    int r;

    if (size > SPEC_SIZE_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "a spec of %zu bytes; at most %u are read", size,
                         SPEC_SIZE_MAX);
    r = strict_yaml_load(yaml, size, "YAML", &document_schema, (cyaml_data_t **)ret_document, &cause);
    if (r < 0)
        return error_set(err, cause.kind, r, "%s; docs/spec.md lists the keys and their values", cause.text);
    return 0;
}

/* --- checking ---------------------------------------------------------------------------------- */

static int refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s", what);
}

static int take_name(const char *key, const char *text, char ret_name[DATA_NAME_MAX], struct error *err)
{
    if (text == NULL)
        return 0;
    for (size_t i = 0; text[i] != '\0'; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "key %s: a name of other characters than printable ASCII",
                             key);
    (void)snprintf(ret_name, DATA_NAME_MAX, "%s", text);
    return 0;
}

static int take_range(const struct document *document, struct data_contract *contract, struct error *err)
{
    float low, high;

    if (document->range == NULL)
        return 0;
    low = (float)document->range[0];
    high = (float)document->range[1];
    if (!isfinite(low) || !isfinite(high) || !(low < high))
        return refuse(err, "key range: it must be [low, high], two finite float32 numbers with low < high");
    contract->has_range = true;
    contract->range_low = (double)low;
    contract->range_high = (double)high;
    return 0;
}

static int take_numbers(const char *key, const double *from, unsigned count, bool positive, double *ret_to,
                        uint32_t *ret_count, struct error *err)
{
    for (unsigned i = 0; i < count; i++) {
        if (!isfinite(from[i]) || (positive && !(from[i] > 0)))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "key %s: entry %u must be a finite number%s", key, i + 1,
                             positive ? " above 0" : "");
        ret_to[i] = from[i];
    }
    *ret_count = count;
    return 0;
}

static int take_normalisation(const struct document *document, struct spec_normalisation *normalisation,
                              struct error *err)
{
    int r;

    normalisation->scale = document->scale != NULL ? *document->scale : 1.0;
    if (!isfinite(normalisation->scale) || !(normalisation->scale > 0))
        return refuse(err, "key scale: it must be a finite number above 0");
    r = take_numbers("mean", document->mean, document->mean_count, false, normalisation->mean,
                     &normalisation->mean_count, err);
    if (r < 0)
        return r;
    return take_numbers("std", document->std, document->std_count, true, normalisation->std, &normalisation->std_count,
                        err);
}

static int take_classes(const struct document *document, struct data_contract *contract, struct error *err)
{
    if (document->classes != NULL) {
        if (*document->classes < 2 || *document->classes > DATA_CLASSES_MAX)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                             "key classes: it must be from 2 to %u; regression is not evaluated", DATA_CLASSES_MAX);
        contract->classes = (uint32_t)*document->classes;
    }
    if (document->label_offset != NULL) {
        if (*document->label_offset < -SPEC_LABEL_OFFSET_MAX || *document->label_offset > SPEC_LABEL_OFFSET_MAX)
            return refuse(err, "key labelOffset: its magnitude is beyond 2^31");
        contract->label_offset = *document->label_offset;
    }
    return 0;
}

/* What lies between the file's arrangement and the model's. */
static int take_arrangement(const struct document *document, struct spec_arrangement *arrangement, struct error *err)
{
    const struct document_data *data = document->data;
    bool image = document->layout == DATA_LAYOUT_NCHW || document->layout == DATA_LAYOUT_NHWC;

    if (document->channels != SPEC_CHANNELS_NONE && !image)
        return refuse(err, "key channels: it needs layout NCHW or NHWC, which say where the channels are");
    if (data == NULL)
        return 0;
    if (data->layout != DATA_LAYOUT_ANY) {
        if (!image)
            return refuse(err, "key data.layout: it needs the model's own layout, NCHW or NHWC, in the key layout");
        arrangement->from_nhwc = data->layout == DATA_LAYOUT_NHWC && document->layout == DATA_LAYOUT_NCHW;
        arrangement->from_nchw = data->layout == DATA_LAYOUT_NCHW && document->layout == DATA_LAYOUT_NHWC;
    }
    if (data->channels != SPEC_CHANNELS_NONE) {
        if (document->channels == SPEC_CHANNELS_NONE)
            return refuse(err, "key data.channels: it needs the model's own order, rgb or bgr, in the key channels");
        arrangement->reverse_channels = data->channels != document->channels;
    }
    return 0;
}

static int take_shape(const struct document *document, struct spec *spec, struct error *err)
{
    for (unsigned i = 0; i < document->shape_count; i++) {
        if (document->shape[i] < 1 || (uint64_t)document->shape[i] > DATA_SAMPLE_MAX)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "key shape: entry %u must be from 1 to %llu", i + 1,
                             (unsigned long long)DATA_SAMPLE_MAX);
        spec->shape[i] = (uint64_t)document->shape[i];
    }
    spec->shape_rank = document->shape_count;
    return 0;
}

/* Where no range is given for all, the features' own are one together. */
static int take_elements(const struct document *document, struct spec *spec, struct error *err)
{
    const struct document_values *const values[DATA_ARRAY_COUNT] = {
        [DATA_ARRAY_MASK] = document->mask, [DATA_ARRAY_EPS_SCALE] = document->eps_scale};
    struct data_contract *contract = &spec->contract;
    int r = spec_take_features(document->features, document->feature_count, spec, err);

    if (r == 0)
        r = spec_take_values(values, spec, err);
    if (r < 0 || !spec_has_features(spec))
        return r;
    for (uint32_t i = 0; i < spec->feature_count; i++) {
        const struct spec_feature *feature = &spec->features[i];

        if (document->range == NULL && !feature->has_range)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                             "key features: entry %u has no range, and there is no key range for all", i + 1);
        if (document->range != NULL && feature->has_range &&
            ((double)feature->low < contract->range_low || (double)feature->high > contract->range_high))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "key features: entry %u has a range outside the key range",
                             i + 1);
        if (document->range != NULL)
            continue;
        if (i == 0 || (double)feature->low < contract->range_low)
            contract->range_low = (double)feature->low;
        if (i == 0 || (double)feature->high > contract->range_high)
            contract->range_high = (double)feature->high;
    }
    if (document->range == NULL && !(contract->range_low < contract->range_high))
        return refuse(err, "keys features, mask, epsScale: they need ranges; give the key range, or one a feature");
    contract->has_range = true;
    return 0;
}

void spec_default(struct spec *ret_spec)
{
    memset(ret_spec, 0, sizeof *ret_spec);
    ret_spec->normalisation.scale = 1.0;
}

int spec_parse(const void *yaml, size_t size, struct spec *ret_spec, struct error *err)
{
    CLEANUP(free_document) struct document *document = NULL;
    CLEANUP_FREE struct spec *spec = malloc(sizeof *spec);
    int r;

    if (spec == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read the spec");
    spec_default(spec);
    r = load(yaml, size, &document, err);
    if (r < 0)
        return r;
    r = take_name("input", document->input, spec->contract.input, err);
    if (r == 0)
        r = take_name("output", document->output, spec->contract.output, err);
    if (r == 0)
        r = take_range(document, &spec->contract, err);
    if (r == 0)
        r = take_classes(document, &spec->contract, err);
    if (r == 0)
        r = take_normalisation(document, &spec->normalisation, err);
    if (r == 0)
        r = take_arrangement(document, &spec->arrangement, err);
    if (r == 0)
        r = take_shape(document, spec, err);
    if (r == 0)
        r = take_elements(document, spec, err);
    if (r < 0)
        return r;
    spec->contract.layout = document->layout;
    spec->contract.outputs =
        document->outputs == SPEC_OUTPUTS_PROBABILITIES ? DATA_OUTPUTS_PROBABILITIES : DATA_OUTPUTS_LOGITS;
    *ret_spec = *spec;
    return 0;
}

/* --- against the samples' shape ---------------------------------------------------------------- */

static int check_layout(enum data_layout layout, uint32_t rank, struct error *err)
{
    static const char *const names[] = {"", "NCHW", "NHWC", "ND"};
    uint32_t wanted = layout == DATA_LAYOUT_ND ? 1 : 3;

    if (layout != DATA_LAYOUT_ANY && rank != wanted)
        return error_set(
            err, ERROR_BAD_INPUT, -EBADMSG,
            "the spec's layout %s means arrays of %u dimensions, but x has %u; correct layout or reshape x",
            names[layout], wanted + 1, rank + 1);
    return 0;
}

/* Mean and standard deviation one a channel need the channels on the samples' first axis. */
static int check_per_channel(const char *key, uint32_t count, enum data_layout layout, uint64_t channels,
                             struct error *err)
{
    if (count <= 1)
        return 0;
    if (layout == DATA_LAYOUT_NHWC)
        return error_set(
            err, ERROR_BAD_INPUT, -EBADMSG,
            "key %s: one value a channel is supported for models of layout NCHW or ND, not NHWC; where the model "
            "takes NCHW and only the data set is NHWC, write layout: NCHW and data: {layout: NHWC}",
            key);
    if (count != channels)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "key %s: %" PRIu32 " values for samples of %" PRIu64
                         " channels; give one value, or one a channel",
                         key, count, channels);
    return 0;
}

int spec_resolve(struct spec *spec, uint32_t rank, const uint64_t *dims, struct error *err)
{
    const struct spec_normalisation *from = &spec->normalisation;
    struct data_contract *contract = &spec->contract;
    int r = check_layout(contract->layout, rank, err);

    if (r == 0)
        r = check_per_channel("mean", from->mean_count, contract->layout, dims[0], err);
    if (r == 0)
        r = check_per_channel("std", from->std_count, contract->layout, dims[0], err);
    if (r < 0)
        return r;
    contract->channels = 0;
    if (from->scale == 1.0 && from->mean_count == 0 && from->std_count == 0)
        return 0;
    if (dims[0] > DATA_CHANNELS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "keys scale, mean, std: samples of %" PRIu64 " channels; at most %u are scaled", dims[0],
                         DATA_CHANNELS_MAX);
    for (uint32_t i = 0; i < (uint32_t)dims[0]; i++) {
        double mean = from->mean_count == 0 ? 0.0 : from->mean[from->mean_count == 1 ? 0 : i];
        double std = from->std_count == 0 ? 1.0 : from->std[from->std_count == 1 ? 0 : i];

        contract->scale[i] = (float)(from->scale / std);
        contract->offset[i] = (float)((0.0 - mean) / std);
        if (!isfinite(contract->scale[i]) || !isfinite(contract->offset[i]) || contract->scale[i] == 0.0f)
            return refuse(err, "keys scale, mean, std: together they leave the range of float32");
    }
    contract->channels = (uint32_t)dims[0];
    return 0;
}
