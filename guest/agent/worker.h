/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: the one process that reads a model's bytes and computes with them, confined, and fresh
 * for every check.
 *
 * It holds a sealed memory file with the model (and one with the reference model where the check
 * compares the two), a pipe with windows, a pipe for its messages, and a report page. Whatever goes wrong it says in
 * one FAILURE message, if it still can.
 */
#ifndef LAZARET_GUEST_AGENT_WORKER_H
#define LAZARET_GUEST_AGENT_WORKER_H

#include "guest/sandbox/sandbox.h"
#include "wire/plan.h"

#define WORKER_IMPORT UINT32_MAX /* in place of a check: only imports the model and answers READY */

struct worker_task {
    const struct plan *plan;
    uint32_t check;        /* index in the plan, or WORKER_IMPORT */
    uint32_t threads;      /* of the engine, at least 1 */
    uint64_t memory_bytes; /* address space that it may take; 0: no limit */
    int model_fd, input_fd, output_fd;
    int reference_fd; /* -1: not for this task */
    struct sandbox_report *report;
};

/* Confines the calling process and does the task; returns the exit status. */
int worker_run(const struct worker_task *task);

#endif
