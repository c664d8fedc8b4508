/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict: a policy's judgement of the facts of an evaluation. The same function serves
 * `evaluate`, which signs it, and `verify`, which repeats it under the auditor's own policy.
 *
 * Rules, worst first (docs/policies.md):
 *   rejected      a check that ran failed, whether the policy requires it or not;
 *   needs review  a required check was skipped; any check warned or erred, or was skipped on the guest's word;
 *                 fewer samples than the policy's minimum; accuracy near chance; arithmetic,
 *                 isolation or acceleration the policy does not allow; any tier above low;
 *   passed        none of these. A check that is not required and that the host skipped (no training
 *                 set was given, say) is named in the reasons.
 */
#ifndef LAZARET_HOST_POLICY_VERDICT_H
#define LAZARET_HOST_POLICY_VERDICT_H

#include "host/attest/outcome.h"
#include "host/attest/statement.h"
#include "host/policy/policy.h"

#include <jansson.h>

#define VERDICT_CHECKS_MAX 16u /* that a policy can name */

struct verdict_check {
    const char *id; /* static */
    enum check_status status;
    const char *provenance; /* static: "host", "host-scored" or "guest" */
};

_Static_assert(VERDICT_CHECKS_MAX <= STATEMENT_CHECKS_MAX, "every check fits in a statement");

/* Where a reason comes from; docs/approval.md says which of them a person may settle, and how. */
enum verdict_cause {
    VERDICT_CAUSE_CHECK,      /* a check failed, warned or erred, or was skipped */
    VERDICT_CAUSE_SAMPLES,    /* too few samples */
    VERDICT_CAUSE_CONDITIONS, /* arithmetic, isolation or acceleration is not the policy's */
    VERDICT_CAUSE_TIER,       /* the tier does not pass by itself */
};

/* What lies behind one of the verdict's reasons. */
struct verdict_basis {
    enum verdict_cause cause;
    enum outcome outcome; /* that it alone leads to: passed, where it is only to be told */
    unsigned check;       /* index in `checks`, of VERDICT_CAUSE_CHECK */
};

/* Ready for struct statement_input. */
struct verdict {
    enum outcome outcome; /* passed, rejected or needs-review */
    size_t reason_count;
    char *reasons[STATEMENT_REASONS_MAX];              /* owned; harmless text, worst first */
    struct verdict_basis bases[STATEMENT_REASONS_MAX]; /* of the reasons, in their order */
    size_t check_count;
    struct verdict_check checks[VERDICT_CHECKS_MAX]; /* each check that the policy names */
};

/*
 * What a check's facts amount to under a policy: its `status` in evaluation.json. `check` is an
 * element of checks[] with all its figures; a status "skipped", "error" or "warned" that is there
 * already stays, except that a warned check may still fail. Figures are those written, with their digits.
 * ERROR_BAD_INPUT, -EBADMSG where the facts are not of the check's form, or the policy does not name it.
 */
MUST_USE int verdict_check_status(const struct policy *policy, const json_t *check, enum check_status *ret_status,
                                  struct error *err);

/*
 * Decides on a parsed evaluation.json. ERROR_BAD_INPUT, -EBADMSG where it is not of the form of
 * DESIGN.md, section 9. On success verdict_free() the result.
 */
MUST_USE int verdict_decide(const struct policy *policy, const json_t *evaluation, enum statement_isolation isolation,
                            enum statement_acceleration acceleration, struct verdict *ret_verdict, struct error *err);

void verdict_free(struct verdict *verdict);

#define CLEANUP_VERDICT CLEANUP(verdict_free)

#endif
