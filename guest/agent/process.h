/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a worker, ending it, and saying what it died of. */
#ifndef LAZARET_GUEST_AGENT_PROCESS_H
#define LAZARET_GUEST_AGENT_PROCESS_H

#include "guest/agent/worker.h"
#include "guest/sandbox/group.h"
#include "wire/message.h"

#include <sys/types.h>

struct process {
    pid_t pid;  /* 0: none */
    int input;  /* non-blocking, to the worker; -1 when closed */
    int output; /* non-blocking, from the worker */
    struct sandbox_report *report;
};

/* Forks a worker, a member of the group, for a task whose plan, check, threads, memory, model_fd and reference_fd are
 * set. */
MUST_USE int process_start(const struct worker_task *task, const struct group *group, struct process *ret_process,
                           struct error *err);

/* Kills and reaps the worker if it is there, and closes what belongs to it. */
void process_end(struct process *process);

#define PROCESS_CAUSE_MAX 256u

/*
 * Waits for a worker that has closed its output, closes the rest, and describes its end as a FAILURE
 * whose text lies in `text`. For a worker that ended without a result, however orderly.
 */
void process_describe_end(struct process *process, char text[PROCESS_CAUSE_MAX], struct message_failure *ret_failure);

#endif
