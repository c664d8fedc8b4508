/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker: the one process that reads a model's bytes and computes with them, confined, and fresh
 * for every check and every scanned file.
 *
 * It holds a sealed memory file with the model (and one with the reference model where the check
 * compares the two), a pipe with windows, a pipe for its messages, and a report page. Whatever goes wrong it says in
 * one FAILURE message, if it still can.
 */
#ifndef LAZARET_GUEST_AGENT_WORKER_H
#define LAZARET_GUEST_AGENT_WORKER_H

#include "guest/agent/driver.h"
#include "guest/sandbox/sandbox.h"
#include "wire/plan.h"

/* In place of a check's index. */
#define WORKER_IMPORT UINT32_MAX        /* only imports the model and answers READY */
#define WORKER_FILE   (UINT32_MAX - 1u) /* scans a file that the host serves: no model, no plan */

/* A scan's address space besides the model: the scanners' own limit, the served file's blocks, the program. */
#define WORKER_SCAN_MEMORY (UINT64_C(96) << 20)

struct worker_task {
    const struct plan *plan;
    uint32_t check;        /* index in the plan, WORKER_IMPORT or WORKER_FILE */
    uint32_t threads;      /* of the engine, at least 1 */
    uint64_t memory_bytes; /* that models, networks and checks may take; 0: no limit */
    int model_fd, input_fd, output_fd;
    int reference_fd;      /* -1: not for this task */
    uint64_t file_size;    /* WORKER_FILE */
    const char *file_name; /* WORKER_FILE */
    struct sandbox_report *report;
    const struct agent_driver *driver; /* NULL: this agent has none */
    int programs_fd;                   /* driver.h; -1: none */
};

/* Whether a task computes on a device: then its memory is the driver's too. */
bool worker_drives(const struct worker_task *task);

/*
 * What the process may take, in bytes; 0: no limit. Its address space; of a worker with a driver, which sets aside
 * addresses at will, the memory that it can write to, with what is the driver's.
 */
uint64_t worker_room(const struct worker_task *task);

/* Whether a task scans a file, the model or a served one, instead of computing with the model. */
bool worker_scans(const struct worker_task *task);

/* Confines the calling process and does the task; returns the exit status. */
int worker_run(const struct worker_task *task);

#endif
