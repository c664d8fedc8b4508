/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: takes jobs off the queue, one after another, until it is told to stop.
 *
 * It holds a lease and nothing else of worth. Killed at any moment, its attempt dies with it, and whoever reaps the
 * lease gives the job to another; a result that was already whole is found and taken as it is.
 */
#ifndef LAZARET_HOST_FARM_WORKER_H
#define LAZARET_HOST_FARM_WORKER_H

#include "base/error.h"
#include "host/farm/queue.h"

#include <signal.h>

struct worker_options {
    const char *folder;                /* the farm's, absolute */
    struct queue_machine machine;      /* that all workers share */
    bool memory_is_given;              /* by the user, so it is not measured again */
    bool force;                        /* evaluate although the same content has been */
    bool until_empty;                  /* end when nothing is queued or running; else wait for more */
    const volatile sig_atomic_t *stop; /* not 0: end after the job at hand */
};

/* Works. An error is the farm's (database, disk), never a job's. */
MUST_USE int worker_run(const struct worker_options *options, struct error *err);

#endif
