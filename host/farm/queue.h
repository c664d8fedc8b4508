/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: jobs and their states, each change one transaction.
 *
 *   queued → running → done | rejected | could-not-evaluate | aborted
 *      ↑________|  its worker died, or the machine failed it: another attempt, up to a limit of each
 *
 * A running job belongs to a lease. Its holder beats; a lease whose holder is gone, or has not beaten for
 * QUEUE_LEASE_MS, is taken back, and what the former holder writes afterwards is refused: so a job ends exactly once.
 */
#ifndef LAZARET_HOST_FARM_QUEUE_H
#define LAZARET_HOST_FARM_QUEUE_H

#include "digest/sha256.h"
#include "host/attest/outcome.h"
#include "host/farm/database.h"

#include <stddef.h>

#define QUEUE_ID_MAX          128u
#define QUEUE_WORKER_SIZE     40u
#define QUEUE_DESCRIPTION_MAX 16384u
#define QUEUE_SETTINGS_MAX    16384u
#define QUEUE_REASON_SIZE     512u
#define QUEUE_LEASE_MS        60000 /* without a beat */
#define QUEUE_BEAT_MS         10000
#define QUEUE_ATTEMPTS_MAX    5        /* that the job's own process or VM failed */
#define QUEUE_LOSSES_MAX      20       /* workers that died with it: more is no chance any more */
#define QUEUE_JOBS_MAX        10000000 /* of a farm */

/*
 * How often smaller jobs may start before a larger one that has been queued longer but does not fit yet: then the
 * machine is left to empty until it fits.
 */
#define QUEUE_PASSED_OVER_MAX 16

enum queue_state {
    QUEUE_QUEUED,
    QUEUE_RUNNING,
    QUEUE_DONE, /* evaluated: passed, or needs review */
    QUEUE_REJECTED,
    QUEUE_COULD_NOT_EVALUATE,
    QUEUE_ABORTED, /* no signed result: canceled, never fits, wrong files, a machine that kept failing */
    QUEUE_STATE_COUNT
};

extern const char *const queue_state_names[QUEUE_STATE_COUNT + 1]; /* "queued", "running", … */

/* What a job takes of a machine, and what a machine has. */
struct queue_resources {
    uint64_t memory_mib;
    uint64_t cores;
    uint64_t gpus; /* of a job: 0 or 1 */
};

#define QUEUE_DEVICES_MAX 64u
#define QUEUE_DEVICE_SIZE 16u /* "0000:01:00.0" */

/* What all workers of a farm share. */
struct queue_machine {
    struct queue_resources now;                         /* what jobs may take together */
    struct queue_resources whole;                       /* a job that needs more will never fit */
    char devices[QUEUE_DEVICES_MAX][QUEUE_DEVICE_SIZE]; /* now.gpus addresses */
};

struct queue_entry {         /* borrowed */
    const char *id;          /* a file name: letters, digits, '.', '_', '-'; no '.' first */
    const char *description; /* canonical JSON (job_line.h) */
    int64_t settings;        /* queue_settings() */
    int64_t batch;           /* queue_begin_batch() */
    int priority;            /* higher first */
    struct queue_resources needs;
};

enum queue_added {
    QUEUE_ADDED,
    QUEUE_KNOWN,     /* by an earlier batch, with the same description; one that was aborted is queued again */
    QUEUE_DUPLICATE, /* by this batch, or with another description */
};

/* A number for a new batch, that none had before. */
MUST_USE int queue_begin_batch(int64_t *ret_batch, struct error *err);

/* What all jobs of a batch have in common: text that queue_take() gives back; stored once. In a transaction, as the
 * next. */
MUST_USE int queue_settings(struct database *database, const char *text, int64_t *ret_settings, struct error *err);

/* Adds them in one transaction: all of them, or none. ret_added has what came of each. */
MUST_USE int queue_add(struct database *database, const struct queue_entry *entries, size_t count,
                       enum queue_added *ret_added, struct error *err);

/* --- a worker's side ------------------------------------------------------------------------------------------ */

struct queue_lease {
    int64_t seq;
    int64_t token;
    char id[QUEUE_ID_MAX + 1];
    int attempt;       /* from 1 */
    bool last_attempt; /* the machine may fail it no more */
    bool never_fits;   /* it needs more than the whole machine: to be finished as aborted, with this figure */
    struct queue_resources needs;
    char device[QUEUE_DEVICE_SIZE]; /* "" for none */
    char *description, *settings;   /* owned */
};

void queue_lease_clear(struct queue_lease *lease);

/*
 * The next job for this worker: 1 and the lease, 0 where nothing is queued that fits beside what runs. Highest priority
 * first, then the oldest, with smaller ones in the gaps.
 */
MUST_USE int queue_take(struct database *database, const char *worker, const struct queue_machine *machine,
                        struct queue_lease *ret_lease, struct error *err);

/* The holder lives. -ESTALE: the lease is lost. 1: the job has been canceled. */
MUST_USE int queue_beat(struct database *database, const struct queue_lease *lease, struct error *err);

enum queue_content {
    QUEUE_FRESH,    /* nobody has evaluated this */
    QUEUE_FINISHED, /* job `ret_twin` has, with a verdict */
    QUEUE_UNDER_WAY /* another worker is at it: this job has gone back into the queue behind it */
};

/* Says what the job's content is (content.h). -ESTALE. */
MUST_USE int queue_claim(struct database *database, const struct queue_lease *lease, const uint8_t content[SHA256_SIZE],
                         enum queue_content *ret_content, char ret_twin[QUEUE_ID_MAX + 1], struct error *err);

struct queue_end {
    enum queue_state state;
    bool has_outcome;
    enum outcome outcome;
    const char *reason;     /* "" for none; made harmless and cut here */
    const char *reused;     /* the id of the job whose result it is; NULL: its own */
    const uint8_t *content; /* SHA256_SIZE bytes (content.h); NULL: as it was claimed */
    uint64_t wall_ms;
};

/*
 * Ends the job. `commit`, where not NULL, is called when the lease is known to hold and nothing is written yet, and
 * makes the result final; its error ends nothing. -ESTALE: the lease is lost, and commit has not been called.
 */
MUST_USE int queue_finish(struct database *database, const struct queue_lease *lease, const struct queue_end *end,
                          int (*commit)(void *context, struct error *err), void *context, struct error *err);

/* Another attempt, or after QUEUE_ATTEMPTS_MAX of them the end, as aborted. -ESTALE. */
MUST_USE int queue_give_back(struct database *database, const struct queue_lease *lease, const char *reason,
                             struct error *err);

/* The same, admitted with that much memory from now on, and so those in the queue of the same model. */
MUST_USE int queue_give_back_larger(struct database *database, const struct queue_lease *lease, uint64_t memory_mib,
                                    const char *reason, struct error *err);

/* --- everyone's ---------------------------------------------------------------------------------------------- */

/* Takes back the leases of the dead, and those not beaten for; `is_alive` tells of a worker. Returns how many. */
MUST_USE int queue_reap(struct database *database, bool (*is_alive)(void *context, const char *worker), void *context,
                        struct error *err);

/* Cancels a job that has not ended: 1, 0 where it has, ERROR_NO_INPUT where there is none of that id. */
MUST_USE int queue_cancel(struct database *database, const char *id, struct error *err);

struct queue_counts {
    uint64_t states[QUEUE_STATE_COUNT];
    uint64_t outcomes[OUTCOME_COUNT]; /* of those that have ended with a result */
    uint64_t reused;
    uint64_t total;
    uint64_t lately;     /* ended in the last QUEUE_RATE_SECONDS */
    int64_t first_start; /* seconds since 1970; 0: none yet */
};

#define QUEUE_RATE_SECONDS 300

/* At the cost of a few rows, however many jobs there are. */
MUST_USE int queue_count(struct database *database, struct queue_counts *ret_counts, struct error *err);

/* One job, for lists; borrowed until the callback returns. */
struct queue_row {
    const char *id, *description, *reason, *reused, *worker; /* reused, worker: NULL for none */
    enum queue_state state;
    bool has_outcome;
    enum outcome outcome;
    int attempts, priority;
    struct queue_resources needs;
    const char *device;        /* of a running job; NULL for none */
    int64_t started, finished; /* 0: not yet */
    uint64_t wall_ms;
};

/* Every job in the order of its coming; running ones only where asked. `visit`'s error ends the walk. */
MUST_USE int queue_each(struct database *database, bool only_running,
                        int (*visit)(void *context, const struct queue_row *row, struct error *err), void *context,
                        struct error *err);

#endif
