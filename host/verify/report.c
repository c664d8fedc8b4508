/* SPDX-License-Identifier: Apache-2.0 */
/* The report, for people and for programs. */
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/verify/verify.h"

#include "host/attest/statement.h"

#include <errno.h>

static const char *const labels[VERIFY_STATE_COUNT] = {"ok", "MISMATCH", "MISSING", "not checked"};

static int write_reasons(const json_t *extension, struct buffer *ret_text)
{
    const json_t *reasons = json_object_get(extension, "reasons");
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(reasons); i++)
        r = buffer_append_format(ret_text, "             - %s\n", json_string_value(json_array_get(reasons, i)));
    return r;
}

/* The statement's own words; its texts are harmless, as its check demands. */
static int write_signed(const struct verify_report *report, struct buffer *ret_text)
{
    CLEANUP_JSON json_t *statement = NULL;
    const json_t *extension, *subject;
    int r = statement_check(report->statement.data, report->statement.size, &statement, NULL);

    if (r < 0)
        return r;
    extension = statement_get_extension(statement);
    subject = json_array_get(json_object_get(statement, "subject"), 0);
    r = buffer_append_format(ret_text,
                             "Signed result of %s, finished %s (the signer's clock), isolation %s, acceleration %s\n",
                             json_string_value(json_object_get(subject, "name")),
                             json_string_value(json_object_get(extension, "finishedAt")),
                             json_string_value(json_object_get(extension, "isolation")),
                             json_string_value(json_object_get(extension, "acceleration")));
    if (r == 0)
        r = buffer_append_format(ret_text, "VERDICT      %s (%s tier)\n", outcome_names[report->outcome],
                                 json_string_value(json_object_get(extension, "tier")));
    return r == 0 ? write_reasons(extension, ret_text) : r;
}

int verify_report_write_text(const struct verify_report *report, struct buffer *ret_text)
{
    int status = verify_exit_status(report);
    int r = report->believed ? write_signed(report, ret_text) : 0;

    for (size_t i = 0; r == 0 && i < report->item_count; i++)
        r = buffer_append_format(ret_text, "%-12s %-18s %s\n", labels[report->items[i].state], report->items[i].what,
                                 report->items[i].detail);
    if (r < 0)
        return r;
    return buffer_append_format(ret_text, "%s\n",
                                status == 0   ? "Verified: all that was checked holds."
                                : status == 4 ? "VERIFICATION FAILED: see MISMATCH above."
                                              : "INCOMPLETE: a file that was signed for is missing.");
}

static json_t *new_items(const struct verify_report *report)
{
    json_t *items = json_array();

    for (size_t i = 0; items != NULL && i < report->item_count; i++)
        if (json_array_append_new(items, json_pack("{s:s, s:s, s:s}", "what", report->items[i].what, "state",
                                                   verify_state_names[report->items[i].state], "detail",
                                                   report->items[i].detail)) < 0) {
            json_decref(items);
            return NULL;
        }
    return items;
}

int verify_report_write_json(const struct verify_report *report, struct buffer *ret_text)
{
    CLEANUP_JSON json_t *value =
        json_pack("{s:b, s:o, s:s?, s:s?}", "verified", verify_exit_status(report) == 0, "items", new_items(report),
                  "verdict", report->believed ? outcome_names[report->outcome] : NULL, "auditorVerdict",
                  report->has_auditor_outcome ? outcome_names[report->auditor_outcome] : NULL);
    CLEANUP_JSON json_t *statement = NULL;
    int r;

    if (value == NULL)
        return -ENOMEM;
    if (report->believed) {
        r = statement_check(report->statement.data, report->statement.size, &statement, NULL);
        if (r < 0)
            return r;
        if (json_object_set(value, "statement", statement) < 0)
            return -ENOMEM;
    }
    r = json_canonical_encode(value, ret_text);
    return r == 0 ? buffer_append_u8(ret_text, '\n') : r;
}
