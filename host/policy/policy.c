/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a policy: the schema's document, then what a schema can't say. */
#include "host/policy/policy.h"

#include "base/file.h"
#include "host/json/decimal.h"
#include "host/policy/schema.h"
#include "host/yaml/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where the file does not say. */
#define DEFAULT_MINIMUM_SAMPLES  100u
#define DEFAULT_DEADLINE_SECONDS 3600u
#define DEFAULT_MEMORY_MIB       512u
#define DEFAULT_MODEL_MIB        1024u
#define BYTES_PER_MIB            (UINT64_C(1024) * 1024)

const char *const policy_tier_names[POLICY_TIER_COUNT + 1] = {"low", "medium", "high", NULL};
const char *const policy_arithmetic_names[POLICY_ARITHMETIC_COUNT + 1] = {"mul-add", "fma", NULL};
const char *const policy_norm_names[POLICY_NORM_COUNT + 1] = {"inf", "2", "1", NULL};

static int refuse(struct error *err, const char *key, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", key, what);
}

static int take_number(const char *key, unsigned value, unsigned min, unsigned max, unsigned *ret, struct error *err)
{
    if (value < min || value > max)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: from %u to %u expected, not %u", key, min, max, value);
    *ret = value;
    return 0;
}

static int take_optional_number(const char *key, const unsigned *value, unsigned min, unsigned max, unsigned *ret,
                                struct error *err)
{
    return value != NULL ? take_number(key, *value, min, max, ret, err) : 0;
}

/* A plain decimal between 0 and 1. */
static int take_share(const char *key, const char *text, double *ret, struct error *err)
{
    double value;

    if (json_decimal_parse(text, &value) < 0 || value < 0 || value > 1)
        return refuse(err, key, "a decimal from 0 to 1 expected, for instance 0.95");
    *ret = value;
    return 0;
}

/* --- fgsm ---------------------------------------------------------------------------------------- */

/* One eps has one spelling, as the spelling names the point in evaluation.json: 0.1, never .1 or 0.10. */
static int check_eps(const char *text, double *ret_value, struct error *err)
{
    size_t length = strlen(text);

    if (strspn(text, "0123456789.") != length || json_decimal_parse(text, ret_value) < 0 || !(*ret_value > 0))
        return refuse(err, "checks.fgsm.curves.eps", "a decimal above 0 expected, for instance 0.03");
    if ((text[0] == '0' && text[1] != '.') || (strchr(text, '.') != NULL && text[length - 1] == '0'))
        return refuse(err, "checks.fgsm.curves.eps", "a decimal without superfluous zeros expected, for instance 0.1");
    return 0;
}

static int take_curve(const struct document_curve *from, struct policy_curve *curve, struct error *err)
{
    if (curve->count > 0)
        return refuse(err, "checks.fgsm.curves", "a norm named twice");
    for (unsigned i = 0; i < from->eps_count; i++) {
        int r = check_eps(from->eps[i], &curve->eps_value[i], err);

        if (r < 0)
            return r;
        if (i > 0 && !(curve->eps_value[i] > curve->eps_value[i - 1]))
            return refuse(err, "checks.fgsm.curves.eps", "rising values expected");
        (void)snprintf(curve->eps[i], POLICY_EPS_SIZE, "%s", from->eps[i]);
    }
    curve->count = from->eps_count;
    return 0;
}

static bool has_point(const struct policy_curve *curve, const char *eps)
{
    for (unsigned i = 0; i < curve->count; i++)
        if (strcmp(curve->eps[i], eps) == 0)
            return true;
    return false;
}

static int take_threshold(const struct document_threshold *from, struct policy_fgsm *fgsm, struct error *err)
{
    struct policy_robust_minimum *to = &fgsm->thresholds[fgsm->threshold_count];

    if (!has_point(&fgsm->curves[from->norm], from->eps))
        return refuse(err, "checks.fgsm.thresholds.eps", "names no point of its norm's curve, in the same spelling");
    to->norm = from->norm;
    to->bound = from->bound;
    (void)snprintf(to->eps, sizeof to->eps, "%s", from->eps);
    fgsm->threshold_count++;
    return take_share("checks.fgsm.thresholds.robustAccuracy", from->robust_accuracy, &to->robust_accuracy, err);
}

static int take_fgsm(const struct document_fgsm *from, struct policy_fgsm *fgsm, struct error *err)
{
    int r = 0;

    if (from == NULL)
        return 0;
    fgsm->present = true;
    fgsm->required = from->required;
    for (unsigned i = 0; r == 0 && i < from->curve_count; i++)
        r = take_curve(&from->curves[i], &fgsm->curves[from->curves[i].norm], err);
    for (unsigned i = 0; r == 0 && i < from->threshold_count; i++)
        r = take_threshold(&from->thresholds[i], fgsm, err);
    return r;
}

/* --- the other checks ------------------------------------------------------------------------------ */

static int take_clean_accuracy(const struct document_clean_accuracy *from, struct policy_clean_accuracy *to,
                               struct error *err)
{
    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
    to->bound = from->bound;
    return take_share("checks.clean-accuracy.accuracy", from->accuracy, &to->accuracy, err);
}

static int take_clustering(const struct document_clustering *from, struct policy_activation_clustering *to,
                           struct error *err)
{
    int r;

    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
    if (from->layer != NULL)
        (void)snprintf(to->layer, sizeof to->layer, "%s", from->layer);
    for (const char *c = to->layer; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            return refuse(err, "checks.activation-clustering.layer", "printable ASCII expected");
    r = take_number("checks.activation-clustering.components", from->components, 1, POLICY_COMPONENTS_MAX,
                    &to->components, err);
    if (r == 0)
        r = take_number("checks.activation-clustering.starts", from->starts, 1, POLICY_STARTS_MAX, &to->starts, err);
    if (r == 0)
        r = take_number("checks.activation-clustering.minimumClassSize", from->minimum_class_size, 2,
                        POLICY_SAMPLES_MAX, &to->minimum_class_size, err);
    if (r == 0)
        r = take_share("checks.activation-clustering.alpha", from->alpha, &to->alpha, err);
    if (r == 0)
        r = take_share("checks.activation-clustering.minimumEffect", from->minimum_effect, &to->minimum_effect, err);
    if (r == 0)
        r = take_share("checks.activation-clustering.maximumTestShare", from->maximum_test_share,
                       &to->maximum_test_share, err);
    return r;
}

static int take_checks(const struct document_checks *from, struct policy *policy, struct error *err)
{
    int r;

    if (from->clean_accuracy == NULL && from->fgsm == NULL && from->activation_clustering == NULL)
        return refuse(err, "checks", "at least one expected");
    r = take_clean_accuracy(from->clean_accuracy, &policy->clean_accuracy, err);
    if (r == 0)
        r = take_fgsm(from->fgsm, &policy->fgsm, err);
    return r == 0 ? take_clustering(from->activation_clustering, &policy->activation_clustering, err) : r;
}

/* --- the whole ------------------------------------------------------------------------------------- */

static int take_limits(const struct document *document, struct policy *policy, struct error *err)
{
    const struct document_limits none = {0};
    const struct document_limits *limits = document->limits != NULL ? document->limits : &none;
    unsigned model_mib = DEFAULT_MODEL_MIB;
    int r;

    policy->minimum_samples = DEFAULT_MINIMUM_SAMPLES;
    policy->deadline_seconds = DEFAULT_DEADLINE_SECONDS;
    policy->memory_mib = DEFAULT_MEMORY_MIB;
    r = take_optional_number("minimumSamples", document->minimum_samples, 1, POLICY_SAMPLES_MAX,
                             &policy->minimum_samples, err);
    if (r == 0)
        r = take_optional_number("limits.deadlineSeconds", limits->deadline_seconds, 1, POLICY_DEADLINE_MAX,
                                 &policy->deadline_seconds, err);
    if (r == 0)
        r = take_optional_number("limits.memoryMiB", limits->memory_mib, POLICY_MEMORY_MIN, POLICY_MEMORY_MAX,
                                 &policy->memory_mib, err);
    if (r == 0)
        r = take_optional_number("limits.modelMiB", limits->model_mib, 1, POLICY_MODEL_MAX, &model_mib, err);
    policy->model_bytes_max = model_mib * BYTES_PER_MIB;
    return r;
}

static int take_document(const struct document *document, struct policy *policy, struct error *err)
{
    int r = take_limits(document, policy, err);

    if (r < 0)
        return r;
    policy->tier = document->tier;
    policy->arithmetic = document->arithmetic;
    policy->isolation = document->isolation != 0 ? document->isolation : POLICY_ALLOW_MICROVM;
    policy->acceleration = document->acceleration != 0 ? document->acceleration : POLICY_ALLOW_KVM | POLICY_ALLOW_TCG;
    policy->report_samples = document->report != NULL && document->report->samples;
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
    *ret_policy = *policy;
    return 0;
}

int policy_load(const char *path, struct policy *ret_policy, struct error *err)
{
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(POLICY_SIZE_MAX);
    int r = file_read_bounded(path, &yaml, err);

    return r < 0 ? r : policy_parse(yaml.data, yaml.size, path, ret_policy, err);
}
