/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a policy: the schema's document, then what a schema can't say. */
#include "host/policy/policy.h"

#include "base/file.h"
#include "host/policy/take.h"
#include "host/yaml/load.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Where the file does not say. */
#define DEFAULT_MINIMUM_SAMPLES  100u
#define DEFAULT_DEADLINE_SECONDS 3600u
#define DEFAULT_MEMORY_MIB       512u
#define DEFAULT_MODEL_MIB        1024u
#define BYTES_PER_MIB            (UINT64_C(1024) * 1024)

const char *const policy_tier_names[POLICY_TIER_COUNT + 1] = {"low", "medium", "high", NULL};
const char *const policy_arithmetic_names[POLICY_ARITHMETIC_COUNT + 1] = {"mul-add", "fma", NULL};
const char *const policy_goal_names[POLICY_GOAL_COUNT + 1] = {"untargeted", "next", "least-likely", "random", NULL};
const char *const policy_reduction_names[POLICY_REDUCTION_COUNT + 1] = {"pca", "fast-ica", NULL};

/* --- the checks ------------------------------------------------------------------------------------ */

static int take_clean_accuracy(const struct document_clean_accuracy *from, struct policy_clean_accuracy *to,
                               struct error *err)
{
    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
    to->bound = from->bound;
    const struct take_decimal accuracy = {"checks.clean-accuracy.accuracy", from->accuracy, 0, 1, false, &to->accuracy};
    return take_decimals(&accuracy, 1, err);
}

static bool is_empty(const struct document_checks *checks)
{
    const struct document_checks none = {0};

    return memcmp(checks, &none, sizeof none) == 0;
}

/* DESIGN, section 8: FGSM alone passes no tier above low. */
static int check_tier(const struct policy *policy, struct error *err)
{
    if (policy->tier == POLICY_LOW)
        return 0;
    if (!policy->robustness.required)
        return take_refuse(err, "checks.robustness", "required: true expected; tiers above low can't do without it");
    if (!policy->pgd.present || !policy->square.present)
        return take_refuse(err, "checks", "pgd and square expected; tiers above low measure robustness by both");
    if (policy->pgd.goal != POLICY_GOAL_UNTARGETED)
        return take_refuse(err, "checks.pgd.goal", "untargeted expected; towards a target is easier to withstand");
    return 0;
}

static int take_checks(const struct document_checks *from, struct policy *policy, struct error *err)
{
    int r;

    if (is_empty(from))
        return take_refuse(err, "checks", "at least one expected");
    if (from->file_scan != NULL)
        policy->scan = (struct policy_scan){.present = true, .required = from->file_scan->required};
    r = take_clean_accuracy(from->clean_accuracy, &policy->clean_accuracy, err);
    if (r == 0)
        r = take_attacks(from, policy, err);
    if (r == 0)
        r = take_trojan_checks(from, policy, err);
    return r == 0 ? check_tier(policy, err) : r;
}

/* --- the whole ------------------------------------------------------------------------------------- */

static unsigned value_or(const unsigned *value, unsigned without)
{
    return value != NULL ? *value : without;
}

static int take_limits(const struct document *document, struct policy *policy, struct error *err)
{
    const struct document_limits none = {0};
    const struct document_limits *limits = document->limits != NULL ? document->limits : &none;
    unsigned model_mib = 0;
    const struct take_number numbers[] = {
        {"minimumSamples", value_or(document->minimum_samples, DEFAULT_MINIMUM_SAMPLES), 1, POLICY_SAMPLES_MAX,
         &policy->minimum_samples},
        {"limits.deadlineSeconds", value_or(limits->deadline_seconds, DEFAULT_DEADLINE_SECONDS), 1, POLICY_DEADLINE_MAX,
         &policy->deadline_seconds},
        {"limits.memoryMiB", value_or(limits->memory_mib, DEFAULT_MEMORY_MIB), POLICY_MEMORY_MIN, POLICY_MEMORY_MAX,
         &policy->memory_mib},
        {"limits.modelMiB", value_or(limits->model_mib, DEFAULT_MODEL_MIB), 1, POLICY_MODEL_MAX, &model_mib},
        {"repeat", value_or(document->repeat, 1), 1, POLICY_REPEAT_MAX, &policy->repeat},
        {"recheck", value_or(document->recheck, 0), 0, POLICY_RECHECK_MAX, &policy->recheck},
    };
    int r = take_numbers(numbers, TAKE_COUNT(numbers), err);

    policy->cgroup_required = limits->cgroup;
    policy->model_bytes_max = model_mib * BYTES_PER_MIB;
    return r;
}

static int take_document(const struct document *document, struct policy *policy, struct error *err)
{
    int r = take_limits(document, policy, err);

    if (r < 0)
        return r;
    if (document->forensics != NULL) {
        const struct take_number scratch = {"forensics.scratchMiB", document->forensics->scratch_mib,
                                            POLICY_SCRATCH_MIN, POLICY_SCRATCH_MAX, &policy->scratch_mib};

        r = take_numbers(&scratch, 1, err);
        if (r < 0)
            return r;
    }
    policy->tier = document->tier;
    policy->arithmetic = document->arithmetic;
    policy->isolation = document->isolation != 0 ? document->isolation : POLICY_ALLOW_MICROVM;
    policy->acceleration = document->acceleration != 0 ? document->acceleration : POLICY_ALLOW_KVM | POLICY_ALLOW_TCG;
    policy->labels = document->labels;
    policy->ledger_required = document->ledger != NULL && document->ledger->required;
    policy->report_samples = document->report != NULL && document->report->samples;
    r = take_keys(&document->keyring, &policy->keyring, err);
    if (r == 0)
        r = take_provenance(document->provenance, &policy->provenance, err);
    if (r == 0)
        r = take_approval(document->approval, policy, err);
    if (r < 0)
        return r;
    return take_checks(&document->checks, policy, err);
}

int policy_parse(const void *yaml, size_t size, const char *name, struct policy *ret_policy, struct error *err)
{
    CLEANUP_FREE struct policy *policy = calloc(1, sizeof *policy);
    cyaml_data_t *document = NULL;
    int r;

    if (size > POLICY_SIZE_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "%s: larger than %zu bytes", name, POLICY_SIZE_MAX);
    if (policy == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to read it", name);
    r = strict_yaml_load(yaml, size, name, &policy_schema, &document, err);
    if (r < 0)
        return r;
    r = take_document(document, policy, err);
    strict_yaml_free(&policy_schema, document);
    if (r < 0) {
        (void)error_prefix(err, "%s", name);
        return r;
    }
    sha256_of(yaml, size, policy->sha256);
    memcpy(ret_policy, policy, offsetof(struct policy, keyring));
    keyring_copy(&policy->keyring, &ret_policy->keyring);
    return 0;
}

int policy_load(const char *path, struct policy *ret_policy, struct error *err)
{
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(POLICY_SIZE_MAX);
    int r = file_read_bounded(path, &yaml, err);

    return r < 0 ? r : policy_parse(yaml.data, yaml.size, path, ret_policy, err);
}
