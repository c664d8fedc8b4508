/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluation, once or as often as the policy's `repeat` says: each in a fresh VM, and all must be the same bytes.
 */
#ifndef LAZARET_HOST_JOB_REPEAT_H
#define LAZARET_HOST_JOB_REPEAT_H

#include "host/job/assess.h"
#include "host/job/run.h"

/*
 * Runs the plan in runs[0 … count), scores each, and compares evaluation.json byte for byte; the first one's assessment
 * is the job's. A guest that died, lied or was not deterministic is ERROR_GUEST, with the first differing place; the
 * assessment then is for the caller to clear.
 */
MUST_USE int repeat_evaluation(const struct run_setting *setting, const struct plan_made *made,
                               const struct inputs *inputs, struct run *runs, unsigned count,
                               struct assessment *assessment, struct error *err);

#endif
