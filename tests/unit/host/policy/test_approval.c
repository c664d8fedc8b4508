/* SPDX-License-Identifier: Apache-2.0 */
/* `approval:` in a policy, and what the reasons of a verdict rest on. */
#include "host/policy/verdict.h"
#include "unit/harness.h"
#include "unit/host/policy/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char checks[] =
    "checks:\n"
    "  robustness: {required: true, thresholds: [{norm: inf, eps: 0.1, robustAccuracy: 0.5}]}\n"
    "  pgd: {required: true, iterations: 1, restarts: 0, step: 0.5,"
    " curves: [{norm: inf, eps: [0.1]}]}\n"
    "  square: {required: true, iterations: 1, restarts: 0, curves: [{norm: inf, eps: [0.1]}]}\n";

static int parse(const char *tier, const char *approval, struct policy *ret_policy, struct error *err)
{
    char text[4096];

    (void)snprintf(text, sizeof text, "tier: %s\n%s\n%s", tier, approval, checks);
    return policy_parse(text, strlen(text), "policy.yaml", ret_policy, err);
}

void test_approval_defaults(void)
{
    static struct policy policy;

    CU_ASSERT_EQUAL(policy_parse(NULL, 0, "policy.yaml", &policy, NULL), -EBADMSG); /* an empty file */
    CU_ASSERT_EQUAL(parse("low", "", &policy, NULL), 0);
    CU_ASSERT_FALSE(policy.approval.present);
    CU_ASSERT_EQUAL(policy.approval.required, 0);
    CU_ASSERT_EQUAL(parse("medium", "", &policy, NULL), 0);
    CU_ASSERT_EQUAL(policy.approval.required, 1);
    CU_ASSERT_EQUAL(parse("high", "", &policy, NULL), 0);
    CU_ASSERT_EQUAL(policy.approval.required, 2);
}

void test_approval_section(void)
{
    static struct policy policy;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(parse("medium",
                                "approval: {required: 2, days: 30, reviewers: [{name: alice, tier: high},"
                                " {name: bob, tier: medium}, {name: carol, tier: low}]}",
                                &policy, &err),
                          0);
    CU_ASSERT_TRUE(policy.approval.present);
    CU_ASSERT_EQUAL(policy.approval.required, 2);
    CU_ASSERT_EQUAL(policy.approval.days, 30);
    CU_ASSERT_EQUAL(policy.approval.reviewer_count, 3);
    CU_ASSERT_PTR_NULL(policy_find_reviewer(&policy, "dave"));
    CU_ASSERT_EQUAL(policy_find_reviewer(&policy, "carol")->tier, POLICY_LOW);
}

void test_approval_refused(void)
{
    static const struct {
        const char *tier, *approval, *said;
    } cases[] = {
        {"medium", "approval: {required: 0, reviewers: [{name: alice, tier: high}]}", "approval.required"},
        {"high", "approval: {required: 1, reviewers: [{name: alice, tier: high}]}", "approval.required"},
        {"high", "approval: {required: 2, reviewers: [{name: alice, tier: high}, {name: bob, tier: medium}]}",
         "only 1 of the reviewers"},
        {"medium", "approval: {required: 1, reviewers: [{name: alice, tier: high}, {name: alice, tier: high}]}",
         "a name used before"},
        {"medium", "approval: {required: 1, reviewers: [{name: alice}]}", "tier"},
        {"medium", "approval: {required: 1, reviewers: [{name: alice, tier: all}]}", "tier"},
        {"medium", "approval: {required: 1, reviewers: []}", "reviewers"},
        {"medium", "approval: {required: 1, days: 0, reviewers: [{name: alice, tier: high}]}", "approval.days"},
        {"medium", "approval: {reviewers: [{name: alice, tier: high}]}", "required"},
        {"medium",
         "keys: [{name: alice, use: [reviewer], publicKey: 'ssh-ed25519 "
         "AAAAC3NzaC1lZDI1NTE5AAAAID28r/kXI7+3oN+PJI7pe6mk8rPY6DnisTe8tJrgLmSi'}]\n"
         "approval: {required: 1, reviewers: [{name: bob, tier: high}]}",
         "no key in `keys`"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct policy policy;
        struct error err = {0};

        CU_ASSERT_EQUAL(parse(cases[i].tier, cases[i].approval, &policy, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        if (strstr(err.text, cases[i].said) == NULL && strcmp(cases[i].said, "reviewers") != 0 &&
            strcmp(cases[i].said, "required") != 0 && strcmp(cases[i].said, "tier") != 0) {
            (void)fprintf(stderr, "case %zu: %s\n", i, err.text);
            CU_FAIL("the message does not say why");
        }
    }
}

/* Each reason of a verdict says what it rests on, so that only what a person may settle is settled. */
void test_verdict_bases(void)
{
    static struct policy policy;
    CLEANUP_VERDICT struct verdict verdict = {0};
    json_t *evaluation = json_pack("{s:s, s:[]}", "arithmetic", "fma", "checks");
    unsigned seen[4] = {0};

    CU_ASSERT_EQUAL_FATAL(parse("medium", "", &policy, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(
        verdict_decide(&policy, evaluation, STATEMENT_PROCESS, STATEMENT_NO_ACCELERATION, &verdict, NULL), 0);
    json_decref(evaluation);
    CU_ASSERT_EQUAL(verdict.outcome, OUTCOME_NEEDS_REVIEW);
    for (size_t i = 0; i < verdict.reason_count; i++) {
        seen[verdict.bases[i].cause]++;
        CU_ASSERT_EQUAL(verdict.bases[i].outcome, OUTCOME_NEEDS_REVIEW);
        if (verdict.bases[i].cause == VERDICT_CAUSE_CHECK) {
            const char *id = verdict.checks[verdict.bases[i].check].id;

            CU_ASSERT_EQUAL(strncmp(verdict.reasons[i], id, strlen(id)), 0);
        }
    }
    CU_ASSERT_EQUAL(seen[VERDICT_CAUSE_CHECK], 3);
    CU_ASSERT_EQUAL(seen[VERDICT_CAUSE_CONDITIONS], 2); /* arithmetic and isolation */
    CU_ASSERT_EQUAL(seen[VERDICT_CAUSE_TIER], 1);
}
