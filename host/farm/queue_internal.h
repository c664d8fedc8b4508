/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the queue share. All inside a transaction. */
#ifndef LAZARET_HOST_FARM_QUEUE_INTERNAL_H
#define LAZARET_HOST_FARM_QUEUE_INTERNAL_H

#include "host/farm/queue.h"

/* Writes how job `seq` ended. */
MUST_USE int queue_write_end(struct database *database, int64_t seq, const struct queue_end *end, struct error *err);

/* Why an attempt came to nothing: each has a limit of its own, as a killed worker says little of its job. */
enum queue_loss { QUEUE_FAILED_ATTEMPT, QUEUE_LOST_WORKER };

/* After an attempt of running job `seq`: back into the queue, or aborted where that was the last one. */
MUST_USE int queue_return(struct database *database, int64_t seq, enum queue_loss loss, const char *reason,
                          struct error *err);

#endif
