/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.html of a farm: every job with its model, verdict and reason, and a link to its report. docs/farm.md.
 *
 * One file, nothing from elsewhere. It has one script, which sorts the table; a content security policy names it and
 * the styles by their digests and forbids the rest. Without scripts the table stands in the order of the jobs.
 */
#ifndef LAZARET_HOST_REPORT_FARM_PAGE_H
#define LAZARET_HOST_REPORT_FARM_PAGE_H

#include "base/buffer.h"
#include "host/report/html.h"

#include <stdint.h>

#define FARM_PAGE_SIZE_MAX ((size_t)256 << 20)
#define FARM_PAGE_ROWS_MAX 20000u /* of the table, which a browser still shows at once; summary.json has all */

struct farm_page_count {
    const char *word; /* "passed", "rejected", … as page_badge() takes it */
    uint64_t count;
};

struct farm_page_head {
    const char *verdict; /* the worst, in one word; or "running" */
    const struct farm_page_count *counts;
    size_t count_count;
    uint64_t jobs, reused, bad_lines;
};

struct farm_page_row {
    const char *id, *model, *verdict, *reason;
    const char *report; /* a link relative to the page, of harmless characters; NULL: none */
    const char *note;   /* "result of job a-17", "2 attempts"; "" for none */
    unsigned severity;  /* to sort by: 0 is the worst */
    uint64_t wall_ms;
};

/* Head, then rows, then foot; what fails sticks in `html` (html_result). */
void farm_page_begin(struct html *html, const struct farm_page_head *head);
void farm_page_row(struct html *html, const struct farm_page_row *row);
void farm_page_end(struct html *html, uint64_t rows_left_out);

#endif
