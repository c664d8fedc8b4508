/* SPDX-License-Identifier: Apache-2.0 */
/* Spectral signatures as JSON, after a check of the guest's figures against what the host knows. */
#include "host/json/decimal.h"
#include "host/score/figures.h"
#include "wire/rows.h"

#include <errno.h>
#include <inttypes.h>

#define SHARE_ROUNDING 1e-9 /* two sums in f64, one within the other */

static bool is_distance(double value)
{
    return value >= 0.0 && value < JSON_DECIMAL_MAX;
}

/* Samples of the class, each once. */
static int check_indices(const struct evaluation_input *input, const struct score_row *row, struct error *err)
{
    const uint64_t *naturals = row->naturals;

    for (size_t i = SPECTRUM_INDICES; i < row->natural_count; i++) {
        uint64_t index = naturals[i];

        if (index >= input->train_count || (uint64_t)(uint32_t)input->train_labels[index] != naturals[SPECTRUM_LABEL])
            return figures_refuse(err, "class %" PRIu64 ": the guest suspects a sample that is not of this class",
                                  naturals[SPECTRUM_LABEL]);
        for (size_t j = SPECTRUM_INDICES; j < i; j++)
            if (naturals[j] == index)
                return figures_refuse(err, "class %" PRIu64 ": the guest suspects sample %" PRIu64 " twice",
                                      naturals[SPECTRUM_LABEL], index);
    }
    return 0;
}

static int check_row(const struct evaluation_input *input, const struct evaluation_check *check,
                     const struct score_row *row, uint64_t label, uint64_t size, struct error *err)
{
    const uint64_t *naturals = row->naturals;

    if (naturals[SPECTRUM_LABEL] != label)
        return figures_refuse(err, "class %" PRIu64 ": the guest's classes are not one after the other", label);
    if (naturals[SPECTRUM_SIZE] != size)
        return figures_refuse(err, "class %" PRIu64 ": the guest counts %" PRIu64 " training samples, not %" PRIu64,
                              label, naturals[SPECTRUM_SIZE], size);
    if (naturals[SPECTRUM_OUTCOME] >= SPECTRUM_OUTCOME_COUNT)
        return figures_refuse(err, "class %" PRIu64 ": the guest's outcome is unknown", label);
    if (naturals[SPECTRUM_OUTCOME] == SPECTRUM_TOO_SMALL)
        return check->minimum_class_size > 0 && size >= check->minimum_class_size
                   ? figures_refuse(err,
                                    "class %" PRIu64 ": the guest's class is called too small, but has the training "
                                    "samples that the policy asks for",
                                    label)
                   : 0;
    if (naturals[SPECTRUM_SUSPECTS] > size || row->natural_count - SPECTRUM_INDICES > naturals[SPECTRUM_SUSPECTS])
        return figures_refuse(err, "class %" PRIu64 ": the guest has more suspects than samples, or names more", label);
    if (!(row->reals[SPECTRUM_SHARE] >= 0.0 && row->reals[SPECTRUM_SHARE] <= 1.0 + SHARE_ROUNDING) ||
        !is_distance(row->reals[SPECTRUM_CUTOFF]) || !is_distance(row->reals[SPECTRUM_TOP]))
        return figures_refuse(err, "class %" PRIu64 ": the guest's share, cutoff or top score can't be", label);
    return check_indices(input, row, err);
}

static json_t *new_indices(const struct score_row *row)
{
    json_t *list = json_array();
    int failures = list == NULL;

    for (size_t i = SPECTRUM_INDICES; i < row->natural_count; i++)
        figures_append(list, figures_new_count(row->naturals[i]), &failures);
    return figures_finish(list, failures);
}

static json_t *new_class(const struct score_row *row)
{
    bool done = row->naturals[SPECTRUM_OUTCOME] == SPECTRUM_DONE;
    json_t *json = json_object();
    int failures = json == NULL;

    figures_set(json, "label", figures_new_count(row->naturals[SPECTRUM_LABEL]), &failures);
    figures_set(json, "outcome", json_string(done ? "done" : "too-small"), &failures);
    figures_set(json, "size", figures_new_count(row->naturals[SPECTRUM_SIZE]), &failures);
    if (done) {
        figures_set(json, "suspects", figures_new_count(row->naturals[SPECTRUM_SUSPECTS]), &failures);
        figures_set(json, "share", json_new_fixed(row->reals[SPECTRUM_SHARE]), &failures);
        figures_set(json, "cutoff", json_new_fixed(row->reals[SPECTRUM_CUTOFF]), &failures);
        figures_set(json, "top", json_new_fixed(row->reals[SPECTRUM_TOP]), &failures);
        figures_set(json, "indices", new_indices(row), &failures);
    }
    return figures_finish(json, failures);
}

int figures_add_spectrum(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                         struct error *err)
{
    const struct score_table *table = &check->tables[ROWS_SPECTRUM];
    CLEANUP_FREE uint64_t *sizes = figures_count_classes(input->train_labels, input->train_count, input->classes);
    json_t *classes = json_array();
    int failures = 0, r;

    figures_set(check_json, "classes", classes, &failures);
    if (sizes == NULL || failures > 0)
        return figures_no_memory(err);
    if (input->train_labels == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "spectral signatures without training labels");
    r = figures_set_layer(check, check_json, err);
    if (r == 0)
        r = figures_check_rows(table, input->classes, "classes", err);
    for (size_t i = 0; r == 0 && i < table->count; i++) {
        r = check_row(input, check, &table->rows[i], i, sizes[i], err);
        if (r == 0 && json_array_append_new(classes, new_class(&table->rows[i])) != 0)
            r = figures_no_memory(err);
    }
    return r;
}
