/* SPDX-License-Identifier: Apache-2.0 */
/* Which reason of a verdict is settled by what. */
#include "host/approve/review.h"
#include "unit/harness.h"
#include "unit/host/approve/tests.h"

#include <stdio.h>
#include <string.h>

static char reason[] = "pgd: a reason";

/* A medium policy, and a verdict with one reason besides its tier's. */
static void settle(enum verdict_cause cause, enum outcome outcome, const struct review *review,
                   struct review_verdict *ret_verdict)
{
    static struct policy policy = {.tier = POLICY_MEDIUM, .approval = {.present = true, .required = 1}};
    const struct review_request request = {.policy = &policy};
    struct verdict verdict = {.outcome = outcome == OUTCOME_PASSED ? OUTCOME_NEEDS_REVIEW : outcome,
                              .reason_count = 2,
                              .reasons = {reason, reason},
                              .bases = {{cause, outcome, 0}, {VERDICT_CAUSE_TIER, OUTCOME_NEEDS_REVIEW, 0}},
                              .check_count = 1,
                              .checks = {{"pgd", CHECK_WARNED, "guest"}}};

    review_settle(&request, &verdict, true, review, ret_verdict);
}

void test_settle_reasons(void)
{
    static struct review none, signed_off = {.counted = 1}, waived = {.counted = 1, .line_count = 1};
    static const struct {
        enum verdict_cause cause;
        enum outcome outcome;
        bool never;
        unsigned missing, missing_signed, missing_waived;
    } cases[] = {
        {VERDICT_CAUSE_CHECK, OUTCOME_PASSED, false, 1, 0, 0}, /* only told: the sign-off alone is missing */
        {VERDICT_CAUSE_CHECK, OUTCOME_NEEDS_REVIEW, false, 2, 1, 0},
        {VERDICT_CAUSE_CHECK, OUTCOME_REJECTED, true, 2, 1, 1},
        {VERDICT_CAUSE_SAMPLES, OUTCOME_NEEDS_REVIEW, true, 2, 1, 1},
        {VERDICT_CAUSE_CONDITIONS, OUTCOME_NEEDS_REVIEW, true, 2, 1, 1},
        {VERDICT_CAUSE_TIER, OUTCOME_NEEDS_REVIEW, false, 1, 0, 0},
    };

    waived.lines[0] = (struct review_line){.state = REVIEW_COUNTS, .is_waiver = true, .support = {.check = "pgd"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct review_verdict verdict;

        settle(cases[i].cause, cases[i].outcome, &none, &verdict);
        CU_ASSERT_EQUAL(verdict.missing_count, cases[i].missing);
        settle(cases[i].cause, cases[i].outcome, &signed_off, &verdict);
        CU_ASSERT_EQUAL(verdict.missing_count, cases[i].missing_signed);
        settle(cases[i].cause, cases[i].outcome, &waived, &verdict);
        CU_ASSERT_EQUAL(verdict.missing_count, cases[i].missing_waived);
        CU_ASSERT_EQUAL(verdict.never, cases[i].never);
    }
    /* A waiver of another check, or one that does not count, settles nothing. */
    for (unsigned i = 0; i < 2; i++) {
        static struct review_verdict verdict;

        waived.lines[0].state = i == 0 ? REVIEW_COUNTS : REVIEW_IGNORED;
        (void)snprintf(waived.lines[0].support.check, sizeof waived.lines[0].support.check, i == 0 ? "fgsm" : "pgd");
        settle(VERDICT_CAUSE_CHECK, OUTCOME_NEEDS_REVIEW, &waived, &verdict);
        CU_ASSERT_EQUAL(verdict.missing_count, 1);
    }
}

/* A policy that is not the result's own needs a sign-off that names it, however low its tier. */
void test_settle_sign_offs(void)
{
    static struct policy policy = {.tier = POLICY_LOW};
    static struct review review;
    static struct review_verdict settled;
    const struct review_request request = {.policy = &policy};
    const struct verdict passed = {.outcome = OUTCOME_PASSED};

    review_settle(&request, &passed, true, &review, &settled);
    CU_ASSERT_EQUAL(settled.missing_count, 0);
    review_settle(&request, &passed, false, &review, &settled);
    CU_ASSERT_EQUAL(settled.missing_count, 1);
    review.counted = 1;
    review_settle(&request, &passed, false, &review, &settled);
    CU_ASSERT_EQUAL(settled.missing_count, 0);
    policy.approval.required = 2;
    review_settle(&request, &passed, false, &review, &settled);
    CU_ASSERT_EQUAL(settled.missing_count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(settled.missing[0], "no `approval:`"));
}
