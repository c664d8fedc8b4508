/* SPDX-License-Identifier: Apache-2.0 */
/* A scan's report as SARIF 2.1.0. */
#include "host/report/sarif.h"

#include "base/buffer.h"

#include <stdbool.h>
#include <string.h>

#define SCHEMA     "https://json.schemastore.org/sarif-2.1.0.json"
#define HOME       "https://lazaret.dev/"
#define RULES_PAGE "docs/scan-rules"
#define URI_MAX    16384u /* of a path of 4,096 bytes, each of them escaped */

struct log {
    json_t *rules, *results, *notifications, *artifacts;
    json_t *rule_indices; /* object: id to its index in `rules` */
    bool complete;        /* every file's scan came to its end */
    int failures;
};

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static void set(struct log *log, json_t *object, const char *key, json_t *value)
{
    log->failures += json_object_set_new(object, key, value) != 0;
}

static void append(struct log *log, json_t *array, json_t *value)
{
    log->failures += json_array_append_new(array, value) != 0;
}

/* --- places --------------------------------------------------------------------------------------------- */

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/", c) != NULL);
}

/* RFC 3986: a relative reference, or a file URI for a path from the root. */
static json_t *new_uri(const char *path)
{
    CLEANUP_BUFFER struct buffer uri = buffer_with_limit(URI_MAX);
    int r = path[0] == '/' ? buffer_append(&uri, "file://", 7) : 0;

    for (const char *c = path; r == 0 && *c != '\0'; c++)
        r = is_unreserved((unsigned char)*c) ? buffer_append(&uri, c, 1)
                                             : buffer_append_format(&uri, "%%%02X", (unsigned char)*c);
    return r == 0 ? json_stringn((const char *)uri.data, uri.size) : NULL;
}

static json_t *new_location(struct log *log, const char *path, size_t artifact, const json_t *file,
                            const json_t *finding)
{
    json_int_t offset = json_integer_value(json_object_get(finding, "offset"));
    json_int_t size = json_integer_value(json_object_get(file, "size"));
    const char *member = text(finding, "member");
    json_t *physical =
        json_pack("{s:{s:o, s:I}}", "artifactLocation", "uri", new_uri(path), "index", (json_int_t)artifact);
    json_t *location = json_pack("{s:o}", "physicalLocation", physical);

    if (location == NULL) {
        log->failures++;
        return NULL;
    }
    if (member[0] == '\0' && offset < size)
        set(log, physical, "region", json_pack("{s:I, s:i}", "byteOffset", offset, "byteLength", 1));
    else /* an offset within a member is no offset within the file */
        set(log, physical, "region", json_pack("{s:i, s:I}", "byteOffset", 0, "byteLength", size));
    if (member[0] != '\0')
        set(log, location, "logicalLocations",
            json_pack("[{s:s, s:s}]", "fullyQualifiedName", member, "kind", "member"));
    return location;
}

/* --- rules and results --------------------------------------------------------------------------------------- */

static const char *level_of(const char *severity)
{
    if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
        return "error";
    return strcmp(severity, "medium") == 0 ? "warning" : "note";
}

static json_t *new_rule(const json_t *finding)
{
    const char *id = text(finding, "rule");

    return json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s+++}, s:{s:s}}", "id", id, "shortDescription", "text",
                     text(finding, "effect"), "fullDescription", "text", text(finding, "effect"), "help", "text",
                     RULES_PAGE, ", section ", id, ".", "defaultConfiguration", "level",
                     level_of(text(finding, "severity")));
}

/* The finding's rule among the run's, added at its first finding. */
static size_t rule_index(struct log *log, const json_t *finding)
{
    const json_t *known = json_object_get(log->rule_indices, text(finding, "rule"));
    size_t index = json_array_size(log->rules);

    if (known != NULL)
        return (size_t)json_integer_value(known);
    append(log, log->rules, new_rule(finding));
    set(log, log->rule_indices, text(finding, "rule"), json_integer((json_int_t)index));
    return index;
}

static void add_result(struct log *log, const char *path, size_t artifact, const json_t *file, const json_t *finding)
{
    const char *detail = text(finding, "detail");
    size_t rule = rule_index(log, finding);
    json_t *result =
        json_pack("{s:s, s:I, s:s, s:{s:s++}, s:[o], s:{s:s, s:I, s:s, s:s}}", "ruleId", text(finding, "rule"),
                  "ruleIndex", (json_int_t)rule, "level", level_of(text(finding, "severity")), "message", "text",
                  detail[0] != '\0' ? detail : text(finding, "rule"), ". ", text(finding, "effect"), "locations",
                  new_location(log, path, artifact, file, finding), "properties", "severity", text(finding, "severity"),
                  "offset", json_integer_value(json_object_get(finding, "offset")), "member", text(finding, "member"),
                  "verdict", text(file, "verdict"));

    append(log, log->results, result);
}

static void add_gap(struct log *log, const char *path, size_t artifact, const json_t *file, const json_t *gap)
{
    const char *detail = text(gap, "detail");

    append(log, log->notifications,
           json_pack("{s:s, s:{s:s}, s:{s:s+++}, s:[o]}", "level", "warning", "descriptor", "id", text(gap, "reason"),
                     "message", "text", "Not scanned: ", text(gap, "reason"), detail[0] != '\0' ? ": " : "", detail,
                     "locations", new_location(log, path, artifact, file, gap)));
}

static void add_file(struct log *log, const json_t *file, const char *path)
{
    const json_t *coverage = json_object_get(file, "coverage"), *element;
    size_t artifact = json_array_size(log->artifacts), i;
    json_t *json = json_pack("{s:{s:o}}", "location", "uri", new_uri(path));

    if (json != NULL && json_is_integer(json_object_get(file, "size")))
        set(log, json, "length", json_integer(json_integer_value(json_object_get(file, "size"))));
    if (json != NULL && json_is_string(json_object_get(file, "sha256")))
        set(log, json, "hashes", json_pack("{s:s}", "sha-256", text(file, "sha256")));
    append(log, log->artifacts, json);
    json_array_foreach (json_object_get(file, "findings"), i, element) {
        add_result(log, path, artifact, file, element);
        if (strcmp(text(element, "rule"), "scan-failed") == 0)
            log->complete = false;
    }
    json_array_foreach (json_object_get(coverage, "skipped"), i, element)
        if (json_is_true(json_object_get(element, "gap")))
            add_gap(log, path, artifact, file, element);
}

/* --- the log ----------------------------------------------------------------------------------------------- */

static json_t *new_run(const struct log *log)
{
    return json_pack("{s:{s:{s:s, s:s, s:s, s:s, s:O}}, s:[{s:b, s:O}], s:O, s:O}", "tool", "driver", "name", "lazaret",
                     "version", LAZARET_VERSION, "semanticVersion", LAZARET_VERSION, "informationUri", HOME, "rules",
                     log->rules, "invocations", "executionSuccessful", log->complete, "toolExecutionNotifications",
                     log->notifications, "artifacts", log->artifacts, "results", log->results);
}

json_t *sarif_document(const json_t *files, const char *const *paths)
{
    struct log log = {.rules = json_array(),
                      .results = json_array(),
                      .notifications = json_array(),
                      .artifacts = json_array(),
                      .rule_indices = json_object(),
                      .complete = true};
    json_t *document = NULL, *run;
    const json_t *file;
    size_t i;

    json_array_foreach (files, i, file)
        add_file(&log, file, paths != NULL ? paths[i] : text(file, "name"));
    run = log.failures == 0 ? new_run(&log) : NULL;
    if (run != NULL)
        document = json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version", "2.1.0", "runs", run);
    json_decref(log.rules);
    json_decref(log.results);
    json_decref(log.notifications);
    json_decref(log.artifacts);
    json_decref(log.rule_indices);
    return document;
}
