/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation as JUnit XML. */
#include "host/report/junit.h"

#include "host/attest/statement.h"
#include "host/report/escape_xml.h"
#include "host/report/html.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)2048)

struct xml {
    struct buffer *out;
    int failure;
};

static void put(struct xml *xml, const char *literal)
{
    if (xml->failure == 0)
        xml->failure = buffer_append(xml->out, literal, strlen(literal));
}

static void put_text(struct xml *xml, const char *text)
{
    if (xml->failure == 0)
        xml->failure = escape_xml(text, strlen(text), TEXT_MAX, xml->out);
}

/* ` name="text"` */
static void put_attribute(struct xml *xml, const char *name, const char *text)
{
    put(xml, " ");
    put(xml, name);
    put(xml, "=\"");
    put_text(xml, text);
    put(xml, "\"");
}

static void put_count(struct xml *xml, const char *name, size_t count)
{
    char digits[24];

    (void)snprintf(digits, sizeof digits, "%zu", count);
    put_attribute(xml, name, digits);
}

/* --- what a check amounts to here ------------------------------------------------------------------------------------
 */

enum result { RESULT_PASSED, RESULT_FAILURE, RESULT_ERROR, RESULT_SKIPPED, RESULT_COUNT };

static enum result result_of_check(const char *status)
{
    if (strcmp(status, "passed") == 0)
        return RESULT_PASSED;
    if (strcmp(status, "skipped") == 0)
        return RESULT_SKIPPED;
    return strcmp(status, "error") == 0 ? RESULT_ERROR : RESULT_FAILURE;
}

static enum result result_of_verdict(const char *verdict)
{
    if (strcmp(verdict, "passed") == 0)
        return RESULT_PASSED;
    return strcmp(verdict, "could-not-evaluate") == 0 ? RESULT_ERROR : RESULT_FAILURE;
}

struct source {
    const json_t *statement, *evaluation, *execution;
};

static const json_t *entries_of(const struct source *source)
{
    return json_object_get(statement_get_extension(source->statement), "checks");
}

static const json_t *find(const json_t *list, const char *id)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (list, i, entry)
        if (strcmp(look_text(entry, "id"), id) == 0)
            return entry;
    return NULL;
}

/* --- test cases
 * -------------------------------------------------------------------------------------------------------- */

static void put_reasons(struct xml *xml, const struct source *source, const char *about)
{
    const json_t *reason;
    size_t i;

    json_array_foreach (json_object_get(statement_get_extension(source->statement), "reasons"), i, reason) {
        const char *text = json_string_value(reason);

        if (text == NULL || (about != NULL && (strncmp(text, about, strlen(about)) != 0 || text[strlen(about)] != ':')))
            continue;
        put_text(xml, text);
        put(xml, "\n");
    }
}

static void open_case(struct xml *xml, const char *name, const char *seconds)
{
    put(xml, "    <testcase");
    put_attribute(xml, "classname", "lazaret");
    put_attribute(xml, "name", name);
    put_attribute(xml, "time", seconds[0] != '\0' ? seconds : "0");
    put(xml, ">\n");
}

/* The element of what did not pass; its text gives the reasons that name the check. */
static void put_result(struct xml *xml, const struct source *source, enum result result, const char *status,
                       const char *about, const char *message)
{
    static const char *const elements[RESULT_COUNT] = {NULL, "failure", "error", "skipped"};

    if (result == RESULT_PASSED)
        return;
    put(xml, "      <");
    put(xml, elements[result]);
    put_attribute(xml, "message", message);
    if (result != RESULT_SKIPPED) {
        put_attribute(xml, "type", status);
        put(xml, ">");
        put_reasons(xml, source, about);
        put(xml, "</");
        put(xml, elements[result]);
        put(xml, ">\n");
    } else {
        put(xml, "/>\n");
    }
}

static void put_check(struct xml *xml, const struct source *source, const json_t *entry)
{
    const char *id = look_text(entry, "id"), *status = look_text(entry, "status");
    const char *reason = look_text(find(json_object_get(source->evaluation, "checks"), id), "reason");

    open_case(xml, id, look_text(find(json_object_get(source->execution, "checks"), id), "wallSeconds"));
    put_result(xml, source, result_of_check(status), status, id, reason[0] != '\0' ? reason : status);
    put(xml, "    </testcase>\n");
}

static void put_verdict(struct xml *xml, const struct source *source)
{
    const char *verdict = look_text(statement_get_extension(source->statement), "verdict");

    open_case(xml, "verdict", "");
    put_result(xml, source, result_of_verdict(verdict), verdict, NULL, verdict);
    put(xml, "    </testcase>\n");
}

/* --- the suite
 * --------------------------------------------------------------------------------------------------------- */

static void put_totals(struct xml *xml, const struct source *source)
{
    size_t counts[RESULT_COUNT] = {0}, i, all = 1;
    const json_t *entry;

    json_array_foreach (entries_of(source), i, entry) {
        counts[result_of_check(look_text(entry, "status"))]++;
        all++;
    }
    counts[result_of_verdict(look_text(statement_get_extension(source->statement), "verdict"))]++;
    put_count(xml, "tests", all);
    put_count(xml, "failures", counts[RESULT_FAILURE]);
    put_count(xml, "errors", counts[RESULT_ERROR]);
    put_count(xml, "skipped", counts[RESULT_SKIPPED]);
}

static void put_property(struct xml *xml, const char *name, const char *value)
{
    put(xml, "      <property");
    put_attribute(xml, "name", name);
    put_attribute(xml, "value", value);
    put(xml, "/>\n");
}

static void put_properties(struct xml *xml, const struct source *source)
{
    const json_t *subject = json_array_get(json_object_get(source->statement, "subject"), 0);
    const json_t *extension = statement_get_extension(source->statement);

    put(xml, "    <properties>\n");
    put_property(xml, "verdict", look_text(extension, "verdict"));
    put_property(xml, "tier", look_text(extension, "tier"));
    put_property(xml, "model.sha256", look_text(json_object_get(subject, "digest"), "sha256"));
    put_property(xml, "isolation", look_text(extension, "isolation"));
    put_property(xml, "producer", look_text(extension, "producer"));
    put(xml, "    </properties>\n");
}

/* JUnit's timestamp has no zone: 2026-01-31T12:00:00. */
static void put_timestamp(struct xml *xml, const char *stamp)
{
    char local[20];

    if (strlen(stamp) < sizeof local)
        return;
    (void)snprintf(local, sizeof local, "%s", stamp);
    put_attribute(xml, "timestamp", local);
}

int junit_write(const json_t *statement, const json_t *evaluation, const json_t *execution, struct buffer *ret_xml)
{
    const struct source source = {statement, evaluation, execution};
    const json_t *entry, *subject = json_array_get(json_object_get(statement, "subject"), 0);
    struct xml xml = {.out = ret_xml};
    size_t i;

    put(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    put_attribute(&xml, "name", "lazaret");
    put_totals(&xml, &source);
    put(&xml, ">\n  <testsuite");
    put_attribute(&xml, "name", look_text(subject, "name"));
    put_totals(&xml, &source);
    put_timestamp(&xml, look_text(statement_get_extension(statement), "finishedAt"));
    put(&xml, ">\n");
    put_properties(&xml, &source);
    json_array_foreach (entries_of(&source), i, entry)
        put_check(&xml, &source, entry);
    put_verdict(&xml, &source);
    put(&xml, "  </testsuite>\n</testsuites>\n");
    return xml.failure;
}
