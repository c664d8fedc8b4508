/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's attacks, their curves, and the minima that are held against them. */
#include "host/policy/take.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE 64u

/* The names of one attack's keys, for messages. */
struct keys {
    char curves[KEY_SIZE], norm[KEY_SIZE], eps[KEY_SIZE];
};

static struct keys name_keys(const char *check, const char *list)
{
    struct keys keys;

    (void)snprintf(keys.curves, sizeof keys.curves, "checks.%s.%s", check, list);
    (void)snprintf(keys.norm, sizeof keys.norm, "checks.%s.%s.norm", check, list);
    (void)snprintf(keys.eps, sizeof keys.eps, "checks.%s.%s.eps", check, list);
    return keys;
}

/* --- curves ---------------------------------------------------------------------------------------- */

static int take_curve(const struct document_curve *from, const struct keys *keys, struct policy_attack *attack,
                      struct error *err)
{
    struct policy_curve *curve = &attack->curves[attack->curve_count];
    int r = take_norm(keys->norm, from->norm, &curve->norm, err);

    curve->minimal = from->minimal;
    for (unsigned i = 0; r == 0 && i < attack->curve_count; i++)
        if (attack->curves[i].norm.value == curve->norm.value && attack->curves[i].minimal == curve->minimal)
            r = take_refuse(err, keys->curves, "a norm named twice");
    for (unsigned i = 0; r == 0 && i < from->eps_count; i++) {
        r = take_eps(keys->eps, from->eps[i], &curve->eps[i], err);
        if (r == 0 && i > 0 && !(curve->eps[i].value > curve->eps[i - 1].value))
            r = take_refuse(err, keys->eps, "rising values expected");
    }
    curve->count = from->eps_count;
    attack->curve_count++;
    return r;
}

static bool has_point(const struct policy_attack *attack, const struct policy_decimal *norm,
                      const struct policy_decimal *eps)
{
    for (unsigned i = 0; i < attack->curve_count; i++) {
        const struct policy_curve *curve = &attack->curves[i];

        if (curve->minimal || curve->norm.value != norm->value)
            continue;
        for (unsigned j = 0; j < curve->count; j++)
            if (strcmp(curve->eps[j].text, eps->text) == 0)
                return true;
    }
    return false;
}

/* --- minima ------------------------------------------------------------------------------------------ */

static int take_minimum(const struct document_threshold *from, const char *check, struct policy_robust_minimum *to,
                        struct error *err)
{
    const struct keys keys = name_keys(check, "thresholds");
    char key[KEY_SIZE];
    const struct take_decimal share = {
        .key = key, .text = from->robust_accuracy, .min = 0, .max = 1, .to = &to->robust_accuracy};
    int r = take_norm(keys.norm, from->norm, &to->norm, err);

    (void)snprintf(key, sizeof key, "checks.%s.thresholds.robustAccuracy", check);
    to->bound = from->bound;
    if (r == 0)
        r = take_eps(keys.eps, from->eps, &to->eps, err);
    return r == 0 ? take_decimals(&share, 1, err) : r;
}

static int take_own_minima(const struct document_attack *from, const char *check, struct policy_attack *attack,
                           struct error *err)
{
    const struct keys keys = name_keys(check, "thresholds");
    int r = 0;

    for (unsigned i = 0; r == 0 && i < from->threshold_count; i++) {
        struct policy_robust_minimum *minimum = &attack->thresholds[i];

        r = take_minimum(&from->thresholds[i], check, minimum, err);
        if (r == 0 && !has_point(attack, &minimum->norm, &minimum->eps))
            r = take_refuse(err, keys.eps, "names no point of its norm's curve, in the same spelling");
    }
    attack->threshold_count = from->threshold_count;
    return r;
}

/* --- one attack -------------------------------------------------------------------------------------- */

/* Which keys an attack has besides its curves. */
struct shape {
    const char *check;
    unsigned iterations_min; /* 0: it has none */
    bool step;
};

static int take_attack(const struct document_attack *from, const struct shape *shape, struct policy_attack *attack,
                       struct error *err)
{
    const struct keys keys = name_keys(shape->check, "curves");
    char iterations[KEY_SIZE], restarts[KEY_SIZE], step[KEY_SIZE];
    const struct take_number numbers[] = {
        {restarts, from != NULL ? from->restarts : 0, 0, POLICY_RESTARTS_MAX, &attack->restarts},
        {iterations, from != NULL ? from->iterations : 0, shape->iterations_min, POLICY_ITERATIONS_MAX,
         &attack->iterations},
    };
    const struct take_decimal length = {
        .key = step, .text = from != NULL ? from->step : NULL, .max = 1, .above = true, .to = &attack->step};
    int r;

    if (from == NULL)
        return 0;
    (void)snprintf(iterations, sizeof iterations, "checks.%s.iterations", shape->check);
    (void)snprintf(restarts, sizeof restarts, "checks.%s.restarts", shape->check);
    (void)snprintf(step, sizeof step, "checks.%s.step", shape->check);
    attack->present = true;
    attack->required = from->required;
    attack->goal = from->goal;
    r = take_numbers(numbers, TAKE_COUNT(numbers), err);
    if (r == 0 && shape->step)
        r = take_decimals(&length, 1, err);
    for (unsigned i = 0; r == 0 && i < from->curve_count; i++)
        r = take_curve(&from->curves[i], &keys, attack, err);
    return r == 0 ? take_own_minima(from, shape->check, attack, err) : r;
}

/* --- all of them --------------------------------------------------------------------------------------- */

/*
 * A minimum of robustness needs a point that some attack is made at. Above low, one that a multi-step attack is made
 * at, as a single step or noise alone would be a minimum that nothing was held against in earnest.
 */
static int take_robustness(const struct document_robustness *from, struct policy *policy, struct error *err)
{
    static const char key[] = "checks.robustness.thresholds.eps";
    struct policy_robustness *robustness = &policy->robustness;
    int r = 0;

    if (from == NULL)
        return 0;
    robustness->present = true;
    robustness->required = from->required;
    robustness->threshold_count = from->threshold_count;
    for (unsigned i = 0; r == 0 && i < from->threshold_count; i++) {
        struct policy_robust_minimum *minimum = &robustness->thresholds[i];
        bool by_pgd, by_others;

        r = take_minimum(&from->thresholds[i], "robustness", minimum, err);
        if (r < 0)
            break;
        by_pgd = has_point(&policy->pgd, &minimum->norm, &minimum->eps);
        by_others = has_point(&policy->fgsm, &minimum->norm, &minimum->eps) ||
                    has_point(&policy->square, &minimum->norm, &minimum->eps);
        if (!by_pgd && !by_others)
            return take_refuse(err, key,
                               "names no point of a curve of fgsm, pgd or square, in the same spelling of its eps");
        if (!by_pgd && policy->tier != POLICY_LOW)
            return take_refuse(err, key, "names no point of a curve of pgd, which tiers above low need");
    }
    return r;
}

int take_attacks(const struct document_checks *from, struct policy *policy, struct error *err)
{
    static const struct shape noise = {.check = "noise", .iterations_min = 1}, fgsm = {.check = "fgsm"},
                              pgd = {.check = "pgd", .iterations_min = 1, .step = true},
                              square = {.check = "square", .iterations_min = 1};
    int r = take_attack(from->noise, &noise, &policy->noise, err);

    if (r == 0)
        r = take_attack(from->fgsm, &fgsm, &policy->fgsm, err);
    if (r == 0)
        r = take_attack(from->pgd, &pgd, &policy->pgd, err);
    if (r == 0)
        r = take_attack(from->square, &square, &policy->square, err);
    return r == 0 ? take_robustness(from->robustness, policy, err) : r;
}
