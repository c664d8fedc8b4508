/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job's journal, and the reaper that reads the journals of the dead.
 *
 * $LAZARET_STATE/jobs/ID.journal has a line for each step, written and synced before the step is taken. The monitor
 * holds a lock on it for as long as it lives, so that a journal which can be locked is a dead monitor's. What must be
 * undone is little: VM, processes, sockets and the job's tmpfs end with the supervisor; files that gathered for the
 * output directory are removed by the janitor, or else by the reaper at the next start.
 */
#ifndef LAZARET_HOST_JOB_JOURNAL_H
#define LAZARET_HOST_JOB_JOURNAL_H

#include "base/error.h"

struct journal;

/* A journal with a random ID, whose file is not there yet. ERROR_UNAVAILABLE where the state directory can't be opened.
 */
MUST_USE int journal_create(struct journal **ret_journal, struct error *err);

/* Makes and locks the file: after who would remove it has been started (host/job/janitor.h). ERROR_UNAVAILABLE where
 * the state directory can't be written. */
MUST_USE int journal_begin(struct journal *journal, struct error *err);

const char *journal_id(const struct journal *journal);   /* 16 hexadecimal digits */
const char *journal_path(const struct journal *journal); /* of the file */

/* Appends "STEP DETAIL" and syncs it. Steps: "staging PATH", "announce", "boot", "conversation", "destroy",
 * "sign", "append", "commit"; "announce" and "append" are of the ledger. */
MUST_USE int journal_step(struct journal *journal, const char *step, const char *detail, struct error *err);

/* Removes the file: the job is over, well or not. NULL is fine. */
void journal_free(struct journal *journal);

static inline void journal_free_pointer(struct journal **journal)
{
    journal_free(*journal);
}
#define CLEANUP_JOURNAL CLEANUP(journal_free_pointer)

/* Undoes what dead monitors left; returns how many journals there were, or a negative errno. */
MUST_USE int journal_reap(struct error *err);

#endif
