/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that are read beside the others: masks, outliers, entropies, drift of weights. */
#include "host/report/page_sections.h"

#define ROWS_MAX 40u

static void write_figure(struct html *html, const json_t *object, const char *key)
{
    const char *text = look_text(object, key);

    html_raw(html, "<td class=\"n\">");
    html_text(html, text[0] != '\0' ? text : "\xe2\x80\x93");
    html_raw(html, "</td>");
}

static void write_cut(struct html *html, size_t all)
{
    if (all > ROWS_MAX)
        html_format(html, "<p>The first %u of %zu; all are in <code>evaluation.json</code>.</p>\n", ROWS_MAX, all);
}

static void write_masks(struct html *html, const json_t *check)
{
    const json_t *classes = json_object_get(check, "classes"), *class;
    size_t i;

    html_raw(html, "<h3>Smallest turning mask</h3>\n<p>For each class the smallest mask found that turns inputs into "
                   "it. One far smaller than the others hints at a trigger.</p>\n");
    page_open_table(html, "Masks of each class");
    html_raw(html, "<thead><tr><th scope=\"col\">Class</th><th scope=\"col\">L1 norm</th><th scope=\"col\">Index</th>"
                   "<th scope=\"col\">Turns</th><th scope=\"col\">Verdict</th></tr></thead>\n<tbody>\n");
    json_array_foreach (classes, i, class) {
        if (i == ROWS_MAX)
            break;
        html_format(html, "<tr><th scope=\"row\">%lld</th>", look_count(class, "label"));
        write_figure(html, class, "l1");
        write_figure(html, class, "index");
        write_figure(html, class, "success");
        html_raw(html, "<td>");
        if (json_is_true(json_object_get(class, "suspicious")))
            page_badge(html, "suspicious");
        else
            html_raw(html, "not suspicious");
        html_raw(html, "</td></tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    write_cut(html, json_array_size(classes));
}

static void write_spectrum(struct html *html, const json_t *check)
{
    const json_t *classes = json_object_get(check, "classes"), *class;
    size_t i;

    html_raw(html, "<h3>Outliers of activations</h3>\n<p>A report: it decides nothing.</p>\n");
    page_open_table(html, "Outliers of each class");
    html_raw(html, "<thead><tr><th scope=\"col\">Class</th><th scope=\"col\">Size</th><th scope=\"col\">Share of the "
                   "first direction</th><th scope=\"col\">Suspects</th><th scope=\"col\">Top score</th></tr></thead>\n"
                   "<tbody>\n");
    json_array_foreach (classes, i, class) {
        if (i == ROWS_MAX)
            break;
        html_format(html, "<tr><th scope=\"row\">%lld</th><td class=\"n\">%lld</td>", look_count(class, "label"),
                    look_count(class, "size"));
        write_figure(html, class, "share");
        html_format(html, "<td class=\"n\">%lld</td>", look_count(class, "suspects"));
        write_figure(html, class, "top");
        html_raw(html, "</tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    write_cut(html, json_array_size(classes));
}

static void write_entropies(struct html *html, const json_t *check)
{
    const json_t *triggers = json_object_get(check, "triggers"), *trigger;
    size_t i;

    html_raw(html, "<h3>Entropy under your triggers</h3>\n<p>A report: it decides nothing.</p>\n");
    page_open_table(html, "Entropy of blends with each trigger");
    html_raw(html, "<thead><tr><th scope=\"col\">Trigger</th><th scope=\"col\">Flagged</th><th scope=\"col\">Mean, "
                   "clean</th><th scope=\"col\">Mean, triggered</th></tr></thead>\n<tbody>\n");
    json_array_foreach (triggers, i, trigger) {
        if (i == ROWS_MAX)
            break;
        html_format(html, "<tr><th scope=\"row\">%lld</th><td class=\"n\">%lld of %lld</td>",
                    look_count(trigger, "index"), look_count(trigger, "flagged"), look_count(trigger, "samples"));
        write_figure(html, trigger, "cleanMean");
        write_figure(html, trigger, "triggeredMean");
        html_raw(html, "</tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    write_cut(html, json_array_size(triggers));
}

/* Names of layers come from the model. */
static void write_drift(struct html *html, const json_t *check)
{
    const json_t *layers = json_object_get(check, "layers"), *layer;
    size_t i;

    html_raw(html, "<h3>Weights against the reference model</h3>\n<p>That weights differ is no sign of a trojan by "
                   "itself.</p>\n");
    page_open_table(html, "Tensors of weights");
    html_raw(html, "<thead><tr><th scope=\"col\">Tensor</th><th scope=\"col\">Outcome</th><th scope=\"col\">D</th><th "
                   "scope=\"col\">p (Holm)</th><th scope=\"col\">Distance</th></tr></thead>\n<tbody>\n");
    json_array_foreach (layers, i, layer) {
        if (i == ROWS_MAX)
            break;
        html_raw(html, "<tr><th scope=\"row\"><code>");
        html_text(html, look_text(layer, "name"));
        html_raw(html, "</code></th><td>");
        html_text(html, json_is_true(json_object_get(layer, "drifted")) ? "differs" : look_text(layer, "outcome"));
        html_raw(html, "</td>");
        write_figure(html, layer, "d");
        write_figure(html, layer, "pHolm");
        write_figure(html, layer, "distance");
        html_raw(html, "</tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    write_cut(html, json_array_size(layers));
}

void page_reports(struct html *html, const struct page *page)
{
    static const struct {
        const char *id;
        void (*write)(struct html *html, const json_t *check);
    } reports[] = {{"neural-cleanse", write_masks},
                   {"spectral-signature", write_spectrum},
                   {"strip", write_entropies},
                   {"weight-drift", write_drift}};
    bool open = false;

    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        const json_t *check = page_find_made(page, reports[i].id);

        if (check == NULL)
            continue;
        if (!open)
            page_open(html, "reports", "Further looks");
        open = true;
        reports[i].write(html, check);
    }
    if (open)
        page_close(html);
}
