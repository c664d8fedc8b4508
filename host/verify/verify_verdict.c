/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict worked out again from the facts that were signed: under the signer's policy, and under the auditor's. */
#include "host/verify/internal.h"

#include "base/file.h"
#include "host/approve/origin.h"
#include "host/attest/replay.h"
#include "host/json/reader.h"
#include "host/policy/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REASONS_SIZE 512u /* of the auditor's reasons in one line */

/* --- what was signed ---------------------------------------------------------------------------------------- */

/* The content of a file, only if the statement names exactly these bytes. -ENOENT, -EBADMSG. */
static int read_signed(const struct verify *verify, const char *name, const json_t *list, struct buffer *ret_content)
{
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", verify->directory, name) >= PATH_MAX ||
        file_read_own(path, ret_content, NULL) < 0 || statement_find_resource(list, name, expected) < 0)
        return -ENOENT;
    sha256_of(ret_content->data, ret_content->size, found);
    return memcmp(expected, found, SHA256_SIZE) == 0 ? 0 : -EBADMSG;
}

/* The index of a checked statement's word; the last one where it is none. */
static unsigned index_of(const json_t *extension, const char *key, const char *const *names, unsigned count)
{
    const char *text = json_string_value(json_object_get(extension, key));
    unsigned i = 0;

    while (i + 1 < count && strcmp(names[i], text) != 0)
        i++;
    return i;
}

static int decide(const struct verify *verify, const struct policy *policy, const json_t *evaluation,
                  struct verdict *ret_verdict, struct error *err)
{
    const json_t *extension = statement_get_extension(verify->statement);

    return verdict_decide(policy, evaluation,
                          (enum statement_isolation)index_of(extension, "isolation", statement_isolation_names,
                                                             STATEMENT_ISOLATION_COUNT),
                          (enum statement_acceleration)index_of(extension, "acceleration", statement_acceleration_names,
                                                                STATEMENT_ACCELERATION_COUNT),
                          ret_verdict, err);
}

/* --- references --------------------------------------------------------------------------------------------- */

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

/* What evaluation and statement do not agree on, or NULL. */
static const char *find_difference(const json_t *evaluation, const json_t *subjects, const json_t *configuration)
{
    static const char *const inputs[][2] = {{"test", "test"},
                                            {"train", "train"},
                                            {"triggers", STATEMENT_TRIGGERS},
                                            {"reference", STATEMENT_REFERENCE},
                                            {"spec", STATEMENT_SPEC}};
    bool same_model = false;

    for (size_t i = 0; i < json_array_size(subjects); i++)
        same_model |= same_digest(evaluation, "model", subjects,
                                  json_string_value(json_object_get(json_array_get(subjects, i), "name")));
    if (!same_model)
        return "model";
    if (!same_digest(evaluation, "policy", configuration, STATEMENT_POLICY))
        return "policy";
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (!same_input(evaluation, inputs[i][0], configuration, inputs[i][1]))
            return inputs[i][0];
    return NULL;
}

/* The evaluation must be about the model, the policy and the data that the statement is about. */
static void check_references(struct verify *verify, const json_t *evaluation)
{
    const char *difference =
        find_difference(evaluation, json_object_get(verify->statement, "subject"), verify_configuration(verify));

    if (difference == NULL)
        verify_add(verify, VERIFY_VERDICT, VERIFY_HOLDS, "references",
                   "evaluation and statement are about the same model, policy and data");
    else
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "references",
                   "the evaluation's digest of the %s is not the statement's", difference);
}

/* --- the signer's policy -------------------------------------------------------------------------------------- */

/* The first check whose status is not the one signed, or NULL; *ret_same tells whether they are the same at all. */
static const char *find_other_status(const struct verdict *verdict, const json_t *extension, bool *ret_same)
{
    const json_t *entries = json_object_get(extension, "checks");

    *ret_same = json_array_size(entries) == verdict->check_count;
    for (size_t i = 0; *ret_same && i < verdict->check_count; i++) {
        const json_t *entry = json_array_get(entries, i);

        if (strcmp(json_string_value(json_object_get(entry, "id")), verdict->checks[i].id) == 0 &&
            strcmp(json_string_value(json_object_get(entry, "status")),
                   check_status_names[verdict->checks[i].status]) == 0 &&
            strcmp(json_string_value(json_object_get(entry, "provenance")), verdict->checks[i].provenance) == 0)
            continue;
        *ret_same = false;
        return verdict->checks[i].id;
    }
    return NULL;
}

/* The first check to which the evaluation gives another status than its own figures and policy do, or NULL. */
static const char *find_wrong_status(const struct verdict *verdict, const json_t *evaluation)
{
    const json_t *checks = json_object_get(evaluation, "checks");

    for (size_t i = 0; i < verdict->check_count; i++)
        for (size_t j = 0; j < json_array_size(checks); j++) {
            const json_t *check = json_array_get(checks, j);
            const char *id = json_string_value(json_object_get(check, "id"));
            const char *status = json_string_value(json_object_get(check, "status"));

            if (id != NULL && strcmp(id, verdict->checks[i].id) == 0 &&
                (status == NULL || strcmp(status, check_status_names[verdict->checks[i].status]) != 0))
                return verdict->checks[i].id;
        }
    return NULL;
}

static void compare_verdict(struct verify *verify, const struct policy *policy, const struct verdict *verdict,
                            const json_t *evaluation)
{
    const json_t *extension = statement_get_extension(verify->statement);
    const char *tier = json_string_value(json_object_get(extension, "tier"));
    const char *signed_name = outcome_names[verify->report->outcome], *found_name = outcome_names[verdict->outcome];
    bool same;
    const char *check = find_other_status(verdict, extension, &same);
    const char *wrong = find_wrong_status(verdict, evaluation);

    if (strcmp(tier, policy_tier_names[policy->tier]) != 0)
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "verdict", "signed for the %s tier, but the policy's is %s",
                   tier, policy_tier_names[policy->tier]);
    else if (verdict->outcome != verify->report->outcome)
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "verdict", "worked out again it is '%s' (signed: '%s')",
                   found_name, signed_name);
    else if (!same)
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "verdict",
                   "worked out again, %s is not as it was signed for, although the verdict is '%s'",
                   check != NULL ? check : "the list of checks", found_name);
    else if (wrong != NULL)
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "verdict",
                   "evaluation.json gives %s another status than its figures do", wrong);
    else
        verify_add(verify, VERIFY_VERDICT, VERIFY_HOLDS, "verdict",
                   "worked out again from evaluation.json and policy.yaml: %s", found_name);
}

/* A policy that requires a ledger does not let a job begin without one. */
static void check_announcement(struct verify *verify, const struct policy *policy)
{
    struct statement_ledger announced;

    if (policy->ledger_required && statement_get_ledger(verify->statement, &announced) < 0)
        verify_add(verify, VERIFY_RECORD, VERIFY_MISMATCH, "ledger",
                   "policy.yaml requires a ledger, but the statement names none");
}

static void check_verdict(struct verify *verify, const json_t *evaluation)
{
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(POLICY_SIZE_MAX);
    CLEANUP_VERDICT struct verdict verdict = {0};
    CLEANUP_FREE struct policy *policy = calloc(1, sizeof *policy);
    struct error cause = {0};

    if (policy == NULL || read_signed(verify, STATEMENT_POLICY, verify_configuration(verify), &yaml) < 0)
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "verdict", "no policy.yaml as it was signed for");
    else if (policy_parse(yaml.data, yaml.size, STATEMENT_POLICY, policy, &cause) < 0 ||
             decide(verify, policy, evaluation, &verdict, &cause) < 0)
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "verdict", "can't be worked out again: %s", cause.text);
    else {
        check_announcement(verify, policy);
        compare_verdict(verify, policy, &verdict, evaluation);
        verify_provenance(verify, policy);
    }
}

/* --- the auditor's policy ------------------------------------------------------------------------------------- */

static void join_reasons(const struct verdict *verdict, char ret_text[REASONS_SIZE])
{
    size_t used = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < verdict->reason_count && used < REASONS_SIZE; i++) {
        int count = snprintf(ret_text + used, REASONS_SIZE - used, "%s%s", i > 0 ? "; " : ": ", verdict->reasons[i]);

        used += count > 0 ? (size_t)count : 0;
    }
}

/* Its verdict stands beside the signed one, and is no fault of the evidence where it differs. */
static void decide_for_auditor(struct verify *verify, const json_t *evaluation)
{
    struct verify_report *report = verify->report;
    CLEANUP_VERDICT struct verdict verdict = {0};
    char reasons[REASONS_SIZE], unmet[ORIGIN_UNMET_SIZE];
    struct error cause = {0};

    if (!origin_meets(verify->statement, verify->policy, unmet)) {
        report->has_auditor_outcome = true;
        report->auditor_outcome = OUTCOME_REJECTED_BEFORE_BOOT;
        verify_add(verify, VERIFY_VERDICT, VERIFY_DIFFERS, "policy", "under %s it is '%s': %s",
                   verify->request->policy_path, outcome_names[report->auditor_outcome], unmet);
        return;
    }
    if (decide(verify, verify->policy, evaluation, &verdict, &cause) < 0) {
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "policy", "%s", cause.text);
        return;
    }
    report->has_auditor_outcome = true;
    report->auditor_outcome = verdict.outcome;
    join_reasons(&verdict, reasons);
    verify_add(verify, VERIFY_VERDICT, verdict.outcome == report->outcome ? VERIFY_HOLDS : VERIFY_DIFFERS, "policy",
               "under %s it is '%s'%s", verify->request->policy_path, outcome_names[verdict.outcome], reasons);
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static void check_evaluation(struct verify *verify)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(REPLAY_EVALUATION_MAX);
    CLEANUP_JSON json_t *evaluation = NULL;
    struct error cause = {0};

    if (read_signed(verify, STATEMENT_EVALUATION, verify_documents(verify), &text) < 0) {
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "verdict", "no evaluation.json as it was signed for");
        return;
    }
    if (json_read(text.data, text.size, REPLAY_EVALUATION_MAX, STATEMENT_EVALUATION, &evaluation, &cause) < 0) {
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "verdict", "%s", cause.text);
        return;
    }
    check_references(verify, evaluation);
    verify_figures(verify, evaluation);
    check_verdict(verify, evaluation);
    if (verify->policy != NULL)
        decide_for_auditor(verify, evaluation);
}

int verify_verdict(struct verify *verify, struct error *err)
{
    const struct verify_report *report = verify->report;

    (void)err;
    if (!outcome_has_evaluation(report->outcome))
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "verdict", "'%s' rests on no evaluation",
                   outcome_names[report->outcome]);
    else if (verify->directory == NULL)
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "verdict",
                   "the facts are not in the bundle; give the output directory");
    else
        check_evaluation(verify);
    if (verify->policy != NULL && !report->has_auditor_outcome)
        verify_add(verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "policy", "there is no evaluation to judge by %s",
                   verify->request->policy_path);
    return 0;
}
