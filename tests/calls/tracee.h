/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that a traced program starts: which of them are agents, and what each of these is at the moment. */
#ifndef LAZARET_TESTS_CALLS_TRACEE_H
#define LAZARET_TESTS_CALLS_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum tracee_role {
    TRACEE_OTHER,      /* no agent: runs on without a look at its calls */
    TRACEE_SETUP,      /* an agent before its guard */
    TRACEE_SUPERVISOR, /* after it */
    TRACEE_ENTRY,      /* a worker before its seal */
    TRACEE_WORKER,     /* after it */
};

struct tracee_process {
    pid_t pid; /* 0: free */
    enum tracee_role role;
    unsigned stops; /* looked at so far */
    unsigned threads;
};

struct tracee {
    pid_t tid; /* 0: free */
    struct tracee_process *process;
    uint64_t number, arguments[6]; /* of the call under way */
    bool started;                  /* its first stop has come */
};

/* The record of a thread, made where there is none; NULL where the tables are full or the thread is gone. */
struct tracee *tracee_find(pid_t tid);

/* The thread is gone. */
void tracee_forget(pid_t tid);

/* After exec: whether the program is an agent. */
void tracee_note_program(struct tracee *tracee);

/* A filter was loaded: the process moves on. */
void tracee_note_filter(struct tracee *tracee);

#endif
