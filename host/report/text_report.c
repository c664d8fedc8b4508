/* SPDX-License-Identifier: Apache-2.0 */
/* A scan's report for people. */
#include "host/report/text_report.h"

#include "scan/terms.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_SIZE  4096u
#define FINDINGS_SHOWN 32u /* of a file, the worst first; JSON and SARIF have all */

/* The first failure counts; what follows it is not written. */
struct page {
    struct buffer *buffer;
    int code;
};

static void put(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct page *page, const char *format, ...)
{
    char line[LINE_MAX_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (page->code == 0)
        page->code = buffer_append(page->buffer, line, strlen(line));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static long long number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* " of MEMBER", where there is one. */
static void put_place(struct page *page, const json_t *object)
{
    if (text(object, "member")[0] != '\0')
        put(page, " of %s", text(object, "member"));
}

static void put_finding(struct page *page, const json_t *finding)
{
    const json_t *line;
    size_t i;

    put(page, "  %s %s at byte %lld", text(finding, "severity"), text(finding, "rule"), number(finding, "offset"));
    put_place(page, finding);
    put(page, "%s%s\n", text(finding, "detail")[0] != '\0' ? ": " : "", text(finding, "detail"));
    if (text(finding, "effect")[0] != '\0')
        put(page, "      %s\n", text(finding, "effect"));
    json_array_foreach (json_object_get(finding, "context"), i, line)
        put(page, "    %c %8lld  %s\n", number(line, "offset") == number(finding, "offset") ? '>' : ' ',
            number(line, "offset"), text(line, "text"));
}

/* The worst first, each severity in the file's order. */
static void put_findings(struct page *page, const json_t *file)
{
    const json_t *findings = json_object_get(file, "findings"), *finding;
    long long more = number(file, "omitted");
    size_t shown = 0, i;

    for (unsigned severity = SCAN_SEVERITY_COUNT; severity-- > 0;)
        json_array_foreach (findings, i, finding)
            if (strcmp(text(finding, "severity"), scan_severity_name(severity)) == 0 && shown < FINDINGS_SHOWN) {
                put_finding(page, finding);
                shown++;
            }
    more += (long long)(json_array_size(findings) - shown);
    if (more > 0)
        put(page, "  and %lld more findings\n", more);
}

static void put_skipped(struct page *page, const json_t *skipped)
{
    bool gap = json_is_true(json_object_get(skipped, "gap"));

    put(page, "  %s: %s: %lld bytes in %lld place%s, first at byte %lld", gap ? "not scanned" : "skipped",
        text(skipped, "reason"), number(skipped, "bytes"), number(skipped, "places"),
        number(skipped, "places") == 1 ? "" : "s", number(skipped, "offset"));
    put_place(page, skipped);
    put(page, "%s%s\n", text(skipped, "detail")[0] != '\0' ? ": " : "", text(skipped, "detail"));
}

static void put_file(struct page *page, const json_t *file)
{
    const json_t *coverage = json_object_get(file, "coverage"), *element;
    size_t i;

    put(page, "%s: %s", text(file, "name"), text(file, "verdict"));
    if (text(file, "format")[0] != '\0')
        put(page, " (%s)", text(file, "format"));
    if (json_is_integer(json_object_get(file, "size")))
        put(page, ", %lld bytes, %lld looked at", number(file, "size"), number(coverage, "looked"));
    put(page, "\n");
    put_findings(page, file);
    json_array_foreach (json_object_get(coverage, "skipped"), i, element)
        put_skipped(page, element);
}

int text_report(const json_t *files, struct buffer *buffer)
{
    struct page page = {.buffer = buffer};
    size_t counts[SCAN_VERDICT_COUNT] = {0}, i;
    const json_t *file;

    json_array_foreach (files, i, file) {
        put_file(&page, file);
        for (unsigned verdict = 0; verdict < SCAN_VERDICT_COUNT; verdict++)
            counts[verdict] += strcmp(text(file, "verdict"), scan_verdict_name(verdict)) == 0;
    }
    put(&page, "%zu file%s: %zu dangerous, %zu unscanned, %zu unknown, %zu allowed\n", json_array_size(files),
        json_array_size(files) == 1 ? "" : "s", counts[SCAN_DANGEROUS], counts[SCAN_UNSCANNED], counts[SCAN_UNKNOWN],
        counts[SCAN_ALLOWED]);
    return page.code;
}
