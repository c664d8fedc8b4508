/* SPDX-License-Identifier: Apache-2.0 */
/* Building the signed statement. */
#include "host/attest/statement.h"

#include "base/time_text.h"
#include "host/attest/text.h"
#include "host/json/canonical.h"
#include "host/json/digest.h"
#include "host/json/reader.h"

#include <errno.h>

const char *const statement_isolation_names[STATEMENT_ISOLATION_COUNT + 1] = {"none", "microvm", "process", NULL};
const char *const statement_acceleration_names[STATEMENT_ACCELERATION_COUNT + 1] = {"none", "kvm", "tcg", NULL};

/* A new string of the text, harmless and cut; NULL without memory. */
static json_t *new_text(const char *text, size_t length_max)
{
    CLEANUP_BUFFER struct buffer escaped = buffer_with_limit(length_max);

    if (text_escape(text, length_max, &escaped) < 0)
        return NULL;
    return json_stringn((const char *)escaped.data, escaped.size);
}

static json_t *new_resources(const struct statement_resource *resources, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < count; i++) {
        char hex[SHA256_HEX_SIZE];

        sha256_to_hex(resources[i].sha256, hex);
        if (json_array_append_new(list,
                                  json_pack("{s:o, s:{s:s}}", "name", new_text(resources[i].name, STATEMENT_NAME_MAX),
                                            "digest", "sha256", hex)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *new_texts(const char *const *texts, size_t count, size_t length_max)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < count; i++)
        if (json_array_append_new(list, new_text(texts[i], length_max)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *new_checks(const struct statement_check_entry *checks, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < count; i++)
        if (json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "id", checks[i].id, "status",
                                                  check_status_names[checks[i].status], "provenance",
                                                  checks[i].provenance)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* The ids of the checks whose status belongs to a list of the predicate. */
static json_t *new_ids(const struct statement_check_entry *checks, size_t count, const bool belongs[CHECK_STATUS_COUNT])
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < count; i++)
        if (belongs[checks[i].status] && json_array_append_new(list, json_string(checks[i].id)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *new_time(int64_t seconds)
{
    char text[TIME_TEXT_SIZE];

    time_text_format(seconds, text);
    return json_string(text);
}

static int set_ledger(json_t *extension, const struct statement_ledger *ledger)
{
    return json_object_set_new(extension, "ledger",
                               json_pack("{s:o, s:I, s:o}", "origin", new_text(ledger->origin, STATEMENT_ORIGIN_MAX),
                                         "intent", (json_int_t)ledger->intent, "root", json_new_digest(ledger->root)));
}

static json_t *new_extension(const struct statement_input *input)
{
    CLEANUP_JSON json_t *extension = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:s}", "verdict", outcome_names[input->outcome],
        "tier", input->tier, "reasons", new_texts(input->reasons, input->reason_count, STATEMENT_REASON_MAX),
        "documents", new_resources(input->documents, input->document_count), "checks",
        new_checks(input->checks, input->check_count), "isolation", statement_isolation_names[input->isolation],
        "acceleration", statement_acceleration_names[input->acceleration], "hostVerified",
        new_texts(input->host_verified, input->host_verified_count, STATEMENT_WORD_MAX), "guestSaid",
        new_texts(input->guest_said, input->guest_said_count, STATEMENT_WORD_MAX), "job",
        input->job != NULL ? input->job : "", "finishedAt", new_time(input->finished_at), "producer",
        "lazaret " LAZARET_VERSION);

    if (extension != NULL && input->ledger != NULL && set_ledger(extension, input->ledger) < 0)
        return NULL;
    if (extension != NULL && input->order != NULL &&
        json_object_set_new(extension, "order", json_string(input->order)) < 0)
        return NULL;
    if (extension != NULL && statement_add_provenance(extension, input->provenance, input->source) < 0)
        return NULL;
    return TAKE_POINTER(extension);
}

static json_t *new_statement(const struct statement_input *input)
{
    static const bool passed[CHECK_STATUS_COUNT] = {[CHECK_PASSED] = true};
    static const bool failed[CHECK_STATUS_COUNT] = {[CHECK_FAILED] = true};
    static const bool others[CHECK_STATUS_COUNT] = {
        [CHECK_WARNED] = true, [CHECK_SKIPPED] = true, [CHECK_ERROR] = true};

    return json_pack("{s:s, s:o, s:s, s:{s:s, s:o, s:o, s:o, s:o, s:o}}", "_type", STATEMENT_TYPE, "subject",
                     new_resources(input->subjects, input->subject_count), "predicateType", STATEMENT_PREDICATE_TYPE,
                     "predicate", "result", outcome_test_result(input->outcome), "configuration",
                     new_resources(input->configuration, input->configuration_count), "passedTests",
                     new_ids(input->checks, input->check_count, passed), "warnedTests",
                     new_ids(input->checks, input->check_count, others), "failedTests",
                     new_ids(input->checks, input->check_count, failed), STATEMENT_EXTENSION, new_extension(input));
}

int statement_encode(const struct statement_input *input, struct buffer *ret_bytes, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_JSON json_t *statement = new_statement(input);
    CLEANUP_JSON json_t *checked = NULL;
    int r;

    if (statement == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the statement, or a text in it is not UTF-8");
    r = json_canonical_encode(statement, &bytes);
    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "the statement has no canonical form of at most %zu bytes",
                         STATEMENT_SIZE_MAX);
    if (statement_check(bytes.data, bytes.size, &checked, err) < 0) {
        (void)error_prefix(err, "the statement to be signed");
        if (err != NULL)
            err->kind = ERROR_INTERNAL, err->code = -EINVAL;
        return -EINVAL;
    }
    r = buffer_append(ret_bytes, bytes.data, bytes.size);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no room for the statement") : 0;
}
