/* SPDX-License-Identifier: Apache-2.0 */
/* The policy file: the shipped ones, defaults, and everything that is refused with its place. */
#include "host/policy/policy.h"

#include "unit/harness.h"
#include "unit/host/policy/tests.h"

#include <errno.h>
#include <string.h>

static const char minimal[] = "tier: low\n"
                              "checks:\n"
                              "  clean-accuracy: {required: true, accuracy: 0.9}\n";

static int parse(const char *yaml, struct policy *ret_policy, struct error *err)
{
    return policy_parse(yaml, strlen(yaml), "p.yaml", ret_policy, err);
}

static void test_shipped(void)
{
    static const char *const paths[] = {"policies/low.yaml", "policies/medium.yaml", "policies/high.yaml"};
    static const char *const norms[] = {"inf", "2", "1"};
    static const unsigned counts[] = {6, 5, 4};
    struct policy policy;
    struct error err = {0};

    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(policy_load(paths[i], &policy, &err), 0);
        CU_ASSERT_EQUAL(policy.tier, (enum policy_tier)i);
        CU_ASSERT_EQUAL(policy.arithmetic, POLICY_MUL_ADD);
        CU_ASSERT_TRUE(policy.clean_accuracy.required);
        CU_ASSERT_TRUE(policy.fgsm.required);
        CU_ASSERT_EQUAL(policy.activation_clustering.required, i > 0);
        CU_ASSERT_EQUAL(policy.fgsm.curve_count, 3);
        for (unsigned curve = 0; curve < 3; curve++) {
            CU_ASSERT_STRING_EQUAL(policy.fgsm.curves[curve].norm.text, norms[curve]);
            CU_ASSERT_EQUAL(policy.fgsm.curves[curve].count, counts[curve]);
        }
        CU_ASSERT_STRING_EQUAL(policy.fgsm.curves[0].eps[3].text, "0.1");
        CU_ASSERT_EQUAL(policy.fgsm.curves[0].eps[3].value, 0.1);
        CU_ASSERT_STRING_EQUAL(policy.fgsm.curves[1].eps[4].text, "2");
        CU_ASSERT_EQUAL(policy.robustness.required, i > 0);
        CU_ASSERT_EQUAL(policy.pgd.present && policy.square.present, i > 0);
        CU_ASSERT_FALSE(policy.labels);
        CU_ASSERT_TRUE(policy.trigger_scan.present);
        CU_ASSERT_EQUAL(policy.trigger_scan.required, i > 0);
        CU_ASSERT_EQUAL(policy.report_samples, i == 0);
        CU_ASSERT_EQUAL(policy.isolation & POLICY_ALLOW_PROCESS, i == 0 ? POLICY_ALLOW_PROCESS : 0);
    }
    CU_ASSERT_EQUAL(policy_load("policies/none.yaml", &policy, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
}

static void test_defaults(void)
{
    struct policy policy;
    uint8_t sha256[SHA256_SIZE];
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(parse(minimal, &policy, &err), 0);
    CU_ASSERT_EQUAL(policy.arithmetic, POLICY_MUL_ADD);
    CU_ASSERT_EQUAL(policy.isolation, POLICY_ALLOW_MICROVM);
    CU_ASSERT_EQUAL(policy.acceleration, POLICY_ALLOW_KVM | POLICY_ALLOW_TCG);
    CU_ASSERT_EQUAL(policy.minimum_samples, 100);
    CU_ASSERT_EQUAL(policy.deadline_seconds, 3600);
    CU_ASSERT_EQUAL(policy.memory_mib, 512);
    CU_ASSERT_EQUAL(policy.model_bytes_max, UINT64_C(1) << 30);
    CU_ASSERT_EQUAL(policy.clean_accuracy.bound, POLICY_LOWER);
    CU_ASSERT_EQUAL(policy.clean_accuracy.accuracy, 0.9);
    CU_ASSERT_FALSE(policy.report_samples);
    CU_ASSERT_EQUAL(policy.scratch_mib, 0);
    CU_ASSERT_FALSE(policy.ledger_required);
    CU_ASSERT_EQUAL(policy.repeat, 1);
    CU_ASSERT_EQUAL(policy.recheck, 0);
    CU_ASSERT_FALSE(policy.fgsm.present);
    sha256_of(minimal, strlen(minimal), sha256);
    CU_ASSERT_EQUAL(memcmp(policy.sha256, sha256, sizeof sha256), 0);
}

static void test_ledger_and_forensics(void)
{
    static const char checks[] = "checks: {clean-accuracy: {required: true, accuracy: 0.9}}\n";
    struct policy policy;
    struct error err = {0};
    char yaml[256];

    (void)snprintf(yaml, sizeof yaml, "tier: low\nforensics: {scratchMiB: 16}\n%s", checks);
    CU_ASSERT_EQUAL_FATAL(parse(yaml, &policy, &err), 0);
    CU_ASSERT_EQUAL(policy.scratch_mib, 16);
    (void)snprintf(yaml, sizeof yaml, "tier: low\nforensics: {scratchMiB: 4}\n%s", checks);
    CU_ASSERT(parse(yaml, &policy, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "forensics.scratchMiB"));
    (void)snprintf(yaml, sizeof yaml, "tier: low\nledger: {required: true}\n%s", checks);
    CU_ASSERT_EQUAL_FATAL(parse(yaml, &policy, &err), 0);
    CU_ASSERT_TRUE(policy.ledger_required);
    (void)snprintf(yaml, sizeof yaml, "tier: low\nledger: {required: false}\n%s", checks);
    CU_ASSERT_EQUAL_FATAL(parse(yaml, &policy, &err), 0);
    CU_ASSERT_FALSE(policy.ledger_required);
}

static const struct {
    const char *yaml, *said;
} refused[] = {
    {"", "empty"},
    {"# nothing\n", "empty"},
    {"tier: low\n", "checks"},
    {"tier: low\nchecks: {}\n", "at least one"},
    {"tier: lowest\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "line 1"},
    {"tier: low\ntier: low\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "already seen: tier"},
    {"tier: low\nretry: 3\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "Unexpected key: retry"},
    {"tier: low\nrepeat: 0\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "repeat"},
    {"tier: low\nrepeat: 5\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "repeat"},
    {"tier: low\nrecheck: 1025\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "recheck"},
    {"tier: low\nrecheck: -1\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "line 2"},
    {"tier: low\nchecks: {deepfool: {required: true}}\n", "Unexpected key: deepfool"},
    {"tier: low\nlabels: yes\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "line 2"},
    {"tier: low\nchecks: {clean-accuracy: {required: maybe, accuracy: 0.9}}\n", "line 2"},
    {"tier: low\nchecks: {clean-accuracy: {accuracy: 0.9}}\n", "required"},
    {"tier: low\nchecks: {clean-accuracy: {required: true, accuracy: 1.1}}\n", "from 0 to 1"},
    {"tier: low\nchecks: {clean-accuracy: {required: true, accuracy: nan}}\n", "from 0 to 1"},
    {"tier: low\nchecks: {clean-accuracy: {required: true, accuracy: -0.1}}\n", "from 0 to 1"},
    {"tier: low\nisolation: [none]\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "line 2"},
    {"tier: low\nminimumSamples: 0\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "minimumSamples"},
    {"tier: low\nlimits: {memoryMiB: 63}\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "memoryMiB"},
    {"tier: low\nlimits: {deadlineSeconds: 99999999999}\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n",
     "Invalid"},
    {"tier: low\nledger: {}\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "required"},
    {"tier: low\nledger: {required: true, key: a}\nchecks: {scan: {required: true}}\n", "Unexpected key: key"},
    {"tier: low\n---\ntier: low\n", "second document"},
    {"tier: &a low\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "anchor"},
    {"tier: low\nchecks: *a\n", "alias"},
    {"tier: !!str low\n", "tag"},
    {"tier: low: high\n", "line 1"},
    {"tier: \"lo\\0w\"\n", "NUL"},
    {"a: [[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]\n", "nested"},
    {"- tier\n", "MAPPING"},
};

static void test_refusals(void)
{
    struct policy policy = {.minimum_samples = 77};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct error err = {0};

        CU_ASSERT_EQUAL(parse(refused[i].yaml, &policy, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        CU_ASSERT_EQUAL(strncmp(err.text, "p.yaml: ", 8), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, refused[i].said));
        if (strstr(err.text, refused[i].said) == NULL)
            (void)fprintf(stderr, "case %zu: %s\n", i, err.text);
    }
    CU_ASSERT_EQUAL(policy.minimum_samples, 77);
}

/* A policy with FGSM whose curve and threshold are given. */
static int parse_fgsm(const char *curves, const char *thresholds, struct error *err)
{
    struct policy policy;
    char yaml[512];

    (void)snprintf(yaml, sizeof yaml,
                   "tier: low\nchecks:\n  fgsm:\n    required: true\n    curves: %s\n    thresholds: %s\n", curves,
                   thresholds);
    return parse(yaml, &policy, err);
}

static void test_curves(void)
{
    static const char right[] = "[{norm: inf, eps: [0.1, 1, 10]}]";
    static const char minimum[] = "[{norm: inf, eps: 0.1, robustAccuracy: 0.5}]";
    static const char *const curves[] = {
        "[{norm: inf, eps: [.1]}]",
        "[{norm: inf, eps: [0.10]}]",
        "[{norm: inf, eps: [00.1]}]",
        "[{norm: inf, eps: [0.1, 0.1]}]",
        "[{norm: inf, eps: [0.2, 0.1]}]",
        "[{norm: inf, eps: [0]}]",
        "[{norm: inf, eps: [0.0]}]",
        "[{norm: inf, eps: [1e-1]}]",
        "[{norm: inf, eps: [-0.1]}]",
        "[{norm: inf, eps: []}]",
        "[{norm: 0.5, eps: [0.1]}]",
        "[{norm: inf, eps: [0.1]}, {norm: inf, eps: [0.2]}]",
        "[{norm: 2.0, eps: [0.1]}]",
        "[{norm: 1025, eps: [0.1]}]",
        "[{norm: two, eps: [0.1]}]",
        "[{norm: 1., eps: [0.1]}]",
        "[{norm: 02, eps: [0.1]}]",
        "[{norm: 1.00000000001, eps: [0.1]}]",
        "[{norm: inf, minimal: true, eps: [0.1]}, {norm: inf, minimal: true, eps: [0.2]}]"};
    static const char *const thresholds[] = {"[]",
                                             "[{norm: 2, eps: 0.1, robustAccuracy: 0.5}]",
                                             "[{norm: inf, eps: 0.3, robustAccuracy: 0.5}]",
                                             "[{norm: inf, eps: 0.10, robustAccuracy: 0.5}]",
                                             "[{norm: inf, eps: 0.1, robustAccuracy: 2}]",
                                             "[{norm: inf, eps: 0.1, bound: upper, robustAccuracy: 0.5}]"};
    struct error err = {0};

    CU_ASSERT_EQUAL(parse_fgsm(right, minimum, &err), 0);
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        CU_ASSERT_EQUAL(parse_fgsm(curves[i], minimum, &err), -EBADMSG);
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++)
        CU_ASSERT_EQUAL(parse_fgsm(right, thresholds[i], &err), -EBADMSG);
}

/* A section of every check, whose numbers are all different; and what each key refuses. */
static const char all[] =
    "tier: high\n"
    "labels: true\n"
    "checks:\n"
    "  noise: {required: false, iterations: 7, curves: [{norm: inf, eps: [0.1]}]}\n"
    "  fgsm: {required: true, goal: least-likely, restarts: 3, curves: [{norm: 1.5, eps: [0.1, 0.25]},\n"
    "    {norm: 1.5, minimal: true, eps: [0.5]}]}\n"
    "  pgd: {required: true, goal: untargeted, iterations: 40, restarts: 2, step: 0.0625,\n"
    "    curves: [{norm: 2, eps: [0.1]}]}\n"
    "  square: {required: true, iterations: 200, restarts: 1, curves: [{norm: inf, eps: [0.1]}]}\n"
    "  robustness: {required: true, thresholds: [{norm: 2, eps: 0.1, bound: point, robustAccuracy: 0.4}]}\n"
    "  activation-clustering: {required: true, layer: fc2, reduction: fast-ica, components: 10, starts: 50,\n"
    "    minimumClassSize: 20, alpha: 0.01, minimumEffect: 0.1, maximumTestShare: 0.2}\n"
    "  spectral-signature: {required: false, layer: fc1, poisonedShare: 0.33, minimumClassSize: 21}\n"
    "  trigger-scan: {required: true, kept: 64, budget: 5000, patches: [0, 2, 3], stride: 2, minimumSuccess: 0.75,\n"
    "    anomaly: 3.5}\n"
    "  neural-cleanse: {required: true, kept: 65, iterations: 400, batch: 32, rate: 0.1, cost: 0.001, success: 0.9,\n"
    "    anomaly: 2}\n"
    "  strip: {required: false, kept: 66, overlays: 20, blend: 0.5, falseAlarms: 0.01}\n"
    "  weight-drift: {required: false, exact: true, minimumElements: 50, alpha: 0.05, minimumEffect: 0.15}\n";

static void test_attack_sections(void)
{
    struct policy policy;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(parse(all, &policy, &err), 0);
    CU_ASSERT_TRUE(policy.labels);
    CU_ASSERT_TRUE(policy.noise.present && !policy.noise.required);
    CU_ASSERT_EQUAL(policy.noise.iterations, 7);
    CU_ASSERT_EQUAL(policy.fgsm.goal, POLICY_GOAL_LEAST_LIKELY);
    CU_ASSERT_EQUAL(policy.fgsm.restarts, 3);
    CU_ASSERT_EQUAL(policy.fgsm.threshold_count, 0);
    CU_ASSERT_EQUAL(policy.fgsm.curve_count, 2);
    CU_ASSERT_STRING_EQUAL(policy.fgsm.curves[0].norm.text, "1.5");
    CU_ASSERT_EQUAL(policy.fgsm.curves[0].norm.value, 1.5);
    CU_ASSERT_TRUE(!policy.fgsm.curves[0].minimal && policy.fgsm.curves[1].minimal);
    CU_ASSERT_EQUAL(policy.pgd.goal, POLICY_GOAL_UNTARGETED);
    CU_ASSERT_EQUAL(policy.pgd.iterations, 40);
    CU_ASSERT_EQUAL(policy.pgd.restarts, 2);
    CU_ASSERT_EQUAL(policy.pgd.step, 0.0625);
    CU_ASSERT_EQUAL(policy.square.iterations, 200);
    CU_ASSERT_EQUAL(policy.square.restarts, 1);
    CU_ASSERT_EQUAL(policy.square.curves[0].norm.value, POLICY_NORM_INF);
    CU_ASSERT_EQUAL(policy.robustness.threshold_count, 1);
    CU_ASSERT_EQUAL(policy.robustness.thresholds[0].bound, POLICY_POINT);
    CU_ASSERT_EQUAL(policy.robustness.thresholds[0].robust_accuracy, 0.4);
}

static void test_trojan_sections(void)
{
    struct policy policy;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(parse(all, &policy, &err), 0);
    CU_ASSERT_STRING_EQUAL(policy.activation_clustering.layer, "fc2");
    CU_ASSERT_EQUAL(policy.activation_clustering.reduction, POLICY_FAST_ICA);
    CU_ASSERT_EQUAL(policy.activation_clustering.maximum_test_share, 0.2);
    CU_ASSERT_STRING_EQUAL(policy.spectral_signature.layer, "fc1");
    CU_ASSERT_EQUAL(policy.spectral_signature.poisoned_share, 0.33);
    CU_ASSERT_EQUAL(policy.spectral_signature.minimum_class_size, 21);
    CU_ASSERT_EQUAL(policy.trigger_scan.kept, 64);
    CU_ASSERT_EQUAL(policy.trigger_scan.budget, 5000);
    CU_ASSERT_EQUAL(policy.trigger_scan.patch_count, 3);
    CU_ASSERT_EQUAL(policy.trigger_scan.patches[0], 0);
    CU_ASSERT_EQUAL(policy.trigger_scan.patches[2], 3);
    CU_ASSERT_EQUAL(policy.trigger_scan.stride, 2);
    CU_ASSERT_EQUAL(policy.trigger_scan.minimum_success, 0.75);
    CU_ASSERT_EQUAL(policy.trigger_scan.anomaly, 3.5);
    CU_ASSERT_EQUAL(policy.neural_cleanse.kept, 65);
    CU_ASSERT_EQUAL(policy.neural_cleanse.iterations, 400);
    CU_ASSERT_EQUAL(policy.neural_cleanse.batch, 32);
    CU_ASSERT_EQUAL(policy.neural_cleanse.cost, 0.001);
    CU_ASSERT_EQUAL(policy.neural_cleanse.success, 0.9);
    CU_ASSERT_EQUAL(policy.strip.kept, 66);
    CU_ASSERT_EQUAL(policy.strip.overlays, 20);
    CU_ASSERT_EQUAL(policy.strip.false_alarms, 0.01);
    CU_ASSERT_TRUE(policy.weight_drift.exact);
    CU_ASSERT_EQUAL(policy.weight_drift.minimum_elements, 50);
    CU_ASSERT_EQUAL(policy.weight_drift.minimum_effect, 0.15);
}

/* `all` with one place changed is refused, and the key is named. */
static void test_section_bounds(void)
{
    static const struct {
        const char *from, *to, *said;
    } changes[] = {
        {"iterations: 7", "iterations: 0", "checks.noise.iterations"},
        {"iterations: 40", "iterations: 100001", "checks.pgd.iterations"},
        {"restarts: 3", "restarts: 1001", "checks.fgsm.restarts"},
        {"step: 0.0625", "step: 0", "checks.pgd.step"},
        {"step: 0.0625", "step: 1.5", "checks.pgd.step"},
        {", step: 0.0625", "", "step"},
        {"goal: untargeted", "goal: next", "checks.pgd.goal"},
        {"goal: least-likely", "goal: nearest", "near line"},
        {"norm: 1.5, minimal: true", "norm: 1.5", "checks.fgsm.curves: a norm named twice"},
        {"iterations: 200", "iterations: 200, goal: next", "Unexpected key: goal"},
        {"iterations: 7", "iterations: 7, restarts: 1", "Unexpected key: restarts"},
        {"{norm: 2, eps: [0.1]}", "{norm: 2, minimal: true, eps: [0.1]}", "Unexpected key: minimal"},
        {"norm: 2, eps: 0.1, bound", "norm: 2, eps: 0.2, bound", "checks.robustness.thresholds.eps"},
        {"norm: 2, eps: 0.1, bound", "norm: 1.5, eps: 0.1, bound", "curve of pgd"},
        {"norm: 2, eps: 0.1, bound", "norm: 1.5, eps: 0.5, bound", "no point"}, /* a minimal curve's */
        {"robustness: {required: true", "robustness: {required: false", "checks.robustness: required: true"},
        {"poisonedShare: 0.33", "poisonedShare: 0.6", "checks.spectral-signature.poisonedShare"},
        {"kept: 64", "kept: 0", "checks.trigger-scan.kept"},
        {"budget: 5000", "budget: 1000000001", "checks.trigger-scan.budget"},
        {"patches: [0, 2, 3]", "patches: [0, 3, 3]", "checks.trigger-scan.patches"},
        {"patches: [0, 2, 3]", "patches: []", "Insufficient entries"},
        {"stride: 2", "stride: 70000", "checks.trigger-scan.stride"},
        {"minimumSuccess: 0.75", "minimumSuccess: 0", "checks.trigger-scan.minimumSuccess"},
        {"anomaly: 3.5", "anomaly: inf", "checks.trigger-scan.anomaly"},
        {"batch: 32", "batch: 65537", "checks.neural-cleanse.batch"},
        {"rate: 0.1", "rate: 0", "checks.neural-cleanse.rate"},
        {"overlays: 20", "overlays: 0", "checks.strip.overlays"},
        {"blend: 0.5", "blend: 1.5", "checks.strip.blend"},
        {"exact: true", "exact: maybe", "near line"},
        {"minimumElements: 50", "minimumElements: 0", "checks.weight-drift.minimumElements"},
    };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *place = strstr(all, changes[i].from);
        struct error err = {0};
        struct policy policy;
        char yaml[4096];

        CU_ASSERT_PTR_NOT_NULL_FATAL(place);
        (void)snprintf(yaml, sizeof yaml, "%.*s%s%s", (int)(place - all), all, changes[i].to,
                       place + strlen(changes[i].from));
        CU_ASSERT_EQUAL(parse(yaml, &policy, &err), -EBADMSG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, changes[i].said));
        if (strstr(err.text, changes[i].said) == NULL)
            (void)fprintf(stderr, "case %zu: %s\n", i, err.text);
    }
}

/* FGSM alone passes no tier above low: such a policy can't even be read. */
static void test_tier_needs(void)
{
    static const char fgsm[] = "checks:\n  fgsm: {required: true, curves: [{norm: inf, eps: [0.1]}]}\n";
    static const char *const tiers[] = {"low", "medium", "high"};

    for (unsigned i = 0; i < 3; i++) {
        struct policy policy;
        struct error err = {0};
        char yaml[512];

        (void)snprintf(yaml, sizeof yaml, "tier: %s\n%s", tiers[i], fgsm);
        CU_ASSERT_EQUAL(parse(yaml, &policy, &err), i == 0 ? 0 : -EBADMSG);
        CU_ASSERT_TRUE(i == 0 || strstr(err.text, "checks.robustness") != NULL);
        (void)snprintf(
            yaml, sizeof yaml,
            "tier: %s\n%s  pgd: {required: true, iterations: 2, step: 0.5, curves: [{norm: inf, eps: [0.1]}]}\n"
            "  robustness: {required: true, thresholds: [{norm: inf, eps: 0.1, robustAccuracy: 0.5}]}\n",
            tiers[i], fgsm);
        CU_ASSERT_EQUAL(parse(yaml, &policy, &err), i == 0 ? 0 : -EBADMSG);
        CU_ASSERT_TRUE(i == 0 || strstr(err.text, "pgd and square") != NULL);
    }
}

static void test_size(void)
{
    CLEANUP_FREE char *large = malloc(POLICY_SIZE_MAX + 1);
    struct policy policy;

    memset(large, '#', POLICY_SIZE_MAX + 1);
    CU_ASSERT_EQUAL(policy_parse(large, POLICY_SIZE_MAX + 1, "p", &policy, NULL), -EMSGSIZE);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"shipped policies", test_shipped},
        {"defaults", test_defaults},
        {"ledger and forensics", test_ledger_and_forensics},
        {"refusals", test_refusals},
        {"key rings: read", test_keyring_reads},
        {"key rings: a node", test_keyring_node},
        {"key rings: SSH keys", test_keyring_ssh},
        {"key rings: standing", test_keyring_judges},
        {"key rings: refusals", test_keyring_refuses},
        {"key rings: many keys", test_keyring_many},
        {"key rings: bounds", test_keyring_bounds},
        {"key rings: in a policy", test_keyring_in_policy},
        {"approval: what goes without saying", test_approval_defaults},
        {"approval: the section", test_approval_section},
        {"approval: refusals", test_approval_refused},
        {"provenance: the section", test_provenance_section},
        {"provenance: refusals", test_provenance_refused},
        {"what a verdict's reasons rest on", test_verdict_bases},
        {"curves and thresholds", test_curves},
        {"sections of attacks", test_attack_sections},
        {"sections of trojan checks", test_trojan_sections},
        {"bounds of sections", test_section_bounds},
        {"what tiers need", test_tier_needs},
        {"size", test_size},
        {"verdict on the digits models", test_verdict_digits},
        {"failures reject", test_verdict_failures},
        {"gaps need review", test_verdict_gaps},
        {"conditions", test_verdict_conditions},
        {"robustness", test_verdict_robustness},
        {"masked gradients", test_verdict_masking},
        {"scan", test_verdict_file_scan},
        {"trigger-scan", test_verdict_scan},
        {"neural-cleanse", test_verdict_cleanse},
        {"reports decide nothing", test_verdict_reports},
        {"what may be skipped", test_verdict_skips},
        {"tiers", test_verdict_tiers},
        {"bad facts", test_verdict_bad_facts},
        {"status of one check", test_verdict_status},
    };

    return harness_run("host/policy", tests, HARNESS_COUNT(tests));
}
