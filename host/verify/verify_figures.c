/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an evaluation's figures follow from its counts.
 *
 * The verdict compares ratios and bounds as evaluation.json writes them, so that these must not say other than the
 * counts beside them. Everything of this form, wherever it stands, is worked out again: a count of a total, its ratio,
 * and its Wilson interval, with the writer's own digits.
 */
#include "host/verify/internal.h"

#include "host/json/decimal.h"
#include "host/score/interval.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX  32u
#define PLACE_SIZE 128u

struct figures {
    size_t count;           /* of ratios and intervals that follow */
    char place[PLACE_SIZE]; /* the first that does not, "" for none */
};

/* A count, the ratio of it, and the key of the interval. An attack's point has the interval of what it held. */
static const struct {
    const char *part, *ratio;
    bool has_interval;
} forms[] = {{"correct", "accuracy", true}, {"robustCorrect", "robustAccuracy", true}};

static bool is_text(const json_t *value, double expected)
{
    char text[JSON_DECIMAL_SIZE];

    return json_is_string(value) && json_decimal_fixed(expected, text) == 0 &&
           strcmp(json_string_value(value), text) == 0;
}

static bool follows(const json_t *object, size_t form, size_t *ret_count)
{
    const json_t *part = json_object_get(object, forms[form].part), *total = json_object_get(object, "total");
    const json_t *ratio = json_object_get(object, forms[form].ratio), *bounds = json_object_get(object, "ci95");
    json_int_t successes = json_integer_value(part), all = json_integer_value(total);
    struct interval interval;

    if (!json_is_integer(part) || !json_is_integer(total) || ratio == NULL)
        return true;
    if (successes < 0 || successes > all || all > INT64_C(1) << 53)
        return false;
    if (all > 0 ? !is_text(ratio, (double)successes / (double)all) : !json_is_null(ratio))
        return false;
    ++*ret_count;
    /* Where both counts stand, the interval is the second's. */
    if (bounds == NULL || (form == 0 && json_object_get(object, forms[1].part) != NULL))
        return true;
    interval = interval_wilson((uint64_t)successes, (uint64_t)all);
    ++*ret_count;
    return json_array_size(bounds) == 2 && is_text(json_array_get(bounds, 0), interval.low) &&
           is_text(json_array_get(bounds, 1), interval.high);
}

/* Rows by label, columns by prediction: together they are the total, on the diagonal the correct ones. */
static bool confusion_follows(const json_t *object)
{
    const json_t *rows = json_object_get(object, "confusion");
    json_int_t correct = 0, total = 0;

    if (rows == NULL)
        return true;
    for (size_t i = 0; i < json_array_size(rows); i++)
        for (size_t j = 0; j < json_array_size(json_array_get(rows, i)); j++) {
            json_int_t count = json_integer_value(json_array_get(json_array_get(rows, i), j));

            if (count < 0 || __builtin_add_overflow(total, count, &total))
                return false;
            correct += i == j ? count : 0;
        }
    return correct == json_integer_value(json_object_get(object, "correct")) &&
           total == json_integer_value(json_object_get(object, "total"));
}

static bool object_follows(const json_t *object, size_t *ret_count)
{
    const json_t *robust = json_object_get(object, "robustCorrect");

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!follows(object, i, ret_count))
            return false;
    return confusion_follows(object) &&
           (robust == NULL || json_object_get(object, "correct") == NULL ||
            json_integer_value(robust) <= json_integer_value(json_object_get(object, "correct")));
}

static void walk(const json_t *value, const char *place, unsigned depth, struct figures *figures)
{
    char below[PLACE_SIZE];
    const char *key;
    json_t *member;
    size_t i;

    if (depth > DEPTH_MAX || figures->place[0] != '\0')
        return;
    if (json_is_object(value) && !object_follows(value, &figures->count)) {
        (void)snprintf(figures->place, sizeof figures->place, "%s", place);
        return;
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        (void)snprintf(below, sizeof below, "%s.%s", place, key);
        walk(member, below, depth + 1, figures);
    }
    json_array_foreach (value, i, member) {
        (void)snprintf(below, sizeof below, "%s[%zu]", place, i);
        walk(member, below, depth + 1, figures);
    }
}

void verify_figures(struct verify *verify, const json_t *evaluation)
{
    struct figures figures = {0};
    const json_t *check;
    size_t i;

    json_array_foreach (json_object_get(evaluation, "checks"), i, check) {
        const char *id = json_string_value(json_object_get(check, "id"));

        walk(check, id != NULL ? id : "checks", 0, &figures);
    }
    if (figures.place[0] != '\0')
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "figures",
                   "%s: ratio, interval or confusion don't follow from the counts", figures.place);
    else
        verify_add(verify, VERIFY_VERDICT, VERIFY_HOLDS, "figures", "%zu ratios and intervals follow from their counts",
                   figures.count);
}
