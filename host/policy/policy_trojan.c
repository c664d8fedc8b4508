/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's checks for backdoors, and the drift of weights. */
#include "host/policy/take.h"

#define KEY(check, name) "checks." check "." name

static int take_clustering(const struct document_clustering *from, struct policy_activation_clustering *to,
                           struct error *err)
{
    int r;

    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
    to->reduction = from->reduction;
#define CLUSTERING(name) KEY("activation-clustering", name)
    const struct take_number numbers[] = {
        {CLUSTERING("components"), from->components, 1, POLICY_COMPONENTS_MAX, &to->components},
        {CLUSTERING("starts"), from->starts, 1, POLICY_STARTS_MAX, &to->starts},
        {CLUSTERING("minimumClassSize"), from->minimum_class_size, 2, POLICY_SAMPLES_MAX, &to->minimum_class_size},
    };
    const struct take_decimal decimals[] = {
        {CLUSTERING("alpha"), from->alpha, 0, 1, false, &to->alpha},
        {CLUSTERING("minimumEffect"), from->minimum_effect, 0, 1, false, &to->minimum_effect},
        {CLUSTERING("maximumTestShare"), from->maximum_test_share, 0, 1, false, &to->maximum_test_share},
    };
    r = take_layer(CLUSTERING("layer"), from->layer, to->layer, err);
    if (r == 0)
        r = take_numbers(numbers, TAKE_COUNT(numbers), err);
    return r == 0 ? take_decimals(decimals, TAKE_COUNT(decimals), err) : r;
}

static int take_spectral(const struct document_spectral *from, struct policy_spectral_signature *to, struct error *err)
{
    int r;

    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
#define SPECTRAL(name) KEY("spectral-signature", name)
    const struct take_number size = {SPECTRAL("minimumClassSize"), from->minimum_class_size, 2, POLICY_SAMPLES_MAX,
                                     &to->minimum_class_size};
    const struct take_decimal share = {SPECTRAL("poisonedShare"), from->poisoned_share, 0, 0.5, true,
                                       &to->poisoned_share};
    r = take_layer(SPECTRAL("layer"), from->layer, to->layer, err);
    if (r == 0)
        r = take_numbers(&size, 1, err);
    return r == 0 ? take_decimals(&share, 1, err) : r;
}

static int take_scan(const struct document_scan *from, struct policy_trigger_scan *to, struct error *err)
{
    int r;

    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
    to->patch_count = from->patch_count;
#define SCAN(name) KEY("trigger-scan", name)
    const struct take_number numbers[] = {
        {SCAN("kept"), from->kept, 1, POLICY_KEPT_MAX, &to->kept},
        {SCAN("budget"), from->budget, 0, POLICY_BUDGET_MAX, &to->budget},
        {SCAN("stride"), from->stride != NULL ? *from->stride : 0, 0, POLICY_PATCH_MAX, &to->stride},
    };
    const struct take_decimal decimals[] = {
        {SCAN("minimumSuccess"), from->minimum_success, 0, 1, true, &to->minimum_success},
        {SCAN("anomaly"), from->anomaly, 0, POLICY_ANOMALY_MAX, true, &to->anomaly},
    };
    r = take_numbers(numbers, TAKE_COUNT(numbers), err);
    for (unsigned i = 0; r == 0 && i < from->patch_count; i++) {
        const struct take_number patch = {SCAN("patches"), from->patches[i], 0, POLICY_PATCH_MAX, &to->patches[i]};

        r = take_numbers(&patch, 1, err);
        if (r == 0 && i > 0 && to->patches[i] <= to->patches[i - 1])
            r = take_refuse(err, SCAN("patches"), "rising sides expected");
    }
    return r == 0 ? take_decimals(decimals, TAKE_COUNT(decimals), err) : r;
}

static int take_cleanse(const struct document_cleanse *from, struct policy_neural_cleanse *to, struct error *err)
{
    int r;

    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
#define CLEANSE(name) KEY("neural-cleanse", name)
    const struct take_number numbers[] = {
        {CLEANSE("kept"), from->kept, 1, POLICY_KEPT_MAX, &to->kept},
        {CLEANSE("iterations"), from->iterations, 1, POLICY_ITERATIONS_MAX, &to->iterations},
        {CLEANSE("batch"), from->batch, 1, POLICY_KEPT_MAX, &to->batch},
    };
    const struct take_decimal decimals[] = {
        {CLEANSE("rate"), from->rate, 0, 1, true, &to->rate},
        {CLEANSE("cost"), from->cost, 0, POLICY_COST_MAX, false, &to->cost},
        {CLEANSE("success"), from->success, 0, 1, true, &to->success},
        {CLEANSE("anomaly"), from->anomaly, 0, POLICY_ANOMALY_MAX, true, &to->anomaly},
    };
    r = take_numbers(numbers, TAKE_COUNT(numbers), err);
    return r == 0 ? take_decimals(decimals, TAKE_COUNT(decimals), err) : r;
}

static int take_strip(const struct document_strip *from, struct policy_strip *to, struct error *err)
{
    int r;

    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
#define STRIP(name) KEY("strip", name)
    const struct take_number numbers[] = {
        {STRIP("kept"), from->kept, 1, POLICY_KEPT_MAX, &to->kept},
        {STRIP("overlays"), from->overlays, 1, POLICY_KEPT_MAX, &to->overlays},
    };
    const struct take_decimal decimals[] = {
        {STRIP("blend"), from->blend, 0, 1, true, &to->blend},
        {STRIP("falseAlarms"), from->false_alarms, 0, 1, true, &to->false_alarms},
    };
    r = take_numbers(numbers, TAKE_COUNT(numbers), err);
    return r == 0 ? take_decimals(decimals, TAKE_COUNT(decimals), err) : r;
}

static int take_drift(const struct document_drift *from, struct policy_weight_drift *to, struct error *err)
{
    int r;

    if (from == NULL)
        return 0;
    to->present = true;
    to->required = from->required;
    to->exact = from->exact;
#define DRIFT(name) KEY("weight-drift", name)
    const struct take_number elements = {DRIFT("minimumElements"), from->minimum_elements, 1, POLICY_SAMPLES_MAX,
                                         &to->minimum_elements};
    const struct take_decimal decimals[] = {
        {DRIFT("alpha"), from->alpha, 0, 1, false, &to->alpha},
        {DRIFT("minimumEffect"), from->minimum_effect, 0, 1, false, &to->minimum_effect},
    };
    r = take_numbers(&elements, 1, err);
    return r == 0 ? take_decimals(decimals, TAKE_COUNT(decimals), err) : r;
}

int take_trojan_checks(const struct document_checks *from, struct policy *policy, struct error *err)
{
    int r = take_clustering(from->activation_clustering, &policy->activation_clustering, err);

    if (r == 0)
        r = take_spectral(from->spectral_signature, &policy->spectral_signature, err);
    if (r == 0)
        r = take_scan(from->trigger_scan, &policy->trigger_scan, err);
    if (r == 0)
        r = take_cleanse(from->neural_cleanse, &policy->neural_cleanse, err);
    if (r == 0)
        r = take_strip(from->strip, &policy->strip, err);
    return r == 0 ? take_drift(from->weight_drift, &policy->weight_drift, err) : r;
}
