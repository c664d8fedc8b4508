/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on foreign facts: an evaluation.json that an auditor was handed. */
#include "host/json/reader.h"
#include "host/policy/verdict.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The policy that asks for most. */
static const char yaml[] =
    "tier: low\nminimumSamples: 1\nchecks:\n"
    "  clean-accuracy: {required: true, accuracy: 0.5}\n"
    "  noise: {required: true, iterations: 1, curves: [{norm: inf, eps: [0.1]}]}\n"
    "  fgsm: {required: true, curves: [{norm: inf, eps: [0.1, 0.2]}],\n"
    "    thresholds: [{norm: inf, eps: 0.1, robustAccuracy: 0.5}]}\n"
    "  pgd: {required: true, iterations: 1, step: 0.5, curves: [{norm: inf, eps: [0.1]}]}\n"
    "  square: {required: true, iterations: 1, curves: [{norm: inf, eps: [0.1]}]}\n"
    "  robustness: {required: true, thresholds: [{norm: inf, eps: 0.1, robustAccuracy: 0.5}]}\n"
    "  activation-clustering: {required: true, components: 10, starts: 10, minimumClassSize: 2, alpha: 0.01,\n"
    "    minimumEffect: 0.1, maximumTestShare: 0.1}\n"
    "  spectral-signature: {required: true, poisonedShare: 0.33, minimumClassSize: 2}\n"
    "  trigger-scan: {required: true, kept: 64, patches: [2], minimumSuccess: 0.75, anomaly: 3}\n"
    "  neural-cleanse: {required: true, kept: 64, iterations: 10, batch: 32, rate: 0.1, cost: 0.001, success: 0.9,\n"
    "    anomaly: 2}\n"
    "  strip: {required: true, kept: 10, overlays: 5, blend: 0.5, falseAlarms: 0.01}\n"
    "  weight-drift: {required: true, minimumElements: 50, alpha: 0.05, minimumEffect: 0.1}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_VERDICT struct verdict verdict = {0};
    CLEANUP_JSON json_t *evaluation = NULL;
    static struct policy policy;
    struct error err = {0};

    if (policy_parse(yaml, sizeof yaml - 1, "policy", &policy, &err) < 0)
        abort();
    if (json_read(data, size, (size_t)1 << 20, "input", &evaluation, &err) < 0 ||
        verdict_decide(&policy, evaluation, STATEMENT_MICROVM, STATEMENT_KVM, &verdict, &err) < 0)
        return 0;
    if (verdict.outcome != OUTCOME_PASSED && verdict.reason_count == 0)
        abort();
    return 0;
}
