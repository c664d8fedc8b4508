/* SPDX-License-Identifier: Apache-2.0 */
/* STRIP's entropies as JSON, one line a trigger of the user's. */
#include "host/json/decimal.h"
#include "host/score/figures.h"
#include "wire/rows.h"

#include <errno.h>
#include <inttypes.h>

static bool is_entropy(double value)
{
    return value >= 0.0 && value < JSON_DECIMAL_MAX;
}

static int check_row(const struct evaluation_input *input, const struct score_row *row, uint64_t index,
                     struct error *err)
{
    const uint64_t *naturals = row->naturals;

    if (naturals[ENTROPY_INDEX] != index || naturals[ENTROPY_FLAGGED] > naturals[ENTROPY_SAMPLES] ||
        naturals[ENTROPY_SAMPLES] > input->test_count)
        return figures_refuse(err,
                              "trigger %" PRIu64 ": the guest's figures can't be: index %" PRIu64 ", %" PRIu64
                              " of %" PRIu64 " samples flagged",
                              index, naturals[ENTROPY_INDEX], naturals[ENTROPY_FLAGGED], naturals[ENTROPY_SAMPLES]);
    for (size_t i = 0; i < ENTROPY_REALS; i++)
        if (!is_entropy(row->reals[i]))
            return figures_refuse(err, "trigger %" PRIu64 ": the guest's entropy can't be", index);
    return 0;
}

static json_t *new_trigger(const struct score_row *row)
{
    uint64_t samples = row->naturals[ENTROPY_SAMPLES], flagged = row->naturals[ENTROPY_FLAGGED];

    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "index", (json_int_t)row->naturals[ENTROPY_INDEX],
                     "samples", (json_int_t)samples, "flagged", (json_int_t)flagged, "flagRate",
                     figures_new_ratio(flagged, samples), "threshold", json_new_fixed(row->reals[ENTROPY_THRESHOLD]),
                     "cleanMean", json_new_fixed(row->reals[ENTROPY_CLEAN_MEAN]), "triggeredMean",
                     json_new_fixed(row->reals[ENTROPY_TRIGGERED_MEAN]));
}

int figures_add_strip(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                      struct error *err)
{
    const struct score_table *table = &check->tables[ROWS_ENTROPY];
    json_t *triggers = json_array();
    int r;

    if (json_object_set_new(check_json, "triggers", triggers) != 0)
        return figures_no_memory(err);
    r = figures_check_rows(table, input->trigger_count, "triggers", err);
    for (size_t i = 0; r == 0 && i < table->count; i++) {
        r = check_row(input, &table->rows[i], i, err);
        if (r == 0 && json_array_append_new(triggers, new_trigger(&table->rows[i])) != 0)
            r = figures_no_memory(err);
    }
    return r;
}
