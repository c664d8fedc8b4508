/* SPDX-License-Identifier: Apache-2.0 */
/* The adversarial samples that the guest returned, held against their clean inputs. */
#include "host/job/assess_facts.h"

#include <errno.h>
#include <string.h>

/* What a point's samples are held against. */
struct holding {
    const struct plan_made *made;
    const struct results *results;
    const float *clean;
    const struct samples_features *features; /* NULL: none */
};

struct samples_rule assess_samples_rule(const struct plan_made *made, uint32_t check, uint32_t curve, uint32_t point,
                                        const struct samples_features *features)
{
    const struct plan_check *planned = &made->plan.checks[check];
    const struct plan_contract *contract = &made->plan.contract;

    return (struct samples_rule){
        .check = plan_check_name(planned->id),
        .norm = planned->attack.curves[curve].norm,
        .minimal = planned->attack.curves[curve].minimal,
        .eps = planned->attack.curves[curve].eps[point],
        .eps_text = plan_make_eps_text(made, check, curve, point),
        .range_low = contract->range_low,
        .range_high = contract->range_high,
        .features = features,
    };
}

static int check_point(const struct holding *holding, uint32_t check, uint32_t curve, uint32_t point, struct error *err)
{
    const struct results *results = holding->results;
    const struct plan_check *planned = &results->plan->checks[check];
    const struct samples_rule rule = assess_samples_rule(holding->made, check, curve, point, holding->features);
    uint32_t count = planned->attack.samples < results->sample_count ? planned->attack.samples : results->sample_count;

    for (uint32_t i = 0; i < count; i++) {
        const float *adversarial = results->checks[check].points[curve][point].samples + i * results->elements;
        int r =
            samples_check(&rule, i, holding->clean + i * results->elements, adversarial, results->elements, NULL, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int check_attack(const struct holding *holding, uint32_t check, struct error *err)
{
    const struct plan_check *planned = &holding->results->plan->checks[check];
    int r = 0;

    if (!plan_check_is_attack(planned->id) || planned->attack.samples == 0 ||
        holding->results->checks[check].skipped[0] != '\0')
        return 0;
    for (uint32_t curve = 0; r == 0 && curve < planned->attack.curve_count; curve++)
        for (uint32_t point = 0; r == 0 && point < planned->attack.curves[curve].point_count; point++)
            r = check_point(holding, check, curve, point, err);
    return r;
}

int assess_read_features(const struct admission *admission, size_t elements, float **ret_values,
                         struct samples_features *ret_features, struct error *err)
{
    CLEANUP_FREE float *values = calloc(DATA_FEATURE_COUNT * elements + 1, sizeof *values);
    int r;

    if (values == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for what the spec says of %zu elements", elements);
    r = data_reader_window(admission->reader, DATA_SET_FEATURES, 0, DATA_FEATURE_COUNT, values,
                           admission_data_deadline_ns(admission), err);
    if (r < 0)
        return r;
    *ret_features = (struct samples_features){.low = values + DATA_FEATURE_LOW * elements,
                                              .high = values + DATA_FEATURE_HIGH * elements,
                                              .eps_scale = values + DATA_FEATURE_EPS_SCALE * elements,
                                              .mask = values + DATA_FEATURE_MASK * elements,
                                              .kind = values + DATA_FEATURE_KIND * elements};
    *ret_values = TAKE_POINTER(values);
    return 0;
}

int assess_samples(const struct admission *admission, const struct plan_made *made, const struct results *results,
                   struct error *err)
{
    CLEANUP_FREE float *clean = calloc(results->sample_count * results->elements + 1, sizeof *clean), *values = NULL;
    struct samples_features features;
    struct holding holding = {.made = made, .results = results, .clean = clean};
    int r;

    if (results->sample_count == 0)
        return 0;
    if (clean == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %u clean inputs", results->sample_count);
    r = data_reader_window(admission->reader, DATA_SET_TEST, 0, results->sample_count, clean,
                           admission_data_deadline_ns(admission), err);
    if (r == 0 && results->plan->sets[PLAN_SET_FEATURES].present) {
        r = assess_read_features(admission, results->elements, &values, &features, err);
        holding.features = &features;
    }
    for (uint32_t check = 0; r == 0 && check < results->plan->check_count; check++)
        r = check_attack(&holding, check, err);
    return r;
}
