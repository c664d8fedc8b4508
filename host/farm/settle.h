/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a job that somebody holds the lease of ends, or does not: by an error, by a result, by one that is in its place
 * already, by another job's of the same content. The same for a worker of this machine and for Slurm's controller, who
 * differ in whose signature they believe.
 */
#ifndef LAZARET_HOST_FARM_SETTLE_H
#define LAZARET_HOST_FARM_SETTLE_H

#include "host/farm/content.h"
#include "host/farm/judge.h"

struct settlement {
    struct database *database;
    const char *folder; /* the farm's */
    const struct queue_lease *lease;
    const struct content_facts *facts; /* what its files are; not needed for an abort */
    bool force;                        /* another job's result is not reused */
    /* Judges a result by the keys that count; as judge_result(). */
    int (*judge)(void *context, const char *path, struct judgement *ret_judgement, struct error *err);
    void (*aborted)(void *context, const char *id, const char *reason); /* is told; NULL: nobody is */
    void *context;
};

/* All errors are the farm's, or -ESTALE where the lease was lost. */

MUST_USE int settle_abort(const struct settlement *s, const char *reason, uint64_t wall_ms, struct error *err);

/* What is wrong with a job stays wrong; what is wrong here may pass: 1, it is in the queue again; 0: aborted. */
MUST_USE int settle_by_error(const struct settlement *s, const struct error *trouble, struct error *err);

/*
 * By a result: that of job `reused`, or its own (NULL). `publish`, within the transaction, puts it into its place; NULL
 * where it lies there already.
 */
MUST_USE int settle_by_result(const struct settlement *s, const struct judgement *judgement, const char *reused,
                              uint64_t wall_ms, int (*publish)(void *context, struct error *err), void *context,
                              struct error *err);

/*
 * By what lies in the job's place: 1, and 0 where nothing does. A folder there that is no result of this job is the
 * user's, stays, and aborts it.
 */
MUST_USE int settle_in_place(const struct settlement *s, struct error *err);

/* By a job of the same content that has ended, or back behind one that runs: 1; 0: it is to be evaluated. */
MUST_USE int settle_by_twin(const struct settlement *s, struct error *err);

/* Moves an attempt (NULL: it is there) into the place of the job `id`'s result, which nobody has; syncs both folders.
 */
MUST_USE int settle_publish(const char *folder, const char *attempt, const char *id, struct error *err);

#endif
