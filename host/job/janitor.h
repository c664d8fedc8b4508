/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The janitor: a process that waits beside the monitor for its end.
 *
 * However the monitor ends, the janitor removes the hidden directory, unless it was dismissed, and the job's journal.
 * It is a session of its own and ignores SIGTERM: what is meant for the monitor leaves it to its work. Where it is
 * killed itself, a living monitor does its work, and of a dead one the next start's reaper.
 */
#ifndef LAZARET_HOST_JOB_JANITOR_H
#define LAZARET_HOST_JOB_JANITOR_H

#include "base/error.h"

#include <sys/types.h>

struct janitor {
    pid_t pid;  /* 0: none */
    int pidfd;  /* -1: none */
    int socket; /* its end without a word sets the janitor to work; -1: none */
};

#define JANITOR_NONE                                                                                                   \
    {                                                                                                                  \
        .pidfd = -1, .socket = -1                                                                                      \
    }

/* Call before the process has threads. `journal` is a path, or NULL. */
MUST_USE int janitor_start(const char *hidden, const char *journal, struct janitor *ret_janitor, struct error *err);

/* The output has its final name: nothing is to be removed but the journal. Fine where the janitor is gone. */
void janitor_dismiss(struct janitor *janitor);

/* Sets it to work and waits for its end; one that is stopped is killed. Fine where there is none. */
void janitor_end(struct janitor *janitor);

#endif
