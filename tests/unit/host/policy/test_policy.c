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
    CU_ASSERT_FALSE(policy.fgsm.present);
    sha256_of(minimal, strlen(minimal), sha256);
    CU_ASSERT_EQUAL(memcmp(policy.sha256, sha256, sizeof sha256), 0);
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
    {"tier: low\nrecheck: 3\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n", "Unexpected key: recheck"},
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
        {"refusals", test_refusals},
        {"curves and thresholds", test_curves},
        {"size", test_size},
        {"verdict on the digits models", test_verdict_digits},
        {"failures reject", test_verdict_failures},
        {"gaps need review", test_verdict_gaps},
        {"conditions", test_verdict_conditions},
        {"tiers", test_verdict_tiers},
        {"bad facts", test_verdict_bad_facts},
        {"status of one check", test_verdict_status},
    };

    return harness_run("host/policy", tests, HARNESS_COUNT(tests));
}
