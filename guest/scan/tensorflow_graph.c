/* SPDX-License-Identifier: Apache-2.0 */
/* Judgement of a TensorFlow graph, node by node. */
#include "guest/scan/tensorflow_graph.h"

#include "guest/scan/names.h"
#include "guest/scan/text.h"

#include <stdio.h>
#include <string.h>

static int find(const struct tensorflow_graph *graph, enum tensorflow_rule rule, uint64_t offset, struct error *err,
                const char *what, const char *name)
{
    return scan_find(graph->scan, graph->object, &tensorflow_rules[rule], offset, err, "%s%s%s", what,
                     what[0] != '\0' && name[0] != '\0' ? " " : "", name);
}

/* --- nodes ---------------------------------------------------------------------------------------------- */

static struct tensorflow_scope *scope_of(struct tensorflow_graph *graph)
{
    return graph->in_function ? &graph->function : &graph->main;
}

static struct tensorflow_sink sink_of(const struct tensorflow_graph *graph, enum tensorflow_op op)
{
    const struct tensorflow_node *node = &graph->node;
    uint32_t input = op == TENSORFLOW_OP_TABLE_FILE || op == TENSORFLOW_OP_MERGE ? 1 : 0; /* the path's */
    struct tensorflow_sink sink = {
        .op = op, .offset = node->offset, .in_function = graph->in_function, .name_size = node->op_size};

    memcpy(sink.name, node->op, node->op_size);
    sink.input = input < node->input_count ? node->inputs[input] : 0;
    return sink;
}

static void count_sink(const struct tensorflow_sink *sink, uint64_t *count, struct tensorflow_sink *first)
{
    if ((*count)++ == 0)
        *first = *sink;
}

/* Operators that open files and belong to an ordinary model: judged later. */
static void note_sink(struct tensorflow_graph *graph, enum tensorflow_op op)
{
    struct tensorflow_scope *scope = scope_of(graph);
    struct tensorflow_sink sink = sink_of(graph, op);

    if (op == TENSORFLOW_OP_SAVE)
        count_sink(&sink, &graph->saves, &graph->first_save);
    else if (op == TENSORFLOW_OP_RESTORE)
        count_sink(&sink, &graph->restores, &graph->first_restore);
    else if (op == TENSORFLOW_OP_MERGE)
        count_sink(&sink, &graph->merges, &graph->first_merge);
    else if (!graph->in_function || graph->node.input_count == 0) /* a function has its assets as arguments */
        count_sink(&sink, &graph->tables, &graph->first_table);
    if (scope->sink_count < TENSORFLOW_SINKS_MAX)
        scope->sinks[scope->sink_count++] = sink;
}

static void note_unknown(struct tensorflow_graph *graph)
{
    const struct tensorflow_node *node = &graph->node;
    uint64_t hash = tensorflow_flow_name(node->op, node->op_size);

    for (uint32_t i = 0; i < graph->unknown_count; i++) {
        if (graph->unknown[i].hash != hash)
            continue;
        graph->unknown[i].count++;
        return;
    }
    if (graph->unknown_count == TENSORFLOW_UNKNOWN_MAX)
        return;
    memcpy(graph->unknown[graph->unknown_count].name, node->op, node->op_size);
    graph->unknown[graph->unknown_count].size = node->op_size;
    graph->unknown[graph->unknown_count].hash = hash;
    graph->unknown[graph->unknown_count].offset = node->offset;
    graph->unknown[graph->unknown_count++].count = 1;
}

static int judge_op(struct tensorflow_graph *graph, enum tensorflow_op op, struct error *err)
{
    const struct tensorflow_node *node = &graph->node;
    const char *name = TEXT(node->op, node->op_size);

    switch (op) {
    case TENSORFLOW_OP_PYTHON:
        return find(graph, TENSORFLOW_RULE_PYTHON, node->offset, err, name, "");
    case TENSORFLOW_OP_READS:
    case TENSORFLOW_OP_WRITES:
        return find(graph, TENSORFLOW_RULE_FILE, node->offset, err, name,
                    op == TENSORFLOW_OP_READS ? "reads files" : "writes files");
    case TENSORFLOW_OP_NETWORK:
        return find(graph, TENSORFLOW_RULE_NETWORK, node->offset, err, name, "");
    case TENSORFLOW_OP_OPAQUE:
        return find(graph, TENSORFLOW_RULE_OPAQUE, node->offset, err, name, "");
    case TENSORFLOW_OP_GRAPH:
        return find(graph, TENSORFLOW_RULE_NESTED, node->offset, err, name, "");
    case TENSORFLOW_OP_REACHING: /* unless it is a function of the model's own */
    case TENSORFLOW_OP_UNKNOWN:
        if (node->op_size > 0) /* nothing runs without a name */
            note_unknown(graph);
        return 0;
    case TENSORFLOW_OP_DEBUG:
        return node->url_key[0] == '\0' ? find(graph, TENSORFLOW_RULE_DEBUG, node->offset, err, name, "") : 0;
    case TENSORFLOW_OP_TABLE:
        return node->input_count == 0 ? find(graph, TENSORFLOW_RULE_TABLE, node->offset, err, name, "") : 0;
    case TENSORFLOW_OP_SAVE:
    case TENSORFLOW_OP_RESTORE:
    case TENSORFLOW_OP_MERGE:
    case TENSORFLOW_OP_TABLE_FILE:
        note_sink(graph, op);
        return 0;
    default:
        return 0;
    }
}

static int end_node(struct tensorflow_graph *graph, struct error *err)
{
    struct tensorflow_node *node = &graph->node;
    struct tensorflow_flow *flow = &scope_of(graph)->flow;
    enum tensorflow_op op = tensorflow_op_of(node->op, node->op_size);
    int r = 0;

    node->open = false;
    if (node->path.size > 0 && node->string_count == 1) /* a path, and no list of words */
        tensorflow_flow_add_path(flow, node->hash, &node->path);
    for (uint32_t i = 0; op == TENSORFLOW_OP_PATH && i < node->input_count; i++)
        tensorflow_flow_add_edge(flow, node->inputs[i], node->hash);
    if (node->url_key[0] != '\0')
        r = scan_find(graph->scan, graph->object, &tensorflow_rules[TENSORFLOW_RULE_URL], node->url.offset, err,
                      "%s, %s '%s'", TEXT(node->op, node->op_size), node->url_key,
                      TEXT(node->url.text, node->url.size));
    return r < 0 ? r : judge_op(graph, op, err);
}

/* --- graphs and functions ------------------------------------------------------------------------------- */

static int judge_sink(struct tensorflow_graph *graph, const struct tensorflow_sink *sink,
                      const struct tensorflow_path *path, struct error *err)
{
    enum tensorflow_rule rule = sink->op == TENSORFLOW_OP_TABLE_FILE ? TENSORFLOW_RULE_FILE
                                : sink->op == TENSORFLOW_OP_RESTORE  ? TENSORFLOW_RULE_RESTORE
                                                                     : TENSORFLOW_RULE_SAVE;

    return scan_find(graph->scan, graph->object, &tensorflow_rules[rule], sink->offset, err,
                     "%s with the path '%s' of offset %llu", TEXT(sink->name, sink->name_size),
                     TEXT(path->text, path->size), (unsigned long long)path->offset);
}

/* Whether a finding has to wait until the assets are known, which stand behind the graph. */
static bool waits(struct tensorflow_graph *graph, const struct tensorflow_sink *sink,
                  const struct tensorflow_path *path)
{
    if (sink->op != TENSORFLOW_OP_TABLE_FILE || graph->outside_count == TENSORFLOW_SINKS_MAX)
        return false;
    graph->outside[graph->outside_count].sink = *sink;
    graph->outside[graph->outside_count++].path = *path;
    return true;
}

/* Paths that lead out, and reach what opens files. */
static int end_scope(struct tensorflow_graph *graph, struct tensorflow_scope *scope, struct error *err)
{
    int r = 0;

    tensorflow_flow_follow(&scope->flow);
    for (uint32_t i = 0; i < scope->sink_count && r == 0; i++) {
        const struct tensorflow_path *path = tensorflow_flow_reaches(&scope->flow, scope->sinks[i].input);

        if (path != NULL && !waits(graph, &scope->sinks[i], path))
            r = judge_sink(graph, &scope->sinks[i], path, err);
    }
    if (scope->flow.too_many && scope->flow.path_count > 0 && scope->sink_count > 0)
        scan_skipped(graph->scan, graph->object, SCAN_GAP_BUDGET, scope->sinks[0].offset, 0,
                     "too many strings to tell which of them are paths of %s",
                     TEXT(scope->sinks[0].name, scope->sinks[0].name_size));
    tensorflow_flow_clear(&scope->flow);
    scope->sink_count = 0;
    return r;
}

static bool is_function(const struct tensorflow_graph *graph, uint64_t hash)
{
    for (uint32_t i = 0; i < graph->function_count; i++)
        if (graph->functions[i] == hash)
            return true;
    return false;
}

static int judge_unknown(struct tensorflow_graph *graph, struct error *err)
{
    int r = 0;

    for (uint32_t i = 0; i < graph->unknown_count && r == 0; i++) {
        const char *name = graph->unknown[i].name;
        size_t size = graph->unknown[i].size;
        bool reaches = names_operator_reaches(name, size) != NULL;

        if (!is_function(graph, graph->unknown[i].hash))
            r = find(graph, reaches ? TENSORFLOW_RULE_REACHING : TENSORFLOW_RULE_UNKNOWN, graph->unknown[i].offset, err,
                     TEXT(name, size), "");
    }
    return r;
}

/* A saver saves and restores. What only does one of them is none. */
static int judge_savers(struct tensorflow_graph *graph, struct error *err)
{
    int r = 0;

    if (graph->saves > 0 && graph->restores == 0)
        r = find(graph, TENSORFLOW_RULE_SAVE, graph->first_save.offset, err,
                 TEXT(graph->first_save.name, graph->first_save.name_size), "in a graph that restores nothing");
    if (r == 0 && graph->merges > 0 && graph->saves == 0)
        r = find(graph, TENSORFLOW_RULE_SAVE, graph->first_merge.offset, err,
                 TEXT(graph->first_merge.name, graph->first_merge.name_size), "in a graph that saves nothing");
    if (r == 0 && graph->restores > 0 && graph->saves == 0)
        r = find(graph, TENSORFLOW_RULE_RESTORE, graph->first_restore.offset, err,
                 TEXT(graph->first_restore.name, graph->first_restore.name_size), "in a graph that saves nothing");
    return r;
}

static int end_graph(struct tensorflow_graph *graph, struct error *err)
{
    int r = end_scope(graph, &graph->main, err);

    if (r == 0)
        r = judge_savers(graph, err);
    if (r == 0)
        r = judge_unknown(graph, err);
    graph->saves = graph->restores = graph->merges = 0;
    graph->unknown_count = graph->function_count = 0;
    return r;
}

static bool is_asset(const struct tensorflow_graph *graph, uint64_t node)
{
    for (uint32_t i = 0; i < graph->asset_tensor_count; i++)
        if (graph->asset_tensors[i] == node)
            return true;
    return false;
}

/*
 * Tables from files, when it is known which assets the model has. The constants of TensorFlow 1 still hold the path
 * that an asset had where it was made; loaders put the asset's into their place.
 */
static int end_model(struct tensorflow_graph *graph, struct error *err)
{
    int r = 0;

    for (uint32_t i = 0; i < graph->outside_count && r == 0; i++)
        if (!is_asset(graph, graph->outside[i].path.node))
            r = judge_sink(graph, &graph->outside[i].sink, &graph->outside[i].path, err);
    graph->outside_count = graph->asset_tensor_count = 0;
    if (r < 0)
        return r;

    if (graph->tables > 0 && graph->assets == 0)
        r = find(graph, TENSORFLOW_RULE_FILE, graph->first_table.offset, err,
                 TEXT(graph->first_table.name, graph->first_table.name_size), "in a model without assets");
    graph->tables = graph->assets = 0;
    return r;
}

int tensorflow_graph_enter(struct tensorflow_graph *graph, const struct proto_row *row, uint64_t offset)
{
    if (row == NULL)
        return 0;
    if (row->field == TENSORFLOW_IS_NODE)
        graph->node = (struct tensorflow_node){.open = true, .offset = offset};
    else if (row->field == TENSORFLOW_IS_FUNCTION)
        graph->in_function = true;
    return 0;
}

int tensorflow_graph_leave(struct tensorflow_graph *graph, const struct proto_row *row, struct error *err)
{
    int r;

    switch (row != NULL ? row->field : TENSORFLOW_NOTHING) {
    case TENSORFLOW_IS_NODE:
        return end_node(graph, err);
    case TENSORFLOW_IS_FUNCTION:
        graph->in_function = false;
        return end_scope(graph, &graph->function, err);
    case TENSORFLOW_IS_GRAPH:
        return end_graph(graph, err);
    case TENSORFLOW_IS_META_GRAPH:
        return end_model(graph, err);
    default:
        if (row != NULL)
            return 0;
        r = end_graph(graph, err); /* whatever the outermost message is, all has been seen */
        return r < 0 ? r : end_model(graph, err);
    }
}

/* --- strings -------------------------------------------------------------------------------------------- */

static size_t keep(char *out, size_t room, const struct tensorflow_text *text)
{
    size_t size = text->size < room ? text->size : room;

    memcpy(out, text->bytes, size);
    return size;
}

static bool has_key(const struct tensorflow_graph *graph, const char *key)
{
    return graph->key_size == strlen(key) && memcmp(graph->key, key, graph->key_size) == 0;
}

/* "file:///tmp/x", or "DebugIdentity;grpc://host;1". Patterns are no URLs, whatever they match. */
static bool holds_url(const struct tensorflow_graph *graph, const struct tensorflow_text *text)
{
    static const char local[] = "local://", bytes[] = "bytes://";

    if (has_key(graph, "pattern") || has_key(graph, "rewrite") || has_key(graph, "value"))
        return false;
    for (size_t at = 0; at < text->size; at++) {
        size_t left = text->size - at;

        if (at > 0 && text->bytes[at - 1] != ';')
            continue;
        if ((left >= sizeof local - 1 && memcmp(text->bytes + at, local, sizeof local - 1) == 0) ||
            (left >= sizeof bytes - 1 && memcmp(text->bytes + at, bytes, sizeof bytes - 1) == 0))
            continue;
        if (names_is_url(text->bytes + at, left))
            return true;
    }
    return false;
}

static void take_attribute(struct tensorflow_graph *graph, const struct tensorflow_text *text)
{
    struct tensorflow_node *node = &graph->node;

    if (!node->open || node->url_key[0] != '\0' || !holds_url(graph, text))
        return;
    (void)snprintf(node->url_key, sizeof node->url_key, "%s", TEXT(graph->key, graph->key_size));
    node->url.size = keep(node->url.text, sizeof node->url.text, text);
    node->url.offset = text->offset;
}

static void take_element(struct tensorflow_graph *graph, const struct tensorflow_text *text)
{
    struct tensorflow_node *node = &graph->node;

    if (!node->open)
        return;
    node->string_count++;
    if (node->path.size > 0 || names_path_leaves(text->bytes, text->size) == NULL)
        return;
    node->path.size = keep(node->path.text, sizeof node->path.text, text);
    node->path.offset = text->offset;
}

static int take_function(struct tensorflow_graph *graph, const struct tensorflow_text *text, struct error *err)
{
    if (graph->function_count < TENSORFLOW_FUNCTIONS_MAX)
        graph->functions[graph->function_count++] = tensorflow_flow_name(text->bytes, text->size);
    if (!tensorflow_op_is_own(text->bytes, text->size))
        return 0;
    return find(graph, TENSORFLOW_RULE_OVERRIDE, text->offset, err, TEXT(text->bytes, text->size), "");
}

static int take_asset(struct tensorflow_graph *graph, const struct tensorflow_text *text, struct error *err)
{
    const char *leaves = names_path_leaves(text->bytes, text->size);

    graph->assets++;
    if (leaves == NULL)
        return 0;
    return scan_find(graph->scan, graph->object, &tensorflow_rules[TENSORFLOW_RULE_ASSET], text->offset, err,
                     "%s: '%s'", leaves, TEXT(text->bytes, text->size));
}

int tensorflow_graph_text(struct tensorflow_graph *graph, const struct proto_row *row,
                          const struct tensorflow_text *text, struct error *err)
{
    struct tensorflow_node *node = &graph->node;

    switch (row->field) {
    case TENSORFLOW_NODE_NAME:
        node->name_size = keep(node->name, sizeof node->name, text);
        node->hash = tensorflow_flow_name(text->bytes, text->size);
        return 0;
    case TENSORFLOW_OP:
        node->op_size = keep(node->op, sizeof node->op, text);
        return 0;
    case TENSORFLOW_INPUT:
        if (node->input_count < TENSORFLOW_INPUTS_MAX)
            node->inputs[node->input_count++] = tensorflow_flow_name(text->bytes, text->size);
        return 0;
    case TENSORFLOW_ATTR_KEY:
        graph->key_size = keep(graph->key, sizeof graph->key, text);
        return 0;
    case TENSORFLOW_ATTR_STRING:
        take_attribute(graph, text);
        return 0;
    case TENSORFLOW_TENSOR_STRING:
        take_element(graph, text);
        return 0;
    case TENSORFLOW_FUNCTION_NAME:
        return take_function(graph, text, err);
    case TENSORFLOW_ASSET_NAME:
        return take_asset(graph, text, err);
    case TENSORFLOW_ASSET_TENSOR:
        if (graph->asset_tensor_count < TENSORFLOW_ASSETS_MAX)
            graph->asset_tensors[graph->asset_tensor_count++] = tensorflow_flow_name(text->bytes, text->size);
        return 0;
    default:
        return 0;
    }
}
