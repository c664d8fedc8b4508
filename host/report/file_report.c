/* SPDX-License-Identifier: Apache-2.0 */
/* One scanned file's entry of a report. */
#include "host/report/file_report.h"

#include "host/attest/text.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *id;
    enum scan_severity severity;
    const char *effect;
} rules[HOST_RULE_COUNT] = {
    [HOST_RULE_EMPTY] = {"empty", SCAN_INFO, "The file has no bytes: there is nothing to load."},
    [HOST_RULE_LINK_OUTSIDE] =
        {"link-outside", SCAN_LOW,
         "The link leads out of the directory that was to be scanned; a loader would follow it."},
    [HOST_RULE_LINK_BROKEN] = {"link-broken", SCAN_LOW,
                               "The link leads nowhere now; something may stand there when a loader follows it."},
    [HOST_RULE_NOT_A_FILE] = {"not-a-file", SCAN_LOW,
                              "A FIFO, socket or device gives other bytes at each reading, so none were read."},
    [HOST_RULE_UNREADABLE] = {"unreadable", SCAN_LOW, "The bytes could not be read here; a loader may be able to."},
    [HOST_RULE_TOO_LARGE] = {"too-large", SCAN_LOW, "The file is larger than what is scanned."},
    [HOST_RULE_TOO_MANY] = {"too-many", SCAN_LOW, "There are more files, or deeper folders, than are scanned at once."},
    [HOST_RULE_FILE_CHANGED] = {"file-changed", SCAN_LOW,
                                "The file changed while it was read: what was scanned is not what is there now."},
    [HOST_RULE_SCAN_FAILED] = {"scan-failed", SCAN_LOW, "The scan of this file did not come to its end."},
};

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the scan's report");
}

int file_report_start(struct file_report *ret_report, struct error *err)
{
    *ret_report = (struct file_report){.findings = json_array(), .skipped = json_array()};
    return ret_report->findings != NULL && ret_report->skipped != NULL ? 0 : no_memory(err);
}

void file_report_free(struct file_report *report)
{
    json_decref(report->findings);
    json_decref(report->skipped);
    report->findings = report->skipped = NULL;
}

/* --- the guest's messages ------------------------------------------------------------------------------ */

static json_t *new_text(struct message_text text)
{
    return json_stringn(text.size > 0 ? text.data : "", text.size);
}

static json_t *new_context(const struct message_finding *finding)
{
    json_t *context = json_array();

    for (uint32_t i = 0; context != NULL && i < finding->line_count; i++)
        if (json_array_append_new(context, json_pack("{s:I, s:o}", "offset", (json_int_t)finding->lines[i].offset,
                                                     "text", new_text(finding->lines[i].text))) != 0) {
            json_decref(context);
            return NULL;
        }
    return context;
}

static int take_finding(struct file_report *report, const struct message_finding *finding, struct error *err)
{
    json_t *json = json_pack("{s:o, s:s, s:I, s:o, s:o}", "rule", new_text(finding->rule), "severity",
                             scan_severity_name(finding->severity), "offset", (json_int_t)finding->offset, "detail",
                             new_text(finding->detail), "effect", new_text(finding->effect));
    int failures = json == NULL;

    if (failures == 0 && finding->member.size > 0)
        failures += json_object_set_new(json, "member", new_text(finding->member)) != 0;
    if (failures == 0 && finding->line_count > 0)
        failures += json_object_set_new(json, "context", new_context(finding)) != 0;
    if (failures > 0) {
        json_decref(json);
        return no_memory(err);
    }
    report->counts[finding->severity]++;
    report->listed[finding->severity]++;
    return json_array_append_new(report->findings, json) == 0 ? 0 : no_memory(err);
}

static int add_skipped(struct file_report *report, enum scan_skip reason, uint64_t bytes, uint64_t places,
                       uint64_t offset, json_t *member, json_t *detail, struct error *err)
{
    json_t *json = json_pack("{s:s, s:b, s:I, s:I, s:I, s:o, s:o}", "reason", scan_skip_name(reason), "gap",
                             scan_skip_is_gap(reason), "bytes", (json_int_t)bytes, "places", (json_int_t)places,
                             "offset", (json_int_t)offset, "member", member, "detail", detail);

    report->gap = report->gap || scan_skip_is_gap(reason);
    return json != NULL && json_array_append_new(report->skipped, json) == 0 ? 0 : no_memory(err);
}

static int take_scan_done(struct file_report *report, const struct message_scan_done *done, struct error *err)
{
    for (unsigned i = 0; i < SCAN_SEVERITY_COUNT; i++) {
        if (done->counts[i] < report->listed[i])
            return error_set(err, ERROR_GUEST, -EPROTO, "the guest counts fewer findings than it has sent");
        report->counts[i] = done->counts[i];
    }
    report->looked = done->looked;
    memcpy(report->format, done->format.data, done->format.size);
    report->format[done->format.size] = '\0';
    report->done = true;
    if (done->verdict != file_report_verdict(report))
        return error_set(err, ERROR_GUEST, -EPROTO, "the guest's verdict does not follow from what it found");
    return 0;
}

int file_report_take(struct file_report *report, const struct message *message, struct error *err)
{
    const struct message_coverage *coverage = &message->coverage;

    switch (message->type) {
    case MESSAGE_FINDING:
        return take_finding(report, &message->finding, err);
    case MESSAGE_COVERAGE:
        return add_skipped(report, coverage->reason, coverage->bytes, coverage->places, coverage->offset,
                           new_text(coverage->member), new_text(coverage->detail), err);
    case MESSAGE_SCAN_DONE:
        return take_scan_done(report, &message->scan_done, err);
    default:
        return 0;
    }
}

/* --- the host's own ---------------------------------------------------------------------------------------- */

int file_report_add(struct file_report *report, enum host_rule rule, uint64_t bytes, const char *detail,
                    struct error *err)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(SCAN_DETAIL_MAX);
    struct message_finding finding = {.severity = rules[rule].severity};
    int r = text_escape(detail, SCAN_DETAIL_MAX - 1, &shown);

    if (r < 0)
        return no_memory(err);
    finding.rule = (struct message_text){.data = rules[rule].id, .size = (uint32_t)strlen(rules[rule].id)};
    finding.effect = (struct message_text){.data = rules[rule].effect, .size = (uint32_t)strlen(rules[rule].effect)};
    finding.detail = (struct message_text){.data = (const char *)shown.data, .size = (uint32_t)shown.size};
    r = take_finding(report, &finding, err);
    if (rule == HOST_RULE_EMPTY) {
        memcpy(report->format, "empty", sizeof "empty");
        report->done = true;
        return r;
    }
    if (bytes > MESSAGE_NATURAL_MAX)
        bytes = MESSAGE_NATURAL_MAX;
    return r < 0 ? r
                 : add_skipped(report, SCAN_GAP_SOURCE, bytes, 1, 0, json_string(""), new_text(finding.detail), err);
}

/* --- the outcome ------------------------------------------------------------------------------------------- */

enum scan_verdict file_report_verdict(const struct file_report *report)
{
    return scan_verdict_of(report->counts, report->gap || !report->done);
}

json_t *file_report_document(const struct file_report *report)
{
    json_t *json = json_pack("{s:s, s:s, s:O, s:{s:I, s:O}}", "verdict", scan_verdict_name(file_report_verdict(report)),
                             "format", report->format, "findings", report->findings, "coverage", "looked",
                             (json_int_t)report->looked, "skipped", report->skipped);
    uint64_t omitted = 0;

    for (unsigned i = 0; i < SCAN_SEVERITY_COUNT; i++)
        omitted += report->counts[i] - report->listed[i];
    if (omitted > MESSAGE_NATURAL_MAX)
        omitted = MESSAGE_NATURAL_MAX;
    if (json != NULL && omitted > 0 && json_object_set_new(json, "omitted", json_integer((json_int_t)omitted)) != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}
