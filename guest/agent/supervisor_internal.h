/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's state, and the steps that its parts share: supervisor.c is the loop, supervisor_host.c hears the
 * host, supervisor_worker.c the workers. */
#ifndef LAZARET_GUEST_AGENT_SUPERVISOR_INTERNAL_H
#define LAZARET_GUEST_AGENT_SUPERVISOR_INTERNAL_H

#include "guest/agent/machine.h"
#include "guest/agent/process.h"
#include "guest/agent/stream.h"
#include "guest/agent/supervisor.h"
#include "wire/session.h"

enum life { LIFE_SESSION, LIFE_PARTED, LIFE_FAILED };

struct supervisor {
    int host;
    int scratch;            /* -1: none */
    int kernel_log;         /* -1: none */
    struct group group;     /* of its workers */
    uint64_t group_memory;  /* what the worker may take as its member, 0: no limit */
    uint64_t driver_memory; /* what it may take with its driver, 0: it has none */
    uint64_t group_kills;   /* before the worker was started */
    struct machine machine;
    uint64_t memory_bytes; /* for model and worker */
    enum life life;
    struct error reason; /* LIFE_FAILED */
    struct plan *plan;
    struct session_guest session; /* judges the host */
    struct session_host judge;    /* judges the workers */
    int model, reference;         /* memory files; reference: -1 where the plan has none */
    struct process worker;
    struct stream_reader from_host, from_worker;
    struct stream_writer to_host, to_worker;
    char file_name[SCAN_NAME_MAX];     /* of the file being scanned */
    const struct agent_driver *driver; /* NULL: none */
    int programs;                      /* the driver's compiled programs; -1: none */
};

struct message_text supervisor_text(const char *text);

/* Encodes a message for the host; it leaves with the loop. */
MUST_USE int supervisor_send(struct supervisor *s, const struct message *message, struct error *err);

/* Ends the session with a FAILURE to the host; the first one counts. */
void supervisor_give_up(struct supervisor *s, const struct message_failure *failure);
void supervisor_give_up_for(struct supervisor *s, enum message_failure_code code, const char *text);

/* The host is gone: nobody is left to be told. */
void supervisor_lose_host(struct supervisor *s, const struct error *cause);

/* Starts the worker of a check, or of WORKER_IMPORT or WORKER_FILE. */
void supervisor_start_worker(struct supervisor *s, uint32_t check);

/* Something can be read. */
void supervisor_read_worker(struct supervisor *s);
void supervisor_read_host(struct supervisor *s);

#endif
