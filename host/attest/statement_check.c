/* SPDX-License-Identifier: Apache-2.0 */
/* The one schema of a signed statement, as the signer and the verifier demand it. */
#include "host/attest/statement.h"

#include "base/time_text.h"
#include "host/attest/text.h"
#include "host/json/canonical.h"
#include "host/json/field.h"
#include "host/json/reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WHERE_MAX 64u

static const char word_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

static int refuse(struct error *err, const char *where, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %s", where, what);
}

static int check_text(const char *text, const char *where, struct error *err)
{
    return text_is_printable(text) ? 0 : refuse(err, where, "holds a control character");
}

/* A file name of one component, an id or a word: never a path. */
static int check_word(const char *word, const char *where, struct error *err)
{
    if (strlen(word) > STATEMENT_WORD_MAX || word[strspn(word, word_characters)] != '\0' || word[0] == '.')
        return refuse(err, where, "a word of letters, digits, '.', '_' and '-' expected");
    return 0;
}

/* Whether an earlier element of the list has the same string at `key` (or is the same string, without a key). */
static bool is_repeated(const json_t *list, size_t index, const char *key)
{
    const json_t *mine = json_array_get(list, index);
    const char *text = json_string_value(key != NULL ? json_object_get(mine, key) : mine);

    for (size_t i = 0; i < index; i++) {
        const json_t *other = json_array_get(list, i);
        const char *earlier = json_string_value(key != NULL ? json_object_get(other, key) : other);

        if (text != NULL && earlier != NULL && strcmp(text, earlier) == 0)
            return true;
    }
    return false;
}

static int check_resource(const json_t *resource, bool is_subject, const char *where, struct error *err)
{
    static const char *const keys[] = {"name", "digest", NULL};
    static const char *const digest_keys[] = {"sha256", NULL};
    uint8_t sha256[SHA256_SIZE];
    const char *name, *hex;
    json_t *digest;
    int r = field_only(resource, where, keys, err);

    if (r == 0)
        r = field_string(resource, where, "name", STATEMENT_NAME_MAX, &name, err);
    if (r == 0)
        r = is_subject ? check_text(name, where, err) : check_word(name, where, err);
    if (r == 0)
        r = field_object(resource, where, "digest", &digest, err);
    if (r == 0)
        r = field_only(digest, where, digest_keys, err);
    if (r == 0)
        r = field_string(digest, where, "sha256", SHA256_HEX_SIZE - 1, &hex, err);
    if (r < 0)
        return r;
    return sha256_from_hex(hex, sha256) == 0 ? 0 : refuse(err, where, "64 lowercase hexadecimal digits expected");
}

static int check_resources(const json_t *object, const char *key, size_t count_max, bool is_subject, struct error *err)
{
    json_t *list;
    int r = field_array(object, "statement", key, &list, err);

    if (r < 0)
        return r;
    if (json_array_size(list) > count_max || (is_subject && json_array_size(list) == 0))
        return refuse(err, key, "too many or no elements");
    for (size_t i = 0; i < json_array_size(list); i++) {
        char where[WHERE_MAX];

        (void)snprintf(where, sizeof where, "%s[%zu]", key, i);
        r = check_resource(json_array_get(list, i), is_subject, where, err);
        if (r < 0)
            return r;
        if (is_repeated(list, i, "name"))
            return refuse(err, where, "a name used before");
    }
    return 0;
}

/* A list of texts: words without `length_max`, else any printable text of at most that many bytes. */
static int check_texts(const json_t *object, const char *key, size_t count_max, size_t length_max, struct error *err)
{
    json_t *list;
    int r = field_array(object, "extension", key, &list, err);

    if (r < 0)
        return r;
    if (json_array_size(list) > count_max)
        return refuse(err, key, "too many elements");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *element = json_array_get(list, i);
        const char *text = json_string_value(element);

        if (text == NULL || *text == '\0' || (length_max > 0 && json_string_length(element) > length_max))
            return refuse(err, key, "strings of limited length expected");
        r = length_max > 0 ? check_text(text, key, err) : check_word(text, key, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_entry(const json_t *entry, struct error *err)
{
    static const char *const keys[] = {"id", "status", "provenance", NULL};
    static const char *const provenances[] = {"host", "host-scored", "guest", NULL};
    const char *id;
    unsigned index;
    int r = field_only(entry, "checks[]", keys, err);

    if (r == 0)
        r = field_string(entry, "checks[]", "id", STATEMENT_WORD_MAX, &id, err);
    if (r == 0)
        r = check_word(id, "checks[].id", err);
    if (r == 0)
        r = field_choice(entry, "checks[]", "status", check_status_names, &index, err);
    return r == 0 ? field_choice(entry, "checks[]", "provenance", provenances, &index, err) : r;
}

static bool has_status(const json_t *entry, enum check_status status)
{
    return strcmp(json_string_value(json_object_get(entry, "status")), check_status_names[status]) == 0;
}

/* The predicate's list must be the ids, in order, of the checks with one of its statuses. */
static int check_list(const json_t *predicate, const char *key, const json_t *checks, bool (*belongs)(const json_t *),
                      struct error *err)
{
    json_t *list;
    size_t used = 0;
    int r = field_array(predicate, "predicate", key, &list, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *entry = json_array_get(checks, i);

        if (belongs(entry) && !json_equal(json_array_get(list, used++), json_object_get(entry, "id")))
            return refuse(err, key, "differs from the statuses in checks");
    }
    return used == json_array_size(list) ? 0 : refuse(err, key, "differs from the statuses in checks");
}

static bool is_passed(const json_t *entry)
{
    return has_status(entry, CHECK_PASSED);
}

static bool is_failed(const json_t *entry)
{
    return has_status(entry, CHECK_FAILED);
}

static bool is_other(const json_t *entry)
{
    return !is_passed(entry) && !is_failed(entry);
}

static int check_checks(const json_t *predicate, const json_t *extension, enum outcome outcome, struct error *err)
{
    json_t *checks;
    int r = field_array(extension, "extension", "checks", &checks, err);

    if (r < 0)
        return r;
    if (json_array_size(checks) > STATEMENT_CHECKS_MAX ||
        (!outcome_has_evaluation(outcome) && json_array_size(checks) > 0))
        return refuse(err, "checks", "too many, or some without an evaluation");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *entry = json_array_get(checks, i);

        r = check_entry(entry, err);
        if (r < 0)
            return r;
        if (is_repeated(checks, i, "id"))
            return refuse(err, "checks", "an id used before");
        if (outcome == OUTCOME_PASSED && !is_passed(entry) && !has_status(entry, CHECK_SKIPPED))
            return refuse(err, "checks", "a check that did not pass under a verdict that did");
    }
    r = check_list(predicate, "passedTests", checks, is_passed, err);
    if (r == 0)
        r = check_list(predicate, "failedTests", checks, is_failed, err);
    return r == 0 ? check_list(predicate, "warnedTests", checks, is_other, err) : r;
}

/* "2026-11-21T22:45:51Z" */
static int check_time(const json_t *extension, struct error *err)
{
    const char *text;
    int64_t unused;
    int r = field_string(extension, "extension", "finishedAt", TIME_TEXT_SIZE - 1, &text, err);

    if (r < 0)
        return r;
    return time_text_parse_second(text, &unused) == 0
               ? 0
               : refuse(err, "finishedAt", "a time of the form 2026-01-31T23:59:59Z expected");
}

static int check_place(const json_t *extension, enum outcome outcome, struct error *err)
{
    unsigned isolation, acceleration;
    int r = field_choice(extension, "extension", "isolation", statement_isolation_names, &isolation, err);

    if (r == 0)
        r = field_choice(extension, "extension", "acceleration", statement_acceleration_names, &acceleration, err);
    if (r < 0)
        return r;
    if (outcome_has_evaluation(outcome) && isolation == STATEMENT_NO_ISOLATION)
        return refuse(err, "isolation", "none, although something was evaluated");
    if ((isolation == STATEMENT_MICROVM) != (acceleration != STATEMENT_NO_ACCELERATION))
        return refuse(err, "acceleration", "goes with a virtual machine, and only with one");
    return 0;
}

/* Tier, reasons and documents as the verdict demands them. */
static int check_verdict(const json_t *extension, enum outcome outcome, struct error *err)
{
    static const char *const tiers[] = {"low", "medium", "high", NULL};
    uint8_t sha256[SHA256_SIZE];
    unsigned tier;
    int r = field_choice(extension, "extension", "tier", tiers, &tier, err);

    if (r == 0)
        r = check_texts(extension, "reasons", STATEMENT_REASONS_MAX, STATEMENT_REASON_MAX, err);
    if (r == 0)
        r = check_resources(extension, "documents", STATEMENT_RESOURCES_MAX, false, err);
    if (r < 0)
        return r;
    if (outcome == OUTCOME_PASSED && tier != 0)
        return refuse(err, "verdict", "nothing passes above the low tier before its release");
    if (outcome != OUTCOME_PASSED && json_array_size(json_object_get(extension, "reasons")) == 0)
        return refuse(err, "reasons", "at least one expected");
    if ((statement_find_resource(json_object_get(extension, "documents"), STATEMENT_EVALUATION, sha256) == 0) !=
        outcome_has_evaluation(outcome))
        return refuse(err, "documents", "names evaluation.json exactly where there is a verdict on one");
    return 0;
}

/* The nonce of the order that a job answers: drawn by who ordered it, so that no other result can stand for it. */
static int check_order(const json_t *extension, struct error *err)
{
    const char *order;
    int r;

    if (json_object_get(extension, "order") == NULL)
        return 0;
    r = field_string(extension, "extension", "order", STATEMENT_ORDER_DIGITS, &order, err);
    if (r < 0)
        return r;
    if (strlen(order) != STATEMENT_ORDER_DIGITS || strspn(order, "0123456789abcdef") != STATEMENT_ORDER_DIGITS)
        return refuse(err, "order", "32 lowercase hexadecimal digits expected");
    return 0;
}

/* The job's nonce, and the ledger in which it was announced, where there was one. */
static int check_job(const json_t *extension, struct error *err)
{
    static const char *const keys[] = {"origin", "intent", "root", NULL};
    uint8_t sha256[SHA256_SIZE];
    const char *job, *origin, *root;
    json_t *ledger;
    int64_t intent;
    int r = field_string(extension, "extension", "job", STATEMENT_WORD_MAX, &job, err);

    if (r == 0)
        r = check_word(job, "job", err);
    if (r < 0 || json_object_get(extension, "ledger") == NULL)
        return r;
    r = field_object(extension, "extension", "ledger", &ledger, err);
    if (r == 0)
        r = field_only(ledger, "ledger", keys, err);
    if (r == 0)
        r = field_string(ledger, "ledger", "origin", STATEMENT_ORIGIN_MAX, &origin, err);
    if (r == 0)
        r = check_text(origin, "ledger.origin", err);
    if (r == 0)
        r = field_integer(ledger, "ledger", "intent", 0, JSON_CANONICAL_INTEGER_MAX, &intent, err);
    if (r == 0)
        r = field_string(ledger, "ledger", "root", SHA256_HEX_SIZE - 1, &root, err);
    if (r < 0)
        return r;
    return sha256_from_hex(root, sha256) == 0 ? 0 : refuse(err, "ledger.root", "a SHA-256 in hexadecimal expected");
}

static int check_extension(const json_t *predicate, enum outcome *ret_outcome, struct error *err)
{
    static const char *const keys[] = {"verdict",      "tier",         "reasons",   "documents", "checks", "isolation",
                                       "acceleration", "hostVerified", "guestSaid", "job",       "ledger", "provenance",
                                       "source",       "finishedAt",   "producer",  "order",     NULL};
    json_t *extension;
    const char *producer;
    unsigned outcome;
    int r = field_object(predicate, "predicate", STATEMENT_EXTENSION, &extension, err);

    if (r == 0)
        r = field_only(extension, "extension", keys, err);
    if (r == 0)
        r = field_choice(extension, "extension", "verdict", outcome_names, &outcome, err);
    if (r == 0)
        r = check_verdict(extension, (enum outcome)outcome, err);
    if (r == 0)
        r = check_checks(predicate, extension, (enum outcome)outcome, err);
    if (r == 0)
        r = check_place(extension, (enum outcome)outcome, err);
    if (r == 0)
        r = check_texts(extension, "hostVerified", STATEMENT_RESOURCES_MAX, 0, err);
    if (r == 0)
        r = check_texts(extension, "guestSaid", STATEMENT_RESOURCES_MAX, 0, err);
    if (r == 0)
        r = check_job(extension, err);
    if (r == 0)
        r = check_order(extension, err);
    if (r == 0)
        r = statement_check_provenance(extension, json_object_get(predicate, "configuration"), err);
    if (r == 0)
        r = check_time(extension, err);
    if (r == 0)
        r = field_string(extension, "extension", "producer", STATEMENT_WORD_MAX, &producer, err);
    if (r == 0)
        r = check_text(producer, "producer", err);
    if (r == 0)
        *ret_outcome = (enum outcome)outcome;
    return r;
}

static int check_predicate(const json_t *predicate, struct error *err)
{
    static const char *const keys[] = {"result",      "configuration",     "passedTests", "warnedTests",
                                       "failedTests", STATEMENT_EXTENSION, NULL};
    uint8_t sha256[SHA256_SIZE];
    enum outcome outcome = OUTCOME_COUNT;
    int r = field_only(predicate, "predicate", keys, err);

    if (r == 0)
        r = check_resources(predicate, "configuration", STATEMENT_RESOURCES_MAX, false, err);
    if (r == 0)
        r = check_extension(predicate, &outcome, err);
    if (r == 0)
        r = field_exact(predicate, "predicate", "result", outcome_test_result(outcome), err);
    if (r < 0)
        return r;
    if (statement_find_resource(json_object_get(predicate, "configuration"), STATEMENT_POLICY, sha256) < 0)
        return refuse(err, "configuration", "names no policy.yaml");
    return 0;
}

static int check_statement(const json_t *statement, struct error *err)
{
    static const char *const keys[] = {"_type", "subject", "predicateType", "predicate", NULL};
    json_t *predicate;
    int r = field_only(statement, "statement", keys, err);

    if (r == 0)
        r = field_exact(statement, "statement", "_type", STATEMENT_TYPE, err);
    if (r == 0)
        r = field_exact(statement, "statement", "predicateType", STATEMENT_PREDICATE_TYPE, err);
    if (r == 0)
        r = check_resources(statement, "subject", STATEMENT_SUBJECTS_MAX, true, err);
    if (r == 0)
        r = field_object(statement, "statement", "predicate", &predicate, err);
    return r == 0 ? check_predicate(predicate, err) : r;
}

int statement_check(const void *bytes, size_t size, json_t **ret_statement, struct error *err)
{
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_JSON json_t *statement = NULL;
    int r = json_read(bytes, size, STATEMENT_SIZE_MAX, "statement", &statement, err);

    if (r < 0)
        return r;
    r = json_canonical_encode(statement, &again);
    if (r == -ENOMEM)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to check the statement");
    if (r < 0 || again.size != size || memcmp(again.data, bytes, size) != 0)
        return refuse(err, "statement", "not in canonical form");
    r = check_statement(statement, err);
    if (r < 0)
        return r;
    *ret_statement = TAKE_POINTER(statement);
    return 0;
}

json_t *statement_get_extension(const json_t *statement)
{
    return json_object_get(json_object_get(statement, "predicate"), STATEMENT_EXTENSION);
}

int statement_get_ledger(const json_t *statement, struct statement_ledger *ret_ledger)
{
    const json_t *ledger = json_object_get(statement_get_extension(statement), "ledger");

    if (ledger == NULL)
        return -ENOENT;
    ret_ledger->origin = json_string_value(json_object_get(ledger, "origin"));
    ret_ledger->intent = (uint64_t)json_integer_value(json_object_get(ledger, "intent"));
    return sha256_from_hex(json_string_value(json_object_get(ledger, "root")), ret_ledger->root) == 0 ? 0 : -ENOENT;
}

int statement_find_resource(const json_t *list, const char *name, uint8_t ret_sha256[SHA256_SIZE])
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *resource = json_array_get(list, i);
        const char *text = json_string_value(json_object_get(resource, "name"));
        const char *hex = json_string_value(json_object_get(json_object_get(resource, "digest"), "sha256"));

        if (text != NULL && hex != NULL && strcmp(text, name) == 0)
            return sha256_from_hex(hex, ret_sha256) == 0 ? 0 : -ENOENT;
    }
    return -ENOENT;
}
