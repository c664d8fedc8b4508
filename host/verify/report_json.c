/* SPDX-License-Identifier: Apache-2.0 */
/* The report for programs. docs/evidence.md has its fields. */
#include "host/verify/verify.h"

#include "base/time_text.h"
#include "host/attest/statement.h"
#include "host/json/canonical.h"
#include "host/json/digest.h"
#include "host/json/reader.h"

#include <errno.h>

static json_t *new_items(const struct verify_report *report)
{
    json_t *items = json_array();

    for (size_t i = 0; items != NULL && i < report->item_count; i++) {
        const struct verify_item *item = &report->items[i];

        if (json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s}", "section",
                                                   verify_section_names[item->section], "what", item->what, "state",
                                                   verify_state_names[item->state], "detail", item->detail)) < 0) {
            json_decref(items);
            return NULL;
        }
    }
    return items;
}

/* What is known once the statement is believed. */
static int add_signed(const struct verify_report *report, json_t *value)
{
    CLEANUP_JSON json_t *statement = NULL;
    char time[TIME_TEXT_SIZE];
    int r = statement_check(report->statement.data, report->statement.size, &statement, NULL);

    if (r < 0)
        return r;
    time_text_format(report->time, time);
    if (json_object_set(value, "statement", statement) < 0 ||
        json_object_set_new(value, "key",
                            json_pack("{s:o, s:s?}", "fingerprint", json_new_digest(report->fingerprint), "name",
                                      report->signer[0] != '\0' ? report->signer : NULL)) < 0 ||
        json_object_set_new(
            value, "time",
            json_pack("{s:s, s:s}", "source", verify_time_source_names[report->time_source], "value", time)) < 0)
        return -ENOMEM;
    return 0;
}

int verify_report_write_json(const struct verify_report *report, struct buffer *ret_text)
{
    int status = verify_exit_status(report);
    CLEANUP_JSON json_t *value =
        json_pack("{s:b, s:i, s:o, s:s?, s:s?}", "verified", status == 0, "exitStatus", status, "items",
                  new_items(report), "verdict", report->believed ? outcome_names[report->outcome] : NULL,
                  "auditorVerdict", report->has_auditor_outcome ? outcome_names[report->auditor_outcome] : NULL);
    int r;

    if (value == NULL)
        return -ENOMEM;
    r = report->believed ? add_signed(report, value) : 0;
    if (r == 0)
        r = json_canonical_encode(value, ret_text);
    return r == 0 ? buffer_append_u8(ret_text, '\n') : r;
}
