/* SPDX-License-Identifier: Apache-2.0 */
/* Accuracy, attacks and their worst case, for a terminal. */
#include "host/cli/summary_lines.h"

#include <stdio.h>
#include <string.h>

#define POINTS_A_LINE 8u
#define LINE_MAX      256u

void summary_accuracy(struct summary_lines *lines, const json_t *check)
{
    const json_t *interval = json_object_get(check, "ci95");

    summary_line(lines, "%lld of %lld right: %s, 95%% interval %s to %s", summary_number(check, "correct"),
                 summary_number(check, "total"), summary_text(check, "accuracy"),
                 summary_string(json_array_get(interval, 0)), summary_string(json_array_get(interval, 1)));
}

/* Some points a line, under the norm's name. */
static void print_points(struct summary_lines *lines, const char *name, const json_t *points)
{
    for (size_t first = 0; first < json_array_size(points); first += POINTS_A_LINE) {
        char line[LINE_MAX] = "";
        size_t used = 0;

        for (size_t i = first; i < first + POINTS_A_LINE && i < json_array_size(points); i++) {
            const json_t *point = json_array_get(points, i);
            char cell[48];

            (void)snprintf(cell, sizeof cell, "%s: %lld", summary_text(point, "eps"),
                           summary_number(point, "robustCorrect"));
            if (used < sizeof line)
                used += (size_t)snprintf(line + used, sizeof line - used, i > first ? " %-12s" : "%-12s", cell);
        }
        while (used > 0 && used < sizeof line && line[used - 1] == ' ')
            line[--used] = '\0';
        summary_line(lines, "%-18s %s", first == 0 ? name : "", line);
    }
}

static void print_curves(struct summary_lines *lines, const json_t *check)
{
    const json_t *curve;
    size_t i;

    json_array_foreach (json_object_get(check, "curves"), i, curve) {
        char name[48];

        (void)snprintf(name, sizeof name, "norm %s%s", summary_text(curve, "norm"),
                       json_is_true(json_object_get(curve, "minimal")) ? ", minimal" : "");
        print_points(lines, name, json_object_get(curve, "points"));
    }
}

/* Test samples behind the curves. */
static long long total_of(const json_t *check)
{
    const json_t *points = json_object_get(json_array_get(json_object_get(check, "curves"), 0), "points");

    return summary_number(json_array_get(points, 0), "total");
}

void summary_attack(struct summary_lines *lines, const json_t *check)
{
    const json_t *zero = json_object_get(check, "zeroGradients");

    summary_line(lines, "right when clean and under attack, of %lld, by eps (%s, %lld restarts)", total_of(check),
                 summary_text(check, "goal"), summary_number(check, "restarts"));
    print_curves(lines, check);
    if (summary_number(zero, "count") > 0)
        summary_line(lines, "%lld of %lld inputs have no gradient", summary_number(zero, "count"),
                     summary_number(zero, "total"));
}

/* --- robustness -------------------------------------------------------------------------------------- */

/* "the weakest 5% break within 0.1", or that they break at no eps tried. */
static void print_part(char *ret_text, size_t size, const char *part, const char *eps)
{
    if (*eps != '\0')
        (void)snprintf(ret_text, size, "%s within %s", part, eps);
    else
        (void)snprintf(ret_text, size, "%s beyond every eps tried", part);
}

static void print_minimal_eps(struct summary_lines *lines, const json_t *curve)
{
    const json_t *minimal = json_object_get(curve, "minimalEps");
    char weakest[64], half[64];

    print_part(weakest, sizeof weakest, "the weakest 5%", summary_text(minimal, "p5"));
    print_part(half, sizeof half, "half of them", summary_text(minimal, "median"));
    summary_line(lines, "norm %s: %lld of %lld break, %s, %s", summary_text(curve, "norm"),
                 summary_number(minimal, "broken"), summary_number(minimal, "total"), weakest, half);
}

static void print_flag(struct summary_lines *lines, const json_t *flag)
{
    if (strcmp(summary_text(flag, "flag"), "zero-gradients") == 0)
        summary_line(lines, "masked gradients? %s finds none at %lld of %lld inputs", summary_text(flag, "attack"),
                     summary_number(flag, "count"), summary_number(flag, "total"));
    else
        summary_line(lines, "masked gradients? norm %s, eps %s: %s breaks %lld, %s only %lld (p %s)",
                     summary_text(flag, "norm"), summary_text(flag, "eps"), summary_text(flag, "attack"),
                     summary_number(flag, "broken"), summary_text(flag, "against"),
                     summary_number(flag, "againstBroken"), summary_text(flag, "pHolm"));
}

void summary_robustness(struct summary_lines *lines, const json_t *check)
{
    const json_t *masking = json_object_get(check, "masking"), *element;
    char attacks[LINE_MAX] = "";
    size_t i, used = 0;

    json_array_foreach (json_object_get(check, "attacks"), i, element)
        if (used < sizeof attacks)
            used += (size_t)snprintf(attacks + used, sizeof attacks - used, "%s%s", i > 0 ? ", " : "",
                                     summary_string(element));
    summary_line(lines, "right when clean and under the worst of %s, of %lld, by eps", attacks, total_of(check));
    print_curves(lines, check);
    json_array_foreach (json_object_get(check, "curves"), i, element)
        print_minimal_eps(lines, element);
    for (i = 0; i < json_array_size(masking) && i < SUMMARY_WORST_MAX; i++)
        print_flag(lines, json_array_get(masking, i));
    summary_more(lines, json_array_size(masking), "such signs");
}
