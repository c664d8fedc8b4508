/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A farm on many machines, by Slurm. docs/slurm.md.
 *
 * The controller takes jobs off the queue, orders them of Slurm's nodes, and believes nothing that comes back but what
 * a node named in the job's policy has signed over the order's nonce; a random share is evaluated again by another
 * node, chosen when the first has answered. It holds no key. Killed at any moment, its successor goes on with what
 * Slurm still runs.
 */
#ifndef LAZARET_HOST_FARM_SLURM_H
#define LAZARET_HOST_FARM_SLURM_H

#include "base/error.h"
#include "host/farm/pool.h"

#define SLURM_IN_FLIGHT_MAX     2000u
#define SLURM_IN_FLIGHT_DEFAULT 1000u
#define SLURM_ARRAY_DEFAULT     100u
#define SLURM_SHARE_DEFAULT     5u /* per cent that are evaluated again */
#define SLURM_PROGRAM_DEFAULT   "lazaret"
#define SLURM_NODE_KEY_DEFAULT  "/etc/lazaret/node.pem"

/* `node_key`, `program` and `state` are the nodes' paths, the others this machine's. */
struct slurm_options {
    const char *shared;    /* a directory that controller and nodes have under this name */
    const char *node_keys; /* a key ring; NULL: each job's policy names the nodes' keys */
    const char *node_gpus; /* the nodes' GPUs (gpu_map.h); NULL: no job may ask for one */
    const char *node_key;  /* the node's private key; %n stands for its name in Slurm */
    const char *program;   /* lazaret, there; a path, or found in $PATH */
    const char *state;     /* $LAZARET_STATE there; NULL: as it is */
    const char *partition, *account;
    const char *ledger, *ledger_key; /* here: where results are logged (appender.h); NULL: nowhere */
    uint64_t recheck_share;          /* per cent */
    uint64_t array_max, in_flight_max;
};

/* Runs until the queue is empty (`until_empty`) or a signal says stop; `pool`'s look and context are used as the pool's
 * are. ERROR_UNAVAILABLE: Slurm is not here, or another controller has this farm. */
MUST_USE int slurm_run(const struct slurm_options *options, const struct pool_options *pool, bool *ret_stopped,
                       struct error *err);

/* --- a node's side ----------------------------------------------------------------------------------------------- */

struct slurm_task_options {
    const char *orders; /* SHARED/lazaret-BATCH/orders/ARRAY.json */
    const char *sha256; /* of that file, as the controller gave it to Slurm */
    const char *key;    /* as slurm_options.node_key */
};

/* Does the order of $SLURM_ARRAY_TASK_ID on $SLURMD_NODENAME. */
MUST_USE int slurm_task_run(const struct slurm_task_options *options, struct error *err);

#endif
