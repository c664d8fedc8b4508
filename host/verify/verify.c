/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying a bundle: form, signature, statement, model. */
#include "host/verify/verify.h"

#include "base/file.h"
#include "digest/sha256.h"
#include "host/attest/bundle.h"
#include "host/attest/statement.h"
#include "host/attest/text.h"
#include "host/json/reader.h"
#include "host/verify/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const verify_state_names[VERIFY_STATE_COUNT + 1] = {"holds", "mismatch", "missing", "not-checked", NULL};

static void set_text(const char *text, char *ret_text, size_t size)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(size);

    if (text_escape(text, size - 1, &shown) == 0 && buffer_append_u8(&shown, 0) == 0)
        memcpy(ret_text, shown.data, shown.size);
}

void verify_add(struct verify_report *report, enum verify_state state, const char *what, const char *format, ...)
{
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
    item->state = state;
    set_text(what, item->what, sizeof item->what);
    set_text(detail, item->detail, sizeof item->detail);
}

/* Where the bundle is, and the directory around it where one was given. */
static int find_bundle(const char *path, char ret_bundle_path[PATH_MAX], const char **ret_directory, struct error *err)
{
    struct stat status;
    bool is_directory;

    if (stat(path, &status) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    is_directory = S_ISDIR(status.st_mode);
    if (snprintf(ret_bundle_path, PATH_MAX, is_directory ? "%s/" VERIFY_BUNDLE_NAME : "%s", path) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", path);
    *ret_directory = is_directory ? path : NULL;
    return 0;
}

/* A malformed bundle may be a changed one: a mismatch, and nothing in it is looked at. */
static int read_bundle(const char *path, struct bundle *ret_bundle, bool *ret_usable, struct verify_report *report,
                       struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct error cause = {0};
    int r = file_read_bounded(path, &text, &cause);

    if (r == 0)
        r = bundle_decode(text.data, text.size, path, ret_bundle, &cause);
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    *ret_usable = r == 0;
    if (r == 0)
        verify_add(report, VERIFY_HOLDS, "bundle", "%s, one signature", BUNDLE_MEDIA_TYPE);
    else
        verify_add(report, VERIFY_MISMATCH, "bundle", "%s", cause.text);
    return 0;
}

/* Whether the key signed, and signed a statement of our form. */
static int check_statement(const struct bundle *bundle, const struct crypto_public_key *key, json_t **ret_statement,
                           struct verify_report *report, struct error *err)
{
    char hex[SHA256_HEX_SIZE];
    struct error cause = {0};
    int r = bundle_verify(bundle, key, &cause);

    if (r < 0 && cause.kind != ERROR_MISMATCH)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r < 0) {
        verify_add(report, VERIFY_MISMATCH, "signature", "%s", cause.text);
        return 0;
    }
    sha256_to_hex(bundle->fingerprint, hex);
    verify_add(report, VERIFY_HOLDS, "signature", "ECDSA P-256 with SHA-256 by key %s", hex);
    r = statement_check(bundle->payload.data, bundle->payload.size, ret_statement, &cause);
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r < 0)
        verify_add(report, VERIFY_MISMATCH, "statement", "%s", cause.text);
    else
        verify_add(report, VERIFY_HOLDS, "statement", "in-toto Statement v1, test-result v0.1, free of contradictions");
    return 0;
}

static int hash_model(const char *path, uint8_t ret_sha256[SHA256_SIZE], struct error *err)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint64_t size;
    int r;

    if (fd < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", path, strerror(errno));
    r = sha256_of_fd(fd, ret_sha256, &size);
    return r < 0 ? error_set(err, ERROR_NO_INPUT, r, "%s: %s", path, strerror(-r)) : 0;
}

static int check_model(const char *path, const json_t *statement, struct verify_report *report, struct error *err)
{
    const json_t *subjects = json_object_get(statement, "subject");
    uint8_t sha256[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    int r;

    if (path == NULL) {
        verify_add(report, VERIFY_NOT_CHECKED, "model", "give the model's file with --model");
        return 0;
    }
    r = hash_model(path, sha256, err);
    if (r < 0)
        return r;
    sha256_to_hex(sha256, hex);
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        const json_t *subject = json_array_get(subjects, i);
        const json_t *digest = json_object_get(subject, "digest");

        if (strcmp(json_string_value(json_object_get(digest, "sha256")), hex) == 0) {
            verify_add(report, VERIFY_HOLDS, "model", "%s is the signed '%s', SHA-256 %s", path,
                       json_string_value(json_object_get(subject, "name")), hex);
            return 0;
        }
    }
    verify_add(report, VERIFY_MISMATCH, "model", "%s, SHA-256 %s, is no file that the statement is about", path, hex);
    return 0;
}

/* What a statement says that has earned belief. */
static int use_statement(const struct verify_request *request, const char *directory, const struct bundle *bundle,
                         const json_t *statement, struct verify_report *report, struct error *err)
{
    const char *verdict = json_string_value(json_object_get(statement_get_extension(statement), "verdict"));
    int r = check_model(request->model_path, statement, report, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < OUTCOME_COUNT; i++)
        if (strcmp(verdict, outcome_names[i]) == 0)
            report->outcome = (enum outcome)i;
    report->believed = true;
    if (buffer_append(&report->statement, bundle->payload.data, bundle->payload.size) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the statement");
    return verify_files(request, directory, statement, report, err);
}

static int verify_with(const struct verify_request *request, const struct crypto_public_key *key,
                       struct verify_report *report, struct error *err)
{
    CLEANUP_BUNDLE struct bundle bundle = {0};
    CLEANUP_JSON json_t *statement = NULL;
    const char *directory = NULL;
    char path[PATH_MAX];
    bool usable = false;
    int r = find_bundle(request->path, path, &directory, err);

    if (r == 0)
        r = read_bundle(path, &bundle, &usable, report, err);
    if (r == 0 && usable)
        r = check_statement(&bundle, key, &statement, report, err);
    if (r == 0 && statement != NULL)
        return use_statement(request, directory, &bundle, statement, report, err);
    if (r == 0)
        verify_add(report, VERIFY_NOT_CHECKED, "everything else", "nothing that this result says can be believed");
    return r;
}

int verify_run(const struct verify_request *request, struct verify_report **ret_report, struct error *err)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = calloc(1, sizeof *report);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    int r;

    if (report == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the report");
    report->statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    r = crypto_public_key_load(request->key_path, &key, err);
    if (r == 0)
        r = verify_with(request, key, report, err);
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
