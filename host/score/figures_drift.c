/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison of weights with a reference model's as JSON. */
#include "host/json/decimal.h"
#include "host/score/figures.h"
#include "wire/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DISTANCE_UNKNOWN (-1.0)

static const char *const outcomes[TENSOR_OUTCOME_COUNT] = {
    [TENSOR_COMPARED] = "compared",           [TENSOR_TOO_SMALL] = "too-small",
    [TENSOR_ONLY_IN_MODEL] = "only-in-model", [TENSOR_ONLY_IN_REFERENCE] = "only-in-reference",
    [TENSOR_NOT_FINITE] = "not-finite",
};

static bool is_share(double value)
{
    return value >= 0.0 && value <= 1.0;
}

static int check_tensor(const struct score_row *row, struct error *err)
{
    const double *reals = row->reals;

    if (row->name == NULL || strnlen(row->name, EVALUATION_TEXT_MAX) == EVALUATION_TEXT_MAX)
        return figures_refuse(err, "the guest's name of a tensor is too long");
    if (row->naturals[TENSORS_OUTCOME] >= TENSOR_OUTCOME_COUNT || row->naturals[TENSORS_EXACT] > 1)
        return figures_refuse(err, "tensor %s: the guest's outcome or method is unknown", row->name);
    if (row->naturals[TENSORS_OUTCOME] != TENSOR_COMPARED)
        return 0;
    if (row->naturals[TENSORS_ELEMENTS] == 0 || row->naturals[TENSORS_REFERENCE_ELEMENTS] == 0)
        return figures_refuse(err, "tensor %s: the guest compares it without elements", row->name);
    if (!is_share(reals[TENSORS_D]) || !is_share(reals[TENSORS_P]))
        return figures_refuse(err, "tensor %s: the guest's D or p is outside [0, 1]", row->name);
    if (!(reals[TENSORS_DEVIATION] >= 0.0 && reals[TENSORS_REFERENCE_DEVIATION] >= 0.0))
        return figures_refuse(err, "tensor %s: the guest's deviation is negative", row->name);
    if (reals[TENSORS_DISTANCE] != DISTANCE_UNKNOWN &&
        !(reals[TENSORS_DISTANCE] >= 0.0 && reals[TENSORS_DISTANCE] < JSON_DECIMAL_MAX))
        return figures_refuse(err, "tensor %s: the guest's distance is none", row->name);
    return 0;
}

static void set_comparison(json_t *json, const struct score_row *row, const struct drift_tensor *tensor, int *failures)
{
    const double *reals = row->reals;
    double distance = reals[TENSORS_DISTANCE];

    figures_set(json, "method", json_string(row->naturals[TENSORS_EXACT] ? "exact" : "asymptotic"), failures);
    figures_set(json, "d", json_new_fixed(tensor->d), failures);
    figures_set(json, "p", json_new_scientific(tensor->p), failures);
    figures_set(json, "pHolm", json_new_scientific(tensor->p_holm), failures);
    figures_set(json, "mean", json_new_scientific(reals[TENSORS_MEAN]), failures);
    figures_set(json, "deviation", json_new_scientific(reals[TENSORS_DEVIATION]), failures);
    figures_set(json, "referenceMean", json_new_scientific(reals[TENSORS_REFERENCE_MEAN]), failures);
    figures_set(json, "referenceDeviation", json_new_scientific(reals[TENSORS_REFERENCE_DEVIATION]), failures);
    figures_set(json, "distance", distance == DISTANCE_UNKNOWN ? json_null() : json_new_fixed(distance), failures);
    figures_set(json, "drifted", json_boolean(tensor->drifted), failures);
}

static json_t *new_layer(const struct score_row *row, const struct drift_tensor *tensor)
{
    json_t *json = json_object();
    int failures = json == NULL;

    figures_set(json, "name", json_string(row->name), &failures);
    figures_set(json, "outcome", json_string(outcomes[row->naturals[TENSORS_OUTCOME]]), &failures);
    figures_set(json, "elements", figures_new_count(row->naturals[TENSORS_ELEMENTS]), &failures);
    figures_set(json, "referenceElements", figures_new_count(row->naturals[TENSORS_REFERENCE_ELEMENTS]), &failures);
    if (tensor->compared)
        set_comparison(json, row, tensor, &failures);
    return figures_finish(json, failures);
}

int figures_add_drift(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                      struct error *err)
{
    const struct score_table *table = &check->tables[ROWS_TENSORS];
    CLEANUP_FREE struct drift_tensor *tensors = calloc(table->count + 1, sizeof *tensors);
    json_t *layers = json_array();
    int failures = 0, r = 0;

    (void)input;
    figures_set(check_json, "layers", layers, &failures);
    if (tensors == NULL || failures > 0)
        return figures_no_memory(err);
    for (size_t i = 0; r == 0 && i < table->count; i++) {
        const struct score_row *row = &table->rows[i];

        r = check_tensor(row, err);
        tensors[i] = (struct drift_tensor){.compared = row->naturals[TENSORS_OUTCOME] == TENSOR_COMPARED,
                                           .d = row->reals[TENSORS_D],
                                           .p = row->reals[TENSORS_P]};
    }
    if (r < 0)
        return r;
    r = drift_decide(&check->drift, tensors, table->count);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the tensors can't be decided: %s", strerror(-r));
    for (size_t i = 0; failures == 0 && i < table->count; i++)
        figures_append(layers, new_layer(&table->rows[i], &tensors[i]), &failures);
    return failures > 0 ? figures_no_memory(err) : 0;
}
