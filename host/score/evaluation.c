/* SPDX-License-Identifier: Apache-2.0 */
/* evaluation.json: the document around the checks' figures. */
#include "host/score/evaluation.h"

#include "host/json/digest.h"
#include "host/json/reader.h"
#include "host/score/figures.h"

#include <errno.h>
#include <string.h>

/* What each kind of check adds, and whose word its figures are (DESIGN: host, host-scored, guest). */
static const struct {
    figures_add *add;
    const char *provenance;
} kinds[EVALUATION_KIND_COUNT] = {
    [EVALUATION_SCAN] = {figures_add_scan, "guest"},
    [EVALUATION_CLEAN_ACCURACY] = {figures_add_clean_accuracy, "host-scored"},
    [EVALUATION_ATTACK] = {figures_add_attack, "host-scored"},
    [EVALUATION_ROBUSTNESS] = {figures_add_robustness, "host-scored"},
    /* The host does the statistics of these, but on the guest's word of what it saw. */
    [EVALUATION_CLUSTERING] = {figures_add_clustering, "guest"},
    [EVALUATION_SPECTRAL_SIGNATURE] = {figures_add_spectrum, "guest"},
    [EVALUATION_TRIGGER_SCAN] = {figures_add_trigger_scan, "guest"},
    [EVALUATION_NEURAL_CLEANSE] = {figures_add_neural_cleanse, "guest"},
    [EVALUATION_STRIP] = {figures_add_strip, "guest"},
    [EVALUATION_WEIGHT_DRIFT] = {figures_add_drift, "guest"},
};

const char *evaluation_status_name(enum evaluation_status status)
{
    static const char *const names[EVALUATION_STATUS_COUNT] = {"passed", "failed", "warned", "skipped", "error"};

    return status < EVALUATION_STATUS_COUNT ? names[status] : "error";
}

/* Whose word the object is: of a check that did not run, who says why. */
static const char *provenance_of(const struct evaluation_check *check)
{
    if (check->outcome == EVALUATION_DONE)
        return kinds[check->kind].provenance;
    return check->outcome == EVALUATION_UNFIT ? "guest" : "host";
}

/* Fields that every check has, and the reason of one that did not run. */
static int add_head(const struct evaluation_check *check, json_t *json, struct error *err)
{
    int failures = 0;

    figures_set(json, "id", json_string(check->id), &failures);
    figures_set(json, "version", json_integer(check->version), &failures);
    figures_set(json, "provenance", json_string(provenance_of(check)), &failures);
    if (failures > 0)
        return figures_no_memory(err);
    if (check->outcome == EVALUATION_DONE)
        return 0;
    if (check->reason == NULL || check->reason[0] == '\0' ||
        strnlen(check->reason, EVALUATION_TEXT_MAX) == EVALUATION_TEXT_MAX ||
        json_object_set_new(json, "reason", json_string(check->reason)) != 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "a check that did not run needs a reason in UTF-8");
    return 0;
}

static int build_check(const struct evaluation_input *input, const struct evaluation_check *check,
                       evaluation_judge *judge, void *context, json_t *checks, struct error *err)
{
    CLEANUP_JSON json_t *json = json_object();
    enum evaluation_status status =
        check->outcome == EVALUATION_ERROR ? EVALUATION_STATUS_ERROR : EVALUATION_STATUS_SKIPPED;
    int r;

    if (json == NULL)
        return figures_no_memory(err);
    r = add_head(check, json, err);
    if (r == 0 && check->outcome == EVALUATION_DONE) {
        r = kinds[check->kind].add(input, check, json, err);
        if (r == 0)
            status = judge(context, check, json);
    }
    if (r < 0) {
        (void)error_prefix(err, "check %s", check->id);
        return r;
    }
    if (json_object_set_new(json, "status", json_string(evaluation_status_name(status))) != 0 ||
        json_array_append(checks, json) != 0)
        return figures_no_memory(err);
    return 0;
}

static int add_inputs(const struct evaluation_input *input, json_t *evaluation, struct error *err)
{
    json_t *inputs = json_object();
    int failures = 0;

    figures_set(inputs, "test", json_new_digest(input->test_sha256), &failures);
    figures_set(inputs, "train", json_new_digest(input->train_sha256), &failures);
    figures_set(inputs, "spec", json_new_digest(input->spec_sha256), &failures);
    figures_set(inputs, "triggers", json_new_digest(input->triggers_sha256), &failures);
    figures_set(inputs, "reference", json_new_digest(input->reference_sha256), &failures);
    if (input->test_labels_sha256 != NULL)
        figures_set(inputs, "testLabels", json_new_digest(input->test_labels_sha256), &failures);
    if (input->train_labels_sha256 != NULL)
        figures_set(inputs, "trainLabels", json_new_digest(input->train_labels_sha256), &failures);
    figures_set(evaluation, "inputs", inputs, &failures);
    figures_set(evaluation, "arithmetic", json_string(input->arithmetic), &failures);
    figures_set(evaluation, "model", json_new_digest(input->model_sha256), &failures);
    figures_set(evaluation, "data", json_new_digest(input->data_sha256), &failures);
    figures_set(evaluation, "policy", json_new_digest(input->policy_sha256), &failures);
    figures_set(evaluation, "classes", json_integer(input->classes), &failures);
    return failures > 0 ? figures_no_memory(err) : 0;
}

static int check_input(const struct evaluation_input *input, struct error *err)
{
    if (input->model_sha256 == NULL || input->data_sha256 == NULL || input->policy_sha256 == NULL ||
        input->test_sha256 == NULL || input->arithmetic == NULL || input->test_labels == NULL || input->test_count == 0)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "an evaluation without digests, labels or arithmetic");
    for (size_t i = 0; i < input->check_count; i++) {
        if (input->checks[i].kind >= EVALUATION_KIND_COUNT || input->checks[i].id == NULL)
            return error_set(err, ERROR_INTERNAL, -EINVAL, "a check of an unknown kind");
        for (size_t j = 0; j < i; j++)
            if (strcmp(input->checks[i].id, input->checks[j].id) == 0)
                return error_set(err, ERROR_INTERNAL, -EINVAL, "check %s stands there twice", input->checks[i].id);
    }
    return 0;
}

int evaluation_build(const struct evaluation_input *input, evaluation_judge *judge, void *context,
                     json_t **ret_evaluation, struct error *err)
{
    CLEANUP_JSON json_t *evaluation = json_object();
    json_t *checks = json_array();
    int r = check_input(input, err);

    if (json_object_set_new(evaluation, "checks", checks) != 0)
        return r < 0 ? r : figures_no_memory(err);
    if (r == 0)
        r = add_inputs(input, evaluation, err);
    for (size_t i = 0; r == 0 && i < input->check_count; i++)
        r = build_check(input, &input->checks[i], judge, context, checks, err);
    if (r < 0)
        return r;
    *ret_evaluation = TAKE_POINTER(evaluation);
    return 0;
}
