/* SPDX-License-Identifier: Apache-2.0 */
/* A collector that was taken over may close its socket and live on: the monitor does not wait for it. */
#include "host/collect/collector.c" /* whose process is made here */
#include "unit/harness.h"

/* A process in the collector's place, which does `act` with its end of the socket. */
static struct collector *start(void (*act)(int socket))
{
    struct collector *collector = calloc(1, sizeof *collector);
    int pair[2];

    CU_ASSERT_PTR_NOT_NULL_FATAL(collector);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    *collector = (struct collector){
        .socket = pair[0], .connection = -1, .storage = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX)};
    collector->pid = fork();
    if (collector->pid == 0) {
        act(pair[1]);
        _exit(7);
    }
    (void)close(pair[1]);
    return collector;
}

static void close_and_live(int socket)
{
    (void)close(socket);
    for (;;)
        (void)pause();
}

static void end(int socket)
{
    (void)socket;
}

static void expect(void (*act)(int socket), const char *text)
{
    CLEANUP_COLLECTOR struct collector *collector = start(act);
    pid_t pid = collector->pid;
    struct message message;
    struct error error = {0};

    CU_ASSERT_EQUAL(collector_next(collector, io_deadline_ms(5000), &message, &error), -ECHILD);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    CU_ASSERT_STRING_EQUAL(error.text, text);
    CU_ASSERT_EQUAL(collector->pid, 0);
    CU_ASSERT(kill(pid, 0) < 0 && errno == ESRCH); /* reaped */
}

static void test_ends(void)
{
    expect(end, "the collector ended with status 7");
}

static void test_lives(void)
{
    uint64_t began = io_now_ns();

    expect(close_and_live, "the collector closed its socket");
    CU_ASSERT(io_now_ns() - began < 4 * IO_NS_PER_S);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"one that ends", test_ends},
        {"one that closes its socket and lives", test_lives},
    };

    return harness_run("collector taken over", tests, HARNESS_COUNT(tests));
}
