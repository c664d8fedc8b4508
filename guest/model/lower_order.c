/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what compares or adds up along an axis: ArgMax, ArgMin, TopK, Hardmax, CumSum. */
#include "guest/model/compose.h"

#include <string.h>

/* The axis of an attribute, as the range that the engine takes. */
static void take_axis(struct compose *c, const struct lower_value *x, int64_t absent,
                      struct graph_attributes *attributes)
{
    int64_t axis = absent;

    if (c->code == 0)
        compose_check(c, lower_attribute_int(c->lower, "axis", absent, &axis));
    if (c->code == 0)
        compose_check(c, lower_axis(c->lower, axis, x->rank, &attributes->axis));
    attributes->axis_end = attributes->axis + 1;
}

static uint64_t length_of(const struct lower_value *x, const struct graph_attributes *attributes)
{
    return x->rank == 0 ? 1 : x->dims[attributes->axis];
}

/* Computed integers as plain numbers. */
static uint32_t as_floats(struct compose *c, uint32_t x)
{
    return compose_record(c, x).type == ONNX_FLOAT ? x : compose_cast(c, x, ONNX_FLOAT);
}

static int position(struct lower *lower, bool least)
{
    struct compose c = {.lower = lower};
    struct graph_attributes attributes = {0};
    uint32_t input = compose_input(&c, 0), kept = 0;
    struct lower_value x = compose_record(&c, input);
    uint64_t dims[GRAPH_RANK_MAX], length;
    int64_t keep = 1, last = 0;

    take_axis(&c, &x, 0, &attributes);
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "keepdims", 1, &keep));
    if (c.code == 0 && lower->model->opset >= 12)
        compose_check(&c, lower_attribute_int(lower, "select_last_index", 0, &last));
    length = length_of(&x, &attributes);
    if (c.code == 0 && (double)length > LOWER_EXACT_MAX)
        return lower_unsupported(lower, "%llu elements are too many to compare", (unsigned long long)length);
    attributes.last_first = last != 0;
    input = as_floats(&c, input);
    if (least)
        input = compose_function(&c, FUNCTION_NEG, input);
    input = compose_along(&c, GRAPH_ARG_MAX, input, &attributes, 1);
    input = compose_settle(&c, input, ONNX_INT64, (double)length - 1);
    for (uint32_t i = 0; i < x.rank; i++)
        if (i != attributes.axis || keep != 0)
            dims[kept++] = i == attributes.axis ? 1 : x.dims[i];
    return compose_end(&c, compose_reshape(&c, input, kept, dims));
}

int lower_arg_max(struct lower *lower)
{
    return position(lower, false);
}

int lower_arg_min(struct lower *lower)
{
    return position(lower, true);
}

int lower_hardmax(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct graph_attributes attributes = {0};
    uint32_t input = compose_floats(&c, 0);
    struct lower_value x = compose_record(&c, input);
    uint32_t result = GRAPH_NONE;

    /* Before operator set 13 the axis and all behind it count as one. */
    take_axis(&c, &x, lower->model->opset < 13 ? 1 : -1, &attributes);
    if (lower->model->opset < 13)
        attributes.axis_end = x.rank;
    if (c.code == 0)
        compose_check(&c, lower_emit(lower, GRAPH_HARDMAX, &input, 1, &attributes, x.rank, x.dims, &result));
    return compose_end(&c, result);
}

int lower_top_k(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct graph_attributes attributes = {0};
    uint32_t input = compose_input(&c, 0), values, positions;
    struct lower_value x = compose_record(&c, input);
    const int64_t *list = NULL;
    int64_t k = -1, largest = 1, sorted;
    uint64_t count = 0;

    take_axis(&c, &x, -1, &attributes);
    if (c.code == 0 && lower->model->opset < 10)
        compose_check(&c, lower_attribute_int(lower, "k", -1, &k));
    else if (c.code == 0)
        compose_check(&c, lower_list(lower, 1, &list, &count));
    if (c.code == 0 && lower->model->opset >= 11)
        compose_check(&c, lower_attribute_int(lower, "largest", 1, &largest));
    if (c.code == 0 && lower->model->opset >= 11)
        compose_check(&c, lower_attribute_int(lower, "sorted", 1, &sorted)); /* they are, asked or not */
    if (c.code < 0)
        return c.code;
    if (list != NULL && count == 1)
        k = list[0];
    if (k < 1 || (uint64_t)k > length_of(&x, &attributes))
        return lower_bad(lower, "k is %lld for %llu elements", (long long)k,
                         (unsigned long long)length_of(&x, &attributes));
    attributes.kept = (uint64_t)k;
    input = as_floats(&c, input);
    if (largest == 0)
        input = compose_function(&c, FUNCTION_NEG, input);
    values = compose_along(&c, GRAPH_TOP_K, input, &attributes, attributes.kept);
    if (largest == 0)
        values = compose_function(&c, FUNCTION_NEG, values);
    if (c.code == 0 && x.type != ONNX_FLOAT)
        values = compose_retype(&c, values, x.type, x.constant ? lower_type_bound(x.type) : x.bound);
    attributes.gives_positions = true;
    positions = compose_along(&c, GRAPH_TOP_K, input, &attributes, attributes.kept);
    compose_output(&c, 1, compose_settle(&c, positions, ONNX_INT64, (double)length_of(&x, &attributes)));
    return compose_end(&c, values);
}

int lower_cum_sum(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct graph_attributes attributes = {0};
    uint32_t input = compose_floats(&c, 0);
    struct lower_value x = compose_record(&c, input);
    int64_t exclusive = 0, reverse = 0;
    double axis = 0;

    if (c.code == 0)
        compose_check(&c, lower_scalar(lower, 1, 0, &axis));
    if (c.code == 0)
        compose_check(&c, lower_axis(lower, (int64_t)axis, x.rank, &attributes.axis));
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "exclusive", 0, &exclusive));
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "reverse", 0, &reverse));
    attributes.axis_end = attributes.axis + 1;
    attributes.leaves_itself_out = exclusive != 0;
    attributes.last_first = reverse != 0;
    return compose_end(&c, compose_along(&c, GRAPH_CUM_SUM, input, &attributes, length_of(&x, &attributes)));
}
