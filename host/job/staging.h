/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output directory, written whole or not at all.
 *
 * Files gather in a hidden directory beside the final one (host/job/hidden.h) and are renamed in one step. A janitor
 * waits beside the monitor (host/job/janitor.h): when the monitor ends without committing, however it ends, the janitor
 * removes what was gathered, and the job's journal with it. Should the janitor be killed too, the journal's reaper does
 * the same at the next start.
 */
#ifndef LAZARET_HOST_JOB_STAGING_H
#define LAZARET_HOST_JOB_STAGING_H

#include "base/error.h"
#include "host/job/journal.h"

#include <stddef.h>

struct staging;

/*
 * Begins an output directory at `path`, which must not exist; its parent must. The janitor is
 * started, the journal begun, the hidden directory's name journaled (step "staging"), the directory made. `journal`,
 * fresh from journal_create(), may be NULL; the janitor removes it, too. Call before the process has threads.
 * ERROR_USAGE where the path is taken, ERROR_NO_INPUT where its parent is not there, ERROR_UNAVAILABLE where it can't
 * be written.
 */
MUST_USE int staging_create(const char *path, struct journal *journal, struct staging **ret_staging, struct error *err);

/* Writes a whole file and syncs it. ERROR_UNAVAILABLE names a full disk. */
MUST_USE int staging_write(struct staging *staging, const char *name, const void *data, size_t size, struct error *err);

/* A new file for writing as the job goes; *ret_fd is the caller's. */
MUST_USE int staging_open(struct staging *staging, const char *name, int *ret_fd, struct error *err);

/* Copies a file of another place into the directory. */
MUST_USE int staging_copy(struct staging *staging, const char *name, int from_fd, struct error *err);

/* The hidden directory's path, absolute. */
const char *staging_path(const struct staging *staging);

/* Syncs, renames to the final path, and dismisses the janitor. -EEXIST where the path has been taken meanwhile; another
 * failure after the rename leaves the directory at its final path, whole, and says so. */
MUST_USE int staging_commit(struct staging *staging, struct error *err);

/* Removes what was not committed, by the janitor; NULL is fine. */
void staging_free(struct staging *staging);

static inline void staging_free_pointer(struct staging **staging)
{
    staging_free(*staging);
}
#define CLEANUP_STAGING CLEANUP(staging_free_pointer)

#endif
