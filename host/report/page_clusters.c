/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters of each class: a scatter plot where the points came back, and the figures. */
#include "host/report/page_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX    256u /* likewise */
#define SIDE        220.0
#define MARGIN      10.0
#define INDICES_MAX 12u

/* --- the order: what is suspicious comes first
 * ------------------------------------------------------------------------- */

size_t page_first_clusters(const json_t *classes, const json_t **ret_first, size_t most)
{
    const json_t *class;
    size_t i, count = 0;

    for (unsigned round = 0; round < 2; round++)
        json_array_foreach (classes, i, class)
            if (json_is_true(json_object_get(class, "suspicious")) == (round == 0) && count < most)
                ret_first[count++] = class;
    return count;
}

/* --- a scatter plot
 * ------------------------------------------------------------------------------------------------------ */

struct window {
    double left, top, unit; /* of the drawing, in the data's units: one unit of it for both axes */
};

static void widen(const float *points, size_t count, double box[4])
{
    for (size_t i = 0; i < count; i++)
        for (unsigned axis = 0; axis < 2; axis++) {
            double value = (double)points[2 * i + axis];

            box[axis] = value < box[axis] ? value : box[axis];
            box[2 + axis] = value > box[2 + axis] ? value : box[2 + axis];
        }
}

static struct window window_of(const struct page_points *points)
{
    double box[4] = {HUGE_VAL, HUGE_VAL, -HUGE_VAL, -HUGE_VAL}, width, height, span;

    widen(points->train, points->train_count, box);
    widen(points->test, points->test_count, box);
    width = box[2] - box[0];
    height = box[3] - box[1];
    span = width > height ? width : height;
    if (!(span > 0.0) || !isfinite(span))
        span = 1.0;
    return (struct window){
        .left = box[0] - (span - width) / 2, .top = box[3] + (span - height) / 2, .unit = (SIDE - 2 * MARGIN) / span};
}

/* All points of one kind as one path: dots are lines of no length with round ends. */
static void write_points(struct html *html, const struct window *window, const float *points, const int32_t *clusters,
                         size_t count, int32_t which, const char *kind, const char *mark)
{
    bool open = false;

    for (size_t i = 0; i < count; i++) {
        if (which >= 0 && clusters[i] != which)
            continue;
        html_raw(html, open ? "" : "<path class=\"");
        html_raw(html, open ? "" : kind);
        html_format(html, "%sM%.1f %.1f", open ? "" : "\" d=\"",
                    MARGIN + ((double)points[2 * i] - window->left) * window->unit,
                    MARGIN + (window->top - (double)points[2 * i + 1]) * window->unit);
        html_raw(html, mark);
        open = true;
    }
    if (open)
        html_raw(html, "\"/>\n");
}

static void write_plot(struct html *html, const struct page_points *points, const json_t *class)
{
    const json_t *sizes = json_object_get(class, "sizes"), *test = json_object_get(class, "testSizes");
    struct window window = window_of(points);
    bool suspicious = json_is_true(json_object_get(class, "suspicious"));

    html_format(html, "<figure class=\"scatter%s\"><figcaption>Class %u", suspicious ? " suspect" : "", points->label);
    if (suspicious) {
        html_raw(html, " ");
        page_badge(html, "suspicious");
    }
    html_format(html,
                "</figcaption>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"tc-%u dc-%u\"><title "
                "id=\"tc-%u\">Clusters of class %u</title><desc id=\"dc-%u\">Training inputs: %lld in the larger "
                "cluster, %lld in the smaller. Test inputs: %lld and %lld.</desc>\n",
                SIDE, SIDE, points->label, points->label, points->label, points->label, points->label,
                look_item(sizes, 0), look_item(sizes, 1), look_item(test, 0), look_item(test, 1));
    html_format(html, "<rect class=\"frame\" width=\"%.0f\" height=\"%.0f\" rx=\"4\"/>\n", SIDE, SIDE);
    write_points(html, &window, points->train, points->train_clusters, points->train_count, 0, "dot c0", "h0");
    write_points(html, &window, points->train, points->train_clusters, points->train_count, 1, "dot c1", "h0");
    write_points(html, &window, points->test, points->test_clusters, points->test_count, -1, "cross",
                 "m-3-3 6 6m0-6-6 6");
    html_raw(html, "</svg></figure>\n");
}

static const struct page_points *points_of(const struct page *page, long long label)
{
    for (size_t i = 0; i < page->point_classes; i++)
        if ((long long)page->points[i].label == label)
            return &page->points[i];
    return NULL;
}

static void write_legend(struct html *html)
{
    html_raw(html, "<ul class=\"legend\"><li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><path class=\"dot "
                   "c0\" d=\"M7 7h0\"/></svg> training, larger cluster</li><li><svg width=\"14\" height=\"14\" "
                   "aria-hidden=\"true\"><path class=\"dot c1\" d=\"M7 7h0\"/></svg> training, smaller "
                   "cluster</li><li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><path class=\"cross\" "
                   "d=\"M3 3 11 11M11 3 3 11\"/></svg> trusted test inputs predicted as the class</li></ul>\n");
}

static void write_plots(struct html *html, const struct page *page, const json_t *classes)
{
    const json_t *first[PAGE_SCATTERS_MAX];
    size_t count = page_first_clusters(classes, first, PAGE_SCATTERS_MAX), drawn = 0;

    html_raw(html, "<div class=\"scatters\">\n");
    for (size_t i = 0; i < count; i++) {
        const struct page_points *points = points_of(page, look_count(first[i], "label"));

        if (points == NULL || json_object_get(first[i], "sizes") == NULL)
            continue;
        write_plot(html, points, first[i]);
        drawn++;
    }
    html_raw(html, "</div>\n");
    write_legend(html);
    html_format(
        html,
        "<p class=\"fine\">%zu of %zu classes are drawn, suspicious ones first; of a large class, evenly chosen "
        "samples. The axes are the first two components of the activations; the clusters were found in all of "
        "them. The points are the guest\xe2\x80\x99s word, decide nothing and stand in "
        "<code>clusters.npz</code>.</p>\n",
        drawn, json_array_size(classes));
}

/* --- figures
 * ------------------------------------------------------------------------------------------------------------- */

static void write_row(struct html *html, const json_t *class)
{
    const json_t *sizes = json_object_get(class, "sizes"), *test = json_object_get(class, "testSizes");

    html_format(html, "<tr><th scope=\"row\">%lld</th>", look_count(class, "label"));
    if (sizes == NULL) {
        html_raw(html, "<td colspan=\"5\">");
        html_text(html, look_text(class, "skipped"));
        html_raw(html, "</td></tr>\n");
        return;
    }
    html_format(html, "<td class=\"n\">%lld / %lld</td><td class=\"n\">%lld / %lld</td><td class=\"n\">",
                look_item(sizes, 0), look_item(sizes, 1), look_item(test, 0), look_item(test, 1));
    html_text(html, look_text(class, "pHolm"));
    html_raw(html, "</td><td class=\"n\">");
    html_text(html, look_text(class, "silhouette"));
    html_raw(html, "</td><td>");
    if (json_is_true(json_object_get(class, "suspicious")))
        page_badge(html, "suspicious");
    else
        html_raw(html, look_text(class, "skipped")[0] != '\0' ? "not tested" : "not suspicious");
    html_raw(html, "</td></tr>\n");
}

/* Which training inputs to look at, for those who have the set. */
static void write_indices(struct html *html, const json_t *classes)
{
    const json_t *class;
    size_t i;

    json_array_foreach (classes, i, class) {
        const json_t *list = json_array_get(json_object_get(class, "indices"),
                                            (size_t)json_integer_value(json_object_get(class, "cluster")));

        if (!json_is_true(json_object_get(class, "suspicious")) || json_array_size(list) == 0)
            continue;
        html_format(html, "<p>Training inputs to look at first, of class %lld, by their place in the set: ",
                    look_count(class, "label"));
        for (size_t j = 0; j < json_array_size(list) && j < INDICES_MAX; j++)
            html_format(html, "%s%lld", j > 0 ? ", " : "", look_item(list, j));
        html_raw(html,
                 json_array_size(list) > INDICES_MAX ? " and more in <code>evaluation.json</code>.</p>\n" : ".</p>\n");
    }
}

static void write_table(struct html *html, const json_t *classes)
{
    const json_t *first[ROWS_MAX];
    size_t count = page_first_clusters(classes, first, ROWS_MAX);

    page_open_table(html, "Sizes and tests of each class\xe2\x80\x99s clusters");
    html_raw(html, "<thead><tr><th scope=\"col\">Class</th><th scope=\"col\">Training</th><th scope=\"col\">Test</th>"
                   "<th scope=\"col\">p (Holm)</th><th scope=\"col\">Silhouette</th><th scope=\"col\">Verdict</th></tr>"
                   "</thead>\n<tbody>\n");
    for (size_t i = 0; i < count; i++)
        write_row(html, first[i]);
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    if (json_array_size(classes) > ROWS_MAX)
        html_format(html, "<p>%u of %zu classes; all are in <code>evaluation.json</code>.</p>\n", ROWS_MAX,
                    json_array_size(classes));
}

void page_clusters(struct html *html, const struct page *page)
{
    const json_t *check = page_find_made(page, "activation-clustering"), *classes;

    if (check == NULL)
        return;
    classes = json_object_get(check, "classes");
    page_open(html, "clusters", "Clusters of each class");
    html_raw(html, "<p>What the model sees in the training inputs of each class is split in two. Where one part holds "
                   "training inputs but almost no trusted test inputs, somebody may have added it. Layer: <code>");
    html_text(html, look_text(check, "layer"));
    html_raw(html, "</code>.</p>\n");
    if (page->point_classes > 0)
        write_plots(html, page, classes);
    else
        html_raw(html, "<p class=\"fine\">No points are at hand to draw.</p>\n");
    write_indices(html, classes);
    write_table(html, classes);
    page_close(html);
}
