/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of figures, as rows.h describes them. */
#include "wire/rows.h"

static const struct rows_table gradients[] = {{.naturals = GRADIENTS_NATURALS, .rows = ROWS_ONE}};
static const struct rows_table spectrum[] = {{.naturals = SPECTRUM_INDICES,
                                              .naturals_max = SPECTRUM_INDICES + ROW_INDICES_MAX,
                                              .reals = SPECTRUM_REALS,
                                              .rows = ROWS_A_CLASS}};
static const struct rows_table trigger_scan[] = {
    [ROWS_TARGETS] = {.naturals = TARGETS_NATURALS, .reals = TARGETS_REALS, .rows = ROWS_A_CLASS},
    [ROWS_USER_TRIGGERS] = {.naturals = USER_TRIGGERS_NATURALS, .rows = ROWS_A_TRIGGER},
    [ROWS_COVERAGE] = {.naturals = COVERAGE_NATURALS, .rows = ROWS_ONE},
};
static const struct rows_table masks[] = {{.naturals = MASKS_NATURALS, .reals = MASKS_REALS, .rows = ROWS_A_CLASS}};
static const struct rows_table entropy[] = {
    {.naturals = ENTROPY_NATURALS, .reals = ENTROPY_REALS, .rows = ROWS_A_TRIGGER}};
static const struct rows_table tensors[] = {
    {.named = true, .naturals = TENSORS_NATURALS, .reals = TENSORS_REALS, .rows = ROWS_ANY}};

#define TABLES(array) (*ret_tables = (array), (uint32_t)(sizeof(array) / sizeof(array)[0]))

uint32_t rows_tables(enum plan_check_id id, const struct rows_table **ret_tables)
{
    switch (id) {
    case PLAN_FGSM:
    case PLAN_PGD:
        return TABLES(gradients);
    case PLAN_SPECTRAL_SIGNATURE:
        return TABLES(spectrum);
    case PLAN_TRIGGER_SCAN:
        return TABLES(trigger_scan);
    case PLAN_NEURAL_CLEANSE:
        return TABLES(masks);
    case PLAN_STRIP:
        return TABLES(entropy);
    case PLAN_WEIGHT_DRIFT:
        return TABLES(tensors);
    default:
        return 0;
    }
}

uint64_t rows_expected(const struct rows_table *table, const struct plan *plan, uint32_t classes)
{
    switch (table->rows) {
    case ROWS_ONE:
        return 1;
    case ROWS_A_CLASS:
        return classes;
    case ROWS_A_TRIGGER:
        return plan->sets[PLAN_SET_TRIGGERS].count / 2;
    case ROWS_ANY:
        break;
    }
    return UINT64_MAX;
}
