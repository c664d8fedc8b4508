/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the controller share. */
#ifndef LAZARET_HOST_FARM_SLURM_INTERNAL_H
#define LAZARET_HOST_FARM_SLURM_INTERNAL_H

#include "host/farm/content.h"
#include "host/farm/judge.h"
#include "host/farm/slurm/journal.h"
#include "host/farm/slurm/nodes.h"
#include "host/farm/slurm/share.h"
#include "host/farm/slurm/slurm.h"

#include <jansson.h>
#include <signal.h>

#define EVENTS_NAME "slurm.jsonl" /* of the farm's folder: what happened to orders and nodes, a line each */

struct controller {
    const struct slurm_options *options;
    const struct pool_options *pool;
    const char *folder; /* the farm's */
    struct database *database;
    struct content *content;
    struct nodes *nodes;
    struct share share;
    char batch[JOURNAL_BATCH_SIZE], worker[QUEUE_WORKER_SIZE];
    int lock, farm_lock;
    FILE *events;
    struct controller_log *log; /* NULL: results are not logged */
    uint64_t last_beat_ns;
    char trouble[QUEUE_REASON_SIZE]; /* why sbatch last submitted nothing; "" */
    const volatile sig_atomic_t *stop;
};

/* A job at hand: its lease, and what it says. */
struct work {
    struct queue_lease lease;
    json_t *description;
    struct content_facts facts;
    struct nodes_policy policy;
};

/* Reads all of it; the current directory becomes the job's. Errors are the job's own, or -ESTALE. */
MUST_USE int work_open(struct controller *c, const struct order_row *row, struct work *ret_work, struct error *err);
MUST_USE int work_understand(struct controller *c, struct work *work, struct error *err);
void work_close(struct work *work);
#define CLEANUP_WORK CLEANUP(work_close)

/* Beats where it is time to; for whatever takes long. */
MUST_USE int controller_beat(void *context, struct error *err);

/* A line of EVENTS_NAME; `node` may be "", the text is made harmless. */
void controller_tell(struct controller *c, const char *event, const char *job, const char *node, const char *text);

/* attempts/ID.NONCE, and results/ID. */
MUST_USE int controller_attempt_path(const struct controller *c, const struct order_row *row, char ret_path[PATH_MAX],
                                     struct error *err);
MUST_USE int controller_result_path(const struct controller *c, const char *id, char ret_path[PATH_MAX],
                                    struct error *err);

/* --- fill.c: jobs into orders, orders into arrays ---------------------------------------------------------------- */

MUST_USE int controller_fill(struct controller *c, struct error *err);

/* A fresh order for the lease of another one. */
MUST_USE int controller_order_again(struct controller *c, const struct order_row *row, enum order_kind kind,
                                    struct error *err);

/* --- array.c: arrays into Slurm ---------------------------------------------------------------------------------- */

struct shape { /* what an array asks of a node */
    uint64_t memory_mib, cores, minutes, gpus;
    char *excluded; /* owned; "" for none */
};

/* Writes the array's orders and submits it. An error leaves it prepared. */
MUST_USE int array_submit(struct controller *c, const struct array_row *array, const struct shape *shape,
                          struct error *err);
/* The tasks of these orders are no longer wanted. */
void array_cancel(struct controller *c, const struct order_row *rows, size_t count);

/* --- watch.c: what Slurm says ------------------------------------------------------------------------------------ */

MUST_USE int controller_poll(struct controller *c, struct error *err);

/* Orders whose job was canceled or whose lease is lost. */
MUST_USE int controller_drop_stale(struct controller *c, struct error *err);

/* --- answer.c: what a node hands in ------------------------------------------------------------------------------ */

MUST_USE int controller_collect(struct controller *c, struct error *err);

/* An order came to nothing: its job is tried again, or the same opinion asked elsewhere. */
MUST_USE int controller_lose(struct controller *c, const struct order_row *row, enum order_state state,
                             const char *node, bool node_lost, const char *reason, struct error *err);

/* Removes an attempt, or keeps it as evidence under a name that nobody takes up. */
void controller_set_aside(const struct controller *c, const struct order_row *row);
void controller_forget(const struct controller *c, const struct order_row *row);

/* --- logging.c: results in the ledger ---------------------------------------------------------------------------- */

/* ERROR_USAGE: the farm's results are in another ledger; errors of appender_start(). */
MUST_USE int controller_log_open(struct controller *c, struct error *err);
void controller_log_close(struct controller *c);

/*
 * Logs the result of that order in the folder `result`, signed by the key in `key_file`, and puts the entry into its
 * bundle. May be repeated: it is in the ledger once. Nothing where there is no ledger.
 */
MUST_USE int controller_log_result(struct controller *c, const char *nonce, const char *job, const char *result,
                                   const char *key_file, struct error *err);

/* --- decide.c: what an answer is worth --------------------------------------------------------------------------- */

/* After an answer of this lease was noted: another opinion, a dispute, or the job's end. */
MUST_USE int controller_decide(struct controller *c, const struct order_row *row, struct error *err);

/* The job goes back into the queue, or ends as aborted where that was its last attempt; its orders are closed. */
MUST_USE int controller_give_back(struct controller *c, const struct order_row *row, const char *reason,
                                  struct error *err);
MUST_USE int controller_abort(struct controller *c, const struct order_row *row, const char *reason, struct error *err);

#endif
