/* SPDX-License-Identifier: Apache-2.0 */
/* What the scan found in the model's file: rule, place, what loading it would do, and the lines around it. */
#include "host/report/page_sections.h"

#include <string.h>

#define FINDINGS_MAX 200u

static void write_place(struct html *html, const json_t *finding)
{
    html_raw(html, "at byte ");
    html_count(html, look_count(finding, "offset"));
    if (look_text(finding, "member")[0] != '\0') {
        html_raw(html, " of <code>");
        html_text(html, look_text(finding, "member"));
        html_raw(html, "</code>");
    }
}

static void write_context(struct html *html, const json_t *finding)
{
    const json_t *context = json_object_get(finding, "context"), *line;
    size_t i;

    if (json_array_size(context) == 0)
        return;
    html_raw(html, "<pre tabindex=\"0\">");
    json_array_foreach (context, i, line) {
        bool here = look_count(line, "offset") == look_count(finding, "offset");

        html_format(html, "%s%8lld  ", here ? "<mark>" : "", look_count(line, "offset"));
        html_text(html, look_text(line, "text"));
        html_raw(html, here ? "</mark>\n" : "\n");
    }
    html_raw(html, "</pre>\n");
}

static void write_finding(struct html *html, const json_t *finding)
{
    html_raw(html, "<li>");
    page_badge(html, look_text(finding, "severity"));
    html_raw(html, " <strong>");
    html_text(html, look_text(finding, "rule"));
    html_raw(html, "</strong> ");
    write_place(html, finding);
    html_raw(html, "<p><code>");
    html_text(html, look_text(finding, "detail"));
    html_raw(html, "</code></p><p>");
    html_text(html, look_text(finding, "effect"));
    html_raw(html, "</p>");
    write_context(html, finding);
    html_raw(html, "</li>\n");
}

static void write_file(struct html *html, const json_t *file)
{
    const json_t *findings = json_object_get(file, "findings");
    long long omitted = look_count(file, "omitted");
    size_t shown = json_array_size(findings) < FINDINGS_MAX ? json_array_size(findings) : FINDINGS_MAX;

    html_raw(html, "<p>The model\xe2\x80\x99s file, ");
    html_count(html, look_count(file, "size"));
    html_raw(html, " bytes, format ");
    html_text(html, look_text(file, "format"));
    html_raw(html, ": ");
    page_badge(html, look_text(file, "verdict"));
    html_raw(html, shown == 0 ? " Nothing was found in what was looked at.</p>\n" : "</p>\n");
    if (shown == 0)
        return;
    html_raw(html, "<ol class=\"findings\">\n");
    for (size_t i = 0; i < shown; i++)
        write_finding(html, json_array_get(findings, i));
    html_raw(html, "</ol>\n");
    if (shown < json_array_size(findings) || omitted > 0)
        html_format(html, "<p>%zu more findings are in <code>evaluation.json</code>, and %lld were counted only.</p>\n",
                    json_array_size(findings) - shown, omitted);
}

void page_findings(struct html *html, const struct page *page)
{
    const json_t *check = page_find_made(page, "scan"), *file;
    size_t i;

    if (check == NULL)
        return;
    page_open(html, "findings", "Malicious code: findings");
    json_array_foreach (json_object_get(check, "files"), i, file)
        write_file(html, file);
    page_close(html);
}
