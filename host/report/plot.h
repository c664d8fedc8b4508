/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plot of shares against eps: lines with 95% intervals, as SVG.
 *
 * eps stands on a logarithmic scale, with "clean" (eps 0) set apart at the left; shares from 0 to 100%. Points that
 * several series share are moved aside a little, so that their intervals stay apart.
 */
#ifndef LAZARET_HOST_REPORT_PLOT_H
#define LAZARET_HOST_REPORT_PLOT_H

#include "host/report/html.h"

#include <stdbool.h>

#define PLOT_SERIES_MAX 6u
#define PLOT_POINTS_MAX 32u
#define PLOT_MARKS_MAX  8u
#define PLOT_LABEL_SIZE 24u

struct plot_point {
    double eps; /* above 0 */
    double share, low, high;
    double other;                /* the lighter, dashed line; below 0: none */
    char label[PLOT_LABEL_SIZE]; /* eps as the policy writes it */
};

struct plot_series {
    const char *name; /* foreign */
    unsigned look;    /* below PLOT_SERIES_MAX: its colour and shape, the same in every plot */
    size_t count;
    struct plot_point points[PLOT_POINTS_MAX]; /* ascending */
};

struct plot {
    const char *id;    /* a literal, unique on the page */
    const char *title; /* foreign */
    double clean;      /* share at eps 0; below 0: unknown */
    double chance;     /* a guess's share; below 0: unknown */
    size_t mark_count; /* the policy's minimums */
    struct {
        double eps, share;
    } marks[PLOT_MARKS_MAX];
    size_t series_count;
    struct plot_series series[PLOT_SERIES_MAX];
};

/* Writes the drawing and its legend. */
void plot_write(struct html *html, const struct plot *plot);

#endif
