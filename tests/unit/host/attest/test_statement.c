/* SPDX-License-Identifier: Apache-2.0 */
/* The statement: its form, its schema, and the contradictions that are refused. */
#include "host/attest/statement.h"

#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "unit/harness.h"
#include "unit/host/attest/support.h"
#include "unit/host/attest/tests.h"

#include <errno.h>
#include <string.h>

#define EXTENSION "\"" STATEMENT_EXTENSION "\""

static int encode(const struct statement_input *input, struct buffer *bytes)
{
    struct error err = {0};
    int r = statement_encode(input, bytes, &err);

    CU_ASSERT(r == 0 || (r == -EINVAL && err.kind == ERROR_INTERNAL));
    return r;
}

static int encode_only(const struct statement_input *input)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);

    return encode(input, &bytes);
}

void test_statement_form(void)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_JSON json_t *statement = NULL;
    struct statement_input input = support_input();
    const json_t *predicate, *extension;
    uint8_t sha256[SHA256_SIZE];
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(encode(&input, &bytes), 0);
    CU_ASSERT_EQUAL_FATAL(statement_check(bytes.data, bytes.size, &statement, &err), 0);
    predicate = json_object_get(statement, "predicate");
    extension = statement_get_extension(statement);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(predicate, "result")), "PASSED");
    CU_ASSERT_EQUAL(json_array_size(json_object_get(predicate, "passedTests")), 2);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(predicate, "warnedTests")), 1);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(extension, "finishedAt")), "2024-12-31T23:59:59Z");
    CU_ASSERT_EQUAL(statement_find_resource(json_object_get(predicate, "configuration"), "test", sha256), 0);
    CU_ASSERT_EQUAL(sha256[0], 0x24);
    CU_ASSERT_EQUAL(statement_find_resource(json_object_get(predicate, "configuration"), "none", sha256), -ENOENT);
}

void test_statement_texts(void)
{
    static const struct statement_resource hostile[] = {{"a\x1b]0;b\xff.onnx", {1}}};
    const char *reasons[] = {"line\nbreak"};
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_JSON json_t *statement = NULL;
    struct statement_input input = support_input();
    struct error err = {0};

    input.subjects = hostile;
    input.reasons = reasons;
    input.reason_count = 1;
    CU_ASSERT_EQUAL_FATAL(encode(&input, &bytes), 0);
    CU_ASSERT_EQUAL_FATAL(statement_check(bytes.data, bytes.size, &statement, &err), 0);
    CU_ASSERT_STRING_EQUAL(
        json_string_value(json_object_get(json_array_get(json_object_get(statement, "subject"), 0), "name")),
        "a\\x1b]0;b\\xff.onnx");
}

void test_statement_ledger(void)
{
    static const struct statement_ledger ledger = {.origin = "example.org/log", .intent = 7, .root = {1, 2}};
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX),
                                 plain = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_JSON json_t *statement = NULL, *without = NULL;
    struct statement_input input = support_input();
    struct statement_ledger found;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(encode(&input, &plain), 0);
    CU_ASSERT_EQUAL_FATAL(statement_check(plain.data, plain.size, &without, &err), 0);
    CU_ASSERT_EQUAL(statement_get_ledger(without, &found), -ENOENT);
    input.ledger = &ledger;
    input.order = "0123456789abcdef0123456789abcdef";
    CU_ASSERT_EQUAL_FATAL(encode(&input, &bytes), 0);
    CU_ASSERT_EQUAL_FATAL(statement_check(bytes.data, bytes.size, &statement, &err), 0);
    CU_ASSERT_EQUAL_FATAL(statement_get_ledger(statement, &found), 0);
    CU_ASSERT_STRING_EQUAL(found.origin, ledger.origin);
    CU_ASSERT_EQUAL(found.intent, ledger.intent);
    CU_ASSERT_EQUAL(memcmp(found.root, ledger.root, SHA256_SIZE), 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(statement_get_extension(statement), "job")), input.job);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(statement_get_extension(statement), "order")),
                           input.order);
    CU_ASSERT_PTR_NULL(json_object_get(statement_get_extension(without), "order"));
}

void test_statement_contradictions(void)
{
    static const struct statement_resource no_policy[] = {{"spec.yaml", {0}}};
    static const struct statement_resource path[] = {{"policy.yaml", {0}}, {"../spec.yaml", {0}}};
    static const struct statement_resource twice[] = {{"policy.yaml", {0}}, {"policy.yaml", {1}}};
    static const struct statement_check_entry failed[] = {{"fgsm", CHECK_FAILED, "host"}};
    static const struct statement_check_entry same[] = {{"fgsm", CHECK_PASSED, "host"}, {"fgsm", CHECK_PASSED, "host"}};
    static const struct statement_check_entry unknown[] = {{"fgsm", CHECK_PASSED, "elsewhere"}};
    struct statement_input input;

#define REFUSED(...)                                                                                                   \
    do {                                                                                                               \
        input = support_input();                                                                                       \
        __VA_ARGS__;                                                                                                   \
        CU_ASSERT_EQUAL(encode_only(&input), -EINVAL);                                                                 \
    } while (0)
    REFUSED(input.tier = "medium"); /* nothing passes above low */
    REFUSED(input.tier = "lower");
    REFUSED(input.job = NULL);
    REFUSED(input.job = "");
    REFUSED(input.job = "a job");
    REFUSED(input.order = "");
    REFUSED(input.order = "0123456789abcdef0123456789abcde"); /* a digit short */
    REFUSED(input.order = "0123456789ABCDEF0123456789ABCDEF");
    REFUSED(input.outcome = OUTCOME_REJECTED); /* no reason */
    REFUSED(input.document_count = 0);         /* a verdict on nothing */
    REFUSED(input.subject_count = 0);
    REFUSED(input.configuration = no_policy, input.configuration_count = 1);
    REFUSED(input.configuration = path, input.configuration_count = 2);
    REFUSED(input.configuration = twice, input.configuration_count = 2);
    REFUSED(input.checks = failed, input.check_count = 1);
    REFUSED(input.checks = same, input.check_count = 2);
    REFUSED(input.checks = unknown, input.check_count = 1);
    REFUSED(input.isolation = STATEMENT_NO_ISOLATION, input.acceleration = STATEMENT_NO_ACCELERATION);
    REFUSED(input.isolation = STATEMENT_PROCESS); /* with an acceleration */
    REFUSED(input.acceleration = STATEMENT_NO_ACCELERATION);
#undef REFUSED
}

void test_statement_outcomes(void)
{
    static const char *const reasons[] = {"the guest died"};
    struct statement_input input = support_input();
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);

    input.reasons = reasons;
    input.reason_count = 1;
    input.outcome = OUTCOME_COULD_NOT_EVALUATE;
    CU_ASSERT_EQUAL(encode_only(&input), -EINVAL); /* names an evaluation, and checks */
    input.check_count = 0;
    CU_ASSERT_EQUAL(encode_only(&input), -EINVAL);
    input.documents++, input.document_count--;
    CU_ASSERT_EQUAL(encode(&input, &bytes), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&bytes, 0), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)bytes.data, "\"result\":\"FAILED\""));
    input.outcome = OUTCOME_REJECTED_BEFORE_BOOT;
    input.isolation = STATEMENT_NO_ISOLATION;
    input.acceleration = STATEMENT_NO_ACCELERATION;
    input.document_count = 0;
    CU_ASSERT_EQUAL(encode_only(&input), 0);
    input = support_input();
    input.outcome = OUTCOME_NEEDS_REVIEW;
    input.tier = "high";
    input.reasons = reasons;
    input.reason_count = 1;
    CU_ASSERT_EQUAL(encode_only(&input), 0);
    CU_ASSERT_EQUAL(outcome_exit_status(OUTCOME_NEEDS_REVIEW), 2);
    CU_ASSERT_EQUAL(outcome_exit_status(OUTCOME_REJECTED_BEFORE_BOOT), 1);
}

/* Replaces the first `from` by `to` in the text of a right statement; 0 when still accepted. */
static int check_replaced(const char *from, const char *to)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_BUFFER struct buffer changed = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_JSON json_t *statement = NULL;
    struct statement_input input = support_input();
    const struct statement_ledger ledger = {.origin = "example.org/log", .intent = 7, .root = {1, 2}};
    const char *place;

    input.ledger = &ledger;
    CU_ASSERT_EQUAL_FATAL(encode(&input, &bytes), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&bytes, 0), 0);
    place = strstr((const char *)bytes.data, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    CU_ASSERT_EQUAL(buffer_append_format(&changed, "%.*s%s%s", (int)(place - (const char *)bytes.data), bytes.data, to,
                                         place + strlen(from)),
                    0);
    return statement_check(changed.data, changed.size, &statement, NULL);
}

void test_statement_schema(void)
{
    static const char *const changes[][2] = {
        {"Statement/v1", "Statement/v0.1"},
        {"test-result/v0.1", "test-result/v0.2"}, /* another predicate type */
        {"\"PASSED\"", "\"WARNED\""},
        {"{\"_type\"", " {\"_type\""}, /* not canonical */
        {"{\"_type\"", "{\"A\":1,\"_type\""},
        {"{\"_type\"", "{\"_type\":\"https://in-toto.io/Statement/v1\",\"_type\""},
        {"\"2024-12-31T", "\"2024-12-31 "},
        {"\"clean-accuracy\",\"fgsm\"", "\"fgsm\",\"clean-accuracy\""},
        {"\"warnedTests\":[\"activation-clustering\"]", "\"warnedTests\":[]"},
        {"\"status\":\"skipped\"", "\"status\":\"failed\""},
        {"\"tier\":\"low\"", "\"tier\":\"high\""},
        {"\"verdict\":\"passed\"", "\"verdict\":\"rejected\""},
        {"\"isolation\":\"microvm\"", "\"isolation\":\"none\""},
        {"{\"sha256\":\"", "{\"sha512\":\""},
        {"1100000000", "110000000"},
        {"1100000000", "110000000G"},
        {"clean.onnx", "clean\\u001b.onnx"},
        {EXTENSION, "\"https://lazaret.dev/evaluation/v2\""},
        {"\"producer\":", "\"produces\":"},
        {"\"reasons\":[]", "\"reasons\":[0]"},
        {"\"reasons\":[]", "\"reasons\":{}"},
        {"\"job\":\"0123", "\"job\":\"../0123"},
        {"\"intent\":7", "\"intent\":-7"},
        {"\"intent\":7", "\"intent\":\"7\""},
        {"\"intent\":7,", ""},
        {"\"origin\":\"e", "\"origin\":\"\\u0007e"},
        {"\"root\":\"0102", "\"root\":\"01"},
    };
    CLEANUP_JSON json_t *statement = NULL;

    CU_ASSERT_EQUAL(check_replaced("clean.onnx", "other.onnx"), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        CU_ASSERT_EQUAL(check_replaced(changes[i][0], changes[i][1]), -EBADMSG);
    CU_ASSERT_EQUAL(statement_check("", 0, &statement, NULL), -EBADMSG);
    CU_ASSERT_PTR_NULL(statement);
}
