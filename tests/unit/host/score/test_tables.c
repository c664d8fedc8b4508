/* SPDX-License-Identifier: Apache-2.0 */
/* Checks whose figures come as tables: what is worked out of them, and what a guest can't say. */
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/score/evaluation.h"
#include "wire/rows.h"

#include "unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CLASSES = 4, TEST = 8, TRAIN = 10, TRIGGERS = 2, TENSORS = 4, ROWS = 4, CHECKS = 7 };

/* A row with room of its own, so that tests can change any figure. */
struct line {
    uint64_t naturals[ROW_NATURALS_MAX];
    double reals[ROW_REALS_MAX];
};

struct table {
    struct line lines[ROWS];
    struct score_row rows[ROWS];
};

/* Which table is which. */
enum { SPECTRUM, TARGETS, USERS, COVERAGE, MASKS, ENTROPY, WEIGHTS, GRADIENTS, TABLES };

struct facts {
    int32_t labels[TEST], clean[TEST], attacked[TEST], train[TRAIN];
    uint8_t digest[SHA256_SIZE];
    struct table tables[TABLES];
    struct attack_curve_point point;
    struct attack_curve curve;
    struct attack_run attack;
    struct evaluation_check checks[CHECKS];
    struct evaluation_input input;
};

/* The position of each check. */
enum { CHECK_ATTACK, CHECK_ROBUSTNESS, CHECK_SPECTRUM, CHECK_SCAN, CHECK_CLEANSE, CHECK_STRIP, CHECK_DRIFT };

static struct score_table fill(struct table *table, size_t count, size_t naturals, size_t reals,
                               const struct line *lines, const char *const *names)
{
    for (size_t i = 0; i < count; i++) {
        table->lines[i] = lines[i];
        table->rows[i] = (struct score_row){.name = names != NULL ? names[i] : "",
                                            .natural_count = naturals,
                                            .real_count = reals,
                                            .naturals = table->lines[i].naturals,
                                            .reals = table->lines[i].reals};
    }
    return (struct score_table){count, table->rows};
}

static const struct line spectrum[CLASSES] = {
    {{0, SPECTRUM_DONE, 4, 2, 6, 0}, {0.75, 2.5, 9.125}},
    {{1, SPECTRUM_DONE, 3, 0}, {0.5, 1, 1}},
    {{2, SPECTRUM_TOO_SMALL, 2, 0}, {0, 0, 0}},
    {{3, SPECTRUM_TOO_SMALL, 1, 0}, {0, 0, 0}},
};

/* Success 6/6, 1/4, 2/5, 1/6: median 0.325, deviations 0.675 0.075 0.075 0.158333…, MAD 0.116666… */
static const struct line targets[CLASSES] = {
    {{0, 3, 2, 2, 2, 1, 6, 6}, {1, 0.5, 0}},
    {{1, 0, 0, 1, 1, 0, 1, 4}, {0, 0, 0}},
    {{2, 4, 4, 1, 1, 0, 2, 5}, {0, 0, 0}},
    {{3, 0, 0, 5, 6, 0, 1, 6}, {0, 0, 0}},
};
static const struct line users[TRIGGERS] = {{{0, 2, 3, 6}, {0}}, {{1, 0, 0, 0}, {0}}};
static const struct line coverage[1] = {{{90, 100, 7, 12345}, {0}}};

/* L1 2 10 11 12: median 10.5, deviations 8.5 0.5 0.5 1.5, MAD 1 */
static const struct line masks[CLASSES] = {
    {{0, 1, 1, 2, 2, 6, 6, 300}, {2, 0.875}},
    {{1, 0, 0, 5, 6, 3, 6, 400}, {10, 1}},
    {{2, 0, 0, 5, 6, 6, 6, 400}, {11, 1}},
    {{3, 0, 0, 5, 6, 6, 6, 400}, {12, 1}},
};
static const struct line entropy[TRIGGERS] = {{{0, 8, 6}, {0.25, 1.5, 0.125}}, {{1, 8, 0}, {0.25, 1.5, 1.625}}};
static const struct line weights[TENSORS] = {
    {{TENSOR_COMPARED, 100, 100, 1}, {0.5, 1e-12, 0.125, 0.5, 0, 0.25, 2}},
    {{TENSOR_COMPARED, 90, 80, 0}, {0.25, 0.5, -1e-9, 1, 0, 1, -1}},
    {{TENSOR_ONLY_IN_MODEL, 7, 0, 0}, {0}},
    {{TENSOR_TOO_SMALL, 3, 3, 0}, {0}},
};
static const char *const tensors[TENSORS] = {"conv.weight", "fc.weight", "extra", "fc.bias"};
static const struct line gradients[1] = {{{1, TEST}, {0}}};

static void make_attack(struct facts *f)
{
    memcpy(f->attacked, f->clean, sizeof f->attacked);
    f->attacked[0] = 3;
    f->point = (struct attack_curve_point){0.5, "0.5", f->attacked};
    f->curve = (struct attack_curve){.norm = 1.5, .minimal = true, .point_count = 1, .points = &f->point};
    f->attack = (struct attack_run){.id = "pgd",
                                    .family = ATTACK_ITERATIVE,
                                    .goal = PLAN_GOAL_LEAST_LIKELY,
                                    .restarts = 2,
                                    .iterations = 40,
                                    .step = 0.1,
                                    .curve_count = 1,
                                    .curves = &f->curve};
}

static void make_checks(struct facts *f)
{
    struct evaluation_check *c = f->checks;

    c[CHECK_ATTACK] = (struct evaluation_check){.kind = EVALUATION_ATTACK, .id = "pgd", .attack = &f->attack};
    c[CHECK_ATTACK].tables[ROWS_GRADIENTS] = fill(&f->tables[GRADIENTS], 1, GRADIENTS_NATURALS, 0, gradients, NULL);
    c[CHECK_ROBUSTNESS] = (struct evaluation_check){.kind = EVALUATION_ROBUSTNESS, .id = "robustness"};
    c[CHECK_SPECTRUM] = (struct evaluation_check){
        .kind = EVALUATION_SPECTRAL_SIGNATURE, .id = "spectral-signature", .layer = "fc", .minimum_class_size = 3};
    c[CHECK_SPECTRUM].tables[ROWS_SPECTRUM] =
        fill(&f->tables[SPECTRUM], CLASSES, SPECTRUM_INDICES, SPECTRUM_REALS, spectrum, NULL);
    f->tables[SPECTRUM].rows[0].natural_count = SPECTRUM_INDICES + 2;
    c[CHECK_SCAN] = (struct evaluation_check){
        .kind = EVALUATION_TRIGGER_SCAN, .id = "trigger-scan", .anomaly = {.minimum_success = 0.9, .anomaly = 3}};
    c[CHECK_SCAN].tables[ROWS_TARGETS] =
        fill(&f->tables[TARGETS], CLASSES, TARGETS_NATURALS, TARGETS_REALS, targets, NULL);
    c[CHECK_SCAN].tables[ROWS_USER_TRIGGERS] =
        fill(&f->tables[USERS], TRIGGERS, USER_TRIGGERS_NATURALS, 0, users, NULL);
    c[CHECK_SCAN].tables[ROWS_COVERAGE] = fill(&f->tables[COVERAGE], 1, COVERAGE_NATURALS, 0, coverage, NULL);
    c[CHECK_CLEANSE] = (struct evaluation_check){
        .kind = EVALUATION_NEURAL_CLEANSE, .id = "neural-cleanse", .anomaly = {.minimum_success = 0.9, .anomaly = 2}};
    c[CHECK_CLEANSE].tables[ROWS_MASKS] = fill(&f->tables[MASKS], CLASSES, MASKS_NATURALS, MASKS_REALS, masks, NULL);
    c[CHECK_STRIP] = (struct evaluation_check){.kind = EVALUATION_STRIP, .id = "strip"};
    c[CHECK_STRIP].tables[ROWS_ENTROPY] =
        fill(&f->tables[ENTROPY], TRIGGERS, ENTROPY_NATURALS, ENTROPY_REALS, entropy, NULL);
    c[CHECK_DRIFT] = (struct evaluation_check){
        .kind = EVALUATION_WEIGHT_DRIFT, .id = "weight-drift", .drift = {.alpha = 0.001, .minimum_effect = 0.1}};
    c[CHECK_DRIFT].tables[ROWS_TENSORS] =
        fill(&f->tables[WEIGHTS], TENSORS, TENSORS_NATURALS, TENSORS_REALS, weights, tensors);
    for (size_t i = 0; i < CHECKS; i++)
        c[i].version = 1;
}

static struct facts *make(void)
{
    static const int32_t labels[TEST] = {0, 1, 2, 3, 0, 1, 2, 3}, clean[TEST] = {0, 1, 2, 3, 0, 1, 3, 3};
    static const int32_t train[TRAIN] = {0, 1, 2, 3, 0, 1, 0, 0, 1, 2};
    struct facts *f = calloc(1, sizeof *f);

    memcpy(f->labels, labels, sizeof labels);
    memcpy(f->clean, clean, sizeof clean);
    memcpy(f->train, train, sizeof train);
    memset(f->digest, 0xcd, sizeof f->digest);
    make_attack(f);
    make_checks(f);
    f->input = (struct evaluation_input){.arithmetic = "fma",
                                         .model_sha256 = f->digest,
                                         .data_sha256 = f->digest,
                                         .policy_sha256 = f->digest,
                                         .test_sha256 = f->digest,
                                         .train_sha256 = f->digest,
                                         .classes = CLASSES,
                                         .height = 5,
                                         .width = 6,
                                         .channels = 2,
                                         .test_count = TEST,
                                         .test_labels = f->labels,
                                         .clean_predictions = f->clean,
                                         .train_count = TRAIN,
                                         .train_labels = f->train,
                                         .trigger_count = TRIGGERS,
                                         .check_count = CHECKS,
                                         .checks = f->checks};
    return f;
}

static enum evaluation_status pass(void *context, const struct evaluation_check *check, const json_t *figures)
{
    (void)context;
    (void)check;
    (void)figures;
    return EVALUATION_STATUS_PASSED;
}

static json_t *build(struct facts *f)
{
    json_t *evaluation = NULL;
    struct error err = {0};

    if (evaluation_build(&f->input, pass, NULL, &evaluation, &err) < 0)
        (void)printf("\n    %s", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(evaluation);
    return evaluation;
}

/* The canonical text of a part of a check: `key` of it, or all of it. */
static void expect(const json_t *evaluation, size_t check, const char *key, const char *text)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(1 << 16);
    const json_t *part = json_array_get(json_object_get(evaluation, "checks"), check);

    if (key != NULL)
        part = json_object_get(part, key);
    if (!json_is_object(part) && !json_is_array(part)) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(json_string_value(part));
        CU_ASSERT_STRING_EQUAL(json_string_value(part), text);
        return;
    }
    CU_ASSERT_EQUAL(json_canonical_encode(part, &bytes), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&bytes, 0), 0);
    if (strcmp((const char *)bytes.data, text) != 0)
        (void)printf("\n    %s\n    instead of %s", (const char *)bytes.data, text);
    CU_ASSERT_STRING_EQUAL((const char *)bytes.data, text);
}

/* --- what is worked out --------------------------------------------------------------------------- */

/* Wilson's intervals: scipy.stats.binomtest(k, n).proportion_ci(method='wilson') of 6/8 and 1/7. */
static void test_attack(void)
{
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);

    expect(evaluation, CHECK_ATTACK, "goal", "least-likely");
    expect(evaluation, CHECK_ATTACK, "step", "0.100000");
    expect(evaluation, CHECK_ATTACK, "zeroGradients", "{\"count\":1,\"total\":8}");
    expect(evaluation, CHECK_ATTACK, "curves",
           "[{\"minimal\":true,\"norm\":\"1.5\",\"points\":[{\"accuracy\":\"0.750000\",\"attackSuccess\":\"0.142857\","
           "\"attackSuccessCi95\":[\"0.025680\",\"0.513128\"],\"ci95\":[\"0.409275\",\"0.928521\"],\"correct\":6,"
           "\"eps\":\"0.5\",\"robustAccuracy\":\"0.750000\",\"robustCorrect\":6,\"total\":8}]}]");
}

static void test_robustness(void)
{
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);

    expect(evaluation, CHECK_ROBUSTNESS, "attacks", "[\"pgd\"]");
    expect(evaluation, CHECK_ROBUSTNESS, "curves",
           "[{\"minimalEps\":{\"broken\":1,\"median\":null,\"p5\":\"0.5\",\"total\":7},\"norm\":\"1.5\",\"points\":[{"
           "\"attackSuccess\":\"0.142857\",\"attackSuccessCi95\":[\"0.025680\",\"0.513128\"],"
           "\"ci95\":[\"0.409275\",\"0.928521\"],\"eps\":\"0.5\",\"robustAccuracy\":\"0.750000\",\"robustCorrect\":6,"
           "\"total\":8,\"worst\":[\"pgd\"]}]}]");
    /* One of eight inputs is more than one of a hundred. */
    expect(evaluation, CHECK_ROBUSTNESS, "masking",
           "[{\"attack\":\"pgd\",\"count\":1,\"flag\":\"zero-gradients\",\"share\":\"0.125000\",\"total\":8}]");
    expect(evaluation, CHECK_ROBUSTNESS, "provenance", "host-scored");
}

static void test_spectrum(void)
{
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);

    expect(evaluation, CHECK_SPECTRUM, "classes",
           "[{\"cutoff\":\"2.500000\",\"indices\":[6,0],\"label\":0,\"outcome\":\"done\",\"share\":\"0.750000\","
           "\"size\":4,\"suspects\":2,\"top\":\"9.125000\"},"
           "{\"cutoff\":\"1.000000\",\"indices\":[],\"label\":1,\"outcome\":\"done\",\"share\":\"0.500000\",\"size\":3,"
           "\"suspects\":0,\"top\":\"1.000000\"},"
           "{\"label\":2,\"outcome\":\"too-small\",\"size\":2},{\"label\":3,\"outcome\":\"too-small\",\"size\":1}]");
    expect(evaluation, CHECK_SPECTRUM, "layer", "fc");
    expect(evaluation, CHECK_SPECTRUM, "provenance", "guest");
}

/* (1 − 0.325)/(1.4826 · 0.116667) = 3.902…; all the others below 1. */
static void test_trigger_scan(void)
{
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);

    expect(evaluation, CHECK_SCAN, "best",
           "{\"col\":2,\"colour\":[\"1.000000\",\"0.500000\"],\"eligible\":6,\"flipped\":6,\"height\":2,\"index\":"
           "\"3.902411\",\"row\":3,\"success\":\"1.000000\",\"target\":0,\"width\":2}");
    expect(evaluation, CHECK_SCAN, "null", "{\"mad\":\"0.116667\",\"median\":\"0.325000\"}");
    expect(evaluation, CHECK_SCAN, "suspicious", "[0]");
    expect(evaluation, CHECK_SCAN, "coverage", "{\"images\":12345,\"places\":100,\"samples\":7,\"tried\":90}");
    expect(evaluation, CHECK_SCAN, "triggers",
           "[{\"eligible\":6,\"flipRate\":\"0.500000\",\"flipped\":3,\"index\":0,\"target\":2},"
           "{\"eligible\":0,\"flipRate\":null,\"flipped\":0,\"index\":1,\"target\":0}]");
}

/* A rule that asks for more is not met; and without a null, success alone decides. */
static void test_trigger_scan_rule(void)
{
    CLEANUP_FREE struct facts *f = make();

    f->checks[CHECK_SCAN].anomaly.anomaly = 4;
    {
        CLEANUP_JSON json_t *evaluation = build(f);

        expect(evaluation, CHECK_SCAN, "suspicious", "[]");
    }
    f->input.classes = 2;
    f->checks[CHECK_SCAN].tables[ROWS_TARGETS].count = 2;
    f->checks[0] = f->checks[CHECK_SCAN];
    f->input.check_count = 1;
    f->input.test_count = 2;
    f->tables[COVERAGE].lines[0].naturals[COVERAGE_SAMPLES] = 2;
    f->tables[TARGETS].lines[0].naturals[TARGETS_FLIPPED] = f->tables[TARGETS].lines[0].naturals[TARGETS_ELIGIBLE] = 2;
    f->tables[TARGETS].lines[1].naturals[TARGETS_ELIGIBLE] = 2;
    f->input.trigger_count = 0;
    f->checks[0].tables[ROWS_USER_TRIGGERS].count = 0;
    {
        CLEANUP_JSON json_t *evaluation = build(f);

        expect(evaluation, 0, "suspicious", "[0]");
        expect(evaluation, 0, "null", "{\"mad\":null,\"median\":null}");
    }
}

/* (10.5 − 2)/(1.4826 · 1) = 5.733171; class 3 is as far off as to be above 1, but above the median. */
static void test_neural_cleanse(void)
{
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);
    const json_t *classes =
        json_object_get(json_array_get(json_object_get(evaluation, "checks"), CHECK_CLEANSE), "classes");

    expect(evaluation, CHECK_CLEANSE, "median", "10.500000");
    expect(evaluation, CHECK_CLEANSE, "mad", "1.000000");
    CU_ASSERT_EQUAL(json_array_size(classes), CLASSES);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(classes, 0), "index")), "5.733171");
    for (size_t i = 0; i < CLASSES; i++)
        CU_ASSERT_EQUAL(json_is_true(json_object_get(json_array_get(classes, i), "suspicious")), i == 0);
}

static void test_strip(void)
{
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);

    expect(evaluation, CHECK_STRIP, "triggers",
           "[{\"cleanMean\":\"1.500000\",\"flagRate\":\"0.750000\",\"flagged\":6,\"index\":0,\"samples\":8,"
           "\"threshold\":\"0.250000\",\"triggeredMean\":\"0.125000\"},"
           "{\"cleanMean\":\"1.500000\",\"flagRate\":\"0.000000\",\"flagged\":0,\"index\":1,\"samples\":8,"
           "\"threshold\":\"0.250000\",\"triggeredMean\":\"1.625000\"}]");
}

static void test_drift(void)
{
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);

    expect(evaluation, CHECK_DRIFT, "layers",
           "[{\"d\":\"0.500000\",\"deviation\":\"5.000000e-01\",\"distance\":\"2.000000\",\"drifted\":true,"
           "\"elements\":100,\"mean\":\"1.250000e-01\",\"method\":\"exact\",\"name\":\"conv.weight\",\"outcome\":"
           "\"compared\",\"p\":\"1.000000e-12\",\"pHolm\":\"2.000000e-12\",\"referenceDeviation\":\"2.500000e-01\","
           "\"referenceElements\":100,\"referenceMean\":\"0.000000e+00\"},"
           "{\"d\":\"0.250000\",\"deviation\":\"1.000000e+00\",\"distance\":null,\"drifted\":false,\"elements\":90,"
           "\"mean\":\"-1.000000e-09\",\"method\":\"asymptotic\",\"name\":\"fc.weight\",\"outcome\":\"compared\","
           "\"p\":\"5.000000e-01\",\"pHolm\":\"5.000000e-01\",\"referenceDeviation\":\"1.000000e+00\","
           "\"referenceElements\":80,\"referenceMean\":\"0.000000e+00\"},"
           "{\"elements\":7,\"name\":\"extra\",\"outcome\":\"only-in-model\",\"referenceElements\":0},"
           "{\"elements\":3,\"name\":\"fc.bias\",\"outcome\":\"too-small\",\"referenceElements\":3}]");
}

/* A check that the guest calls impossible stands on its word, one that the host skipped on the host's. */
static void test_skipped(void)
{
    CLEANUP_FREE struct facts *f = make();

    f->checks[CHECK_SCAN].outcome = EVALUATION_UNFIT;
    f->checks[CHECK_SCAN].reason = "inputs are no images";
    f->checks[CHECK_STRIP].outcome = EVALUATION_SKIPPED;
    f->checks[CHECK_STRIP].reason = "there are no triggers";
    {
        CLEANUP_JSON json_t *evaluation = build(f);

        expect(evaluation, CHECK_SCAN, NULL,
               "{\"id\":\"trigger-scan\",\"provenance\":\"guest\",\"reason\":\"inputs are no images\",\"status\":"
               "\"skipped\",\"version\":1}");
        expect(evaluation, CHECK_STRIP, NULL,
               "{\"id\":\"strip\",\"provenance\":\"host\",\"reason\":\"there are no triggers\",\"status\":\"skipped\","
               "\"version\":1}");
    }
}

/* --- what a guest can't say ----------------------------------------------------------------------- */

struct lie {
    unsigned table, row;
    bool real;
    size_t column;
    double value;
    const char *part;
};

static const struct lie lies[] = {
    {GRADIENTS, 0, false, GRADIENTS_ZERO, 9, "check pgd: the guest counts 9 of 8 inputs without a gradient"},
    {GRADIENTS, 0, false, GRADIENTS_SAMPLES, 7, "1 of 7 inputs without a gradient, of 8"},
    {SPECTRUM, 1, false, SPECTRUM_LABEL, 2, "check spectral-signature: class 1: the guest's classes are not"},
    {SPECTRUM, 0, false, SPECTRUM_SIZE, 5, "class 0: the guest counts 5 training samples, not 4"},
    {SPECTRUM, 0, false, SPECTRUM_OUTCOME, SPECTRUM_OUTCOME_COUNT, "outcome is unknown"},
    {SPECTRUM, 1, false, SPECTRUM_OUTCOME, SPECTRUM_TOO_SMALL, "called too small"},
    {SPECTRUM, 0, false, SPECTRUM_SUSPECTS, 5, "more suspects than samples"},
    {SPECTRUM, 0, false, SPECTRUM_SUSPECTS, 1, "more suspects than samples, or names more"},
    {SPECTRUM, 0, false, SPECTRUM_INDICES, 1, "not of this class"},
    {SPECTRUM, 0, false, SPECTRUM_INDICES, TRAIN, "not of this class"},
    {SPECTRUM, 0, false, SPECTRUM_INDICES, 0, "suspects sample 0 twice"},
    {SPECTRUM, 0, true, SPECTRUM_SHARE, 1.5, "share, cutoff or top score"},
    {SPECTRUM, 0, true, SPECTRUM_CUTOFF, -1, "share, cutoff or top score"},
    {SPECTRUM, 0, true, SPECTRUM_TOP, 1e15, "share, cutoff or top score"},
    {TARGETS, 2, false, TARGETS_TARGET, 1, "check trigger-scan: target 2: the guest's targets are not"},
    {TARGETS, 0, false, TARGETS_FLIPPED, 7, "target 0: the guest's trigger turns 7 of 6 inputs, of 7"},
    {TARGETS, 0, false, TARGETS_ELIGIBLE, 8, "turns 6 of 8 inputs, of 7"},
    {TARGETS, 0, false, TARGETS_ROW, 4, "box of 2x2 at row 4, column 2 leaves the input of 5x6"},
    {TARGETS, 0, false, TARGETS_WIDTH, 5, "leaves the input"},
    {TARGETS, 0, false, TARGETS_COL, 0x1p53, "leaves the input"},
    {TARGETS, 0, true, TARGETS_VALUE_0, -1e16, "colour"},
    {USERS, 1, false, USER_TRIGGERS_INDEX, 0, "trigger 1: the guest's figures can't be"},
    {USERS, 0, false, USER_TRIGGERS_TARGET, CLASSES, "trigger 0: the guest's figures can't be"},
    {USERS, 0, false, USER_TRIGGERS_FLIPPED, 7, "7 of 6 inputs"},
    {USERS, 0, false, USER_TRIGGERS_ELIGIBLE, 9, "3 of 9 inputs"},
    {COVERAGE, 0, false, COVERAGE_TRIED, 101, "tried 101 places of 100"},
    {COVERAGE, 0, false, COVERAGE_SAMPLES, 9, "on 9 of 8 test samples"},
    {MASKS, 3, false, MASKS_TARGET, 0, "check neural-cleanse: class 3: the guest's classes are not"},
    {MASKS, 0, false, MASKS_FLIPPED, 7, "turns 7 of 6"},
    {MASKS, 0, false, MASKS_ELIGIBLE, 9, "6 of 9 inputs, of 8"},
    {MASKS, 0, false, MASKS_HEIGHT, 5, "leaves the input"},
    {MASKS, 0, true, MASKS_L1, -0.5, "norm or an element"},
    {MASKS, 0, true, MASKS_LARGEST, 1.25, "norm or an element"},
    {ENTROPY, 1, false, ENTROPY_INDEX, 2, "check strip: trigger 1: the guest's figures can't be"},
    {ENTROPY, 0, false, ENTROPY_FLAGGED, 9, "9 of 8 samples flagged"},
    {ENTROPY, 0, false, ENTROPY_SAMPLES, 9, "6 of 9 samples flagged"},
    {ENTROPY, 0, true, ENTROPY_CLEAN_MEAN, -1, "entropy"},
    {WEIGHTS, 0, false, TENSORS_OUTCOME, TENSOR_OUTCOME_COUNT, "check weight-drift: tensor conv.weight: the guest's"},
    {WEIGHTS, 0, false, TENSORS_EXACT, 2, "method is unknown"},
    {WEIGHTS, 0, false, TENSORS_ELEMENTS, 0, "without elements"},
    {WEIGHTS, 0, true, TENSORS_D, 1.5, "outside [0, 1]"},
    {WEIGHTS, 0, true, TENSORS_P, -0.5, "outside [0, 1]"},
    {WEIGHTS, 0, true, TENSORS_DEVIATION, -1, "deviation is negative"},
    {WEIGHTS, 0, true, TENSORS_DISTANCE, -2, "distance is none"},
};

static void expect_refusal(struct facts *f, const char *part)
{
    json_t *evaluation = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(evaluation_build(&f->input, pass, NULL, &evaluation, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_GUEST);
    CU_ASSERT_PTR_NULL(evaluation);
    if (strstr(err.text, part) == NULL) {
        (void)printf("\n    %s\n    instead of %s", err.text, part);
        CU_FAIL("the message says something else");
    }
}

static void test_lies(void)
{
    for (size_t i = 0; i < HARNESS_COUNT(lies); i++) {
        CLEANUP_FREE struct facts *f = make();
        struct line *line = &f->tables[lies[i].table].lines[lies[i].row];

        if (lies[i].real)
            line->reals[lies[i].column] = lies[i].value;
        else
            line->naturals[lies[i].column] = (uint64_t)lies[i].value;
        expect_refusal(f, lies[i].part);
    }
}

/* Every table with a row too few. */
static void test_missing_rows(void)
{
    static const struct {
        size_t check, table;
        const char *part;
    } cases[] = {
        {CHECK_ATTACK, ROWS_GRADIENTS, "0 counts of gradients, not 1"},
        {CHECK_SPECTRUM, ROWS_SPECTRUM, "3 classes, not 4"},
        {CHECK_SCAN, ROWS_TARGETS, "3 targets, not 4"},
        {CHECK_SCAN, ROWS_USER_TRIGGERS, "1 triggers, not 2"},
        {CHECK_SCAN, ROWS_COVERAGE, "0 lines on coverage, not 1"},
        {CHECK_CLEANSE, ROWS_MASKS, "3 classes, not 4"},
        {CHECK_STRIP, ROWS_ENTROPY, "1 triggers, not 2"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        CLEANUP_FREE struct facts *f = make();

        f->checks[cases[i].check].tables[cases[i].table].count--;
        expect_refusal(f, cases[i].part);
    }
}

/* Golden digest of all of it: a change of a field or of its digits is a change of format. */
static void test_golden_digest(void)
{
    static const char golden[] = "e2057e3ed59db4621acac8c69f393402af511fddad885b519c9f4e79b4ea8caa";
    CLEANUP_FREE struct facts *f = make();
    CLEANUP_JSON json_t *evaluation = build(f);
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(1 << 16);
    char hex[SHA256_HEX_SIZE];
    uint8_t digest[SHA256_SIZE];

    CU_ASSERT_EQUAL(json_canonical_encode(evaluation, &bytes), 0);
    sha256_of(bytes.data, bytes.size, digest);
    sha256_to_hex(digest, hex);
    CU_ASSERT_STRING_EQUAL(hex, golden);
    if (strcmp(hex, golden) != 0)
        (void)printf("\n    %s\n%.*s", hex, (int)bytes.size, (const char *)bytes.data);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"an attack", test_attack},
        {"robustness", test_robustness},
        {"spectral signatures", test_spectrum},
        {"the search for triggers", test_trigger_scan},
        {"the rule for triggers", test_trigger_scan_rule},
        {"Neural Cleanse", test_neural_cleanse},
        {"STRIP", test_strip},
        {"weight drift", test_drift},
        {"skipped checks", test_skipped},
        {"lies of the guest", test_lies},
        {"missing rows", test_missing_rows},
        {"golden digest", test_golden_digest},
    };

    return harness_run("host/score/tables", tests, HARNESS_COUNT(tests));
}
