/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a job list: what is a job, and what is said of what is none. */
#include "unit/harness.h"

#include "host/farm/job_line.h"
#include "host/farm/queue.h"
#include "host/json/reader.h"

#include <stdio.h>
#include <string.h>

static int parse(const char *text, const json_t *defaults, struct job_line *ret_line, struct error *err)
{
    return job_line_parse(text, strlen(text), "list: line 7", defaults, "/models", ret_line, err);
}

static void test_whole_line(void)
{
    CLEANUP_JOB_LINE struct job_line line = {0};
    struct error error = {0};
    int r = parse("{\"id\":\"a-1.b_2\",\"model\":\"m.onnx\",\"test\":\"t.npz\",\"spec\":\"s.yaml\",\"train\":\"u.npz\","
                  "\"reference\":\"r.onnx\",\"policy\":\"high\",\"priority\":-3,\"memory\":512}",
                  NULL, &line, &error);

    CU_ASSERT_EQUAL_FATAL(r, 0);
    CU_ASSERT_STRING_EQUAL(line.id, "a-1.b_2");
    CU_ASSERT_EQUAL(line.priority, -3);
    CU_ASSERT_EQUAL(line.memory_mib, 512);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(line.object, JOB_FOLDER)), "/models");
}

static void test_defaults_fill_gaps(void)
{
    CLEANUP_JSON json_t *defaults = json_pack("{s:s,s:s}", "test", "all.npz", "policy", "low");
    CLEANUP_JOB_LINE struct job_line line = {0};
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(parse("{\"id\":\"a\",\"model\":\"m\",\"policy\":\"high\"}", defaults, &line, &error), 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(line.object, "test")), "all.npz");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(line.object, "policy")), "high");
}

/* The same job, written otherwise, is the same description: a list given twice adds nothing. */
static void test_description_is_canonical(void)
{
    const char *texts[] = {"{\"id\":\"a\",\"model\":\"m\",\"test\":\"t\"}",
                           " { \"test\" : \"t\", \"model\":\"\\u006d\", \"id\":\"a\" } "};
    char *descriptions[2] = {0};

    for (unsigned i = 0; i < 2; i++) {
        CLEANUP_JOB_LINE struct job_line line = {0};
        CLEANUP_BUFFER struct buffer text = buffer_with_limit(QUEUE_DESCRIPTION_MAX);
        struct error error = {0};

        CU_ASSERT_EQUAL_FATAL(parse(texts[i], NULL, &line, &error), 0);
        CU_ASSERT_EQUAL_FATAL(job_line_describe(&line, &text), 0);
        descriptions[i] = strdup((const char *)text.data);
    }
    CU_ASSERT_STRING_EQUAL(descriptions[0], descriptions[1]);
    free(descriptions[0]);
    free(descriptions[1]);
}

static void test_bad_lines(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{", "line 7"},
        {"[]", "line 7"},
        {"{\"id\":\"a\"} {}", "line 7"},
        {"{\"id\":\"a\",\"model\":\"m\"}", "test: missing"},
        {"{\"model\":\"m\",\"test\":\"t\"}", "job.id"},
        {"{\"id\":\"\",\"model\":\"m\",\"test\":\"t\"}", "job.id"},
        {"{\"id\":\"../a\",\"model\":\"m\",\"test\":\"t\"}", "job.id"},
        {"{\"id\":\".a\",\"model\":\"m\",\"test\":\"t\"}", "job.id"},
        {"{\"id\":\"a b\",\"model\":\"m\",\"test\":\"t\"}", "job.id"},
        {"{\"id\":7,\"model\":\"m\",\"test\":\"t\"}", "job.id"},
        {"{\"id\":\"a\",\"model\":[],\"test\":\"t\"}", "job.model"},
        {"{\"id\":\"a\",\"model\":\"m\\u0000\",\"test\":\"t\"}", "line 7"},
        {"{\"id\":\"a\",\"model\":\"m\",\"test\":\"t\",\"priority\":1001}", "priority"},
        {"{\"id\":\"a\",\"model\":\"m\",\"test\":\"t\",\"priority\":1.5}", "line 7"},
        {"{\"id\":\"a\",\"model\":\"m\",\"test\":\"t\",\"memory\":1}", "memory"},
        {"{\"id\":\"a\",\"model\":\"m\",\"test\":\"t\",\"modell\":\"x\"}", "modell"},
        {"{\"id\":\"a\",\"id\":\"b\",\"model\":\"m\",\"test\":\"t\"}", "line 7"},
        {"{\"id\":\"a\",\"folder\":\"/etc\",\"model\":\"m\",\"test\":\"t\"}", "folder"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CLEANUP_JOB_LINE struct job_line line = {0};
        struct error error = {0};

        CU_ASSERT(parse(bad[i].text, NULL, &line, &error) < 0);
        CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
        if (strstr(error.text, bad[i].says) == NULL)
            (void)printf("%s: says \"%s\", not of %s\n", bad[i].text, error.text, bad[i].says);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, bad[i].says));
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"a whole line", test_whole_line},
        {"defaults fill gaps", test_defaults_fill_gaps},
        {"descriptions are canonical", test_description_is_canonical},
        {"bad lines", test_bad_lines},
    };

    return harness_run("host-farm-lines", tests, HARNESS_COUNT(tests));
}
