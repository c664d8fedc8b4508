/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a replay against the one that was signed: what is about to be run is what was run, or nothing boots. */
#ifndef LAZARET_HOST_REPLAY_REVIEW_H
#define LAZARET_HOST_REPLAY_REVIEW_H

#include "base/error.h"
#include "host/job/job.h"

#include <jansson.h>

/* How the recorded plan wants it: the class of arithmetic, samples of each point, the guest's memory. */
MUST_USE int review_adopt(const json_t *plan, struct job_options *options, struct error *err);

/*
 * ERROR_MISMATCH names the first place where the plans differ, and its values; a check of another version is named as
 * such. What never changes a result is passed over: the machine, and the files' names. `producer` is the recorded
 * result's, for the remedy.
 */
MUST_USE int review_compare(const json_t *recorded, const json_t *planned, const char *producer, struct error *err);

#endif
