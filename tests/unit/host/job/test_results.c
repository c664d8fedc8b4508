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

    CU_ASSERT_EQUAL_FATAL(results_create(sample_plan(), NULL, &results, NULL), 0);
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

/* The guest says how many classes there are; the host's memory is not sized by that. */
static void test_clusters_are_bounded(void)
{
    struct message message = {.type = MESSAGE_READY, .ready = {.classes = MESSAGE_CLASSES_MAX}};
    CLEANUP_RESULTS struct results *results = NULL;
    struct error error = {0};
    int r = 0;

    CU_ASSERT_EQUAL_FATAL(results_create(sample_plan(), NULL, &results, NULL), 0);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    message = (struct message){.type = MESSAGE_CLUSTER, .cluster = {.check = 2}};
    for (; r == 0 && message.cluster.label < MESSAGE_CLASSES_MAX; message.cluster.label++)
        r = results_take(results, &message, &error);
    CU_ASSERT_EQUAL(r, -EMSGSIZE);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    CU_ASSERT(results->cluster_bytes <= RESULTS_CLUSTERS_BYTES_MAX);
    CU_ASSERT(message.cluster.label > 25000); /* as many as any data set has */
}

static void test_points(void)
{
    static const uint8_t bytes[POINTS_SIZE];
    CLEANUP_RESULTS struct results *results = ready();
    struct message message = {.type = MESSAGE_POINTS,
                              .points = {.check = 2, .set = PLAN_SET_TEST, .points = {bytes, sizeof bytes}}};

    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    CU_ASSERT_EQUAL(results->checks[2].drawn[0].sizes[1], sizeof bytes);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG); /* twice */
    message.points.label = 3;
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG); /* no class */
    message.points = (struct message_points){.check = 3};
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG); /* no check */
}

/* A collector that was taken over sends each class as many points as a class may have at all. */
static void test_points_are_bounded(void)
{
    static const uint8_t bytes[POINTS_MAX * POINTS_SIZE];
    const uint32_t classes = 4096, share = POINTS_TOTAL_MAX / classes;
    struct message message = {.type = MESSAGE_READY, .ready = {.classes = classes}};
    CLEANUP_RESULTS struct results *results = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(results_create(sample_plan(), NULL, &results, NULL), 0);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    message = (struct message){.type = MESSAGE_POINTS,
                               .points = {.check = 2, .set = PLAN_SET_TEST, .points = {bytes, share * POINTS_SIZE}}};
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    message.points.label = 1;
    message.points.points.size = (share + 1) * POINTS_SIZE;
    CU_ASSERT_EQUAL(results_take(results, &message, &error), -EBADMSG);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    message.points.points.size = POINTS_SIZE;
    message.points.check = 1; /* which clusters nothing */
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
}

/* --- tables ---------------------------------------------------------------------------------------- */

static struct message gradients(void)
{
    return (struct message){
        .type = MESSAGE_ROW,
        .row = {.check = 1, .table = ROWS_GRADIENTS, .natural_count = GRADIENTS_NATURALS, .naturals = {2, 5}}};
}

static void test_rows(void)
{
    CLEANUP_RESULTS struct results *results = ready();
    struct message message = gradients();
    const struct results_table *table = &results->checks[1].tables[ROWS_GRADIENTS];

    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    CU_ASSERT(table->count == 1 && table->rows[0].natural_count == GRADIENTS_NATURALS);
    CU_ASSERT(table->rows[0].naturals[GRADIENTS_ZERO] == 2 && table->rows[0].naturals[GRADIENTS_SAMPLES] == 5);
    CU_ASSERT_STRING_EQUAL(table->rows[0].name, "");
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG); /* the table has one row */
    message.row.check = 0;                                            /* clean accuracy has no table */
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
    message.row.check = 3;
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
}

typedef void change(struct message_row *row);

static void change_table(struct message_row *row)
{
    row->table = 1;
}
static void change_naturals(struct message_row *row)
{
    row->natural_count = GRADIENTS_NATURALS + 1;
}
static void change_few(struct message_row *row)
{
    row->natural_count = 1;
}
static void change_reals(struct message_row *row)
{
    row->real_count = 1;
}
static void change_name(struct message_row *row)
{
    row->name = (struct message_text){.data = "x", .size = 1};
}

/* What a broken collector might pass on. */
static void test_rows_refused(void)
{
    static change *const changes[] = {change_table, change_naturals, change_few, change_reals, change_name};

    for (size_t i = 0; i < HARNESS_COUNT(changes); i++) {
        CLEANUP_RESULTS struct results *results = ready();
        struct message message = gradients();

        changes[i](&message.row);
        CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
        CU_ASSERT_EQUAL(results->checks[1].tables[0].count, 0);
    }
}

/* The plan with its first attack turned into a comparison of weights, whose table has no number of rows. */
static void test_named_rows(void)
{
    static const char name[] = "conv\x1b[31m.weight";
    struct plan plan = *sample_plan();
    struct message message = {.type = MESSAGE_READY, .ready = {.classes = 3}};
    struct results *results = NULL;
    int r = 0;

    plan.checks[1] = (struct plan_check){.id = PLAN_WEIGHT_DRIFT, .version = 1};
    CU_ASSERT_EQUAL_FATAL(results_create(&plan, NULL, &results, NULL), 0);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    message = (struct message){.type = MESSAGE_ROW,
                               .row = {.check = 1,
                                       .table = ROWS_TENSORS,
                                       .name = {.data = name, .size = sizeof name - 1},
                                       .natural_count = TENSORS_NATURALS,
                                       .real_count = TENSORS_REALS,
                                       .reals = {0.5, 0.25}}};
    for (unsigned i = 0; r == 0 && i < ROWS_ANY_MAX; i++)
        r = results_take(results, &message, NULL);
    CU_ASSERT_EQUAL(r, 0);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
    CU_ASSERT_EQUAL(results->checks[1].tables[0].count, ROWS_ANY_MAX);
    CU_ASSERT_STRING_EQUAL(results->checks[1].tables[0].rows[ROWS_ANY_MAX - 1].name, "conv\\x1b[31m.weight");
    CU_ASSERT_EQUAL(results->checks[1].tables[0].rows[ROWS_ANY_MAX - 1].reals[TENSORS_P], 0.25);
    message.row.name.size = 0; /* a tensor has a name */
    results->checks[1].tables[0].count--;
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
    free((void *)(uintptr_t)results->checks[1].tables[0].rows[ROWS_ANY_MAX - 1].naturals);
    results_free(results);
}

/* --- the end of a check ------------------------------------------------------------------------------ */

static void test_skipped(void)
{
    static const char reason[] = "no \x1b[2J gradient";
    CLEANUP_RESULTS struct results *results = ready();
    struct message message = {.type = MESSAGE_CHECK_DONE,
                              .check_done = {.check = 1, .skipped = {.data = reason, .size = sizeof reason - 1}}};
    struct error error = {0};

    CU_ASSERT_EQUAL(results_check_samples(results, 1, &error), -EPROTO);
    CU_ASSERT_EQUAL(results_take(results, &message, NULL), 0);
    CU_ASSERT_STRING_EQUAL(results->checks[1].skipped, "no \\x1b[2J gradient");
    CU_ASSERT(results->checks[1].done);
    CU_ASSERT_EQUAL(results_check_samples(results, 1, &error), 0); /* a skipped check has none to bring */
}

/* What is here was measured by the first READY: a second one, with more classes, would outgrow it. */
static void test_ready_once(void)
{
    CLEANUP_RESULTS struct results *results = ready();
    struct message message = {.type = MESSAGE_READY, .ready = {.classes = 1000}};

    CU_ASSERT_EQUAL(results_take(results, &message, NULL), -EBADMSG);
    CU_ASSERT_EQUAL(results->classes, 3);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"predictions", test_predictions},
        {"adversarial samples", test_samples},
        {"clusters", test_clusters},
        {"clusters are bounded", test_clusters_are_bounded},
        {"points are kept for the drawing", test_points},
        {"points are bounded", test_points_are_bounded},
        {"rows", test_rows},
        {"rows that are refused", test_rows_refused},
        {"rows with names", test_named_rows},
        {"a skipped check", test_skipped},
        {"one READY", test_ready_once},
    };

    return harness_run("results", tests, HARNESS_COUNT(tests));
}
