/* SPDX-License-Identifier: Apache-2.0 */
/* The plan, made from policy and data alone. */
#include "host/job/plan_make.h"

#include "host/json/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WINDOW_BYTES   (UINT64_C(4) << 20)
#define WINDOW_SAMPLES 4096u

uint32_t plan_make_window(uint64_t elements)
{
    uint64_t samples = WINDOW_BYTES / (elements * sizeof(float));

    if (samples == 0)
        return 1;
    return samples < WINDOW_SAMPLES ? (uint32_t)samples : WINDOW_SAMPLES;
}

/* --- contract and sets --------------------------------------------------------------------------------- */

static int make_contract(const struct data_description *description, struct plan_contract *contract, struct error *err)
{
    const struct data_contract *spec = &description->contract;
    const struct data_set_description *test = &description->sets[DATA_SET_TEST];
    const struct data_set_description *train = &description->sets[DATA_SET_TRAIN];

    if (train->present &&
        (train->rank != test->rank || memcmp(train->dims, test->dims, test->rank * sizeof test->dims[0]) != 0))
        return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                         "the training set's inputs have another shape than the test set's");
    (void)snprintf(contract->input, sizeof contract->input, "%s", spec->input);
    (void)snprintf(contract->output, sizeof contract->output, "%s", spec->output);
    contract->rank = test->rank;
    memcpy(contract->dims, test->dims, test->rank * sizeof test->dims[0]);
    contract->has_range = spec->has_range;
    contract->range_low = spec->has_range ? spec->range_low : 0;
    contract->range_high = spec->has_range ? spec->range_high : 0;
    contract->channels = spec->channels;
    memcpy(contract->scale, spec->scale, spec->channels * sizeof spec->scale[0]);
    memcpy(contract->offset, spec->offset, spec->channels * sizeof spec->offset[0]);
    contract->classes = spec->classes;
    return 0;
}

/* The features come in one window, a trigger and its mask together. */
static uint32_t make_window(enum data_set_id id, const struct data_set_description *set)
{
    uint32_t window = plan_make_window(set->elements);

    if (id == DATA_SET_FEATURES)
        return DATA_FEATURE_COUNT;
    return id == DATA_SET_TRIGGERS ? (window < 2 ? 2 : window & ~1u) : window;
}

static void make_sets(const struct data_description *description, struct plan *plan)
{
    static const enum plan_set_id ids[DATA_SET_COUNT] = {[DATA_SET_TEST] = PLAN_SET_TEST,
                                                         [DATA_SET_TRAIN] = PLAN_SET_TRAIN,
                                                         [DATA_SET_TRIGGERS] = PLAN_SET_TRIGGERS,
                                                         [DATA_SET_FEATURES] = PLAN_SET_FEATURES};

    _Static_assert((unsigned)DATA_FEATURE_COUNT == (unsigned)PLAN_FEATURE_COUNT &&
                       (unsigned)DATA_FEATURE_LOW == (unsigned)PLAN_FEATURE_LOW &&
                       (unsigned)DATA_FEATURE_HIGH == (unsigned)PLAN_FEATURE_HIGH &&
                       (unsigned)DATA_FEATURE_EPS_SCALE == (unsigned)PLAN_FEATURE_EPS_SCALE &&
                       (unsigned)DATA_FEATURE_MASK == (unsigned)PLAN_FEATURE_MASK &&
                       (unsigned)DATA_FEATURE_KIND == (unsigned)PLAN_FEATURE_KIND,
                   "the reader serves features in the plan's order");

    for (unsigned i = 0; i < DATA_SET_COUNT; i++) {
        const struct data_set_description *set = &description->sets[i];

        if (set->present)
            plan->sets[ids[i]] = (struct plan_set){
                .present = true, .labelled = i == DATA_SET_TRAIN, .count = set->count, .window = make_window(i, set)};
    }
}

/* --- checks ---------------------------------------------------------------------------------------------- */

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

static struct plan_check *add_check(const struct admission *admission, struct plan *plan, enum plan_check_id id,
                                    uint32_t version)
{
    struct plan_check *check = &plan->checks[plan->check_count++];

    *check = (struct plan_check){.id = id, .version = version};
    make_seed(admission, check);
    return check;
}

static void skip(struct plan_made *made, enum plan_check_id id, bool required, const char *reason)
{
    struct plan_skip *entry = &made->skips[made->skip_count++];

    *entry = (struct plan_skip){.id = id, .required = required};
    (void)snprintf(entry->reason, sizeof entry->reason, "%s", reason);
}

static void make_fgsm(const struct admission *admission, const struct job_options *options, struct plan_made *made)
{
    static const double norms[POLICY_NORM_COUNT] = {
        [POLICY_NORM_INF] = PLAN_NORM_INF, [POLICY_NORM_2] = 2, [POLICY_NORM_1] = 1};
    const struct policy_fgsm *policy = &admission->policy.fgsm;
    struct plan_check *check;

    if (!policy->present)
        return;
    if (!made->plan.contract.has_range) {
        skip(made, PLAN_FGSM, policy->required, "eps has no unit: the spec names no range of valid inputs");
        return;
    }
    check = add_check(admission, &made->plan, PLAN_FGSM, PLAN_MAKE_VERSION_FGSM);
    check->attack.samples = options->samples > PLAN_MAKE_SAMPLES_CHECKED ? options->samples : PLAN_MAKE_SAMPLES_CHECKED;
    for (unsigned norm = 0; norm < POLICY_NORM_COUNT; norm++) {
        const struct policy_curve *from = &policy->curves[norm];
        struct plan_curve *curve = &check->attack.curves[check->attack.curve_count];

        if (from->count == 0)
            continue;
        curve->norm = norms[norm];
        made->curves[made->plan.check_count - 1][check->attack.curve_count] = from;
        curve->point_count = from->count;
        memcpy(curve->eps, from->eps_value, from->count * sizeof curve->eps[0]);
        check->attack.curve_count++;
    }
}

static void make_clustering(const struct admission *admission, struct plan_made *made)
{
    const struct policy_activation_clustering *policy = &admission->policy.activation_clustering;
    struct plan_check *check;

    if (!policy->present)
        return;
    if (!made->plan.sets[PLAN_SET_TRAIN].present) {
        skip(made, PLAN_ACTIVATION_CLUSTERING, policy->required, "there is no training set: give one with --train");
        return;
    }
    check = add_check(admission, &made->plan, PLAN_ACTIVATION_CLUSTERING, PLAN_MAKE_VERSION_ACTIVATION_CLUSTERING);
    (void)snprintf(check->clustering.layer, sizeof check->clustering.layer, "%s", policy->layer);
    check->clustering.components = policy->components;
    check->clustering.starts = policy->starts;
    check->clustering.minimum_class_size = policy->minimum_class_size;
}

/* The policy's class unless the command line names one; the verdict then says that it is not the policy's. */
static enum plan_arithmetic choose_arithmetic(const struct policy *policy, enum job_arithmetic asked)
{
    if (asked == JOB_ARITHMETIC_AUTO)
        return policy->arithmetic == POLICY_FMA ? PLAN_FMA : PLAN_MUL_ADD;
    return asked == JOB_ARITHMETIC_FMA ? PLAN_FMA : PLAN_MUL_ADD;
}

int plan_make(const struct admission *admission, const struct job_options *options, struct plan_made *ret_made,
              struct error *err)
{
    struct plan *plan = &ret_made->plan;
    int r;

    memset(ret_made, 0, sizeof *ret_made);
    r = make_contract(admission->description, &plan->contract, err);
    if (r < 0)
        return r;
    plan->arithmetic = choose_arithmetic(&admission->policy, options->arithmetic);
    plan->threads = options->isolation == VM_PROCESS ? options->vcpus : 0;
    plan->batch = options->batch;
    (void)snprintf(plan->isa, sizeof plan->isa, "%s", options->kernels != NULL ? options->kernels : "");
    plan->model_size = admission->model_size;
    memcpy(plan->model_sha256, admission->model_sha256, SHA256_SIZE);
    make_sets(admission->description, plan);
    /* Always, as every attack is scored against the clean predictions. */
    (void)add_check(admission, plan, PLAN_CLEAN_ACCURACY, PLAN_MAKE_VERSION_CLEAN_ACCURACY);
    make_fgsm(admission, options, ret_made);
    make_clustering(admission, ret_made);
    return 0;
}

/* --- plan.json ---------------------------------------------------------------------------------------------- */

const char *plan_make_eps_text(const struct plan_made *made, uint32_t check, uint32_t curve, uint32_t point)
{
    return made->curves[check][curve]->eps[point];
}

static json_t *document_check(const struct plan_made *made, uint32_t index)
{
    const struct plan_check *check = &made->plan.checks[index];
    char norm[PLAN_NORM_TEXT_SIZE];

    json_t *document = json_pack("{s:s, s:i, s:o}", "id", plan_check_name(check->id), "version", (int)check->version,
                                 "seed", json_new_digest(check->seed));

    if (check->id == PLAN_ACTIVATION_CLUSTERING)
        (void)json_object_update_new(document, json_pack("{s:s, s:i, s:i, s:i}", "layer", check->clustering.layer,
                                                         "components", (int)check->clustering.components, "starts",
                                                         (int)check->clustering.starts, "minimumClassSize",
                                                         (int)check->clustering.minimum_class_size));
    if (check->id == PLAN_FGSM) {
        json_t *curves = json_array();

        for (uint32_t i = 0; i < check->attack.curve_count; i++) {
            const struct plan_curve *curve = &check->attack.curves[i];
            json_t *points = json_array();

            for (uint32_t j = 0; j < curve->point_count; j++)
                (void)json_array_append_new(points, json_string(plan_make_eps_text(made, index, i, j)));
            (void)json_array_append_new(
                curves, json_pack("{s:s, s:o}", "norm", plan_norm_text(curve->norm, norm), "eps", points));
        }
        (void)json_object_update_new(document,
                                     json_pack("{s:o, s:i}", "curves", curves, "samples", (int)check->attack.samples));
    }
    return document;
}

static json_t *document_set(const struct data_set_description *set, const struct plan_set *planned)
{
    json_t *shape = json_array();

    if (!set->present) {
        json_decref(shape);
        return json_null();
    }
    for (uint32_t i = 0; i < set->rank; i++)
        (void)json_array_append_new(shape, json_integer((json_int_t)set->dims[i]));
    return json_pack("{s:o, s:I, s:o, s:i}", "sha256", json_new_digest(set->sha256), "count", (json_int_t)set->count,
                     "shape", shape, "window", (int)planned->window);
}

json_t *plan_make_document(const struct plan_made *made, const struct admission *admission,
                           const struct job_options *options)
{
    const struct data_description *description = admission->description;
    const struct plan *plan = &made->plan;
    json_t *checks = json_array(), *skipped = json_array();

    for (uint32_t i = 0; i < plan->check_count; i++)
        (void)json_array_append_new(checks, document_check(made, i));
    for (unsigned i = 0; i < made->skip_count; i++)
        (void)json_array_append_new(skipped, json_pack("{s:s, s:s}", "id", plan_check_name(made->skips[i].id), "reason",
                                                       made->skips[i].reason));
    return json_pack("{s:i, s:s, s:{s:s, s:o, s:I}, s:o, s:{s:o, s:o}, s:o, s:o, s:o, s:{s:i, s:I, s:i, s:s}}",
                     "format", 1, "arithmetic", plan_arithmetic_name(plan->arithmetic), "model", "name",
                     admission->model_name, "sha256", json_new_digest(admission->model_sha256), "size",
                     (json_int_t)admission->model_size, "policy", json_new_digest(admission->policy.sha256), "sets",
                     "test", document_set(&description->sets[DATA_SET_TEST], &plan->sets[PLAN_SET_TEST]), "train",
                     document_set(&description->sets[DATA_SET_TRAIN], &plan->sets[PLAN_SET_TRAIN]), "spec",
                     json_new_digest(description->has_spec ? description->spec_sha256 : NULL), "checks", checks,
                     "skipped", skipped, "machine", "vcpus", (int)options->vcpus, "memoryMib",
                     (json_int_t)admission->memory_mib, "batch", (int)plan->batch, "kernels", plan->isa);
}
