/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's parser; what it accepts is within the limits that its header promises. */
#include "host/policy/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
        policy.fgsm.threshold_count > POLICY_THRESHOLDS_MAX ||
        policy.activation_clustering.components > POLICY_COMPONENTS_MAX)
        abort();
    for (unsigned norm = 0; norm < POLICY_NORM_COUNT; norm++)
        for (unsigned i = 0; i < policy.fgsm.curves[norm].count; i++)
            if (!(policy.fgsm.curves[norm].eps_value[i] > 0))
                abort();
    return 0;
}
