/* SPDX-License-Identifier: Apache-2.0 */
/* Paths through a graph of TensorFlow. */
#include "guest/scan/tensorflow_flow.h"

/* FNV-1a, 64 bits: two names of one number make a wrong line in a finding at worst. */
uint64_t tensorflow_flow_name(const void *name, size_t size)
{
    const uint8_t *bytes = name;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = size > 0 && bytes[0] == '^' ? 1 : 0; i < size && bytes[i] != ':'; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void tensorflow_flow_clear(struct tensorflow_flow *flow)
{
    flow->path_count = flow->reached_count = flow->edge_count = 0;
    flow->too_many = false;
}

static void reach(struct tensorflow_flow *flow, uint64_t node, uint32_t path)
{
    if (flow->reached_count == sizeof flow->reached / sizeof flow->reached[0])
        return;
    flow->reached[flow->reached_count].node = node;
    flow->reached[flow->reached_count++].path = path;
}

void tensorflow_flow_add_path(struct tensorflow_flow *flow, uint64_t node, const struct tensorflow_path *path)
{
    if (flow->path_count == TENSORFLOW_PATHS_MAX) {
        flow->too_many = true;
        return;
    }
    flow->paths[flow->path_count] = *path;
    flow->paths[flow->path_count].node = node;
    reach(flow, node, flow->path_count++);
}

void tensorflow_flow_add_edge(struct tensorflow_flow *flow, uint64_t from, uint64_t to)
{
    if (flow->edge_count == TENSORFLOW_EDGES_MAX) {
        flow->too_many = true;
        return;
    }
    flow->edges[flow->edge_count].from = from;
    flow->edges[flow->edge_count++].to = to;
}

const struct tensorflow_path *tensorflow_flow_reaches(const struct tensorflow_flow *flow, uint64_t node)
{
    for (uint32_t i = 0; i < flow->reached_count; i++)
        if (flow->reached[i].node == node)
            return &flow->paths[flow->reached[i].path];
    return NULL;
}

void tensorflow_flow_follow(struct tensorflow_flow *flow)
{
    /* Whatever is reached is looked at once; what it leads to is put behind it. */
    for (uint32_t i = 0; i < flow->reached_count; i++)
        for (uint32_t k = 0; k < flow->edge_count; k++)
            if (flow->edges[k].from == flow->reached[i].node &&
                tensorflow_flow_reaches(flow, flow->edges[k].to) == NULL)
                reach(flow, flow->edges[k].to, flow->reached[i].path);
}
