/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people: what was signed, then a table a section, then the sum of it. */
#include "host/verify/verify.h"

#include "host/attest/statement.h"
#include "host/json/reader.h"

#include <errno.h>
#include <string.h>

#define STATE_WIDTH  13u /* of the column of states, its sign included */
#define WHAT_MIN     12u
#define WHAT_MAX     20u
#define DETAIL_MIN   24u /* columns for details; where there are fewer, nothing is wrapped */
#define LABEL_COLUMN 14

static const struct {
    const char *sign, *plain, *word;
} labels[VERIFY_STATE_COUNT] = {
    [VERIFY_HOLDS] = {"✓", "+", "holds"},     [VERIFY_MISMATCH] = {"✗", "x", "MISMATCH"},
    [VERIFY_MISSING] = {"✗", "x", "MISSING"}, [VERIFY_NOT_CHECKED] = {"·", "-", "not checked"},
    [VERIFY_DIFFERS] = {"≠", "!", "differs"},
};

static const char *const titles[VERIFY_SECTION_COUNT] = {
    [VERIFY_SIGNATURE] = "Signature", [VERIFY_RECORD] = "Time and record", [VERIFY_INPUTS] = "Inputs and platform",
    [VERIFY_FILES] = "Files",         [VERIFY_VERDICT] = "Verdict",        [VERIFY_REQUIRED] = "Required",
};

/* --- layout ---------------------------------------------------------------------------------------------------- */

/* Columns that a text takes: one a character, whatever its bytes. */
static unsigned columns_of(const char *text, size_t size)
{
    unsigned columns = 0;

    for (size_t i = 0; i < size; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* How much of a text fits into `width` columns, up to a space where there is one. */
static size_t fit(const char *text, unsigned width)
{
    size_t last_space = 0, i = 0;
    unsigned columns = 0;

    for (; text[i] != '\0'; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80 && columns++ == width)
            return last_space > 0 ? last_space : i;
        if (text[i] == ' ')
            last_space = i;
    }
    return i;
}

/* A detail, its further lines under the first. */
static int write_detail(const char *detail, unsigned indent, unsigned width, struct buffer *ret_text)
{
    const char *rest = detail;
    int r = 0;

    if (width < indent + DETAIL_MIN)
        return buffer_append_format(ret_text, "%s\n", detail);
    while (r == 0) {
        size_t size = fit(rest, width - indent);

        r = buffer_append_format(ret_text, "%.*s\n", (int)size, rest);
        rest += size;
        while (*rest == ' ')
            rest++;
        if (r < 0 || *rest == '\0')
            return r;
        r = buffer_append_format(ret_text, "%*s", (int)indent, "");
    }
    return r;
}

/* --- the statement's own words, which are harmless, as its check demands ----------------------------------------- */

static int write_reasons(const json_t *extension, unsigned width, struct buffer *ret_text)
{
    const json_t *reasons = json_object_get(extension, "reasons");
    int r = 0;

    for (size_t i = 0; r == 0 && i < json_array_size(reasons); i++) {
        r = buffer_append_format(ret_text, "%-*s- ", LABEL_COLUMN, "");
        if (r == 0)
            r = write_detail(json_string_value(json_array_get(reasons, i)), LABEL_COLUMN + 2, width, ret_text);
    }
    return r;
}

static int write_subject(const json_t *statement, struct buffer *ret_text)
{
    const json_t *subjects = json_object_get(statement, "subject");
    const char *name = json_string_value(json_object_get(json_array_get(subjects, 0), "name"));
    size_t count = json_array_size(subjects);

    return count == 1
               ? buffer_append_format(ret_text, "%-*s%s\n", LABEL_COLUMN, "Model", name)
               : buffer_append_format(ret_text, "%-*s%s and %zu more files\n", LABEL_COLUMN, "Model", name, count - 1);
}

/* Where the model comes from, as far as the signer knows. */
static int write_origin(const json_t *extension, struct buffer *ret_text)
{
    const json_t *provenance = json_object_get(extension, "provenance");
    const char *identity = json_string_value(json_object_get(provenance, "identity"));
    const char *source = json_string_value(json_object_get(extension, "source"));
    int r = 0;

    if (provenance != NULL)
        r = buffer_append_format(ret_text, "%-*sthe publisher's signature held, by %s%s%s\n", LABEL_COLUMN,
                                 "Provenance", json_string_value(json_object_get(provenance, "method")),
                                 identity != NULL ? ", " : "", identity != NULL ? identity : "");
    if (r == 0 && source != NULL)
        r = buffer_append_format(ret_text, "%-*s%s (as the signer was told)\n", LABEL_COLUMN, "Source", source);
    return r;
}

static int write_signed(const struct verify_report *report, unsigned width, struct buffer *ret_text)
{
    CLEANUP_JSON json_t *statement = NULL;
    const json_t *extension;
    int r = statement_check(report->statement.data, report->statement.size, &statement, NULL);

    if (r < 0)
        return r;
    extension = statement_get_extension(statement);
    r = write_subject(statement, ret_text);
    if (r == 0)
        r = write_origin(extension, ret_text);
    if (r == 0)
        r = buffer_append_format(ret_text, "%-*s%s (the signer's clock)\n%-*s%s, acceleration %s\n", LABEL_COLUMN,
                                 "Finished", json_string_value(json_object_get(extension, "finishedAt")), LABEL_COLUMN,
                                 "Isolation", json_string_value(json_object_get(extension, "isolation")),
                                 json_string_value(json_object_get(extension, "acceleration")));
    if (r == 0)
        r = buffer_append_format(ret_text, "%-*s%s (%s tier)\n", LABEL_COLUMN, "VERDICT",
                                 outcome_names[report->outcome], json_string_value(json_object_get(extension, "tier")));
    if (r == 0)
        r = write_reasons(extension, width, ret_text);
    if (r == 0 && report->has_auditor_outcome)
        r = buffer_append_format(ret_text, "%-*s%s (under your policy)\n", LABEL_COLUMN, "YOURS",
                                 outcome_names[report->auditor_outcome]);
    return r == 0 ? buffer_append_u8(ret_text, '\n') : r;
}

/* --- the table ------------------------------------------------------------------------------------------------- */

static unsigned what_width(const struct verify_report *report)
{
    unsigned width = WHAT_MIN;

    for (size_t i = 0; i < report->item_count; i++) {
        unsigned columns = columns_of(report->items[i].what, strlen(report->items[i].what));

        width = columns > width && columns <= WHAT_MAX ? columns : width;
    }
    return width;
}

static int write_item(const struct verify_item *item, unsigned what, const struct verify_style *style,
                      struct buffer *ret_text)
{
    unsigned used = columns_of(item->what, strlen(item->what));
    int r = buffer_append_format(
        ret_text, "  %s %-*s %s%*s  ", style->symbols ? labels[item->state].sign : labels[item->state].plain,
        (int)STATE_WIDTH - 2, labels[item->state].word, item->what, used < what ? (int)(what - used) : 0, "");

    return r == 0 ? write_detail(item->detail, 2 + STATE_WIDTH + 1 + (used < what ? what : used) + 2, style->width,
                                 ret_text)
                  : r;
}

static int write_section(const struct verify_report *report, enum verify_section section,
                         const struct verify_style *style, struct buffer *ret_text)
{
    unsigned width = what_width(report);
    bool begun = false;
    int r = 0;

    for (size_t i = 0; r == 0 && i < report->item_count; i++) {
        if (report->items[i].section != section)
            continue;
        if (!begun)
            r = buffer_append_format(ret_text, "%s\n", titles[section]);
        begun = true;
        if (r == 0)
            r = write_item(&report->items[i], width, style, ret_text);
    }
    return r;
}

/* --- the sum --------------------------------------------------------------------------------------------------- */

/* The names of the rows in a state, each once. */
static int write_names(const struct verify_report *report, enum verify_state state, struct buffer *ret_text)
{
    bool begun = false;
    int r = 0;

    for (size_t i = 0; r == 0 && i < report->item_count; i++) {
        bool repeated = false;

        for (size_t j = 0; j < i; j++)
            repeated |= report->items[j].state == state && strcmp(report->items[j].what, report->items[i].what) == 0;
        if (report->items[i].state != state || repeated)
            continue;
        r = buffer_append_format(ret_text, "%s%s", begun ? ", " : "", report->items[i].what);
        begun = true;
    }
    return r;
}

static size_t count(const struct verify_report *report, enum verify_state state)
{
    size_t found = 0;

    for (size_t i = 0; i < report->item_count; i++)
        found += report->items[i].state == state;
    return found;
}

static int write_sum(const struct verify_report *report, struct buffer *ret_text)
{
    size_t unchecked = count(report, VERIFY_NOT_CHECKED);
    int status = verify_exit_status(report), r;

    if (status == 0) {
        r = buffer_append_format(ret_text, "\nVerified: all that was checked holds (%zu checks)",
                                 count(report, VERIFY_HOLDS));
        if (r == 0 && unchecked > 0)
            r = buffer_append_format(ret_text, "; %zu could not be checked", unchecked);
        return r == 0 ? buffer_append_format(ret_text, ".\n") : r;
    }
    r = buffer_append_format(ret_text, status == 4 ? "\nVERIFICATION FAILED: does not match: "
                                                   : "\nINCOMPLETE: signed for, but missing: ");
    if (r == 0)
        r = write_names(report, status == 4 ? VERIFY_MISMATCH : VERIFY_MISSING, ret_text);
    return r == 0 ? buffer_append_format(ret_text, ".\n") : r;
}

int verify_report_write_text(const struct verify_report *report, const struct verify_style *style,
                             struct buffer *ret_text)
{
    int r = report->believed ? write_signed(report, style->width, ret_text) : 0;

    for (unsigned section = 0; r == 0 && section < VERIFY_SECTION_COUNT; section++)
        r = write_section(report, (enum verify_section)section, style, ret_text);
    return r == 0 ? write_sum(report, ret_text) : r;
}
