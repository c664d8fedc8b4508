/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering: what the node at hand gives, its inputs and attributes, checked. */
#include "guest/model/lower.h"

#include <errno.h>
#include <string.h>

/* --- inputs of the node at hand --------------------------------------------------------------- */

uint32_t lower_input(const struct lower *lower, uint32_t index)
{
    return index < lower->node->input_count ? lower->inputs[index] : GRAPH_NONE;
}

int lower_data(struct lower *lower, uint32_t index, uint32_t *ret_value, struct lower_value *ret_record)
{
    uint32_t value = lower_input(lower, index);

    if (value == GRAPH_NONE)
        return lower_bad(lower, "its input %u is missing", index);
    if (lower->values[value].type != ONNX_FLOAT)
        return lower_unsupported(lower, "its input %u is of %s; only float32 is computed", index,
                                 onnx_type_name(lower->values[value].type));
    *ret_value = value;
    *ret_record = lower->values[value];
    return 0;
}

int lower_parameter(struct lower *lower, uint32_t index, uint32_t rank, uint32_t *ret_value,
                    struct lower_value *ret_record)
{
    int r = lower_data(lower, index, ret_value, ret_record);

    if (r < 0)
        return r;
    if (!ret_record->constant)
        return lower_unsupported(lower, "its input %u is computed; it must be a constant", index);
    if (rank != GRAPH_NONE && ret_record->rank != rank)
        return lower_bad(lower, "its input %u has %u dimensions instead of %u", index, ret_record->rank, rank);
    return 0;
}

int lower_any(struct lower *lower, uint32_t index, uint32_t *ret_value, struct lower_value *ret_record)
{
    *ret_value = lower_input(lower, index);
    if (*ret_value == GRAPH_NONE)
        return lower_bad(lower, "its input %u is missing", index);
    *ret_record = lower->values[*ret_value];
    return 0;
}

int lower_scalar(struct lower *lower, uint32_t index, double absent, double *ret_number)
{
    uint32_t value = lower_input(lower, index);
    const struct lower_value *record;
    const int64_t *integers;
    const float *floats;
    int r;

    *ret_number = absent;
    if (value == GRAPH_NONE)
        return 0;
    record = &lower->values[value];
    if (!record->constant)
        return lower_unsupported(lower, "its input %u is computed; it must be a constant", index);
    if (record->elements != 1)
        return lower_bad(lower, "its input %u is %s, not a scalar", index, DIMS_TEXT(record->rank, record->dims));
    if (record->type == ONNX_FLOAT) {
        r = lower_floats(lower, value, &floats);
        if (r == 0)
            *ret_number = (double)floats[0];
    } else {
        r = lower_integers(lower, value, &integers);
        if (r == 0)
            *ret_number = (double)integers[0];
    }
    return r;
}

int lower_list(struct lower *lower, uint32_t index, const int64_t **ret_integers, uint64_t *ret_count)
{
    uint32_t value = lower_input(lower, index);
    const struct lower_value *record;

    *ret_integers = NULL;
    *ret_count = 0;
    if (value == GRAPH_NONE)
        return 0;
    record = &lower->values[value];
    if (!record->constant)
        return lower_unsupported(lower,
                                 "its input %u depends on the input's data; it must be a constant, so that shapes are "
                                 "known: export the model with fixed sizes",
                                 index);
    if (!onnx_type_is_integer(record->type) || record->rank > 1)
        return lower_bad(lower, "its input %u must be a list of integers, and is %s of %s", index,
                         DIMS_TEXT(record->rank, record->dims), onnx_type_name(record->type));
    *ret_count = record->elements;
    return lower_integers(lower, value, ret_integers);
}

/* --- attributes of the node at hand ------------------------------------------------------------ */

struct onnx_attribute *lower_attribute(struct lower *lower, const char *name)
{
    for (uint32_t i = 0; i < lower->attributes.count; i++)
        if (span_equal(lower->attributes.items[i].name, name)) {
            lower->attributes.items[i].used = true;
            return &lower->attributes.items[i];
        }
    return NULL;
}

int lower_attribute_int(struct lower *lower, const char *name, int64_t absent, int64_t *ret_value)
{
    const struct onnx_attribute *attribute = lower_attribute(lower, name);

    if (attribute != NULL && (!attribute->has_i && attribute->type != 2))
        return lower_bad(lower, "attribute %s must be an integer", name);
    *ret_value = attribute != NULL ? attribute->i : absent;
    return 0;
}

int lower_attribute_float(struct lower *lower, const char *name, float absent, float *ret_value)
{
    const struct onnx_attribute *attribute = lower_attribute(lower, name);

    if (attribute != NULL && (!attribute->has_f && attribute->type != 1))
        return lower_bad(lower, "attribute %s must be a float", name);
    *ret_value = attribute != NULL ? attribute->f : absent;
    return 0;
}

int lower_attribute_ints(struct lower *lower, const char *name, const int64_t **ret_values, uint32_t *ret_count)
{
    const struct onnx_attribute *attribute = lower_attribute(lower, name);

    if (attribute != NULL && attribute->int_count == 0 && attribute->type != 7)
        return lower_bad(lower, "attribute %s must be a list of integers", name);
    *ret_values = attribute != NULL ? lower->attributes.ints + attribute->first_int : NULL;
    *ret_count = attribute != NULL ? attribute->int_count : 0;
    return 0;
}

int lower_attribute_text(struct lower *lower, const char *name, struct span *ret_text)
{
    const struct onnx_attribute *attribute = lower_attribute(lower, name);

    if (attribute != NULL && !attribute->has_s && attribute->type != 3)
        return lower_bad(lower, "attribute %s must be a string", name);
    *ret_text = attribute != NULL ? attribute->s : (struct span){0};
    return 0;
}
