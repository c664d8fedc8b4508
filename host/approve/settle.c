/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a verdict may be released: each of its reasons, and who may settle it. The table is in docs/approval.md. */
#include "host/approve/review.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void miss(struct review_verdict *verdict, const char *format, ...)
{
    va_list arguments;

    if (verdict->missing_count == REVIEW_MISSING_MAX)
        return;
    va_start(arguments, format);
    (void)vsnprintf(verdict->missing[verdict->missing_count++], sizeof verdict->missing[0], format, arguments);
    va_end(arguments);
}

/* A check that gave no clear answer: a named person vouches for it, or the waiver that does not count says why. */
static void settle_check(const struct verdict_check *check, const char *reason, const struct review *review,
                         struct review_verdict *ret_verdict)
{
    const struct review_line *other = NULL;

    if (review_find_waiver(review, check->id) != NULL)
        return;
    if (strncmp(reason, check->id, strlen(check->id)) == 0 && reason[strlen(check->id)] == ':')
        reason += strlen(check->id) + 1 + (reason[strlen(check->id) + 1] == ' ');
    for (unsigned i = 0; i < review->line_count; i++)
        if (review->lines[i].is_waiver && strcmp(review->lines[i].support.check, check->id) == 0)
            other = &review->lines[i];
    miss(ret_verdict, "a waiver of %s (%s)%s%s", check->id, reason, other != NULL ? "; the one there is " : "",
         other != NULL ? other->detail : "");
}

static void settle_reason(const struct verdict *verdict, size_t index, const struct review *review,
                          struct review_verdict *ret_verdict)
{
    const struct verdict_basis *basis = &verdict->bases[index];

    if (basis->outcome == OUTCOME_PASSED) /* only told */
        return;
    if (basis->outcome != OUTCOME_NEEDS_REVIEW) {
        ret_verdict->never = true;
        miss(ret_verdict, "nothing can release this: %s", verdict->reasons[index]);
        return;
    }
    switch (basis->cause) {
    case VERDICT_CAUSE_CHECK:
        settle_check(&verdict->checks[basis->check], verdict->reasons[index], review, ret_verdict);
        return;
    case VERDICT_CAUSE_TIER: /* by the sign-offs, which are counted for all */
        return;
    case VERDICT_CAUSE_SAMPLES:
    case VERDICT_CAUSE_CONDITIONS:
        break;
    }
    ret_verdict->never = true;
    miss(ret_verdict, "another evaluation, as nobody can make up for this: %s", verdict->reasons[index]);
}

static void settle_sign_offs(const struct review_request *request, const struct review *review,
                             struct review_verdict *ret_verdict)
{
    unsigned required = request->policy->approval.required;

    if (review->counted >= required)
        return;
    if (!request->policy->approval.present) {
        miss(ret_verdict, "reviewers: the policy has no `approval:`, and the %s tier takes at least %u sign-off%s",
             policy_tier_names[request->policy->tier], required, required == 1 ? "" : "s");
        return;
    }
    miss(ret_verdict, "%u of %u sign-offs", review->counted, required);
    for (unsigned i = 0; i < review->line_count; i++) {
        const struct review_line *line = &review->lines[i];

        if (!line->is_waiver && line->state != REVIEW_COUNTS)
            miss(ret_verdict, "%s's does not count: %s",
                 line->support.by[0] != '\0' ? line->support.by : line->support.file, line->detail);
    }
}

void review_settle(const struct review_request *request, const struct verdict *verdict, bool own_policy,
                   const struct review *review, struct review_verdict *ret_verdict)
{
    *ret_verdict = (struct review_verdict){0};
    for (size_t i = 0; i < verdict->reason_count; i++)
        settle_reason(verdict, i, review, ret_verdict);
    if (verdict->outcome != OUTCOME_PASSED && verdict->outcome != OUTCOME_NEEDS_REVIEW)
        ret_verdict->never = true;
    settle_sign_offs(request, review, ret_verdict);
    if (!own_policy && review->counted == 0)
        miss(ret_verdict, "a sign-off that names this policy, as the result was made under another");
}
