/* SPDX-License-Identifier: Apache-2.0 */
/* index.html of a farm. */
#include "host/report/farm_page.h"

#include "digest/sha256.h"
#include "host/attest/base64.h"
#include "host/report/farm_page_sort.h"
#include "host/report/page_sections.h"

#include <inttypes.h>
#include <string.h>

/* Besides the style of all pages. */
static const char style[] =
    "\nbody{max-width:90rem}table.jobs td:nth-child(n+5){white-space:nowrap}table.jobs td:nth-child(4){min-width:16rem}"
    "thead th button{all:unset;cursor:pointer;font-weight:600}thead th button:focus-visible{outline:3px solid "
    "var(--link);outline-offset:2px}"
    "th[aria-sort=ascending] button::after{content:' \\2191'}th[aria-sort=descending] button::after{content:' \\2193'}"
    ".counts{display:flex;flex-wrap:wrap;gap:.4rem 1.25rem;list-style:none;padding:0;margin:0 0 1rem}\n";

static void write_digest(struct html *html, const char *first, const char *second)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(2 * SHA256_SIZE);
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;

    sha256_start(&hash);
    sha256_update(&hash, first, strlen(first));
    sha256_update(&hash, second, strlen(second));
    sha256_finish(&hash, digest);
    if (base64_encode(digest, sizeof digest, &text) == 0 && buffer_append_u8(&text, 0) == 0)
        html_raw(html, (const char *)text.data);
}

static void write_head(struct html *html)
{
    html_raw(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; "
                   "form-action 'none'; style-src 'sha256-");
    write_digest(html, page_style, style);
    html_raw(html, "'; script-src 'sha256-");
    write_digest(html, farm_page_sort, "");
    html_raw(html, "'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<meta name=\"referrer\" content=\"no-referrer\">\n<title>Lazaret farm</title>\n<style>");
    html_raw(html, page_style);
    html_raw(html, style);
    html_raw(html, "</style>\n</head>\n<body>\n");
    page_shapes(html);
}

static void write_heading(struct html *html, const char *text, bool number)
{
    html_format(html, "<th scope=\"col\"%s><button type=\"button\">", number ? " data-number" : "");
    html_text(html, text);
    html_raw(html, "</button></th>");
}

void farm_page_begin(struct html *html, const struct farm_page_head *head)
{
    write_head(html);
    html_raw(html, "<header><p class=\"brand\">Lazaret farm</p>\n<h1>");
    html_count(html, (long long)head->jobs);
    html_raw(html, head->jobs == 1 ? " job, the worst verdict: " : " jobs, the worst verdict: ");
    page_badge(html, head->verdict);
    html_raw(html, "</h1></header>\n<main>\n<ul class=\"counts\">");
    for (size_t i = 0; i < head->count_count; i++) {
        if (head->counts[i].count == 0)
            continue;
        html_raw(html, "<li>");
        page_badge(html, head->counts[i].word);
        html_raw(html, " ");
        html_count(html, (long long)head->counts[i].count);
        html_raw(html, "</li>");
    }
    html_raw(html, "</ul>\n");
    if (head->reused > 0 || head->bad_lines > 0) {
        html_raw(html, "<p>");
        if (head->reused > 0)
            html_say(html, "%" PRIu64 " of them have the verified result of another job of the same content. ",
                     head->reused);
        if (head->bad_lines > 0)
            html_say(html, "%" PRIu64 " lines of the list were no jobs and were passed over; summary.json names them.",
                     head->bad_lines);
        html_raw(html, "</p>\n");
    }
    html_raw(html, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Jobs\"><table class=\"jobs\">\n"
                   "<caption>Jobs; a heading sorts by its column</caption>\n<thead><tr>");
    write_heading(html, "Job", false);
    write_heading(html, "Model", false);
    write_heading(html, "Verdict", true);
    write_heading(html, "Why", false);
    write_heading(html, "Seconds", true);
    html_raw(html, "<th scope=\"col\">Report</th></tr></thead>\n<tbody>\n");
}

/* The last part of a path tells models apart; the whole is in its title. */
static void write_model(struct html *html, const char *model)
{
    const char *slash = strrchr(model, '/');

    html_raw(html, "<td title=\"");
    html_text(html, model);
    html_raw(html, "\">");
    html_text(html, slash != NULL ? slash + 1 : model);
    html_raw(html, "</td>");
}

void farm_page_row(struct html *html, const struct farm_page_row *row)
{
    html_raw(html, "<tr><th scope=\"row\">");
    html_text(html, row->id);
    html_raw(html, "</th>");
    write_model(html, row->model);
    html_format(html, "<td data-sort=\"%u\">", row->severity);
    page_badge(html, row->verdict);
    html_raw(html, "</td><td>");
    html_text(html, row->reason);
    if (row->note[0] != '\0') {
        html_raw(html, "<span class=\"sub\">");
        html_text(html, row->note);
        html_raw(html, "</span>");
    }
    html_format(html, "</td><td data-sort=\"%" PRIu64 "\">%" PRIu64 ".%03" PRIu64 "</td><td>", row->wall_ms,
                row->wall_ms / 1000, row->wall_ms % 1000);
    if (row->report != NULL) {
        html_raw(html, "<a href=\"");
        html_text(html, row->report);
        html_raw(html, "\">report<span class=\"unseen\"> of ");
        html_text(html, row->id);
        html_raw(html, "</span></a>");
    }
    html_raw(html, "</td></tr>\n");
}

void farm_page_end(struct html *html, uint64_t rows_left_out)
{
    html_raw(html, "</tbody></table></div>\n");
    if (rows_left_out > 0)
        html_say(html, "%" PRIu64 " more jobs are in summary.json.", rows_left_out);
    html_raw(html,
             "</main>\n<footer>What is signed is each result; this page and summary.json are a view of them and are "
             "not.</footer>\n<script>");
    html_raw(html, farm_page_sort);
    html_raw(html, "</script>\n</body>\n</html>\n");
}
