/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every type of message in every state of a session, straight against the collector: what PROTOCOL.md, section 6, lets
 * come is passed on; all else ends the collector with the guest to blame.
 */
#include "base/io.h"
#include "host/collect/collector.h"
#include "unit/harness.h"
#include "unit/vsock-proto/wire/samples.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LIMIT     ((size_t)2 * FRAME_PAYLOAD_MAX)
#define DEADLINE  io_deadline_ms(5000)
#define FILE_SIZE 300000u /* of the scanned file: the sample READ lies within */
#define ALLOW_MAX 6u

static const uint8_t nonce[SHA256_SIZE] = {9};

/* One session under way. */
struct talk {
    struct collector *collector;
    int guest;
};

static const struct message *sample_of(unsigned type)
{
    for (unsigned i = 0; i < SAMPLES_COUNT; i++)
        if (sample_messages()[i].type == type)
            return &sample_messages()[i];
    return NULL;
}

static void say(const struct talk *talk, const struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);

    CU_ASSERT_EQUAL(message_encode(message, &frame), 0);
    CU_ASSERT_EQUAL(io_write_full(talk->guest, frame.data, frame.size, DEADLINE), 0);
}

/* Says it, and the collector takes it. */
static void pass(const struct talk *talk, const struct message *message)
{
    struct message taken;

    say(talk, message);
    CU_ASSERT_EQUAL(collector_next(talk->collector, DEADLINE, &taken, NULL), 0);
    CU_ASSERT_EQUAL(taken.type, message->type);
}

/* --- the states: how each is reached ---------------------------------------------------------------------- */

static void reach_greeting(const struct talk *talk)
{
    (void)talk;
}

static void reach_loading(const struct talk *talk)
{
    pass(talk, sample_of(MESSAGE_GUEST_HELLO));
}

static void reach_importing(const struct talk *talk)
{
    reach_loading(talk);
    CU_ASSERT_EQUAL(collector_import(talk->collector, NULL), 0);
}

static void reach_idle(const struct talk *talk)
{
    reach_importing(talk);
    pass(talk, sample_of(MESSAGE_READY));
}

/* Checks before the wanted one are skipped by the guest's word. */
static void reach_check(const struct talk *talk, uint32_t check)
{
    reach_idle(talk);
    for (uint32_t i = 0; i <= check; i++) {
        struct message done = {.type = MESSAGE_CHECK_DONE,
                               .check_done = {.check = i, .skipped = {.data = "no", .size = 2}}};

        CU_ASSERT_EQUAL(collector_begin_check(talk->collector, i, NULL), 0);
        if (i < check)
            pass(talk, &done);
    }
}

static void reach_accuracy(const struct talk *talk)
{
    reach_check(talk, 0);
}

static void reach_attack(const struct talk *talk)
{
    reach_check(talk, 1);
}

static void reach_clustering(const struct talk *talk)
{
    reach_check(talk, 2);
}

static void reach_serving(const struct talk *talk)
{
    reach_loading(talk);
    CU_ASSERT_EQUAL(collector_begin_scan(talk->collector, 0, FILE_SIZE, NULL), 0);
}

static void reach_served(const struct talk *talk)
{
    const struct message done = {.type = MESSAGE_SCAN_DONE, .scan_done = {.verdict = SCAN_ALLOWED}};

    reach_serving(talk);
    pass(talk, &done);
}

static void reach_parting(const struct talk *talk)
{
    reach_idle(talk);
    CU_ASSERT_EQUAL(collector_part(talk->collector, NULL), 0);
}

static const struct state {
    const char *name;
    void (*reach)(const struct talk *talk);
    bool scans; /* a session without a plan */
    uint32_t check;
    enum message_type allowed[ALLOW_MAX]; /* besides FAILURE, which may always come */
} states[] = {
    {"greeting", reach_greeting, false, 0, {MESSAGE_GUEST_HELLO}},
    {"loading", reach_loading, false, 0, {0}},
    {"importing", reach_importing, false, 0, {MESSAGE_READY}},
    {"idle", reach_idle, false, 0, {0}},
    {"accuracy", reach_accuracy, false, 0, {MESSAGE_PREDICTIONS, MESSAGE_PROGRESS}},
    {"attack", reach_attack, false, 1, {MESSAGE_PREDICTIONS, MESSAGE_SAMPLE, MESSAGE_PROGRESS}},
    {"clustering", reach_clustering, false, 2, {MESSAGE_CLUSTER, MESSAGE_PROGRESS}},
    {"a file before the greeting", reach_greeting, true, 0, {MESSAGE_GUEST_HELLO}},
    {"serving", reach_serving, true, 0, {MESSAGE_READ, MESSAGE_FINDING, MESSAGE_COVERAGE}},
    {"served", reach_served, true, 0, {0}},
    {"parting", reach_parting, false, 0, {MESSAGE_GOODBYE}},
};

static bool is_allowed(const struct state *state, unsigned type)
{
    bool found = type == MESSAGE_FAILURE;

    for (unsigned i = 0; i < ALLOW_MAX; i++)
        if (state->allowed[i] != 0 && state->allowed[i] == type)
            found = true;
    return found;
}

/* The sample of a type, of the check under way; a type without one is an empty array. */
static void say_type(const struct talk *talk, const struct state *state, unsigned type)
{
    static const uint8_t empty[] = {0x90};
    const struct frame_header header = {.type = (uint8_t)type, .size = sizeof empty};
    const struct message *sample = sample_of(type);
    struct message message;

    if (sample == NULL) {
        CU_ASSERT_EQUAL(frame_write(talk->guest, DEADLINE, &header, empty, NULL), 0);
        return;
    }
    message = *sample;
    switch (message.type) {
    case MESSAGE_PREDICTIONS:
    case MESSAGE_SAMPLE:
    case MESSAGE_CLUSTER:
    case MESSAGE_PROGRESS:
    case MESSAGE_CHECK_DONE:
    case MESSAGE_ROW:
    case MESSAGE_POINTS: /* in each the check comes first */
        message.predictions.check = state->check;
        break;
    default:
        break;
    }
    say(talk, &message);
}

static void try_type(const struct state *state, unsigned type)
{
    struct talk talk = {0};
    struct message message;
    struct error error = {0};
    int pair[2], r;

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    CU_ASSERT_EQUAL_FATAL(collector_prepare(&talk.collector, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(collector_start(talk.collector, pair[0], state->scans ? NULL : sample_plan(), nonce, NULL),
                          0);
    (void)close(pair[0]);
    talk.guest = pair[1];
    state->reach(&talk);
    say_type(&talk, state, type);
    r = collector_next(talk.collector, DEADLINE, &message, &error);
    if ((r == 0) != is_allowed(state, type) || (r < 0 && error.kind != ERROR_GUEST) ||
        (r < 0 && strstr(error.text, "the guest broke the protocol") == NULL))
        (void)printf("%s: type 0x%02x: %d %s\n", state->name, type, r, error.text);
    CU_ASSERT_EQUAL(r == 0, is_allowed(state, type));
    if (r < 0) {
        CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "the guest broke the protocol"));
    }
    (void)close(talk.guest);
    collector_free(talk.collector);
}

/* All that are known, to either side, and some that are not. */
static void test_every_type_in_every_state(void)
{
    static const unsigned strangers[] = {0x00, 0x0b, 0x7f, 0x80, 0x90, 0xff};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        for (unsigned type = MESSAGE_HELLO; type <= MESSAGE_UNREADABLE; type++)
            try_type(&states[i], type);
        for (unsigned type = MESSAGE_GUEST_HELLO; type <= MESSAGE_POINTS; type++)
            try_type(&states[i], type);
        for (size_t j = 0; j < sizeof strangers / sizeof strangers[0]; j++)
            try_type(&states[i], strangers[j]);
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"every type of message in every state", test_every_type_in_every_state},
    };

    return harness_run("order", tests, HARNESS_COUNT(tests));
}
