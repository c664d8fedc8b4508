/* SPDX-License-Identifier: Apache-2.0 */
/* Judging clusters of activations: training samples that trusted test samples avoid. */
#include "host/policy/judge.h"

#include "host/json/field.h"

#include <errno.h>
#include <inttypes.h>

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
        judge_conclude(judgement, CHECK_WARNED, "class %" PRId64 " was not looked at", label);
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
        judge_conclude(judgement, CHECK_FAILED,
                       "class %" PRId64 " has a cluster of training samples that test samples avoid (training %" PRId64
                       "/%" PRId64 ", test %" PRId64 "/%" PRId64 ", pHolm %.3g): a possible backdoor",
                       label, sizes[0], sizes[1], test_sizes[0], test_sizes[1], p_holm);
    return r;
}

int judge_clustering(const struct policy *policy, const json_t *check, struct judgement *judgement, struct error *err)
{
    const json_t *classes = json_object_get(check, "classes");
    int r = 0;

    if (!json_is_array(classes))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "activation-clustering.classes: an array expected");
    if (json_array_size(classes) == 0)
        judge_conclude(judgement, CHECK_WARNED, "no class was looked at");
    for (size_t i = 0; r == 0 && i < json_array_size(classes); i++)
        r = judge_class(&policy->activation_clustering, json_array_get(classes, i), judgement, err);
    return r;
}
