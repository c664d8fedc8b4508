/* SPDX-License-Identifier: Apache-2.0 */
/* What a report is written from. */
#include "host/cli/report_sources.h"

#include "base/file.h"
#include "digest/sha256.h"
#include "host/attest/bundle.h"
#include "host/attest/replay.h"
#include "host/cli/report_arrays.h"
#include "host/json/reader.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DOCUMENT_MAX ((size_t)8 << 20)
#define CONSOLE_MAX  ((size_t)16 << 20)

void report_sources_free(struct report_sources *sources)
{
    json_decref(sources->statement);
    json_decref(sources->evaluation);
    json_decref(sources->execution);
    json_decref(sources->plan);
    json_decref(sources->forensics);
    free(sources->policy);
    buffer_free(&sources->console);
    report_arrays_free(sources);
}

/* --- the statement ------------------------------------------------------------------------------------------------ */

static int join(const char *directory, const char *name, char ret_path[PATH_MAX], struct error *err)
{
    if (snprintf(ret_path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", directory);
    return 0;
}

static int read_statement(const char *directory, struct report_sources *sources, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    char path[PATH_MAX];
    int r = join(directory, VERIFY_BUNDLE_NAME, path, err);

    if (r == 0)
        r = file_read_own(path, &text, err);
    if (r == 0)
        r = bundle_decode(text.data, text.size, path, &bundle, err);
    if (r == 0)
        r = statement_check(bundle.payload.data, bundle.payload.size, &sources->statement, err);
    if (r == 0)
        sha256_to_hex(bundle.fingerprint, sources->fingerprint);
    return r;
}

static bool is_named(const struct report_sources *sources, const char *name, uint8_t ret_sha256[SHA256_SIZE])
{
    const json_t *predicate = json_object_get(sources->statement, "predicate");
    const json_t *extension = statement_get_extension(sources->statement);

    return statement_find_resource(json_object_get(extension, "documents"), name, ret_sha256) == 0 ||
           statement_find_resource(json_object_get(predicate, "configuration"), name, ret_sha256) == 0;
}

/* --- files ----------------------------------------------------------------------------------------------------------
 */

/* The bytes that the statement names; empty where it names none or the file is not there. */
static int read_signed(const char *directory, const struct report_sources *sources, const char *name,
                       struct buffer *ret_content, struct error *err)
{
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    struct error cause = {0};
    char path[PATH_MAX];
    int r = join(directory, name, path, err);

    if (r < 0 || !is_named(sources, name, expected))
        return r;
    r = file_read_own(path, ret_content, &cause);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_set(err, cause.kind, r, "%s", cause.text);
    sha256_of(ret_content->data, ret_content->size, found);
    if (memcmp(expected, found, SHA256_SIZE) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: not the bytes that the statement names", path);
    return 0;
}

static int read_json(const char *directory, const struct report_sources *sources, const char *name, size_t limit,
                     json_t **ret_document, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(limit);
    int r = read_signed(directory, sources, name, &text, err);

    return r < 0 || text.size == 0 ? r : json_read(text.data, text.size, limit, name, ret_document, err);
}

static int read_policy(const char *directory, struct report_sources *sources, struct error *err)
{
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(POLICY_SIZE_MAX);
    int r = read_signed(directory, sources, STATEMENT_POLICY, &yaml, err);

    if (r < 0 || yaml.size == 0)
        return r;
    sources->policy = calloc(1, sizeof *sources->policy);
    if (sources->policy == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the policy");
    return policy_parse(yaml.data, yaml.size, STATEMENT_POLICY, sources->policy, err);
}

static int read_documents(const char *directory, struct report_sources *sources, struct error *err)
{
    int r = read_json(directory, sources, STATEMENT_EVALUATION, REPLAY_EVALUATION_MAX, &sources->evaluation, err);

    if (r == 0)
        r = read_json(directory, sources, STATEMENT_EXECUTION, DOCUMENT_MAX, &sources->execution, err);
    if (r == 0)
        r = read_json(directory, sources, STATEMENT_PLAN, DOCUMENT_MAX, &sources->plan, err);
    if (r == 0)
        r = read_json(directory, sources, "forensics.json", DOCUMENT_MAX, &sources->forensics, err);
    if (r == 0)
        r = read_policy(directory, sources, err);
    return r < 0 ? r : read_signed(directory, sources, "console.log", &sources->console, err);
}

static int read_arrays(const char *directory, struct report_sources *sources, struct error *err)
{
    CLEANUP_BUFFER struct buffer clusters = buffer_with_limit(REPORT_ARRAYS_MAX),
                                 trigger = buffer_with_limit(REPORT_ARRAYS_MAX);
    int r = read_signed(directory, sources, "clusters.npz", &clusters, err);

    if (r == 0)
        r = read_signed(directory, sources, "trigger.npz", &trigger, err);
    if (r == 0 && clusters.size > 0)
        r = report_arrays_read_clusters(&clusters, sources, err);
    if (r == 0 && trigger.size > 0)
        r = report_arrays_read_trigger(&trigger, sources, err);
    return r;
}

int report_sources_read(const char *directory, bool verified, struct report_sources *ret_sources, struct error *err)
{
    CLEANUP_REPORT_SOURCES struct report_sources sources = {.console = buffer_with_limit(CONSOLE_MAX)};
    int r = read_statement(directory, &sources, err);

    if (r == 0)
        r = read_documents(directory, &sources, err);
    if (r == 0 && verified)
        r = read_arrays(directory, &sources, err);
    if (r < 0)
        return r;
    *ret_sources = sources;
    sources = (struct report_sources){0}; /* transferred */
    return 0;
}
