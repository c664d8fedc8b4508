/* SPDX-License-Identifier: Apache-2.0 */
/* What a finished result says, once it has been verified. */
#include "host/farm/judge.h"

#include "host/attest/statement.h"
#include "host/json/reader.h"
#include "host/verify/verify.h"
#include "wire/message.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define EXECUTION_MAX  ((size_t)4 << 20)
#define FORENSICS_MAX  ((size_t)4 << 20)
#define FORENSICS_NAME "forensics.json"

static int check_report(const struct verify_report *report, const char *path, struct error *err)
{
    for (size_t i = 0; i < report->item_count; i++)
        if (report->items[i].state == VERIFY_MISMATCH || report->items[i].state == VERIFY_MISSING)
            return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: does not verify: %s: %s", path, report->items[i].what,
                             report->items[i].detail);
    if (!report->believed)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: its signature does not hold", path);
    return 0;
}

static int is_of_others(const char *path, const char *what, struct error *err)
{
    return error_set(err, ERROR_MISMATCH, -ESTALE, "%s: is of another %s: the file has changed meanwhile", path, what);
}

/* The statement's own words for what went into it are those that the job was taken up with. */
static int check_inputs(const json_t *statement, const struct content_facts *facts, const char *path, struct error *err)
{
    const json_t *subject = json_array_get(json_object_get(statement, "subject"), 0);
    const char *signed_digest = json_string_value(json_object_get(json_object_get(subject, "digest"), "sha256"));
    const json_t *list = json_object_get(json_object_get(statement, "predicate"), "configuration");
    uint8_t digest[SHA256_SIZE];
    char expected[SHA256_HEX_SIZE];

    sha256_to_hex(facts->model, expected);
    if (signed_digest == NULL || strcmp(signed_digest, expected) != 0)
        return is_of_others(path, "model", err);
    for (unsigned i = 0; i < facts->count; i++)
        if (statement_find_resource(list, facts->inputs[i].name, digest) < 0 ||
            memcmp(digest, facts->inputs[i].digest, SHA256_SIZE) != 0)
            return is_of_others(path, facts->inputs[i].name, err);
    return 0;
}

static void read_reason(const json_t *statement, char ret_reason[QUEUE_REASON_SIZE])
{
    const json_t *extension = json_object_get(json_object_get(statement, "predicate"), STATEMENT_EXTENSION);
    const char *reason = json_string_value(json_array_get(json_object_get(extension, "reasons"), 0));

    (void)snprintf(ret_reason, QUEUE_REASON_SIZE, "%s", reason != NULL ? reason : "");
}

/* A document of the result, whose digest has been compared with the signed one; NULL where it can't be read. */
static json_t *read_document(const char *path, const char *name, size_t size_max)
{
    json_t *document = NULL;
    char file[PATH_MAX];

    if ((size_t)snprintf(file, sizeof file, "%s/%s", path, name) >= sizeof file ||
        json_read_file(file, size_max, &document, NULL) < 0)
        return NULL;
    return document;
}

/* The exit that execution.json tells of. */
static bool machine_failed(const char *path)
{
    CLEANUP_JSON json_t *execution = read_document(path, STATEMENT_EXECUTION, EXECUTION_MAX);
    const char *reason = json_string_value(json_object_get(json_object_get(execution, "exit"), "reason"));

    return reason != NULL && (strcmp(reason, "crashed") == 0 || strcmp(reason, "device-broken") == 0);
}

/* The code of the guest's own failure message, as forensics.json has it. */
static bool out_of_memory(const char *path)
{
    CLEANUP_JSON json_t *forensics = read_document(path, FORENSICS_NAME, FORENSICS_MAX);
    const char *failure = json_string_value(json_object_get(json_object_get(forensics, "worker"), "failure"));

    return failure != NULL && strcmp(failure, message_failure_name(MESSAGE_FAILURE_MEMORY)) == 0;
}

/* An old result, or another job's, answers another order. */
static int check_order(const json_t *statement, const char *order, const char *path, struct error *err)
{
    const char *answered = json_string_value(json_object_get(statement_get_extension(statement), "order"));

    if (order == NULL || (answered != NULL && strcmp(answered, order) == 0))
        return 0;
    return error_set(err, ERROR_MISMATCH, -ESTALE,
                     answered != NULL ? "%s: answers order %s and not this one: an old result, or another job's"
                                      : "%s: answers no order%.0s",
                     path, answered != NULL ? answered : "");
}

static void read_evaluation(const json_t *statement, struct judgement *judgement)
{
    const json_t *documents = json_object_get(statement_get_extension(statement), "documents");

    judgement->has_evaluation = statement_find_resource(documents, STATEMENT_EVALUATION, judgement->evaluation) == 0;
}

int judge_result(const char *path, const char *key_path, const struct content_facts *facts,
                 struct judgement *ret_judgement, struct error *err)
{
    return judge_answer(path, key_path, facts, NULL, ret_judgement, err);
}

int judge_answer(const char *path, const char *key_path, const struct content_facts *facts, const char *order,
                 struct judgement *ret_judgement, struct error *err)
{
    const struct verify_request request = {.path = path, .key_path = key_path, .only_result = true};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    CLEANUP_JSON json_t *statement = NULL;
    struct judgement judgement = {0};
    int r = verify_run(&request, &report, err);

    if (r == 0)
        r = check_report(report, path, err);
    if (r == 0)
        r = json_read(report->statement.data, report->statement.size, STATEMENT_SIZE_MAX, path, &statement, err);
    if (r == 0)
        r = check_order(statement, order, path, err);
    if (r == 0)
        r = check_inputs(statement, facts, path, err);
    if (r < 0)
        return r;
    judgement.outcome = report->outcome;
    read_reason(statement, judgement.reason);
    read_evaluation(statement, &judgement);
    judgement.machine_failed = report->outcome == OUTCOME_COULD_NOT_EVALUATE && machine_failed(path);
    judgement.out_of_memory = report->outcome == OUTCOME_COULD_NOT_EVALUATE && out_of_memory(path);
    *ret_judgement = judgement;
    return 0;
}

enum queue_state judge_state(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_PASSED:
    case OUTCOME_NEEDS_REVIEW:
        return QUEUE_DONE;
    case OUTCOME_REJECTED:
    case OUTCOME_REJECTED_BEFORE_BOOT:
        return QUEUE_REJECTED;
    default:
        return QUEUE_COULD_NOT_EVALUATE;
    }
}
