/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: every parameter of the policy's reaches it, its own codec takes it, and what can't be done is skipped. */
#include "host/job/plan_make.h"
#include "unit/harness.h"
#include "wire/message.h"

#include <stdlib.h>
#include <string.h>

static const char yaml[] =
    "tier: low\n"
    "labels: true\n"
    "checks:\n"
    "  noise: {required: false, iterations: 7, curves: [{norm: inf, eps: [0.1]}]}\n"
    "  fgsm: {required: true, goal: next, restarts: 3, curves: [{norm: 1.5, eps: [0.1, 0.25]},\n"
    "    {norm: 1.5, minimal: true, eps: [0.5]}]}\n"
    "  pgd: {required: true, goal: least-likely, iterations: 40, restarts: 2, step: 0.0625,\n"
    "    curves: [{norm: 2, eps: [0.1]}]}\n"
    "  square: {required: true, iterations: 200, restarts: 1, curves: [{norm: inf, eps: [0.1]}]}\n"
    "  activation-clustering: {required: true, layer: fc2, reduction: fast-ica, components: 10, starts: 50,\n"
    "    minimumClassSize: 20, alpha: 0.01, minimumEffect: 0.1, maximumTestShare: 0.2}\n"
    "  spectral-signature: {required: false, layer: fc1, poisonedShare: 0.33, minimumClassSize: 21}\n"
    "  trigger-scan: {required: true, kept: 64, budget: 5000, patches: [0, 2, 3, 4], stride: 2, minimumSuccess: 0.75,\n"
    "    anomaly: 3.5}\n"
    "  neural-cleanse: {required: true, kept: 65, iterations: 400, batch: 32, rate: 0.1, cost: 0.001, success: 0.9,\n"
    "    anomaly: 2}\n"
    "  strip: {required: false, kept: 66, overlays: 20, blend: 0.5, falseAlarms: 0.01}\n"
    "  weight-drift: {required: false, exact: true, minimumElements: 50, alpha: 0.05, minimumEffect: 0.15}\n";

/* 450 images of 1×8×8 in [0, 1], with everything that checks may ask for. */
struct inputs {
    struct admission admission;
    struct data_description description;
    struct job_options options;
    struct plan_made made;
};

static void describe(struct data_set_description *set, uint64_t count)
{
    *set = (struct data_set_description){
        .present = true, .labelled = true, .count = count, .rank = 3, .dims = {1, 8, 8}, .elements = 64};
}

static struct inputs *make_inputs(void)
{
    struct inputs *inputs = calloc(1, sizeof *inputs);
    struct error err = {0};

    inputs->admission.description = &inputs->description;
    inputs->description.contract.has_range = true;
    inputs->description.contract.range_high = 1;
    describe(&inputs->description.sets[DATA_SET_TEST], 450);
    describe(&inputs->description.sets[DATA_SET_TRAIN], 1347);
    inputs->admission.model_size = 1000;
    inputs->admission.reference_size = 900;
    inputs->options = (struct job_options){.batch = 32, .vcpus = 1};
    CU_ASSERT_EQUAL_FATAL(policy_parse(yaml, sizeof yaml - 1, "p", &inputs->admission.policy, &err), 0);
    return inputs;
}

static void make(struct inputs *inputs)
{
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(plan_make(&inputs->admission, &inputs->options, &inputs->made, &err), 0);
}

static const struct plan_check *find(const struct inputs *inputs, enum plan_check_id id)
{
    for (uint32_t i = 0; i < inputs->made.plan.check_count; i++)
        if (inputs->made.plan.checks[i].id == id)
            return &inputs->made.plan.checks[i];
    return NULL;
}

static const char *why_skipped(const struct inputs *inputs, enum plan_check_id id)
{
    for (unsigned i = 0; i < inputs->made.skip_count; i++)
        if (inputs->made.skips[i].id == id)
            return inputs->made.skips[i].reason;
    return "";
}

static void test_attacks(void)
{
    CLEANUP_FREE struct inputs *inputs = make_inputs();
    const struct plan_check *check;

    inputs->options.samples = 9;
    make(inputs);
    check = find(inputs, PLAN_NOISE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_EQUAL(check->attack.iterations, 7);
    CU_ASSERT_EQUAL(check->attack.samples, 9);
    check = find(inputs, PLAN_FGSM);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_EQUAL(check->attack.goal, PLAN_GOAL_NEXT);
    CU_ASSERT_EQUAL(check->attack.restarts, 3);
    CU_ASSERT_EQUAL(check->attack.curve_count, 2);
    CU_ASSERT_EQUAL(check->attack.curves[0].norm, 1.5);
    CU_ASSERT_EQUAL(check->attack.curves[0].eps[1], 0.25);
    CU_ASSERT_TRUE(check->attack.curves[1].minimal);
    CU_ASSERT_STRING_EQUAL(plan_make_eps_text(&inputs->made, (uint32_t)(check - inputs->made.plan.checks), 0, 1),
                           "0.25");
    check = find(inputs, PLAN_PGD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_EQUAL(check->attack.goal, PLAN_GOAL_LEAST_LIKELY);
    CU_ASSERT_EQUAL(check->attack.iterations, 40);
    CU_ASSERT_EQUAL(check->attack.step, 0.0625);
    check = find(inputs, PLAN_SQUARE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_EQUAL(check->attack.iterations, 200);
    CU_ASSERT_EQUAL(check->attack.curves[0].norm, PLAN_NORM_INF);
}

static void test_trojan_checks(void)
{
    CLEANUP_FREE struct inputs *inputs = make_inputs();
    const struct plan_check *check;

    make(inputs);
    check = find(inputs, PLAN_ACTIVATION_CLUSTERING);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_STRING_EQUAL(check->clustering.layer, "fc2");
    CU_ASSERT_EQUAL(check->clustering.reduction, PLAN_FAST_ICA);
    CU_ASSERT_EQUAL(check->clustering.starts, 50);
    check = find(inputs, PLAN_SPECTRAL_SIGNATURE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_STRING_EQUAL(check->spectral.layer, "fc1");
    CU_ASSERT_EQUAL(check->spectral.minimum_class_size, 21);
    check = find(inputs, PLAN_TRIGGER_SCAN);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_EQUAL(check->trigger_scan.image_budget, 5000);
    CU_ASSERT_EQUAL(check->trigger_scan.patch_count, 3); /* 4×4 is a quarter of 8×8 */
    CU_ASSERT_EQUAL(check->trigger_scan.patches[2], 3);
    CU_ASSERT_EQUAL(check->trigger_scan.stride, 2);
    check = find(inputs, PLAN_NEURAL_CLEANSE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_EQUAL(check->neural_cleanse.iterations, 400);
    CU_ASSERT_EQUAL(check->neural_cleanse.cost, 0.001);
    check = find(inputs, PLAN_WEIGHT_DRIFT);
    CU_ASSERT_PTR_NOT_NULL_FATAL(check);
    CU_ASSERT_TRUE(check->drift.exact);
    CU_ASSERT_EQUAL(inputs->made.plan.reference_size, 900);
    CU_ASSERT_TRUE(inputs->made.plan.sets[PLAN_SET_TEST].labelled); /* labels: true */
}

/* What the host sends, the guest's decoder takes: every limit of the policy's is one of the plan's. */
static void test_codec(void)
{
    CLEANUP_FREE struct inputs *inputs = make_inputs();
    CLEANUP_FREE struct plan *decoded = calloc(1, sizeof *decoded);
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);
    struct frame_header header = {.type = MESSAGE_PLAN};
    struct error err = {0};

    make(inputs);
    CU_ASSERT_EQUAL_FATAL(plan_encode(&inputs->made.plan, &frame), 0);
    header.size = (uint32_t)(frame.size - FRAME_HEADER_SIZE);
    CU_ASSERT_EQUAL_FATAL(plan_decode(&header, frame.data + FRAME_HEADER_SIZE, decoded, &err), 0);
    CU_ASSERT_EQUAL(decoded->check_count, inputs->made.plan.check_count);
}

/* Checks come by id, each with a seed of its own. */
static void test_seeds(void)
{
    CLEANUP_FREE struct inputs *inputs = make_inputs();
    const struct plan *plan = &inputs->made.plan;

    make(inputs);
    CU_ASSERT_EQUAL(plan->checks[0].id, PLAN_CLEAN_ACCURACY);
    for (uint32_t i = 1; i < plan->check_count; i++) {
        CU_ASSERT_TRUE(plan->checks[i].id > plan->checks[i - 1].id);
        CU_ASSERT_NOT_EQUAL(memcmp(plan->checks[i].seed, plan->checks[i - 1].seed, SHA256_SIZE), 0);
        CU_ASSERT_EQUAL(plan->checks[i].version, plan_make_version(plan->checks[i].id));
    }
}

static void test_skips(void)
{
    CLEANUP_FREE struct inputs *inputs = make_inputs();
    static const enum plan_check_id ranged[] = {PLAN_NOISE,  PLAN_FGSM,         PLAN_PGD,
                                                PLAN_SQUARE, PLAN_TRIGGER_SCAN, PLAN_NEURAL_CLEANSE};

    make(inputs);
    CU_ASSERT_EQUAL(inputs->made.skip_count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, PLAN_STRIP), "--triggers"));

    inputs->description.contract.has_range = false;
    inputs->description.sets[DATA_SET_TRAIN].present = false;
    inputs->admission.reference_size = 0;
    make(inputs);
    for (size_t i = 0; i < sizeof ranged / sizeof *ranged; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, ranged[i]), "range"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, PLAN_ACTIVATION_CLUSTERING), "--train"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, PLAN_SPECTRAL_SIGNATURE), "--train"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, PLAN_WEIGHT_DRIFT), "--reference"));
    CU_ASSERT_EQUAL(inputs->made.plan.check_count, 1);

    inputs->description.contract.has_range = true;
    inputs->description.contract.classes = 5;
    make(inputs);
    CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, PLAN_NEURAL_CLEANSE), "6 classes"));
    CU_ASSERT_PTR_NOT_NULL(find(inputs, PLAN_TRIGGER_SCAN));

    inputs->description.sets[DATA_SET_TEST].dims[1] = inputs->description.sets[DATA_SET_TEST].dims[2] = 3;
    inputs->admission.policy.trigger_scan.patches[0] = 2;
    inputs->admission.policy.trigger_scan.patch_count = 1;
    make(inputs);
    CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, PLAN_TRIGGER_SCAN), "a sixth"));

    inputs->description.sets[DATA_SET_TEST].rank = 1; /* no images */
    make(inputs);
    CU_ASSERT_PTR_NOT_NULL(strstr(why_skipped(inputs, PLAN_TRIGGER_SCAN), "images"));
    CU_ASSERT_PTR_NOT_NULL(find(inputs, PLAN_PGD));
    CU_ASSERT_PTR_NOT_NULL(find(inputs, PLAN_SQUARE)); /* its windows are then subsets of the elements */
}

/* plan.json names every parameter, with the policy's own decimals. */
static void test_document(void)
{
    CLEANUP_FREE struct inputs *inputs = make_inputs();
    json_t *document, *check;

    make(inputs);
    document = plan_make_document(&inputs->made, &inputs->admission, &inputs->options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    check = json_array_get(json_object_get(document, "checks"), 3);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(check, "id")), "pgd");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(check, "step")), "0.0625");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(check, "goal")), "least-likely");
    check = json_array_get(json_object_get(document, "checks"), 8);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(check, "id")), "neural-cleanse");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(check, "cost")), "0.001");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(document, "reference"), "size")), 900);
    json_decref(document);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"attacks", test_attacks}, {"trojan checks", test_trojan_checks}, {"codec", test_codec}, {"seeds", test_seeds},
        {"skips", test_skips},     {"plan.json", test_document},
    };

    return harness_run("plan", tests, HARNESS_COUNT(tests));
}
