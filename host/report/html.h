/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a page: literals of ours as they are, everything else through the escaper.
 *
 * The first failure sticks and what follows does nothing, so that a page is written line after line and looked at once,
 * by html_result(). html_raw and html_format take text of this program only: literals, and numbers in them.
 */
#ifndef LAZARET_HOST_REPORT_HTML_H
#define LAZARET_HOST_REPORT_HTML_H

#include "base/buffer.h"

#include <jansson.h>

#define HTML_TEXT_MAX ((size_t)2048) /* bytes of one foreign text that are shown */

struct html {
    struct buffer *page; /* borrowed */
    int failure;
};

void html_raw(struct html *html, const char *literal);

/* Numbers in a literal: no %s of anything foreign. */
void html_format(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Foreign text; NULL is none. */
void html_text(struct html *html, const char *text);
void html_bytes(struct html *html, const char *text, size_t size, size_t length_max);

/* Some of ours and some foreign, with %s; the whole is escaped. */
void html_say(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An integer with its thousands set apart, for people. */
void html_count(struct html *html, long long count);

/* A share as a percentage with one digit: 0.986667 as 98.7 %. */
void html_percent(struct html *html, double share);

/* The element with foreign text in it: html_element(html, "td", text). */
void html_element(struct html *html, const char *name, const char *text);

/* A digest, breakable. */
void html_digest(struct html *html, const char *hex);

MUST_USE int html_result(const struct html *html);

/* --- reading what documents say: absent or of another type is nothing, 0 or "" ----------------------------- */

const char *look_text(const json_t *object, const char *key);
long long look_count(const json_t *object, const char *key);
long long look_item(const json_t *array, size_t index);

/* A decimal string's value; -1 where there is none, so that nothing is drawn of it. */
double look_decimal(const json_t *object, const char *key);
double look_decimal_item(const json_t *array, size_t index);

#endif
