/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about a plan that both sides need. */
#include "wire/plan.h"

const char *plan_arithmetic_name(enum plan_arithmetic arithmetic)
{
    return arithmetic == PLAN_FMA ? "fma" : "mul-add";
}

const char *plan_check_name(enum plan_check_id id)
{
    switch (id) {
    case PLAN_CLEAN_ACCURACY:
        return "clean-accuracy";
    case PLAN_FGSM:
        return "fgsm";
    case PLAN_ACTIVATION_CLUSTERING:
        return "activation-clustering";
    case PLAN_CHECK_ID_COUNT:
        break;
    }
    return "unknown";
}

const char *plan_norm_name(enum plan_norm norm)
{
    switch (norm) {
    case PLAN_NORM_INF:
        return "inf";
    case PLAN_NORM_2:
        return "2";
    case PLAN_NORM_1:
        return "1";
    case PLAN_NORM_COUNT:
        break;
    }
    return "unknown";
}

bool plan_check_reads(enum plan_check_id id, enum plan_set_id set)
{
    return set == PLAN_SET_TEST || id == PLAN_ACTIVATION_CLUSTERING;
}

uint64_t plan_sample_elements(const struct plan_contract *contract)
{
    uint64_t elements = 1;

    for (uint32_t i = 0; i < contract->rank; i++)
        elements *= contract->dims[i];
    return elements;
}

uint32_t plan_window_count(const struct plan_set *set, uint64_t first)
{
    uint64_t left = set->count - first;

    return left < set->window ? (uint32_t)left : set->window;
}
