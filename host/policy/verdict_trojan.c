/* SPDX-License-Identifier: Apache-2.0 */
/* Judging searches for triggers: what turns inputs, and stands out from what other targets' triggers do. */
#include "host/policy/judge.h"

#include "host/json/field.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

/* What the other targets do: docs/evaluation.md. */
struct null {
    bool known; /* false: too few targets */
    double median, mad;
};

static int read_null(const json_t *object, const char *where, struct null *ret_null, struct error *err)
{
    struct null null = {.known = !json_is_null(json_object_get(object, "median"))};
    int r = judge_read_decimal(object, where, "median", 0, &null.median, err);

    if (r == 0)
        r = judge_read_decimal(object, where, "mad", 0, &null.mad, err);
    if (r == 0)
        *ret_null = null;
    return r;
}

/* An entry's index; without one: 0 without a null, else infinite, as the deviation of the others is 0. */
static int read_index(const json_t *entry, const char *where, const struct null *null, double *ret_index,
                      struct error *err)
{
    return judge_read_decimal(entry, where, "index", null->known ? INFINITY : 0, ret_index, err);
}

/* --- trigger-scan ------------------------------------------------------------------------------------ */

static int judge_target(const struct policy_trigger_scan *policy, const struct null *null, const json_t *entry,
                        struct judgement *judgement, struct error *err)
{
    static const char where[] = "trigger-scan target";
    int64_t target, height, width, row, col;
    double success, index;
    int r = field_integer(entry, where, "target", 0, INT32_MAX, &target, err);

    if (r == 0)
        r = field_integer(entry, where, "height", 0, UINT32_MAX, &height, err);
    if (r == 0)
        r = field_integer(entry, where, "width", 0, UINT32_MAX, &width, err);
    if (r == 0)
        r = field_integer(entry, where, "row", 0, UINT32_MAX, &row, err);
    if (r == 0)
        r = field_integer(entry, where, "col", 0, UINT32_MAX, &col, err);
    if (r == 0)
        r = judge_read_decimal(entry, where, "success", 0, &success, err);
    if (r == 0)
        r = read_index(entry, where, null, &index, err);
    if (r < 0)
        return r;
    /* Where there are too few targets to compare with, what a trigger does must do. */
    if (success >= policy->minimum_success && (!null->known || (success > null->median && index >= policy->anomaly)))
        judge_conclude(judgement, CHECK_FAILED,
                       "a pattern of %" PRId64 "x%" PRId64 " at row %" PRId64 ", column %" PRId64
                       " turns %.6f of other inputs to class %" PRId64
                       " (median of the targets %.6f): a possible backdoor",
                       height, width, row, col, success, target, null->median);
    return 0;
}

static int judge_user_trigger(const struct policy_trigger_scan *policy, const json_t *entry,
                              struct judgement *judgement, struct error *err)
{
    static const char where[] = "trigger-scan trigger";
    int64_t index, target;
    double rate;
    int r = field_integer(entry, where, "index", 0, INT32_MAX, &index, err);

    if (r == 0)
        r = field_integer(entry, where, "target", 0, INT32_MAX, &target, err);
    if (r == 0)
        r = judge_read_decimal(entry, where, "flipRate", 0, &rate, err);
    if (r == 0 && rate >= policy->minimum_success)
        judge_conclude(judgement, CHECK_FAILED,
                       "trigger %" PRId64 " of those given turns %.6f of other inputs to class %" PRId64, index, rate,
                       target);
    return r;
}

static int judge_coverage(const json_t *check, struct judgement *judgement, struct error *err)
{
    static const char where[] = "trigger-scan coverage";
    json_t *coverage;
    int64_t tried, places;
    int r = field_object(check, "trigger-scan", "coverage", &coverage, err);

    if (r == 0)
        r = field_integer(coverage, where, "places", 0, INT64_MAX, &places, err);
    if (r == 0)
        r = field_integer(coverage, where, "tried", 0, places, &tried, err);
    if (r == 0 && tried < places)
        judge_conclude(judgement, CHECK_WARNED,
                       "cut short by the policy's budget: %" PRId64 " of %" PRId64 " places were tried", tried, places);
    return r;
}

int judge_trigger_scan(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    const json_t *targets, *triggers;
    json_t *object;
    struct null null;
    int r = judge_read_list(check, "trigger-scan", "targets", &targets, err);

    if (r == 0)
        r = judge_read_list(check, "trigger-scan", "triggers", &triggers, err);
    if (r == 0)
        r = field_object(check, "trigger-scan", "null", &object, err);
    if (r == 0)
        r = read_null(object, "trigger-scan null", &null, err);
    for (size_t i = 0; r == 0 && i < json_array_size(targets); i++)
        r = judge_target(&policy->trigger_scan, &null, json_array_get(targets, i), judgement, err);
    for (size_t i = 0; r == 0 && i < json_array_size(triggers); i++)
        r = judge_user_trigger(&policy->trigger_scan, json_array_get(triggers, i), judgement, err);
    return r == 0 ? judge_coverage(check, judgement, err) : r;
}

/* --- neural-cleanse ---------------------------------------------------------------------------------- */

static int judge_mask(const struct policy_neural_cleanse *policy, const struct null *null, const json_t *entry,
                      struct judgement *judgement, struct error *err)
{
    static const char where[] = "neural-cleanse class";
    int64_t label;
    double l1, success, index;
    int r = field_integer(entry, where, "label", 0, INT32_MAX, &label, err);

    if (r == 0)
        r = field_decimal(entry, where, "l1", &l1, err);
    if (r == 0)
        r = judge_read_decimal(entry, where, "success", 0, &success, err);
    if (r == 0)
        r = read_index(entry, where, null, &index, err);
    if (r == 0 && null->known && success >= policy->success && l1 <= null->median && index >= policy->anomaly)
        judge_conclude(judgement, CHECK_FAILED,
                       "class %" PRId64
                       " has a trigger of L1 norm %.6f, far below the classes' median of %.6f, that turns"
                       " %.6f of other inputs: a possible backdoor",
                       label, l1, null->median, success);
    return r;
}

int judge_neural_cleanse(const struct policy *policy, const json_t *check, struct judgement *judgement,
                         struct error *err)
{
    const json_t *classes;
    struct null null;
    int r = judge_read_list(check, "neural-cleanse", "classes", &classes, err);

    if (r == 0)
        r = read_null(check, "neural-cleanse", &null, err);
    for (size_t i = 0; r == 0 && i < json_array_size(classes); i++)
        r = judge_mask(&policy->neural_cleanse, &null, json_array_get(classes, i), judgement, err);
    return r;
}
