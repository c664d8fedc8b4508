/* SPDX-License-Identifier: Apache-2.0 */
/* The search for trigger patches as JSON: each target's best, which stand out, how much was looked at. */
#include "host/json/decimal.h"
#include "host/score/figures.h"
#include "wire/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

/* What is worked out of all targets together. */
struct search {
    const struct evaluation_input *input;
    const struct evaluation_check *check;
    const struct score_row *rows; /* one a class */
    double *success;              /* owned; 0 for a target without eligible inputs */
    struct anomaly_null null;
};

static double success_of(const struct score_row *row)
{
    uint64_t eligible = row->naturals[TARGETS_ELIGIBLE];

    return eligible > 0 ? (double)row->naturals[TARGETS_FLIPPED] / (double)eligible : 0.0;
}

/* Whether a target's trigger does what the policy's rule asks for, and stands out; without a null, the first alone. */
static bool is_suspicious(const struct search *search, size_t target)
{
    double success = search->success[target];

    if (search->rows[target].naturals[TARGETS_ELIGIBLE] == 0 || success < search->check->anomaly.minimum_success)
        return false;
    return !search->null.known ||
           (success > search->null.median && anomaly_index(&search->null, success) >= search->check->anomaly.anomaly);
}

/* --- what the host can check ------------------------------------------------------------------- */

static int check_target(const struct evaluation_input *input, const struct score_row *row, uint64_t target,
                        uint64_t samples, struct error *err)
{
    const uint64_t *naturals = row->naturals;
    const struct figures_box box = {naturals[TARGETS_ROW], naturals[TARGETS_COL], naturals[TARGETS_HEIGHT],
                                    naturals[TARGETS_WIDTH]};

    if (naturals[TARGETS_TARGET] != target)
        return figures_refuse(err, "target %" PRIu64 ": the guest's targets are not one after the other", target);
    if (naturals[TARGETS_FLIPPED] > naturals[TARGETS_ELIGIBLE] || naturals[TARGETS_ELIGIBLE] > samples)
        return figures_refuse(
            err, "target %" PRIu64 ": the guest's trigger turns %" PRIu64 " of %" PRIu64 " inputs, of %" PRIu64, target,
            naturals[TARGETS_FLIPPED], naturals[TARGETS_ELIGIBLE], samples);
    for (size_t i = 0; i < TARGETS_REALS; i++)
        if (!(fabs(row->reals[i]) < JSON_DECIMAL_MAX))
            return figures_refuse(err, "target %" PRIu64 ": the guest's colour can't be", target);
    return figures_check_box(input, &box, target, err);
}

static int check_coverage(const struct evaluation_input *input, const struct score_table *table, struct error *err)
{
    const uint64_t *naturals;
    int r = figures_check_rows(table, 1, "lines on coverage", err);

    if (r < 0)
        return r;
    naturals = table->rows[0].naturals;
    if (naturals[COVERAGE_TRIED] > naturals[COVERAGE_PLACES] || naturals[COVERAGE_SAMPLES] > input->test_count)
        return figures_refuse(
            err, "the guest tried %" PRIu64 " places of %" PRIu64 " on %" PRIu64 " of %zu test samples",
            naturals[COVERAGE_TRIED], naturals[COVERAGE_PLACES], naturals[COVERAGE_SAMPLES], input->test_count);
    return 0;
}

static int check_user_trigger(const struct evaluation_input *input, const struct score_row *row, uint64_t index,
                              struct error *err)
{
    const uint64_t *naturals = row->naturals;

    if (naturals[USER_TRIGGERS_INDEX] != index || naturals[USER_TRIGGERS_TARGET] >= input->classes ||
        naturals[USER_TRIGGERS_FLIPPED] > naturals[USER_TRIGGERS_ELIGIBLE] ||
        naturals[USER_TRIGGERS_ELIGIBLE] > input->test_count)
        return figures_refuse(err,
                              "trigger %" PRIu64 ": the guest's figures can't be: index %" PRIu64 ", target %" PRIu64
                              ", %" PRIu64 " of %" PRIu64 " inputs",
                              index, naturals[USER_TRIGGERS_INDEX], naturals[USER_TRIGGERS_TARGET],
                              naturals[USER_TRIGGERS_FLIPPED], naturals[USER_TRIGGERS_ELIGIBLE]);
    return 0;
}

static int check_tables(const struct evaluation_input *input, const struct evaluation_check *check, struct error *err)
{
    const struct score_table *targets = &check->tables[ROWS_TARGETS], *triggers = &check->tables[ROWS_USER_TRIGGERS];
    int r = figures_check_rows(targets, input->classes, "targets", err);

    if (r == 0)
        r = figures_check_rows(triggers, input->trigger_count, "triggers", err);
    if (r == 0)
        r = check_coverage(input, &check->tables[ROWS_COVERAGE], err);
    for (size_t i = 0; r == 0 && i < targets->count; i++)
        r = check_target(input, &targets->rows[i], i, check->tables[ROWS_COVERAGE].rows[0].naturals[COVERAGE_SAMPLES],
                         err);
    for (size_t i = 0; r == 0 && i < triggers->count; i++)
        r = check_user_trigger(input, &triggers->rows[i], i, err);
    return r;
}

/* --- JSON ---------------------------------------------------------------------------------------- */

/* One value a channel, as far as three go. */
static json_t *new_colour(const struct evaluation_input *input, const struct score_row *row)
{
    size_t channels = input->channels > 0 && input->channels < TARGETS_REALS ? input->channels : TARGETS_REALS;
    json_t *list = json_array();
    int failures = list == NULL;

    for (size_t i = 0; i < channels; i++)
        figures_append(list, json_new_fixed(row->reals[i]), &failures);
    return figures_finish(list, failures);
}

static json_t *new_index(const struct anomaly_null *null, double value)
{
    double index = anomaly_index(null, value);

    return null->known && index < JSON_DECIMAL_MAX ? json_new_fixed(index) : json_null();
}

static json_t *new_target(const struct search *search, size_t target)
{
    const struct score_row *row = &search->rows[target];
    const uint64_t *naturals = row->naturals;
    const struct figures_box box = {naturals[TARGETS_ROW], naturals[TARGETS_COL], naturals[TARGETS_HEIGHT],
                                    naturals[TARGETS_WIDTH]};
    json_t *json = json_object();
    int failures = json == NULL;

    figures_set(json, "target", figures_new_count(target), &failures);
    figures_set_box(json, &box, &failures);
    figures_set(json, "colour", new_colour(search->input, row), &failures);
    figures_set(json, "flipped", figures_new_count(naturals[TARGETS_FLIPPED]), &failures);
    figures_set(json, "eligible", figures_new_count(naturals[TARGETS_ELIGIBLE]), &failures);
    figures_set(json, "success", figures_new_ratio(naturals[TARGETS_FLIPPED], naturals[TARGETS_ELIGIBLE]), &failures);
    figures_set(json, "index", new_index(&search->null, search->success[target]), &failures);
    return figures_finish(json, failures);
}

static json_t *new_null(const struct anomaly_null *null)
{
    return json_pack("{s:o, s:o}", "median", null->known ? json_new_fixed(null->median) : json_null(), "mad",
                     null->known ? json_new_fixed(null->mad) : json_null());
}

static json_t *new_user_trigger(const struct score_row *row)
{
    const uint64_t *naturals = row->naturals;
    uint64_t flipped = naturals[USER_TRIGGERS_FLIPPED], eligible = naturals[USER_TRIGGERS_ELIGIBLE];

    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "index", (json_int_t)naturals[USER_TRIGGERS_INDEX], "target",
                     (json_int_t)naturals[USER_TRIGGERS_TARGET], "flipped", (json_int_t)flipped, "eligible",
                     (json_int_t)eligible, "flipRate", figures_new_ratio(flipped, eligible));
}

static json_t *new_coverage(const struct score_table *table)
{
    const uint64_t *naturals = table->rows[0].naturals;

    return json_pack("{s:I, s:I, s:I, s:I}", "tried", (json_int_t)naturals[COVERAGE_TRIED], "places",
                     (json_int_t)naturals[COVERAGE_PLACES], "samples", (json_int_t)naturals[COVERAGE_SAMPLES], "images",
                     (json_int_t)naturals[COVERAGE_IMAGES]);
}

static int fill(const struct search *search, json_t *check_json, struct error *err)
{
    const struct score_table *triggers = &search->check->tables[ROWS_USER_TRIGGERS];
    json_t *targets = json_array(), *suspicious = json_array(), *users = json_array();
    size_t best = 0;
    int failures = 0;

    figures_set(check_json, "targets", targets, &failures);
    figures_set(check_json, "suspicious", suspicious, &failures);
    figures_set(check_json, "triggers", users, &failures);
    for (size_t i = 0; failures == 0 && i < search->input->classes; i++) {
        best = search->success[i] > search->success[best] ? i : best;
        figures_append(targets, new_target(search, i), &failures);
        if (is_suspicious(search, i))
            figures_append(suspicious, figures_new_count(i), &failures);
    }
    for (size_t i = 0; failures == 0 && i < triggers->count; i++)
        figures_append(users, new_user_trigger(&triggers->rows[i]), &failures);
    figures_set(check_json, "best", new_target(search, best), &failures);
    figures_set(check_json, "null", new_null(&search->null), &failures);
    figures_set(check_json, "coverage", new_coverage(&search->check->tables[ROWS_COVERAGE]), &failures);
    return failures > 0 ? figures_no_memory(err) : 0;
}

int figures_add_trigger_scan(const struct evaluation_input *input, const struct evaluation_check *check,
                             json_t *check_json, struct error *err)
{
    CLEANUP_FREE double *success = calloc(input->classes + 1, sizeof *success);
    struct search search = {
        .input = input, .check = check, .rows = check->tables[ROWS_TARGETS].rows, .success = success};
    int r = success == NULL ? figures_no_memory(err) : check_tables(input, check, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < input->classes; i++)
        success[i] = success_of(&search.rows[i]);
    if (anomaly_null_of(success, input->classes, &search.null) < 0)
        return figures_no_memory(err);
    return fill(&search, check_json, err);
}
