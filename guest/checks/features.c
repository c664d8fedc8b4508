/* SPDX-License-Identifier: Apache-2.0 */
/* Constraints of an input's elements. */
#include "guest/checks/features.h"

#include "guest/checks/norm.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define KIND_INTEGER 1.0f
#define KIND_GROUP   2.0f        /* and on */
#define KIND_MAX     16777216.0f /* f32's integers end there */
#define ROUNDING     1e-6        /* by which a ball's radius may be missed */

int features_open(struct features *features, const struct plan *plan, size_t size, struct error *err)
{
    *features = (struct features){.size = size};
    if (!plan->sets[PLAN_SET_FEATURES].present)
        return 0;
    features->values = calloc(PLAN_FEATURE_COUNT * size, sizeof *features->values);
    features->grouped = calloc(size, sizeof *features->grouped);
    if (features->values == NULL || features->grouped == NULL) {
        features_close(features);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the features of %zu elements", size);
    }
    return 0;
}

void features_close(struct features *features)
{
    free(TAKE_POINTER(features->values));
    free(TAKE_POINTER(features->grouped));
}

const float *features_of(const struct features *features, enum plan_feature feature)
{
    return features->values == NULL ? NULL : features->values + feature * features->size;
}

static bool is_sound(const struct features *features, size_t i)
{
    float low = features_of(features, PLAN_FEATURE_LOW)[i], high = features_of(features, PLAN_FEATURE_HIGH)[i];
    float scale = features_of(features, PLAN_FEATURE_EPS_SCALE)[i], mask = features_of(features, PLAN_FEATURE_MASK)[i];
    float kind = features_of(features, PLAN_FEATURE_KIND)[i];

    return isfinite(low) && isfinite(high) && low <= high && isfinite(scale) && scale >= 0.0f &&
           (mask == 0.0f || mask == 1.0f) && kind >= 0.0f && kind <= KIND_MAX && kind == truncf(kind);
}

static int by_group(const void *a, const void *b, void *argument)
{
    const float *kind = argument;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

    if (kind[i] != kind[j])
        return kind[i] < kind[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

static void sort_groups(struct features *features)
{
    float *kind = features->values + PLAN_FEATURE_KIND * features->size;

    for (size_t i = 0; i < features->size; i++) {
        if (kind[i] >= KIND_GROUP)
            features->grouped[features->grouped_count++] = (uint32_t)i;
        features->discrete |= kind[i] >= KIND_INTEGER;
    }
    qsort_r(features->grouped, features->grouped_count, sizeof *features->grouped, by_group, kind);
}

int features_take(struct features *features, const struct check_window *window, struct error *err)
{
    if (features->values == NULL || window->first != features->taken ||
        window->count > PLAN_FEATURE_COUNT - features->taken)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "features come as %u samples", (unsigned)PLAN_FEATURE_COUNT);
    memcpy(features->values + features->taken * features->size, window->x,
           window->count * features->size * sizeof *window->x);
    features->taken += window->count;
    if (features->taken < PLAN_FEATURE_COUNT)
        return 0;
    for (size_t i = 0; i < features->size; i++)
        if (!is_sound(features, i))
            return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                             "feature %zu: its range, eps scale, mask or kind makes no sense", i);
    sort_groups(features);
    return 0;
}

void features_fill_step(const struct features *features, struct fgsm_step *step)
{
    step->low = features_of(features, PLAN_FEATURE_LOW);
    step->high = features_of(features, PLAN_FEATURE_HIGH);
    step->scale = step->norm == PLAN_NORM_INF ? features_of(features, PLAN_FEATURE_EPS_SCALE) : NULL;
}

void features_mask(const struct features *features, float *values)
{
    const float *mask = features_of(features, PLAN_FEATURE_MASK);

    if (mask == NULL)
        return;
    for (size_t i = 0; i < features->size; i++)
        if (mask[i] == 0.0f)
            values[i] = 0.0f;
}

static float round_towards(float clean, float x)
{
    if (x > clean)
        return fmaxf(floorf(x), clean);
    return x < clean ? fminf(ceilf(x), clean) : x;
}

/* Elements [first, end) of `grouped` are one group's. */
struct group {
    const uint32_t *elements;
    size_t count;
};

static struct group group_at(const struct features *features, size_t first)
{
    const float *kind = features_of(features, PLAN_FEATURE_KIND);
    size_t end = first;

    while (end < features->grouped_count && kind[features->grouped[end]] == kind[features->grouped[first]])
        end++;
    return (struct group){.elements = features->grouped + first, .count = end - first};
}

static uint32_t largest_column(const struct group *group, const float *x, const float *lean)
{
    uint32_t best = group->elements[0];

    for (size_t k = 1; k < group->count; k++) {
        uint32_t i = group->elements[k];

        if (x[i] > x[best] || (lean != NULL && x[i] == x[best] && lean[i] > lean[best]))
            best = i;
    }
    return best;
}

static bool may_become(const struct features *features, const struct fgsm_step *step, uint32_t i, float from, float to)
{
    double room = step->eps * (step->scale == NULL ? 1.0 : (double)step->scale[i]);

    return features_of(features, PLAN_FEATURE_MASK)[i] != 0.0f && to >= features_of(features, PLAN_FEATURE_LOW)[i] &&
           to <= features_of(features, PLAN_FEATURE_HIGH)[i] &&
           (step->norm != PLAN_NORM_INF || fabs((double)to - (double)from) <= room * (1.0 + ROUNDING));
}

/* Puts the group's clean values back, or two of them swapped; what the swap costs is added to *used. */
static void settle_group(const struct features *features, const struct fgsm_step *step, const struct group *group,
                         const float *clean, const float *lean, double room, double *used, float *x)
{
    uint32_t hot = largest_column(group, clean, NULL), want = largest_column(group, x, lean);
    double cost = 0.0;

    for (size_t k = 0; k < group->count; k++)
        x[group->elements[k]] = clean[group->elements[k]];
    if (want == hot || !may_become(features, step, hot, clean[hot], clean[want]) ||
        !may_become(features, step, want, clean[want], clean[hot]))
        return;
    if (step->norm != PLAN_NORM_INF)
        cost = 2.0 * norm_power(fabs((double)clean[hot] - (double)clean[want]), step->norm);
    if (*used + cost > room)
        return;
    *used += cost;
    x[hot] = clean[want];
    x[want] = clean[hot];
}

/* Σ|δ|^p of the elements outside groups. */
static double outside_groups(const struct features *features, double norm, const float *clean, const float *x)
{
    const float *kind = features_of(features, PLAN_FEATURE_KIND);
    double sum = 0.0;

    for (size_t i = 0; i < features->size; i++)
        if (kind[i] < KIND_GROUP && x[i] != clean[i])
            sum += norm_power(fabs((double)x[i] - (double)clean[i]), norm);
    return sum;
}

void features_settle(const struct features *features, const struct fgsm_step *step, const float *clean,
                     const float *lean, float *x)
{
    double used = 0.0, room = 0.0;

    if (!features->discrete)
        return;
    for (size_t i = 0; i < features->size; i++)
        if (features_of(features, PLAN_FEATURE_KIND)[i] == KIND_INTEGER)
            x[i] = round_towards(clean[i], x[i]);
    if (step->norm != PLAN_NORM_INF && features->grouped_count > 0) {
        used = outside_groups(features, step->norm, clean, x);
        room = norm_power(step->eps, step->norm) * (1.0 + ROUNDING);
    }
    for (size_t first = 0; first < features->grouped_count;) {
        struct group group = group_at(features, first);

        settle_group(features, step, &group, clean, lean, room, &used, x);
        first += group.count;
    }
}
