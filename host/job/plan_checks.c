/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's checks. */
#include "host/job/plan_checks.h"

#include <stdio.h>
#include <string.h>

#define CHANNELS_FEW   4u
#define PATCH_SHARE    6u /* a patch hides at most one part of so many */
#define STRIDES_A_SIDE 14u

/* What every function below works with. */
struct making {
    const struct admission *admission;
    const struct policy *policy;
    const struct job_options *options;
    struct plan_made *made;
};

uint32_t plan_make_version(enum plan_check_id id)
{
    static const uint32_t versions[PLAN_CHECK_ID_COUNT] = {
        [PLAN_SCAN] = PLAN_MAKE_VERSION_SCAN,
        [PLAN_CLEAN_ACCURACY] = PLAN_MAKE_VERSION_CLEAN_ACCURACY,
        [PLAN_NOISE] = PLAN_MAKE_VERSION_NOISE,
        [PLAN_FGSM] = PLAN_MAKE_VERSION_FGSM,
        [PLAN_PGD] = PLAN_MAKE_VERSION_PGD,
        [PLAN_SQUARE] = PLAN_MAKE_VERSION_SQUARE,
        [PLAN_ACTIVATION_CLUSTERING] = PLAN_MAKE_VERSION_ACTIVATION_CLUSTERING,
        [PLAN_SPECTRAL_SIGNATURE] = PLAN_MAKE_VERSION_SPECTRAL_SIGNATURE,
        [PLAN_TRIGGER_SCAN] = PLAN_MAKE_VERSION_TRIGGER_SCAN,
        [PLAN_NEURAL_CLEANSE] = PLAN_MAKE_VERSION_NEURAL_CLEANSE,
        [PLAN_STRIP] = PLAN_MAKE_VERSION_STRIP,
        [PLAN_WEIGHT_DRIFT] = PLAN_MAKE_VERSION_WEIGHT_DRIFT,
    };

    return versions[id];
}

uint32_t plan_make_find(const struct plan *plan, enum plan_check_id id)
{
    uint32_t index = 0;

    while (index < plan->check_count && plan->checks[index].id != id)
        index++;
    return index;
}

/* SHA-256(model ‖ data ‖ policy ‖ check id): DESIGN, promise 3. */
static void make_seed(const struct admission *admission, struct plan_check *check)
{
    const char *name = plan_check_name(check->id);
    struct sha256 hash;

    sha256_start(&hash);
    sha256_update(&hash, admission->model_sha256, SHA256_SIZE);
    sha256_update(&hash, admission->description->data_sha256, SHA256_SIZE);
    sha256_update(&hash, admission->policy.sha256, SHA256_SIZE);
    sha256_update(&hash, name, strlen(name));
    sha256_finish(&hash, check->seed);
}

static struct plan_check *add_check(const struct making *making, enum plan_check_id id)
{
    struct plan *plan = &making->made->plan;
    struct plan_check *check = &plan->checks[plan->check_count++];

    *check = (struct plan_check){.id = id, .version = plan_make_version(id)};
    make_seed(making->admission, check);
    return check;
}

static void skip(const struct making *making, enum plan_check_id id, const char *reason)
{
    struct plan_skip *entry = &making->made->skips[making->made->skip_count++];

    *entry = (struct plan_skip){.id = id};
    (void)snprintf(entry->reason, sizeof entry->reason, "%s", reason);
}

/* --- why not ------------------------------------------------------------------------------------------- */

/* Rows and columns, with channels or without: what a patch can be put on. */
static bool has_places(const struct plan *plan)
{
    return plan->contract.rank == 2 || plan->contract.rank == 3;
}

/* The axis of rows, as the searches see it; columns follow: H×W, C×H×W, or H×W×C where the last axis alone is a few. */
static const uint64_t *find_rows(const struct plan_contract *contract)
{
    const uint64_t *dims = contract->dims;

    return contract->rank == 2 || (dims[0] > CHANNELS_FEW && dims[2] <= CHANNELS_FEW) ? dims : dims + 1;
}

/* The policy's stride, or one that keeps the number of places alike for small and large images. */
static uint32_t choose_stride(const struct plan_contract *contract, unsigned wanted)
{
    const uint64_t *rows = find_rows(contract);
    uint64_t shorter = rows[0] < rows[1] ? rows[0] : rows[1];

    if (wanted > 0)
        return wanted;
    return shorter < (uint64_t)2 * STRIDES_A_SIDE ? 1 : (uint32_t)(shorter / STRIDES_A_SIDE);
}

/* A larger patch hides what the image shows: it turns inputs of clean models as well, and drowns smaller triggers. */
static bool is_patch_small(const struct plan_contract *contract, uint64_t side)
{
    const uint64_t *rows = find_rows(contract);

    return side * side * PATCH_SHARE <= rows[0] * rows[1];
}

static bool has_small_patch(const struct plan_contract *contract, const struct policy_trigger_scan *policy)
{
    for (unsigned i = 0; i < policy->patch_count; i++)
        if (is_patch_small(contract, policy->patches[i]))
            return true;
    return false;
}

/* Of the searches for triggers, which look for patches. */
static const char *find_search_obstacle(const struct plan *plan)
{
    if (!plan->contract.has_range)
        return "a trigger has no colour: the spec names no range of valid inputs";
    return has_places(plan) ? NULL : "inputs are no images (channels, rows, columns), and a patch has no place";
}

/* Why these inputs don't allow a check, or NULL. */
static const char *find_obstacle(const struct plan *plan, const struct policy *policy, enum plan_check_id id)
{
    const char *obstacle;

    if (plan_check_is_attack(id) && !plan->contract.has_range)
        return "eps has no unit: the spec names no range of valid inputs";
    switch (id) {
    case PLAN_ACTIVATION_CLUSTERING:
    case PLAN_SPECTRAL_SIGNATURE:
        return plan->sets[PLAN_SET_TRAIN].present ? NULL : "there is no training set: give one with --train";
    case PLAN_TRIGGER_SCAN:
        obstacle = find_search_obstacle(plan);
        if (obstacle == NULL && !has_small_patch(&plan->contract, &policy->trigger_scan))
            return "each of the policy's patches hides more than a sixth of an input";
        return obstacle;
    case PLAN_NEURAL_CLEANSE:
        if (plan->contract.classes > 0 && plan->contract.classes < POLICY_CLEANSE_CLASSES_MIN)
            return "there are fewer than 6 classes, too few for a median to say what is unusual";
        return find_search_obstacle(plan);
    case PLAN_STRIP:
        return plan->sets[PLAN_SET_TRIGGERS].present ? NULL : "there is no trigger: give some with --triggers";
    case PLAN_WEIGHT_DRIFT:
        return plan->reference_size > 0 ? NULL : "there is no reference model: give one with --reference";
    default:
        return NULL;
    }
}

/* The check to fill in; NULL where the policy has none, or where it is skipped with its reason. */
static struct plan_check *begin(const struct making *making, enum plan_check_id id, bool present)
{
    const char *obstacle;

    if (!present)
        return NULL;
    obstacle = find_obstacle(&making->made->plan, making->policy, id);
    if (obstacle == NULL)
        return add_check(making, id);
    skip(making, id, obstacle);
    return NULL;
}

/* --- attacks ----------------------------------------------------------------------------------------------- */

static void make_attack(const struct making *making, enum plan_check_id id, const struct policy_attack *policy)
{
    struct plan_check *check = begin(making, id, policy->present);
    uint32_t asked = making->options->samples;

    if (check == NULL)
        return;
    check->attack.goal = (enum plan_goal)policy->goal;
    check->attack.restarts = policy->restarts;
    check->attack.iterations = policy->iterations;
    check->attack.step = policy->step;
    check->attack.samples = asked > PLAN_MAKE_SAMPLES_CHECKED ? asked : PLAN_MAKE_SAMPLES_CHECKED;
    check->attack.curve_count = policy->curve_count;
    for (unsigned i = 0; i < policy->curve_count; i++) {
        const struct policy_curve *from = &policy->curves[i];
        struct plan_curve *curve = &check->attack.curves[i];

        making->made->curves[making->made->plan.check_count - 1][i] = from;
        curve->norm = from->norm.value;
        curve->minimal = from->minimal;
        curve->point_count = from->count;
        for (unsigned j = 0; j < from->count; j++)
            curve->eps[j] = from->eps[j].value;
    }
}

_Static_assert((int)POLICY_NORM_INF == (int)PLAN_NORM_INF && (unsigned)POLICY_GOAL_COUNT == (unsigned)PLAN_GOAL_COUNT &&
                   POLICY_CURVES_MAX <= PLAN_CURVES_MAX && POLICY_POINTS_MAX <= PLAN_POINTS_MAX &&
                   POLICY_PATCHES_MAX <= PLAN_PATCHES_MAX && POLICY_LAYER_SIZE == PLAN_NAME_MAX,
               "a policy fits in a plan");

/* --- activations ---------------------------------------------------------------------------------------------- */

static void make_clustering(const struct making *making)
{
    const struct policy_activation_clustering *policy = &making->policy->activation_clustering;
    struct plan_check *check = begin(making, PLAN_ACTIVATION_CLUSTERING, policy->present);

    if (check == NULL)
        return;
    check->clustering = (struct plan_clustering){
        .reduction = policy->reduction == POLICY_FAST_ICA ? PLAN_FAST_ICA : PLAN_PCA,
        .components = policy->components,
        .starts = policy->starts,
        .minimum_class_size = policy->minimum_class_size,
    };
    memcpy(check->clustering.layer, policy->layer, sizeof policy->layer);
}

static void make_spectral(const struct making *making)
{
    const struct policy_spectral_signature *policy = &making->policy->spectral_signature;
    struct plan_check *check = begin(making, PLAN_SPECTRAL_SIGNATURE, policy->present);

    if (check == NULL)
        return;
    check->spectral = (struct plan_spectral){.poisoned_share = policy->poisoned_share,
                                             .minimum_class_size = policy->minimum_class_size};
    memcpy(check->spectral.layer, policy->layer, sizeof policy->layer);
}

/* --- triggers ---------------------------------------------------------------------------------------------------- */

static void make_scan(const struct making *making)
{
    const struct policy_trigger_scan *policy = &making->policy->trigger_scan;
    struct plan_check *check = begin(making, PLAN_TRIGGER_SCAN, policy->present);

    if (check == NULL)
        return;
    check->trigger_scan =
        (struct plan_trigger_scan){.kept = policy->kept,
                                   .image_budget = policy->budget,
                                   .stride = choose_stride(&making->made->plan.contract, policy->stride)};
    for (unsigned i = 0; i < policy->patch_count; i++)
        if (is_patch_small(&making->made->plan.contract, policy->patches[i]))
            check->trigger_scan.patches[check->trigger_scan.patch_count++] = policy->patches[i];
}

static void make_cleanse(const struct making *making)
{
    const struct policy_neural_cleanse *policy = &making->policy->neural_cleanse;
    struct plan_check *check = begin(making, PLAN_NEURAL_CLEANSE, policy->present);

    if (check != NULL)
        check->neural_cleanse = (struct plan_neural_cleanse){.kept = policy->kept,
                                                             .iterations = policy->iterations,
                                                             .batch = policy->batch,
                                                             .rate = policy->rate,
                                                             .cost = policy->cost,
                                                             .success = policy->success};
}

static void make_strip(const struct making *making)
{
    const struct policy_strip *policy = &making->policy->strip;
    struct plan_check *check = begin(making, PLAN_STRIP, policy->present);

    if (check != NULL)
        check->strip = (struct plan_strip){.kept = policy->kept,
                                           .overlays = policy->overlays,
                                           .blend = policy->blend,
                                           .false_alarms = policy->false_alarms};
}

/* --- weights -------------------------------------------------------------------------------------------------------
 */

static void make_drift(const struct making *making)
{
    const struct policy_weight_drift *policy = &making->policy->weight_drift;
    struct plan_check *check = begin(making, PLAN_WEIGHT_DRIFT, policy->present);

    if (check != NULL)
        check->drift = (struct plan_drift){.exact = policy->exact, .minimum_elements = policy->minimum_elements};
}

void plan_checks_make(const struct admission *admission, const struct job_options *options, struct plan_made *made)
{
    const struct policy *policy = &admission->policy;
    const struct making making = {.admission = admission, .policy = policy, .options = options, .made = made};

    if (policy->scan.present)
        (void)add_check(&making, PLAN_SCAN);
    /* Always, as every attack is scored against the clean predictions. */
    (void)add_check(&making, PLAN_CLEAN_ACCURACY);
    make_attack(&making, PLAN_NOISE, &policy->noise);
    make_attack(&making, PLAN_FGSM, &policy->fgsm);
    make_attack(&making, PLAN_PGD, &policy->pgd);
    make_attack(&making, PLAN_SQUARE, &policy->square);
    make_clustering(&making);
    make_spectral(&making);
    make_scan(&making);
    make_cleanse(&making);
    make_strip(&making);
    make_drift(&making);
}
