/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of the page, in its order; each writes nothing where it has nothing to say. */
#ifndef LAZARET_HOST_REPORT_PAGE_SECTIONS_H
#define LAZARET_HOST_REPORT_PAGE_SECTIONS_H

#include "host/report/html.h"
#include "host/report/page.h"

void page_head(struct html *html, const struct page *page); /* the document's head, with its styles */
void page_verdict(struct html *html, const struct page *page);
void page_checked(struct html *html, const struct page *page);
void page_unchecked(struct html *html, const struct page *page);
void page_accuracy(struct html *html, const struct page *page);
void page_robustness(struct html *html, const struct page *page);
void page_clusters(struct html *html, const struct page *page);
void page_trigger(struct html *html, const struct page *page);
void page_reports(struct html *html, const struct page *page); /* checks that decide little: tables */
void page_findings(struct html *html, const struct page *page);
void page_run(struct html *html, const struct page *page);
void page_evidence(struct html *html, const struct page *page);
void page_sign_offs(struct html *html, const struct page *page);

/* --- what sections share ------------------------------------------------------------------------------------ */

/* The check of this id in evaluation.json, or NULL. */
const json_t *page_find(const struct page *page, const char *id);

/* The same, where it was made: neither skipped nor broken. */
const json_t *page_find_made(const struct page *page, const char *id);

/* "Trigger search" for "trigger-scan"; the id itself where it is not known. */
const char *page_check_name(const char *id);

/* What a check asks, for people; "" where it is not known. */
const char *page_check_question(const char *id);

/* The ids of all checks there are, NULL-ended, in the order of a page. */
extern const char *const page_check_ids[];

/* A badge: a shape, a word and a colour of it. `status`: of a check, or a verdict. */
void page_badge(struct html *html, const char *status);

/* The shapes of badges, once a page, before the first one. */
void page_shapes(struct html *html);

/* One line of what a check found. */
void page_check_found(struct html *html, const json_t *check);

/* The style's text (page_style.c). */
extern const char page_style[];

/* Opens a section with its heading; the id is a literal and names it for links. */
void page_open(struct html *html, const char *id, const char *heading);
void page_close(struct html *html);

/*
 * Opens a table in a box that scrolls by itself on a narrow screen; captions differ
 * from one another on a page, as they name the boxes too. */
void page_open_table(struct html *html, const char *caption);
void page_close_table(struct html *html);

#endif
