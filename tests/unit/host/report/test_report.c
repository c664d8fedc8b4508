/* SPDX-License-Identifier: Apache-2.0 */
/* A file's entry, its text and its SARIF: verdicts are worked out anew, and nothing a terminal would obey comes out. */
#include "host/json/canonical.h"
#include "host/report/file_report.h"
#include "host/report/sarif.h"
#include "host/report/text_report.h"
#include "unit/harness.h"

#include <errno.h>
#include <string.h>

#define TEXT(t) ((struct message_text){.data = (t), .size = sizeof(t) - 1})

static struct message finding(enum scan_severity severity)
{
    return (struct message){.type = MESSAGE_FINDING,
                            .finding = {.rule = TEXT("pickle-call"),
                                        .severity = severity,
                                        .offset = 7,
                                        .detail = TEXT("os.system"),
                                        .effect = TEXT("Runs a program."),
                                        .line_count = 1,
                                        .lines = {{.offset = 7, .text = TEXT("REDUCE")}}}};
}

static struct message done(enum scan_verdict verdict, enum scan_severity severity, uint64_t count)
{
    struct message message = {.type = MESSAGE_SCAN_DONE,
                              .scan_done = {.verdict = verdict, .format = TEXT("pickle"), .looked = 9}};

    message.scan_done.counts[severity] = count;
    return message;
}

static json_t *entry(const struct file_report *report, const char *name)
{
    json_t *json = file_report_document(report);

    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    (void)json_object_set_new(json, "name", json_string(name));
    (void)json_object_set_new(json, "size", json_integer(9));
    (void)json_object_set_new(json, "sha256", json_null());
    return json;
}

static void test_verdicts(void)
{
    CLEANUP_FILE_REPORT struct file_report report = {0};
    struct message message = finding(SCAN_HIGH), lie = done(SCAN_ALLOWED, SCAN_HIGH, 1), fewer;
    struct error error = {0};
    json_t *json;

    CU_ASSERT_EQUAL(file_report_start(&report, NULL), 0);
    CU_ASSERT_EQUAL(file_report_verdict(&report), SCAN_UNSCANNED); /* nothing has come to an end */
    CU_ASSERT_EQUAL(file_report_take(&report, &message, NULL), 0);
    CU_ASSERT_EQUAL(file_report_verdict(&report), SCAN_DANGEROUS); /* whatever comes of the rest */
    CU_ASSERT_EQUAL(file_report_take(&report, &lie, &error), -EPROTO);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    fewer = done(SCAN_ALLOWED, SCAN_HIGH, 0);
    CU_ASSERT_EQUAL(file_report_take(&report, &fewer, &error), -EPROTO);
    message = done(SCAN_DANGEROUS, SCAN_HIGH, 300);
    CU_ASSERT_EQUAL(file_report_take(&report, &message, NULL), 0);
    json = entry(&report, "m.pkl");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(json, "omitted")), 299);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "verdict")), "dangerous");
    json_decref(json);
}

static void test_host_rules(void)
{
    for (unsigned rule = 0; rule < HOST_RULE_COUNT; rule++) {
        CLEANUP_FILE_REPORT struct file_report report = {0};

        CU_ASSERT_EQUAL(file_report_start(&report, NULL), 0);
        CU_ASSERT_EQUAL(file_report_add(&report, rule, 5, "because\x1b[31m", NULL), 0);
        CU_ASSERT_EQUAL(file_report_verdict(&report), rule == HOST_RULE_EMPTY ? SCAN_ALLOWED : SCAN_UNSCANNED);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(report.findings, 0), "detail")),
                               "because\\x1b[31m");
    }
}

static json_t *sample_files(void)
{
    CLEANUP_FILE_REPORT struct file_report bad = {0}, odd = {0};
    struct message messages[] = {finding(SCAN_CRITICAL), done(SCAN_DANGEROUS, SCAN_CRITICAL, 1)};

    CU_ASSERT_EQUAL(file_report_start(&bad, NULL), 0);
    CU_ASSERT_EQUAL(file_report_start(&odd, NULL), 0);
    for (size_t i = 0; i < HARNESS_COUNT(messages); i++)
        CU_ASSERT_EQUAL(file_report_take(&bad, &messages[i], NULL), 0);
    CU_ASSERT_EQUAL(file_report_add(&odd, HOST_RULE_SCAN_FAILED, 9, "the guest died", NULL), 0);
    return json_pack("[o, o]", entry(&bad, "a b.pkl"), entry(&odd, "odd"));
}

static void test_text(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 20);
    json_t *files = sample_files();

    CU_ASSERT_EQUAL(text_report(files, &text), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&text, 0), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "a b.pkl: dangerous (pickle), 9 bytes, 9 looked at\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "critical pickle-call at byte 7: os.system\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "    >        7  REDUCE\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "not scanned: source: 9 bytes"));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)text.data, "2 files: 1 dangerous, 1 unscanned, 0 unknown, 0 allowed\n"));
    json_decref(files);
}

static void test_sarif(void)
{
    static const char expected_result[] = "\"level\":\"error\",\"locations\":[{\"physicalLocation\":{"
                                          "\"artifactLocation\":{\"index\":0,\"uri\":\"a%20b%FF.pkl\"},"
                                          "\"region\":{\"byteLength\":1,\"byteOffset\":7}}}]";
    const char *const paths[] = {"a b\xff.pkl", "/odd"};
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(1 << 20);
    json_t *files = sample_files(), *document = sarif_document(files, paths);

    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    CU_ASSERT_EQUAL(json_canonical_encode(document, &bytes), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&bytes, 0), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)bytes.data, expected_result));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)bytes.data, "\"uri\":\"file:///odd\""));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)bytes.data, "\"executionSuccessful\":false"));
    CU_ASSERT_PTR_NOT_NULL(strstr((char *)bytes.data, "Not scanned: source: the guest died"));
    json_decref(document);
    json_decref(files);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"verdicts", test_verdicts},
        {"what the host sees", test_host_rules},
        {"text", test_text},
        {"SARIF", test_sarif},
    };

    return harness_run("host: reports of scans", tests, HARNESS_COUNT(tests));
}
