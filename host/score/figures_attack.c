/* SPDX-License-Identifier: Apache-2.0 */
/* One attack as JSON. */
#include "host/json/decimal.h"
#include "host/score/attack.h"
#include "host/score/figures.h"
#include "wire/rows.h"

#include <errno.h>
#include <inttypes.h>

static json_t *new_point(const char *eps, const struct attack_point *point)
{
    json_t *json = json_object();
    uint64_t turned = point->clean_correct - point->robust_correct;
    int failures = json == NULL;

    figures_set(json, "eps", json_string(eps), &failures);
    figures_set(json, "correct", figures_new_count(point->correct), &failures);
    figures_set(json, "robustCorrect", figures_new_count(point->robust_correct), &failures);
    figures_set(json, "total", figures_new_count(point->total), &failures);
    figures_set(json, "accuracy", figures_new_ratio(point->correct, point->total), &failures);
    figures_set_proportion(json, "robustAccuracy", "ci95", point->robust_correct, point->total, &failures);
    figures_set_proportion(json, "attackSuccess", "attackSuccessCi95", turned, point->clean_correct, &failures);
    return figures_finish(json, failures);
}

static int add_curve(const struct evaluation_input *input, const struct attack_curve *curve, json_t *curves,
                     struct error *err)
{
    json_t *json = json_object(), *points = json_array();
    char norm[PLAN_NORM_TEXT_SIZE];
    int failures = 0;

    figures_set(json, "norm", json_string(plan_norm_text(curve->norm, norm)), &failures);
    if (curve->minimal)
        figures_set(json, "minimal", json_true(), &failures);
    figures_set(json, "points", points, &failures);
    figures_append(curves, json, &failures);
    for (size_t i = 0; failures == 0 && i < curve->point_count; i++) {
        struct attack_point point;
        int r = attack_score(input->test_labels, input->clean_predictions, curve->points[i].predictions,
                             input->test_count, input->classes, &point, err);

        if (r < 0) {
            (void)error_prefix(err, "norm %s, eps %s", norm, curve->points[i].eps_text);
            return r;
        }
        figures_append(points, new_point(curve->points[i].eps_text, &point), &failures);
    }
    return failures > 0 ? figures_no_memory(err) : 0;
}

/* Attacks by gradients say how many inputs had none. */
static int add_zero_gradients(const struct evaluation_input *input, const struct evaluation_check *check, json_t *json,
                              struct error *err)
{
    const struct score_table *table = &check->tables[ROWS_GRADIENTS];
    const uint64_t *naturals;
    json_t *zero;
    int r;

    if (check->attack->family == ATTACK_BLACK_BOX)
        return 0;
    r = figures_check_rows(table, 1, "counts of gradients", err);
    if (r < 0)
        return r;
    naturals = table->rows[0].naturals;
    if (naturals[GRADIENTS_SAMPLES] > input->test_count ||
        (naturals[GRADIENTS_SAMPLES] < input->test_count && !input->labels_travel) ||
        naturals[GRADIENTS_ZERO] > naturals[GRADIENTS_SAMPLES])
        return figures_refuse(err, "the guest counts %" PRIu64 " of %" PRIu64 " inputs without a gradient, of %zu",
                              naturals[GRADIENTS_ZERO], naturals[GRADIENTS_SAMPLES], input->test_count);
    zero = json_pack("{s:I, s:I}", "count", (json_int_t)naturals[GRADIENTS_ZERO], "total",
                     (json_int_t)naturals[GRADIENTS_SAMPLES]);
    return json_object_set_new(json, "zeroGradients", zero) != 0 ? figures_no_memory(err) : 0;
}

int figures_add_attack(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                       struct error *err)
{
    const struct attack_run *attack = check->attack;
    json_t *curves = json_array();
    int failures = 0, r = 0;

    figures_set(check_json, "curves", curves, &failures);
    if (failures > 0)
        return figures_no_memory(err);
    if (input->clean_predictions == NULL || attack == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "an attack is scored against clean predictions; there are none");
    figures_set(check_json, "goal", json_string(attack_goal_name(attack->goal)), &failures);
    figures_set(check_json, "restarts", json_integer(attack->restarts), &failures);
    figures_set(check_json, "iterations", json_integer(attack->iterations), &failures);
    if (attack->family == ATTACK_ITERATIVE)
        figures_set(check_json, "step", json_new_fixed(attack->step), &failures);
    if (failures > 0)
        return figures_no_memory(err);
    for (size_t i = 0; r == 0 && i < attack->curve_count; i++)
        r = add_curve(input, &attack->curves[i], curves, err);
    return r == 0 ? add_zero_gradients(input, check, check_json, err) : r;
}
