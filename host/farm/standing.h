/* SPDX-License-Identifier: Apache-2.0 */
/* How a farm stands: the worst that any of its jobs came to, in the order of severity. */
#ifndef LAZARET_HOST_FARM_STANDING_H
#define LAZARET_HOST_FARM_STANDING_H

#include "host/farm/queue.h"

/* The word for how a job stands: its verdict where it has one ("needs-review"), else its state. Static. */
const char *standing_of_job(const struct queue_row *row);

/* 0 is the worst: rejected, could not evaluate (or aborted), needs review, not ended yet, passed. */
unsigned standing_severity(const struct queue_row *row);
#define STANDING_UNTROUBLED 3u /* nobody has to look at one of this severity, or a higher one */

/*
 * The worst of all, and the exit status that says so (DESIGN: rejected > could-not-evaluate > needs review > passed).
 * `bad_lines`: lines that were no jobs, of which nothing is known: could not evaluate. Jobs that have not ended are
 * too.
 */
const char *standing_of_farm(const struct queue_counts *counts, uint64_t bad_lines);
int standing_exit_status(const struct queue_counts *counts, uint64_t bad_lines);

#endif
