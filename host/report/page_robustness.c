/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks: accuracy against eps, a plot a norm, and the figures as tables. */
#include "host/report/page_sections.h"
#include "host/report/plot.h"

#include <stdio.h>
#include <string.h>

#define NORMS_MAX    8u
#define NORM_SIZE    16u
#define ID_SIZE      24u
#define CAPTION_SIZE 128u

static const char *const attacks[] = {"fgsm", "noise", "pgd", "square", "robustness"};

struct norms {
    size_t count;
    char names[NORMS_MAX][NORM_SIZE];
};

static void add_norm(struct norms *norms, const char *name)
{
    for (size_t i = 0; i < norms->count; i++)
        if (strcmp(norms->names[i], name) == 0)
            return;
    if (norms->count < NORMS_MAX && strlen(name) < NORM_SIZE)
        memcpy(norms->names[norms->count++], name, strlen(name) + 1);
}

static void find_norms(const struct page *page, struct norms *ret_norms)
{
    const json_t *curve;
    size_t j;

    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++)
        json_array_foreach (json_object_get(page_find_made(page, attacks[i]), "curves"), j, curve)
            add_norm(ret_norms, look_text(curve, "norm"));
}

/* --- the plots ---------------------------------------------------------------------------------------------------- */

/* What the drawing shows at most is bounded; the tables below have all. */
static void take_series(struct plot *plot, unsigned look, const char *name, const json_t *points)
{
    struct plot_series *series = &plot->series[plot->series_count];
    const json_t *point;
    size_t i;

    series->name = name;
    series->look = look;
    series->count = 0;
    json_array_foreach (points, i, point) {
        struct plot_point *to = &series->points[series->count];
        const json_t *interval = json_object_get(point, "ci95");

        to->eps = look_decimal(point, "eps");
        if (!(to->eps > 0.0) || series->count == PLOT_POINTS_MAX)
            continue;
        to->share = look_decimal(point, "robustAccuracy");
        to->low = look_decimal_item(interval, 0);
        to->high = look_decimal_item(interval, 1);
        to->other = look_decimal(point, "accuracy");
        (void)snprintf(to->label, sizeof to->label, "%s", look_text(point, "eps"));
        series->count++;
    }
    plot->series_count += series->count > 0;
}

static void take_marks(struct plot *plot, const struct policy_robust_minimum *minimums, unsigned count,
                       const char *norm)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(minimums[i].norm.text, norm) == 0 && plot->mark_count < PLOT_MARKS_MAX) {
            plot->marks[plot->mark_count].eps = minimums[i].eps.value;
            plot->marks[plot->mark_count++].share = minimums[i].robust_accuracy;
        }
}

static void write_plot(struct html *html, const struct page *page, const char *norm, size_t number)
{
    struct plot plot = {.clean = look_decimal(page_find_made(page, "clean-accuracy"), "accuracy"), .chance = -1.0};
    long long classes = look_count(page->evaluation, "classes");
    char id[ID_SIZE], title[CAPTION_SIZE];
    const json_t *curve;
    size_t j;

    (void)snprintf(id, sizeof id, "norm-%zu", number);
    (void)snprintf(title, sizeof title, "Norm %s: right when clean and under attack", norm);
    plot.id = id;
    plot.title = title;
    if (classes > 0)
        plot.chance = 1.0 / (double)classes;
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++)
        json_array_foreach (json_object_get(page_find_made(page, attacks[i]), "curves"), j, curve)
            if (strcmp(look_text(curve, "norm"), norm) == 0 && !json_is_true(json_object_get(curve, "minimal")) &&
                plot.series_count < PLOT_SERIES_MAX)
                take_series(&plot, (unsigned)i, page_check_name(attacks[i]), json_object_get(curve, "points"));
    if (page->policy != NULL) {
        take_marks(&plot, page->policy->fgsm.thresholds, page->policy->fgsm.threshold_count, norm);
        take_marks(&plot, page->policy->robustness.thresholds, page->policy->robustness.threshold_count, norm);
    }
    if (plot.series_count > 0)
        plot_write(html, &plot);
}

/* --- the figures -----------------------------------------------------------------------------------------------------
 */

static void write_share(struct html *html, double share)
{
    if (share >= 0.0)
        html_percent(html, share);
    else
        html_raw(html, "\xe2\x80\x93");
}

static void write_point(struct html *html, const json_t *point)
{
    const json_t *interval = json_object_get(point, "ci95");

    html_raw(html, "<tr><th scope=\"row\">");
    html_text(html, look_text(point, "eps"));
    html_format(html, "</th><td class=\"n\">%lld</td><td class=\"n\">%lld</td><td class=\"n\">",
                look_count(point, "robustCorrect"), look_count(point, "total"));
    write_share(html, look_decimal(point, "robustAccuracy"));
    html_raw(html, "</td><td class=\"n\">");
    write_share(html, look_decimal_item(interval, 0));
    html_raw(html, " to ");
    write_share(html, look_decimal_item(interval, 1));
    html_raw(html, "</td><td class=\"n\">");
    write_share(html, look_decimal(point, "accuracy"));
    html_raw(html, "</td><td class=\"n\">");
    write_share(html, look_decimal(point, "attackSuccess"));
    html_raw(html, "</td></tr>\n");
}

static void write_table(struct html *html, const char *id, const json_t *curve)
{
    const json_t *point;
    char caption[CAPTION_SIZE];
    size_t i;

    (void)snprintf(caption, sizeof caption, "%s, norm %s%s", page_check_name(id), look_text(curve, "norm"),
                   json_is_true(json_object_get(curve, "minimal")) ? ", minimal" : "");
    page_open_table(html, caption);
    html_raw(html,
             "<thead><tr><th scope=\"col\">eps</th><th scope=\"col\">Right clean and attacked</th><th "
             "scope=\"col\">Of</th><th scope=\"col\">Share</th><th scope=\"col\">95% interval</th><th "
             "scope=\"col\">Right under attack</th><th scope=\"col\">Attack succeeds</th></tr></thead>\n<tbody>\n");
    json_array_foreach (json_object_get(curve, "points"), i, point)
        write_point(html, point);
    html_raw(html, "</tbody>\n");
    page_close_table(html);
}

static void write_masking(struct html *html, const json_t *robustness)
{
    const json_t *sign;
    size_t i;

    json_array_foreach (json_object_get(robustness, "masking"), i, sign) {
        html_raw(html, i == 0 ? "<p>Signs that attacks were blinded rather than withstood:</p>\n<ul>\n" : "");
        html_raw(html, "<li>");
        html_say(html, "%s (%s)", look_text(sign, "flag"), look_text(sign, "attack"));
        html_raw(html, "</li>\n");
    }
    if (i > 0)
        html_raw(html, "</ul>\n");
}

void page_robustness(struct html *html, const struct page *page)
{
    struct norms norms = {.count = 0};
    const json_t *curve;
    size_t j;

    find_norms(page, &norms);
    if (norms.count == 0)
        return;
    page_open(html, "robustness", "Robustness: accuracy against eps");
    html_raw(html, "<p>eps is how far an attack may move an input, in the input\xe2\x80\x99s own units and the norm "
                   "named. A point is the share of test inputs that are answered right both as they are and under "
                   "attack; its whisker is Wilson\xe2\x80\x99s 95% interval.</p>\n<div class=\"plots\">\n");
    for (size_t i = 0; i < norms.count; i++)
        write_plot(html, page, norms.names[i], i);
    html_raw(html, "</div>\n");
    write_masking(html, page_find_made(page, "robustness"));
    html_raw(html, "<details><summary>The figures as tables</summary>\n");
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++)
        json_array_foreach (json_object_get(page_find_made(page, attacks[i]), "curves"), j, curve)
            write_table(html, attacks[i], curve);
    html_raw(html, "</details>\n");
    page_close(html);
}
