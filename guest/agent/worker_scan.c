/* SPDX-License-Identifier: Apache-2.0 */
/* What a scan finds, as messages. */
#include "guest/agent/worker_scan.h"

#include "guest/scan/scan.h"

#include <string.h>

static struct message_text text_of(const char *text)
{
    return (struct message_text){.data = text, .size = (uint32_t)strlen(text)};
}

/* Counts of bytes in hostile files may be anything; the wire's are exact in JSON. */
static uint64_t natural(uint64_t value)
{
    return value < MESSAGE_NATURAL_MAX ? value : MESSAGE_NATURAL_MAX;
}

static int send_finding(void *argument, const struct scan_finding *finding, struct error *err)
{
    const struct check_sink *sink = argument;
    struct message message = {.type = MESSAGE_FINDING,
                              .finding = {.rule = text_of(finding->rule->id),
                                          .severity = finding->rule->severity,
                                          .offset = natural(finding->offset),
                                          .member = text_of(finding->member),
                                          .detail = text_of(finding->detail),
                                          .effect = text_of(finding->rule->effect),
                                          .line_count = finding->context_count}};

    for (uint32_t i = 0; i < finding->context_count; i++)
        message.finding.lines[i] = (struct message_finding_line){.offset = natural(finding->context_offsets[i]),
                                                                 .text = text_of(finding->context[i])};
    return sink->send(sink->argument, &message, err);
}

static int send_coverage(const struct check_sink *sink, const struct scan_gap *gap, struct error *err)
{
    const struct message message = {.type = MESSAGE_COVERAGE,
                                    .coverage = {.reason = gap->reason,
                                                 .bytes = natural(gap->bytes),
                                                 .places = natural(gap->places),
                                                 .offset = natural(gap->offset),
                                                 .member = text_of(gap->member),
                                                 .detail = text_of(gap->detail)}};

    return sink->send(sink->argument, &message, err);
}

int worker_scan(struct source *source, const char *name, const struct check_sink *sink, struct error *err)
{
    const struct scan_sink findings = {.finding = send_finding, .argument = (void *)(uintptr_t)sink};
    struct message message = {.type = MESSAGE_SCAN_DONE};
    struct scan_summary summary;
    int r = scan_run(source, name, &findings, &summary, err);

    for (unsigned i = 0; r == 0 && i < SCAN_SKIP_COUNT; i++)
        if (summary.gaps[i].places > 0)
            r = send_coverage(sink, &summary.gaps[i], err);
    if (r < 0)
        return r;
    message.scan_done.verdict = summary.verdict;
    message.scan_done.format = text_of(summary.format);
    message.scan_done.looked = natural(summary.looked);
    for (unsigned i = 0; i < SCAN_SEVERITY_COUNT; i++)
        message.scan_done.counts[i] = natural(summary.counts[i]);
    return sink->send(sink->argument, &message, err);
}
