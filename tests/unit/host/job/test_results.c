/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest answered is filed where it belongs; what contradicts the plan is refused even from the collector. */
#include "host/job/results.h"
#include "unit/harness.h"
#include "unit/vsock-proto/wire/samples.h"

#include <errno.h>
#include <string.h>

static struct results *ready(void)
{
    struct message message = {.type = MESSAGE_READY, .ready = {.classes = 3}};
    struct results *results = NULL;

    CU_ASSERT_EQUAL_FATAL(results_create(sample_plan(), &results, NULL), 0);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    return results;
}

static struct message predictions(uint32_t check, uint32_t point, uint64_t first)
{
    static const uint8_t classes[8] = {2, 0, 0, 0, 1, 0, 0, 0};

    return (struct message){.type = MESSAGE_PREDICTIONS,
                            .predictions = {.check = check,
                                            .point = point,
                                            .first = first,
                                            .count = 2,
                                            .classes = {.data = classes, .size = sizeof classes}}};
}

static void test_predictions(void)
{
    CLEANUP_RESULTS struct results *results = ready();
    struct message message = predictions(1, 1, 2);

    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    CU_ASSERT_EQUAL(results->checks[1].points[0][1].predictions[2], 2);
    CU_ASSERT_EQUAL(results->checks[1].points[0][1].predictions[3], 1);
    message = predictions(1, 1, 4); /* the set has five samples */
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
    message = predictions(1, 1, UINT64_MAX);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
    message = predictions(0, 1, 0); /* clean accuracy has one point */
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
    message = predictions(7, 0, 0);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
}

static void test_samples(void)
{
    static const float values[4] = {1, 2, 3, 4};
    CLEANUP_RESULTS struct results *results = ready();
    struct message message = {.type = MESSAGE_SAMPLE,
                              .sample = {.check = 1, .elements = {.data = (const uint8_t *)values, .size = 8}}};
    struct error error = {0};

    CU_ASSERT_EQUAL(results->sample_count, 1);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EPROTO); /* the first piece again */
    CU_ASSERT_EQUAL(results_check_samples(results, 1, &error), -EPROTO);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    message.sample.offset = 2;
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    CU_ASSERT_EQUAL(results->checks[1].points[0][0].samples[3], 2);
    CU_ASSERT_EQUAL(results_check_samples(results, 1, &error), -EPROTO); /* the other points */
    message.sample.offset = 3;
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG); /* beyond the input's end */
    CU_ASSERT_EQUAL(results_check_samples(results, 0, &error), 0);    /* a check without any */
}

static void test_clusters(void)
{
    CLEANUP_RESULTS struct results *results = ready();
    struct message message = sample_messages()[9];

    for (uint32_t label = 0; label < 3; label++) {
        message.cluster.label = label;
        CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
        CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG); /* twice */
    }
    CU_ASSERT_EQUAL(results->checks[2].cluster_count, 3);
    message.cluster.label = 3;
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"predictions", test_predictions},
        {"adversarial samples", test_samples},
        {"clusters", test_clusters},
    };

    return harness_run("results", tests, HARNESS_COUNT(tests));
}
