/* SPDX-License-Identifier: Apache-2.0 */
/* From what the guest answered to facts and verdict. */
#include "host/job/assess.h"

#include "base/io.h"
#include "host/job/deadlines.h"
#include "host/json/canonical.h"
#include "host/score/evaluation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EVALUATION_BYTES_MAX ((size_t)64 << 20)

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

static enum score_norm score_norm_of(double norm)
{
    return norm == PLAN_NORM_INF ? SCORE_NORM_INF : norm == 2 ? SCORE_NORM_2 : SCORE_NORM_1;
}

/* --- adversarial samples against their clean inputs ------------------------------------------------------ */

static int check_point(const struct plan_made *made, const struct results *results, const float *clean, uint32_t check,
                       uint32_t curve, uint32_t point, struct error *err)
{
    const struct plan_check *planned = &results->plan->checks[check];
    const struct plan_contract *contract = &results->plan->contract;
    const struct samples_rule rule = {
        .check = plan_check_name(planned->id),
        .norm = score_norm_of(planned->attack.curves[curve].norm),
        .eps = planned->attack.curves[curve].eps[point],
        .eps_text = plan_make_eps_text(made, check, curve, point),
        .range_low = contract->range_low,
        .range_high = contract->range_high,
    };

    for (uint32_t i = 0; i < results->sample_count; i++) {
        const float *adversarial = results->checks[check].points[curve][point].samples + i * results->elements;
        int r = samples_check(&rule, i, clean + i * results->elements, adversarial, results->elements, NULL, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int check_samples(const struct admission *admission, const struct plan_made *made, const struct results *results,
                         struct error *err)
{
    CLEANUP_FREE float *clean = calloc(results->sample_count * results->elements + 1, sizeof *clean);
    int r;

    if (results->sample_count == 0)
        return 0;
    if (clean == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %u clean inputs", results->sample_count);
    r = data_reader_window(admission->reader, DATA_SET_TEST, 0, results->sample_count, clean,
                           io_deadline_ms(JOB_DEADLINE_DESCRIBE_MS), err);
    for (uint32_t check = 0; r == 0 && check < results->plan->check_count; check++) {
        const struct plan_check *planned = &results->plan->checks[check];

        if (!plan_check_is_attack(planned->id) || planned->attack.samples == 0)
            continue;
        for (uint32_t curve = 0; r == 0 && curve < planned->attack.curve_count; curve++)
            for (uint32_t point = 0; r == 0 && point < planned->attack.curves[curve].point_count; point++)
                r = check_point(made, results, clean, check, curve, point, err);
    }
    return r;
}

/* --- the input of evaluation.json ---------------------------------------------------------------------------- */

/* Everything that an evaluation_input points at, for one evaluation. */
struct facts {
    struct evaluation_point points[PLAN_CURVES_MAX][PLAN_POINTS_MAX];
    struct evaluation_curve curves[PLAN_CURVES_MAX];
    struct evaluation_cluster *clusters; /* owned */
    struct evaluation_check checks[PLAN_CHECKS_MAX + PLAN_CHECK_ID_COUNT];
    size_t check_count;
};

static void state_attack(struct facts *facts, const struct plan_made *made, const struct results *results,
                         uint32_t index, struct evaluation_check *check)
{
    const struct plan_check *planned = &results->plan->checks[index];

    check->kind = EVALUATION_ATTACK;
    check->curve_count = planned->attack.curve_count;
    check->curves = facts->curves;
    for (uint32_t curve = 0; curve < planned->attack.curve_count; curve++) {
        const struct plan_curve *from = &planned->attack.curves[curve];

        for (uint32_t point = 0; point < from->point_count; point++)
            facts->points[curve][point] = (struct evaluation_point){
                .eps = plan_make_eps_text(made, index, curve, point),
                .predictions = results->checks[index].points[curve][point].predictions,
            };
        facts->curves[curve] = (struct evaluation_curve){
            .norm = score_norm_of(from->norm), .point_count = from->point_count, .points = facts->points[curve]};
    }
}

static int state_clustering(struct facts *facts, const struct policy *policy, const struct results_check *result,
                            struct evaluation_check *check)
{
    facts->clusters = calloc(result->cluster_count + 1, sizeof *facts->clusters);
    if (facts->clusters == NULL)
        return -ENOMEM;
    check->kind = EVALUATION_CLUSTERING;
    check->layer = result->layer;
    check->rule = (struct clustering_rule){.alpha = policy->activation_clustering.alpha,
                                           .effect_min = policy->activation_clustering.minimum_effect,
                                           .test_share_max = policy->activation_clustering.maximum_test_share};
    check->minimum_class_size = policy->activation_clustering.minimum_class_size;
    check->cluster_count = result->cluster_count;
    check->clusters = facts->clusters;
    for (uint32_t i = 0; i < result->cluster_count; i++) {
        const struct message_cluster *cluster = &result->clusters[i];

        facts->clusters[i] = (struct evaluation_cluster){
            .sizes = {.label = cluster->label,
                      .sizes = {cluster->sizes[0], cluster->sizes[1]},
                      .test_sizes = {cluster->test_sizes[0], cluster->test_sizes[1]}},
            .skipped = cluster->outcome == MESSAGE_CLUSTER_TOO_SMALL ? "too small" : NULL,
            .silhouette = cluster->silhouette,
            .separation = cluster->separation,
            .index_count = {cluster->index_count[0], cluster->index_count[1]},
            .indices = {cluster->indices[0], cluster->indices[1]},
        };
    }
    return 0;
}

static int state_checks(struct facts *facts, const struct admission *admission, const struct plan_made *made,
                        const struct results *results)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < made->plan.check_count; i++) {
        const struct plan_check *planned = &made->plan.checks[i];
        struct evaluation_check *check = &facts->checks[facts->check_count++];

        *check = (struct evaluation_check){.id = plan_check_name(planned->id), .version = planned->version};
        if (planned->id == PLAN_FGSM)
            state_attack(facts, made, results, i, check);
        else if (planned->id == PLAN_ACTIVATION_CLUSTERING)
            r = state_clustering(facts, &admission->policy, &results->checks[i], check);
    }
    for (unsigned i = 0; i < made->skip_count; i++)
        facts->checks[facts->check_count++] = (struct evaluation_check){
            .kind = made->skips[i].id == PLAN_FGSM ? EVALUATION_ATTACK : EVALUATION_CLUSTERING,
            .id = plan_check_name(made->skips[i].id),
            .version =
                made->skips[i].id == PLAN_FGSM ? PLAN_MAKE_VERSION_FGSM : PLAN_MAKE_VERSION_ACTIVATION_CLUSTERING,
            .outcome = EVALUATION_SKIPPED,
            .reason = made->skips[i].reason,
        };
    return r;
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

static int build(const struct admission *admission, const struct plan_made *made, const struct results *results,
                 const struct facts *facts, json_t **ret_evaluation, struct error *err)
{
    const struct data_description *description = admission->description;
    const struct data_set_description *test = &description->sets[DATA_SET_TEST];
    const struct data_set_description *train = &description->sets[DATA_SET_TRAIN];
    const struct evaluation_input input = {
        .arithmetic = plan_arithmetic_name(made->plan.arithmetic),
        .model_sha256 = admission->model_sha256,
        .data_sha256 = description->data_sha256,
        .policy_sha256 = admission->policy.sha256,
        .test_sha256 = test->sha256,
        .train_sha256 = train->present ? train->sha256 : NULL,
        .spec_sha256 = description->has_spec ? description->spec_sha256 : NULL,
        .classes = results->classes,
        .test_count = test->count,
        .test_labels = admission->test_labels,
        .clean_predictions = results->checks[0].points[0][0].predictions, /* plan_make puts clean-accuracy first */
        .train_count = train->present ? train->count : 0,
        .train_labels = admission->train_labels,
        .check_count = facts->check_count,
        .checks = facts->checks,
    };
    struct judging judging = {.policy = &admission->policy};
    int r = evaluation_build(&input, judge, &judging, ret_evaluation, err);

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
    r = check_samples(admission, made, results, err);
    if (r < 0)
        return r;
    r = state_checks(facts, admission, made, results);
    if (r < 0)
        (void)error_set(err, ERROR_UNAVAILABLE, r, "no memory for the facts");
    else
        r = build(admission, made, results, facts, &assessment->evaluation, err);
    free(facts->clusters);
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
