/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of two models, matched. */
#include "guest/model/model_weights.h"

#include "guest/model/onnx.h"

#include <errno.h>
#include <string.h>

static bool is_weight(const struct onnx_tensor *tensor)
{
    return onnx_type_is_float(tensor->type);
}

bool model_has_weights(const struct model *model)
{
    for (uint32_t i = 0; i < model->initializer_count; i++)
        if (is_weight(&model->initializers[i]))
            return true;
    return false;
}

void model_weight_describe(const struct model *model, uint32_t index, struct model_weight *ret_weight)
{
    const struct onnx_tensor *tensor = &model->initializers[index];

    *ret_weight = (struct model_weight){.name = (const char *)tensor->name.data,
                                        .name_size = tensor->name.size,
                                        .rank = tensor->rank,
                                        .elements = tensor->elements};
    memcpy(ret_weight->dims, tensor->dims, sizeof tensor->dims);
}

int model_weight_values(const struct model *model, uint32_t index, float *ret_values, struct error *err)
{
    return onnx_tensor_floats((struct span){model->data, model->size}, &model->initializers[index], ret_values, err);
}

/* The weight of this name, or MODEL_WEIGHT_NONE. */
static uint32_t find_weight(const struct model *model, struct span name)
{
    uint32_t value = onnx_find_value(model, name);

    if (value == GRAPH_NONE || model->values[value].source != ONNX_FROM_INITIALIZER ||
        !is_weight(&model->initializers[model->values[value].index]))
        return MODEL_WEIGHT_NONE;
    return model->values[value].index;
}

/* --- what names leave over --------------------------------------------------------------------------- */

struct leftover {
    const struct onnx_tensor *tensor;
    uint32_t index;
};

static int compare_shapes(const struct onnx_tensor *a, const struct onnx_tensor *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return a->dims[i] < b->dims[i] ? -1 : 1;
    return 0;
}

/* By shape, then by place in the file. */
static int compare_leftovers(const void *a, const void *b)
{
    const struct leftover *left = a, *right = b;
    int shapes = compare_shapes(left->tensor, right->tensor);

    return shapes != 0 ? shapes : left->index < right->index ? -1 : left->index > right->index;
}

/* Weights without a partner, sorted; returns their number. */
static uint32_t collect_leftovers(const struct model *model, const uint32_t *partners, struct leftover *ret_leftovers)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < model->initializer_count; i++)
        if (is_weight(&model->initializers[i]) && partners[i] == MODEL_WEIGHT_NONE)
            ret_leftovers[count++] = (struct leftover){&model->initializers[i], i};
    if (count > 0)
        qsort(ret_leftovers, count, sizeof *ret_leftovers, compare_leftovers);
    return count;
}

/* --- matching ------------------------------------------------------------------------------------------ */

struct side {
    const struct model *model;
    uint32_t *partners; /* of each initializer, on the other side */
    struct leftover *leftovers;
};

static int open_side(struct side *side, const struct model *model)
{
    size_t count = model->initializer_count > 0 ? model->initializer_count : 1;

    side->model = model;
    side->partners = malloc(count * sizeof *side->partners);
    side->leftovers = malloc(count * sizeof *side->leftovers);
    if (side->partners == NULL || side->leftovers == NULL)
        return -ENOMEM;
    memset(side->partners, 0xff, count * sizeof *side->partners); /* MODEL_WEIGHT_NONE each */
    return 0;
}

static void close_side(struct side *side)
{
    free(side->partners);
    free(side->leftovers);
}

static void match_names(struct side *own, struct side *other)
{
    for (uint32_t i = 0; i < own->model->initializer_count; i++) {
        const struct onnx_tensor *tensor = &own->model->initializers[i];
        uint32_t found = is_weight(tensor) ? find_weight(other->model, tensor->name) : MODEL_WEIGHT_NONE;

        own->partners[i] = found;
        if (found != MODEL_WEIGHT_NONE)
            other->partners[found] = i;
    }
}

static void match_shapes(struct side *own, struct side *other)
{
    uint32_t count = collect_leftovers(own->model, own->partners, own->leftovers);
    uint32_t other_count = collect_leftovers(other->model, other->partners, other->leftovers);

    for (uint32_t i = 0, j = 0; i < count && j < other_count;) {
        int order = compare_shapes(own->leftovers[i].tensor, other->leftovers[j].tensor);

        if (order == 0) {
            own->partners[own->leftovers[i].index] = other->leftovers[j].index;
            other->partners[other->leftovers[j].index] = own->leftovers[i].index;
        }
        i += order <= 0;
        j += order >= 0;
    }
}

static uint32_t list_pairs(const struct side *own, const struct side *other, struct model_weight_pair *ret_pairs)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < own->model->initializer_count; i++)
        if (is_weight(&own->model->initializers[i]))
            ret_pairs[count++] = (struct model_weight_pair){i, own->partners[i]};
    for (uint32_t i = 0; i < other->model->initializer_count; i++)
        if (is_weight(&other->model->initializers[i]) && other->partners[i] == MODEL_WEIGHT_NONE)
            ret_pairs[count++] = (struct model_weight_pair){MODEL_WEIGHT_NONE, i};
    return count;
}

int model_weights_match(const struct model *model, const struct model *reference, struct model_weight_pair **ret_pairs,
                        uint32_t *ret_count, struct error *err)
{
    struct side own = {0}, other = {0};
    size_t most = (size_t)model->initializer_count + reference->initializer_count;
    struct model_weight_pair *pairs = calloc(most > 0 ? most : 1, sizeof *pairs);
    int r = pairs == NULL ? -ENOMEM : open_side(&own, model);

    if (r == 0)
        r = open_side(&other, reference);
    if (r == 0) {
        match_names(&own, &other);
        match_shapes(&own, &other);
        *ret_count = list_pairs(&own, &other, pairs);
        *ret_pairs = TAKE_POINTER(pairs);
    }
    close_side(&own);
    close_side(&other);
    free(pairs);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory to match the weights of two models") : 0;
}
