/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for backdoors and drift, for a terminal: what is suspicious first. */
#include "host/cli/summary_lines.h"

#include <stdbool.h>
#include <string.h>

static long long item(const json_t *array, size_t index)
{
    return (long long)json_integer_value(json_array_get(array, index));
}

static bool is_suspicious(const json_t *element)
{
    return json_is_true(json_object_get(element, "suspicious"));
}

/* --- activation-clustering, spectral-signature ----------------------------------------------------------- */

static double rank_cluster(const json_t *class)
{
    return is_suspicious(class) ? summary_decimal(class, "effect") : 0.0;
}

static double rank_skipped(const json_t *class)
{
    return json_object_get(class, "skipped") != NULL ? 1.0 : 0.0;
}

void summary_clustering(struct summary_lines *lines, const json_t *check)
{
    const json_t *classes = json_object_get(check, "classes"), *worst[SUMMARY_WORST_MAX];
    size_t count, all = summary_worst(classes, rank_cluster, worst, &count), skipped;

    for (size_t i = 0; i < count; i++) {
        const json_t *sizes = json_object_get(worst[i], "sizes"), *test = json_object_get(worst[i], "testSizes");

        summary_line(lines, "class %lld is suspicious: clusters of %lld/%lld in training, %lld/%lld in test, p %s",
                     summary_number(worst[i], "label"), item(sizes, 0), item(sizes, 1), item(test, 0), item(test, 1),
                     summary_text(worst[i], "pHolm"));
    }
    summary_more(lines, all, "suspicious classes");
    if (all == 0)
        summary_line(lines, "none of %zu classes is suspicious", json_array_size(classes));
    skipped = summary_worst(classes, rank_skipped, worst, &count);
    if (skipped > 0)
        summary_line(lines, "%zu of %zu classes could not be looked at", skipped, json_array_size(classes));
}

static double rank_share(const json_t *class)
{
    return summary_decimal(class, "share");
}

void summary_spectrum(struct summary_lines *lines, const json_t *check)
{
    const json_t *worst[SUMMARY_WORST_MAX];
    size_t count, all = summary_worst(json_object_get(check, "classes"), rank_share, worst, &count);

    if (all == 0)
        summary_line(lines, "no class has enough training samples");
    else
        summary_line(lines, "report only; the first direction explains most in class %lld: %.4f, top score %.4f",
                     summary_number(worst[0], "label"), summary_decimal(worst[0], "share"),
                     summary_decimal(worst[0], "top"));
}

/* --- trigger-scan, neural-cleanse, strip ------------------------------------------------------------------ */

static void print_trigger(struct summary_lines *lines, const json_t *target, const char *verdict)
{
    summary_line(lines, "class %lld%s: a %lldx%lld patch at row %lld, column %lld turns %lld of %lld (%.4f)",
                 summary_number(target, "target"), verdict, summary_number(target, "height"),
                 summary_number(target, "width"), summary_number(target, "row"), summary_number(target, "col"),
                 summary_number(target, "flipped"), summary_number(target, "eligible"),
                 summary_decimal(target, "success"));
}

/* Suspicious targets are listed by number, ascending; their figures stand in `targets`, one a class. */
static void print_suspicious_targets(struct summary_lines *lines, const json_t *check)
{
    const json_t *suspicious = json_object_get(check, "suspicious"), *targets = json_object_get(check, "targets");
    size_t all = json_array_size(suspicious);

    for (size_t i = 0; i < all && i < SUMMARY_WORST_MAX; i++)
        print_trigger(lines, json_array_get(targets, (size_t)item(suspicious, i)), " is suspicious");
    summary_more(lines, all, "suspicious classes");
    if (all == 0)
        print_trigger(lines, json_object_get(check, "best"), ", the best of all");
}

void summary_trigger_scan(struct summary_lines *lines, const json_t *check)
{
    const json_t *coverage = json_object_get(check, "coverage"), *null = json_object_get(check, "null"), *trigger;
    size_t i;

    print_suspicious_targets(lines, check);
    if (json_is_string(json_object_get(null, "median")))
        summary_line(lines, "targets have a median of %.4f, MAD %.4f; %lld of %lld patches tried on %lld samples",
                     summary_decimal(null, "median"), summary_decimal(null, "mad"), summary_number(coverage, "tried"),
                     summary_number(coverage, "places"), summary_number(coverage, "samples"));
    else
        summary_line(lines, "too few classes for a null; %lld of %lld patches tried on %lld samples",
                     summary_number(coverage, "tried"), summary_number(coverage, "places"),
                     summary_number(coverage, "samples"));
    json_array_foreach (json_object_get(check, "triggers"), i, trigger)
        summary_line(lines, "trigger %lld of the set turns %lld of %lld into class %lld (%.4f)",
                     summary_number(trigger, "index"), summary_number(trigger, "flipped"),
                     summary_number(trigger, "eligible"), summary_number(trigger, "target"),
                     summary_decimal(trigger, "flipRate"));
}

static double rank_mask(const json_t *class)
{
    return is_suspicious(class) ? 1.0 + summary_decimal(class, "index") : 0.0;
}

void summary_neural_cleanse(struct summary_lines *lines, const json_t *check)
{
    const json_t *classes = json_object_get(check, "classes"), *worst[SUMMARY_WORST_MAX];
    size_t count, all = summary_worst(classes, rank_mask, worst, &count);

    for (size_t i = 0; i < count; i++)
        summary_line(
            lines,
            "class %lld is suspicious: a mask of norm %.4f (index %.4f) within %lldx%lld at row %lld, column "
            "%lld turns %lld of %lld",
            summary_number(worst[i], "label"), summary_decimal(worst[i], "l1"), summary_decimal(worst[i], "index"),
            summary_number(worst[i], "height"), summary_number(worst[i], "width"), summary_number(worst[i], "row"),
            summary_number(worst[i], "col"), summary_number(worst[i], "flipped"), summary_number(worst[i], "eligible"));
    summary_more(lines, all, "suspicious classes");
    if (all == 0)
        summary_line(lines, "none of %zu classes is suspicious", json_array_size(classes));
    summary_line(lines, "masks have a median norm of %.4f, MAD %.4f", summary_decimal(check, "median"),
                 summary_decimal(check, "mad"));
}

void summary_strip(struct summary_lines *lines, const json_t *check)
{
    const json_t *trigger;
    size_t i;

    json_array_foreach (json_object_get(check, "triggers"), i, trigger)
        summary_line(lines, "report only; with trigger %lld %lld of %lld are flagged (entropy %.4f, clean %.4f)",
                     summary_number(trigger, "index"), summary_number(trigger, "flagged"),
                     summary_number(trigger, "samples"), summary_decimal(trigger, "triggeredMean"),
                     summary_decimal(trigger, "cleanMean"));
}

/* --- weight-drift ----------------------------------------------------------------------------------------- */

static double rank_drift(const json_t *layer)
{
    return json_is_true(json_object_get(layer, "drifted")) ? 1.0 + summary_decimal(layer, "d") : 0.0;
}

static double rank_compared(const json_t *layer)
{
    return strcmp(summary_text(layer, "outcome"), "compared") == 0 ? 1.0 : 0.0;
}

void summary_drift(struct summary_lines *lines, const json_t *check)
{
    const json_t *layers = json_object_get(check, "layers"), *worst[SUMMARY_WORST_MAX];
    size_t count, compared = summary_worst(layers, rank_compared, worst, &count);
    size_t all = summary_worst(layers, rank_drift, worst, &count);

    summary_line(lines, "%zu of %zu tensors compared have drifted from the reference model (%zu were not compared)",
                 all, compared, json_array_size(layers) - compared);
    for (size_t i = 0; i < count; i++)
        summary_line(lines, "%s: D %.4f, p %s", summary_text(worst[i], "name"), summary_decimal(worst[i], "d"),
                     summary_text(worst[i], "pHolm"));
    summary_more(lines, all, "drifted tensors");
}
