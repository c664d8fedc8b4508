/* SPDX-License-Identifier: Apache-2.0 */
/*
 * summary.json: what came of every job, for programs. docs/farm.md.
 *   {"format":1, "verdict", "jobs":[{"id","model","state","verdict"?,"reason","result"?,"reused"?,"attempts",
 *    "wallSeconds"}…], "counts":{STATE:n…}, "verdicts":{VERDICT:n…}, "reused":n, "badLines":[TEXT…], "badLineCount":n}
 */
#ifndef LAZARET_HOST_FARM_SUMMARY_H
#define LAZARET_HOST_FARM_SUMMARY_H

#include "host/farm/queue.h"

#include <jansson.h>

#define SUMMARY_NAME "summary.json"

/* Lines of the list that were no jobs. */
struct bad_lines {
    uint64_t count;
    json_t *texts; /* an array of the first SUMMARY_BAD_LINES_MAX; borrowed */
};

#define SUMMARY_BAD_LINES_MAX 1000u

/* Writes FOLDER/summary.json, a job at a time, so that memory stays flat. ERROR_UNAVAILABLE; those of the database. */
MUST_USE int summary_write(const char *folder, struct database *database, const struct bad_lines *bad,
                           struct error *err);

#endif
