/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing an output directory's files with the statement, and deciding again. */
#include "host/verify/internal.h"

#include "base/file.h"
#include "digest/sha256.h"
#include "host/attest/replay.h"
#include "host/attest/statement.h"
#include "host/json/reader.h"
#include "host/policy/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The files of an output directory, and the statement's list that names them. */
static const struct {
    const char *name;
    bool in_configuration; /* else in documents */
    bool must_be_named;    /* a file of this name that the statement does not name is a mismatch */
} files[] = {
    {STATEMENT_POLICY, true, true},      {STATEMENT_SPEC, true, true},       {STATEMENT_PLAN, true, true},
    {STATEMENT_EVALUATION, false, true}, {STATEMENT_EXECUTION, false, true}, {"domain.xml", true, true},
    {"findings.sarif", false, true},     {"events.jsonl", false, false},     {"console.log", false, false},
    {"samples.npz", false, false},       {"report.html", false, true},       {"junit.xml", false, true},
    {"clusters.npz", false, true},       {"trigger.npz", false, true},
};

static const json_t *get_list(const json_t *statement, bool in_configuration)
{
    return in_configuration ? json_object_get(json_object_get(statement, "predicate"), "configuration")
                            : json_object_get(statement_get_extension(statement), "documents");
}

static int join(const char *directory, const char *name, char ret_path[PATH_MAX], struct error *err)
{
    if (snprintf(ret_path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", directory);
    return 0;
}

/* --- digests --------------------------------------------------------------------------------------- */

static int check_file(const char *directory, size_t index, const json_t *statement, struct verify_report *report,
                      struct error *err)
{
    const char *name = files[index].name;
    CLEANUP_FD int fd = -1;
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    bool named = statement_find_resource(get_list(statement, files[index].in_configuration), name, expected) == 0;
    uint64_t size = 0;
    char path[PATH_MAX];
    int r = join(directory, name, path, err);

    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        if (named)
            verify_add(report, VERIFY_MISSING, name, "the statement names it, but %s is not there", path);
        return 0;
    }
    r = fd < 0 ? -errno : named ? sha256_of_fd(fd, found, &size) : 0;
    if (r < 0)
        return error_set(err, ERROR_NO_INPUT, r, "%s: %s", path, strerror(-r));
    if (!named)
        verify_add(report, files[index].must_be_named ? VERIFY_MISMATCH : VERIFY_NOT_CHECKED, name,
                   "not covered by the signature");
    else if (memcmp(expected, found, SHA256_SIZE) != 0)
        verify_add(report, VERIFY_MISMATCH, name, "not the bytes that were signed for");
    else
        verify_add(report, VERIFY_HOLDS, name, "%llu bytes, as signed", (unsigned long long)size);
    return 0;
}

/* --- the verdict, again ------------------------------------------------------------------------------ */

/* The content of a file, only if the statement names exactly these bytes; else an empty buffer. */
static int read_signed(const char *directory, const char *name, bool in_configuration, const json_t *statement,
                       struct buffer *ret_content)
{
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    char path[PATH_MAX];

    if (join(directory, name, path, NULL) < 0 || file_read_bounded(path, ret_content, NULL) < 0 ||
        statement_find_resource(get_list(statement, in_configuration), name, expected) < 0)
        return -ENOENT;
    sha256_of(ret_content->data, ret_content->size, found);
    return memcmp(expected, found, SHA256_SIZE) == 0 ? 0 : -EBADMSG;
}

static enum statement_isolation isolation_of(const json_t *extension)
{
    const char *text = json_string_value(json_object_get(extension, "isolation"));
    unsigned i = 0;

    while (i + 1 < STATEMENT_ISOLATION_COUNT && strcmp(statement_isolation_names[i], text) != 0)
        i++;
    return (enum statement_isolation)i;
}

static enum statement_acceleration acceleration_of(const json_t *extension)
{
    const char *text = json_string_value(json_object_get(extension, "acceleration"));
    unsigned i = 0;

    while (i + 1 < STATEMENT_ACCELERATION_COUNT && strcmp(statement_acceleration_names[i], text) != 0)
        i++;
    return (enum statement_acceleration)i;
}

/* Whether a digest that the evaluation names is the one the statement names. */
static bool same_digest(const json_t *evaluation, const char *key, const json_t *list, const char *name)
{
    const char *hex = json_string_value(json_object_get(evaluation, key));
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];

    return hex != NULL && sha256_from_hex(hex, found) == 0 && statement_find_resource(list, name, expected) == 0 &&
           memcmp(expected, found, SHA256_SIZE) == 0;
}

/* Whether evaluation and statement agree on a data set or spec: the same digest, or neither has one. */
static bool same_input(const json_t *evaluation, const char *key, const json_t *configuration, const char *name)
{
    const json_t *inputs = json_object_get(evaluation, "inputs");
    uint8_t expected[SHA256_SIZE];

    if (json_is_string(json_object_get(inputs, key)))
        return same_digest(inputs, key, configuration, name);
    return statement_find_resource(configuration, name, expected) < 0;
}

/* The evaluation must be about the model, the policy and the data that the statement is about. */
static void check_references(const json_t *evaluation, const json_t *statement, struct verify_report *report)
{
    const json_t *subjects = json_object_get(statement, "subject"), *configuration = get_list(statement, true);
    bool same_model = false;

    for (size_t i = 0; i < json_array_size(subjects); i++)
        same_model |= same_digest(evaluation, "model", subjects,
                                  json_string_value(json_object_get(json_array_get(subjects, i), "name")));
    if (same_model && same_digest(evaluation, "policy", configuration, STATEMENT_POLICY) &&
        same_input(evaluation, "test", configuration, "test") &&
        same_input(evaluation, "train", configuration, "train") &&
        same_input(evaluation, "triggers", configuration, STATEMENT_TRIGGERS) &&
        same_input(evaluation, "reference", configuration, STATEMENT_REFERENCE) &&
        same_input(evaluation, "spec", configuration, STATEMENT_SPEC))
        verify_add(report, VERIFY_HOLDS, "references",
                   "evaluation and statement are about the same model, policy and data");
    else
        verify_add(report, VERIFY_MISMATCH, "references", "the evaluation is about another model, policy or data set");
}

/* Whether the checks' statuses are those that were signed. */
static bool same_checks(const struct verdict *verdict, const json_t *extension)
{
    const json_t *entries = json_object_get(extension, "checks");

    if (json_array_size(entries) != verdict->check_count)
        return false;
    for (size_t i = 0; i < verdict->check_count; i++) {
        const json_t *entry = json_array_get(entries, i);

        if (strcmp(json_string_value(json_object_get(entry, "id")), verdict->checks[i].id) != 0 ||
            strcmp(json_string_value(json_object_get(entry, "status")),
                   check_status_names[verdict->checks[i].status]) != 0)
            return false;
    }
    return true;
}

static void check_verdict(const char *directory, const json_t *evaluation, const json_t *statement,
                          struct verify_report *report)
{
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(POLICY_SIZE_MAX);
    CLEANUP_VERDICT struct verdict verdict = {0};
    CLEANUP_FREE struct policy *policy = calloc(1, sizeof *policy);
    const json_t *extension = statement_get_extension(statement);
    const char *tier = json_string_value(json_object_get(extension, "tier"));
    struct error cause = {0};

    if (policy == NULL || read_signed(directory, STATEMENT_POLICY, true, statement, &yaml) < 0) {
        verify_add(report, VERIFY_NOT_CHECKED, "verdict", "no policy.yaml as it was signed for");
        return;
    }
    if (policy_parse(yaml.data, yaml.size, STATEMENT_POLICY, policy, &cause) < 0 ||
        verdict_decide(policy, evaluation, isolation_of(extension), acceleration_of(extension), &verdict, &cause) < 0)
        verify_add(report, VERIFY_MISMATCH, "verdict", "can't be worked out again: %s", cause.text);
    else if (strcmp(tier, policy_tier_names[policy->tier]) != 0)
        verify_add(report, VERIFY_MISMATCH, "verdict", "signed for the %s tier, but the policy's is %s", tier,
                   policy_tier_names[policy->tier]);
    else if (verdict.outcome != report->outcome || !same_checks(&verdict, extension))
        verify_add(report, VERIFY_MISMATCH, "verdict", "worked out again it is '%s' (signed: '%s')",
                   outcome_names[verdict.outcome], outcome_names[report->outcome]);
    else
        verify_add(report, VERIFY_HOLDS, "verdict", "worked out again from evaluation.json and policy.yaml: %s",
                   outcome_names[verdict.outcome]);
}

/* The auditor's own policy: its verdict stands beside the signed one, and is no mismatch where it differs. */
static void decide_for_auditor(const struct policy *policy, const char *path, const json_t *evaluation,
                               const json_t *extension, struct verify_report *report)
{
    CLEANUP_VERDICT struct verdict verdict = {0};
    struct error cause = {0};

    if (verdict_decide(policy, evaluation, isolation_of(extension), acceleration_of(extension), &verdict, &cause) < 0) {
        verify_add(report, VERIFY_MISMATCH, "your policy", "%s", cause.text);
        return;
    }
    report->has_auditor_outcome = true;
    report->auditor_outcome = verdict.outcome;
    verify_add(report, VERIFY_HOLDS, "your policy", "%s gives '%s'%s%s", path, outcome_names[verdict.outcome],
               verdict.reason_count > 0 ? ": " : "", verdict.reason_count > 0 ? verdict.reasons[0] : "");
}

static void check_evaluation(const char *directory, const struct policy *auditors, const char *auditors_path,
                             const json_t *statement, struct verify_report *report)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(REPLAY_EVALUATION_MAX);
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error cause = {0};

    if (read_signed(directory, STATEMENT_EVALUATION, false, statement, &text) < 0) {
        verify_add(report, VERIFY_NOT_CHECKED, "verdict", "no evaluation.json as it was signed for");
        return;
    }
    if (json_read(text.data, text.size, REPLAY_EVALUATION_MAX, STATEMENT_EVALUATION, &evaluation, &cause) < 0) {
        verify_add(report, VERIFY_MISMATCH, "verdict", "%s", cause.text);
        return;
    }
    check_references(evaluation, statement, report);
    check_verdict(directory, evaluation, statement, report);
    if (auditors != NULL)
        decide_for_auditor(auditors, auditors_path, evaluation, statement_get_extension(statement), report);
}

/* --- the whole --------------------------------------------------------------------------------------- */

static int check_directory(const char *directory, const struct policy *auditors, const char *auditors_path,
                           const json_t *statement, struct verify_report *report, struct error *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof files / sizeof *files; i++)
        r = check_file(directory, i, statement, report, err);
    if (r < 0)
        return r;
    if (outcome_has_evaluation(report->outcome))
        check_evaluation(directory, auditors, auditors_path, statement, report);
    else
        verify_add(report, VERIFY_NOT_CHECKED, "verdict", "'%s' rests on no evaluation",
                   outcome_names[report->outcome]);
    return 0;
}

int verify_files(const struct verify_request *request, const char *directory, const json_t *statement,
                 struct verify_report *report, struct error *err)
{
    CLEANUP_FREE struct policy *auditors = NULL;
    int r;

    if (request->policy_path != NULL) {
        auditors = calloc(1, sizeof *auditors);
        if (auditors == NULL)
            return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the policy");
        r = policy_load(request->policy_path, auditors, err);
        if (r < 0)
            return r;
    }
    if (directory == NULL)
        verify_add(report, VERIFY_NOT_CHECKED, "files and verdict",
                   "only a bundle was given; give the output directory");
    else {
        r = check_directory(directory, auditors, request->policy_path, statement, report, err);
        if (r < 0)
            return r;
    }
    if (auditors != NULL && !report->has_auditor_outcome)
        verify_add(report, VERIFY_NOT_CHECKED, "your policy", "there is no evaluation to judge");
    return 0;
}
