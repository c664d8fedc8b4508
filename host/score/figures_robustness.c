/* SPDX-License-Identifier: Apache-2.0 */
/* The worst case over all attacks as JSON, with the signs of masked gradients. */
#include "host/json/decimal.h"
#include "host/score/figures.h"
#include "host/score/robustness.h"
#include "wire/rows.h"

#include <errno.h>
#include <inttypes.h>

#define ZERO_GRADIENTS_PERCENT 1u /* of the inputs; above it attacks by gradients are blind */

/* The attacks of an evaluation that ran. */
struct attacks {
    size_t count;
    struct attack_run runs[ROBUSTNESS_RUNS_MAX];
    const struct evaluation_check *checks[ROBUSTNESS_RUNS_MAX];
};

static int gather(const struct evaluation_input *input, struct attacks *attacks, struct error *err)
{
    for (size_t i = 0; i < input->check_count; i++) {
        const struct evaluation_check *check = &input->checks[i];

        if (check->kind != EVALUATION_ATTACK || check->outcome != EVALUATION_DONE)
            continue;
        if (attacks->count == ROBUSTNESS_RUNS_MAX || check->attack == NULL)
            return error_set(err, ERROR_INTERNAL, -EINVAL, "too many attacks, or one without curves");
        attacks->runs[attacks->count] = *check->attack;
        attacks->checks[attacks->count++] = check;
    }
    if (attacks->count == 0 || input->clean_predictions == NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "robustness without an attack, or without clean predictions");
    return 0;
}

/* --- curves ---------------------------------------------------------------------------------------- */

/* The attacks by which most of the broken samples fell; none where none broke. */
static json_t *new_worst(const struct attacks *attacks, const struct robustness_point *point)
{
    json_t *list = json_array();
    int failures = list == NULL;
    uint64_t most = 0;

    for (size_t i = 0; i < attacks->count; i++)
        most = point->broken[i] > most ? point->broken[i] : most;
    for (size_t i = 0; most > 0 && i < attacks->count; i++)
        if (point->broken[i] == most)
            figures_append(list, json_string(attacks->runs[i].id), &failures);
    return figures_finish(list, failures);
}

static json_t *new_point(const struct attacks *attacks, const struct robustness *robustness,
                         const struct robustness_point *point)
{
    json_t *json = json_object();
    uint64_t right = robustness->clean_correct;
    int failures = json == NULL;

    figures_set(json, "eps", json_string(point->eps_text), &failures);
    figures_set(json, "robustCorrect", figures_new_count(point->robust_correct), &failures);
    figures_set(json, "total", figures_new_count(robustness->total), &failures);
    figures_set_proportion(json, "robustAccuracy", "ci95", point->robust_correct, robustness->total, &failures);
    figures_set_proportion(json, "attackSuccess", "attackSuccessCi95", right - point->robust_correct, right, &failures);
    figures_set(json, "worst", new_worst(attacks, point), &failures);
    return figures_finish(json, failures);
}

static json_t *new_text(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static json_t *new_curve(const struct attacks *attacks, const struct robustness *robustness,
                         const struct robustness_curve *curve)
{
    json_t *json = json_object(), *points = json_array(), *minimal = json_object();
    char norm[PLAN_NORM_TEXT_SIZE];
    int failures = json == NULL;

    figures_set(json, "norm", json_string(plan_norm_text(curve->norm, norm)), &failures);
    figures_set(json, "points", points, &failures);
    figures_set(json, "minimalEps", minimal, &failures);
    for (size_t i = 0; failures == 0 && i < curve->point_count; i++)
        figures_append(points, new_point(attacks, robustness, &curve->points[i]), &failures);
    figures_set(minimal, "median", new_text(curve->median), &failures);
    figures_set(minimal, "p5", new_text(curve->p5), &failures);
    figures_set(minimal, "broken", figures_new_count(curve->broken), &failures);
    figures_set(minimal, "total", figures_new_count(robustness->clean_correct), &failures);
    return figures_finish(json, failures);
}

/* --- masking --------------------------------------------------------------------------------------- */

static json_t *new_comparison(const struct attacks *attacks, const struct robustness_comparison *comparison)
{
    json_t *json = json_object();
    char norm[PLAN_NORM_TEXT_SIZE];
    int failures = json == NULL;

    figures_set(json, "flag",
                json_string(comparison->flag == ROBUSTNESS_BLACK_BOX_BEATS_WHITE_BOX ? "black-box-beats-white-box"
                                                                                     : "single-step-beats-iterative"),
                &failures);
    figures_set(json, "norm", json_string(plan_norm_text(comparison->norm, norm)), &failures);
    figures_set(json, "eps", json_string(comparison->eps_text), &failures);
    figures_set(json, "attack", json_string(attacks->runs[comparison->weaker].id), &failures);
    figures_set(json, "broken", figures_new_count(comparison->weaker_broken), &failures);
    figures_set(json, "only", figures_new_count(comparison->only_weaker), &failures);
    figures_set(json, "against", json_string(attacks->runs[comparison->stronger].id), &failures);
    figures_set(json, "againstBroken", figures_new_count(comparison->stronger_broken), &failures);
    figures_set(json, "againstOnly", figures_new_count(comparison->only_stronger), &failures);
    figures_set(json, "p", json_new_scientific(comparison->p), &failures);
    figures_set(json, "pHolm", json_new_scientific(comparison->p_holm), &failures);
    return figures_finish(json, failures);
}

/* The guest's counts have been checked with their attack. */
static json_t *new_zero_gradients(const struct evaluation_check *check)
{
    const uint64_t *naturals = check->tables[ROWS_GRADIENTS].rows[0].naturals;
    uint64_t count = naturals[GRADIENTS_ZERO], total = naturals[GRADIENTS_SAMPLES];

    return json_pack("{s:s, s:s, s:I, s:I, s:o}", "flag", "zero-gradients", "attack", check->id, "count",
                     (json_int_t)count, "total", (json_int_t)total, "share", figures_new_ratio(count, total));
}

static bool lacks_gradients(const struct evaluation_check *check)
{
    const struct score_table *table = &check->tables[ROWS_GRADIENTS];

    return check->attack->family != ATTACK_BLACK_BOX && table->count == 1 &&
           table->rows[0].naturals[GRADIENTS_ZERO] * 100 >
               table->rows[0].naturals[GRADIENTS_SAMPLES] * ZERO_GRADIENTS_PERCENT;
}

static json_t *new_masking(const struct attacks *attacks, const struct robustness *robustness)
{
    json_t *list = json_array();
    int failures = list == NULL;

    for (size_t i = 0; i < attacks->count; i++)
        if (lacks_gradients(attacks->checks[i]))
            figures_append(list, new_zero_gradients(attacks->checks[i]), &failures);
    for (size_t i = 0; i < robustness->comparison_count; i++)
        if (robustness->comparisons[i].raised)
            figures_append(list, new_comparison(attacks, &robustness->comparisons[i]), &failures);
    return figures_finish(list, failures);
}

/* --- all of it ------------------------------------------------------------------------------------- */

static int fill(const struct attacks *attacks, const struct robustness *robustness, json_t *check_json,
                struct error *err)
{
    json_t *ids = json_array(), *curves = json_array();
    int failures = 0;

    figures_set(check_json, "attacks", ids, &failures);
    figures_set(check_json, "curves", curves, &failures);
    for (size_t i = 0; failures == 0 && i < attacks->count; i++)
        figures_append(ids, json_string(attacks->runs[i].id), &failures);
    for (size_t i = 0; failures == 0 && i < robustness->curve_count; i++)
        figures_append(curves, new_curve(attacks, robustness, &robustness->curves[i]), &failures);
    figures_set(check_json, "comparisons", figures_new_count(robustness->comparison_count), &failures);
    figures_set(check_json, "masking", new_masking(attacks, robustness), &failures);
    return failures > 0 ? figures_no_memory(err) : 0;
}

int figures_add_robustness(const struct evaluation_input *input, const struct evaluation_check *check,
                           json_t *check_json, struct error *err)
{
    CLEANUP_FREE struct robustness *robustness = calloc(1, sizeof *robustness);
    struct attacks attacks = {0};
    int r;

    (void)check;
    if (robustness == NULL)
        return figures_no_memory(err);
    r = gather(input, &attacks, err);
    if (r < 0)
        return r;
    r = robustness_score(input->test_labels, input->clean_predictions, input->test_count, attacks.runs, attacks.count,
                         robustness);
    if (r == -ENOMEM)
        return figures_no_memory(err);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the attacks can't be scored together");
    r = fill(&attacks, robustness, check_json, err);
    robustness_free(robustness);
    return r;
}
