/* SPDX-License-Identifier: Apache-2.0 */
/* The trigger that was found: where it lies, its colour, on an input where the policy shows inputs; and each target's.
 */
#include "host/report/page_sections.h"
#include "host/report/picture.h"

#include <string.h>

#define ROWS_MAX      64u
#define TRIGGERS_MAX  64u
#define SIDE_MAX      65536 /* of an input that is drawn */
#define GRID_SIDE_MAX 64    /* of an input whose elements are drawn apart */
#define DRAWN         240.0
#define PICTURE_MAX   ((size_t)16 << 20)

/* --- the input's shape
 * ------------------------------------------------------------------------------------------------ */

struct shape {
    long long height, width;
};

/* From plan.json, as the searches see an input: H×W, C×H×W, or H×W×C with few channels (docs/evaluation.md). */
static bool find_shape(const struct page *page, struct shape *ret_shape)
{
    const json_t *shape = json_object_get(json_object_get(json_object_get(page->plan, "sets"), "test"), "shape");
    size_t rank = json_array_size(shape);
    bool last = rank == 3 && look_item(shape, 0) > 4 && look_item(shape, 2) <= 4;

    if (rank < 2 || rank > 3)
        return false;
    ret_shape->height = look_item(shape, last ? 0 : rank - 2);
    ret_shape->width = look_item(shape, last ? 1 : rank - 1);
    return ret_shape->height > 0 && ret_shape->width > 0 && ret_shape->height <= SIDE_MAX &&
           ret_shape->width <= SIDE_MAX;
}

/* --- drawings
 * ------------------------------------------------------------------------------------------------------------ */

static void write_grid(struct html *html, const struct shape *shape, double unit)
{
    if (shape->height > GRID_SIDE_MAX || shape->width > GRID_SIDE_MAX)
        return;
    html_raw(html, "<path class=\"cells\" d=\"");
    for (long long i = 1; i < shape->height; i++)
        html_format(html, "M0 %.2fH%.1f", (double)i * unit, (double)shape->width * unit);
    for (long long i = 1; i < shape->width; i++)
        html_format(html, "M%.2f 0V%.1f", (double)i * unit, (double)shape->height * unit);
    html_raw(html, "\"/>");
}

/* The patch within the input's frame. Boxes are the guest's; the host has held them against the shape. */
static void write_place(struct html *html, const struct shape *shape, const json_t *best)
{
    double unit = DRAWN / (double)(shape->height > shape->width ? shape->height : shape->width);
    double width = (double)shape->width * unit, height = (double)shape->height * unit;
    double row = (double)look_count(best, "row"), col = (double)look_count(best, "col");

    html_format(html,
                "<figure class=\"picture\"><svg viewBox=\"-1 -1 %.1f %.1f\" role=\"img\" aria-labelledby=\"t-place "
                "d-place\"><title id=\"t-place\">Where the trigger lies</title><desc id=\"d-place\">A box of %lld by "
                "%lld elements at row %lld, column %lld of an input of %lld by %lld.</desc>\n",
                width + 2, height + 2, look_count(best, "height"), look_count(best, "width"), look_count(best, "row"),
                look_count(best, "col"), shape->height, shape->width);
    html_format(html, "<rect class=\"frame\" width=\"%.1f\" height=\"%.1f\"/>", width, height);
    write_grid(html, shape, unit);
    if (row >= 0 && col >= 0 && row < (double)shape->height && col < (double)shape->width)
        html_format(html, "<rect class=\"patch\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>", col * unit,
                    row * unit, (double)look_count(best, "width") * unit, (double)look_count(best, "height") * unit);
    html_format(html, "</svg><figcaption>Its place in an input of %lld\xc3\x97%lld</figcaption></figure>\n",
                shape->height, shape->width);
}

static void write_picture(struct html *html, const struct page_pictures *pictures, const uint8_t *pixels,
                          const char *caption)
{
    CLEANUP_BUFFER struct buffer uri = buffer_with_limit(PICTURE_MAX);

    if (picture_encode(pictures->height, pictures->width, pictures->channels, pixels, &uri) < 0 ||
        buffer_append_u8(&uri, 0) < 0)
        return;
    html_format(html, "<figure class=\"picture\"><img alt=\"%s\" width=\"240\" height=\"%.0f\" src=\"", caption,
                DRAWN * pictures->height / pictures->width);
    html_raw(html, (const char *)uri.data);
    html_format(html, "\"><figcaption>%s</figcaption></figure>\n", caption);
}

static void write_colour(struct html *html, const json_t *best)
{
    const json_t *colour = json_object_get(best, "colour");

    html_raw(html, json_array_size(colour) > 1 ? "<p>Its values in channels 0 on: " : "<p>Its value: ");
    for (size_t i = 0; i < json_array_size(colour); i++) {
        html_raw(html, i > 0 ? ", " : "");
        html_text(html, json_string_value(json_array_get(colour, i)));
    }
    html_raw(html, ", in the input\xe2\x80\x99s own units.</p>\n");
}

/* trigger-scan's faint patterns lie over the whole input; their values stay in the guest. */
static bool is_everywhere(const struct shape *shape, const json_t *best)
{
    return look_count(best, "height") == shape->height && look_count(best, "width") == shape->width;
}

static void write_drawings(struct html *html, const struct page *page, const json_t *best)
{
    struct shape shape;

    if (find_shape(page, &shape) && is_everywhere(&shape, best)) {
        html_raw(html,
                 "<p>It is a faint pattern over the whole input, not a patch: the value below is its amplitude, and "
                 "there is no place to draw.</p>\n");
        return;
    }
    html_raw(html, "<div class=\"pictures\">\n");
    if (find_shape(page, &shape))
        write_place(html, &shape, best);
    if (page->pictures != NULL) {
        write_picture(html, page->pictures, page->pictures->clean, "A test input, as it is");
        write_picture(html, page->pictures, page->pictures->triggered, "The same input with the trigger on");
    }
    html_raw(html, "</div>\n");
    if (page->pictures == NULL)
        html_raw(html, page->policy != NULL && page->policy->report_samples
                           ? "<p class=\"fine\">It is not drawn on an input: inputs of this shape are no pictures, or "
                             "<code>trigger.npz</code> is not at hand.</p>\n"
                           : "<p class=\"fine\">It is not drawn on an input: the policy shows no inputs "
                             "(<code>report.inputs</code>).</p>\n");
}

/* --- tables
 * -------------------------------------------------------------------------------------------------------------- */

static bool is_suspicious(const json_t *check, const json_t *target)
{
    const json_t *label;
    size_t i;

    json_array_foreach (json_object_get(check, "suspicious"), i, label)
        if (json_integer_value(label) == json_integer_value(json_object_get(target, "target")))
            return true;
    return false;
}

static void write_target(struct html *html, const json_t *check, const json_t *target)
{
    html_format(
        html,
        "<tr><th scope=\"row\">%lld</th><td class=\"n\">%lld\xc3\x97%lld</td><td class=\"n\">%lld, %lld</td><td "
        "class=\"n\">%lld of %lld</td><td class=\"n\">",
        look_count(target, "target"), look_count(target, "height"), look_count(target, "width"),
        look_count(target, "row"), look_count(target, "col"), look_count(target, "flipped"),
        look_count(target, "eligible"));
    if (look_decimal(target, "success") >= 0.0)
        html_percent(html, look_decimal(target, "success"));
    else
        html_raw(html, "\xe2\x80\x93");
    html_raw(html, "</td><td>");
    if (is_suspicious(check, target))
        page_badge(html, "suspicious");
    else
        html_raw(html, "not suspicious");
    html_raw(html, "</td></tr>\n");
}

static void write_targets(struct html *html, const json_t *check)
{
    const json_t *targets = json_object_get(check, "targets"), *target;
    size_t i, shown = 0;

    page_open_table(html, "The best pattern towards each class");
    html_raw(html, "<thead><tr><th scope=\"col\">Towards class</th><th scope=\"col\">Size</th><th scope=\"col\">Row, "
                   "column</th><th scope=\"col\">Inputs turned</th><th scope=\"col\">Share</th><th "
                   "scope=\"col\">Verdict</th></tr></thead>\n<tbody>\n");
    for (unsigned round = 0; round < 2; round++)
        json_array_foreach (targets, i, target)
            if (is_suspicious(check, target) == (round == 0) && shown < ROWS_MAX) {
                write_target(html, check, target);
                shown++;
            }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
    if (json_array_size(targets) > shown)
        html_format(html, "<p>%zu of %zu classes; all are in <code>evaluation.json</code>.</p>\n", shown,
                    json_array_size(targets));
}

static void write_own_triggers(struct html *html, const json_t *check)
{
    const json_t *trigger;
    size_t i;

    if (json_array_size(json_object_get(check, "triggers")) == 0)
        return;
    page_open_table(html, "Your own triggers");
    html_raw(html, "<thead><tr><th scope=\"col\">Trigger</th><th scope=\"col\">Towards class</th><th "
                   "scope=\"col\">Inputs turned</th><th scope=\"col\">Share</th></tr></thead>\n<tbody>\n");
    json_array_foreach (json_object_get(check, "triggers"), i, trigger) {
        if (i == TRIGGERS_MAX)
            break;
        html_format(html,
                    "<tr><th scope=\"row\">%lld</th><td class=\"n\">%lld</td><td class=\"n\">%lld of %lld</td><td "
                    "class=\"n\">",
                    look_count(trigger, "index"), look_count(trigger, "target"), look_count(trigger, "flipped"),
                    look_count(trigger, "eligible"));
        if (look_decimal(trigger, "flipRate") >= 0.0)
            html_percent(html, look_decimal(trigger, "flipRate"));
        html_raw(html, "</td></tr>\n");
    }
    html_raw(html, "</tbody>\n");
    page_close_table(html);
}

void page_trigger(struct html *html, const struct page *page)
{
    const json_t *check = page_find_made(page, "trigger-scan"), *best = json_object_get(check, "best");

    if (best == NULL)
        return;
    page_open(html, "trigger",
              json_array_size(json_object_get(check, "suspicious")) > 0 ? "The trigger that was found"
                                                                        : "The strongest pattern that was found");
    html_raw(html, "<p>The ");
    page_check_found(html, check);
    html_raw(html, ".");
    if (look_decimal(json_object_get(check, "null"), "median") >= 0.0) {
        html_raw(html, " For comparison, the best pattern towards the median class turns ");
        html_percent(html, look_decimal(json_object_get(check, "null"), "median"));
        html_raw(html, ".");
    }
    html_raw(html, "</p>\n");
    write_drawings(html, page, best);
    write_colour(html, best);
    write_targets(html, check);
    write_own_triggers(html, check);
    page_close(html);
}
