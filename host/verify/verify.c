/* SPDX-License-Identifier: Apache-2.0 */
/* A verification from its beginning to its end. */
#include "host/verify/verify.h"

#include "base/file.h"
#include "host/attest/text.h"
#include "host/json/reader.h"
#include "host/verify/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const verify_state_names[VERIFY_STATE_COUNT + 1] = {"holds",       "mismatch", "missing",
                                                                "not-checked", "differs",  NULL};
const char *const verify_section_names[VERIFY_SECTION_COUNT + 1] = {"signature", "record",   "inputs", "files",
                                                                    "verdict",   "required", NULL};
const char *const verify_time_source_names[VERIFY_TIME_SOURCE_COUNT + 1] = {"unknown", "claimed", "given", "proven",
                                                                            NULL};

/* --- the report's lines ---------------------------------------------------------------------------------- */

static void set_text(const char *text, char *ret_text, size_t size)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(size);

    if (text_escape(text, size - 1, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        memcpy(ret_text, shown.data, shown.size);
}

void verify_add(struct verify *verify, enum verify_section section, enum verify_state state, const char *what,
                const char *format, ...)
{
    struct verify_report *report = verify->report;
    /* The last place is kept for a mismatch that finds no room: it must never be lost. */
    size_t index = report->item_count < VERIFY_ITEMS_MAX ? report->item_count++ : VERIFY_ITEMS_MAX - 1;
    struct verify_item *item = &report->items[index];
    char detail[VERIFY_DETAIL_SIZE];
    va_list arguments;

    if (item->state == VERIFY_MISMATCH)
        return;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    item->section = section;
    item->state = state;
    set_text(what, item->what, sizeof item->what);
    set_text(detail, item->detail, sizeof item->detail);
}

void verify_refuse_item(struct verify_item *item, const char *prefix)
{
    char detail[VERIFY_DETAIL_SIZE];

    (void)snprintf(detail, sizeof detail, "%s%.*s", prefix, (int)(sizeof detail - strlen(prefix) - 1), item->detail);
    item->state = VERIFY_MISMATCH;
    set_text(detail, item->detail, sizeof item->detail);
}

const json_t *verify_configuration(const struct verify *verify)
{
    return json_object_get(json_object_get(verify->statement, "predicate"), "configuration");
}

const json_t *verify_documents(const struct verify *verify)
{
    return json_object_get(statement_get_extension(verify->statement), "documents");
}

/* --- the bundle ------------------------------------------------------------------------------------------ */

/* Where the bundle is, and the directory around it where one was given. */
static int find_bundle(struct verify *verify, struct error *err)
{
    const char *path = verify->request->path;
    struct stat status;
    bool is_directory;

    if (stat(path, &status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    is_directory = S_ISDIR(status.st_mode);
    if (snprintf(verify->bundle_path, PATH_MAX, is_directory ? "%s/" VERIFY_BUNDLE_NAME : "%s", path) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", path);
    verify->directory = is_directory ? path : NULL;
    return 0;
}

/* A malformed bundle may be a changed one: a mismatch, and nothing in it is looked at. */
static int read_bundle(struct verify *verify, bool *ret_usable, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct error cause = {0};
    /* A bundle by its name is wherever that leads; one of a directory is in it. */
    int r = verify->directory != NULL ? file_read_own(verify->bundle_path, &text, &cause)
                                      : file_read_bounded(verify->bundle_path, &text, &cause);

    if (r == 0)
        r = bundle_decode(text.data, text.size, verify->bundle_path, &verify->bundle, &cause);
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    *ret_usable = r == 0;
    if (r == 0)
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_HOLDS, "bundle", "%s, one signature", BUNDLE_MEDIA_TYPE);
    else
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_MISMATCH, "bundle", "%s", cause.text);
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static enum outcome signed_outcome(const struct verify *verify)
{
    const char *verdict = json_string_value(json_object_get(statement_get_extension(verify->statement), "verdict"));
    unsigned i = 0;

    while (i + 1 < OUTCOME_COUNT && strcmp(verdict, outcome_names[i]) != 0)
        i++;
    return (enum outcome)i;
}

/* What a statement says that has earned belief. */
static int use_statement(struct verify *verify, struct error *err)
{
    struct verify_report *report = verify->report;
    int r;

    report->outcome = signed_outcome(verify);
    report->believed = true;
    if (buffer_append(&report->statement, verify->bundle.payload.data, verify->bundle.payload.size) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the statement");
    r = verify_time(verify, err);
    if (r == 0)
        r = verify_ledger(verify, err);
    if (r < 0)
        return r;
    verify_key_standing(verify);
    r = verify_inputs(verify, err);
    if (r == 0)
        r = verify_files(verify, err);
    if (r == 0)
        r = verify_verdict(verify, err);
    return r == 0 ? verify_approval(verify, err) : r;
}

static int run(struct verify *verify, struct error *err)
{
    bool usable = false;
    int r = verify_required_check(verify->request->required, err);

    if (r == 0)
        r = verify_key_load(verify, err);
    if (r == 0)
        r = find_bundle(verify, err);
    if (r == 0)
        r = read_bundle(verify, &usable, err);
    if (r == 0 && usable)
        r = verify_signature(verify, err);
    if (r < 0)
        return r;
    if (verify->statement != NULL)
        r = use_statement(verify, err);
    else
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_NOT_CHECKED, "everything else",
                   "nothing that this result says can be believed");
    if (r == 0)
        verify_required(verify);
    return r;
}

static void free_verify(struct verify *verify)
{
    bundle_free(&verify->bundle);
    crypto_public_key_free(verify->key);
    json_decref(verify->statement);
    free(verify->ring);
    free(verify->policy);
}

int verify_run(const struct verify_request *request, struct verify_report **ret_report, struct error *err)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = calloc(1, sizeof *report);
    CLEANUP(free_verify) struct verify verify = {.request = request, .report = report};
    int r;

    if (report == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the report");
    report->statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    r = run(&verify, err);
    if (r == 0)
        *ret_report = TAKE_POINTER(report);
    return r;
}

int verify_exit_status(const struct verify_report *report)
{
    bool missing = false;

    for (size_t i = 0; i < report->item_count; i++) {
        if (report->items[i].state == VERIFY_MISMATCH)
            return error_exit_status(ERROR_MISMATCH);
        missing |= report->items[i].state == VERIFY_MISSING;
    }
    return missing ? error_exit_status(ERROR_NO_INPUT) : 0;
}

void verify_report_free(struct verify_report *report)
{
    if (report != NULL)
        buffer_free(&report->statement);
    free(report);
}
