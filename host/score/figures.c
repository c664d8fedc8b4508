/* SPDX-License-Identifier: Apache-2.0 */
/* Clean accuracy and attacks as JSON. */
#include "host/score/figures.h"

#include "host/json/decimal.h"
#include "host/score/accuracy.h"
#include "host/score/attack.h"
#include "host/score/interval.h"

#include <errno.h>

int figures_no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the evaluation");
}

json_t *figures_new_ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? json_new_fixed((double)part / (double)whole) : json_null();
}

json_t *figures_new_interval(uint64_t part, uint64_t whole)
{
    struct interval interval = interval_wilson(part, whole);

    return json_pack("[o, o]", json_new_fixed(interval.low), json_new_fixed(interval.high));
}

static json_t *new_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

/* --- clean-accuracy ---------------------------------------------------------------------------- */

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
        figures_set(class, "label", new_count(i), &failures);
        figures_set(class, "correct", new_count(accuracy->class_correct[i]), &failures);
        figures_set(class, "total", new_count(accuracy->class_total[i]), &failures);
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

        failures +=
            json_array_set_new(json_array_get(matrix, pair->label), pair->predicted, new_count(pair->count)) != 0;
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
    figures_set(check_json, "correct", new_count(accuracy.correct), &failures);
    figures_set(check_json, "total", new_count(accuracy.total), &failures);
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

/* --- attacks ----------------------------------------------------------------------------------- */

static json_t *new_point(const char *eps, const struct attack_point *point)
{
    json_t *json = json_object();
    int failures = json == NULL;

    figures_set(json, "eps", json_string(eps), &failures);
    figures_set(json, "correct", new_count(point->correct), &failures);
    figures_set(json, "robustCorrect", new_count(point->robust_correct), &failures);
    figures_set(json, "total", new_count(point->total), &failures);
    figures_set(json, "accuracy", figures_new_ratio(point->correct, point->total), &failures);
    figures_set(json, "robustAccuracy", figures_new_ratio(point->robust_correct, point->total), &failures);
    figures_set(json, "ci95", figures_new_interval(point->robust_correct, point->total), &failures);
    figures_set(json, "attackSuccess",
                figures_new_ratio(point->clean_correct - point->robust_correct, point->clean_correct), &failures);
    if (failures == 0)
        return json;
    json_decref(json);
    return NULL;
}

static int add_curve(const struct evaluation_input *input, const struct evaluation_curve *curve, json_t *curves,
                     struct error *err)
{
    json_t *json = json_object(), *points = json_array();
    int failures = 0;

    figures_set(json, "norm", json_string(score_norm_name(curve->norm)), &failures);
    figures_set(json, "points", points, &failures);
    failures += json_array_append_new(curves, json) != 0;
    for (size_t i = 0; failures == 0 && i < curve->point_count; i++) {
        struct attack_point point;
        int r = attack_score(input->test_labels, input->clean_predictions, curve->points[i].predictions,
                             input->test_count, input->classes, &point, err);

        if (r < 0) {
            (void)error_prefix(err, "norm %s, eps %s", score_norm_name(curve->norm), curve->points[i].eps);
            return r;
        }
        failures += json_array_append_new(points, new_point(curve->points[i].eps, &point)) != 0;
    }
    return failures > 0 ? figures_no_memory(err) : 0;
}

int figures_add_attack(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                       struct error *err)
{
    json_t *curves = json_array();
    int failures = 0, r = 0;

    figures_set(check_json, "curves", curves, &failures);
    if (failures > 0)
        return figures_no_memory(err);
    if (input->clean_predictions == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "an attack is scored against clean predictions; there are none");
    for (size_t i = 0; r == 0 && i < check->curve_count; i++)
        r = add_curve(input, &check->curves[i], curves, err);
    return r;
}
