/* SPDX-License-Identifier: Apache-2.0 */
/* The check of adversarial samples that the guest returned. */
#include "host/score/samples.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#define SAMPLES_ROUNDOFF 0x1p-24

const char *score_norm_name(enum score_norm norm)
{
    static const char *const names[SCORE_NORM_COUNT] = {"inf", "2", "1"};

    return norm < SCORE_NORM_COUNT ? names[norm] : "unknown";
}

/* The norm of a - b in f64, or of a where b is NULL. */
static double norm_of(enum score_norm norm, const float *a, const float *b, size_t count)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        double value = fabs((double)a[i] - (b != NULL ? (double)b[i] : 0.0));

        if (norm == SCORE_NORM_INF)
            sum = value > sum ? value : sum;
        else
            sum += norm == SCORE_NORM_2 ? value * value : value;
    }
    return norm == SCORE_NORM_2 ? sqrt(sum) : sum;
}

double samples_distance_max(const struct samples_rule *rule, const float *clean, const float *adversarial,
                            size_t elements)
{
    double size = norm_of(rule->norm, clean, NULL, elements) + norm_of(rule->norm, adversarial, NULL, elements);

    return rule->eps + 16.0 * SAMPLES_ROUNDOFF * rule->eps + 2.0 * SAMPLES_ROUNDOFF * size;
}

static int refuse_element(const struct samples_rule *rule, uint64_t index, size_t element, float value,
                          struct error *err)
{
    return error_set(err, ERROR_GUEST, -EBADMSG,
                     "check %s, norm %s, eps %s: element %zu of the adversarial sample %" PRIu64
                     " from the guest is %.9g, outside the range [%.9g, %.9g]",
                     rule->check, score_norm_name(rule->norm), rule->eps_text, element, index, (double)value,
                     rule->range_low, rule->range_high);
}

int samples_check(const struct samples_rule *rule, uint64_t index, const float *clean, const float *adversarial,
                  size_t elements, double *ret_distance, struct error *err)
{
    double slack = 4.0 * SAMPLES_ROUNDOFF * fmax(fabs(rule->range_low), fabs(rule->range_high));
    double distance, bound;

    for (size_t i = 0; i < elements; i++) {
        double value = (double)adversarial[i];

        if (!(value >= rule->range_low - slack && value <= rule->range_high + slack)) /* NaN too */
            return refuse_element(rule, index, i, adversarial[i], err);
    }
    distance = norm_of(rule->norm, adversarial, clean, elements);
    bound = samples_distance_max(rule, clean, adversarial, elements);
    if (!(distance <= bound))
        return error_set(err, ERROR_GUEST, -EBADMSG,
                         "check %s, norm %s, eps %s: the adversarial sample %" PRIu64
                         " from the guest lies %.9g from its clean input, beyond eps with its rounding tolerance, %.9g",
                         rule->check, score_norm_name(rule->norm), rule->eps_text, index, distance, bound);
    if (ret_distance != NULL)
        *ret_distance = distance;
    return 0;
}
