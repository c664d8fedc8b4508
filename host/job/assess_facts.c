/* SPDX-License-Identifier: Apache-2.0 */
/* From what the guest answered, and the policy's rules, to the input of evaluation.json. */
#include "host/job/assess_facts.h"

#include "host/json/digest.h"

#include <errno.h>
#include <string.h>

static enum evaluation_kind kind_of(enum plan_check_id id)
{
    static const enum evaluation_kind kinds[PLAN_CHECK_ID_COUNT] = {
        [PLAN_SCAN] = EVALUATION_SCAN,
        [PLAN_CLEAN_ACCURACY] = EVALUATION_CLEAN_ACCURACY,
        [PLAN_NOISE] = EVALUATION_ATTACK,
        [PLAN_FGSM] = EVALUATION_ATTACK,
        [PLAN_PGD] = EVALUATION_ATTACK,
        [PLAN_SQUARE] = EVALUATION_ATTACK,
        [PLAN_ACTIVATION_CLUSTERING] = EVALUATION_CLUSTERING,
        [PLAN_SPECTRAL_SIGNATURE] = EVALUATION_SPECTRAL_SIGNATURE,
        [PLAN_TRIGGER_SCAN] = EVALUATION_TRIGGER_SCAN,
        [PLAN_NEURAL_CLEANSE] = EVALUATION_NEURAL_CLEANSE,
        [PLAN_STRIP] = EVALUATION_STRIP,
        [PLAN_WEIGHT_DRIFT] = EVALUATION_WEIGHT_DRIFT,
    };

    return kinds[id];
}

/* --- attacks --------------------------------------------------------------------------------------- */

static enum attack_family family_of(enum plan_check_id id)
{
    if (id == PLAN_FGSM)
        return ATTACK_SINGLE_STEP;
    return id == PLAN_PGD ? ATTACK_ITERATIVE : ATTACK_BLACK_BOX;
}

static void state_curves(struct facts_attack *facts, const struct plan_made *made, const struct results *results,
                         uint32_t index)
{
    const struct plan_attack *planned = &results->plan->checks[index].attack;

    for (uint32_t curve = 0; curve < planned->curve_count; curve++) {
        const struct plan_curve *from = &planned->curves[curve];

        for (uint32_t point = 0; point < from->point_count; point++)
            facts->points[curve][point] = (struct attack_curve_point){
                .eps = from->eps[point],
                .eps_text = plan_make_eps_text(made, index, curve, point),
                .predictions = results->checks[index].points[curve][point].predictions,
            };
        facts->curves[curve] = (struct attack_curve){.norm = from->norm,
                                                     .minimal = from->minimal,
                                                     .point_count = from->point_count,
                                                     .points = facts->points[curve]};
    }
}

static void state_attack(struct facts *facts, const struct plan_made *made, const struct results *results,
                         uint32_t index, struct evaluation_check *check)
{
    const struct plan_check *planned = &results->plan->checks[index];
    struct facts_attack *attack = &facts->attacks[index];

    state_curves(attack, made, results, index);
    attack->run = (struct attack_run){.id = plan_check_name(planned->id),
                                      .family = family_of(planned->id),
                                      .goal = planned->attack.goal,
                                      .restarts = planned->attack.restarts,
                                      .iterations = planned->attack.iterations,
                                      .step = planned->attack.step,
                                      .curve_count = planned->attack.curve_count,
                                      .curves = attack->curves};
    check->attack = &attack->run;
}

/* --- checks for backdoors ---------------------------------------------------------------------------- */

static int state_clustering(struct facts *facts, const struct policy *policy, const struct plan_check *planned,
                            const struct results_check *result, struct evaluation_check *check)
{
    facts->clusters = calloc(result->cluster_count + 1, sizeof *facts->clusters);
    if (facts->clusters == NULL)
        return -ENOMEM;
    check->reduction = planned->clustering.reduction;
    check->minimum_class_size = planned->clustering.minimum_class_size;
    check->rule = (struct clustering_rule){.alpha = policy->activation_clustering.alpha,
                                           .effect_min = policy->activation_clustering.minimum_effect,
                                           .test_share_max = policy->activation_clustering.maximum_test_share};
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

/* The policy's rules for the figures of tables. */
static void state_rules(const struct policy *policy, const struct plan_check *planned, struct evaluation_check *check)
{
    switch (planned->id) {
    case PLAN_SPECTRAL_SIGNATURE:
        check->minimum_class_size = planned->spectral.minimum_class_size;
        break;
    case PLAN_TRIGGER_SCAN:
        check->anomaly = (struct anomaly_rule){.minimum_success = policy->trigger_scan.minimum_success,
                                               .anomaly = policy->trigger_scan.anomaly};
        break;
    case PLAN_NEURAL_CLEANSE:
        check->anomaly = (struct anomaly_rule){.minimum_success = policy->neural_cleanse.success,
                                               .anomaly = policy->neural_cleanse.anomaly};
        break;
    case PLAN_WEIGHT_DRIFT:
        check->drift = (struct drift_rule){.alpha = policy->weight_drift.alpha,
                                           .minimum_effect = policy->weight_drift.minimum_effect};
        break;
    default:
        break;
    }
}

/* --- the scan ---------------------------------------------------------------------------------------- */

/* The file's name would be a fact of the host: the same bytes are the same evaluation under any name. */
static int state_scan(struct facts *facts, const struct results *results, struct evaluation_check *check)
{
    facts->scan = file_report_document(&results->scan);
    if (facts->scan == NULL || json_object_set_new(facts->scan, "name", json_string("model")) != 0 ||
        json_object_set_new(facts->scan, "sha256", json_new_digest(results->plan->model_sha256)) != 0 ||
        json_object_set_new(facts->scan, "size", json_integer((json_int_t)results->plan->model_size)) != 0)
        return -ENOMEM;
    check->scan = facts->scan;
    return 0;
}

/* --- all checks -------------------------------------------------------------------------------------- */

static int state_check(struct facts *facts, const struct policy *policy, const struct plan_made *made,
                       const struct results *results, uint32_t index)
{
    const struct plan_check *planned = &made->plan.checks[index];
    const struct results_check *result = &results->checks[index];
    struct evaluation_check *check = &facts->checks[facts->check_count++];

    *check = (struct evaluation_check){
        .kind = kind_of(planned->id), .id = plan_check_name(planned->id), .version = planned->version};
    if (planned->id == PLAN_SCAN)
        return state_scan(facts, results, check);
    if (results_are_dangerous(results)) {
        check->outcome = EVALUATION_SKIPPED;
        check->reason = "the scan calls the model dangerous: it was not imported";
        return 0;
    }
    if (result->skipped[0] != '\0') {
        check->outcome = EVALUATION_UNFIT;
        check->reason = result->skipped;
        return 0;
    }
    check->layer = result->layer;
    for (unsigned i = 0; i < SCORE_TABLES_MAX; i++)
        check->tables[i] = (struct score_table){result->tables[i].count, result->tables[i].rows};
    if (plan_check_is_attack(planned->id))
        state_attack(facts, made, results, index, check);
    state_rules(policy, planned, check);
    return planned->id == PLAN_ACTIVATION_CLUSTERING ? state_clustering(facts, policy, planned, result, check) : 0;
}

static bool is_attacked(const struct facts *facts)
{
    for (size_t i = 0; i < facts->check_count; i++)
        if (facts->checks[i].kind == EVALUATION_ATTACK && facts->checks[i].outcome == EVALUATION_DONE)
            return true;
    return false;
}

/* The one check that the guest has no part in. */
static void state_robustness(struct facts *facts)
{
    struct evaluation_check *check = &facts->checks[facts->check_count];

    *check = (struct evaluation_check){
        .kind = EVALUATION_ROBUSTNESS, .id = "robustness", .version = ASSESS_VERSION_ROBUSTNESS};
    if (!is_attacked(facts)) {
        check->outcome = EVALUATION_SKIPPED;
        check->reason = "no attack was made";
    }
    facts->check_count++;
}

int facts_state(const struct admission *admission, const struct plan_made *made, const struct results *results,
                struct facts *facts)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < made->plan.check_count; i++)
        r = state_check(facts, &admission->policy, made, results, i);
    if (admission->policy.robustness.present)
        state_robustness(facts);
    for (unsigned i = 0; i < made->skip_count; i++)
        facts->checks[facts->check_count++] = (struct evaluation_check){
            .kind = kind_of(made->skips[i].id),
            .id = plan_check_name(made->skips[i].id),
            .version = plan_make_version(made->skips[i].id),
            .outcome = EVALUATION_SKIPPED,
            .reason = made->skips[i].reason,
        };
    return r;
}

void facts_free(struct facts *facts)
{
    free(facts->clusters);
    facts->clusters = NULL;
    json_decref(facts->scan);
    facts->scan = NULL;
}
