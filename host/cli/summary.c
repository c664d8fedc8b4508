/* SPDX-License-Identifier: Apache-2.0 */
/* What evaluation.json says, in a line a check. Its texts are our own, or were made printable when it was built. */
#include "host/cli/summary.h"

#include "host/json/reader.h"

#include <stdio.h>
#include <string.h>

/* A check's second and later lines stand under its first. */
#define CONTINUED "                                   "

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void print_accuracy(const json_t *check)
{
    const json_t *interval = json_object_get(check, "ci95");

    (void)printf("%lld of %lld right: %s, 95%% interval %s to %s\n", number_of(check, "correct"),
                 number_of(check, "total"), text_of(check, "accuracy"), json_string_value(json_array_get(interval, 0)),
                 json_string_value(json_array_get(interval, 1)));
}

/* One line a norm: how many stay right at each eps. */
static void print_curves(const json_t *check)
{
    const json_t *curve, *point;
    size_t i, j;

    json_array_foreach (json_object_get(check, "curves"), i, curve) {
        (void)printf("%snorm %-3s right clean and at eps", i > 0 ? CONTINUED : "", text_of(curve, "norm"));
        json_array_foreach (json_object_get(curve, "points"), j, point)
            (void)printf(" %s: %lld", text_of(point, "eps"), number_of(point, "robustCorrect"));
        (void)printf(" of %lld\n", number_of(json_array_get(json_object_get(curve, "points"), 0), "total"));
    }
}

static void print_clusters(const json_t *check)
{
    const json_t *class;
    size_t i, suspicious = 0;

    json_array_foreach (json_object_get(check, "classes"), i, class) {
        const json_t *sizes = json_object_get(class, "sizes"), *test = json_object_get(class, "testSizes");

        if (!json_is_true(json_object_get(class, "suspicious")))
            continue;
        (void)printf("%sclass %lld is suspicious: clusters of %lld/%lld in training, %lld/%lld in test, p %s\n",
                     suspicious++ > 0 ? CONTINUED : "", number_of(class, "label"),
                     (long long)json_integer_value(json_array_get(sizes, 0)),
                     (long long)json_integer_value(json_array_get(sizes, 1)),
                     (long long)json_integer_value(json_array_get(test, 0)),
                     (long long)json_integer_value(json_array_get(test, 1)), text_of(class, "pHolm"));
    }
    if (suspicious == 0)
        (void)printf("none of %zu classes is suspicious\n", json_array_size(json_object_get(check, "classes")));
}

static void print_check(const json_t *check)
{
    (void)printf("  %-23s %-8s ", text_of(check, "id"), text_of(check, "status"));
    if (json_object_get(check, "reason") != NULL)
        (void)printf("%s\n", text_of(check, "reason"));
    else if (json_object_get(check, "curves") != NULL)
        print_curves(check);
    else if (json_is_array(json_object_get(check, "classes")))
        print_clusters(check);
    else
        print_accuracy(check);
}

void summary_print(const struct buffer *evaluation)
{
    CLEANUP_JSON json_t *document = NULL;
    const json_t *check;
    size_t i;

    if (json_read(evaluation->data, evaluation->size, evaluation->size, "evaluation.json", &document, NULL) < 0)
        return;
    json_array_foreach (json_object_get(document, "checks"), i, check)
        print_check(check);
}
