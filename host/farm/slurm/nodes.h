/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster's nodes: which there are, which of them a job's policy names with a key, and which are trusted still. */
#ifndef LAZARET_HOST_FARM_SLURM_NODES_H
#define LAZARET_HOST_FARM_SLURM_NODES_H

#include "host/farm/slurm/gpu_map.h"
#include "host/farm/slurm/journal.h"
#include "host/farm/slurm/slurm.h"
#include "host/policy/keyring.h"

#include <jansson.h>
#include <limits.h>

#define NODES_POLICIES_MAX 64u
#define NODES_AVOID_MAX    16u

struct nodes;

/* What a policy says to a node's work. */
struct nodes_policy {
    const struct keyring *ring; /* its own, or --node-keys */
    unsigned deadline_seconds;
    bool ledger_required; /* and with it an announcement of every job */
};

/* `folder` is the farm's, where nodes' public keys are written as nodes/NAME.pub.pem. Errors of keyring_load(). */
/* And of gpu_map_load(). */
MUST_USE int nodes_new(const struct slurm_options *options, const char *folder, struct nodes **ret_nodes,
                       struct error *err);
void nodes_free(struct nodes *nodes);

/* Asks sinfo, and reads standings. */
MUST_USE int nodes_refresh(struct nodes *nodes, struct database *database, struct error *err);
MUST_USE int nodes_read_standings(struct nodes *nodes, struct database *database, struct error *err);

/* The policy of a job's description; each is read once. ERROR_BAD_INPUT: it names no node's key. */
MUST_USE int nodes_find_policy(struct nodes *nodes, const json_t *description, struct nodes_policy *ret_policy,
                               struct error *err);

/* --node-gpus, or NULL. */
const struct gpu_map *nodes_gpu_map(const struct nodes *nodes);

enum node_standing nodes_standing(const struct nodes *nodes, const char *name);

/* Nodes not to be given an order; suspect ones neither, unless nobody else is left. */
struct nodes_avoid {
    bool suspects_too; /* suspect ones may */
    bool with_gpu;     /* those without a GPU that the map names may not either */
    size_t count;
    char names[NODES_AVOID_MAX][SLURM_NODE_SIZE];
};
void nodes_avoid_add(struct nodes_avoid *avoid, const char *name);

/* How many nodes may take an order, and the most that one of them has. */
struct nodes_left {
    unsigned count;
    uint64_t cores, memory_mib, gpus;
};
void nodes_count_left(const struct nodes *nodes, const struct nodes_policy *policy, const struct nodes_avoid *avoid,
                      struct nodes_left *ret_left);

/* Appends the names of those that may not, with commas between; "" where all may. */
MUST_USE int nodes_list_excluded(const struct nodes *nodes, const struct nodes_policy *policy,
                                 const struct nodes_avoid *avoid, struct buffer *ret_list);

/*
 * The public key of a node as a file: it must be named for that use and valid now. ERROR_MISMATCH says why not.
 */
MUST_USE int nodes_key_file(const struct nodes *nodes, const struct nodes_policy *policy, const char *name,
                            char ret_path[PATH_MAX], struct error *err);

#endif
