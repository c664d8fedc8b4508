/* SPDX-License-Identifier: Apache-2.0 */
/* The check of adversarial samples that the guest returned. */
#include "host/score/samples.h"

#include "wire/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define SAMPLES_ROUNDOFF 0x1p-24
#define SAMPLES_STEP     16.0 /* roundoffs of eps in a step's length */
#define KIND_INTEGER     1.0f
#define KIND_GROUP       2.0f /* and on */

static double difference(const float *a, const float *b, size_t i)
{
    return fabs((double)a[i] - (b != NULL ? (double)b[i] : 0.0));
}

double samples_norm(double norm, const float *a, const float *b, size_t count)
{
    double largest = 0.0, sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        double value = difference(a, b, i);

        largest = value > largest ? value : largest;
        sum += norm == 1.0 ? value : value * value;
    }
    if (norm == SAMPLES_NORM_INF || largest == 0.0)
        return largest;
    if (norm == 1.0)
        return sum;
    if (norm == 2.0)
        return sqrt(sum);
    sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += pow(difference(a, b, i) / largest, norm);
    return largest * pow(sum, 1.0 / norm);
}

/* Roundoffs of eps that a step's length may be off by. */
static double step_tolerance(const struct samples_rule *rule)
{
    if (!rule->minimal || rule->norm == SAMPLES_NORM_INF || rule->norm <= 1.0)
        return SAMPLES_STEP;
    return SAMPLES_STEP * (1.0 + rule->norm / (rule->norm - 1.0));
}

/* For an eps and the sizes of the two inputs. */
static double distance_max(const struct samples_rule *rule, double eps, double size)
{
    return eps + step_tolerance(rule) * SAMPLES_ROUNDOFF * eps + 2.0 * SAMPLES_ROUNDOFF * size;
}

double samples_distance_max(const struct samples_rule *rule, const float *clean, const float *adversarial,
                            size_t elements)
{
    return distance_max(rule, rule->eps,
                        samples_norm(rule->norm, clean, NULL, elements) +
                            samples_norm(rule->norm, adversarial, NULL, elements));
}

__attribute__((format(printf, 4, 5))) static int refuse(const struct samples_rule *rule, uint64_t index,
                                                        struct error *err, const char *format, ...)
{
    char norm[PLAN_NORM_TEXT_SIZE], what[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(err, ERROR_GUEST, -EBADMSG,
                     "check %s, norm %s%s, eps %s: the adversarial sample %" PRIu64 " from the guest %s", rule->check,
                     plan_norm_text(rule->norm, norm), rule->minimal ? ", minimal" : "", rule->eps_text, index, what);
}

/* One element against the range, its own or the whole input's. */
static int check_range(const struct samples_rule *rule, uint64_t index, size_t i, double value, double low, double high,
                       struct error *err)
{
    double slack = 4.0 * SAMPLES_ROUNDOFF * fmax(fabs(low), fabs(high));

    if (value >= low - slack && value <= high + slack) /* NaN is neither */
        return 0;
    return refuse(rule, index, err, "has element %zu at %.9g, outside the range [%.9g, %.9g]", i, value, low, high);
}

/* What the spec says of one element. */
static int check_feature(const struct samples_rule *rule, uint64_t index, size_t i, double clean, double value,
                         struct error *err)
{
    const struct samples_features *features = rule->features;
    double eps = rule->eps * (double)features->eps_scale[i], moved = fabs(value - clean);

    if (features->mask[i] == 0.0f && moved != 0.0)
        return refuse(rule, index, err, "has moved element %zu, which is masked, from %.9g to %.9g", i, clean, value);
    if (features->kind[i] == KIND_INTEGER && moved != 0.0 && value != rint(value))
        return refuse(rule, index, err, "has moved element %zu, which is an integer, to %.9g", i, value);
    if (rule->norm == SAMPLES_NORM_INF && !(moved <= distance_max(rule, eps, fabs(clean) + fabs(value))))
        return refuse(rule, index, err, "has moved element %zu by %.9g, beyond its own eps, %.9g", i, moved, eps);
    /* An input that was outside its range to begin with may stay where it is. */
    return moved == 0.0 ? 0
                        : check_range(rule, index, i, value, (double)features->low[i], (double)features->high[i], err);
}

/* Element i of a group has moved: another one of it has moved to where i was, i to where that was, and no third has. */
static bool is_exchanged(const struct samples_features *features, const float *clean, const float *adversarial,
                         size_t elements, size_t i)
{
    size_t moved = 0, other = i;

    for (size_t j = 0; j < elements; j++)
        if (features->kind[j] == features->kind[i] && adversarial[j] != clean[j] && j != i) {
            moved++;
            other = j;
        }
    return moved == 1 && adversarial[other] == clean[i] && adversarial[i] == clean[other];
}

/* Groups are few, as the spec names each; so the work is by elements times groups. */
static int check_groups(const struct samples_rule *rule, uint64_t index, const float *clean, const float *adversarial,
                        size_t elements, struct error *err)
{
    for (size_t i = 0; i < elements; i++)
        if (rule->features->kind[i] >= KIND_GROUP && adversarial[i] != clean[i] &&
            !is_exchanged(rule->features, clean, adversarial, elements, i))
            return refuse(rule, index, err,
                          "has moved element %zu of a one-hot group without exchanging it for another", i);
    return 0;
}

int samples_check(const struct samples_rule *rule, uint64_t index, const float *clean, const float *adversarial,
                  size_t elements, double *ret_distance, struct error *err)
{
    double distance, bound;
    int r = 0;

    for (size_t i = 0; r == 0 && i < elements; i++) {
        r = check_range(rule, index, i, (double)adversarial[i], rule->range_low, rule->range_high, err);
        if (r == 0 && rule->features != NULL)
            r = check_feature(rule, index, i, (double)clean[i], (double)adversarial[i], err);
    }
    if (r == 0 && rule->features != NULL)
        r = check_groups(rule, index, clean, adversarial, elements, err);
    if (r < 0)
        return r;
    distance = samples_norm(rule->norm, adversarial, clean, elements);
    bound = samples_distance_max(rule, clean, adversarial, elements);
    /* With features, norm infinity has an eps of its own for each element. */
    if (!(distance <= bound) && (rule->features == NULL || rule->norm != SAMPLES_NORM_INF))
        return refuse(rule, index, err, "lies %.9g from its clean input, beyond eps with its rounding tolerance, %.9g",
                      distance, bound);
    if (ret_distance != NULL)
        *ret_distance = distance;
    return 0;
}
