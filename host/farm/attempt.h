/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt at a job: `lazaret evaluate` in a process of its own, which dies with the worker.
 *
 * A process a job, begun anew: it has the whole life of an evaluation in it, leaves nothing behind however it ends, and
 * holds nothing of the farm: neither queue nor lease.
 */
#ifndef LAZARET_HOST_FARM_ATTEMPT_H
#define LAZARET_HOST_FARM_ATTEMPT_H

#include "base/error.h"
#include "host/data/reader_loan.h"
#include "host/farm/queue.h"

#include <jansson.h>

struct attempt_order {
    const json_t *description;
    const json_t *settings; /* an array of further arguments */
    const char *device;     /* the GPU it has; "" for none */
    uint64_t memory_mib;    /* of its guest, where the description does not say; 0: the policy's */
    struct data_loan loan;  /* of the worker's data reader */
    const char *output;     /* where the result goes */
    const char *log;        /* a file for what it says; begun anew */
};

struct attempt_end {
    bool canceled;                /* by `watch` */
    int signal;                   /* that ended it; 0: it exited */
    int status;                   /* its exit status */
    char said[QUEUE_REASON_SIZE]; /* the last line of its standard error; foreign text */
    uint64_t wall_ms;
};

/*
 * Runs it to its end, calling `watch` every QUEUE_BEAT_MS and once at its beginning: 0 goes on; 1 ends the attempt, as
 * canceled; an error ends it and is the function's own. ERROR_INTERNAL, ERROR_UNAVAILABLE where it can't be started.
 */
MUST_USE int attempt_run(const struct attempt_order *order, int (*watch)(void *context, struct error *err),
                         void *context, struct attempt_end *ret_end, struct error *err);

/* In the attempt's process: the loan that it was started with, taken out of the environment; none where it has none. */
struct data_loan attempt_take_loan(void);

#endif
