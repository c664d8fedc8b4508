/* SPDX-License-Identifier: Apache-2.0 */
/* The end of lowering: the output made logits, what it does not need dropped, the graph built. */
#include "guest/model/lower.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- logits ------------------------------------------------------------------------------------ */

/* Whether a value is batch × classes, with trailing ones or without the 1 of a single class. */
static bool is_class_shaped(const struct lower_value *value, uint32_t batch)
{
    if (value->rank == 0 || value->dims[0] != batch)
        return false;
    for (uint32_t i = 2; i < value->rank; i++)
        if (value->dims[i] != 1)
            return false;
    return true;
}

/* Whether a Softmax takes in all classes of one sample and nothing else. */
static bool covers_classes(const struct lower *lower, const struct graph_node *node, uint32_t batch, uint64_t classes)
{
    const struct lower_value *x = &lower->values[node->inputs[0]];
    uint32_t first = node->attributes.axis, end = node->attributes.axis_end;

    return dims_elements(first, x->dims) == batch && dims_elements(end - first, x->dims + first) == classes;
}

/* The value before a terminal Softmax, LogSoftmax or single Sigmoid, looking through reshapes; else `output`. */
static uint32_t cut_terminal(const struct lower *lower, uint32_t output, uint32_t batch, uint64_t classes)
{
    uint32_t at = output;

    while (lower->values[at].producer != GRAPH_NONE) {
        const struct graph_node *node = &lower->nodes[lower->values[at].producer];

        if ((node->op == GRAPH_SOFTMAX || node->op == GRAPH_LOG_SOFTMAX) && classes > 1 &&
            covers_classes(lower, node, batch, classes))
            return node->inputs[0];
        if (node->op == GRAPH_SIGMOID && classes == 1)
            return node->inputs[0];
        if (node->op != GRAPH_RESHAPE)
            break;
        at = node->inputs[0];
    }
    return output;
}

int lower_logits(struct lower *lower, uint32_t output, uint32_t batch, uint32_t *ret_logits)
{
    const struct lower_value *value = &lower->values[output];
    uint64_t shape[2] = {batch, 0};
    uint32_t logits;

    if (value->constant)
        return lower_bad(lower, "the output '%s' does not depend on the input's data", SPAN_TEXT(value->name));
    if (!is_class_shaped(value, batch))
        return lower_bad(lower,
                         "the output '%s' is %s for a batch of %u; batch x classes is needed: name the output that has "
                         "the class scores, or export the model with a free batch",
                         SPAN_TEXT(value->name), DIMS_TEXT(value->rank, value->dims), batch);
    if (value->type != ONNX_FLOAT)
        return lower_bad(lower, "the output '%s' is of %s; class scores are floats: name the output that has them",
                         SPAN_TEXT(value->name), onnx_type_name(value->type));
    shape[1] = value->elements / batch;
    logits = cut_terminal(lower, output, batch, shape[1]);
    if (lower->values[logits].constant)
        return lower_bad(lower, "the output '%s' does not depend on the input's data",
                         SPAN_TEXT(lower->values[output].name));
    return lower_reshape(lower, logits, 2, shape, ret_logits);
}

/* --- what is needed ------------------------------------------------------------------------------ */

/* Marks every value that the roots need. Nodes stand in order, so one walk from the end is enough. */
static void mark(const struct lower *lower, const struct finish *finish, bool *needed)
{
    needed[finish->input] = true;
    needed[finish->logits] = true;
    for (uint32_t i = 0; i < finish->keep_count; i++)
        needed[finish->keep[i]] = true;
    for (uint32_t i = lower->node_count; i > 0; i--) {
        const struct graph_node *node = &lower->nodes[i - 1];

        if (!needed[node->output])
            continue;
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] != GRAPH_NONE)
                needed[node->inputs[k]] = true;
    }
}

static int make_marks(struct lower *lower, const struct finish *finish, bool **ret_needed)
{
    *ret_needed = calloc((size_t)lower->value_count + 1, sizeof **ret_needed);
    if (*ret_needed == NULL)
        return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
    mark(lower, finish, *ret_needed);
    return 0;
}

static bool multiplies(enum graph_op op)
{
    return op == GRAPH_GEMM || op == GRAPH_MATMUL || op == GRAPH_CONV || op == GRAPH_CONV_TRANSPOSE;
}

int lower_penultimate(struct lower *lower, const struct finish *finish, uint32_t *ret_value)
{
    CLEANUP_FREE bool *needed = NULL;
    int r = make_marks(lower, finish, &needed);

    if (r < 0)
        return r;
    *ret_value = GRAPH_NONE;
    for (uint32_t i = lower->node_count; i > 0; i--) {
        const struct graph_node *node = &lower->nodes[i - 1];

        if (!needed[node->output] || !multiplies(node->op))
            continue;
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] != GRAPH_NONE && !lower->values[node->inputs[k]].constant) {
                *ret_value = node->inputs[k];
                return 0;
            }
    }
    return 0;
}

static void measure(const struct lower *lower, const bool *needed, struct model_memory *ret_memory)
{
    *ret_memory = (struct model_memory){0};
    for (uint32_t i = 0; i < lower->value_count; i++) {
        const struct lower_value *value = &lower->values[i];

        if (!needed[i])
            continue;
        if (!value->constant)
            ret_memory->computed += value->elements * sizeof(float);
        else if (value->source == GRAPH_NONE || !needed[value->source]) /* a view shares its source's elements */
            ret_memory->constants += value->elements * sizeof(float);
    }
}

int lower_measure(struct lower *lower, const struct finish *finish, struct model_memory *ret_memory)
{
    CLEANUP_FREE bool *needed = NULL;
    int r = make_marks(lower, finish, &needed);

    if (r == 0)
        measure(lower, needed, ret_memory);
    return r;
}

/* --- the graph ----------------------------------------------------------------------------------- */

struct build {
    struct lower *lower;
    struct graph *graph;
    const bool *needed;
    uint32_t *map; /* of values here to those of the graph */
};

static int fail_memory(struct lower *lower)
{
    return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
}

/* A constant as f32; integers, which only a kept value can be, are converted. */
static int constant_floats(struct lower *lower, uint32_t index, const float **ret_floats)
{
    const struct lower_value *value = &lower->values[index];
    const int64_t *integers;
    float *floats;
    int r;

    if (value->type == ONNX_FLOAT)
        return lower_floats(lower, index, ret_floats);
    r = lower_integers(lower, index, &integers);
    if (r < 0)
        return r;
    floats = arena_allocate(lower->arena, value->elements, sizeof *floats);
    if (floats == NULL)
        return fail_memory(lower);
    for (uint64_t i = 0; i < value->elements; i++)
        floats[i] = (float)integers[i];
    *ret_floats = floats;
    return 0;
}

static int build_value(struct build *build, uint32_t index)
{
    struct lower *lower = build->lower;
    const struct lower_value *from = &lower->values[index];
    struct graph_value *to = &build->graph->values[build->graph->value_count];
    char made[16];
    int r = 0;

    *to = (struct graph_value){.rank = from->rank, .elements = from->elements};
    memcpy(to->dims, from->dims, sizeof to->dims);
    (void)snprintf(made, sizeof made, "#%u", index);
    to->name = from->name.size > 0 ? arena_text(lower->arena, from->name.data, from->name.size)
                                   : arena_text(lower->arena, made, strlen(made));
    if (to->name == NULL)
        return fail_memory(lower);
    if (from->constant)
        r = constant_floats(lower, index, &to->constant);
    build->map[index] = build->graph->value_count++;
    return r;
}

static int build_node(struct build *build, uint32_t index)
{
    struct lower *lower = build->lower;
    struct graph_node *to = &build->graph->nodes[build->graph->node_count++];
    char made[48];

    *to = lower->nodes[index];
    for (uint32_t k = 0; k < to->input_count; k++)
        if (to->inputs[k] != GRAPH_NONE)
            to->inputs[k] = build->map[to->inputs[k]];
    to->output = build->map[to->output];
    if (to->name != NULL && to->name[0] != '\0')
        return 0;
    (void)snprintf(made, sizeof made, "%s#%u", graph_op_name(to->op), index);
    to->name = arena_text(lower->arena, made, strlen(made));
    return to->name == NULL ? fail_memory(lower) : 0;
}

static int build_all(struct build *build, const struct finish *finish)
{
    struct lower *lower = build->lower;
    struct graph *graph = build->graph;
    uint32_t values = 0, nodes = 0;
    int r = 0;

    for (uint32_t i = 0; i < lower->value_count; i++)
        values += build->needed[i];
    for (uint32_t i = 0; i < lower->node_count; i++)
        nodes += build->needed[lower->nodes[i].output];
    graph->values = arena_allocate(lower->arena, values, sizeof *graph->values);
    graph->nodes = arena_allocate(lower->arena, nodes, sizeof *graph->nodes);
    if (graph->values == NULL || graph->nodes == NULL)
        return fail_memory(lower);
    for (uint32_t i = 0; r == 0 && i < lower->value_count; i++)
        if (build->needed[i])
            r = build_value(build, i);
    for (uint32_t i = 0; r == 0 && i < lower->node_count; i++)
        if (build->needed[lower->nodes[i].output])
            r = build_node(build, i);
    if (r < 0)
        return r;
    graph->batch = finish->batch;
    graph->input = build->map[finish->input];
    graph->logits = build->map[finish->logits];
    graph->penultimate = finish->penultimate == GRAPH_NONE ? GRAPH_NONE : build->map[finish->penultimate];
    for (uint32_t i = 0; i < finish->keep_count; i++)
        finish->ret_kept[i] = build->map[finish->keep[i]];
    return 0;
}

int lower_finish(struct lower *lower, const struct finish *finish, struct graph **ret_graph)
{
    CLEANUP_FREE bool *needed = NULL;
    CLEANUP_FREE uint32_t *map = calloc((size_t)lower->value_count + 1, sizeof *map);
    CLEANUP_FREE struct graph *graph = calloc(1, sizeof *graph);
    struct build build = {.lower = lower, .graph = graph, .map = map};
    struct model_memory memory;
    int r;

    if (map == NULL || graph == NULL)
        return fail_memory(lower);
    r = make_marks(lower, finish, &needed);
    if (r < 0)
        return r;
    measure(lower, needed, &memory);
    if (memory.constants + memory.computed > MODEL_MEMORY_MAX)
        return lower_bad(
            lower, "the model needs %llu bytes for a batch of %u; the limit is %llu: use a smaller batch or model",
            (unsigned long long)(memory.constants + memory.computed), finish->batch,
            (unsigned long long)MODEL_MEMORY_MAX);
    build.needed = needed;
    r = build_all(&build, finish);
    if (r < 0)
        return r;
    graph->arena = TAKE_POINTER(lower->arena);
    *ret_graph = TAKE_POINTER(graph);
    return 0;
}
