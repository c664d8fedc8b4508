/* SPDX-License-Identifier: Apache-2.0 */
/* What evaluation.json says, some lines a check, the worst check first. */
#include "host/cli/summary.h"

#include "host/attest/text.h"
#include "host/cli/summary_lines.h"
#include "host/json/decimal.h"
#include "host/json/reader.h"

#include <stdio.h>
#include <string.h>

/* A check's second and later lines stand under its first. */
#define CONTINUED "                                   "

/* --- lines ------------------------------------------------------------------------------------------- */

void summary_line(struct summary_lines *lines, const char *format, ...)
{
    va_list arguments;

    if (lines->count++ > 0)
        (void)fputs(CONTINUED, stdout);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)fputc('\n', stdout);
}

const char *summary_string(const json_t *value)
{
    const char *text = json_string_value(value);

    if (text == NULL)
        return "";
    return text_is_printable(text) ? text : "(unprintable)";
}

const char *summary_text(const json_t *object, const char *key)
{
    return summary_string(json_object_get(object, key));
}

long long summary_number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

double summary_decimal(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    double value = 0.0;

    return text != NULL && json_decimal_parse(text, &value) == 0 ? value : 0.0;
}

size_t summary_worst(const json_t *array, double (*rank)(const json_t *element),
                     const json_t *ret_worst[SUMMARY_WORST_MAX], size_t *ret_count)
{
    size_t all = 0, count = 0;

    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *element = json_array_get(array, i);
        double value = rank(element);
        size_t at = count;

        if (!(value > 0.0))
            continue;
        all++;
        while (at > 0 && rank(ret_worst[at - 1]) < value)
            at--;
        if (at == SUMMARY_WORST_MAX)
            continue;
        count += count < SUMMARY_WORST_MAX;
        for (size_t j = count - 1; j > at; j--)
            ret_worst[j] = ret_worst[j - 1];
        ret_worst[at] = element;
    }
    *ret_count = count;
    return all;
}

void summary_more(struct summary_lines *lines, size_t all, const char *what)
{
    if (all > SUMMARY_WORST_MAX)
        summary_line(lines, "and %zu more %s", all - SUMMARY_WORST_MAX, what);
}

/* --- checks ------------------------------------------------------------------------------------------ */

static const struct {
    const char *id;
    summary_print_check *print;
} checks[] = {
    {"scan", summary_scan},
    {"clean-accuracy", summary_accuracy},
    {"noise", summary_attack},
    {"fgsm", summary_attack},
    {"pgd", summary_attack},
    {"square", summary_attack},
    {"robustness", summary_robustness},
    {"activation-clustering", summary_clustering},
    {"spectral-signature", summary_spectrum},
    {"trigger-scan", summary_trigger_scan},
    {"neural-cleanse", summary_neural_cleanse},
    {"strip", summary_strip},
    {"weight-drift", summary_drift},
};

static void print_check(const json_t *check)
{
    const char *id = summary_text(check, "id");
    struct summary_lines lines = {0};

    (void)printf("  %-23s %-8s ", id, summary_text(check, "status"));
    if (json_object_get(check, "reason") != NULL)
        summary_line(&lines, "%s", summary_text(check, "reason"));
    else
        for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
            if (strcmp(checks[i].id, id) == 0)
                checks[i].print(&lines, check);
    if (lines.count == 0)
        (void)fputc('\n', stdout);
}

void summary_print(const struct buffer *evaluation)
{
    static const char *const worst_first[] = {"failed", "error", "warned", "skipped", "passed"};
    CLEANUP_JSON json_t *document = NULL;
    const json_t *check;
    size_t i;

    if (json_read(evaluation->data, evaluation->size, evaluation->size, "evaluation.json", &document, NULL) < 0)
        return;
    for (size_t status = 0; status < sizeof worst_first / sizeof worst_first[0]; status++)
        json_array_foreach (json_object_get(document, "checks"), i, check)
            if (strcmp(summary_text(check, "status"), worst_first[status]) == 0)
                print_check(check);
}
