/* SPDX-License-Identifier: Apache-2.0 */
/* The two state machines: a whole evaluation passes, and each step out of order does not. */
#include "unit/harness.h"
#include "unit/vsock-proto/wire/samples.h"
#include "wire/session.h"

#include <errno.h>
#include <string.h>

static const uint8_t nonce[SHA256_SIZE] = {9};

static struct message prediction(uint32_t check, uint32_t curve, uint32_t point, uint64_t first, uint32_t count)
{
    static const uint8_t classes[8] = {2, 0, 0, 0, 1, 0, 0, 0};

    return (struct message){.type = MESSAGE_PREDICTIONS,
                            .predictions = {.check = check,
                                            .curve = curve,
                                            .point = point,
                                            .first = first,
                                            .count = count,
                                            .classes = {.data = classes, .size = 4 * count}}};
}

static struct message done(uint32_t check)
{
    return (struct message){.type = MESSAGE_CHECK_DONE, .check_done = {.check = check}};
}

static int receive(struct session_host *session, struct message message)
{
    return session_host_receive(session, &message, NULL);
}

/* A host session that has just begun check `check`. */
static struct session_host checking(uint32_t check)
{
    struct session_host session;

    session_host_start(&session, sample_plan(), nonce);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[5]), 0);       /* GUEST_HELLO */
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[6]), -EPROTO); /* READY before IMPORT */
    CU_ASSERT_EQUAL(session_host_import(&session), 0);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[6]), 0); /* READY */
    CU_ASSERT_EQUAL(session_host_begin_check(&session, check), 0);
    return session;
}

/* fgsm's only table: of five samples none without a gradient. */
static struct message gradients(void)
{
    return (struct message){
        .type = MESSAGE_ROW,
        .row = {.check = 1, .table = ROWS_GRADIENTS, .natural_count = GRADIENTS_NATURALS, .naturals = {0, 5}}};
}

static void test_host_accepts_an_evaluation(void)
{
    struct session_host session = checking(0);

    for (uint64_t first = 0; first < 5; first += 2)
        CU_ASSERT_EQUAL(receive(&session, prediction(0, 0, 0, first, first == 4 ? 1 : 2)), 0);
    CU_ASSERT_EQUAL(receive(&session, done(0)), 0);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 1), 0);
    for (uint64_t first = 0; first < 5; first += 2) {
        uint32_t count = first == 4 ? 1 : 2;

        CU_ASSERT_EQUAL(receive(&session, prediction(1, 0, 0, first, count)), 0);
        CU_ASSERT_EQUAL(receive(&session, prediction(1, 0, 1, first, count)), 0);
        CU_ASSERT_EQUAL(receive(&session, prediction(1, 1, 0, first, count)), 0);
    }
    CU_ASSERT_EQUAL(receive(&session, done(1)), -EPROTO); /* before its row */
    CU_ASSERT_EQUAL(receive(&session, gradients()), 0);
    CU_ASSERT_EQUAL(receive(&session, done(1)), 0);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 2), 0);
    for (uint32_t label = 0; label < 3; label++) {
        struct message cluster = sample_messages()[9];

        cluster.cluster.label = label;
        CU_ASSERT_EQUAL(receive(&session, cluster), 0);
    }
    CU_ASSERT_EQUAL(receive(&session, done(2)), 0);
    CU_ASSERT_EQUAL(session_host_part(&session), 0);
    CU_ASSERT_EQUAL(receive(&session, (struct message){.type = MESSAGE_GOODBYE}), 0);
    CU_ASSERT_EQUAL(session.state, SESSION_HOST_ENDED);
}

static void test_host_refuses_greetings(void)
{
    struct session_host session;
    struct message hello = sample_messages()[5];

    session_host_start(&session, sample_plan(), nonce);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[6]), -EPROTO); /* READY before the greeting */
    hello.guest_hello.nonce[0] ^= 1;
    CU_ASSERT_EQUAL(receive(&session, hello), -EPROTO);
    hello = sample_messages()[5];
    hello.guest_hello.version++;
    CU_ASSERT_EQUAL(receive(&session, hello), -EPROTO);
    CU_ASSERT_EQUAL(session_host_begin_check(&session, 0), -EPROTO);
    CU_ASSERT_EQUAL(session_host_part(&session), -EPROTO);
    CU_ASSERT_EQUAL(session_host_import(&session), -EPROTO);
}

static void test_host_refuses_predictions(void)
{
    static const uint8_t wrong[8] = {3, 0, 0, 0, 1, 0, 0, 0}, negative[8] = {255, 255, 255, 255, 1, 0, 0, 0};
    struct session_host session = checking(0);
    struct message message;

    CU_ASSERT_EQUAL(receive(&session, prediction(1, 0, 0, 0, 2)), -EPROTO); /* another check */
    CU_ASSERT_EQUAL(receive(&session, prediction(0, 0, 1, 0, 2)), -EPROTO); /* another point */
    CU_ASSERT_EQUAL(receive(&session, prediction(0, 0, 0, 2, 2)), -EPROTO); /* a window skipped */
    CU_ASSERT_EQUAL(receive(&session, prediction(0, 0, 0, 0, 1)), -EPROTO); /* half a window */
    message = prediction(0, 0, 0, 0, 2);
    message.predictions.classes.data = wrong; /* class 3 of 3 */
    CU_ASSERT_EQUAL(receive(&session, message), -EPROTO);
    message.predictions.classes.data = negative;
    CU_ASSERT_EQUAL(receive(&session, message), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, done(0)), -EPROTO); /* before the predictions */
    CU_ASSERT_EQUAL(receive(&session, prediction(0, 0, 0, 0, 2)), 0);
    CU_ASSERT_EQUAL(receive(&session, prediction(0, 0, 0, 0, 2)), -EPROTO); /* twice */
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[9]), -EPROTO);      /* a cluster */
}

static void test_host_refuses_rows(void)
{
    struct session_host session = checking(1);
    struct message row = gradients();

    row.row.table = 1;
    CU_ASSERT_EQUAL(receive(&session, row), -EPROTO);
    row = gradients();
    row.row.natural_count = 1;
    CU_ASSERT_EQUAL(receive(&session, row), -EPROTO);
    row = gradients();
    row.row.real_count = 1;
    CU_ASSERT_EQUAL(receive(&session, row), -EPROTO);
    row = gradients();
    row.row.name = (struct message_text){.data = "x", .size = 1}; /* its table has no names */
    CU_ASSERT_EQUAL(receive(&session, row), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, gradients()), 0);
    CU_ASSERT_EQUAL(receive(&session, gradients()), -EPROTO); /* one row only */
    session = checking(0);
    row = gradients();
    row.row.check = 0;
    CU_ASSERT_EQUAL(receive(&session, row), -EPROTO); /* a check without tables */
}

static void test_host_takes_a_skipped_check(void)
{
    struct session_host session = checking(1);
    struct message skipped = done(1);

    skipped.check_done.skipped = (struct message_text){.data = "no gradient", .size = 11};
    CU_ASSERT_EQUAL(receive(&session, skipped), 0);
    session = checking(1);
    CU_ASSERT_EQUAL(receive(&session, prediction(1, 0, 0, 0, 2)), 0);
    CU_ASSERT_EQUAL(receive(&session, skipped), -EPROTO); /* results came already */
}

static void test_host_refuses_samples_not_asked(void)
{
    struct session_host session = checking(1);
    struct message sample = sample_messages()[8];

    sample.sample.sample = 1; /* the plan asks for one */
    CU_ASSERT_EQUAL(receive(&session, sample), -EPROTO);
    sample = sample_messages()[8];
    sample.sample.offset = 1;
    CU_ASSERT_EQUAL(receive(&session, sample), -EPROTO);
    sample.sample.offset = UINT64_MAX;
    CU_ASSERT_EQUAL(receive(&session, sample), -EPROTO);
    sample = sample_messages()[8];
    for (unsigned i = 0; i < 3; i++) /* three points of one sample */
        CU_ASSERT_EQUAL(receive(&session, sample), 0);
    CU_ASSERT_EQUAL(receive(&session, sample), -EPROTO); /* more than all of them */
}

/* One point in each of `zeros` and `ones`, of cluster 0 and 1. */
static struct message points(uint32_t label, enum plan_set_id set, unsigned zeros, unsigned ones)
{
    static uint8_t bytes[8 * POINTS_SIZE];

    memset(bytes, 0, sizeof bytes);
    for (unsigned i = zeros; i < zeros + ones; i++)
        bytes[i * POINTS_SIZE + 8] = 1;
    return (struct message){
        .type = MESSAGE_POINTS,
        .points = {
            .check = 2, .label = label, .set = set, .points = {.data = bytes, .size = (zeros + ones) * POINTS_SIZE}}};
}

/* The sample's clusters have 3 and 1 training samples, 2 and 0 test samples. */
static void test_host_judges_points(void)
{
    struct session_host session = checking(2);
    struct message cluster = sample_messages()[9];

    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TRAIN, 3, 1)), -EPROTO); /* before the class's cluster */
    CU_ASSERT_EQUAL(receive(&session, cluster), 0);
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TEST, 2, 0)), -EPROTO);  /* before the training set's */
    CU_ASSERT_EQUAL(receive(&session, points(1, PLAN_SET_TRAIN, 3, 1)), -EPROTO); /* another class */
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TRAIN, 2, 1)), -EPROTO); /* too few */
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TRAIN, 4, 1)), -EPROTO); /* too many */
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TRAIN, 2, 2)), -EPROTO); /* more than a cluster has */
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TRAIN, 3, 1)), 0);
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TRAIN, 3, 1)), -EPROTO); /* twice */
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TEST, 2, 0)), 0);
    CU_ASSERT_EQUAL(receive(&session, points(0, PLAN_SET_TEST, 2, 0)), -EPROTO);
    cluster.cluster.label = 1; /* none of class 1: they may be left out */
    cluster.cluster.outcome = MESSAGE_CLUSTER_TOO_SMALL;
    CU_ASSERT_EQUAL(receive(&session, cluster), 0);
    CU_ASSERT_EQUAL(receive(&session, points(1, PLAN_SET_TRAIN, 3, 1)), -EPROTO); /* a class without clusters */
}

static void test_how_many_points(void)
{
    CU_ASSERT_EQUAL(points_limit(10), POINTS_MAX);
    CU_ASSERT_EQUAL(points_limit(1000), 262);
    CU_ASSERT_EQUAL(points_limit(MESSAGE_CLASSES_MAX), 0);
    CU_ASSERT_EQUAL(points_limit(0), 0);
    CU_ASSERT_EQUAL(points_sent(512, 512), 512);
    CU_ASSERT_EQUAL(points_sent(513, 512), 257);
    CU_ASSERT_EQUAL(points_sent(1025, 512), 257);
    CU_ASSERT_EQUAL(points_sent(5, 0), 0);
    CU_ASSERT_EQUAL(points_sent(0, 512), 0);
}

static void test_host_refuses_clusters_that_cannot_be(void)
{
    struct session_host session = checking(2);
    struct message cluster = sample_messages()[9];

    cluster.cluster.label = 1;
    CU_ASSERT_EQUAL(receive(&session, cluster), -EPROTO);
    cluster = sample_messages()[9];
    cluster.cluster.sizes[0] = 4; /* 5 of 4 */
    CU_ASSERT_EQUAL(receive(&session, cluster), -EPROTO);
    cluster = sample_messages()[9];
    cluster.cluster.sizes[1] = 4; /* the smaller first */
    CU_ASSERT_EQUAL(receive(&session, cluster), -EPROTO);
    cluster = sample_messages()[9];
    cluster.cluster.indices[1][0] = 4; /* beyond the set */
    CU_ASSERT_EQUAL(receive(&session, cluster), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, done(2)), -EPROTO);
}

static void test_host_bounds_progress(void)
{
    struct session_host session = checking(1);
    struct message progress = sample_messages()[10];

    CU_ASSERT_EQUAL(receive(&session, progress), 0);
    progress.progress.done = 2;
    CU_ASSERT_EQUAL(receive(&session, progress), -EPROTO); /* backwards */
    progress.progress.done = 6;
    CU_ASSERT_EQUAL(receive(&session, progress), -EPROTO); /* beyond the end */
    progress.progress.done = 5;
    for (unsigned i = 1; i < SESSION_PROGRESS_MAX; i++)
        if (receive(&session, progress) != 0) {
            CU_FAIL("a report within the budget was refused");
            break;
        }
    CU_ASSERT_EQUAL(receive(&session, progress), -EPROTO); /* endless */
}

static void test_host_takes_failure_once(void)
{
    struct session_host session = checking(1);

    CU_ASSERT_EQUAL(receive(&session, sample_messages()[12]), 0);
    CU_ASSERT_EQUAL(session.state, SESSION_HOST_ENDED);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[12]), -EPROTO);
    CU_ASSERT_EQUAL(receive(&session, sample_messages()[0]), -EPROTO); /* the host's own HELLO */
}

/* --- the guest's side ------------------------------------------------------------------------- */

static int guest_receive(struct session_guest *session, struct message message)
{
    return session_guest_receive(session, &message, NULL);
}

static int guest_transfer(struct session_guest *session, struct message_transfer transfer, const uint8_t *bytes)
{
    struct message message = {.type = MESSAGE_TRANSFER, .transfer = transfer};
    int r = guest_receive(session, message);

    if (r < 0)
        return r;
    message = (struct message){.type = MESSAGE_CHUNK, .chunk = {.data = bytes, .size = (uint32_t)transfer.size}};
    r = guest_receive(session, message);
    if (r < 0)
        return r;
    message = (struct message){.type = MESSAGE_TRANSFER_END};
    sha256_of(bytes, transfer.size, message.transfer_end.sha256);
    return guest_receive(session, message);
}

static int begin(struct session_guest *session, uint32_t check)
{
    return guest_receive(session, (struct message){.type = MESSAGE_CHECK, .check = {.index = check}});
}

static const uint8_t bytes[256] = {5};
static struct plan guest_plan;

static struct session_guest loaded(void)
{
    struct session_guest session;

    guest_plan = *sample_plan();
    sha256_of(bytes, guest_plan.model_size, guest_plan.model_sha256);
    session_guest_start(&session);
    CU_ASSERT_EQUAL(session_guest_plan(&session, &guest_plan), -EPROTO); /* before HELLO */
    CU_ASSERT_EQUAL(guest_receive(&session, sample_messages()[0]), 0);
    CU_ASSERT_EQUAL(session_guest_plan(&session, &guest_plan), 0);
    CU_ASSERT_EQUAL(guest_transfer(&session, (struct message_transfer){.size = 12}, bytes), 0);
    CU_ASSERT_EQUAL(session.state, SESSION_GUEST_LOADED);
    CU_ASSERT_EQUAL(begin(&session, 0), -EPROTO); /* before the import */
    CU_ASSERT_EQUAL(session_guest_imported(&session), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, (struct message){.type = MESSAGE_IMPORT}), 0);
    CU_ASSERT_EQUAL(begin(&session, 0), -EPROTO); /* before READY */
    CU_ASSERT_EQUAL(session_guest_imported(&session), 0);
    CU_ASSERT_EQUAL(session.state, SESSION_GUEST_IDLE);
    return session;
}

static struct message_transfer window(enum plan_set_id set, uint64_t first, uint32_t count)
{
    return (struct message_transfer){.kind = MESSAGE_TRANSFER_WINDOW,
                                     .set = set,
                                     .first = first,
                                     .count = count,
                                     .size = count * (16u + (set == PLAN_SET_TRAIN ? 4u : 0u))};
}

static void test_guest_walks_its_sets(void)
{
    struct session_guest session = loaded();

    for (uint32_t check = 0; check < 3; check++) {
        CU_ASSERT_EQUAL(begin(&session, check), 0);
        if (check == 2)
            CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TRAIN, 0, 4), bytes), 0);
        CU_ASSERT_EQUAL(session_guest_check_done(&session), -EPROTO);
        CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TEST, 0, 2), bytes), 0);
        CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TEST, 2, 2), bytes), 0);
        CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TEST, 4, 1), bytes), 0);
        CU_ASSERT_EQUAL(session.state, SESSION_GUEST_COMPUTING);
        CU_ASSERT_EQUAL(session_guest_check_done(&session), 0);
    }
    CU_ASSERT_EQUAL(begin(&session, 3), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, (struct message){.type = MESSAGE_BYE}), 0);
    CU_ASSERT_EQUAL(session.state, SESSION_GUEST_ENDED);
}

static void test_guest_refuses_wrong_windows(void)
{
    struct session_guest session = loaded();

    CU_ASSERT_EQUAL(begin(&session, 1), -EPROTO);                                           /* not the next */
    CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TEST, 0, 2), bytes), -EPROTO); /* no check */
    CU_ASSERT_EQUAL(begin(&session, 0), 0);
    CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TRAIN, 0, 4), bytes), -EPROTO);
    CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TEST, 2, 2), bytes), -EPROTO);
    CU_ASSERT_EQUAL(guest_transfer(&session, window(PLAN_SET_TEST, 0, 1), bytes), -EPROTO);
    CU_ASSERT_EQUAL(guest_receive(&session, (struct message){.type = MESSAGE_BYE}), -EPROTO);
}

static void test_guest_checks_digests(void)
{
    struct session_guest session = loaded();
    struct message end = {.type = MESSAGE_TRANSFER_END};
    struct message chunk = {.type = MESSAGE_CHUNK, .chunk = {.data = bytes, .size = 31}};

    CU_ASSERT_EQUAL(begin(&session, 0), 0);
    CU_ASSERT_EQUAL(
        guest_receive(&session, (struct message){.type = MESSAGE_TRANSFER, .transfer = window(PLAN_SET_TEST, 0, 2)}),
        0);
    CU_ASSERT_EQUAL(guest_receive(&session, chunk), 0);
    sha256_of(bytes, 32, end.transfer_end.sha256);
    CU_ASSERT_EQUAL(guest_receive(&session, end), -EPROTO); /* a byte short */
    chunk.chunk.size = 2;
    CU_ASSERT_EQUAL(guest_receive(&session, chunk), -EPROTO); /* a byte over */
    chunk.chunk.size = 1;
    CU_ASSERT_EQUAL(guest_receive(&session, chunk), 0);
    CU_ASSERT_EQUAL(guest_receive(&session, end), -EBADMSG); /* byte 31 was another */
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"host accepts a whole evaluation", test_host_accepts_an_evaluation},
        {"host refuses false greetings", test_host_refuses_greetings},
        {"host refuses predictions out of place", test_host_refuses_predictions},
        {"host refuses rows out of their table", test_host_refuses_rows},
        {"host takes a skipped check", test_host_takes_a_skipped_check},
        {"host refuses samples not asked for", test_host_refuses_samples_not_asked},
        {"host judges points", test_host_judges_points},
        {"how many points come", test_how_many_points},
        {"host refuses clusters that can't be", test_host_refuses_clusters_that_cannot_be},
        {"host bounds progress", test_host_bounds_progress},
        {"host takes one failure", test_host_takes_failure_once},
        {"guest walks its sets", test_guest_walks_its_sets},
        {"guest refuses wrong windows", test_guest_refuses_wrong_windows},
        {"guest checks digests", test_guest_checks_digests},
    };

    return harness_run("wire: sessions", tests, HARNESS_COUNT(tests));
}
