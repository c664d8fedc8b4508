/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on the measured figures of the digits models, and on each way to miss passing. */
#include "host/policy/verdict.h"

#include "host/json/reader.h"
#include "unit/harness.h"
#include "unit/host/policy/tests.h"

#include <errno.h>
#include <string.h>

/* Figures of examples/digits, as measured against the reference implementation. */
#define CLEAN                                                                                                          \
    "{\"id\":\"clean-accuracy\",\"provenance\":\"host-scored\",\"correct\":444,\"total\":450,\"accuracy\":\"0."        \
    "986667\",\"ci95\":[\"0.971219\",\"0.993871\"],\"classes\":10}"
#define POINT(eps, robust, lower)                                                                                      \
    "{\"eps\":\"" eps "\",\"robustCorrect\":" robust ",\"robustAccuracy\":\"0.5\",\"ci95\":[\"" lower                  \
    "\",\"1.000000\"],\"total\":450}"
#define FGSM                                                                                                           \
    "{\"id\":\"fgsm\",\"provenance\":\"host-scored\",\"curves\":[{\"norm\":\"inf\",\"points\":[" POINT(                \
        "0.01", "440",                                                                                                 \
        "0.959582") "," POINT("0.03", "425",                                                                           \
                              "0.919275") "," POINT("0.05", "391",                                                     \
                                                    "0.834642") "," POINT("0.1", "254",                                \
                                                                          "0.518253") "]},"                            \
                                                                                      "{\"norm\":\"2\",\"points\":"    \
                                                                                      "[" POINT("0.25", "408",         \
                                                                                                "0.876012") "]}]}"
#define CLUSTERING(sizes, test, p, effect)                                                                             \
    "{\"id\":\"activation-clustering\",\"provenance\":\"guest\",\"classes\":[{\"label\":0,\"sizes\":" sizes            \
    ",\"testSizes\":" test ",\"pHolm\":\"" p "\",\"effect\":\"" effect "\",\"testShare\":\"0.03\"}]}"
#define QUIET  CLUSTERING("[103,43]", "[24,9]", "1.000000e+00", "0.021793")
#define POISON CLUSTERING("[202,146]", "[0,33]", "2.700000e-11", "0.580460")
#define SKIPPED                                                                                                        \
    "{\"id\":\"activation-clustering\",\"provenance\":\"host\",\"status\":\"skipped\",\"reason\":\"no training "       \
    "set\"}"

static void load(const char *path, struct policy *policy)
{
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(policy_load(path, policy, &err), 0);
}

/* Decides on an evaluation of these checks under a policy that names three. */
static int decide(const char *checks, struct verdict *ret_verdict)
{
    struct policy policy;
    char text[4096];
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error err = {0};

    load("tests/fixtures/policies/three-checks.yaml", &policy);
    (void)snprintf(text, sizeof text, "{\"arithmetic\":\"mul-add\",\"checks\":[%s]}", checks);
    CU_ASSERT_EQUAL_FATAL(json_read(text, strlen(text), sizeof text, "e", &evaluation, &err), 0);
    return verdict_decide(&policy, evaluation, STATEMENT_MICROVM, STATEMENT_TCG, ret_verdict, &err);
}

static void expect(const char *checks, enum outcome outcome, size_t reasons, const char *first)
{
    CLEANUP_VERDICT struct verdict verdict = {0};

    CU_ASSERT_EQUAL(decide(checks, &verdict), 0);
    CU_ASSERT_EQUAL(verdict.outcome, outcome);
    CU_ASSERT_EQUAL(verdict.reason_count, reasons);
    CU_ASSERT_EQUAL(verdict.check_count, 3);
    if (reasons > 0 && verdict.reason_count > 0) {
        CU_ASSERT_PTR_NOT_NULL(strstr(verdict.reasons[0], first));
        if (strstr(verdict.reasons[0], first) == NULL)
            (void)fprintf(stderr, "%s\n", verdict.reasons[0]);
    }
}

void test_verdict_digits(void)
{
    expect(CLEAN "," FGSM "," QUIET, OUTCOME_PASSED, 0, "");
    expect(CLEAN "," FGSM "," SKIPPED, OUTCOME_PASSED, 1, "no training set");
    expect(CLEAN "," FGSM "," POISON, OUTCOME_REJECTED, 1, "class 0");
}

void test_verdict_failures(void)
{
    static const char bad_clean[] = "{\"id\":\"clean-accuracy\",\"provenance\":\"host-scored\",\"correct\":370,"
                                    "\"total\":450,\"accuracy\":\"0.822222\",\"ci95\":[\"0.784215\",\"0.854779\"],"
                                    "\"classes\":10}," FGSM "," QUIET;
    static const char chance[] = "{\"id\":\"clean-accuracy\",\"provenance\":\"host-scored\",\"correct\":45,"
                                 "\"total\":450,\"accuracy\":\"0.100000\",\"ci95\":[\"0.075578\",\"0.131211\"],"
                                 "\"classes\":10}," FGSM "," QUIET;
    static const char weak[] =
        CLEAN ",{\"id\":\"fgsm\",\"provenance\":\"host-scored\",\"curves\":[{\"norm\":\"inf\","
              "\"points\":[" POINT("0.01", "440", "0.959582") "," POINT("0.03", "244", "0.496124") "]}]}," QUIET;

    expect(bad_clean, OUTCOME_REJECTED, 1, "lower 95% bound 0.784");
    expect(chance, OUTCOME_NEEDS_REVIEW, 1, "check preprocessing and labels");
    expect(weak, OUTCOME_REJECTED, 1, "norm inf, eps 0.03");
}

void test_verdict_gaps(void)
{
    static const char guest_skipped[] =
        CLEAN "," FGSM ",{\"id\":\"activation-clustering\",\"provenance\":\"guest\",\"status\":\"skipped\"}";
    static const char crashed[] = CLEAN
        "," FGSM
        ",{\"id\":\"activation-clustering\",\"provenance\":\"guest\",\"status\":\"error\",\"reason\":\"x\\u001by\"}";
    static const char no_fgsm[] = CLEAN "," QUIET;
    static const char no_point[] =
        CLEAN ",{\"id\":\"fgsm\",\"provenance\":\"host-scored\",\"curves\":[{\"norm\":\"inf\","
              "\"points\":[" POINT("0.01", "440", "0.959582") "]}]}," QUIET;
    static const char small[] =
        "{\"id\":\"clean-accuracy\",\"provenance\":\"host-scored\",\"correct\":100,\"total\":100,"
        "\"accuracy\":\"1.000000\",\"ci95\":[\"0.963007\",\"1.000000\"],\"classes\":10}"
        "," FGSM "," QUIET;
    static const char no_class[] = CLEAN "," FGSM ",{\"id\":\"activation-clustering\",\"provenance\":\"guest\","
                                         "\"classes\":[{\"label\":3,\"skipped\":\"small\"}]}";
    static const char warned[] =
        CLEAN "," FGSM ",{\"id\":\"activation-clustering\",\"provenance\":\"guest\",\"status\":"
              "\"warned\",\"reason\":\"cut\",\"classes\":[{\"label\":0,\"sizes\":[1,1],"
              "\"testSizes\":[1,1],\"pHolm\":\"1.000000e+00\",\"effect\":\"0.000000\",\"testShare\":\"0.5\"}]}";

    expect(guest_skipped, OUTCOME_NEEDS_REVIEW, 1, "activation-clustering: skipped");
    expect(crashed, OUTCOME_NEEDS_REVIEW, 1, "x\\x1by");
    expect(no_fgsm, OUTCOME_NEEDS_REVIEW, 1, "fgsm: skipped");
    expect(no_point, OUTCOME_NEEDS_REVIEW, 1, "eps 0.03");
    expect(small, OUTCOME_NEEDS_REVIEW, 1, "fewer than the policy's minimum");
    expect(no_class, OUTCOME_NEEDS_REVIEW, 1, "class 3 was not looked at");
    expect(warned, OUTCOME_NEEDS_REVIEW, 1, "cut");
}

void test_verdict_conditions(void)
{
    CLEANUP_VERDICT struct verdict verdict = {0};
    CLEANUP_JSON json_t *evaluation = json_loads("{\"arithmetic\":\"fma\",\"checks\":[" CLEAN "]}", 0, NULL);
    static const char yaml[] =
        "tier: low\nacceleration: [kvm]\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n";
    struct policy policy;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(policy_parse(yaml, strlen(yaml), "p", &policy, &err), 0);
    CU_ASSERT_EQUAL(verdict_decide(&policy, evaluation, STATEMENT_PROCESS, STATEMENT_NO_ACCELERATION, &verdict, &err),
                    0);
    CU_ASSERT_EQUAL(verdict.outcome, OUTCOME_NEEDS_REVIEW);
    CU_ASSERT_EQUAL(verdict.reason_count, 2); /* arithmetic and isolation */
    verdict_free(&verdict);
    CU_ASSERT_EQUAL(verdict_decide(&policy, evaluation, STATEMENT_MICROVM, STATEMENT_TCG, &verdict, &err), 0);
    CU_ASSERT_EQUAL(verdict.reason_count, 2); /* arithmetic and acceleration */
    verdict_free(&verdict);
    policy.arithmetic = POLICY_FMA;
    CU_ASSERT_EQUAL(verdict_decide(&policy, evaluation, STATEMENT_MICROVM, STATEMENT_KVM, &verdict, &err), 0);
    CU_ASSERT_EQUAL(verdict.outcome, OUTCOME_PASSED);
}

void test_verdict_bad_facts(void)
{
    static const char *const bad[] = {
        "{\"id\":\"clean-accuracy\",\"provenance\":\"host-scored\",\"correct\":451,\"total\":450}",
        "{\"id\":\"clean-accuracy\",\"provenance\":\"host-scored\",\"correct\":\"444\",\"total\":450}",
        "{\"id\":\"clean-accuracy\",\"status\":\"fine\",\"correct\":444,\"total\":450}",
        "{\"id\":\"fgsm\",\"provenance\":\"host-scored\"}",
        "{\"id\":\"clean-accuracy\",\"correct\":4,\"total\":5,\"accuracy\":\"0.8\",\"ci95\":[]}",
        CLUSTERING("[202]", "[0,33]", "2.7e-11", "0.58"),
        CLUSTERING("[202,146]", "[0,-33]", "2.7e-11", "0.58"),
        CLUSTERING("[202,146]", "[0,33]", "nan", "0.58"),
    };
    struct verdict verdict = {0};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(decide(bad[i], &verdict), -EBADMSG);
    CU_ASSERT_EQUAL(verdict.reason_count, 0);
}

void test_verdict_status(void)
{
    static const struct {
        const char *check;
        enum check_status status;
    } cases[] = {{CLEAN, CHECK_PASSED},
                 {FGSM, CHECK_PASSED},
                 {QUIET, CHECK_PASSED},
                 {POISON, CHECK_FAILED},
                 {SKIPPED, CHECK_SKIPPED}};
    struct policy policy;
    struct error err = {0};

    load("tests/fixtures/policies/three-checks.yaml", &policy);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_JSON json_t *check = json_loads(cases[i].check, 0, NULL);
        enum check_status status = CHECK_STATUS_COUNT;

        CU_ASSERT_EQUAL(verdict_check_status(&policy, check, &status, &err), 0);
        CU_ASSERT_EQUAL(status, cases[i].status);
    }
    CLEANUP_JSON json_t *unknown = json_loads("{\"id\":\"pgd\"}", 0, NULL);
    enum check_status status;
    CU_ASSERT_EQUAL(verdict_check_status(&policy, unknown, &status, &err), -EBADMSG);
}
