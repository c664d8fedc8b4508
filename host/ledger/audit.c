/* SPDX-License-Identifier: Apache-2.0 */
/* Intents and the results that answer them. */
#include "host/ledger/audit.h"

#include "host/attest/bundle.h"
#include "host/attest/text.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/ledger/edge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- results at hand ------------------------------------------------------------------------------------- */

static int hash_envelope(const struct bundle *bundle, struct audit_result *result, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_JSON json_t *envelope = bundle_new_envelope(bundle);

    if (envelope == NULL || json_canonical_encode(envelope, &text) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an envelope");
    sha256_of(text.data, text.size, result->envelope);
    sha256_of(bundle->payload.data, bundle->payload.size, result->payload);
    return 0;
}

static enum outcome read_outcome(const json_t *extension)
{
    const char *verdict = json_string_value(json_object_get(extension, "verdict"));
    unsigned i = 0;

    while (i + 1 < OUTCOME_COUNT && strcmp(verdict, outcome_names[i]) != 0)
        i++;
    return (enum outcome)i;
}

/* Of a checked statement: every member is there. */
static void take_statement(const json_t *statement, struct audit_result *result)
{
    const json_t *predicate = json_object_get(statement, "predicate"), *extension = statement_get_extension(statement);
    const json_t *subjects = json_object_get(statement, "subject");
    const char *name = json_string_value(json_object_get(json_array_get(subjects, 0), "name"));
    struct statement_ledger ledger;

    result->outcome = read_outcome(extension);
    (void)snprintf(result->model_name, sizeof result->model_name, "%s", name);
    (void)snprintf(result->job, sizeof result->job, "%s", json_string_value(json_object_get(extension, "job")));
    (void)(statement_find_resource(subjects, name, result->model) == 0);
    (void)(statement_find_resource(json_object_get(predicate, "configuration"), STATEMENT_POLICY, result->policy) == 0);
    result->announced = statement_get_ledger(statement, &ledger) == 0;
    if (!result->announced)
        return;
    (void)snprintf(result->origin, sizeof result->origin, "%s", ledger.origin);
    result->intent = ledger.intent;
    memcpy(result->root, ledger.root, SHA256_SIZE);
}

static int read_result(struct audit_result *result, const void *text, size_t size, struct error *err)
{
    CLEANUP_BUNDLE struct bundle bundle = {0};
    CLEANUP_JSON json_t *statement = NULL;
    int r = bundle_decode(text, size, result->path, &bundle, err);

    if (r < 0)
        return r;
    r = statement_check(bundle.payload.data, bundle.payload.size, &statement, err);
    if (r < 0) {
        (void)error_prefix(err, "%s", result->path);
        return r;
    }
    take_statement(statement, result);
    return hash_envelope(&bundle, result, err);
}

int audit_add(struct audit *audit, const char *path, const void *bundle, size_t size, struct error *err)
{
    int r;

    if (audit->results == NULL)
        audit->results = calloc(AUDIT_RESULTS_MAX, sizeof *audit->results);
    if (audit->results == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an audit");
    if (audit->result_count == AUDIT_RESULTS_MAX)
        return error_set(err, ERROR_USAGE, -E2BIG, "at most %u results at once", AUDIT_RESULTS_MAX);
    audit->results[audit->result_count].path = path;
    r = read_result(&audit->results[audit->result_count], bundle, size, err);
    if (r == 0)
        audit->result_count++;
    return r;
}

/* --- leaves ---------------------------------------------------------------------------------------------- */

static void find_problem(struct audit_result *result, const char *problem)
{
    if (result->problem[0] == '\0')
        (void)snprintf(result->problem, sizeof result->problem, "%s", problem);
}

/* What a result says about the intent that it names. */
static void compare_intent(struct audit_result *result, const struct leaf *leaf, const struct edge *edge)
{
    uint8_t root[SHA256_SIZE];

    edge_root(edge, root);
    result->answers = true;
    if (strcmp(result->job, leaf->job) != 0)
        find_problem(result, "its intent is of another job");
    if (memcmp(result->model, leaf->model, SHA256_SIZE) != 0)
        find_problem(result, "its intent is of another model");
    if (memcmp(result->policy, leaf->policy, SHA256_SIZE) != 0)
        find_problem(result, "its intent is under another policy");
    if (memcmp(result->root, root, SHA256_SIZE) != 0)
        find_problem(result, "the ledger up to its intent was another when it was signed");
}

static int make_room(struct audit *audit, struct error *err)
{
    size_t room = audit->intent_room > 0 ? 2 * audit->intent_room : 64;
    struct audit_intent *intents;

    if (audit->intent_count < audit->intent_room)
        return 0;
    if (audit->intent_count >= AUDIT_INTENTS_MAX)
        return error_set(err, ERROR_UNAVAILABLE, -E2BIG, "more than %zu intents", AUDIT_INTENTS_MAX);
    intents = reallocarray(audit->intents, room, sizeof *intents);
    if (intents == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %zu intents", room);
    audit->intents = intents;
    audit->intent_room = room;
    return 0;
}

static int add_intent(struct audit *audit, uint64_t index, const struct leaf *leaf, const struct edge *edge,
                      struct error *err)
{
    CLEANUP_BUFFER struct buffer job = buffer_with_limit(4 * LEAF_NONCE_MAX + 1);
    struct audit_intent *intent;
    int r = make_room(audit, err);

    if (r < 0)
        return r;
    if (text_escape(leaf->job, 4 * LEAF_NONCE_MAX, &job) < 0 || buffer_append_u8(&job, 0) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an intent");
    intent = &audit->intents[audit->intent_count++];
    *intent = (struct audit_intent){.index = index, .job = (char *)job.data};
    job = buffer_with_limit(0); /* handed on */
    memcpy(intent->model, leaf->model, SHA256_SIZE);
    for (size_t i = 0; i < audit->result_count; i++)
        if (audit->results[i].announced && audit->results[i].intent == index)
            compare_intent(&audit->results[i], leaf, edge);
    return 0;
}

static void add_logged(struct audit *audit, uint64_t index, const struct leaf *leaf)
{
    audit->logged++;
    for (size_t i = 0; i < audit->result_count; i++) {
        struct audit_result *result = &audit->results[i];

        if (result->logged || memcmp(result->envelope, leaf->envelope, SHA256_SIZE) != 0 ||
            memcmp(result->payload, leaf->payload, SHA256_SIZE) != 0)
            continue;
        result->logged = true;
        result->leaf = index;
    }
}

static int visit(void *argument, uint64_t index, const void *bytes, size_t size, const struct edge *edge,
                 struct error *err)
{
    struct audit *audit = argument;
    struct leaf leaf;

    if (ledger_leaf_read(bytes, size, "leaf", &leaf, NULL) < 0)
        audit->others++;
    else if (leaf.kind == LEAF_INTENT)
        return add_intent(audit, index, &leaf, edge, err);
    else
        add_logged(audit, index, &leaf);
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static int compare_index(const void *wanted, const void *intent)
{
    uint64_t left = *(const uint64_t *)wanted, right = ((const struct audit_intent *)intent)->index;

    return left < right ? -1 : left > right;
}

static void judge(struct audit *audit, struct audit_result *result)
{
    struct audit_intent *intent = NULL;

    if (!result->announced)
        find_problem(result, "it names no intent");
    else if (strcmp(result->origin, audit->verified.checkpoint.origin) != 0)
        (void)snprintf(result->problem, sizeof result->problem, "it was announced in another ledger");
    else if (!result->answers)
        find_problem(result, "the leaf that it names is no intent");
    if (!result->logged)
        find_problem(result, "it is not in the ledger");
    else if (result->announced && result->leaf <= result->intent)
        find_problem(result, "it was logged before its intent");
    if (result->problem[0] == '\0')
        intent = bsearch(&result->intent, audit->intents, audit->intent_count, sizeof *intent, compare_index);
    if (intent != NULL && intent->result != NULL)
        find_problem(result, "another result answers its intent");
    if (result->problem[0] != '\0')
        audit->problem_count++;
    else if (intent != NULL) {
        intent->result = result;
        audit->answered++;
    }
}

int audit_run(struct audit *audit, const char *path, const struct ledger_trust *trust, const struct checkpoint *since,
              struct error *err)
{
    const struct ledger_visitor visitor = {.visit = visit, .argument = audit};
    int r = ledger_visit(path, trust, since, &visitor, &audit->verified, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < audit->result_count; i++)
        judge(audit, &audit->results[i]);
    return 0;
}

void audit_free(struct audit *audit)
{
    for (size_t i = 0; i < audit->intent_count; i++)
        free(audit->intents[i].job);
    free(audit->intents);
    free(audit->results);
    *audit = (struct audit){0};
}
