/* SPDX-License-Identifier: Apache-2.0 */
/* A replay's plan against the signed one: what differs is named, what never changes a result is passed over. */
#include "host/replay/review.h"

#include "host/json/reader.h"
#include "unit/harness.h"

#include <errno.h>
#include <string.h>

static json_t *recorded_plan(void)
{
    return json_pack("{s:i, s:s, s:{s:s, s:s}, s:n, s:[{s:s, s:i}, {s:s, s:i, s:i, s:[s, s]}], s:{s:i, s:i, s:s}}",
                     "format", 1, "arithmetic", "fma", "model", "name", "a.onnx", "sha256", "00", "reference", "checks",
                     "id", "clean-accuracy", "version", 1, "id", "fgsm", "version", 2, "samples", 9, "eps", "0.1",
                     "0.2", "machine", "memoryMib", 384, "vcpus", 2, "kernels", "");
}

static void test_equal(void)
{
    CLEANUP_JSON json_t *recorded = recorded_plan(), *planned = recorded_plan();
    struct error err = {0};

    (void)json_object_set_new(json_object_get(planned, "model"), "name", json_string("b.onnx"));
    (void)json_object_set_new(json_object_get(planned, "machine"), "vcpus", json_integer(8));
    CU_ASSERT_EQUAL(review_compare(recorded, planned, "lazaret 1", &err), 0);
}

static void test_version(void)
{
    CLEANUP_JSON json_t *recorded = recorded_plan(), *planned = recorded_plan();
    struct error err = {0};

    (void)json_object_set_new(json_array_get(json_object_get(planned, "checks"), 1), "version", json_integer(3));
    CU_ASSERT_EQUAL(review_compare(recorded, planned, "lazaret 1", &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "fgsm version 3, the record has version 2"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "lazaret 1"));
}

static void test_other(void)
{
    CLEANUP_JSON json_t *recorded = recorded_plan(), *planned = recorded_plan();
    json_t *fgsm = json_array_get(json_object_get(planned, "checks"), 1);
    struct error err = {0};

    (void)json_array_set_new(json_object_get(fgsm, "eps"), 1, json_string("0.3"));
    CU_ASSERT_EQUAL(review_compare(recorded, planned, "lazaret 1", &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "checks[fgsm].eps[1] is \"0.2\" in the record's plan.json and \"0.3\" here"));
    (void)json_array_remove(json_object_get(planned, "checks"), 1);
    CU_ASSERT_EQUAL(review_compare(recorded, planned, "lazaret 1", &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(absent) here"));
}

static void test_adopt(void)
{
    CLEANUP_JSON json_t *recorded = recorded_plan();
    struct job_options options = {.samples = 0}, given = {.memory_mib = 200};
    struct error err = {0};

    CU_ASSERT_EQUAL(review_adopt(recorded, &options, &err), 0);
    CU_ASSERT_EQUAL(options.arithmetic, JOB_ARITHMETIC_FMA);
    CU_ASSERT_EQUAL(options.samples, 9);
    CU_ASSERT_EQUAL(options.memory_mib, 384);
    CU_ASSERT_EQUAL(review_adopt(recorded, &given, &err), 0);
    CU_ASSERT_EQUAL(given.memory_mib, 200);
    (void)json_object_del(recorded, "arithmetic");
    CU_ASSERT_EQUAL(review_adopt(recorded, &options, &err), -EBADMSG);
}

int main(void)
{
    static const struct harness_test tests[] = {{"equal plans", test_equal},
                                                {"another version", test_version},
                                                {"another plan", test_other},
                                                {"adopt", test_adopt}};

    return harness_run("host replay", tests, HARNESS_COUNT(tests));
}
