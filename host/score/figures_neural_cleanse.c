/* SPDX-License-Identifier: Apache-2.0 */
/* Reverse-engineered triggers as JSON: whose mask is suspiciously small. */
#include "host/json/decimal.h"
#include "host/score/figures.h"
#include "wire/rows.h"

#include <errno.h>
#include <inttypes.h>

static struct figures_box box_of(const struct score_row *row)
{
    return (struct figures_box){row->naturals[MASKS_ROW], row->naturals[MASKS_COL], row->naturals[MASKS_HEIGHT],
                                row->naturals[MASKS_WIDTH]};
}

static int check_mask(const struct evaluation_input *input, const struct score_row *row, uint64_t label,
                      struct error *err)
{
    const uint64_t *naturals = row->naturals;
    const struct figures_box box = box_of(row);

    if (naturals[MASKS_TARGET] != label)
        return figures_refuse(err, "class %" PRIu64 ": the guest's classes are not one after the other", label);
    if (naturals[MASKS_FLIPPED] > naturals[MASKS_ELIGIBLE] || naturals[MASKS_ELIGIBLE] > input->test_count)
        return figures_refuse(
            err, "class %" PRIu64 ": the guest's trigger turns %" PRIu64 " of %" PRIu64 " inputs, of %zu test samples",
            label, naturals[MASKS_FLIPPED], naturals[MASKS_ELIGIBLE], input->test_count);
    if (!(row->reals[MASKS_L1] >= 0.0 && row->reals[MASKS_L1] < JSON_DECIMAL_MAX) ||
        !(row->reals[MASKS_LARGEST] >= 0.0 && row->reals[MASKS_LARGEST] <= 1.0))
        return figures_refuse(err, "class %" PRIu64 ": the guest's mask has a norm or an element that can't be", label);
    return figures_check_box(input, &box, label, err);
}

/*
 * Small for its class: at most the median, as far from it as the policy's rule asks, and it does turn inputs. Without a
 * null nothing can be called small.
 */
static bool is_suspicious(const struct evaluation_check *check, const struct anomaly_null *null,
                          const struct score_row *row)
{
    uint64_t flipped = row->naturals[MASKS_FLIPPED], eligible = row->naturals[MASKS_ELIGIBLE];
    double l1 = row->reals[MASKS_L1];

    return null->known && eligible > 0 && (double)flipped / (double)eligible >= check->anomaly.minimum_success &&
           l1 <= null->median && anomaly_index(null, l1) >= check->anomaly.anomaly;
}

static json_t *new_class(const struct evaluation_check *check, const struct anomaly_null *null,
                         const struct score_row *row)
{
    const uint64_t *naturals = row->naturals;
    double index = anomaly_index(null, row->reals[MASKS_L1]);
    const struct figures_box box = box_of(row);
    json_t *json = json_object();
    int failures = json == NULL;

    figures_set(json, "label", figures_new_count(naturals[MASKS_TARGET]), &failures);
    figures_set(json, "l1", json_new_fixed(row->reals[MASKS_L1]), &failures);
    figures_set(json, "largest", json_new_fixed(row->reals[MASKS_LARGEST]), &failures);
    figures_set_box(json, &box, &failures);
    figures_set(json, "flipped", figures_new_count(naturals[MASKS_FLIPPED]), &failures);
    figures_set(json, "eligible", figures_new_count(naturals[MASKS_ELIGIBLE]), &failures);
    figures_set(json, "success", figures_new_ratio(naturals[MASKS_FLIPPED], naturals[MASKS_ELIGIBLE]), &failures);
    figures_set(json, "index", null->known && index < JSON_DECIMAL_MAX ? json_new_fixed(index) : json_null(),
                &failures);
    figures_set(json, "iterations", figures_new_count(naturals[MASKS_ITERATIONS]), &failures);
    figures_set(json, "suspicious", json_boolean(is_suspicious(check, null, row)), &failures);
    return figures_finish(json, failures);
}

int figures_add_neural_cleanse(const struct evaluation_input *input, const struct evaluation_check *check,
                               json_t *check_json, struct error *err)
{
    const struct score_table *table = &check->tables[ROWS_MASKS];
    CLEANUP_FREE double *l1 = calloc(input->classes + 1, sizeof *l1);
    json_t *classes = json_array();
    struct anomaly_null null;
    int failures = 0, r;

    figures_set(check_json, "classes", classes, &failures);
    if (l1 == NULL || failures > 0)
        return figures_no_memory(err);
    r = figures_check_rows(table, input->classes, "classes", err);
    for (size_t i = 0; r == 0 && i < table->count; i++) {
        r = check_mask(input, &table->rows[i], i, err);
        l1[i] = table->rows[i].reals[MASKS_L1];
    }
    if (r < 0)
        return r;
    if (anomaly_null_of(l1, input->classes, &null) < 0)
        return figures_no_memory(err);
    figures_set(check_json, "median", null.known ? json_new_fixed(null.median) : json_null(), &failures);
    figures_set(check_json, "mad", null.known ? json_new_fixed(null.mad) : json_null(), &failures);
    for (size_t i = 0; failures == 0 && i < table->count; i++)
        figures_append(classes, new_class(check, &null, &table->rows[i]), &failures);
    return failures > 0 ? figures_no_memory(err) : 0;
}
