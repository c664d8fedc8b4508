/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the queue share. All inside a transaction. */
#ifndef LAZARET_HOST_FARM_QUEUE_INTERNAL_H
#define LAZARET_HOST_FARM_QUEUE_INTERNAL_H

#include "host/farm/queue.h"

/* A job as the tallies know it. */
struct queue_tally {
    enum queue_state state;
    int outcome; /* -1: none */
    bool reused;
};

MUST_USE int queue_tally_of(struct database *database, int64_t seq, struct queue_tally *ret_tally, struct error *err);

/* `delta` more jobs of this kind. */
MUST_USE int queue_tally_add(struct database *database, const struct queue_tally *tally, int64_t delta,
                             struct error *err);

/* One job that was `from` and is `to`. */
MUST_USE int queue_tally_move(struct database *database, const struct queue_tally *from, const struct queue_tally *to,
                              struct error *err);

/* The running job `seq` runs no more: those that waited for it are next. */
MUST_USE int queue_release_waiting(struct database *database, int64_t seq, struct error *err);

/* Writes how job `seq` ended. */
MUST_USE int queue_write_end(struct database *database, int64_t seq, const struct queue_end *end, struct error *err);

/* Why an attempt came to nothing: each has a limit of its own, as a killed worker says little of its job. */
enum queue_loss { QUEUE_FAILED_ATTEMPT, QUEUE_LOST_WORKER };

/* In a transaction: a job, and those in the queue of the same model whose lines don't say, are admitted with that much.
 */
MUST_USE int queue_set_memory(struct database *database, int64_t seq, uint64_t memory_mib, struct error *err);

/* After an attempt of running job `seq`: back into the queue, or aborted where that was the last one. */
MUST_USE int queue_return(struct database *database, int64_t seq, enum queue_loss loss, const char *reason,
                          struct error *err);

#endif
