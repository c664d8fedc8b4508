/* SPDX-License-Identifier: Apache-2.0 */
/* What a data set's shapes, values and labels must be, and the words for those that are not. */
#include "host/data/set_internal.h"

#include "host/data/arrange.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SET_PLACE_MAX 240u

/* --- shapes ------------------------------------------------------------------------------------ */

/* The file's own layout of images, or ANY. */
static enum data_layout file_layout(const struct spec *spec)
{
    if (spec->arrangement.from_nhwc)
        return DATA_LAYOUT_NHWC;
    return spec->arrangement.from_nchw ? DATA_LAYOUT_NCHW : spec->contract.layout;
}

int set_sample_dims(const struct spec *spec, const struct npy_header *header, const char *what, uint32_t *ret_rank,
                    uint64_t ret_dims[DATA_RANK_MAX], struct error *err)
{
    enum data_layout layout = file_layout(spec);
    uint64_t elements = header->elements / header->dims[0], wanted = 1;
    uint32_t rank = header->rank - 1;

    for (uint32_t i = 0; i < spec->shape_rank; i++)
        if (__builtin_mul_overflow(wanted, spec->shape[i], &wanted))
            wanted = UINT64_MAX;
    if (spec->shape_rank > 0 && wanted != elements)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array %s: a sample has %" PRIu64 " elements, the spec's shape has %" PRIu64, what, elements,
                         wanted);
    memset(ret_dims, 0, DATA_RANK_MAX * sizeof *ret_dims);
    if (spec->shape_rank > 0) {
        rank = spec->shape_rank;
        memcpy(ret_dims, spec->shape, rank * sizeof *ret_dims);
    } else if (rank == 2 && (layout == DATA_LAYOUT_NCHW || layout == DATA_LAYOUT_NHWC)) {
        rank = 3; /* images of one channel, without the axis for it */
        memcpy(ret_dims + (layout == DATA_LAYOUT_NCHW ? 1 : 0), header->dims + 1, 2 * sizeof *ret_dims);
        ret_dims[layout == DATA_LAYOUT_NCHW ? 0 : 2] = 1;
    } else {
        memcpy(ret_dims, header->dims + 1, rank * sizeof *ret_dims);
    }
    *ret_rank = rank;
    return 0;
}

/* --- values ------------------------------------------------------------------------------------ */

/* "sample 3, element 17 (0, 2, 1)": the place of an element, for messages; a feature with its name. */
static void format_place(const struct data_set *set, uint64_t position, char ret_text[SET_PLACE_MAX])
{
    const struct spec *spec = set->spec;
    uint64_t element = position % set->elements, stride = set->elements, rest = element;
    int used = snprintf(ret_text, SET_PLACE_MAX, "sample %" PRIu64 ", element %" PRIu64 " (", position / set->elements,
                        element);

    for (uint32_t i = 0; i < set->rank && used > 0 && (size_t)used < SET_PLACE_MAX; i++) {
        stride /= set->dims[i];
        used += snprintf(ret_text + used, SET_PLACE_MAX - (size_t)used, "%s%" PRIu64, i > 0 ? ", " : "", rest / stride);
        rest %= stride;
    }
    if (used > 0 && (size_t)used + 1 < SET_PLACE_MAX)
        used += snprintf(ret_text + used, SET_PLACE_MAX - (size_t)used, ")");
    if (used > 0 && (size_t)used + 1 < SET_PLACE_MAX && element < spec->feature_count &&
        spec->features[element].name[0] != '\0')
        (void)snprintf(ret_text + used, SET_PLACE_MAX - (size_t)used, ", feature '%s',", spec->features[element].name);
}

static bool is_within(const struct data_contract *contract, float value)
{
    return !contract->has_range || ((double)value >= contract->range_low && (double)value <= contract->range_high);
}

/* Names the first value of a block that may not be there. */
static int refuse_value(const struct data_set *set, const float *values, uint64_t position, size_t count,
                        struct error *err)
{
    const struct data_contract *contract = &set->spec->contract;
    char place[SET_PLACE_MAX];

    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i]) && is_within(contract, values[i]))
            continue;
        format_place(set, position + i, place);
        if (!isfinite(values[i]))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array x: %s is %s%s; remove or repair the sample", place,
                             isnan(values[i]) ? "not a number (NaN)" : "infinite",
                             set->x.type == NPY_F8 && !isnan(values[i]) ? ", or too large for float32" : "");
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: %s is %.9g, outside the spec's range [%.9g, %.9g]; correct the range or the data",
                         place, (double)values[i], contract->range_low, contract->range_high);
    }
    return error_set(err, ERROR_INTERNAL, -EINVAL, "array x: a value was refused and then not found");
}

/* The columns of each one-hot group: ones and zeros, and one 1 in all. */
static int check_groups(const struct data_set *set, const float *sample, uint64_t position, struct error *err)
{
    const struct spec *spec = set->spec;
    char place[SET_PLACE_MAX];

    for (uint32_t first = 0; first < spec->feature_count; first++) {
        uint32_t group = spec->features[first].group, k = first;
        unsigned ones = 0;

        while (group != 0 && k > 0 && spec->features[k - 1].group != group)
            k--;
        if (group == 0 || k > 0) /* none, or looked at from its first column */
            continue;
        for (k = first; k < spec->feature_count; k++)
            ones += spec->features[k].group == group && sample[k] == 1.0f;
        if (ones == 1)
            continue;
        format_place(set, position + first, place);
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: %s begins a one-hot group in which %u columns are 1 instead of one; correct "
                         "features or the data",
                         place, ones);
    }
    return 0;
}

/* One sample against the spec's features. */
static int check_sample(const struct data_set *set, const float *sample, uint64_t position, struct error *err)
{
    const struct spec *spec = set->spec;
    char place[SET_PLACE_MAX];

    for (uint32_t i = 0; i < spec->feature_count; i++) {
        const struct spec_feature *feature = &spec->features[i];
        bool whole = sample[i] == floorf(sample[i]);

        if ((!feature->has_range || (sample[i] >= feature->low && sample[i] <= feature->high)) &&
            (feature->kind == SPEC_FEATURE_REAL || whole))
            continue;
        format_place(set, position + i, place);
        if (feature->kind != SPEC_FEATURE_REAL && !whole)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                             "array x: %s is %.9g, and the spec says it is %s; correct features or the data", place,
                             (double)sample[i],
                             feature->kind == SPEC_FEATURE_INTEGER ? "an integer" : "a column of zeros and ones");
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: %s is %.9g, outside the feature's range [%.9g, %.9g]; correct the range or the data",
                         place, (double)sample[i], (double)feature->low, (double)feature->high);
    }
    return check_groups(set, sample, position, err);
}

int set_check_values(struct set_survey *survey, const float *values, uint64_t position, size_t count, struct error *err)
{
    const struct data_set *set = survey->set;
    float low = INFINITY, high = -INFINITY;
    uint32_t bad = 0;
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    if (bad != 0 || !is_within(&set->spec->contract, low) || !is_within(&set->spec->contract, high))
        return refuse_value(set, values, position, count, err);
    survey->min = low < survey->min ? low : survey->min;
    survey->max = high > survey->max ? high : survey->max;
    for (size_t i = 0; r == 0 && set->spec->feature_count > 0 && i < count; i += (size_t)set->elements)
        r = check_sample(set, values + i, position + i, err);
    return r;
}

/* --- labels ------------------------------------------------------------------------------------ */

int set_refuse_label(const struct data_set *set, uint64_t index, int64_t raw, struct error *err)
{
    const struct data_contract *contract = &set->spec->contract;
    uint32_t classes = contract->classes > 0 ? contract->classes : DATA_CLASSES_MAX;

    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "array y: label %" PRId64 " of sample %" PRIu64 " is out of range; with %s%" PRIu32
                     " classes%s labels go from %" PRId64 " to %" PRId64
                     "; check y, and the spec's classes and labelOffset",
                     raw, index, contract->classes > 0 ? "the spec's " : "at most ", classes,
                     contract->label_offset != 0 ? " and the spec's labelOffset" : "", contract->label_offset,
                     contract->label_offset + (int64_t)classes - 1);
}
