/* SPDX-License-Identifier: Apache-2.0 */
/* Accuracy: the figure, each class, and what is taken for what. */
#include "host/report/page_sections.h"

#include <string.h>

#define MATRIX_CLASSES_MAX 24u /* a wider table is no picture any more */
#define PAIRS_MAX          20u /* most frequent confusions that are listed */
#define CLASSES_MAX        64u /* rows of the table a class */
#define HEAT_STEPS         9.0

/* --- the confusion matrix ------------------------------------------------------------------------------------------
 */

/* The shade of a cell: of right answers by their share of the row, of wrong ones likewise but never invisible. */
static void write_cell(struct html *html, long long count, long long row_total, bool right)
{
    int step = row_total > 0 && count > 0 ? (int)(HEAT_STEPS * (double)count / (double)row_total) : 0;

    if (count <= 0) {
        html_raw(html, "<td class=\"zero\">0</td>");
        return;
    }
    html_format(html, "<td class=\"%s%d\">%lld</td>", right ? "h" : "e", step < 0 ? 0 : step > 9 ? 9 : step, count);
}

static void write_matrix(struct html *html, const json_t *matrix)
{
    size_t classes = json_array_size(matrix);

    page_open_table(html, "Confusion matrix: test inputs by label (rows) and by prediction (columns)");
    html_raw(html, "<thead class=\"wide-matrix\"><tr><th scope=\"col\">label</th>");
    for (size_t i = 0; i < classes; i++)
        html_format(html, "<th scope=\"col\">%zu</th>", i);
    html_raw(html, "</tr></thead>\n<tbody class=\"matrix\">\n");
    for (size_t i = 0; i < classes; i++) {
        const json_t *row = json_array_get(matrix, i);
        long long total = 0;

        for (size_t j = 0; j < classes; j++)
            total += look_item(row, j);
        html_format(html, "<tr><th scope=\"row\">%zu</th>", i);
        for (size_t j = 0; j < classes; j++)
            write_cell(html, look_item(row, j), total, i == j);
        html_raw(html, "</tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
}

/* --- where there are too many classes for one ------------------------------------------------------------------- */

struct pair {
    long long label, prediction, count;
};

/* The most frequent confusions, the first of equals first. */
struct pairs {
    struct pair worst[PAIRS_MAX];
    size_t count;
    unsigned long long all;
};

static void take_pair(struct pairs *pairs, struct pair pair)
{
    size_t at = pairs->count;

    if (pair.label == pair.prediction || pair.count <= 0)
        return;
    pairs->all++;
    while (at > 0 && pairs->worst[at - 1].count < pair.count)
        at--;
    if (at == PAIRS_MAX)
        return;
    pairs->count += pairs->count < PAIRS_MAX;
    for (size_t i = pairs->count - 1; i > at; i--)
        pairs->worst[i] = pairs->worst[i - 1];
    pairs->worst[at] = pair;
}

static void write_pairs(struct html *html, const json_t *check)
{
    const json_t *matrix = json_object_get(check, "confusion"), *row, *value;
    struct pairs pairs = {.count = 0};
    size_t i, j;

    json_array_foreach (matrix, i, row)
        json_array_foreach (row, j, value)
            take_pair(&pairs, (struct pair){(long long)i, (long long)j, (long long)json_integer_value(value)});
    json_array_foreach (json_object_get(check, "confusionPairs"), i, row)
        take_pair(&pairs, (struct pair){look_item(row, 0), look_item(row, 1), look_item(row, 2)});
    html_format(html,
                "<p>With %lld classes a matrix can\xe2\x80\x99t be read; these are the %zu most frequent of %llu "
                "confusions. All of them are in <code>evaluation.json</code>.</p>\n",
                look_count(check, "classes"), pairs.count, pairs.all);
    if (pairs.count == 0)
        return;
    page_open_table(html, "Most frequent confusions");
    html_raw(html, "<thead><tr><th scope=\"col\">Label</th><th scope=\"col\">Taken for</th><th scope=\"col\">Test "
                   "inputs</th></tr></thead>\n<tbody>\n");
    for (i = 0; i < pairs.count; i++)
        html_format(html, "<tr><th scope=\"row\">%lld</th><td class=\"n\">%lld</td><td class=\"n\">%lld</td></tr>\n",
                    pairs.worst[i].label, pairs.worst[i].prediction, pairs.worst[i].count);
    html_raw(html, "</tbody>\n");
    page_close_table(html);
}

/* --- each class ------------------------------------------------------------------------------------------------- */

static void write_bar(struct html *html, double share)
{
    double width = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;

    html_format(
        html,
        "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
        "class=\"track\" width=\"100\" height=\"10\"/><rect class=\"fill\" width=\"%.1f\" height=\"10\"/></svg>",
        100.0 * width);
}

static void write_classes(struct html *html, const json_t *classes)
{
    const json_t *class;
    size_t i;

    page_open_table(html, "Accuracy of each class");
    html_raw(
        html,
        "<thead><tr><th scope=\"col\">Class</th><th scope=\"col\">Right</th><th scope=\"col\">Of</th><th "
        "scope=\"col\">Accuracy</th><th scope=\"col\" class=\"bars\"><span class=\"unseen\">As a bar</span></th></tr>"
        "</thead>\n<tbody>\n");
    json_array_foreach (classes, i, class) {
        if (i == CLASSES_MAX)
            break;
        html_format(html,
                    "<tr><th scope=\"row\">%lld</th><td class=\"n\">%lld</td><td class=\"n\">%lld</td><td class=\"n\">",
                    look_count(class, "label"), look_count(class, "correct"), look_count(class, "total"));
        if (look_decimal(class, "accuracy") >= 0.0)
            html_percent(html, look_decimal(class, "accuracy"));
        else
            html_raw(html, "\xe2\x80\x93");
        html_raw(html, "</td><td class=\"bars\">");
        write_bar(html, look_decimal(class, "accuracy"));
        html_raw(html, "</td></tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    if (json_array_size(classes) > CLASSES_MAX)
        html_format(html, "<p>The first %u of %zu classes; all are in <code>evaluation.json</code>.</p>\n", CLASSES_MAX,
                    json_array_size(classes));
}

void page_accuracy(struct html *html, const struct page *page)
{
    const json_t *check = page_find_made(page, "clean-accuracy");
    const json_t *matrix = json_object_get(check, "confusion");

    if (check == NULL)
        return;
    page_open(html, "accuracy", "Accuracy");
    html_raw(html, "<p>On the test set as it is, without any attack: ");
    page_check_found(html, check);
    html_raw(html, ".");
    if (page->policy != NULL && page->policy->clean_accuracy.present) {
        html_raw(html, " The policy asks for ");
        html_percent(html, page->policy->clean_accuracy.accuracy);
        html_raw(html, page->policy->clean_accuracy.bound == POLICY_LOWER ? " at the lower end of the interval." : ".");
    }
    html_raw(html, "</p>\n<div class=\"pair\">\n");
    if (json_array_size(matrix) > 0 && json_array_size(matrix) <= MATRIX_CLASSES_MAX)
        write_matrix(html, matrix);
    else
        write_pairs(html, check);
    write_classes(html, json_object_get(check, "perClass"));
    html_raw(html, "</div>\n");
    page_close(html);
}
