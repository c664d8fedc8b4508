/* SPDX-License-Identifier: Apache-2.0 */
/* Records between monitor and supervisor: round trips, and what must be refused. */
#include "host/vm/message.h"

#include "base/io.h"
#include "host/vm/vm.h"
#include "unit/harness.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static int pair[2];
static struct message message;

static uint64_t soon(void)
{
    return io_deadline_ms(1000);
}

static void test_round_trips(void)
{
    struct message_started started = {7, 3, 7002022, 9000000}, started_again;
    struct message_destroyed destroyed = {{VM_EXIT_GUEST, "a\nb"}, 1, 2, 3, 4}, destroyed_again;
    struct error error = {ERROR_UNAVAILABLE, -ENOENT, "no such thing"}, error_again;

    CU_ASSERT_EQUAL(message_send_started(pair[0], &started, soon()), 0);
    CU_ASSERT_EQUAL(message_receive(pair[1], &message, soon()), 0);
    CU_ASSERT_EQUAL(message_parse_started(&message, &started_again), 0);
    CU_ASSERT_EQUAL(memcmp(&started, &started_again, sizeof(started)), 0);
    CU_ASSERT_EQUAL(message_send_failed(pair[0], &error, soon()), 0);
    CU_ASSERT_EQUAL(message_receive(pair[1], &message, soon()), 0);
    CU_ASSERT_EQUAL(message_parse_started(&message, &started_again), -EBADMSG);
    CU_ASSERT_EQUAL(message_parse_failed(&message, &error_again), 0);
    CU_ASSERT_EQUAL(error_again.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_EQUAL(error_again.code, -ENOENT);
    CU_ASSERT_STRING_EQUAL(error_again.text, error.text);
    CU_ASSERT_EQUAL(message_send_destroyed(pair[0], &destroyed, soon()), 0);
    CU_ASSERT_EQUAL(message_receive(pair[1], &message, soon()), 0);
    CU_ASSERT_EQUAL(message_parse_destroyed(&message, &destroyed_again), 0);
    CU_ASSERT_STRING_EQUAL(destroyed_again.exit.detail, "a?b"); /* fit for a terminal */
    CU_ASSERT_EQUAL(destroyed_again.console_dropped, 4);
}

static void test_truncated(void)
{
    struct message_exited exited = {VM_EXIT_CRASHED, "detail"}, again;

    CU_ASSERT_EQUAL(message_send_exited(pair[0], &exited, soon()), 0);
    CU_ASSERT_EQUAL(message_receive(pair[1], &message, soon()), 0);
    CU_ASSERT_EQUAL(message_parse_exited(&message, &again), 0);
    for (size_t size = message.size; size-- > 0;) {
        message.size = size;
        CU_ASSERT_EQUAL(message_parse_exited(&message, &again), -EBADMSG);
    }
}

static void test_bad_headers(void)
{
    static const uint8_t headers[][8] = {{0, 0, 0, 0, 0, 0, 0, 0},
                                         {7, 0, 0, 0, 0, 0, 0, 0},
                                         {1, 0, 0, 0, 1, 0, 1, 0},
                                         {1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}};

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        CU_ASSERT_EQUAL(io_write_full(pair[0], headers[i], 8, soon()), 0);
        CU_ASSERT_EQUAL(message_receive(pair[1], &message, soon()), -EBADMSG);
    }
}

static void test_bad_reason(void)
{
    struct message_exited exited = {99, ""}, again;

    CU_ASSERT_EQUAL(message_send_exited(pair[0], &exited, soon()), 0);
    CU_ASSERT_EQUAL(message_receive(pair[1], &message, soon()), 0);
    CU_ASSERT_EQUAL(message_parse_exited(&message, &again), -EBADMSG);
}

static void test_deadline(void)
{
    CU_ASSERT_EQUAL(message_receive(pair[1], &message, io_deadline_ms(50)), -ETIMEDOUT);
}

int main(void)
{
    static const struct harness_test tests[] = {{"round trips", test_round_trips},
                                                {"truncated", test_truncated},
                                                {"bad headers", test_bad_headers},
                                                {"bad reason", test_bad_reason},
                                                {"deadline", test_deadline}};

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
        return 1;
    return harness_run("host vm message", tests, HARNESS_COUNT(tests));
}
