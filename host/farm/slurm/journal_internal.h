/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the journal share. */
#ifndef LAZARET_HOST_FARM_SLURM_JOURNAL_INTERNAL_H
#define LAZARET_HOST_FARM_SLURM_JOURNAL_INTERNAL_H

#include "host/farm/slurm/journal.h"

#include <sqlite3.h>

/* A statement that is bound, to its end. */
MUST_USE int journal_run(struct database *database, sqlite3_stmt *statement, struct error *err);

#endif
