/* SPDX-License-Identifier: Apache-2.0 */
/* A plot of shares against eps. */
#include "host/report/plot.h"

#include <math.h>

/* The drawing's own units; it is drawn some 20 rem wide, so that a unit is about a pixel. */
#define WIDTH       360.0
#define HEIGHT      250.0
#define LEFT        44.0
#define RIGHT       348.0
#define TOP         14.0
#define BOTTOM      204.0
#define CLEAN_X     (LEFT + 14.0)
#define FIRST_X     (LEFT + 56.0)
#define LABEL_WIDTH 6.4 /* of a digit */
#define LABEL_GAP   6.0 /* between two labels */
#define ASIDE       4.0 /* one series from the next */

struct scale {
    double low, high; /* log10 of eps */
};

static double x_of(const struct scale *scale, double eps)
{
    double span = scale->high - scale->low;

    if (!(span > 0.0))
        return (FIRST_X + RIGHT - 12.0) / 2;
    return FIRST_X + (log10(eps) - scale->low) / span * (RIGHT - 12.0 - FIRST_X);
}

static double y_of(double share)
{
    double within = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;

    return BOTTOM - within * (BOTTOM - TOP);
}

static double aside(const struct plot *plot, size_t series)
{
    return ASIDE * ((double)series - ((double)plot->series_count - 1.0) / 2);
}

static struct scale scale_of(const struct plot *plot)
{
    struct scale scale = {HUGE_VAL, -HUGE_VAL};

    for (size_t i = 0; i < plot->series_count; i++)
        for (size_t j = 0; j < plot->series[i].count; j++) {
            double value = log10(plot->series[i].points[j].eps);

            scale.low = value < scale.low ? value : scale.low;
            scale.high = value > scale.high ? value : scale.high;
        }
    return scale;
}

/* --- axes ------------------------------------------------------------------------------------------------------------
 */

static void write_shares(struct html *html)
{
    for (unsigned percent = 0; percent <= 100; percent += 25)
        html_format(html,
                    "<path class=\"grid\" d=\"M%.0f %.1fH%.0f\"/><text x=\"%.0f\" y=\"%.1f\" "
                    "text-anchor=\"end\">%u%%</text>\n",
                    LEFT, y_of(percent / 100.0), RIGHT, LEFT - 6, y_of(percent / 100.0) + 4, percent);
}

static size_t length_of(const char *label)
{
    size_t length = 0;

    while (label[length] != '\0')
        length++;
    return length;
}

/* Labels of eps, of all series; one that would touch another is left out, its tick stays. */
static void write_epsilons(struct html *html, const struct plot *plot, const struct scale *scale)
{
    double taken[PLOT_SERIES_MAX * PLOT_POINTS_MAX][2];
    size_t count = 0;

    html_format(html, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">clean</text>\n", CLEAN_X, BOTTOM + 18);
    for (size_t i = 0; i < plot->series_count; i++)
        for (size_t j = 0; j < plot->series[i].count; j++) {
            const struct plot_point *point = &plot->series[i].points[j];
            double x = x_of(scale, point->eps), half = (double)length_of(point->label) * LABEL_WIDTH / 2;
            bool free = x - half > CLEAN_X + 17.0 + LABEL_GAP;

            for (size_t k = 0; k < count; k++)
                free = free && (x + half + LABEL_GAP < taken[k][0] || x - half - LABEL_GAP > taken[k][1]);
            html_format(html, "<path class=\"tick\" d=\"M%.1f %.0fv4\"/>", x, BOTTOM);
            if (!free)
                continue;
            taken[count][0] = x - half;
            taken[count++][1] = x + half;
            html_format(html, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">", x, BOTTOM + 18);
            html_text(html, point->label);
            html_raw(html, "</text>\n");
        }
    html_format(html, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">eps (logarithmic)</text>\n",
                (FIRST_X + RIGHT) / 2, BOTTOM + 38);
}

static void write_axes(struct html *html, const struct plot *plot, const struct scale *scale)
{
    write_shares(html);
    html_format(html, "<path class=\"axis\" d=\"M%.0f %.0fV%.0fH%.0f\"/>\n", LEFT, TOP, BOTTOM, RIGHT);
    write_epsilons(html, plot, scale);
    if (plot->chance >= 0.0)
        html_format(html, "<path class=\"chance\" d=\"M%.0f %.1fH%.0f\"/>\n", LEFT, y_of(plot->chance), RIGHT);
    if (plot->clean >= 0.0)
        html_format(html, "<circle class=\"clean\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", CLEAN_X, y_of(plot->clean));
    for (size_t i = 0; i < plot->mark_count; i++)
        html_format(html, "<path class=\"mark\" d=\"M%.1f %.1fh20\"/>\n", x_of(scale, plot->marks[i].eps) - 10,
                    y_of(plot->marks[i].share));
}

/* --- series ----------------------------------------------------------------------------------------------------------
 */

/* A shape of its own for each series, beside its colour. */
static void write_marker(struct html *html, unsigned look, double x, double y)
{
    switch (look % 4) {
    case 0:
        html_format(html, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", x, y);
        break;
    case 1:
        html_format(html, "<path d=\"M%.1f %.1fh7v7h-7z\"/>", x - 3.5, y - 3.5);
        break;
    case 2:
        html_format(html, "<path d=\"M%.1f %.1fl4.5 8h-9z\"/>", x, y - 5);
        break;
    default:
        html_format(html, "<path d=\"M%.1f %.1fl4.5 4.5-4.5 4.5-4.5-4.5z\"/>", x, y - 4.5);
        break;
    }
}

static void write_line(struct html *html, const struct plot_series *series, const struct scale *scale, double by,
                       bool other)
{
    bool open = false;

    for (size_t i = 0; i < series->count; i++) {
        double share = other ? series->points[i].other : series->points[i].share;

        if (share < 0.0)
            continue;
        html_raw(html, open ? "" : other ? "<path class=\"other\" d=\"" : "<path class=\"line\" d=\"");
        html_format(html, "%s%.1f %.1f", open ? "L" : "M", x_of(scale, series->points[i].eps) + by, y_of(share));
        open = true;
    }
    if (open)
        html_raw(html, "\"/>");
}

static void write_series(struct html *html, const struct plot *plot, size_t index, const struct scale *scale)
{
    const struct plot_series *series = &plot->series[index];
    double by = aside(plot, index);

    html_format(html, "<g class=\"s%u\">", series->look);
    write_line(html, series, scale, by, true);
    write_line(html, series, scale, by, false);
    for (size_t i = 0; i < series->count; i++) {
        const struct plot_point *point = &series->points[i];
        double x = x_of(scale, point->eps) + by;

        if (point->low >= 0.0 && point->high >= 0.0)
            html_format(html, "<path class=\"whisker\" d=\"M%.1f %.1fh6m-3 0V%.1fm-3 0h6\"/>", x - 3, y_of(point->high),
                        y_of(point->low));
        if (point->share >= 0.0)
            write_marker(html, series->look, x, y_of(point->share));
    }
    html_raw(html, "</g>\n");
}

static void write_legend(struct html *html, const struct plot *plot)
{
    bool other = false;

    html_raw(html, "<ul class=\"legend\">");
    for (size_t i = 0; i < plot->series_count; i++) {
        html_format(html,
                    "<li><svg class=\"s%u\" width=\"22\" height=\"14\" aria-hidden=\"true\"><path class=\"line\" "
                    "d=\"M1 7H21\"/>",
                    plot->series[i].look);
        write_marker(html, plot->series[i].look, 11, 7);
        html_raw(html, "</svg> ");
        html_text(html, plot->series[i].name);
        html_raw(html, "</li>");
        for (size_t j = 0; j < plot->series[i].count; j++)
            other = other || plot->series[i].points[j].other >= 0.0;
    }
    if (other)
        html_raw(html, "<li><svg class=\"s0\" width=\"22\" height=\"14\" aria-hidden=\"true\"><path class=\"other\" "
                       "d=\"M1 7H21\"/></svg> right under attack, whatever the clean answer</li>");
    if (plot->chance >= 0.0)
        html_raw(html, "<li><svg width=\"22\" height=\"14\" aria-hidden=\"true\"><path class=\"chance\" "
                       "d=\"M1 7H21\"/></svg> chance</li>");
    if (plot->mark_count > 0)
        html_raw(html, "<li><svg width=\"22\" height=\"14\" aria-hidden=\"true\"><path class=\"mark\" "
                       "d=\"M1 7H21\"/></svg> the policy\xe2\x80\x99s minimum</li>");
    html_raw(html, "</ul>");
}

void plot_write(struct html *html, const struct plot *plot)
{
    struct scale scale = scale_of(plot);

    html_raw(html, "<figure class=\"plot\"><figcaption>");
    html_text(html, plot->title);
    html_format(html,
                "</figcaption>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"t-%s d-%s\"><title "
                "id=\"t-%s\">",
                WIDTH, HEIGHT, plot->id, plot->id, plot->id);
    html_text(html, plot->title);
    html_format(html, "</title><desc id=\"d-%s\">", plot->id);
    for (size_t i = 0; i < plot->series_count; i++)
        for (size_t j = 0; j < plot->series[i].count; j++)
            html_say(html, "%s at eps %s: %.1f%%. ", plot->series[i].name, plot->series[i].points[j].label,
                     100.0 * plot->series[i].points[j].share);
    html_raw(html, "</desc>\n");
    write_axes(html, plot, &scale);
    for (size_t i = 0; i < plot->series_count; i++)
        write_series(html, plot, i, &scale);
    html_raw(html, "</svg>\n");
    write_legend(html, plot);
    html_raw(html, "</figure>\n");
}
