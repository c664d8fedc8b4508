/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: worker processes, begun, watched and begun again.
 *
 * The controller parses nothing foreign and takes no part in a job. It dies with its workers and they with it (a
 * killed controller's jobs are taken up by the next one), and SIGTERM or SIGINT let the jobs at hand end first; a
 * second one ends them at once.
 */
#ifndef LAZARET_HOST_FARM_POOL_H
#define LAZARET_HOST_FARM_POOL_H

#include "base/error.h"
#include "host/farm/queue.h"

#define POOL_WORKERS_MAX 1024u

struct pool_options {
    const char *folder; /* absolute */
    unsigned workers;
    struct queue_machine machine;
    bool memory_is_given, force, until_empty;
    /* Called every POOL_LOOK_MS with the state of things, and once at the end; its error ends the pool. */
    int (*look)(void *context, bool last, struct error *err);
    void *context;
};

#define POOL_LOOK_MS 500

/*
 * Runs until the queue is empty (`until_empty`) or it is told to stop: *ret_stopped. Where workers fail again and again,
 * the error that the last one told, or ERROR_INTERNAL where it told none; ERROR_UNAVAILABLE where they are killed again
 * and again.
 */
MUST_USE int pool_run(const struct pool_options *options, bool *ret_stopped, struct error *err);

#endif
