/* SPDX-License-Identifier: Apache-2.0 */
/* One job in a worker's hands, from the lease to its end. */
#ifndef LAZARET_HOST_FARM_TASK_H
#define LAZARET_HOST_FARM_TASK_H

#include "host/farm/content.h"
#include "host/farm/judge.h"
#include "host/farm/kept.h"
#include "host/farm/settle.h"
#include "host/farm/worker.h"

#include <limits.h>

struct worker {
    const struct worker_options *options;
    struct queue_machine machine;
    struct database *database;
    struct content *content;
    struct kept *kept;
    char name[QUEUE_WORKER_SIZE];
    int lock;
    char key_path[PATH_MAX];
};

#define TASK_TOKEN_DIGITS 16u /* of the token in an attempt's name */

struct task {
    struct worker *worker;
    struct queue_lease lease;
    json_t *description, *settings;
    struct content_facts facts;
    uint64_t last_beat_ns;
    char output[PATH_MAX]; /* attempts/ID.TOKEN */
    char log[PATH_MAX];
};

/* Does the job of the task's lease. An error is the farm's, or -ESTALE where the lease was lost. */
MUST_USE int task_run(struct task *task, struct error *err);

/* How it ends: settle.h. */
struct settlement task_settlement(struct task *task);

/* By its own result, which lies at `path` and is moved to its place in the same transaction. */
MUST_USE int task_end_by(struct task *task, const struct judgement *judgement, const char *path, uint64_t wall_ms,
                         struct error *err);

/* --- what is there already (task_found.c) ------------------------------------------------------------------------ */

/*
 * Takes what a dead worker left and had not put into its place: 1: the job has ended by it; 0: there is nothing that
 * serves. A result that is not of these inputs, or tells only that the machine failed, is set aside.
 */
MUST_USE int task_adopt(struct task *task, struct error *err);

/* Kept as evidence, under a name that nobody adopts. */
void task_set_aside(const char *path);

#endif
