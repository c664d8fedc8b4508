/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's parser; what it accepts is within the limits that its header promises. */
#include "host/policy/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_attack(const struct policy_attack *attack)
{
    if (attack->curve_count > POLICY_CURVES_MAX || attack->threshold_count > POLICY_THRESHOLDS_MAX ||
        (attack->present && attack->curve_count == 0))
        abort();
    for (unsigned i = 0; i < attack->curve_count; i++) {
        const struct policy_curve *curve = &attack->curves[i];

        if (curve->norm.value != POLICY_NORM_INF && (curve->norm.value < 1 || curve->norm.value > POLICY_NORM_MAX))
            abort();
        if (curve->count == 0 || curve->count > POLICY_POINTS_MAX || !(curve->eps[0].value > 0))
            abort();
        for (unsigned j = 1; j < curve->count; j++)
            if (!(curve->eps[j].value > curve->eps[j - 1].value))
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy policy;
    struct error err = {0};

    if (policy_parse(data, size, "input", &policy, &err) < 0) {
        if (err.kind == ERROR_NONE || err.text[0] == '\0')
            abort();
        return 0;
    }
    if (policy.tier >= POLICY_TIER_COUNT || policy.memory_mib < POLICY_MEMORY_MIN || policy.deadline_seconds == 0 ||
        policy.robustness.threshold_count > POLICY_THRESHOLDS_MAX ||
        policy.activation_clustering.components > POLICY_COMPONENTS_MAX ||
        policy.trigger_scan.patch_count > POLICY_PATCHES_MAX)
        abort();
    if (policy.tier != POLICY_LOW && !(policy.robustness.required && policy.pgd.present && policy.square.present))
        abort();
    if (policy.approval.required < policy_fewest_sign_offs(policy.tier) ||
        policy.approval.reviewer_count > POLICY_REVIEWERS_MAX ||
        (policy.approval.present && policy.approval.required > policy.approval.reviewer_count))
        abort();
    check_attack(&policy.noise);
    check_attack(&policy.fgsm);
    check_attack(&policy.pgd);
    check_attack(&policy.square);
    return 0;
}
