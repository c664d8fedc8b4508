/* SPDX-License-Identifier: Apache-2.0 */
/* plan.json: what the guest was told, in words that a person can read. */
#include "host/job/plan_make.h"

#include "host/json/digest.h"

#include <string.h>

#define DECIMAL_SIZE 32u

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

/* A parameter of the policy's; the shortest text of at most twelve digits, which its own spelling is. */
static void set_decimal(json_t *object, const char *key, double value)
{
    char text[DECIMAL_SIZE];

    (void)snprintf(text, sizeof text, "%.12g", value);
    set(object, key, json_string(text));
}

const char *plan_make_eps_text(const struct plan_made *made, uint32_t check, uint32_t curve, uint32_t point)
{
    return made->curves[check][curve]->eps[point].text;
}

/* --- checks ---------------------------------------------------------------------------------------------- */

static json_t *document_curve(const struct plan_made *made, uint32_t index, uint32_t number)
{
    const struct plan_curve *curve = &made->plan.checks[index].attack.curves[number];
    json_t *points = json_array(), *document;
    char norm[PLAN_NORM_TEXT_SIZE];

    for (uint32_t i = 0; i < curve->point_count; i++)
        (void)json_array_append_new(points, json_string(plan_make_eps_text(made, index, number, i)));
    document = json_pack("{s:s, s:o}", "norm", plan_norm_text(curve->norm, norm), "eps", points);
    if (curve->minimal)
        set(document, "minimal", json_true());
    return document;
}

static void document_attack(const struct plan_made *made, uint32_t index, json_t *document)
{
    const struct plan_check *check = &made->plan.checks[index];
    const struct plan_attack *attack = &check->attack;
    json_t *curves = json_array();

    for (uint32_t i = 0; i < attack->curve_count; i++)
        (void)json_array_append_new(curves, document_curve(made, index, i));
    set(document, "curves", curves);
    set_number(document, "samples", attack->samples);
    if (check->id != PLAN_NOISE)
        set_number(document, "restarts", attack->restarts);
    if (check->id != PLAN_FGSM)
        set_number(document, "iterations", attack->iterations);
    if (check->id == PLAN_FGSM || check->id == PLAN_PGD)
        set(document, "goal", json_string(policy_goal_names[attack->goal]));
    if (check->id == PLAN_PGD)
        set_decimal(document, "step", attack->step);
}

static void document_clustering(const struct plan_clustering *clustering, json_t *document)
{
    set(document, "layer", json_string(clustering->layer));
    set(document, "reduction",
        json_string(policy_reduction_names[clustering->reduction == PLAN_FAST_ICA ? POLICY_FAST_ICA : POLICY_PCA]));
    set_number(document, "components", clustering->components);
    set_number(document, "starts", clustering->starts);
    set_number(document, "minimumClassSize", clustering->minimum_class_size);
}

static void document_spectral(const struct plan_spectral *spectral, json_t *document)
{
    set(document, "layer", json_string(spectral->layer));
    set_decimal(document, "poisonedShare", spectral->poisoned_share);
    set_number(document, "minimumClassSize", spectral->minimum_class_size);
}

static void document_scan(const struct plan_trigger_scan *scan, json_t *document)
{
    json_t *patches = json_array();

    for (uint32_t i = 0; i < scan->patch_count; i++)
        (void)json_array_append_new(patches, json_integer((json_int_t)scan->patches[i]));
    set_number(document, "kept", scan->kept);
    set_number(document, "budget", scan->image_budget);
    set(document, "patches", patches);
    set_number(document, "stride", scan->stride);
}

static void document_cleanse(const struct plan_neural_cleanse *cleanse, json_t *document)
{
    set_number(document, "kept", cleanse->kept);
    set_number(document, "iterations", cleanse->iterations);
    set_number(document, "batch", cleanse->batch);
    set_decimal(document, "rate", cleanse->rate);
    set_decimal(document, "cost", cleanse->cost);
    set_decimal(document, "success", cleanse->success);
}

static void document_strip(const struct plan_strip *strip, json_t *document)
{
    set_number(document, "kept", strip->kept);
    set_number(document, "overlays", strip->overlays);
    set_decimal(document, "blend", strip->blend);
    set_decimal(document, "falseAlarms", strip->false_alarms);
}

static json_t *document_check(const struct plan_made *made, uint32_t index)
{
    const struct plan_check *check = &made->plan.checks[index];
    json_t *document = json_pack("{s:s, s:i, s:o}", "id", plan_check_name(check->id), "version", (int)check->version,
                                 "seed", json_new_digest(check->seed));

    if (plan_check_is_attack(check->id))
        document_attack(made, index, document);
    else if (check->id == PLAN_ACTIVATION_CLUSTERING)
        document_clustering(&check->clustering, document);
    else if (check->id == PLAN_SPECTRAL_SIGNATURE)
        document_spectral(&check->spectral, document);
    else if (check->id == PLAN_TRIGGER_SCAN)
        document_scan(&check->trigger_scan, document);
    else if (check->id == PLAN_NEURAL_CLEANSE)
        document_cleanse(&check->neural_cleanse, document);
    else if (check->id == PLAN_STRIP)
        document_strip(&check->strip, document);
    else if (check->id == PLAN_WEIGHT_DRIFT) {
        set(document, "exact", json_boolean(check->drift.exact));
        set_number(document, "minimumElements", check->drift.minimum_elements);
    }
    return document;
}

/* --- inputs ----------------------------------------------------------------------------------------------- */

static json_t *document_set(const struct data_set_description *set, const struct plan_set *planned)
{
    json_t *shape = json_array();

    if (!set->present) {
        json_decref(shape);
        return json_null();
    }
    for (uint32_t i = 0; i < set->rank; i++)
        (void)json_array_append_new(shape, json_integer((json_int_t)set->dims[i]));
    return json_pack("{s:o, s:I, s:o, s:i, s:b}", "sha256", json_new_digest(set->sha256), "count",
                     (json_int_t)set->count, "shape", shape, "window", (int)planned->window, "labels",
                     planned->labelled);
}

static json_t *document_file(const char *name, const uint8_t sha256[SHA256_SIZE], uint64_t size)
{
    return json_pack("{s:s, s:o, s:I}", "name", name, "sha256", json_new_digest(sha256), "size", (json_int_t)size);
}

static json_t *document_sets(const struct plan *plan, const struct data_description *description)
{
    static const struct {
        const char *name;
        enum data_set_id data;
        enum plan_set_id plan;
    } sets[] = {{"test", DATA_SET_TEST, PLAN_SET_TEST},
                {"train", DATA_SET_TRAIN, PLAN_SET_TRAIN},
                {"triggers", DATA_SET_TRIGGERS, PLAN_SET_TRIGGERS},
                {"features", DATA_SET_FEATURES, PLAN_SET_FEATURES}};
    json_t *document = json_object();

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        (void)json_object_set_new(document, sets[i].name,
                                  document_set(&description->sets[sets[i].data], &plan->sets[sets[i].plan]));
    return document;
}

static json_t *document_machine(const struct plan *plan, const struct admission *admission,
                                const struct job_options *options)
{
    return json_pack("{s:i, s:I, s:i, s:s}", "vcpus", (int)options->vcpus, "memoryMib",
                     (json_int_t)admission->memory_mib, "batch", (int)plan->batch, "kernels", plan->isa);
}

json_t *plan_make_document(const struct plan_made *made, const struct admission *admission,
                           const struct job_options *options)
{
    const struct data_description *description = admission->description;
    const struct plan *plan = &made->plan;
    json_t *document = json_object(), *checks = json_array(), *skipped = json_array();

    for (uint32_t i = 0; i < plan->check_count; i++)
        (void)json_array_append_new(checks, document_check(made, i));
    for (unsigned i = 0; i < made->skip_count; i++)
        (void)json_array_append_new(skipped, json_pack("{s:s, s:s}", "id", plan_check_name(made->skips[i].id), "reason",
                                                       made->skips[i].reason));
    set_number(document, "format", 1);
    set(document, "arithmetic", json_string(plan_arithmetic_name(plan->arithmetic)));
    set(document, "model", document_file(admission->model_name, admission->model_sha256, admission->model_size));
    set(document, "reference",
        admission->reference_size > 0
            ? document_file(admission->reference_name, admission->reference_sha256, admission->reference_size)
            : json_null());
    set(document, "policy", json_new_digest(admission->policy.sha256));
    set(document, "sets", document_sets(plan, description));
    set(document, "spec", json_new_digest(description->has_spec ? description->spec_sha256 : NULL));
    set(document, "checks", checks);
    set(document, "skipped", skipped);
    set(document, "machine", document_machine(plan, admission, options));
    return document;
}
