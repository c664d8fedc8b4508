/* SPDX-License-Identifier: Apache-2.0 */
/* A result under a policy. */
#include "host/approve/result.h"

#include "host/approve/folder.h"
#include "host/approve/origin.h"
#include "host/attest/bundle.h"
#include "host/attest/replay.h"
#include "host/attest/text.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The bundle must hold the statement that was verified: the file may have been exchanged since. */
static int read_bundle(const char *directory, const struct buffer *statement, struct document_target *target,
                       struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    int r = folder_read(directory, DOCUMENT_RESULT, &text, err);

    if (r == 0)
        r = bundle_decode(text.data, text.size, DOCUMENT_RESULT, &bundle, err);
    if (r < 0)
        return r;
    if (bundle.payload.size != statement->size || memcmp(bundle.payload.data, statement->data, statement->size) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: " DOCUMENT_RESULT " has changed while it was looked at",
                         directory);
    sha256_of(text.data, text.size, target->bundle_sha256);
    sha256_of(statement->data, statement->size, target->statement_sha256);
    return 0;
}

/* A policy that demands another origin of the model would not have let it boot: no check of it counts for anything. */
static int forbid(const char *unmet, struct verdict *verdict, struct error *err)
{
    CLEANUP_BUFFER struct buffer reason = buffer_with_limit(STATEMENT_REASON_MAX + 1);
    char text[ORIGIN_UNMET_SIZE + 32];

    (void)snprintf(text, sizeof text, "the policy is not met: %s", unmet);
    if (text_escape(text, STATEMENT_REASON_MAX, &reason) < 0 || buffer_append_u8(&reason, 0) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the verdict");
    verdict_free(verdict);
    verdict->outcome = OUTCOME_REJECTED_BEFORE_BOOT;
    verdict->bases[0] =
        (struct verdict_basis){.cause = VERDICT_CAUSE_CONDITIONS, .outcome = OUTCOME_REJECTED_BEFORE_BOOT};
    verdict->reasons[0] = (char *)TAKE_POINTER(reason.data);
    verdict->reason_count = 1;
    return 0;
}

static int decide(const char *directory, const struct policy *policy, struct approve_result *result, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(REPLAY_EVALUATION_MAX);
    CLEANUP_JSON json_t *evaluation = NULL;
    const json_t *extension = statement_get_extension(result->statement);
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    char unmet[ORIGIN_UNMET_SIZE];
    unsigned isolation = 0, acceleration = 0;
    int r = folder_read(directory, STATEMENT_EVALUATION, &text, err);

    if (r < 0)
        return r;
    sha256_of(text.data, text.size, found);
    if (statement_find_resource(json_object_get(extension, "documents"), STATEMENT_EVALUATION, expected) < 0 ||
        memcmp(expected, found, SHA256_SIZE) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: " STATEMENT_EVALUATION " is not the one signed for",
                         directory);
    r = json_read(text.data, text.size, REPLAY_EVALUATION_MAX, STATEMENT_EVALUATION, &evaluation, err);
    if (r == 0)
        r = field_choice(extension, "extension", "isolation", statement_isolation_names, &isolation, err);
    if (r == 0)
        r = field_choice(extension, "extension", "acceleration", statement_acceleration_names, &acceleration, err);
    if (r == 0)
        r = verdict_decide(policy, evaluation, (enum statement_isolation)isolation,
                           (enum statement_acceleration)acceleration, &result->verdict, err);
    if (r == 0 && !origin_meets(result->statement, policy, unmet))
        r = forbid(unmet, &result->verdict, err);
    result->has_verdict = r == 0;
    return r;
}

int approve_result_read(const char *directory, const struct buffer *statement, const struct policy *policy,
                        struct approve_result *ret_result, struct error *err)
{
    CLEANUP_APPROVE_RESULT struct approve_result result = {0};
    uint8_t own[SHA256_SIZE];
    unsigned outcome = 0;
    int r = statement_check(statement->data, statement->size, &result.statement, err);

    if (r < 0)
        return r;
    result.target.statement = result.statement;
    result.target.tier = policy->tier;
    memcpy(result.target.policy_sha256, policy->sha256, SHA256_SIZE);
    result.own_policy =
        statement_find_resource(json_object_get(json_object_get(result.statement, "predicate"), "configuration"),
                                STATEMENT_POLICY, own) == 0 &&
        memcmp(own, policy->sha256, SHA256_SIZE) == 0;
    r = field_choice(statement_get_extension(result.statement), "extension", "verdict", outcome_names, &outcome, err);
    result.outcome = (enum outcome)outcome;
    if (r == 0)
        r = read_bundle(directory, statement, &result.target, err);
    if (r == 0 && outcome_has_evaluation(result.outcome))
        r = decide(directory, policy, &result, err);
    if (r < 0)
        return r;
    *ret_result = result;
    result.statement = NULL; /* handed on, with the verdict's texts */
    result.verdict.reason_count = 0;
    return 0;
}

void approve_result_free(struct approve_result *result)
{
    json_decref(result->statement);
    result->statement = NULL;
    verdict_free(&result->verdict);
}
