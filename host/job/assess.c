/* SPDX-License-Identifier: Apache-2.0 */
/* From what the guest answered to facts and verdict. */
#include "host/job/assess.h"

#include "host/job/assess_facts.h"
#include "host/json/canonical.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GEOMETRY_CHANNELS_FEW 4u
#define EVALUATION_BYTES_MAX  ((size_t)64 << 20)

void assessment_fail(struct assessment *assessment, enum outcome outcome, const char *reason)
{
    assessment->failed = true;
    assessment->outcome = outcome;
    assessment->reason_count = 1;
    (void)snprintf(assessment->reasons[0], sizeof assessment->reasons[0], "%s", reason);
}

void assessment_free(struct assessment *assessment)
{
    json_decref(assessment->evaluation);
    buffer_free(&assessment->evaluation_bytes);
    verdict_free(&assessment->verdict);
}

void assessment_clear(struct assessment *assessment)
{
    assessment_free(assessment);
    *assessment = (struct assessment){.failed = false};
}

/* --- judging ---------------------------------------------------------------------------------------------------- */

struct judging {
    const struct policy *policy;
    struct error error;
    int code;
};

static enum evaluation_status judge(void *context, const struct evaluation_check *check, const json_t *figures)
{
    static const enum evaluation_status statuses[CHECK_STATUS_COUNT] = {
        [CHECK_PASSED] = EVALUATION_STATUS_PASSED, [CHECK_FAILED] = EVALUATION_STATUS_FAILED,
        [CHECK_WARNED] = EVALUATION_STATUS_WARNED, [CHECK_SKIPPED] = EVALUATION_STATUS_SKIPPED,
        [CHECK_ERROR] = EVALUATION_STATUS_ERROR,
    };
    struct judging *judging = context;
    enum check_status status = CHECK_ERROR;
    int r = verdict_check_status(judging->policy, figures, &status, &judging->error);

    (void)check;
    if (r < 0)
        judging->code = r;
    return statuses[status];
}

/* As the searches for triggers see an input: H×W, C×H×W, or H×W×C with few channels. */
static void set_geometry(const struct plan_contract *contract, struct evaluation_input *input)
{
    const uint64_t *dims = contract->dims;
    bool channels_last = contract->rank == 3 && dims[0] > GEOMETRY_CHANNELS_FEW && dims[2] <= GEOMETRY_CHANNELS_FEW;

    if (contract->rank < 2 || contract->rank > 3)
        return;
    input->height = dims[channels_last ? 0 : contract->rank - 2];
    input->width = dims[channels_last ? 1 : contract->rank - 1];
    input->channels = contract->rank == 2 ? 1 : (uint32_t)dims[channels_last ? 2 : 0];
}

static int build(const struct admission *admission, const struct plan_made *made, const struct results *results,
                 const struct facts *facts, json_t **ret_evaluation, struct error *err)
{
    const struct data_description *description = admission->description;
    const struct data_set_description *test = &description->sets[DATA_SET_TEST];
    const struct data_set_description *train = &description->sets[DATA_SET_TRAIN];
    const struct data_set_description *triggers = &description->sets[DATA_SET_TRIGGERS];
    struct evaluation_input input = {
        .arithmetic = plan_arithmetic_name(made->plan.arithmetic),
        .model_sha256 = admission->model_sha256,
        .data_sha256 = description->data_sha256,
        .policy_sha256 = admission->policy.sha256,
        .test_sha256 = test->sha256,
        .train_sha256 = train->present ? train->sha256 : NULL,
        .spec_sha256 = description->has_spec ? description->spec_sha256 : NULL,
        .triggers_sha256 = triggers->present ? triggers->sha256 : NULL,
        .reference_sha256 = made->plan.reference_size > 0 ? made->plan.reference_sha256 : NULL,
        .test_labels_sha256 = test->has_labels_file ? test->labels_sha256 : NULL,
        .train_labels_sha256 = train->present && train->has_labels_file ? train->labels_sha256 : NULL,
        .classes = results->classes,
        .test_count = test->count,
        .test_labels = admission->test_labels,
        .labels_travel = made->plan.sets[PLAN_SET_TEST].labelled,
        .train_count = train->present ? train->count : 0,
        .train_labels = admission->train_labels,
        .trigger_count = made->plan.sets[PLAN_SET_TRIGGERS].count / 2,
        .check_count = facts->check_count,
        .checks = facts->checks,
    };
    uint32_t accuracy = plan_make_find(&made->plan, PLAN_CLEAN_ACCURACY); /* always in the plan */
    struct judging judging = {.policy = &admission->policy};
    int r;

    if (results->checks[accuracy].skipped[0] != '\0') /* nothing can be scored without */
        return error_set(err, ERROR_GUEST, -EPROTO, "the guest skipped clean-accuracy: %s",
                         results->checks[accuracy].skipped);
    if (!results_are_dangerous(results))
        input.clean_predictions = results->checks[accuracy].points[0][0].predictions;
    set_geometry(&made->plan.contract, &input);
    r = evaluation_build(&input, judge, &judging, ret_evaluation, err);

    if (r == 0 && judging.code < 0) {
        *err = judging.error;
        r = judging.code;
    }
    return r;
}

static void take_verdict(struct assessment *assessment)
{
    const struct verdict *verdict = &assessment->verdict;

    assessment->outcome = verdict->outcome;
    for (size_t i = 0; i < verdict->reason_count && i < JOB_REASONS_MAX; i++) {
        (void)snprintf(assessment->reasons[i], sizeof assessment->reasons[i], "%s", verdict->reasons[i]);
        assessment->reason_count++;
    }
}

int assess_results(const struct admission *admission, const struct plan_made *made, const struct results *results,
                   const struct vm_record *record, struct assessment *assessment, struct error *err)
{
    CLEANUP_FREE struct facts *facts = calloc(1, sizeof *facts);
    enum statement_isolation isolation = record->isolation == VM_PROCESS ? STATEMENT_PROCESS : STATEMENT_MICROVM;
    enum statement_acceleration acceleration = record->isolation == VM_PROCESS        ? STATEMENT_NO_ACCELERATION
                                               : record->acceleration == VM_ACCEL_KVM ? STATEMENT_KVM
                                                                                      : STATEMENT_TCG;
    int r;

    if (facts == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the facts");
    r = results_are_dangerous(results) ? 0 : assess_samples(admission, made, results, err);
    if (r < 0)
        return r;
    r = facts_state(admission, made, results, facts);
    if (r < 0)
        (void)error_set(err, ERROR_UNAVAILABLE, r, "no memory for the facts");
    else
        r = build(admission, made, results, facts, &assessment->evaluation, err);
    facts_free(facts);
    if (r < 0)
        return r;
    assessment->evaluation_bytes = buffer_with_limit(EVALUATION_BYTES_MAX);
    r = json_canonical_encode(assessment->evaluation, &assessment->evaluation_bytes);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "evaluation.json has no canonical form: %s", strerror(-r));
    r = verdict_decide(&admission->policy, assessment->evaluation, isolation, acceleration, &assessment->verdict, err);
    if (r == 0)
        take_verdict(assessment);
    return r;
}
