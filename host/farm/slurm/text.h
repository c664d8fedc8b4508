/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Slurm's programs print, read with bounds. Sources: sbatch(1) --parsable, squeue(1) -o, sinfo(1) -o, of 22.05.
 *
 *   sbatch --parsable                        "123" or "123;cluster"
 *   squeue -h -r -o "%j|%K|%T|%N|%r"         "NAME|TASK|STATE|NODE|REASON" a line
 *   sinfo -h -N -o "%N|%c|%m|%t|%G"          "NODE|CPUS|MIB|STATE|GRES" a line; what is down comes back
 */
#ifndef LAZARET_HOST_FARM_SLURM_TEXT_H
#define LAZARET_HOST_FARM_SLURM_TEXT_H

#include "base/cursor.h"

#include <stdbool.h>
#include <stdint.h>

#define SLURM_NODE_SIZE   64u /* of a node's name, with its NUL; as a key ring's */
#define SLURM_NAME_SIZE   64u /* of an array's name, with its NUL */
#define SLURM_REASON_SIZE 64u
#define SLURM_TASKS_MAX   1000u /* of an array: Slurm's own MaxArraySize is 1001 where nobody changed it */
#define SLURM_GPUS_MAX    1024u

#define SLURM_SQUEUE_FORMAT "%j|%K|%T|%N|%r"
#define SLURM_SINFO_FORMAT  "%N|%c|%m|%t|%G"

enum slurm_stage {
    SLURM_WAITING,
    SLURM_RUNNING,
    SLURM_ENDED,
    SLURM_NODE_LOST, /* by no fault of the job: its node failed, or it was preempted */
};

struct slurm_task {
    char name[SLURM_NAME_SIZE];
    unsigned task;
    enum slurm_stage stage;
    char state[SLURM_REASON_SIZE];  /* Slurm's word: "RUNNING" */
    char node[SLURM_NODE_SIZE];     /* "" where it has none */
    char reason[SLURM_REASON_SIZE]; /* printable */
};

struct slurm_node {
    char name[SLURM_NODE_SIZE];
    uint64_t cores, memory_mib, gpus;
};

/* The number of a submitted job. -EBADMSG. */
MUST_USE int slurm_read_submitted(const void *text, size_t size, int64_t *ret_job);

/*
 * The next line that is of that form; others (of jobs that are not ours, or that no program of Slurm prints) are passed
 * over. 1, or 0 at the end.
 */
int slurm_next_task(struct cursor *text, struct slurm_task *ret_task);
int slurm_next_node(struct cursor *text, struct slurm_node *ret_node);

/* Whether a text is a node's name as a key ring may have it: letters, digits, '.', '_', '-', and no '-' first. */
bool slurm_is_node_name(const char *name);

#endif
