/* SPDX-License-Identifier: Apache-2.0 */
/* Process isolation and the supervisor: echo, crash, confinement, kill -9 of the monitor. */
#include "vm/boot/helpers.h"

#include "base/io.h"
#include "unit/harness.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define TALK_MS 5000u

static char agent[PATH_MAX];

static struct vm_options default_options(void)
{
    return (struct vm_options){.isolation = VM_PROCESS, .agent_path = agent, .console_fd = -1};
}

static struct vm *start(const struct vm_options *options, char command, int *ret_stream)
{
    struct error error = {.kind = ERROR_NONE};
    struct vm *vm = NULL;

    if (vm_start(options, &vm, &error) < 0 || vm_connect(vm, io_deadline_ms(TALK_MS), ret_stream, &error) < 0 ||
        io_write_full(*ret_stream, &command, 1, io_deadline_ms(TALK_MS)) < 0) {
        (void)printf("start: %s\n", error.text);
        CU_FAIL("start");
        vm_free(vm);
        return NULL;
    }
    return vm;
}

static void finish(struct vm *vm, int stream, enum vm_exit expected, struct vm_record *ret_record)
{
    struct error error = {.kind = ERROR_NONE};

    CU_ASSERT_EQUAL(vm_destroy(vm, ret_record, &error), 0);
    (void)printf("[%s: %s] ", vm_exit_name(ret_record->exit_reason), ret_record->exit_detail);
    CU_ASSERT_EQUAL(ret_record->exit_reason, expected);
    CU_ASSERT_TRUE(ret_record->proof.processes_gone && ret_record->proof.mounts_gone);
    vm_free(vm);
    (void)close(stream);
}

static void test_echo(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    char text[5];
    int stream = -1;
    struct vm *vm = start(&options, 'e', &stream);

    if (vm == NULL)
        return;
    CU_ASSERT_EQUAL(io_write_full(stream, "hello", 5, io_deadline_ms(TALK_MS)), 0);
    CU_ASSERT_EQUAL(io_read_full(stream, text, 5, io_deadline_ms(TALK_MS)), 0);
    CU_ASSERT_EQUAL(memcmp(text, "hello", 5), 0);
    finish(vm, stream, VM_EXIT_DESTROYED, &record);
    CU_ASSERT_EQUAL(record.isolation, VM_PROCESS);
    CU_ASSERT_TRUE(record.peak_memory_kib > 0);
}

static void test_ends(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm = start(&options, 'c', &stream);
    struct pollfd poller;

    if (vm == NULL)
        return;
    poller = (struct pollfd){.fd = vm_exit_fd(vm), .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&poller, 1, (int)TALK_MS), 1);
    CU_ASSERT_EQUAL(vm_poll_exit(vm), VM_EXIT_GUEST);
    finish(vm, stream, VM_EXIT_GUEST, &record);
    CU_ASSERT_PTR_NOT_NULL(strstr(record.exit_detail, "status 7"));
}

static void test_console_cap(void)
{
    static struct vm_record record;
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm;

    options.console_fd = memfd_create("console", MFD_CLOEXEC);
    options.console_max = 10000;
    vm = start(&options, 'f', &stream);
    if (vm == NULL)
        return;
    (void)poll(NULL, 0, 300);
    finish(vm, stream, VM_EXIT_DESTROYED, &record);
    CU_ASSERT_EQUAL(record.console_bytes, 10000);
    CU_ASSERT_TRUE(record.console_dropped > 0);
    CU_ASSERT_EQUAL(lseek(options.console_fd, 0, SEEK_END), 10000);
    (void)close(options.console_fd);
}

/* What the agent sees of the machine: see 'w' of the echo agent. */
static void test_view(void)
{
    static struct vm_record record;
    static char text[4096];
    struct vm_options options = default_options();
    int stream = -1;
    struct vm *vm = start(&options, 'w', &stream);
    struct pollfd poller;
    ssize_t size = 0, r = 0;

    if (vm == NULL)
        return;
    while (io_wait(stream, POLLIN, io_deadline_ms(TALK_MS)) == 0 &&
           (r = read(stream, text + size, sizeof(text) - 1 - (size_t)size)) > 0)
        size += r;
    text[size] = '\0';
    poller = (struct pollfd){.fd = vm_exit_fd(vm), .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&poller, 1, (int)TALK_MS), 1);
    (void)printf("[%s] ", text);
    /* Where root is not root of the machine, all processes of the job have its one identity. */
    CU_ASSERT_STRING_EQUAL(text, geteuid() == 0 ? "uid 0 / dev init proc tmp interfaces lo writable no kill no"
                                                : "uid 0 / dev init proc tmp interfaces lo writable no kill yes");
    finish(vm, stream, VM_EXIT_GUEST, &record);
}

static void run_monitor(const void *context)
{
    const struct vm_options *options = context;
    struct error error = {.kind = ERROR_NONE};
    struct vm *vm = NULL;

    if (vm_start(options, &vm, &error) == 0)
        (void)poll(NULL, 0, (int)TALK_MS);
}

static void test_kill_monitor(void)
{
    static const int delays_ms[] = {0, 1, 3, 10, 200};
    struct vm_options options = default_options();

    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
        int gone_ms = helper_kill_monitor(run_monitor, &options, delays_ms[i]);

        (void)printf("[killed after %d ms: gone in %d ms] ", delays_ms[i], gone_ms);
        CU_ASSERT_TRUE(gone_ms >= 0);
    }
    test_echo();
}

static void test_no_agent(void)
{
    struct error error = {.kind = ERROR_NONE};
    struct vm_options options = default_options();
    struct vm *vm = NULL;

    options.agent_path = "/nonexistent/agent";
    CU_ASSERT_TRUE(vm_start(&options, &vm, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    options.agent_path = NULL;
    CU_ASSERT_EQUAL(vm_start(&options, &vm, &error), -EINVAL);
}

int main(void)
{
    static const struct harness_test tests[] = {{"echo", test_echo},
                                                {"agent dies", test_ends},
                                                {"console is capped", test_console_cap},
                                                {"what the agent sees", test_view},
                                                {"kill -9 of the monitor", test_kill_monitor},
                                                {"no agent", test_no_agent}};
    struct vm_options options = default_options();
    struct error error = {.kind = ERROR_NONE};
    struct vm *vm = NULL;

    setvbuf(stdout, NULL, _IONBF, 0);
    helper_use_state();
    helper_path("echo-agent", agent);
    if (vm_start(&options, &vm, &error) < 0 && error.kind == ERROR_UNAVAILABLE) {
        (void)printf("skipped: %s\n", error.text);
        return HARNESS_SKIPPED;
    }
    vm_free(vm);
    return harness_run("host vm process", tests, HARNESS_COUNT(tests));
}
