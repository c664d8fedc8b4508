/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering: the walk over nodes, and what every operator's lowering uses. */
#include "guest/model/lower.h"

#include "guest/model/lower_ml.h"
#include "guest/model/lower_move.h"
#include "guest/model/operators.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int lower_fail(struct lower *lower, enum error_kind kind, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)error_set(lower->err, kind, kind == ERROR_UNAVAILABLE ? -EOPNOTSUPP : -EBADMSG, "%s", text);
    if (lower->node != NULL)
        (void)onnx_blame_node(lower->model, lower->node_index, lower->err);
    return kind == ERROR_UNAVAILABLE ? -EOPNOTSUPP : -EBADMSG;
}

static int fail_memory(struct lower *lower)
{
    return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
}

/* --- shapes -------------------------------------------------------------------------------- */

const char *dims_print(struct dims_text *out, uint32_t rank, const uint64_t *dims)
{
    size_t at = 0;

    (void)snprintf(out->text, sizeof out->text, "scalar");
    for (uint32_t i = 0; i < rank && i < GRAPH_RANK_MAX; i++)
        at += (size_t)snprintf(out->text + at, sizeof out->text - at, i == 0 ? "%llu" : "x%llu",
                               (unsigned long long)dims[i]);
    return out->text;
}

uint64_t dims_elements(uint32_t rank, const uint64_t *dims)
{
    uint64_t elements = 1;
    bool empty = false;

    /* A dimension of 0 does not excuse the others: strides are products of them. */
    for (uint32_t i = 0; i < rank; i++) {
        empty = empty || dims[i] == 0;
        if (__builtin_mul_overflow(elements, dims[i] == 0 ? 1 : dims[i], &elements) || elements > MODEL_ELEMENTS_MAX)
            return UINT64_MAX;
    }
    return empty ? 0 : elements;
}

bool dims_broadcast(uint32_t rank_a, const uint64_t *a, uint32_t rank_b, const uint64_t *b, uint32_t *ret_rank,
                    uint64_t *ret_dims)
{
    uint32_t rank = rank_a > rank_b ? rank_a : rank_b;

    for (uint32_t i = 0; i < rank; i++) { /* from the last axis on */
        uint64_t left = i < rank_a ? a[rank_a - 1 - i] : 1;
        uint64_t right = i < rank_b ? b[rank_b - 1 - i] : 1;

        if (left != right && left != 1 && right != 1)
            return false;
        ret_dims[rank - 1 - i] = left == 1 ? right : left;
    }
    *ret_rank = rank;
    return true;
}

int lower_axis(struct lower *lower, int64_t axis, uint32_t limit, uint32_t *ret_axis)
{
    if (axis < -(int64_t)limit || axis >= (int64_t)limit)
        return lower_bad(lower, "axis %lld is not within %u dimensions", (long long)axis, limit);
    *ret_axis = (uint32_t)(axis < 0 ? axis + (int64_t)limit : axis);
    return 0;
}

/* --- values and nodes ------------------------------------------------------------------------ */

static int grow(struct lower *lower, void *list, uint32_t count, uint32_t *capacity, size_t size, uint32_t limit,
                const char *what)
{
    uint32_t wanted;
    void *bigger;

    if (count < *capacity)
        return 0;
    if (count >= limit)
        return lower_bad(lower, "the graph needs more than %u %s; that is the limit", limit, what);
    wanted = count == 0 ? 64 : count * 2;
    if (wanted > limit)
        wanted = limit;
    bigger = realloc(*(void **)list, (size_t)wanted * size);
    if (bigger == NULL)
        return fail_memory(lower);
    *(void **)list = bigger;
    *capacity = wanted;
    return 0;
}

int lower_add_value(struct lower *lower, const struct lower_value *value, uint32_t *ret_value)
{
    struct lower_value added = *value;
    int r = grow(lower, &lower->values, lower->value_count, &lower->value_capacity, sizeof *lower->values,
                 MODEL_GRAPH_VALUES_MAX, "values");

    if (r < 0)
        return r;
    added.elements = dims_elements(added.rank, added.dims);
    if (added.elements == UINT64_MAX)
        return lower_bad(lower, "a value of %s has more than 2^33 elements", DIMS_TEXT(added.rank, added.dims));
    if (added.elements == 0 && !added.constant)
        return lower_bad(lower, "it makes a value without elements (%s)", DIMS_TEXT(added.rank, added.dims));
    lower->values[lower->value_count] = added;
    *ret_value = lower->value_count++;
    return 0;
}

/* Constant integers that a node reads become f32. */
static int check_exact(struct lower *lower, uint32_t value, uint32_t input)
{
    const int64_t *integers;
    int r = lower_integers(lower, value, &integers);

    for (uint64_t i = 0; r == 0 && i < lower->values[value].elements; i++)
        if (integers[i] > (int64_t)LOWER_EXACT_MAX || integers[i] < -(int64_t)LOWER_EXACT_MAX)
            r = lower_unsupported(lower, "its input %u holds %lld; integers beyond 2^24 are not computed with", input,
                                  (long long)integers[i]);
    return r;
}

int lower_emit(struct lower *lower, enum graph_op op, const uint32_t *inputs, uint32_t input_count,
               const struct graph_attributes *attributes, uint32_t rank, const uint64_t *dims, uint32_t *ret_value)
{
    struct lower_value value = {.type = ONNX_FLOAT, .rank = rank, .producer = lower->node_count, .source = GRAPH_NONE};
    struct graph_node *node;
    int r = grow(lower, &lower->nodes, lower->node_count, &lower->node_capacity, sizeof *lower->nodes,
                 MODEL_GRAPH_NODES_MAX, "nodes");

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < input_count; i++) {
        const struct lower_value *input = inputs[i] == GRAPH_NONE ? NULL : &lower->values[inputs[i]];

        if (input != NULL && input->elements == 0)
            return lower_bad(lower, "its input %u has no elements", i);
        if (input != NULL && input->type != ONNX_FLOAT && input->constant) {
            r = check_exact(lower, inputs[i], i);
            if (r < 0)
                return r;
        }
    }
    if (rank > 0)
        memcpy(value.dims, dims, rank * sizeof *dims);
    r = lower_add_value(lower, &value, ret_value);
    if (r < 0)
        return r;
    node = &lower->nodes[lower->node_count++];
    *node = (struct graph_node){.op = op, .input_count = input_count, .output = *ret_value};
    memcpy(node->inputs, inputs, input_count * sizeof *inputs);
    if (attributes != NULL)
        node->attributes = *attributes;
    if (lower->node != NULL) {
        node->name = arena_text(lower->arena, lower->node->name.data, lower->node->name.size);
        if (node->name == NULL)
            return fail_memory(lower);
    }
    return 0;
}

static bool has_shape(const struct lower_value *value, uint32_t rank, const uint64_t *dims)
{
    return value->rank == rank && (rank == 0 || memcmp(value->dims, dims, rank * sizeof *dims) == 0);
}

int lower_reshape(struct lower *lower, uint32_t value, uint32_t rank, const uint64_t *dims, uint32_t *ret_value)
{
    struct lower_value view = lower->values[value];

    if (has_shape(&view, rank, dims)) {
        *ret_value = value;
        return 0;
    }
    if (dims_elements(rank, dims) != view.elements)
        return lower_bad(lower, "%s can't be reshaped to %s", DIMS_TEXT(view.rank, view.dims), DIMS_TEXT(rank, dims));
    if (!view.constant) {
        bool dropped;
        int r;

        /* Of what was made here of another's elements in another shape, that other one is reshaped. */
        while (lower->values[value].name.size == 0 && lower->values[value].producer != GRAPH_NONE &&
               lower->nodes[lower->values[value].producer].op == GRAPH_RESHAPE)
            value = lower->nodes[lower->values[value].producer].inputs[0];
        if (has_shape(&lower->values[value], rank, dims) && lower->values[value].type == view.type) {
            *ret_value = value;
            return 0;
        }
        r = move_drop_before(lower, value, rank, dims, &dropped, ret_value);
        if (r < 0 || dropped)
            return r;
        r = lower_emit(lower, GRAPH_RESHAPE, &value, 1, NULL, rank, dims, ret_value);
        return r < 0 ? r : lower_settle(lower, *ret_value, view.type, view.bound, ret_value);
    }
    view.name = (struct span){0};
    view.rank = rank;
    if (rank > 0)
        memcpy(view.dims, dims, rank * sizeof *dims);
    if (view.source == GRAPH_NONE)
        view.source = value;
    return lower_add_value(lower, &view, ret_value);
}

int lower_floats(struct lower *lower, uint32_t value, const float **ret_floats)
{
    struct lower_value *record = &lower->values[value];
    struct lower_value *source = record->source == GRAPH_NONE ? record : &lower->values[record->source];
    const struct onnx_tensor *tensor = source->tensor;
    float *room;
    int r;

    if (source->floats == NULL && tensor->type == ONNX_FLOAT && tensor->encoding == ONNX_LITTLE_ENDIAN &&
        (uintptr_t)tensor->data.data % ARENA_ALIGNMENT == 0)
        source->floats = (const float *)(const void *)tensor->data.data;
    if (source->floats == NULL) {
        room = arena_allocate(lower->arena, source->elements, sizeof *room);
        if (room == NULL)
            return fail_memory(lower);
        r = onnx_tensor_floats(source->tensor_file, tensor, room, lower->err);
        if (r < 0)
            return r;
        source->floats = room;
    }
    *ret_floats = record->floats = source->floats;
    return 0;
}

int lower_integers(struct lower *lower, uint32_t value, const int64_t **ret_integers)
{
    struct lower_value *record = &lower->values[value];
    struct lower_value *source = record->source == GRAPH_NONE ? record : &lower->values[record->source];
    int64_t *room;
    int r;

    if (source->integers == NULL) {
        if (source->elements > MODEL_INTEGERS_MAX)
            return lower_unsupported(lower, "an integer tensor of %llu elements; the limit is %llu",
                                     (unsigned long long)source->elements, (unsigned long long)MODEL_INTEGERS_MAX);
        room = arena_allocate(lower->arena, source->elements, sizeof *room);
        if (room == NULL)
            return fail_memory(lower);
        r = onnx_tensor_integers(source->tensor_file, source->tensor, room, lower->err);
        if (r < 0)
            return r;
        source->integers = room;
    }
    *ret_integers = record->integers = source->integers;
    return 0;
}

int lower_fold_room(struct lower *lower, uint64_t count, size_t size, void **ret_room)
{
    *ret_room = NULL;
    if (count * size > MODEL_FOLD_BYTES_MAX - lower->folded)
        return 0;
    *ret_room = arena_allocate(lower->arena, count, size);
    if (*ret_room == NULL)
        return fail_memory(lower);
    lower->folded += count * size;
    return 0;
}

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
        return lower_unsupported(lower, "its input %u depends on the input's data; it must be a constant", index);
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

/* --- the walk ---------------------------------------------------------------------------------- */

int lower_start(struct lower *lower, const struct model *model, struct error *err)
{
    *lower = (struct lower){.model = model, .err = err};
    lower->map = calloc((size_t)model->value_count + 1, sizeof *lower->map);
    if (lower->map == NULL || arena_create(&lower->arena) < 0)
        return fail_memory(lower);
    for (uint32_t i = 0; i < model->value_count; i++)
        lower->map[i] = GRAPH_NONE;
    return 0;
}

void lower_end(struct lower *lower)
{
    if (lower == NULL)
        return;
    arena_free(lower->arena);
    free(lower->values);
    free(lower->nodes);
    free(lower->map);
    free(lower);
}

/* The value here for one of the model's: an initializer becomes one when it is first used. */
static int map_value(struct lower *lower, uint32_t value, uint32_t *ret_value)
{
    const struct onnx_value *defined = &lower->model->values[value];
    const struct onnx_tensor *tensor;
    struct lower_value added = {.constant = true, .producer = GRAPH_NONE, .source = GRAPH_NONE};
    int r;

    if (lower->map[value] == GRAPH_NONE && defined->source == ONNX_FROM_INITIALIZER) {
        tensor = &lower->model->initializers[defined->index];
        added.name = tensor->name;
        added.type = onnx_type_is_float(tensor->type) ? ONNX_FLOAT : tensor->type;
        added.rank = tensor->rank;
        memcpy(added.dims, tensor->dims, sizeof added.dims);
        added.tensor = tensor;
        added.tensor_file = (struct span){lower->model->data, lower->model->size};
        r = lower_add_value(lower, &added, &lower->map[value]);
        if (r < 0)
            return r;
    }
    if (lower->map[value] == GRAPH_NONE)
        return lower_bad(lower, "its input '%s' is not available", SPAN_TEXT(defined->name));
    *ret_value = lower->map[value];
    return 0;
}

static int check_attributes_used(struct lower *lower)
{
    for (uint32_t i = 0; i < lower->attributes.count; i++)
        if (!lower->attributes.items[i].used)
            return lower_bad(lower, "attribute '%s' is not one that this operator has in operator set %u",
                             SPAN_TEXT(lower->attributes.items[i].name), lower->model->opset);
    return 0;
}

/* Gives the node's results to its outputs; one that is used must have been made. */
static int name_results(struct lower *lower, const struct onnx_node *node)
{
    for (uint32_t k = 0; k < node->output_count && k < MODEL_NODE_OUTPUTS_MAX; k++) {
        const struct onnx_edge *output = &lower->model->edges[node->first_output + k];
        uint32_t result = lower->more[k];

        if (output->name.size == 0)
            continue;
        if (result == GRAPH_NONE && lower->model->values[output->value].uses > 0)
            return lower_unsupported(lower, "its output %u, '%s', is not supported", k, SPAN_TEXT(output->name));
        lower->map[output->value] = result;
        if (result != GRAPH_NONE && lower->values[result].name.size == 0)
            lower->values[result].name = output->name;
    }
    return 0;
}

static int lower_one(struct lower *lower, uint32_t index)
{
    const struct onnx_node *node = &lower->model->nodes[index];
    const struct onnx_edge *edges = lower->model->edges;
    int r;

    lower->node = node;
    lower->node_index = index;
    lower->result = GRAPH_NONE;
    for (uint32_t k = 0; k < MODEL_NODE_OUTPUTS_MAX; k++)
        lower->more[k] = GRAPH_NONE;
    for (uint32_t k = 0; k < node->input_count; k++) {
        uint32_t value = edges[node->first_input + k].value;

        lower->inputs[k] = GRAPH_NONE;
        r = value == GRAPH_NONE ? 0 : map_value(lower, value, &lower->inputs[k]);
        if (r < 0)
            return r;
    }
    r = 0;
    lower->attributes.count = 0;
    if (!lower_ml_reads_lists(node->entry))
        r = onnx_attributes_read(lower->model, node, &lower->attributes, lower->err);
    if (r == 0)
        r = node->entry->lower(lower);
    if (r == 0)
        r = check_attributes_used(lower);
    if (r < 0)
        return r;
    lower->more[0] = lower->result;
    return name_results(lower, node);
}

/* Marks the nodes that the outputs need: one walk from the end, as nodes stand in order. */
static void mark_needed(const struct model *model, const uint32_t *outputs, uint32_t count, bool *needed)
{
    for (uint32_t i = 0; i < count; i++)
        if (model->values[outputs[i]].source == ONNX_FROM_NODE)
            needed[model->values[outputs[i]].index] = true;
    for (uint32_t i = model->node_count; i > 0; i--) {
        const struct onnx_node *node = &model->nodes[model->order[i - 1]];

        for (uint32_t k = 0; needed[model->order[i - 1]] && k < node->input_count; k++) {
            uint32_t value = model->edges[node->first_input + k].value;

            if (value != GRAPH_NONE && model->values[value].source == ONNX_FROM_NODE)
                needed[model->values[value].index] = true;
        }
    }
}

int lower_nodes(struct lower *lower, const uint32_t *outputs, uint32_t count)
{
    const struct model *model = lower->model;
    CLEANUP_FREE bool *needed = calloc((size_t)model->node_count + 1, sizeof *needed);
    int r = 0;

    if (needed == NULL)
        return fail_memory(lower);
    mark_needed(model, outputs, count, needed);
    for (uint32_t i = 0; r == 0 && i < model->node_count; i++)
        if (needed[model->order[i]])
            r = lower_one(lower, model->order[i]);
    lower->node = NULL;
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = map_value(lower, outputs[i], &(uint32_t){0});
    return r;
}
