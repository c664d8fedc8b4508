/* SPDX-License-Identifier: Apache-2.0 */
/* Records survive the way to the monitor and nothing else does; the collector passes on, refuses, and dies with a
 * reason. */
#include "base/io.h"
#include "host/collect/collector.h"
#include "host/collect/record.h"
#include "unit/harness.h"
#include "unit/vsock-proto/wire/samples.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LIMIT      ((size_t)2 * FRAME_PAYLOAD_MAX)
#define DEADLINE   io_deadline_ms(5000)
#define FROM_GUEST 5u /* the first of the samples that the guest sends */

static const uint8_t nonce[SHA256_SIZE] = {9};

/* A message becomes a record, crosses a socket, and becomes the same message: its frame is the same bytes. */
static void test_records_survive(void)
{
    int pair[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (unsigned i = FROM_GUEST; i < SAMPLES_GUEST_END; i++) {
        CLEANUP_BUFFER struct buffer storage = buffer_with_limit(LIMIT), received = buffer_with_limit(LIMIT);
        CLEANUP_BUFFER struct buffer before = buffer_with_limit(LIMIT), after = buffer_with_limit(LIMIT);
        struct message message, sent = sample_messages()[i];
        struct record record;

        if (sent.type == MESSAGE_GUEST_HELLO)
            memset(sent.guest_hello.nonce, 0, SHA256_SIZE); /* the collector has compared it */
        CU_ASSERT_EQUAL(record_from_message(&sent, &storage, &record), 0);
        CU_ASSERT_EQUAL(record_write(pair[0], &record, DEADLINE), 0);
        CU_ASSERT_EQUAL(record_read(pair[1], &received, &record, DEADLINE), 0);
        CU_ASSERT_EQUAL_FATAL(record_to_message(&record, &message), 0);
        CU_ASSERT_EQUAL(message_encode(&sent, &before), 0);
        CU_ASSERT_EQUAL(message_encode(&message, &after), 0);
        CU_ASSERT(before.size == after.size && memcmp(before.data, after.data, before.size) == 0);
    }
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* A header with any byte at its worst is refused or stays within the limits. */
static void test_records_are_bounded(void)
{
    for (unsigned at = 0; at < RECORD_HEADER_SIZE; at++) {
        CLEANUP_BUFFER struct buffer received = buffer_with_limit(LIMIT);
        uint8_t header[RECORD_HEADER_SIZE] = {MESSAGE_CLUSTER};
        struct message message;
        struct record record;
        int pair[2], r;

        header[at] = 0xff;
        CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        CU_ASSERT_EQUAL(io_write_full(pair[0], header, sizeof header, DEADLINE), 0);
        (void)close(pair[0]);
        r = record_read(pair[1], &received, &record, DEADLINE);
        CU_ASSERT(r == 0 || r == -EBADMSG || r == -ECONNRESET);
        if (r == 0 && record_to_message(&record, &message) == 0)
            CU_ASSERT(message.cluster.index_count[0] <= MESSAGE_INDICES_MAX);
        (void)close(pair[1]);
    }
}

/* A row whose figures are no figures is refused on arrival: the collector may have been taken over. */
static void test_bad_rows(void)
{
    static const struct {
        uint64_t naturals, reals, figures[3];
        size_t size;
        int code;
    } cases[] = {
        {2, 1, {5, ROW_NATURAL_MAX, 0x3ff0000000000000}, 24, 0},
        {2, 1, {5, ROW_NATURAL_MAX + 1, 0}, 24, -EBADMSG},
        {2, 1, {5, 6, 0x7ff0000000000000}, 24, -EBADMSG}, /* infinite */
        {2, 1, {5, 6, 0x7ff8000000000000}, 24, -EBADMSG}, /* NaN */
        {2, 1, {5, 6, 0}, 16, -EBADMSG},                  /* a figure too few */
        {1, 1, {5, 6, 0}, 24, -EBADMSG},                  /* and one too many */
        {ROW_NATURALS_MAX + 1, 0, {5, 6, 0}, 24, -EBADMSG},
        {0, ROW_REALS_MAX + 1, {5, 6, 0}, 24, -EBADMSG},
        {UINT64_MAX, UINT64_MAX, {5, 6, 0}, 24, -EBADMSG},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct record record = {.type = MESSAGE_ROW,
                                .numbers = {1, 0, cases[i].naturals, cases[i].reals},
                                .blob = {(const uint8_t *)cases[i].figures, (uint32_t)cases[i].size}};
        struct message message;

        CU_ASSERT_EQUAL(record_to_message(&record, &message), cases[i].code);
    }
}

/* Points that are none: half a one, not finite, of a third cluster. */
static void test_bad_points(void)
{
    static const uint8_t good[] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 1}, infinite[] = {0, 0, 0x80, 0x7f, 0, 0, 0, 0, 1},
                         third[] = {0, 0, 0, 0, 0, 0, 0, 0, 2};
    static const struct {
        uint64_t label, set;
        const uint8_t *bytes;
        uint32_t size;
        int code;
    } cases[] = {
        {0, PLAN_SET_TEST, good, sizeof good, 0},
        {0, PLAN_SET_TEST, good, sizeof good - 1, -EBADMSG},
        {0, PLAN_SET_TEST, infinite, sizeof infinite, -EBADMSG},
        {0, PLAN_SET_TEST, third, sizeof third, -EBADMSG},
        {0, PLAN_SET_COUNT, good, sizeof good, -EBADMSG},
        {MESSAGE_CLASSES_MAX, PLAN_SET_TEST, good, sizeof good, -EBADMSG},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct record record = {.type = MESSAGE_POINTS,
                                .numbers = {1, cases[i].label, cases[i].set},
                                .blob = {cases[i].bytes, cases[i].size}};
        struct message message;

        CU_ASSERT_EQUAL(record_to_message(&record, &message), cases[i].code);
    }
}

/* A finding that the wire would not have let through. */
static void test_bad_findings(void)
{
    static const uint8_t line[] = {3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'a', 'b'},
                         escape[] = {3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 27, 'b'};
    static const struct {
        uint64_t severity, offset, lines;
        const char *rule, *detail;
        const uint8_t *blob;
        uint32_t size;
        int code;
    } cases[] = {
        {SCAN_HIGH, 1, 1, "a-rule", "why", line, sizeof line, 0},
        {SCAN_SEVERITY_COUNT, 1, 1, "a-rule", "why", line, sizeof line, -EBADMSG},
        {SCAN_HIGH, MESSAGE_NATURAL_MAX + 1, 1, "a-rule", "why", line, sizeof line, -EBADMSG},
        {SCAN_HIGH, 1, 2, "a-rule", "why", line, sizeof line, -EBADMSG}, /* a line too few */
        {SCAN_HIGH, 1, 0, "a-rule", "why", line, sizeof line, -EBADMSG}, /* and one too many */
        {SCAN_HIGH, 1, UINT64_MAX, "a-rule", "why", line, sizeof line, -EBADMSG},
        {SCAN_HIGH, 1, 1, "a-rule", "why", line, sizeof line - 1, -EBADMSG}, /* cut short */
        {SCAN_HIGH, 1, 1, "a-rule", "why", escape, sizeof escape, -EBADMSG}, /* a terminal's escape */
        {SCAN_HIGH, 1, 1, "a-rule", "\x1b[2J", line, sizeof line, -EBADMSG},
        {SCAN_HIGH, 1, 1, "", "why", line, sizeof line, -EBADMSG},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        const struct record record = {.type = MESSAGE_FINDING,
                                      .numbers = {cases[i].severity, cases[i].offset, cases[i].lines},
                                      .texts = {{cases[i].rule, (uint32_t)strlen(cases[i].rule)},
                                                {"", 0},
                                                {cases[i].detail, (uint32_t)strlen(cases[i].detail)},
                                                {"", 0}},
                                      .blob = {cases[i].blob, cases[i].size}};
        struct message message;

        CU_ASSERT_EQUAL(record_to_message(&record, &message), cases[i].code);
    }
}

/* --- the process ------------------------------------------------------------------------------------- */

static void send_frame(int fd, const struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);

    CU_ASSERT_EQUAL(message_encode(message, &frame), 0);
    CU_ASSERT_EQUAL(io_write_full(fd, frame.data, frame.size, DEADLINE), 0);
}

/* A collector over one end of a socket pair; the other plays the guest. */
static struct collector *start(int *ret_guest)
{
    struct collector *collector = NULL;
    int pair[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    CU_ASSERT_EQUAL_FATAL(collector_prepare(&collector, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(collector_start(collector, pair[0], sample_plan(), nonce, NULL), 0);
    (void)close(pair[0]);
    *ret_guest = pair[1];
    return collector;
}

/* Where a step of its confinement fails there is none, and the reason is told, before any guest is there. */
static void test_collector_is_confined_first(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        struct collector *collector = NULL;
        struct error error = {0};

        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 0) < 0 || seccomp_load(filter) < 0)
            _exit(2);
        _exit(collector_prepare(&collector, &error) < 0 && error.kind == ERROR_INTERNAL &&
                      strstr(error.text, "lazaret-collect: can't confine this process: setrlimit") != NULL
                  ? 0
                  : 1);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
}

static void test_collector_passes_on(void)
{
    CLEANUP_FD int guest = -1;
    CLEANUP_COLLECTOR struct collector *collector = start(&guest);
    struct message message;
    struct error error;

    send_frame(guest, &sample_messages()[FROM_GUEST]);
    CU_ASSERT_EQUAL(collector_next(collector, DEADLINE, &message, &error), 0);
    CU_ASSERT_EQUAL(message.type, MESSAGE_GUEST_HELLO);
    CU_ASSERT_EQUAL(message.guest_hello.processors, 2);
    CU_ASSERT_EQUAL(collector_import(collector, &error), 0);
    send_frame(guest, &sample_messages()[FROM_GUEST + 1]);
    CU_ASSERT_EQUAL(collector_next(collector, DEADLINE, &message, &error), 0);
    CU_ASSERT_EQUAL(collector_begin_check(collector, 0, &error), 0);
    send_frame(guest, &sample_messages()[FROM_GUEST + 2]);
    CU_ASSERT_EQUAL(collector_next(collector, DEADLINE, &message, &error), 0);
    CU_ASSERT_EQUAL(message.type, MESSAGE_PREDICTIONS);
    CU_ASSERT_EQUAL(collector_wait(collector, io_deadline_ms(50)), -ETIMEDOUT);
}

/* Texts that the codec would not have let through end the job: the collector may have been taken over. */
static void test_bad_texts(void)
{
    static const char *const texts[] = {"\x1b[2J", "two\nlines", "\x7f", "caf\xc3\xa9"};

    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CLEANUP_BUFFER struct buffer received = buffer_with_limit(LIMIT);
        const struct record sent = {.type = MESSAGE_FAILURE,
                                    .texts = {{.data = texts[i], .size = (uint32_t)strlen(texts[i])}}};
        struct record record;
        int pair[2];

        CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        CU_ASSERT_EQUAL(record_write(pair[0], &sent, DEADLINE), 0);
        CU_ASSERT_EQUAL(record_read(pair[1], &received, &record, DEADLINE), -EBADMSG);
        (void)close(pair[0]);
        (void)close(pair[1]);
    }
}

static void test_collector_refuses(void)
{
    CLEANUP_FD int guest = -1;
    CLEANUP_COLLECTOR struct collector *collector = start(&guest);
    struct message message;
    struct error error = {0};

    send_frame(guest, &sample_messages()[FROM_GUEST + 1]); /* READY before the greeting */
    CU_ASSERT(collector_next(collector, DEADLINE, &message, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "READY"));
}

static void test_collector_reports_garbage_and_silence(void)
{
    CLEANUP_FD int guest = -1;
    CLEANUP_COLLECTOR struct collector *collector = start(&guest);
    struct message message;
    struct error error = {0};

    CU_ASSERT_EQUAL(collector_next(collector, io_deadline_ms(50), &message, &error), -ETIMEDOUT);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    CU_ASSERT_EQUAL(io_write_full(guest, "this is no frame at all", 23, DEADLINE), 0);
    CU_ASSERT(collector_next(collector, DEADLINE, &message, &error) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "magic"));
}

static void test_collector_sees_the_end(void)
{
    CLEANUP_FD int guest = -1;
    CLEANUP_COLLECTOR struct collector *collector = start(&guest);
    struct message message;
    struct error error = {0};

    (void)close(take_fd(&guest));
    CU_ASSERT_EQUAL(collector_next(collector, DEADLINE, &message, &error), -ECONNRESET);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "ended"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"records survive", test_records_survive},
        {"records are bounded", test_records_are_bounded},
        {"rows that are none", test_bad_rows},
        {"points that are none are refused", test_bad_points},
        {"findings that are none", test_bad_findings},
        {"texts that are not printable", test_bad_texts},
        {"the collector is confined before anything else", test_collector_is_confined_first},
        {"the collector passes on", test_collector_passes_on},
        {"the collector refuses what is out of order", test_collector_refuses},
        {"the collector reports garbage and silence", test_collector_reports_garbage_and_silence},
        {"the collector sees the end", test_collector_sees_the_end},
    };

    return harness_run("collector", tests, HARNESS_COUNT(tests));
}
