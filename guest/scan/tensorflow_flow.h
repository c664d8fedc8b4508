/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where paths come from: whether a constant that leads out of the model's folder reaches an operator that opens files.
 *
 * One flow is kept for each graph and function. Nodes may stand in any order, so that what was noted is followed only
 * at the end. All is bounded; what was too much to be noted is told.
 */
#ifndef LAZARET_GUEST_SCAN_TENSORFLOW_FLOW_H
#define LAZARET_GUEST_SCAN_TENSORFLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENSORFLOW_PATHS_MAX 64u   /* constants that lead out */
#define TENSORFLOW_EDGES_MAX 1024u /* inputs of operators that make strings of strings */
#define TENSORFLOW_PATH_SIZE 160u

struct tensorflow_path {
    char text[TENSORFLOW_PATH_SIZE]; /* cut, not terminated */
    size_t size;
    uint64_t offset; /* of the constant */
    uint64_t node;   /* its name, as tensorflow_flow_name has it */
};

struct tensorflow_flow {
    struct tensorflow_path paths[TENSORFLOW_PATHS_MAX];
    struct {
        uint64_t node; /* as tensorflow_flow_name has it */
        uint32_t path;
    } reached[TENSORFLOW_PATHS_MAX + TENSORFLOW_EDGES_MAX];
    struct {
        uint64_t from, to;
    } edges[TENSORFLOW_EDGES_MAX];
    uint32_t path_count, reached_count, edge_count;
    bool too_many; /* something was not noted */
};

/* A node's name as a number, from how it stands in its own name or in an input: "^a", "a:0", "a:output:0". */
uint64_t tensorflow_flow_name(const void *name, size_t size);

void tensorflow_flow_clear(struct tensorflow_flow *flow);
void tensorflow_flow_add_path(struct tensorflow_flow *flow, uint64_t node, const struct tensorflow_path *path);
void tensorflow_flow_add_edge(struct tensorflow_flow *flow, uint64_t from, uint64_t to);
/* Follows the edges; after that, the path that reaches a node, or NULL. */
void tensorflow_flow_follow(struct tensorflow_flow *flow);
const struct tensorflow_path *tensorflow_flow_reaches(const struct tensorflow_flow *flow, uint64_t node);

#endif
