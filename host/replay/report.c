/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay found, as a table for people and as JSON for programs. */
#include "host/replay/replay.h"

#include "host/json/canonical.h"
#include "host/json/digest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_SIZE 1024u
#define SHORT_DIGITS  12u /* of a digest in the table */

__attribute__((format(printf, 2, 3))) static int put(struct buffer *text, const char *format, ...)
{
    char line[LINE_MAX_SIZE];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size < 0)
        return -EINVAL;
    return buffer_append(text, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

/* --- the table -------------------------------------------------------------------------------------------------- */

/* " with another agent, kernel, initramfs, disk" */
static int put_others(const struct replay_report *report, struct buffer *text)
{
    const struct {
        const char *name;
        enum replay_likeness likeness;
    } parts[] = {
        {"agent", report->agent}, {"kernel", report->kernel}, {"initramfs", report->initramfs}, {"disk", report->disk}};
    const char *before = " with another ";
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].likeness != REPLAY_OTHER)
            continue;
        r = put(text, "%s%s", before, parts[i].name);
        before = ", ";
    }
    return r;
}

static int put_places(const struct replay_report *report, struct buffer *text)
{
    const struct replay_record *record = report->record;
    bool recorded_vm = record->isolation == STATEMENT_MICROVM, replayed_vm = report->isolation == VM_MICROVM;
    int r = put(text, "recorded  %s%s%s, by %s\n", statement_isolation_names[record->isolation],
                recorded_vm ? " under " : "", recorded_vm ? statement_acceleration_names[record->acceleration] : "",
                record->producer);

    if (r == 0)
        r = put(text, "replayed  %s%s%s, by lazaret %s\n", vm_isolation_name(report->isolation),
                replayed_vm ? " under " : "", replayed_vm ? vm_acceleration_name(report->acceleration) : "",
                LAZARET_VERSION);
    return r;
}

static void shorten(bool is_there, const uint8_t sha256[SHA256_SIZE], char ret_text[SHA256_HEX_SIZE])
{
    sha256_to_hex(sha256, ret_text);
    (void)snprintf(ret_text + (is_there ? SHORT_DIGITS : 0), SHORT_DIGITS, "%s", is_there ? "" : "(none)");
}

static int put_check(const struct replay_check *check, struct buffer *text)
{
    char recorded[SHA256_HEX_SIZE], replayed[SHA256_HEX_SIZE];
    int r;

    shorten(check->recorded, check->recorded_sha256, recorded);
    shorten(check->replayed, check->replayed_sha256, replayed);
    r = put(text, "  %-23s %-8s %-12s  %-12s\n", check->id, check->comparison.reproduced ? "same" : "differs", recorded,
            replayed);
    if (r < 0 || check->comparison.reproduced || check->comparison.place[0] == '\0')
        return r;
    return put(text, "      first at %s: %s in the record, %s in the replay\n", check->comparison.place,
               check->comparison.recorded, check->comparison.replayed);
}

static int put_outcome(const struct replay_report *report, struct buffer *text)
{
    char recorded[SHA256_HEX_SIZE], replayed[SHA256_HEX_SIZE];
    int r = put(text, report->comparison.reproduced ? "reproduced" : "not reproduced");

    sha256_to_hex(report->recorded_sha256, recorded);
    sha256_to_hex(report->replayed_sha256, replayed);
    if (r == 0)
        r = put_others(report, text);
    if (r == 0)
        r = put(text, ": evaluation.json %s%s%s\n", recorded, report->comparison.reproduced ? "" : " in the record, ",
                report->comparison.reproduced ? "" : replayed);
    if (r == 0 && report->comparison.reproduced)
        r = put(text, "verdict: %s, as signed\n", outcome_names[report->record->outcome]);
    return r;
}

int replay_report_write_text(const struct replay_report *report, struct buffer *ret_text)
{
    int r = put_places(report, ret_text);

    if (r == 0 && report->note[0] != '\0')
        r = put(ret_text, "note      %s\n", report->note);
    if (r == 0)
        r = put(ret_text, "  %-23s %-8s %-12s  %-12s\n", "check", "", "recorded", "replayed");
    for (size_t i = 0; r == 0 && i < report->check_count; i++)
        r = put_check(&report->checks[i], ret_text);
    return r < 0 ? r : put_outcome(report, ret_text);
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *new_difference(const struct replay_comparison *comparison)
{
    if (comparison->reproduced)
        return json_null();
    return json_pack("{s:s, s:s, s:s}", "place", comparison->place, "recorded", comparison->recorded, "replayed",
                     comparison->replayed);
}

static json_t *new_checks(const struct replay_report *report)
{
    json_t *array = json_array();

    for (size_t i = 0; i < report->check_count; i++) {
        const struct replay_check *check = &report->checks[i];

        (void)json_array_append_new(
            array, json_pack("{s:s, s:b, s:o, s:o, s:o}", "id", check->id, "same", check->comparison.reproduced,
                             "recorded", json_new_digest(check->recorded ? check->recorded_sha256 : NULL), "replayed",
                             json_new_digest(check->replayed ? check->replayed_sha256 : NULL), "difference",
                             new_difference(&check->comparison)));
    }
    return array;
}

static const char *likeness_name(enum replay_likeness likeness)
{
    static const char *const names[] = {"same", "other", "unused"};

    return names[likeness];
}

static json_t *new_side(const char *isolation, const char *acceleration, const char *producer,
                        const uint8_t sha256[SHA256_SIZE])
{
    return json_pack("{s:s, s:s, s:s, s:o}", "isolation", isolation, "acceleration", acceleration, "producer", producer,
                     "evaluation", json_new_digest(sha256));
}

int replay_report_write_json(const struct replay_report *report, struct buffer *ret_text)
{
    const struct replay_record *record = report->record;
    json_t *document = json_pack(
        "{s:b, s:o, s:s, s:o, s:o, s:{s:s, s:s, s:s, s:s}, s:o}", "reproduced", report->comparison.reproduced,
        "difference", new_difference(&report->comparison), "verdict", outcome_names[record->outcome], "recorded",
        new_side(statement_isolation_names[record->isolation], statement_acceleration_names[record->acceleration],
                 record->producer, report->recorded_sha256),
        "replayed",
        new_side(vm_isolation_name(report->isolation),
                 report->isolation == VM_MICROVM ? vm_acceleration_name(report->acceleration) : "none",
                 "lazaret " LAZARET_VERSION, report->replayed_sha256),
        "platform", "agent", likeness_name(report->agent), "kernel", likeness_name(report->kernel), "initramfs",
        likeness_name(report->initramfs), "disk", likeness_name(report->disk), "checks", new_checks(report));
    int r = document == NULL ? -ENOMEM : 0;

    if (r == 0 && report->note[0] != '\0')
        (void)json_object_set_new(document, "note", json_string(report->note));
    if (r == 0)
        r = json_canonical_encode(document, ret_text);
    json_decref(document);
    return r < 0 ? r : buffer_append_u8(ret_text, '\n');
}
