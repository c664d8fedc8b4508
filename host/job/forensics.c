/* SPDX-License-Identifier: Apache-2.0 */
/* forensics.json */
#include "host/job/forensics.h"

#include "host/attest/text.h"
#include "host/confine/system_call.h"
#include "host/json/reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024u /* of the console, escaped */

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* Text of the guest's, made harmless. */
static json_t *new_text(const char *text, size_t length_max)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(length_max + 1);

    if (text_escape(text, length_max, &shown) < 0)
        return NULL;
    return json_stringn(shown.size > 0 ? (const char *)shown.data : "", shown.size);
}

bool forensics_wanted(enum outcome outcome)
{
    return outcome != OUTCOME_PASSED && outcome != OUTCOME_NEEDS_REVIEW;
}

/* --- the worker's end ---------------------------------------------------------------------------------- */

static json_t *new_worker(const struct forensics *forensics)
{
    const struct message_failure *failure = &forensics->failure->failure;
    char address[2 + 16 + 1], name[SYSTEM_CALL_NAME_MAX];
    json_t *worker = json_pack("{s:s, s:o}", "failure", message_failure_name(failure->code), "text",
                               new_text(forensics->failure->text, MESSAGE_TEXT_MAX));

    (void)snprintf(address, sizeof address, "0x%llx", (unsigned long long)failure->address);
    if (failure->check < forensics->plan->check_count)
        set(worker, "check", json_string(plan_check_name(forensics->plan->checks[failure->check].id)));
    if (failure->code == MESSAGE_FAILURE_FORBIDDEN_CALL) {
        system_call_name(failure->system_call, name);
        set(worker, "systemCall", json_integer(failure->system_call));
        set(worker, "systemCallName", json_string(name));
        set(worker, "address", json_string(address));
    } else if (failure->code == MESSAGE_FAILURE_WORKER_CRASHED && failure->signal > 0) {
        const char *signal_name = sigabbrev_np(failure->signal);

        set(worker, "signal", json_integer(failure->signal));
        set(worker, "signalName", json_string(signal_name != NULL ? signal_name : "?"));
        set(worker, "address", json_string(address));
    }
    return worker;
}

/* --- the machine's end --------------------------------------------------------------------------------- */

/* The last lines that the guest printed. */
static json_t *new_tail(int console_fd)
{
    CLEANUP_FREE char *bytes = malloc(FORENSICS_TAIL_MAX + 1);
    off_t end = lseek(console_fd, 0, SEEK_END), from = end > (off_t)FORENSICS_TAIL_MAX ? end - FORENSICS_TAIL_MAX : 0;
    json_t *lines = json_array();
    ssize_t size = bytes == NULL || end < 0 ? -1 : pread(console_fd, bytes, FORENSICS_TAIL_MAX, from);
    char *line = bytes, *place;

    for (ssize_t i = 0; i < size; i++) /* what follows a NUL is shown too */
        if (bytes[i] == '\0')
            bytes[i] = '?';
    if (size >= 0)
        bytes[size] = '\0';
    for (; size > 0 && (line = strtok_r(line, "\r\n", &place)) != NULL; line = NULL)
        (void)json_array_append_new(lines, new_text(line, LINE_MAX_BYTES));
    return lines;
}

static json_t *new_vm(const struct forensics *forensics)
{
    const struct vm_record *record = forensics->record;

    return json_pack("{s:s, s:s, s:{s:I, s:I, s:o}}", "exit", vm_exit_name(record->exit_reason), "detail",
                     record->exit_detail, "console", "bytes", (json_int_t)record->console_bytes, "dropped",
                     (json_int_t)record->console_dropped, "tail", new_tail(forensics->console_fd));
}

/* --- findings ------------------------------------------------------------------------------------------ */

static void add_finding(json_t *findings, const json_t *file, const json_t *finding, size_t *omitted)
{
    json_t *entry;

    if (json_array_size(findings) >= FORENSICS_FINDINGS_MAX) {
        ++*omitted;
        return;
    }
    entry = json_deep_copy(finding);
    (void)json_object_set(entry, "file", json_object_get(file, "name"));
    (void)json_array_append_new(findings, entry);
}

/* Those that made the verdict, of every scanned file. */
static void set_findings(json_t *document, const json_t *evaluation)
{
    json_t *findings = json_array();
    const json_t *check, *file, *finding;
    size_t i, j, k, omitted = 0;

    json_array_foreach (json_object_get(evaluation, "checks"), i, check)
        json_array_foreach (json_object_get(check, "files"), j, file)
            json_array_foreach (json_object_get(file, "findings"), k, finding) {
                const char *severity = json_string_value(json_object_get(finding, "severity"));

                if (severity != NULL && (strcmp(severity, "high") == 0 || strcmp(severity, "critical") == 0))
                    add_finding(findings, file, finding, &omitted);
            }
    set(document, "findings", findings);
    if (omitted > 0)
        set(document, "findingsOmitted", json_integer((json_int_t)omitted));
}

json_t *forensics_document(const struct forensics *forensics)
{
    const struct assessment *assessment = forensics->assessment;
    json_t *reasons = json_array(), *document;

    for (unsigned i = 0; i < assessment->reason_count; i++)
        (void)json_array_append_new(reasons, json_string(assessment->reasons[i]));
    document =
        json_pack("{s:i, s:s, s:o}", "format", 1, "outcome", outcome_names[assessment->outcome], "reasons", reasons);
    if (document == NULL)
        return NULL;
    if (forensics->failure->said)
        set(document, "worker", new_worker(forensics));
    if (forensics->record != NULL)
        set(document, "vm", new_vm(forensics));
    set_findings(document, assessment->evaluation);
    if (forensics->scratch != NULL)
        set(document, "scratch", json_deep_copy(forensics->scratch));
    return document;
}
