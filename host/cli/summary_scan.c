/* SPDX-License-Identifier: Apache-2.0 */
/* The summary of the scan: the file's verdict, its worst findings, and what was not looked at. */
#include "host/cli/summary_lines.h"

#include <string.h>

static double rank_finding(const json_t *finding)
{
    static const char *const severities[] = {"info", "low", "medium", "high", "critical"};

    for (unsigned i = 2; i < sizeof severities / sizeof severities[0]; i++)
        if (strcmp(summary_text(finding, "severity"), severities[i]) == 0)
            return (double)i;
    return 0.0;
}

static void print_file(struct summary_lines *lines, const json_t *file)
{
    const json_t *findings = json_object_get(file, "findings"), *worst[SUMMARY_WORST_MAX], *skipped;
    const char *format = summary_text(file, "format");
    size_t count, all = summary_worst(findings, rank_finding, worst, &count), i;

    summary_line(lines, "%s%s%s", summary_text(file, "verdict"), format[0] != '\0' ? ", " : "", format);
    for (i = 0; i < count; i++)
        summary_line(lines, "%s %s at byte %lld: %s", summary_text(worst[i], "severity"),
                     summary_text(worst[i], "rule"), summary_number(worst[i], "offset"),
                     summary_text(worst[i], "detail"));
    summary_more(lines, all, "findings");
    json_array_foreach (json_object_get(json_object_get(file, "coverage"), "skipped"), i, skipped)
        if (json_is_true(json_object_get(skipped, "gap")))
            summary_line(lines, "not scanned: %s, %lld bytes: %s", summary_text(skipped, "reason"),
                         summary_number(skipped, "bytes"), summary_text(skipped, "detail"));
}

void summary_scan(struct summary_lines *lines, const json_t *check)
{
    const json_t *file;
    size_t i;

    json_array_foreach (json_object_get(check, "files"), i, file)
        print_file(lines, file);
}
