/* SPDX-License-Identifier: Apache-2.0 */
/* From what the guest answered to facts and verdict: scoring by the host's own labels, then the policy's judgement. */
#ifndef LAZARET_HOST_JOB_ASSESS_H
#define LAZARET_HOST_JOB_ASSESS_H

#include "host/job/plan_make.h"
#include "host/job/results.h"
#include "host/policy/verdict.h"

struct assessment {
    bool failed; /* there is no evaluation, and `reasons` say why */
    enum outcome outcome;
    char reasons[JOB_REASONS_MAX][512]; /* printable */
    unsigned reason_count;
    json_t *evaluation; /* owned */
    struct buffer evaluation_bytes;
    struct verdict verdict; /* without an evaluation: empty */
};

/* Records that there will be no evaluation. */
void assessment_fail(struct assessment *assessment, enum outcome outcome, const char *reason);
void assessment_free(struct assessment *assessment);
/* Drops what it holds: it can be filled, or failed, anew. */
void assessment_clear(struct assessment *assessment);
#define CLEANUP_ASSESSMENT CLEANUP(assessment_free)

/*
 * Scores and decides. ERROR_GUEST where the guest's figures can't be: an adversarial sample outside its bounds.
 * `record` tells isolation and acceleration, which a policy may refuse.
 */
MUST_USE int assess_results(const struct admission *admission, const struct plan_made *made,
                            const struct results *results, const struct vm_record *record,
                            struct assessment *assessment, struct error *err);

#endif
