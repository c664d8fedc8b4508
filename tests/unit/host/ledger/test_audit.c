/* SPDX-License-Identifier: Apache-2.0 */
/* An audit: attempts with and without a result, and results that do not match the ledger. */
#include "host/ledger/audit.h"

#include "host/attest/bundle.h"
#include "host/json/reader.h"
#include "unit/host/attest/support.h"
#include "unit/host/ledger/tests.h"

#include <errno.h>
#include <string.h>

/* A ledger with three announced jobs, and the statement of the second. */
struct fixture {
    struct test_ledger test;
    struct statement_resource model, policy[1];
    struct statement_ledger announced;
    struct statement_input input;
};

static void announce(struct fixture *fixture, const char *job)
{
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {0};
    struct leaf_intent intent = {.job = job, .data = {9}};

    memcpy(intent.model, fixture->model.sha256, SHA256_SIZE);
    memcpy(intent.policy, fixture->policy[0].sha256, SHA256_SIZE);
    CU_ASSERT_EQUAL_FATAL(ledger_leaf_intent(&intent, &leaf, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(ledger_append(fixture->test.ledger, leaf.data, leaf.size, &receipt, NULL), 0);
    if (strcmp(job, "job-2") == 0) {
        fixture->announced.intent = receipt.index;
        memcpy(fixture->announced.root, receipt.checkpoint.root, SHA256_SIZE);
    }
}

static void make(struct fixture *fixture, const char *name)
{
    *fixture = (struct fixture){.model = {"m.onnx", {1}}, .policy = {{"policy.yaml", {2}}}};
    test_make_ledger(&fixture->test, name);
    fixture->announced.origin = TEST_ORIGIN;
    announce(fixture, "job-1");
    announce(fixture, "job-2");
    announce(fixture, "job-3");
    fixture->input = support_input();
    fixture->input.subjects = &fixture->model;
    fixture->input.configuration = fixture->policy;
    fixture->input.configuration_count = 1;
    fixture->input.job = "job-2";
    fixture->input.ledger = &fixture->announced;
}

/* The statement as a bundle, which is logged unless `unlogged`; nothing of a signature is looked at. */
static void make_bundle(const struct fixture *fixture, bool unlogged, struct buffer *text)
{
    CLEANUP_BUNDLE struct bundle bundle = {.payload = buffer_with_limit(STATEMENT_SIZE_MAX), .signature_size = 8};
    CLEANUP_BUFFER struct buffer leaf = buffer_with_limit(LEDGER_LEAF_MAX);
    CLEANUP_JSON json_t *envelope = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(statement_encode(&fixture->input, &bundle.payload, &err), 0);
    CU_ASSERT_EQUAL_FATAL(bundle_encode(&bundle, text), 0);
    envelope = bundle_new_envelope(&bundle);
    CU_ASSERT_EQUAL_FATAL(ledger_leaf_dsse(envelope, "PEM", 3, &leaf, &err), 0);
    if (!unlogged)
        CU_ASSERT_EQUAL_FATAL(ledger_append(fixture->test.ledger, leaf.data, leaf.size, NULL, &err), 0);
}

static void test_answers(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_AUDIT struct audit audit = {0};
    struct fixture fixture;
    struct error err = {0};

    make(&fixture, "audit");
    make_bundle(&fixture, false, &text);
    test_append_leaves(&fixture.test, 300); /* of neither kind */
    CU_ASSERT_EQUAL_FATAL(audit_add(&audit, "r", text.data, text.size, &err), 0);
    CU_ASSERT_EQUAL_FATAL(audit_run(&audit, fixture.test.path, &fixture.test.trust, NULL, &err), 0);
    CU_ASSERT_EQUAL(audit.verified.checkpoint.size, 304);
    CU_ASSERT_EQUAL_FATAL(audit.intent_count, 3);
    CU_ASSERT_EQUAL(audit.answered, 1);
    CU_ASSERT_EQUAL(audit.problem_count, 0);
    CU_ASSERT_EQUAL(audit.logged, 1);
    CU_ASSERT_EQUAL(audit.others, 300);
    CU_ASSERT_PTR_NULL(audit.intents[0].result);
    CU_ASSERT_PTR_NULL(audit.intents[2].result);
    CU_ASSERT_STRING_EQUAL(audit.intents[2].job, "job-3");
    CU_ASSERT_PTR_EQUAL(audit.intents[1].result, &audit.results[0]);
    CU_ASSERT_EQUAL(audit.results[0].leaf, 3);
    CU_ASSERT_EQUAL(audit.results[0].outcome, OUTCOME_PASSED);
    CU_ASSERT_STRING_EQUAL(audit.results[0].model_name, "m.onnx");
    test_end_ledger(&fixture.test);
}

enum change { JOB, MODEL, POLICY, ROOT, ORIGIN, INDEX, NO_INTENT, ANNOUNCED_NOT, UNLOGGED, CHANGE_COUNT };

/* One thing of the statement changed, that is signed and logged all the same. */
static void check_change(enum change change)
{
    static const char *const problems[CHANGE_COUNT] = {
        [JOB] = "another job",        [MODEL] = "another model",           [POLICY] = "another policy",
        [ROOT] = "was another",       [ORIGIN] = "another ledger",         [INDEX] = "another job",
        [NO_INTENT] = "is no intent", [ANNOUNCED_NOT] = "names no intent", [UNLOGGED] = "not in the ledger"};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_AUDIT struct audit audit = {0};
    struct fixture fixture;
    struct error err = {0};
    char name[32];

    (void)snprintf(name, sizeof name, "audit-%d", (int)change);
    make(&fixture, name);
    if (change == JOB)
        fixture.input.job = "job-1";
    fixture.model.sha256[5] ^= change == MODEL;
    fixture.policy[0].sha256[5] ^= change == POLICY;
    fixture.announced.root[5] ^= change == ROOT;
    if (change == ORIGIN)
        fixture.announced.origin = "example.org/other";
    if (change == INDEX)
        fixture.announced.intent--;
    if (change == NO_INTENT)
        fixture.announced.intent = 3; /* its own leaf */
    if (change == ANNOUNCED_NOT)
        fixture.input.ledger = NULL;
    make_bundle(&fixture, change == UNLOGGED, &text);
    CU_ASSERT_EQUAL_FATAL(audit_add(&audit, "r", text.data, text.size, &err), 0);
    CU_ASSERT_EQUAL_FATAL(audit_run(&audit, fixture.test.path, &fixture.test.trust, NULL, &err), 0);
    CU_ASSERT_EQUAL(audit.problem_count, 1);
    CU_ASSERT_EQUAL(audit.answered, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(audit.results[0].problem, problems[change]));
    test_end_ledger(&fixture.test);
}

static void test_mismatches(void)
{
    for (unsigned i = 0; i < CHANGE_COUNT; i++)
        check_change((enum change)i);
}

/* Two logged results of one attempt: the first that is given counts, in whichever order they were logged. */
static void test_twice(void)
{
    CLEANUP_BUFFER struct buffer one = buffer_with_limit(BUNDLE_SIZE_MAX), two = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_AUDIT struct audit audit = {0};
    struct fixture fixture;
    struct error err = {0};

    make(&fixture, "audit-twice");
    make_bundle(&fixture, false, &one);
    fixture.input.finished_at++;
    make_bundle(&fixture, false, &two);
    CU_ASSERT_EQUAL_FATAL(audit_add(&audit, "two", two.data, two.size, &err), 0);
    CU_ASSERT_EQUAL_FATAL(audit_add(&audit, "one", one.data, one.size, &err), 0);
    CU_ASSERT_EQUAL_FATAL(audit_run(&audit, fixture.test.path, &fixture.test.trust, NULL, &err), 0);
    CU_ASSERT_EQUAL(audit.answered, 1);
    CU_ASSERT_EQUAL(audit.problem_count, 1);
    CU_ASSERT_STRING_EQUAL(audit.results[1].problem, "another result answers its intent");
    test_end_ledger(&fixture.test);
}

static void test_refusals(void)
{
    CLEANUP_AUDIT struct audit audit = {0};
    struct ledger_trust other_trust;
    struct test_ledger other;
    struct fixture fixture;
    struct error err = {0};

    make(&fixture, "audit-refused");
    test_make_ledger(&other, "audit-other");
    other_trust = other.trust;
    CU_ASSERT(audit_add(&audit, "r.json", "{}", 2, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(audit.result_count, 0);
    CU_ASSERT(audit_run(&audit, fixture.test.path, &other_trust, NULL, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    test_end_ledger(&fixture.test);
    test_end_ledger(&other);
}

const struct harness_test audit_tests[] = {
    {"an audit's answers", test_answers},
    {"results that do not match", test_mismatches},
    {"two results of one attempt", test_twice},
    {"what an audit refuses", test_refusals},
};
const size_t audit_test_count = HARNESS_COUNT(audit_tests);
