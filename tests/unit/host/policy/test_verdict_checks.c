/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on attacks together, on searches for triggers, on reports, and on what was skipped by whom. */
#include "host/policy/verdict.h"

#include "host/json/reader.h"
#include "unit/harness.h"
#include "unit/host/policy/tests.h"

#include <errno.h>
#include <string.h>

#define SCAN_RULES "trigger-scan: {required: false, kept: 64, patches: [2], minimumSuccess: 0.75, anomaly: 3}"
#define CLEANSE_RULES                                                                                                  \
    "neural-cleanse: {required: false, kept: 64, iterations: 100, batch: 32, rate: 0.1, cost: 0.001, success: 0.9, "   \
    "anomaly: 2}"
#define ATTACKS                                                                                                        \
    "pgd: {required: true, iterations: 4, step: 0.5, curves: [{norm: inf, eps: [0.1, 0.2]}]}\n"                        \
    "  square: {required: true, iterations: 4, curves: [{norm: inf, eps: [0.1]}]}\n"                                   \
    "  robustness: {required: true, thresholds: [{norm: inf, eps: 0.1, robustAccuracy: 0.5}]}"

/* Decides under `tier` and these sections; the evaluation's classes are 10 where the text says nothing else. */
static int decide(const char *tier, const char *sections, const char *checks, struct verdict *ret_verdict)
{
    struct policy policy;
    char yaml[2048], text[4096];
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error err = {0};

    (void)snprintf(yaml, sizeof yaml, "tier: %s\nminimumSamples: 10\nchecks:\n  %s\n", tier, sections);
    CU_ASSERT_EQUAL_FATAL(policy_parse(yaml, strlen(yaml), "p", &policy, &err), 0);
    (void)snprintf(text, sizeof text, "{\"arithmetic\":\"mul-add\",\"classes\":%s,\"checks\":[%s]}",
                   strstr(checks, "of few classes") != NULL ? "5" : "10", checks);
    CU_ASSERT_EQUAL_FATAL(json_read(text, strlen(text), sizeof text, "e", &evaluation, &err), 0);
    return verdict_decide(&policy, evaluation, STATEMENT_MICROVM, STATEMENT_TCG, ret_verdict, &err);
}

/* The first reason holds `said`; "" where there is none. */
static void expect(const char *sections, const char *checks, enum outcome outcome, const char *said)
{
    CLEANUP_VERDICT struct verdict verdict = {0};

    CU_ASSERT_EQUAL(decide("low", sections, checks, &verdict), 0);
    CU_ASSERT_EQUAL(verdict.outcome, outcome);
    CU_ASSERT_EQUAL(verdict.reason_count == 0, said[0] == '\0');
    if (verdict.reason_count > 0 && strstr(verdict.reasons[0], said) == NULL) {
        (void)fprintf(stderr, "%s\n", verdict.reasons[0]);
        CU_FAIL("another reason");
    }
}

#define CURVE(eps, robust, lower)                                                                                      \
    "\"curves\":[{\"norm\":\"inf\",\"points\":[{\"eps\":\"" eps "\",\"robustCorrect\":" robust                         \
    ",\"total\":100,\"robustAccuracy\":\"0.6\",\"ci95\":[\"" lower "\",\"0.9\"]}]}]"
#define ATTACK(id) "{\"id\":\"" id "\",\"provenance\":\"host-scored\"," CURVE("0.1", "60", "0.502") "}"
#define ROBUST(figures, masking)                                                                                       \
    ATTACK("pgd")                                                                                                      \
    "," ATTACK("square") ",{\"id\":\"robustness\",\"provenance\":\"host-scored\"," figures ",\"masking\":[" masking "]}"

void test_verdict_robustness(void)
{
    expect(ATTACKS, ROBUST(CURVE("0.1", "60", "0.502"), ""), OUTCOME_PASSED, "");
    expect(ATTACKS, ROBUST(CURVE("0.1", "59", "0.491"), ""), OUTCOME_REJECTED,
           "robustness: lower 95% bound 0.491000 of robust accuracy (59 of 100) at norm inf, eps 0.1");
    /* A threshold whose point the evaluation does not hold is no pass. */
    expect(ATTACKS, ROBUST(CURVE("0.2", "60", "0.502"), ""), OUTCOME_NEEDS_REVIEW, "no point at norm inf, eps 0.1");
    expect(ATTACKS, ATTACK("pgd") "," ATTACK("square"), OUTCOME_NEEDS_REVIEW, "robustness: skipped");
    /* A minimal curve of the same norm comes first and is no candidate. */
    expect(
        "fgsm: {required: true, curves: [{norm: inf, eps: [0.1]}, {norm: inf, minimal: true, eps: [0.1]}],\n"
        "    thresholds: [{norm: inf, eps: 0.1, robustAccuracy: 0.5}]}",
        "{\"id\":\"fgsm\",\"curves\":[{\"norm\":\"inf\",\"minimal\":true,\"points\":[{\"eps\":\"0.1\","
        "\"robustCorrect\":1,"
        "\"total\":100,\"robustAccuracy\":\"0.01\",\"ci95\":[\"0.001\",\"0.1\"]}]},{\"norm\":\"inf\",\"points\":["
        "{\"eps\":\"0.1\",\"robustCorrect\":60,\"total\":100,\"robustAccuracy\":\"0.6\",\"ci95\":[\"0.502\",\"0.7\"]}"
        "]}]}",
        OUTCOME_PASSED, "");
}

void test_verdict_masking(void)
{
    expect(ATTACKS,
           ROBUST(CURVE("0.1", "60", "0.502"),
                  "{\"flag\":\"black-box-beats-white-box\",\"norm\":\"inf\",\"eps\":\"0.1\"}"),
           OUTCOME_NEEDS_REVIEW, "black-box-beats-white-box at norm inf, eps 0.1");
    expect(ATTACKS, ROBUST(CURVE("0.1", "60", "0.502"), "{\"flag\":\"zero-gradients\"}"), OUTCOME_NEEDS_REVIEW,
           "gradients may be masked: zero-gradients");
    /* A failure is worse than a warning. */
    expect(ATTACKS, ROBUST(CURVE("0.1", "20", "0.1"), "{\"flag\":\"zero-gradients\"}"), OUTCOME_REJECTED,
           "below the policy's 0.5");
}

#define TARGET(target, success, index)                                                                                 \
    "{\"target\":" target ",\"row\":6,\"col\":5,\"height\":2,\"width\":2,\"success\":" success ",\"index\":" index "}"
#define SCAN(targets, null, triggers, tried)                                                                           \
    "{\"id\":\"trigger-scan\",\"provenance\":\"guest\",\"targets\":[" targets "],\"null\":" null                       \
    ",\"triggers\":[" triggers "],\"coverage\":{\"tried\":" tried ",\"places\":49,\"samples\":64,\"images\":9000}}"
#define NULL_OF       "{\"median\":\"0.120000\",\"mad\":\"0.050000\"}"
#define TRIGGER(rate) "{\"index\":1,\"target\":3,\"flipped\":8,\"eligible\":10,\"flipRate\":" rate "}"

void test_verdict_scan(void)
{
    expect(SCAN_RULES, SCAN(TARGET("0", "\"0.320000\"", "\"2.697\""), NULL_OF, "", "49"), OUTCOME_PASSED, "");
    expect(SCAN_RULES, SCAN(TARGET("0", "\"1.000000\"", "\"11.871\""), NULL_OF, "", "49"), OUTCOME_REJECTED,
           "a pattern of 2x2 at row 6, column 5 turns 1.000000 of other inputs to class 0");
    /* Enough success that does not stand out; and the other way round. */
    expect(SCAN_RULES, SCAN(TARGET("0", "\"0.900000\"", "\"2.9\""), NULL_OF, "", "49"), OUTCOME_PASSED, "");
    expect(SCAN_RULES, SCAN(TARGET("0", "\"0.740000\"", "\"8.3\""), NULL_OF, "", "49"), OUTCOME_PASSED, "");
    /* Far below the median is as far from it. */
    expect(SCAN_RULES,
           SCAN(TARGET("0", "\"0.800000\"", "\"9\""), "{\"median\":\"0.950000\",\"mad\":\"0.010000\"}", "", "49"),
           OUTCOME_PASSED, "");
    /* All others alike: infinitely far. Too few targets: success decides. Nothing to turn: no success. */
    expect(SCAN_RULES,
           SCAN(TARGET("0", "\"0.800000\"", "null"), "{\"median\":\"0.000000\",\"mad\":\"0.000000\"}", "", "49"),
           OUTCOME_REJECTED, "class 0");
    expect(SCAN_RULES, SCAN(TARGET("1", "\"0.800000\"", "null"), "{\"median\":null,\"mad\":null}", "", "49"),
           OUTCOME_REJECTED, "class 1");
    expect(SCAN_RULES, SCAN(TARGET("1", "null", "null"), "{\"median\":null,\"mad\":null}", "", "49"), OUTCOME_PASSED,
           "");
    expect(SCAN_RULES, SCAN("", NULL_OF, TRIGGER("\"0.800000\""), "49"), OUTCOME_REJECTED,
           "trigger 1 of those given turns 0.800000 of other inputs to class 3");
    expect(SCAN_RULES, SCAN("", NULL_OF, TRIGGER("\"0.700000\""), "49"), OUTCOME_PASSED, "");
    expect(SCAN_RULES, SCAN("", NULL_OF, "", "48"), OUTCOME_NEEDS_REVIEW, "48 of 49 places");
    /* A search cut short that found something has failed. */
    expect(SCAN_RULES, SCAN(TARGET("0", "\"1.000000\"", "\"11.9\""), NULL_OF, "", "9"), OUTCOME_REJECTED, "class 0");
}

/* The scan of the model's file. */
#define FILE_SCAN(verdict, findings)                                                                                   \
    "{\"id\":\"scan\",\"provenance\":\"guest\",\"files\":[{\"name\":\"model\",\"verdict\":\"" verdict                  \
    "\",\"findings\":[" findings "]}]}"
#define FOUND(severity, rule)                                                                                          \
    "{\"severity\":\"" severity "\",\"rule\":\"" rule "\",\"offset\":7,\"detail\":\"os.system\",\"effect\":\"\"}"

void test_verdict_file_scan(void)
{
    static const char rules[] = "scan: {required: false}"; /* what it finds counts all the same */

    expect(rules, FILE_SCAN("allowed", FOUND("low", "odd")), OUTCOME_PASSED, "");
    expect(rules, FILE_SCAN("dangerous", FOUND("medium", "a") "," FOUND("high", "b") "," FOUND("critical", "c")),
           OUTCOME_REJECTED, "the model's file is dangerous: c at byte 7: os.system");
    expect(rules, FILE_SCAN("unknown", FOUND("medium", "pickle-class")), OUTCOME_NEEDS_REVIEW,
           "unknown: pickle-class at byte 7");
    expect(rules, FILE_SCAN("unscanned", FOUND("info", "odd")), OUTCOME_NEEDS_REVIEW, "not all of it");
    expect(rules, "{\"id\":\"scan\",\"provenance\":\"guest\",\"files\":[]}", OUTCOME_NEEDS_REVIEW, "no file");
}

#define MASK(l1, success, index)                                                                                       \
    "{\"label\":4,\"l1\":\"" l1 "\",\"success\":\"" success "\",\"index\":" index ",\"suspicious\":false}"
#define CLEANSE(mask)                                                                                                  \
    "{\"id\":\"neural-cleanse\",\"provenance\":\"guest\",\"median\":\"8.000000\",\"mad\":\"1.000000\",\"classes\":"    \
    "[" mask "]}"

void test_verdict_cleanse(void)
{
    expect(CLEANSE_RULES, CLEANSE(MASK("2.000000", "0.980000", "\"4.047\"")), OUTCOME_REJECTED,
           "class 4 has a trigger of L1 norm 2.000000");
    expect(CLEANSE_RULES, CLEANSE(MASK("5.500000", "0.980000", "\"1.69\"")), OUTCOME_PASSED, "");
    expect(CLEANSE_RULES, CLEANSE(MASK("2.000000", "0.890000", "\"4.047\"")), OUTCOME_PASSED, "");
    expect(CLEANSE_RULES, CLEANSE(MASK("14.000000", "0.980000", "\"4.047\"")), OUTCOME_PASSED, "");
}

void test_verdict_reports(void)
{
    static const char rules[] =
        "spectral-signature: {required: true, poisonedShare: 0.33, minimumClassSize: 20}\n"
        "  strip: {required: true, kept: 10, overlays: 5, blend: 0.5, falseAlarms: 0.01}\n"
        "  weight-drift: {required: true, minimumElements: 50, alpha: 0.05, minimumEffect: 0.1}";

    expect(rules,
           "{\"id\":\"spectral-signature\",\"classes\":[{\"suspects\":40}]},"
           "{\"id\":\"strip\",\"triggers\":[{\"flagRate\":\"1.000000\"}]},"
           "{\"id\":\"weight-drift\",\"layers\":[{\"drifted\":true,\"pHolm\":\"1.0e-30\"}]}",
           OUTCOME_PASSED, "");
    /* Required, and not there: a gap all the same. */
    expect(rules,
           "{\"id\":\"spectral-signature\",\"classes\":[]},{\"id\":\"strip\",\"provenance\":\"host\",\"status\":"
           "\"skipped\",\"reason\":\"there is no trigger\"},{\"id\":\"weight-drift\",\"layers\":[]}",
           OUTCOME_NEEDS_REVIEW, "strip: skipped: there is no trigger");
}

/* The host's own skips are excused where the policy does not require the check; the guest's never, but for one that the
 * host can tell by itself. */
void test_verdict_skips(void)
{
#define SKIPPED(id, provenance, reason)                                                                                \
    "{\"id\":\"" id "\",\"provenance\":\"" provenance "\",\"status\":\"skipped\",\"reason\":\"" reason "\"}"
    expect(SCAN_RULES, SKIPPED("trigger-scan", "host", "no range"), OUTCOME_PASSED, "no range");
    expect(SCAN_RULES, SKIPPED("trigger-scan", "guest", "no images"), OUTCOME_NEEDS_REVIEW, "no images");
    expect(CLEANSE_RULES, SKIPPED("neural-cleanse", "guest", "of few classes"), OUTCOME_PASSED, "few classes");
    expect(CLEANSE_RULES, SKIPPED("neural-cleanse", "guest", "it said so"), OUTCOME_NEEDS_REVIEW, "it said so");
    expect("trigger-scan: {required: true, kept: 64, patches: [2], minimumSuccess: 0.75, anomaly: 3}",
           SKIPPED("trigger-scan", "host", "no range"), OUTCOME_NEEDS_REVIEW, "no range");
}

void test_verdict_tiers(void)
{
    static const char *const tiers[] = {"low", "medium", "high"};
    static const char checks[] = ROBUST(CURVE("0.1", "60", "0.502"), "");

    for (unsigned i = 0; i < 3; i++) {
        CLEANUP_VERDICT struct verdict verdict = {0};

        CU_ASSERT_EQUAL(decide(tiers[i], ATTACKS, checks, &verdict), 0);
        CU_ASSERT_EQUAL(verdict.outcome, i == 0 ? OUTCOME_PASSED : OUTCOME_NEEDS_REVIEW);
        CU_ASSERT_EQUAL(verdict.reason_count, i == 0 ? 0 : 1);
        CU_ASSERT_TRUE(i == 0 || strstr(verdict.reasons[0], "never by itself") != NULL);
    }
}
