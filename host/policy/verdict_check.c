/* SPDX-License-Identifier: Apache-2.0 */
/* Judging one check's facts. */
#include "host/policy/judge.h"

#include "host/json/decimal.h"
#include "host/json/field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const judge_ids[JUDGE_ID_COUNT + 1] = {"clean-accuracy", "fgsm", "activation-clustering", NULL};

static const char *bound_name(enum policy_bound bound)
{
    return bound == POLICY_LOWER ? "lower 95% bound" : "point value";
}

/* Fails, or fails further: the first reason stays. */
__attribute__((format(printf, 3, 4))) static void conclude(struct judgement *judgement, enum check_status status,
                                                           const char *format, ...)
{
    va_list arguments;

    if (judgement->status == CHECK_FAILED || (judgement->status == CHECK_WARNED && status == CHECK_WARNED))
        return;
    judgement->status = status;
    va_start(arguments, format);
    (void)vsnprintf(judgement->reason, sizeof judgement->reason, format, arguments);
    va_end(arguments);
}

/* A figure that a threshold is held against: `correct` of `total`, and what the evaluation makes of them. */
struct figure {
    int64_t correct, total;
    double point, lower; /* 0 without samples */
};

static int read_decimal_or_null(const json_t *object, const char *where, const char *key, double *ret,
                                struct error *err)
{
    *ret = 0;
    return json_is_null(json_object_get(object, key)) ? 0 : field_decimal(object, where, key, ret, err);
}

static int read_figure(const json_t *object, const char *where, const char *correct_key, const char *point_key,
                       struct figure *ret_figure, struct error *err)
{
    const char *lower = json_string_value(json_array_get(json_object_get(object, "ci95"), 0));
    struct figure figure;
    int r = field_integer(object, where, "total", 0, INT32_MAX, &figure.total, err);

    if (r == 0)
        r = field_integer(object, where, correct_key, 0, figure.total, &figure.correct, err);
    if (r == 0)
        r = read_decimal_or_null(object, where, point_key, &figure.point, err);
    if (r < 0)
        return r;
    if (lower == NULL || json_decimal_parse(lower, &figure.lower) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.ci95: two decimal strings expected", where);
    *ret_figure = figure;
    return 0;
}

static double bounded(enum policy_bound bound, const struct figure *figure)
{
    return bound == POLICY_LOWER ? figure->lower : figure->point;
}

/* --- clean-accuracy ------------------------------------------------------------------------------ */

static int judge_clean_accuracy(const struct policy_clean_accuracy *policy, const json_t *check,
                                struct judgement *judgement, struct error *err)
{
    struct figure figure;
    int64_t classes;
    int r = read_figure(check, "clean-accuracy", "correct", "accuracy", &figure, err);

    if (r == 0)
        r = field_integer(check, "clean-accuracy", "classes", 1, UINT32_MAX, &classes, err);
    if (r < 0)
        return r;
    judgement->samples = figure.total;
    /* No better than guessing is more often wrong preprocessing than a bad model: a person decides. */
    if (classes > 1 && figure.lower <= 1.0 / (double)classes)
        conclude(judgement, CHECK_WARNED,
                 "%" PRId64 " of %" PRId64 " right is near chance for %" PRId64
                 " classes: check preprocessing and labels",
                 figure.correct, figure.total, classes);
    else if (bounded(policy->bound, &figure) < policy->accuracy)
        conclude(judgement, CHECK_FAILED, "%s %.6f of accuracy (%" PRId64 " of %" PRId64 ") is below the policy's %.6g",
                 bound_name(policy->bound), bounded(policy->bound, &figure), figure.correct, figure.total,
                 policy->accuracy);
    return 0;
}

/* --- fgsm ---------------------------------------------------------------------------------------- */

/* The element of `list` whose string at `key` is `text`, or NULL. */
static const json_t *find_by(const json_t *list, const char *key, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *element = json_array_get(list, i);
        const char *found = json_string_value(json_object_get(element, key));

        if (found != NULL && strcmp(found, text) == 0)
            return element;
    }
    return NULL;
}

static int judge_point(const struct policy_robust_minimum *minimum, const json_t *check, struct judgement *judgement,
                       struct error *err)
{
    const char *norm = minimum->norm.text;
    const json_t *curve = find_by(json_object_get(check, "curves"), "norm", norm);
    const json_t *point = find_by(json_object_get(curve, "points"), "eps", minimum->eps.text);
    struct figure figure;
    int r;

    if (point == NULL) {
        conclude(judgement, CHECK_WARNED, "no point at norm %s, eps %s, which the policy has a threshold for", norm,
                 minimum->eps.text);
        return 0;
    }
    r = read_figure(point, "fgsm point", "robustCorrect", "robustAccuracy", &figure, err);
    if (r < 0)
        return r;
    if (judgement->samples < 0 || figure.total < judgement->samples)
        judgement->samples = figure.total;
    if (bounded(minimum->bound, &figure) < minimum->robust_accuracy)
        conclude(judgement, CHECK_FAILED,
                 "%s %.6f of robust accuracy (%" PRId64 " of %" PRId64
                 ") at norm %s, eps %s is below the policy's %.6g",
                 bound_name(minimum->bound), bounded(minimum->bound, &figure), figure.correct, figure.total, norm,
                 minimum->eps.text, minimum->robust_accuracy);
    return 0;
}

static int judge_fgsm(const struct policy_attack *policy, const json_t *check, struct judgement *judgement,
                      struct error *err)
{
    json_t *curves;
    int r = field_array(check, "fgsm", "curves", &curves, err);

    for (unsigned i = 0; r == 0 && i < policy->threshold_count; i++)
        r = judge_point(&policy->thresholds[i], check, judgement, err);
    return r;
}

/* --- activation-clustering ------------------------------------------------------------------------- */

static int read_pair(const json_t *object, const char *key, int64_t ret_pair[2], struct error *err)
{
    const json_t *list = json_object_get(object, key);

    if (json_array_size(list) != 2)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "activation-clustering class.%s: two counts expected", key);
    for (size_t i = 0; i < 2; i++) {
        const json_t *count = json_array_get(list, i);

        if (!json_is_integer(count) || json_integer_value(count) < 0 || json_integer_value(count) > INT32_MAX)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "activation-clustering class.%s: counts expected", key);
        ret_pair[i] = json_integer_value(count);
    }
    return 0;
}

static int judge_class(const struct policy_activation_clustering *policy, const json_t *class,
                       struct judgement *judgement, struct error *err)
{
    int64_t label, sizes[2], test_sizes[2];
    double p_holm, effect, test_share;
    int r = field_integer(class, "activation-clustering class", "label", 0, INT32_MAX, &label, err);

    if (r < 0)
        return r;
    if (json_object_get(class, "skipped") != NULL) {
        conclude(judgement, CHECK_WARNED, "class %" PRId64 " was not looked at", label);
        return 0;
    }
    r = field_decimal(class, "activation-clustering class", "pHolm", &p_holm, err);
    if (r == 0)
        r = field_decimal(class, "activation-clustering class", "effect", &effect, err);
    if (r == 0)
        r = field_decimal(class, "activation-clustering class", "testShare", &test_share, err);
    if (r == 0)
        r = read_pair(class, "sizes", sizes, err);
    if (r == 0)
        r = read_pair(class, "testSizes", test_sizes, err);
    if (r == 0 && p_holm <= policy->alpha && effect >= policy->minimum_effect &&
        test_share <= policy->maximum_test_share)
        conclude(judgement, CHECK_FAILED,
                 "class %" PRId64 " has a cluster of training samples that test samples avoid (training %" PRId64
                 "/%" PRId64 ", test %" PRId64 "/%" PRId64 ", pHolm %.3g): a possible backdoor",
                 label, sizes[0], sizes[1], test_sizes[0], test_sizes[1], p_holm);
    return r;
}

static int judge_clustering(const struct policy_activation_clustering *policy, const json_t *check,
                            struct judgement *judgement, struct error *err)
{
    const json_t *classes = json_object_get(check, "classes");
    int r = 0;

    if (!json_is_array(classes))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "activation-clustering.classes: an array expected");
    if (json_array_size(classes) == 0)
        conclude(judgement, CHECK_WARNED, "no class was looked at");
    for (size_t i = 0; r == 0 && i < json_array_size(classes); i++)
        r = judge_class(policy, json_array_get(classes, i), judgement, err);
    return r;
}

/* --- any check ------------------------------------------------------------------------------------- */

/* What the evaluation itself says of a check that was not looked at, or not fully. */
static void take_status(const json_t *check, enum check_status status, struct judgement *judgement)
{
    const char *reason = json_string_value(json_object_get(check, "reason"));

    conclude(judgement, status, "%s: %s", check_status_names[status], reason != NULL ? reason : "no reason given");
}

static int judge_facts(const struct policy *policy, enum judge_id id, const json_t *check, struct judgement *judgement,
                       struct error *err)
{
    switch (id) {
    case JUDGE_CLEAN_ACCURACY:
        return judge_clean_accuracy(&policy->clean_accuracy, check, judgement, err);
    case JUDGE_FGSM:
        return judge_fgsm(&policy->fgsm, check, judgement, err);
    case JUDGE_ACTIVATION_CLUSTERING:
        return judge_clustering(&policy->activation_clustering, check, judgement, err);
    case JUDGE_ID_COUNT:
        break;
    }
    return -EINVAL;
}

int judge_check(const struct policy *policy, enum judge_id id, const json_t *check, struct judgement *ret_judgement,
                struct error *err)
{
    struct judgement judgement = {.status = CHECK_PASSED, .samples = -1};
    unsigned status = CHECK_PASSED;
    int r = 0;

    if (json_object_get(check, "status") != NULL)
        r = field_choice(check, judge_ids[id], "status", check_status_names, &status, err);
    if (r == 0 && (status == CHECK_SKIPPED || status == CHECK_ERROR))
        take_status(check, (enum check_status)status, &judgement);
    else if (r == 0)
        r = judge_facts(policy, id, check, &judgement, err);
    if (r == 0 && status == CHECK_WARNED && judgement.status == CHECK_PASSED)
        take_status(check, CHECK_WARNED, &judgement);
    if (r == 0)
        *ret_judgement = judgement;
    return r;
}

int verdict_check_status(const struct policy *policy, const json_t *check, enum check_status *ret_status,
                         struct error *err)
{
    const bool present[JUDGE_ID_COUNT] = {policy->clean_accuracy.present, policy->fgsm.present,
                                          policy->activation_clustering.present};
    struct judgement judgement;
    unsigned id;
    int r = field_choice(check, "check", "id", judge_ids, &id, err);

    if (r < 0)
        return r;
    if (!present[id])
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the policy does not name this check", judge_ids[id]);
    r = judge_check(policy, (enum judge_id)id, check, &judgement, err);
    if (r == 0)
        *ret_status = judgement.status;
    return r;
}
