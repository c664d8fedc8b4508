/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the queue share. All inside a transaction. */
#ifndef LAZARET_HOST_FARM_QUEUE_INTERNAL_H
#define LAZARET_HOST_FARM_QUEUE_INTERNAL_H

#include "host/farm/queue.h"

/* Writes how job `seq` ended. */
MUST_USE int queue_write_end(struct database *database, int64_t seq, const struct queue_end *end, struct error *err);

/* After attempt number `attempt`: back into the queue, or aborted where that was the last one. */
MUST_USE int queue_return(struct database *database, int64_t seq, int attempt, const char *reason, bool counts,
                          struct error *err);

#endif
