/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to the guest while the monitor listens: the model, then a check's windows, on a thread of its own.
 *
 * The guest answers a window before it has read the next, so that writing and reading must go on at once, or both
 * sides could wait for each other for ever.
 */
#ifndef LAZARET_HOST_JOB_STREAM_H
#define LAZARET_HOST_JOB_STREAM_H

#include "base/error.h"
#include "host/job/inputs.h"

#include <pthread.h>
#include <stdatomic.h>

struct stream {
    /* what to send; set by the caller, borrowed */
    int connection;
    const struct plan *plan;
    uint64_t deadline_ns;
    int model_fd;     /* the model, or -1 for a check's windows */
    int reference_fd; /* goes after the model, where the plan has one */
    uint32_t check;
    const struct inputs *inputs;
    /* how it goes */
    _Atomic uint64_t sent, total; /* bytes */
    atomic_bool reading;          /* the data reader is being waited for */
    atomic_bool ended;            /* all sent, or failed: stream_finish will not wait */
    struct error error;
    int code;
    pthread_t thread;
    bool running;
};

/* Starts sending. */
MUST_USE int stream_start(struct stream *stream, struct error *err);

/* Waits for the end; the stream's own outcome. A stream that was never started is done. */
MUST_USE int stream_finish(struct stream *stream, struct error *err);

/* The data reader let the job's deadline pass: says so, and returns it. */
int stream_blame_reader(struct error *err);

/* Ends it early, by shutting the connection down. */
void stream_cancel(struct stream *stream);

#endif
