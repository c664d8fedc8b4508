/* SPDX-License-Identifier: Apache-2.0 */
/* forensics.json: the worker's end by number and name, the console's end made harmless, the findings that count. */
#include "host/job/forensics.h"

#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "unit/harness.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct assessment assessment;
static struct conversation_failure failure;
static struct plan plan;
static struct vm_record record;
static int console_fd;

static json_t *make(void)
{
    const struct forensics forensics = {
        .assessment = &assessment, .failure = &failure, .plan = &plan, .record = &record, .console_fd = console_fd};
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(FORENSICS_SIZE_MAX);
    json_t *document = forensics_document(&forensics);

    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    CU_ASSERT_EQUAL(json_canonical_encode(document, &bytes), 0); /* as it is written */
    return document;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static void start(enum outcome outcome)
{
    memset(&assessment, 0, sizeof assessment);
    memset(&failure, 0, sizeof failure);
    assessment.outcome = outcome;
    assessment.reason_count = 1;
    (void)strcpy(assessment.reasons[0], "it went wrong");
    plan.check_count = 1;
    plan.checks[0].id = PLAN_CLEAN_ACCURACY;
    failure.failure.check = UINT32_MAX;
}

static void test_forbidden_call(void)
{
    const json_t *worker;

    start(OUTCOME_COULD_NOT_EVALUATE);
    failure.said = true;
    failure.failure = (struct message_failure){.code = MESSAGE_FAILURE_FORBIDDEN_CALL,
                                               .check = 0,
                                               .signal = SIGSYS,
                                               .system_call = SYS_execve,
                                               .address = 0x401000};
    (void)strcpy(failure.text, "the worker made \x1b[31m a call");
    CLEANUP_JSON json_t *document = make();
    worker = json_object_get(document, "worker");
    CU_ASSERT_STRING_EQUAL(text_at(worker, "failure"), "forbidden-call");
    CU_ASSERT_STRING_EQUAL(text_at(worker, "check"), "clean-accuracy");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(worker, "systemCall")), SYS_execve);
    CU_ASSERT_STRING_EQUAL(text_at(worker, "systemCallName"), "execve");
    CU_ASSERT_STRING_EQUAL(text_at(worker, "address"), "0x401000");
    CU_ASSERT_STRING_EQUAL(text_at(worker, "text"), "the worker made \\x1b[31m a call");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(document, "reasons"), 0)), "it went wrong");
}

static void test_crash(void)
{
    const json_t *worker;

    start(OUTCOME_COULD_NOT_EVALUATE);
    failure.said = true;
    failure.failure = (struct message_failure){
        .code = MESSAGE_FAILURE_WORKER_CRASHED, .check = 7, .signal = SIGSEGV, .address = 0xdeadbeef};
    CLEANUP_JSON json_t *document = make();
    worker = json_object_get(document, "worker");
    CU_ASSERT_STRING_EQUAL(text_at(worker, "signalName"), "SEGV");
    CU_ASSERT_STRING_EQUAL(text_at(worker, "address"), "0xdeadbeef");
    CU_ASSERT_PTR_NULL(json_object_get(worker, "check")); /* the plan has no such check */
    CU_ASSERT_PTR_NULL(json_object_get(worker, "systemCall"));
}

/* Nothing that a guest prints passes as it is, and only the end of it comes. */
static void test_console(void)
{
    static const char hostile[] = "first\n\x1b]0;title\x07\xe2\x80\xae"
                                  "abc\0hidden\r\nlast";
    const json_t *tail;
    char line[] = "0123456789abcde\n";

    start(OUTCOME_REJECTED);
    CU_ASSERT_EQUAL(ftruncate(console_fd, 0), 0);
    (void)lseek(console_fd, 0, SEEK_SET);
    for (unsigned i = 0; i < 2 * FORENSICS_TAIL_MAX / (sizeof line - 1); i++)
        CU_ASSERT_EQUAL_FATAL(write(console_fd, line, sizeof line - 1), (ssize_t)sizeof line - 1);
    CU_ASSERT_EQUAL_FATAL(write(console_fd, hostile, sizeof hostile - 1), (ssize_t)sizeof hostile - 1);
    CLEANUP_JSON json_t *document = make();
    tail = json_object_get(json_object_get(json_object_get(document, "vm"), "console"), "tail");
    CU_ASSERT(json_array_size(tail) > 1000 && json_array_size(tail) <= FORENSICS_TAIL_MAX / (sizeof line - 1) + 1);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(tail, json_array_size(tail) - 1)), "last");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(tail, json_array_size(tail) - 2)),
                           "\\x1b]0;title\\x07\\xe2\\x80\\xaeabc?hidden");
    CU_ASSERT_PTR_NULL(json_object_get(document, "worker"));
    CU_ASSERT_EQUAL(ftruncate(console_fd, 0), 0);
}

static void test_findings(void)
{
    json_t *findings = json_array();

    start(OUTCOME_REJECTED);
    for (unsigned i = 0; i < FORENSICS_FINDINGS_MAX + 3; i++)
        (void)json_array_append_new(findings,
                                    json_pack("{s:s, s:s, s:i}", "rule", "r", "severity", "critical", "offset", i));
    (void)json_array_append_new(findings, json_pack("{s:s, s:s, s:i}", "rule", "r", "severity", "medium", "offset", 1));
    assessment.evaluation =
        json_pack("{s:[{s:[{s:s, s:o}]}]}", "checks", "files", "name", "model", "findings", findings);
    CLEANUP_JSON json_t *document = make();
    const json_t *listed = json_object_get(document, "findings");
    CU_ASSERT_EQUAL(json_array_size(listed), FORENSICS_FINDINGS_MAX);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(document, "findingsOmitted")), 3);
    CU_ASSERT_STRING_EQUAL(text_at(json_array_get(listed, 0), "file"), "model");
    json_decref(assessment.evaluation);
}

static void test_wanted(void)
{
    CU_ASSERT_FALSE(forensics_wanted(OUTCOME_PASSED));
    CU_ASSERT_FALSE(forensics_wanted(OUTCOME_NEEDS_REVIEW));
    CU_ASSERT_TRUE(forensics_wanted(OUTCOME_REJECTED));
    CU_ASSERT_TRUE(forensics_wanted(OUTCOME_COULD_NOT_EVALUATE));
    CU_ASSERT_TRUE(forensics_wanted(OUTCOME_REJECTED_BEFORE_BOOT));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"forbidden call", test_forbidden_call},
        {"crash", test_crash},
        {"console", test_console},
        {"findings", test_findings},
        {"wanted", test_wanted},
    };

    console_fd = memfd_create("console", MFD_CLOEXEC);
    return harness_run("forensics", tests, HARNESS_COUNT(tests));
}
