/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and order: every value defined once, every use defined, operators known, no cycle.
 *
 * Names are sorted and searched by halves: hostile names can't make that slow, as they could a hash
 * table. Nodes are ordered by counting unmet inputs (Kahn), keeping the file's order where it is
 * already right; nothing recurses.
 */
#include "guest/model/lower_ml.h"
#include "guest/model/operators.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool span_equal(struct span span, const char *text)
{
    size_t size = strlen(text);

    return span.size == size && (size == 0 || memcmp(span.data, text, size) == 0);
}

int span_compare(struct span a, struct span b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int difference = shared == 0 ? 0 : memcmp(a.data, b.data, shared);

    if (difference != 0)
        return difference;
    return a.size < b.size ? -1 : a.size > b.size;
}

int onnx_blame_node(const struct model *model, uint32_t index, struct error *err)
{
    const struct onnx_node *node = &model->nodes[index];

    return error_prefix(err, "node %u '%s' (%s)", index, SPAN_TEXT(node->name), SPAN_TEXT(node->op));
}

static int compare_values(const void *a, const void *b)
{
    return span_compare(((const struct onnx_value *)a)->name, ((const struct onnx_value *)b)->name);
}

/* Of one name: inputs first, then initializers, then nodes. */
static int compare_definitions(const void *a, const void *b)
{
    const struct onnx_value *left = a, *right = b;
    int names = compare_values(a, b);

    if (names != 0)
        return names;
    if (left->source != right->source)
        return left->source < right->source ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

uint32_t onnx_find_value(const struct model *model, struct span name)
{
    struct onnx_value key = {.name = name};
    const struct onnx_value *found;

    if (model->value_count == 0)
        return GRAPH_NONE;
    found = bsearch(&key, model->values, model->value_count, sizeof *model->values, compare_values);
    return found == NULL ? GRAPH_NONE : (uint32_t)(found - model->values);
}

/* Everything that defines a value, unsorted. */
static int collect_values(struct model *model, struct error *err)
{
    uint32_t limit = model->input_count + model->initializer_count;
    uint32_t count = 0;

    for (uint32_t i = 0; i < model->node_count; i++)
        limit += model->nodes[i].output_count;
    model->values = calloc(limit > 0 ? limit : 1, sizeof *model->values);
    if (model->values == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %u values", limit);
    for (uint32_t i = 0; i < model->input_count; i++)
        model->values[count++] = (struct onnx_value){model->inputs[i].name, ONNX_FROM_INPUT, i, 0};
    for (uint32_t i = 0; i < model->initializer_count; i++)
        model->values[count++] = (struct onnx_value){model->initializers[i].name, ONNX_FROM_INITIALIZER, i, 0};
    for (uint32_t i = 0; i < model->node_count; i++)
        for (uint32_t k = 0; k < model->nodes[i].output_count; k++) {
            struct span name = model->edges[model->nodes[i].first_output + k].name;

            if (name.size > 0)
                model->values[count++] = (struct onnx_value){name, ONNX_FROM_NODE, i, 0};
        }
    model->value_count = count;
    return 0;
}

static const char *describe(const struct model *model, const struct onnx_value *value, char *text, size_t size)
{
    if (value->source == ONNX_FROM_NODE)
        (void)snprintf(text, size, "node %u (%s)", value->index, SPAN_TEXT(model->nodes[value->index].op));
    else
        (void)snprintf(text, size, "%s %u", value->source == ONNX_FROM_INPUT ? "input" : "initializer", value->index);
    return text;
}

/* Merges an initializer with the input of the same name, as old files have them; refuses other twins. */
static int merge_values(struct model *model, struct error *err)
{
    uint32_t kept = 0;

    qsort(model->values, model->value_count, sizeof *model->values, compare_definitions);
    for (uint32_t i = 0; i < model->value_count; i++) {
        struct onnx_value *last = kept > 0 ? &model->values[kept - 1] : NULL;
        const struct onnx_value *value = &model->values[i];
        char first[320], second[320];

        if (last == NULL || span_compare(last->name, value->name) != 0) {
            model->values[kept++] = *value;
            continue;
        }
        if (last->source != ONNX_FROM_INPUT || value->source != ONNX_FROM_INITIALIZER)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "value '%s' is defined twice: by %s and by %s",
                             SPAN_TEXT(value->name), describe(model, last, first, sizeof first),
                             describe(model, value, second, sizeof second));
        *last = *value;
    }
    model->value_count = kept;
    return 0;
}

static int resolve_node(struct model *model, uint32_t index, struct error *err)
{
    const struct onnx_node *node = &model->nodes[index];

    for (uint32_t k = 0; k < node->input_count; k++) {
        struct onnx_edge *edge = &model->edges[node->first_input + k];

        if (edge->name.size == 0)
            continue;
        edge->value = onnx_find_value(model, edge->name);
        if (edge->value == GRAPH_NONE) {
            (void)error_set(err, ERROR_BAD_INPUT, -EBADMSG, "input %u, '%s', is defined nowhere", k,
                            SPAN_TEXT(edge->name));
            return onnx_blame_node(model, index, err);
        }
        model->values[edge->value].uses++;
    }
    for (uint32_t k = 0; k < node->output_count; k++) {
        struct onnx_edge *edge = &model->edges[node->first_output + k];

        if (edge->name.size > 0)
            edge->value = onnx_find_value(model, edge->name);
    }
    return 0;
}

static int resolve_names(struct model *model, struct error *err)
{
    for (uint32_t i = 0; i < model->node_count; i++) {
        int r = resolve_node(model, i, err);

        if (r < 0)
            return r;
    }
    for (uint32_t i = 0; i < model->input_count; i++)
        model->inputs[i].value = onnx_find_value(model, model->inputs[i].name);
    for (uint32_t i = 0; i < model->output_count; i++) {
        struct onnx_input *output = &model->outputs[i];

        output->value = onnx_find_value(model, output->name);
        if (output->value == GRAPH_NONE)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the graph's output '%s' is defined nowhere",
                             SPAN_TEXT(output->name));
        model->values[output->value].uses++;
    }
    return 0;
}

static int check_operator(struct model *model, uint32_t index, struct error *err)
{
    struct onnx_node *node = &model->nodes[index];

    bool ml = span_equal(node->domain, LOWER_ML_DOMAIN);

    if (node->domain.size > 0 && !ml && !span_equal(node->domain, "ai.onnx"))
        return error_set(err, ERROR_UNAVAILABLE, -EOPNOTSUPP,
                         "node %u '%s': operator %s of domain '%s' is not supported (operator set %u)", index,
                         SPAN_TEXT(node->name), SPAN_TEXT(node->op), SPAN_TEXT(node->domain), model->opset);
    if (!model->opset_seen && !ml)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the model names no version of ONNX's operator set");
    node->entry = ml ? lower_ml_find(node->op) : operator_find(node->op);
    if (node->entry == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -EOPNOTSUPP,
                         "node %u '%s': operator %s is not supported (operator set %u)%s%s", index,
                         SPAN_TEXT(node->name), SPAN_TEXT(node->op), model->opset,
                         operator_refusal(node->op) != NULL ? ": " : "",
                         operator_refusal(node->op) != NULL ? operator_refusal(node->op) : "");
    if (node->input_count < node->entry->inputs_min || node->input_count > node->entry->inputs_max ||
        node->output_count == 0) {
        (void)error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%u inputs and %u outputs are not what the operator has",
                        node->input_count, node->output_count);
        return onnx_blame_node(model, index, err);
    }
    for (uint32_t k = 1; k < node->output_count; k++) {
        const struct onnx_edge *edge = &model->edges[node->first_output + k];

        if (edge->name.size == 0 || node->entry->any_outputs)
            continue;
        (void)error_set(err, ERROR_UNAVAILABLE, -EOPNOTSUPP, "its output %u, '%s', is not supported", k,
                        SPAN_TEXT(edge->name));
        return onnx_blame_node(model, index, err);
    }
    return 0;
}

/* --- order --------------------------------------------------------------------------------- */

/* The node that an input of a node waits for, or GRAPH_NONE. */
static uint32_t awaited(const struct model *model, const struct onnx_node *node, uint32_t input)
{
    uint32_t value = model->edges[node->first_input + input].value;

    if (value == GRAPH_NONE || model->values[value].source != ONNX_FROM_NODE)
        return GRAPH_NONE;
    return model->values[value].index;
}

static bool is_ordered(const struct model *model)
{
    for (uint32_t i = 0; i < model->node_count; i++)
        for (uint32_t k = 0; k < model->nodes[i].input_count; k++) {
            uint32_t before = awaited(model, &model->nodes[i], k);

            if (before != GRAPH_NONE && before >= i)
                return false;
        }
    return true;
}

struct sort { /* for each node: how many inputs it waits for, and who waits for it */
    uint32_t *unmet, *first, *waiting;
};

static void sort_prepare(const struct model *model, struct sort *sort)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < model->node_count; i++)
        for (uint32_t k = 0; k < model->nodes[i].input_count; k++) {
            uint32_t before = awaited(model, &model->nodes[i], k);

            if (before == GRAPH_NONE)
                continue;
            sort->unmet[i]++;
            sort->first[before]++;
        }
    for (uint32_t i = 0; i <= model->node_count; i++) {
        uint32_t count = sort->first[i];

        sort->first[i] = total;
        total += count;
    }
    for (uint32_t i = 0; i < model->node_count; i++)
        for (uint32_t k = 0; k < model->nodes[i].input_count; k++) {
            uint32_t before = awaited(model, &model->nodes[i], k);

            if (before != GRAPH_NONE)
                sort->waiting[sort->first[before]++] = i;
        }
    for (uint32_t i = model->node_count; i > 0; i--)
        sort->first[i] = sort->first[i - 1];
    sort->first[0] = 0;
}

static int sort_nodes(struct model *model, struct error *err)
{
    CLEANUP_FREE uint32_t *unmet = calloc((size_t)model->node_count + 1, sizeof *unmet);
    CLEANUP_FREE uint32_t *first = calloc((size_t)model->node_count + 2, sizeof *first);
    CLEANUP_FREE uint32_t *waiting = calloc((size_t)model->edge_count + 1, sizeof *waiting);
    struct sort sort = {unmet, first, waiting};
    uint32_t done = 0, ready = 0;

    if (unmet == NULL || first == NULL || waiting == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to order %u nodes", model->node_count);
    sort_prepare(model, &sort);
    for (uint32_t i = 0; i < model->node_count; i++)
        if (unmet[i] == 0)
            model->order[ready++] = i;
    while (done < ready) {
        uint32_t node = model->order[done++];

        for (uint32_t k = first[node]; k < first[node + 1]; k++)
            if (--unmet[waiting[k]] == 0)
                model->order[ready++] = waiting[k];
    }
    for (uint32_t i = 0; ready < model->node_count && i < model->node_count; i++)
        if (unmet[i] > 0) {
            (void)error_set(err, ERROR_BAD_INPUT, -ELOOP, "it needs its own output: the graph has a cycle");
            return onnx_blame_node(model, i, err);
        }
    return 0;
}

static int order_nodes(struct model *model, struct error *err)
{
    model->order = calloc((size_t)model->node_count + 1, sizeof *model->order);
    if (model->order == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to order %u nodes", model->node_count);
    if (!is_ordered(model))
        return sort_nodes(model, err);
    for (uint32_t i = 0; i < model->node_count; i++)
        model->order[i] = i;
    return 0;
}

int onnx_check(struct model *model, struct error *err)
{
    int r = collect_values(model, err);

    if (r == 0)
        r = merge_values(model, err);
    if (r == 0)
        r = resolve_names(model, err);
    for (uint32_t i = 0; r == 0 && i < model->node_count; i++)
        r = check_operator(model, i, err);
    if (r == 0)
        r = order_nodes(model, err);
    if (r == 0 && model->output_count == 0)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the graph has no output");
    return r;
}
