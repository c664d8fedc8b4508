/* SPDX-License-Identifier: Apache-2.0 */
/* Clean accuracy as JSON. */
#include "host/score/accuracy.h"
#include "host/score/figures.h"

#include <errno.h>

/* Every class, or with many classes those that the test set has. */
static json_t *new_per_class(const struct accuracy *accuracy)
{
    json_t *list = json_array();
    int failures = list == NULL;

    for (uint32_t i = 0; i < accuracy->classes && failures == 0; i++) {
        json_t *class;

        if (accuracy->classes > EVALUATION_CONFUSION_MAX && accuracy->class_total[i] == 0)
            continue;
        class = json_object();
        figures_set(class, "label", figures_new_count(i), &failures);
        figures_set(class, "correct", figures_new_count(accuracy->class_correct[i]), &failures);
        figures_set(class, "total", figures_new_count(accuracy->class_total[i]), &failures);
        figures_set(class, "accuracy", figures_new_ratio(accuracy->class_correct[i], accuracy->class_total[i]),
                    &failures);
        failures += json_array_append_new(list, class) != 0;
    }
    if (failures == 0)
        return list;
    json_decref(list);
    return NULL;
}

/* Rows by label, columns by prediction. */
static json_t *new_matrix(const struct accuracy *accuracy)
{
    json_t *matrix = json_array();
    int failures = matrix == NULL;

    for (uint32_t i = 0; i < accuracy->classes && failures == 0; i++) {
        json_t *row = json_array();

        for (uint32_t j = 0; j < accuracy->classes; j++)
            failures += json_array_append_new(row, json_integer(0)) != 0;
        failures += json_array_append_new(matrix, row) != 0;
    }
    for (size_t i = 0; i < accuracy->pair_count && failures == 0; i++) {
        const struct accuracy_pair *pair = &accuracy->pairs[i];

        failures += json_array_set_new(json_array_get(matrix, pair->label), pair->predicted,
                                       figures_new_count(pair->count)) != 0;
    }
    if (failures == 0)
        return matrix;
    json_decref(matrix);
    return NULL;
}

/* [label, prediction, count] of what occurs, for models of many classes. */
static json_t *new_pairs(const struct accuracy *accuracy)
{
    json_t *list = json_array();
    int failures = list == NULL;

    for (size_t i = 0; i < accuracy->pair_count && failures == 0; i++) {
        const struct accuracy_pair *pair = &accuracy->pairs[i];

        failures += json_array_append_new(list, json_pack("[I, I, I]", (json_int_t)pair->label,
                                                          (json_int_t)pair->predicted, (json_int_t)pair->count)) != 0;
    }
    if (failures == 0)
        return list;
    json_decref(list);
    return NULL;
}

int figures_add_clean_accuracy(const struct evaluation_input *input, const struct evaluation_check *check,
                               json_t *check_json, struct error *err)
{
    CLEANUP(accuracy_free) struct accuracy accuracy = {0};
    int failures = 0, r;

    (void)check;
    if (input->clean_predictions == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "there are no clean predictions to score");
    r = accuracy_score(input->test_labels, input->clean_predictions, input->test_count, input->classes, &accuracy, err);
    if (r < 0)
        return r;
    figures_set(check_json, "correct", figures_new_count(accuracy.correct), &failures);
    figures_set(check_json, "total", figures_new_count(accuracy.total), &failures);
    figures_set(check_json, "accuracy", figures_new_ratio(accuracy.correct, accuracy.total), &failures);
    figures_set(check_json, "ci95", figures_new_interval(accuracy.correct, accuracy.total), &failures);
    figures_set(check_json, "classes", json_integer(accuracy.classes), &failures);
    figures_set(check_json, "perClass", new_per_class(&accuracy), &failures);
    if (accuracy.classes <= EVALUATION_CONFUSION_MAX)
        figures_set(check_json, "confusion", new_matrix(&accuracy), &failures);
    else
        figures_set(check_json, "confusionPairs", new_pairs(&accuracy), &failures);
    return failures > 0 ? figures_no_memory(err) : 0;
}
