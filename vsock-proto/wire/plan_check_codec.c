/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of a check: one pair of functions a family, members in PROTOCOL.md's order. */
#include "wire/plan_check_codec.h"

#define ATTACK_MEMBERS     6u
#define CURVE_MEMBERS      3u
#define CLUSTERING_MEMBERS 5u
#define SPECTRAL_MEMBERS   3u
#define SCAN_MEMBERS       4u
#define CLEANSE_MEMBERS    6u
#define STRIP_MEMBERS      4u
#define DRIFT_MEMBERS      2u

/* A finite number in [low, high]. */
static double get_between(struct codec_reader *r, double low, double high)
{
    double value = codec_get_finite(r);

    if (value < low || value > high)
        codec_refuse(r, "a number outside its range");
    return value;
}

/* --- attacks ------------------------------------------------------------------------------------ */

static void decode_curve(struct codec_reader *parent, struct plan_curve *curve)
{
    struct codec_reader r = codec_get_array(parent, CURVE_MEMBERS), points;

    curve->norm = codec_get_finite(&r);
    if (curve->norm != PLAN_NORM_INF && (curve->norm < 1 || curve->norm > PLAN_NORM_MAX))
        codec_refuse(&r, "a norm below 1 or too large");
    curve->minimal = codec_get_bool(&r);
    points = codec_get_array(&r, PLAN_POINTS_MAX);
    curve->point_count = points.count;
    for (uint32_t i = 0; i < points.count; i++) {
        curve->eps[i] = codec_get_finite(&points);
        if (curve->eps[i] < 0 || (i > 0 && curve->eps[i] <= curve->eps[i - 1]))
            codec_refuse(&points, "eps that are negative or don't ascend");
    }
    if (points.count == 0)
        codec_refuse(&points, "a curve without points");
    codec_end_array(&r, &points);
    codec_end_array(parent, &r);
}

static void decode_attack(struct codec_reader *r, enum plan_check_id id, struct plan_attack *attack)
{
    struct codec_reader curves;

    attack->goal = codec_get_u32(r, PLAN_GOAL_COUNT - 1);
    attack->restarts = codec_get_u32(r, PLAN_RESTARTS_MAX);
    attack->iterations = codec_get_u32(r, PLAN_ITERATIONS_MAX);
    attack->step = get_between(r, 0, 1);
    attack->samples = codec_get_u32(r, PLAN_SAMPLES_MAX);
    curves = codec_get_array(r, PLAN_CURVES_MAX);
    attack->curve_count = curves.count;
    for (uint32_t i = 0; i < curves.count; i++) {
        decode_curve(&curves, &attack->curves[i]);
        if (attack->curves[i].minimal && id != PLAN_FGSM)
            codec_refuse(&curves, "a minimal curve of another attack than fgsm");
    }
    codec_end_array(r, &curves);
    if (attack->curve_count == 0 || (id != PLAN_FGSM && attack->iterations == 0) ||
        (id == PLAN_PGD && attack->step == 0))
        codec_refuse(r, "an attack without curves, iterations or a step");
}

static void encode_attack(struct codec_writer *w, const struct plan_attack *attack)
{
    codec_put_array(w, ATTACK_MEMBERS);
    codec_put_u64(w, attack->goal);
    codec_put_u64(w, attack->restarts);
    codec_put_u64(w, attack->iterations);
    codec_put_finite(w, attack->step);
    codec_put_u64(w, attack->samples);
    codec_put_array(w, attack->curve_count);
    for (uint32_t i = 0; i < attack->curve_count; i++) {
        const struct plan_curve *curve = &attack->curves[i];

        codec_put_array(w, CURVE_MEMBERS);
        codec_put_finite(w, curve->norm);
        codec_put_bool(w, curve->minimal);
        codec_put_array(w, curve->point_count);
        for (uint32_t j = 0; j < curve->point_count; j++)
            codec_put_finite(w, curve->eps[j]);
    }
}

/* --- activations -------------------------------------------------------------------------------- */

static void decode_clustering(struct codec_reader *r, struct plan_clustering *clustering)
{
    codec_get_name(r, clustering->layer, sizeof clustering->layer);
    clustering->reduction = codec_get_u32(r, PLAN_REDUCTION_COUNT - 1);
    clustering->components = codec_get_u32(r, PLAN_COMPONENTS_MAX);
    clustering->starts = codec_get_u32(r, PLAN_STARTS_MAX);
    clustering->minimum_class_size = codec_get_u32(r, UINT32_MAX);
    if (clustering->components == 0 || clustering->starts == 0)
        codec_refuse(r, "clustering without components or starts");
}

static void encode_clustering(struct codec_writer *w, const struct plan_clustering *clustering)
{
    codec_put_array(w, CLUSTERING_MEMBERS);
    codec_put_name(w, clustering->layer);
    codec_put_u64(w, clustering->reduction);
    codec_put_u64(w, clustering->components);
    codec_put_u64(w, clustering->starts);
    codec_put_u64(w, clustering->minimum_class_size);
}

static void decode_spectral(struct codec_reader *r, struct plan_spectral *spectral)
{
    codec_get_name(r, spectral->layer, sizeof spectral->layer);
    spectral->poisoned_share = get_between(r, 0, 0.5);
    spectral->minimum_class_size = codec_get_u32(r, UINT32_MAX);
}

static void encode_spectral(struct codec_writer *w, const struct plan_spectral *spectral)
{
    codec_put_array(w, SPECTRAL_MEMBERS);
    codec_put_name(w, spectral->layer);
    codec_put_finite(w, spectral->poisoned_share);
    codec_put_u64(w, spectral->minimum_class_size);
}

/* --- triggers ------------------------------------------------------------------------------------ */

static uint32_t get_kept(struct codec_reader *r)
{
    uint32_t kept = codec_get_u32(r, PLAN_KEPT_MAX);

    if (kept == 0)
        codec_refuse(r, "a search on no sample");
    return kept;
}

static void decode_scan(struct codec_reader *r, struct plan_trigger_scan *scan)
{
    struct codec_reader patches;

    scan->kept = get_kept(r);
    scan->image_budget = codec_get_u64(r, UINT64_MAX);
    patches = codec_get_array(r, PLAN_PATCHES_MAX);
    scan->patch_count = patches.count;
    for (uint32_t i = 0; i < patches.count; i++) {
        scan->patches[i] = codec_get_u32(&patches, UINT16_MAX);
        if (i > 0 && scan->patches[i] <= scan->patches[i - 1])
            codec_refuse(&patches, "patches that don't ascend");
    }
    codec_end_array(r, &patches);
    scan->stride = codec_get_u32(r, UINT16_MAX);
    if (scan->patch_count == 0 || scan->stride == 0)
        codec_refuse(r, "a search without patches or a stride");
}

static void encode_scan(struct codec_writer *w, const struct plan_trigger_scan *scan)
{
    codec_put_array(w, SCAN_MEMBERS);
    codec_put_u64(w, scan->kept);
    codec_put_u64(w, scan->image_budget);
    codec_put_array(w, scan->patch_count);
    for (uint32_t i = 0; i < scan->patch_count; i++)
        codec_put_u64(w, scan->patches[i]);
    codec_put_u64(w, scan->stride);
}

static void decode_cleanse(struct codec_reader *r, struct plan_neural_cleanse *cleanse)
{
    cleanse->kept = get_kept(r);
    cleanse->iterations = codec_get_u32(r, PLAN_ITERATIONS_MAX);
    cleanse->batch = codec_get_u32(r, PLAN_KEPT_MAX);
    cleanse->rate = get_between(r, 0, 1);
    cleanse->cost = get_between(r, 0, 1e6);
    cleanse->success = get_between(r, 0, 1);
    if (cleanse->iterations == 0 || cleanse->batch == 0 || cleanse->rate == 0)
        codec_refuse(r, "a search without iterations, batch or rate");
}

static void encode_cleanse(struct codec_writer *w, const struct plan_neural_cleanse *cleanse)
{
    codec_put_array(w, CLEANSE_MEMBERS);
    codec_put_u64(w, cleanse->kept);
    codec_put_u64(w, cleanse->iterations);
    codec_put_u64(w, cleanse->batch);
    codec_put_finite(w, cleanse->rate);
    codec_put_finite(w, cleanse->cost);
    codec_put_finite(w, cleanse->success);
}

static void decode_strip(struct codec_reader *r, struct plan_strip *strip)
{
    strip->kept = get_kept(r);
    strip->overlays = codec_get_u32(r, PLAN_KEPT_MAX);
    strip->blend = get_between(r, 0, 1);
    strip->false_alarms = get_between(r, 0, 1);
    if (strip->overlays == 0)
        codec_refuse(r, "strip without overlays");
}

static void encode_strip(struct codec_writer *w, const struct plan_strip *strip)
{
    codec_put_array(w, STRIP_MEMBERS);
    codec_put_u64(w, strip->kept);
    codec_put_u64(w, strip->overlays);
    codec_put_finite(w, strip->blend);
    codec_put_finite(w, strip->false_alarms);
}

/* --- weights --------------------------------------------------------------------------------------- */

static void decode_drift(struct codec_reader *r, struct plan_drift *drift)
{
    drift->exact = codec_get_bool(r);
    drift->minimum_elements = codec_get_u32(r, UINT32_MAX);
}

static void encode_drift(struct codec_writer *w, const struct plan_drift *drift)
{
    codec_put_array(w, DRIFT_MEMBERS);
    codec_put_bool(w, drift->exact);
    codec_put_u64(w, drift->minimum_elements);
}

/* --- by id ------------------------------------------------------------------------------------------ */

void plan_check_decode(struct codec_reader *parent, struct plan_check *check)
{
    struct codec_reader r = codec_get_array(parent, ATTACK_MEMBERS);

    if (plan_check_is_attack(check->id))
        decode_attack(&r, check->id, &check->attack);
    else if (check->id == PLAN_ACTIVATION_CLUSTERING)
        decode_clustering(&r, &check->clustering);
    else if (check->id == PLAN_SPECTRAL_SIGNATURE)
        decode_spectral(&r, &check->spectral);
    else if (check->id == PLAN_TRIGGER_SCAN)
        decode_scan(&r, &check->trigger_scan);
    else if (check->id == PLAN_NEURAL_CLEANSE)
        decode_cleanse(&r, &check->neural_cleanse);
    else if (check->id == PLAN_STRIP)
        decode_strip(&r, &check->strip);
    else if (check->id == PLAN_WEIGHT_DRIFT)
        decode_drift(&r, &check->drift);
    codec_end_array(parent, &r);
}

void plan_check_encode(struct codec_writer *w, const struct plan_check *check)
{
    if (plan_check_is_attack(check->id))
        encode_attack(w, &check->attack);
    else if (check->id == PLAN_ACTIVATION_CLUSTERING)
        encode_clustering(w, &check->clustering);
    else if (check->id == PLAN_SPECTRAL_SIGNATURE)
        encode_spectral(w, &check->spectral);
    else if (check->id == PLAN_TRIGGER_SCAN)
        encode_scan(w, &check->trigger_scan);
    else if (check->id == PLAN_NEURAL_CLEANSE)
        encode_cleanse(w, &check->neural_cleanse);
    else if (check->id == PLAN_STRIP)
        encode_strip(w, &check->strip);
    else if (check->id == PLAN_WEIGHT_DRIFT)
        encode_drift(w, &check->drift);
    else
        codec_put_array(w, 0);
}
