/* SPDX-License-Identifier: Apache-2.0 */
/* Judging accuracy, each attack, and the robustness that all of them leave. */
#include "host/policy/judge.h"

#include "host/json/field.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* --- clean-accuracy ------------------------------------------------------------------------------ */

int judge_clean_accuracy(const struct policy *policy, const json_t *check, struct judgement *judgement,
                         struct error *err)
{
    const struct policy_clean_accuracy *minimum = &policy->clean_accuracy;
    struct judge_figure figure;
    int64_t classes;
    int r = judge_read_figure(check, "clean-accuracy", "correct", "accuracy", &figure, err);

    if (r == 0)
        r = field_integer(check, "clean-accuracy", "classes", 1, UINT32_MAX, &classes, err);
    if (r < 0)
        return r;
    judgement->samples = figure.total;
    /* No better than guessing is more often wrong preprocessing than a bad model: a person decides. */
    if (classes > 1 && figure.lower <= 1.0 / (double)classes)
        judge_conclude(judgement, CHECK_WARNED,
                       "%" PRId64 " of %" PRId64 " right is near chance for %" PRId64
                       " classes: check preprocessing and labels",
                       figure.correct, figure.total, classes);
    else if (judge_bounded(minimum->bound, &figure) < minimum->accuracy)
        judge_conclude(judgement, CHECK_FAILED,
                       "%s %.6f of accuracy (%" PRId64 " of %" PRId64 ") is below the policy's %.6g",
                       judge_bound_name(minimum->bound), judge_bounded(minimum->bound, &figure), figure.correct,
                       figure.total, minimum->accuracy);
    return 0;
}

/* --- points ---------------------------------------------------------------------------------------- */

/* The element of `list` whose string at `key` is `text`, or NULL; minimal curves are no candidates. */
static const json_t *find_by(const json_t *list, const char *key, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *element = json_array_get(list, i);
        const char *found = json_string_value(json_object_get(element, key));

        if (found != NULL && strcmp(found, text) == 0 && !json_is_true(json_object_get(element, "minimal")))
            return element;
    }
    return NULL;
}

static int judge_minimum(const struct policy_robust_minimum *minimum, const json_t *curves, const char *where,
                         struct judgement *judgement, struct error *err)
{
    const json_t *curve = find_by(curves, "norm", minimum->norm.text);
    const json_t *point = find_by(json_object_get(curve, "points"), "eps", minimum->eps.text);
    struct judge_figure figure;
    int r;

    if (point == NULL) {
        judge_conclude(judgement, CHECK_WARNED, "no point at norm %s, eps %s, which the policy has a threshold for",
                       minimum->norm.text, minimum->eps.text);
        return 0;
    }
    r = judge_read_figure(point, where, "robustCorrect", "robustAccuracy", &figure, err);
    if (r == 0 && judge_bounded(minimum->bound, &figure) < minimum->robust_accuracy)
        judge_conclude(judgement, CHECK_FAILED,
                       "%s %.6f of robust accuracy (%" PRId64 " of %" PRId64
                       ") at norm %s, eps %s is below the policy's %.6g",
                       judge_bound_name(minimum->bound), judge_bounded(minimum->bound, &figure), figure.correct,
                       figure.total, minimum->norm.text, minimum->eps.text, minimum->robust_accuracy);
    return r;
}

/* Every point's figures are of the form, and the fewest samples of any are what the check rests on. */
static int read_points(const json_t *curves, const char *where, struct judgement *judgement, struct error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(curves); i++) {
        const json_t *points = json_object_get(json_array_get(curves, i), "points");

        for (size_t j = 0; r == 0 && j < json_array_size(points); j++) {
            struct judge_figure figure;

            r = judge_read_figure(json_array_get(points, j), where, "robustCorrect", "robustAccuracy", &figure, err);
            if (r == 0 && (judgement->samples < 0 || figure.total < judgement->samples))
                judgement->samples = figure.total;
        }
    }
    return r;
}

static int judge_curves(const struct policy_robust_minimum *minima, unsigned count, const json_t *check,
                        const char *where, struct judgement *judgement, struct error *err)
{
    const json_t *curves;
    int r = judge_read_list(check, where, "curves", &curves, err);

    if (r == 0)
        r = read_points(curves, where, judgement, err);
    for (unsigned i = 0; r == 0 && i < count; i++)
        r = judge_minimum(&minima[i], curves, where, judgement, err);
    return r;
}

/* --- attacks --------------------------------------------------------------------------------------- */

static int judge_attack(const struct policy_attack *attack, const json_t *check, const char *where,
                        struct judgement *judgement, struct error *err)
{
    return judge_curves(attack->thresholds, attack->threshold_count, check, where, judgement, err);
}

int judge_noise(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    return judge_attack(&policy->noise, check, "noise point", judgement, err);
}

int judge_fgsm(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    return judge_attack(&policy->fgsm, check, "fgsm point", judgement, err);
}

int judge_pgd(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    return judge_attack(&policy->pgd, check, "pgd point", judgement, err);
}

int judge_square(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    return judge_attack(&policy->square, check, "square point", judgement, err);
}

/* --- robustness ------------------------------------------------------------------------------------ */

/* Where gradients are masked, attacks by gradients say little, and robustness may be an illusion: a person decides. */
static int judge_masking(const json_t *check, struct judgement *judgement, struct error *err)
{
    const json_t *masking;
    int r = judge_read_list(check, "robustness", "masking", &masking, err);

    for (size_t i = 0; r == 0 && i < json_array_size(masking); i++) {
        const json_t *entry = json_array_get(masking, i);
        const char *norm = json_string_value(json_object_get(entry, "norm"));
        const char *eps = json_string_value(json_object_get(entry, "eps")), *flag;

        r = field_string(entry, "robustness masking", "flag", STATEMENT_WORD_MAX, &flag, err);
        if (r == 0 && norm != NULL && eps != NULL)
            judge_conclude(judgement, CHECK_WARNED, "gradients may be masked: %s at norm %.16s, eps %.16s", flag, norm,
                           eps);
        else if (r == 0)
            judge_conclude(judgement, CHECK_WARNED, "gradients may be masked: %s", flag);
    }
    return r;
}

int judge_robustness(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    const struct policy_robustness *robustness = &policy->robustness;
    int r = judge_curves(robustness->thresholds, robustness->threshold_count, check, "robustness", judgement, err);

    return r == 0 ? judge_masking(check, judgement, err) : r;
}
