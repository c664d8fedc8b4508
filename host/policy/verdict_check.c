/* SPDX-License-Identifier: Apache-2.0 */
/* Judging one check's facts: what all checks share, and the table of those that decide. */
#include "host/policy/judge.h"

#include "host/json/decimal.h"
#include "host/json/field.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *const judge_ids[JUDGE_ID_COUNT + 1] = {[JUDGE_SCAN] = "scan",
                                                   [JUDGE_CLEAN_ACCURACY] = "clean-accuracy",
                                                   [JUDGE_NOISE] = "noise",
                                                   [JUDGE_FGSM] = "fgsm",
                                                   [JUDGE_PGD] = "pgd",
                                                   [JUDGE_SQUARE] = "square",
                                                   [JUDGE_ROBUSTNESS] = "robustness",
                                                   [JUDGE_ACTIVATION_CLUSTERING] = "activation-clustering",
                                                   [JUDGE_SPECTRAL_SIGNATURE] = "spectral-signature",
                                                   [JUDGE_TRIGGER_SCAN] = "trigger-scan",
                                                   [JUDGE_NEURAL_CLEANSE] = "neural-cleanse",
                                                   [JUDGE_STRIP] = "strip",
                                                   [JUDGE_WEIGHT_DRIFT] = "weight-drift"};

/* NULL: a report, whose figures decide nothing (DESIGN, section 8). */
static judge_facts *const families[JUDGE_ID_COUNT] = {[JUDGE_SCAN] = judge_scan,
                                                      [JUDGE_CLEAN_ACCURACY] = judge_clean_accuracy,
                                                      [JUDGE_NOISE] = judge_noise,
                                                      [JUDGE_FGSM] = judge_fgsm,
                                                      [JUDGE_PGD] = judge_pgd,
                                                      [JUDGE_SQUARE] = judge_square,
                                                      [JUDGE_ROBUSTNESS] = judge_robustness,
                                                      [JUDGE_ACTIVATION_CLUSTERING] = judge_clustering,
                                                      [JUDGE_TRIGGER_SCAN] = judge_trigger_scan,
                                                      [JUDGE_NEURAL_CLEANSE] = judge_neural_cleanse};

struct judge_terms judge_terms_of(const struct policy *policy, enum judge_id id)
{
#define TERMS(section)                                                                                                 \
    {                                                                                                                  \
        policy->section.present, policy->section.required                                                              \
    }
    const struct judge_terms terms[JUDGE_ID_COUNT] = {
        [JUDGE_SCAN] = TERMS(scan),
        [JUDGE_CLEAN_ACCURACY] = TERMS(clean_accuracy),
        [JUDGE_NOISE] = TERMS(noise),
        [JUDGE_FGSM] = TERMS(fgsm),
        [JUDGE_PGD] = TERMS(pgd),
        [JUDGE_SQUARE] = TERMS(square),
        [JUDGE_ROBUSTNESS] = TERMS(robustness),
        [JUDGE_ACTIVATION_CLUSTERING] = TERMS(activation_clustering),
        [JUDGE_SPECTRAL_SIGNATURE] = TERMS(spectral_signature),
        [JUDGE_TRIGGER_SCAN] = TERMS(trigger_scan),
        [JUDGE_NEURAL_CLEANSE] = TERMS(neural_cleanse),
        [JUDGE_STRIP] = TERMS(strip),
        [JUDGE_WEIGHT_DRIFT] = TERMS(weight_drift),
    };

    return terms[id];
}

/* --- what families share ------------------------------------------------------------------------- */

void judge_conclude(struct judgement *judgement, enum check_status status, const char *format, ...)
{
    va_list arguments;

    if (judgement->status == CHECK_FAILED || (judgement->status == CHECK_WARNED && status == CHECK_WARNED))
        return;
    judgement->status = status;
    va_start(arguments, format);
    (void)vsnprintf(judgement->reason, sizeof judgement->reason, format, arguments);
    va_end(arguments);
}

const char *judge_bound_name(enum policy_bound bound)
{
    return bound == POLICY_LOWER ? "lower 95% bound" : "point value";
}

double judge_bounded(enum policy_bound bound, const struct judge_figure *figure)
{
    return bound == POLICY_LOWER ? figure->lower : figure->point;
}

int judge_read_decimal(const json_t *object, const char *where, const char *key, double without, double *ret,
                       struct error *err)
{
    *ret = without;
    return json_is_null(json_object_get(object, key)) ? 0 : field_decimal(object, where, key, ret, err);
}

int judge_read_list(const json_t *object, const char *where, const char *key, const json_t **ret_list,
                    struct error *err)
{
    const json_t *list = json_object_get(object, key);

    if (!json_is_array(list))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.%s: an array expected", where, key);
    *ret_list = list;
    return 0;
}

int judge_read_figure(const json_t *object, const char *where, const char *correct_key, const char *point_key,
                      struct judge_figure *ret_figure, struct error *err)
{
    const char *lower = json_string_value(json_array_get(json_object_get(object, "ci95"), 0));
    struct judge_figure figure;
    int r = field_integer(object, where, "total", 0, INT32_MAX, &figure.total, err);

    if (r == 0)
        r = field_integer(object, where, correct_key, 0, figure.total, &figure.correct, err);
    if (r == 0)
        r = judge_read_decimal(object, where, point_key, 0, &figure.point, err);
    if (r < 0)
        return r;
    if (lower == NULL || json_decimal_parse(lower, &figure.lower) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.ci95: two decimal strings expected", where);
    *ret_figure = figure;
    return 0;
}

/* --- any check ------------------------------------------------------------------------------------- */

/* What the evaluation itself says of a check that was not looked at, or not fully. */
static void take_status(const json_t *check, enum check_status status, struct judgement *judgement)
{
    const char *reason = json_string_value(json_object_get(check, "reason"));

    judge_conclude(judgement, status, "%s: %s", check_status_names[status],
                   reason != NULL ? reason : "no reason given");
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
    else if (r == 0 && families[id] != NULL)
        r = families[id](policy, check, &judgement, err);
    if (r == 0 && status == CHECK_WARNED && judgement.status == CHECK_PASSED)
        take_status(check, CHECK_WARNED, &judgement);
    if (r == 0)
        *ret_judgement = judgement;
    return r;
}

int verdict_check_status(const struct policy *policy, const json_t *check, enum check_status *ret_status,
                         struct error *err)
{
    struct judgement judgement;
    unsigned id;
    int r = field_choice(check, "check", "id", judge_ids, &id, err);

    if (r < 0)
        return r;
    if (!judge_terms_of(policy, (enum judge_id)id).present)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the policy does not name this check", judge_ids[id]);
    r = judge_check(policy, (enum judge_id)id, check, &judgement, err);
    if (r == 0)
        *ret_status = judgement.status;
    return r;
}
