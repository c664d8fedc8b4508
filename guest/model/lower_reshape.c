/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of what changes shapes and not elements, and of constants and shapes themselves. */
#include "guest/model/lower.h"

#include <errno.h>
#include <string.h>

int lower_identity(struct lower *lower)
{
    struct lower_value x;

    return lower_any(lower, 0, &lower->result, &x);
}

/* Dropout's second output: true everywhere (1 before operator set 10), nothing being dropped. */
static int add_mask(struct lower *lower)
{
    struct lower_value x = lower->values[lower->result];
    CLEANUP_FREE int64_t *truths = NULL;
    int64_t used = lower->model->values[lower->model->edges[lower->node->first_output + 1].value].uses;

    if (used == 0 || x.elements > MODEL_INTEGERS_MAX)
        return 0;
    truths = malloc((x.elements + 1) * sizeof *truths);
    if (truths == NULL)
        return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
    for (uint64_t i = 0; i < x.elements; i++)
        truths[i] = 1;
    return lower_constant_value(lower, ONNX_BOOL, truths, x.rank, x.dims, &lower->more[1]);
}

int lower_dropout(struct lower *lower)
{
    const int64_t *training;
    uint64_t count;
    int r;

    (void)lower_attribute(lower, "ratio");
    (void)lower_attribute(lower, "seed");
    if (lower->model->opset >= 12) {
        r = lower_list(lower, 2, &training, &count);
        if (r < 0)
            return r;
        if (training != NULL && count == 1 && training[0] != 0)
            return lower_unsupported(lower, "training_mode is set; export the model for inference");
    } else if (lower->node->input_count > 1) {
        return lower_bad(lower, "inputs beyond the first came with operator set 12");
    } else if (lower->model->opset < 7) {
        int64_t testing;

        r = lower_attribute_int(lower, "is_test", 0, &testing);
        if (r < 0)
            return r;
        if (testing == 0)
            return lower_unsupported(lower, "is_test is not set; export the model for inference");
    }
    r = lower_identity(lower);
    return r < 0 || lower->node->output_count < 2 ? r : add_mask(lower);
}

int lower_flatten(struct lower *lower)
{
    struct lower_value x;
    uint32_t input, axis;
    uint64_t dims[2] = {1, 1};
    int64_t asked;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0)
        r = lower_attribute_int(lower, "axis", 1, &asked);
    if (r < 0)
        return r;
    if (asked < -(int64_t)x.rank || asked > (int64_t)x.rank)
        return lower_bad(lower, "axis %lld is not within %u dimensions", (long long)asked, x.rank);
    axis = (uint32_t)(asked < 0 ? asked + (int64_t)x.rank : asked);
    for (uint32_t i = 0; i < x.rank; i++)
        dims[i < axis ? 0 : 1] *= x.dims[i];
    return lower_reshape(lower, input, 2, dims, &lower->result);
}

/* Reshape's dimensions: 0 copies unless allowzero, a single -1 takes what is left. */
static int resolve_shape(struct lower *lower, const struct lower_value *x, const int64_t *asked, uint32_t rank,
                         bool allow_zero, uint64_t *ret_dims)
{
    uint32_t free_axis = GRAPH_NONE;
    uint64_t known;

    for (uint32_t i = 0; i < rank; i++) {
        if (asked[i] < -1 || asked[i] > (int64_t)MODEL_DIM_MAX)
            return lower_bad(lower, "dimension %u of its shape is %lld", i, (long long)asked[i]);
        if (asked[i] == -1 && free_axis != GRAPH_NONE)
            return lower_bad(lower, "its shape has -1 more than once");
        if (asked[i] == -1)
            free_axis = i;
        if (asked[i] == 0 && !allow_zero && i >= x->rank)
            return lower_bad(lower, "dimension %u of its shape is 0, and its input has only %u", i, x->rank);
        ret_dims[i] = asked[i] == -1 ? 1 : asked[i] == 0 && !allow_zero ? x->dims[i] : (uint64_t)asked[i];
    }
    if (free_axis == GRAPH_NONE)
        return 0;
    known = dims_elements(rank, ret_dims);
    if (known == 0 || known == UINT64_MAX || x->elements % known != 0)
        return lower_bad(lower, "%s can't be spread over a shape of %u dimensions with -1 at %u",
                         DIMS_TEXT(x->rank, x->dims), rank, free_axis);
    ret_dims[free_axis] = x->elements / known;
    return 0;
}

int lower_reshape_node(struct lower *lower)
{
    struct lower_value x;
    const int64_t *shape;
    uint64_t dims[GRAPH_RANK_MAX], count;
    int64_t allow_zero = 0;
    uint32_t input;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0)
        r = lower_list(lower, 1, &shape, &count);
    if (r == 0 && lower->model->opset >= 14)
        r = lower_attribute_int(lower, "allowzero", 0, &allow_zero);
    if (r < 0)
        return r;
    if (shape == NULL)
        return lower_bad(lower, "its shape is missing");
    if (count > GRAPH_RANK_MAX)
        return lower_unsupported(lower, "its shape has %llu dimensions; the limit is %u", (unsigned long long)count,
                                 GRAPH_RANK_MAX);
    r = resolve_shape(lower, &x, shape, (uint32_t)count, allow_zero != 0, dims);
    return r < 0 ? r : lower_reshape(lower, input, (uint32_t)count, dims, &lower->result);
}

/* The axes of Squeeze and Unsqueeze: an attribute before operator set 13, an input since. */
static int take_axes(struct lower *lower, const int64_t **ret_axes, uint32_t *ret_count)
{
    uint64_t count;
    int r;

    if (lower->model->opset < 13) {
        if (lower->node->input_count > 1)
            return lower_bad(lower, "axes as an input came with operator set 13");
        return lower_attribute_ints(lower, "axes", ret_axes, ret_count);
    }
    r = lower_list(lower, 1, ret_axes, &count);
    if (r == 0 && count > GRAPH_RANK_MAX)
        r = lower_bad(lower, "%llu axes", (unsigned long long)count);
    *ret_count = (uint32_t)count;
    return r;
}

int lower_mark_axes(struct lower *lower, const int64_t *axes, uint64_t count, uint32_t rank, bool *marked)
{
    for (uint64_t i = 0; i < count; i++) {
        uint32_t axis;
        int r = lower_axis(lower, axes[i], rank, &axis);

        if (r < 0)
            return r;
        if (marked[axis])
            return lower_bad(lower, "axis %u is there twice", axis);
        marked[axis] = true;
    }
    return 0;
}

int lower_squeeze(struct lower *lower)
{
    struct lower_value x;
    bool gone[GRAPH_RANK_MAX] = {false};
    uint64_t dims[GRAPH_RANK_MAX];
    const int64_t *axes;
    uint32_t input, count, rank = 0;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0)
        r = take_axes(lower, &axes, &count);
    if (r == 0 && axes != NULL)
        r = lower_mark_axes(lower, axes, count, x.rank, gone);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < x.rank; i++) {
        if (axes == NULL)
            gone[i] = x.dims[i] == 1;
        if (gone[i] && x.dims[i] != 1)
            return lower_bad(lower, "axis %u of %s is not 1", i, DIMS_TEXT(x.rank, x.dims));
        if (!gone[i])
            dims[rank++] = x.dims[i];
    }
    return lower_reshape(lower, input, rank, dims, &lower->result);
}

int lower_unsqueeze(struct lower *lower)
{
    struct lower_value x;
    bool added[GRAPH_RANK_MAX] = {false};
    uint64_t dims[GRAPH_RANK_MAX];
    const int64_t *axes;
    uint32_t input, count, from = 0;
    int r = lower_any(lower, 0, &input, &x);

    if (r == 0)
        r = take_axes(lower, &axes, &count);
    if (r < 0)
        return r;
    if (axes == NULL)
        return lower_bad(lower, "its axes are missing");
    if (count > GRAPH_RANK_MAX || x.rank + count > GRAPH_RANK_MAX)
        return lower_unsupported(lower, "its result has more than %u dimensions", GRAPH_RANK_MAX);
    r = lower_mark_axes(lower, axes, count, x.rank + count, added);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < x.rank + count; i++)
        dims[i] = added[i] ? 1 : x.dims[from++];
    return lower_reshape(lower, input, x.rank + count, dims, &lower->result);
}

/* A new constant list or scalar of integers or floats, copied. */
static int add_constant(struct lower *lower, int32_t type, const void *elements, uint32_t rank, uint64_t count)
{
    return lower_constant_value(lower, type, elements, rank, &count, &lower->result);
}

int lower_shape(struct lower *lower)
{
    struct lower_value x;
    int64_t dims[GRAPH_RANK_MAX], start = 0, end;
    uint32_t input;
    int r = lower_any(lower, 0, &input, &x);

    if (r < 0)
        return r;
    end = x.rank;
    if (lower->model->opset >= 15) {
        r = lower_attribute_int(lower, "start", 0, &start);
        if (r == 0)
            r = lower_attribute_int(lower, "end", x.rank, &end);
        if (r < 0)
            return r;
    }
    start = start < 0 ? start + (int64_t)x.rank : start;
    end = end < 0 ? end + (int64_t)x.rank : end;
    start = start < 0 ? 0 : start > (int64_t)x.rank ? (int64_t)x.rank : start;
    end = end < start ? start : end > (int64_t)x.rank ? (int64_t)x.rank : end;
    for (uint32_t i = 0; i < x.rank; i++)
        dims[i] = (int64_t)x.dims[i];
    return add_constant(lower, ONNX_INT64, dims + start, 1, (uint64_t)(end - start));
}

static int constant_tensor(struct lower *lower, const struct onnx_tensor *tensor)
{
    struct lower_value made = {.constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};
    struct onnx_tensor *kept = arena_allocate(lower->arena, 1, sizeof *kept);

    if (kept == NULL)
        return error_set(lower->err, ERROR_UNAVAILABLE, -12, "no memory to import the model");
    *kept = *tensor;
    made.type = onnx_type_is_float(tensor->type) ? ONNX_FLOAT : tensor->type;
    made.rank = tensor->rank;
    memcpy(made.dims, tensor->dims, sizeof made.dims);
    made.tensor = kept;
    made.tensor_file = (struct span){lower->model->data, lower->model->size};
    return lower_add_value(lower, &made, &lower->result);
}

int lower_constant(struct lower *lower)
{
    const struct onnx_attribute *value;
    const int64_t *integers = NULL;
    const float *floats = NULL;

    if (lower->attributes.count != 1)
        return lower_bad(lower, "it has %u attributes instead of one value", lower->attributes.count);
    value = &lower->attributes.items[0];
    if (value->int_count > 0)
        integers = lower->attributes.ints + value->first_int;
    if (value->float_count > 0)
        floats = lower->attributes.floats + value->first_float;
    if (lower_attribute(lower, "value") != NULL && value->has_t)
        return constant_tensor(lower, &value->t);
    if (lower_attribute(lower, "value_int") != NULL)
        return add_constant(lower, ONNX_INT64, &value->i, 0, 1);
    if (lower_attribute(lower, "value_float") != NULL)
        return add_constant(lower, ONNX_FLOAT, &value->f, 0, 1);
    if (lower_attribute(lower, "value_ints") != NULL)
        return add_constant(lower, ONNX_INT64, integers, 1, value->int_count);
    if (lower_attribute(lower, "value_floats") != NULL)
        return add_constant(lower, ONNX_FLOAT, floats, 1, value->float_count);
    return lower_unsupported(lower, "a constant as '%s' is not supported", SPAN_TEXT(value->name));
}
