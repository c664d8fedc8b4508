/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about a plan that both sides need. */
#include "wire/plan.h"

#include <stdio.h>

const char *plan_arithmetic_name(enum plan_arithmetic arithmetic)
{
    return arithmetic == PLAN_FMA ? "fma" : "mul-add";
}

const char *plan_check_name(enum plan_check_id id)
{
    static const char *const names[PLAN_CHECK_ID_COUNT] = {
        [PLAN_SCAN] = "scan",
        [PLAN_CLEAN_ACCURACY] = "clean-accuracy",
        [PLAN_NOISE] = "noise",
        [PLAN_FGSM] = "fgsm",
        [PLAN_PGD] = "pgd",
        [PLAN_SQUARE] = "square",
        [PLAN_ACTIVATION_CLUSTERING] = "activation-clustering",
        [PLAN_SPECTRAL_SIGNATURE] = "spectral-signature",
        [PLAN_TRIGGER_SCAN] = "trigger-scan",
        [PLAN_NEURAL_CLEANSE] = "neural-cleanse",
        [PLAN_STRIP] = "strip",
        [PLAN_WEIGHT_DRIFT] = "weight-drift",
    };

    return id < PLAN_CHECK_ID_COUNT ? names[id] : "unknown";
}

const char *plan_norm_text(double norm, char ret_text[PLAN_NORM_TEXT_SIZE])
{
    if (norm == PLAN_NORM_INF)
        (void)snprintf(ret_text, PLAN_NORM_TEXT_SIZE, "inf");
    else
        (void)snprintf(ret_text, PLAN_NORM_TEXT_SIZE, "%.12g", norm);
    return ret_text;
}

bool plan_check_is_attack(enum plan_check_id id)
{
    return id == PLAN_NOISE || id == PLAN_FGSM || id == PLAN_PGD || id == PLAN_SQUARE;
}

const char *plan_check_layer(const struct plan_check *check)
{
    if (check->id == PLAN_ACTIVATION_CLUSTERING)
        return check->clustering.layer;
    return check->id == PLAN_SPECTRAL_SIGNATURE ? check->spectral.layer : "";
}

bool plan_check_reads(const struct plan *plan, enum plan_check_id id, enum plan_set_id set)
{
    switch (set) {
    case PLAN_SET_FEATURES:
        return plan->sets[set].present && plan_check_is_attack(id);
    case PLAN_SET_TRIGGERS:
        return plan->sets[set].present && (id == PLAN_TRIGGER_SCAN || id == PLAN_STRIP);
    case PLAN_SET_TRAIN:
        return id == PLAN_ACTIVATION_CLUSTERING || id == PLAN_SPECTRAL_SIGNATURE;
    case PLAN_SET_TEST:
        return id != PLAN_SCAN && id != PLAN_SPECTRAL_SIGNATURE && id != PLAN_WEIGHT_DRIFT;
    case PLAN_SET_COUNT:
        break;
    }
    return false;
}

uint64_t plan_sample_elements(const struct plan_contract *contract)
{
    uint64_t elements = 1;

    for (uint32_t i = 0; i < contract->rank; i++)
        elements *= contract->dims[i];
    return elements;
}

uint64_t plan_sample_place(const struct plan *plan, uint64_t sample)
{
    return sample < plan->place_count ? plan->places[sample] : sample;
}

uint32_t plan_window_count(const struct plan_set *set, uint64_t first)
{
    uint64_t left = set->count - first;

    return left < set->window ? (uint32_t)left : set->window;
}
