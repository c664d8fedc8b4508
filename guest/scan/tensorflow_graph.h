/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TensorFlow graph would do, judged as its fields come in, from the binary format or from text.
 *
 * Theory of operation. A graph runs code of TensorFlow only, so that what counts is which operators it has and what
 * they are given. Most only compute. Those that reach out are findings by themselves, with two exceptions that stand
 * in every ordinary SavedModel: the saver, whose paths come from whoever saves, and tables filled from an asset. Both
 * are judged at the end of a graph, when it is known where their paths come from.
 */
#ifndef LAZARET_GUEST_SCAN_TENSORFLOW_GRAPH_H
#define LAZARET_GUEST_SCAN_TENSORFLOW_GRAPH_H

#include "guest/scan/tensorflow_flow.h"
#include "guest/scan/tensorflow_ops.h"
#include "guest/scan/tensorflow_schema.h"

#define TENSORFLOW_TEXT_MAX      1024u /* bytes of a string that are looked at here */
#define TENSORFLOW_NAME_MAX      128u
#define TENSORFLOW_INPUTS_MAX    4u
#define TENSORFLOW_SINKS_MAX     64u /* of one graph or function */
#define TENSORFLOW_UNKNOWN_MAX   32u /* unknown operators that are named, of one graph */
#define TENSORFLOW_FUNCTIONS_MAX 4096u
#define TENSORFLOW_ASSETS_MAX    256u /* whose constants are known */

enum tensorflow_rule {
    TENSORFLOW_RULE_LENGTH,
    TENSORFLOW_RULE_PYTHON,
    TENSORFLOW_RULE_FILE,
    TENSORFLOW_RULE_NETWORK,
    TENSORFLOW_RULE_URL,
    TENSORFLOW_RULE_SAVE,
    TENSORFLOW_RULE_RESTORE,
    TENSORFLOW_RULE_ASSET,
    TENSORFLOW_RULE_REACHING,
    TENSORFLOW_RULE_UNKNOWN,
    TENSORFLOW_RULE_OPAQUE,
    TENSORFLOW_RULE_NESTED,
    TENSORFLOW_RULE_DEBUG,
    TENSORFLOW_RULE_TABLE,
    TENSORFLOW_RULE_OVERRIDE,
    TENSORFLOW_RULE_COUNT
};

extern const struct scan_rule tensorflow_rules[TENSORFLOW_RULE_COUNT];

/* A string of the file: its beginning, and all of its size. */
struct tensorflow_text {
    const char *bytes;
    size_t size;    /* at hand, at most TENSORFLOW_TEXT_MAX */
    uint64_t whole; /* in all */
    uint64_t offset;
};

struct tensorflow_node {
    bool open; /* between its beginning and its end */
    uint64_t offset, hash;
    char name[TENSORFLOW_NAME_MAX], op[TENSORFLOW_NAME_MAX]; /* cut, not terminated */
    size_t name_size, op_size;
    uint64_t inputs[TENSORFLOW_INPUTS_MAX];
    uint32_t input_count;
    uint64_t string_count;       /* elements of string tensors */
    struct tensorflow_path path; /* the first that leads out */
    char url_key[32];            /* of the first attribute that is a URL; "" for none */
    struct tensorflow_path url;
};

/* An operator that opens files, until it is known where its path comes from. */
struct tensorflow_sink {
    enum tensorflow_op op;
    uint64_t offset, input;
    bool in_function;
    char name[TENSORFLOW_NAME_MAX]; /* the operator's */
    size_t name_size;
};

/* One graph or function. */
struct tensorflow_scope {
    struct tensorflow_flow flow;
    struct tensorflow_sink sinks[TENSORFLOW_SINKS_MAX];
    uint32_t sink_count;
};

struct tensorflow_graph {
    struct scan *scan;
    const struct scan_object *object;
    struct tensorflow_node node;
    struct tensorflow_scope main, function;
    bool in_function;
    char key[32]; /* of the attribute under way */
    size_t key_size;
    /* Of the whole graph with its functions. */
    uint64_t saves, restores, merges, tables, assets;
    struct tensorflow_sink first_save, first_restore, first_merge, first_table;
    /* Tables from files outside, until it is known whether an asset takes the place of the path. */
    struct {
        struct tensorflow_sink sink;
        struct tensorflow_path path;
    } outside[TENSORFLOW_SINKS_MAX];
    uint32_t outside_count;
    uint64_t asset_tensors[TENSORFLOW_ASSETS_MAX];
    uint32_t asset_tensor_count;
    struct {
        char name[TENSORFLOW_NAME_MAX];
        size_t size;
        uint64_t hash, offset, count;
    } unknown[TENSORFLOW_UNKNOWN_MAX];
    uint32_t unknown_count;
    uint64_t functions[TENSORFLOW_FUNCTIONS_MAX]; /* names */
    uint32_t function_count;
};

/* The row is the one that led into the message, NULL for the outermost; errors are the sink's. */
MUST_USE int tensorflow_graph_enter(struct tensorflow_graph *graph, const struct proto_row *row, uint64_t offset);
MUST_USE int tensorflow_graph_leave(struct tensorflow_graph *graph, const struct proto_row *row, struct error *err);
MUST_USE int tensorflow_graph_text(struct tensorflow_graph *graph, const struct proto_row *row,
                                   const struct tensorflow_text *text, struct error *err);

#endif
