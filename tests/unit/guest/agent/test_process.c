/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor makes of a worker's end. */
#include "unit/harness.h"

#include "guest/agent/process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A confined process that does one thing. */
static struct process start(void (*work)(void))
{
    struct process process = {.input = -1, .output = -1};

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&process.report), 0);
    process.pid = fork();
    if (process.pid == 0) {
        const struct sandbox_profile profile = {.report = process.report};

        if (sandbox_enter(&profile, NULL) < 0 || sandbox_seal(NULL) < 0)
            _exit(1);
        work();
        _exit(7);
    }
    return process;
}

static struct message_failure end_of(void (*work)(void), char text[PROCESS_CAUSE_MAX])
{
    struct process process = start(work);
    struct message_failure failure;

    process_describe_end(&process, text, &failure);
    CU_ASSERT_EQUAL(process.pid, 0);
    CU_ASSERT_EQUAL(failure.text.size, strlen(text));
    return failure;
}

static void opens(void)
{
    (void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void calls_another_architecture(void)
{
    (void)syscall(0x40000000 | SYS_getuid); /* the x32 entry */
}

static void faults(void)
{
    *(volatile int *)(uintptr_t)0xabc0 = 1;
}

static void waits_for_ever(void)
{
    for (;;)
        ;
}

static void does_nothing(void)
{
}

static void test_forbidden_call(void)
{
    char text[PROCESS_CAUSE_MAX];
    struct message_failure failure = end_of(opens, text);

    CU_ASSERT_EQUAL(failure.code, MESSAGE_FAILURE_FORBIDDEN_CALL);
    CU_ASSERT_EQUAL(failure.system_call, SYS_openat);
    CU_ASSERT_EQUAL(failure.signal, SIGSYS);
    CU_ASSERT_NOT_EQUAL(failure.address, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "forbidden system call openat"));
    failure = end_of(calls_another_architecture, text);
    CU_ASSERT_EQUAL(failure.code, MESSAGE_FAILURE_FORBIDDEN_CALL);
}

static void test_crashes(void)
{
    char text[PROCESS_CAUSE_MAX];
    struct message_failure failure = end_of(faults, text);

    CU_ASSERT_EQUAL(failure.code, MESSAGE_FAILURE_WORKER_CRASHED);
    CU_ASSERT_EQUAL(failure.signal, SIGSEGV);
    CU_ASSERT_EQUAL(failure.address, 0xabc0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "the worker died of SIGSEGV at address 0xabc0, instruction 0x"));
    failure = end_of(abort, text);
    CU_ASSERT_EQUAL(failure.code, MESSAGE_FAILURE_WORKER_CRASHED);
    CU_ASSERT_EQUAL(failure.signal, SIGABRT);
    CU_ASSERT_STRING_EQUAL(text, "the worker died of SIGABRT");
    failure = end_of(does_nothing, text);
    CU_ASSERT_EQUAL(failure.code, MESSAGE_FAILURE_INTERNAL);
    CU_ASSERT_STRING_EQUAL(text, "the worker ended with status 7 and no result");
}

/* Signals from elsewhere: the kernel's SIGKILL when memory runs out, and one that looks like a fault. */
static void test_killed(void)
{
    static const struct {
        int signal;
        enum message_failure_code code;
    } cases[] = {{SIGKILL, MESSAGE_FAILURE_MEMORY}, {SIGSEGV, MESSAGE_FAILURE_WORKER_CRASHED}};

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct process process = start(waits_for_ever);
        char text[PROCESS_CAUSE_MAX];
        struct message_failure failure;

        (void)usleep(50000); /* until the handlers stand */
        CU_ASSERT_EQUAL(kill(process.pid, cases[i].signal), 0);
        process_describe_end(&process, text, &failure);
        CU_ASSERT_EQUAL(failure.code, cases[i].code);
        CU_ASSERT_EQUAL(failure.signal, cases[i].signal);
    }
}

static void test_end_of_nothing(void)
{
    struct process process = {.input = -1, .output = -1};

    process_end(&process);
    CU_ASSERT_EQUAL(process.pid, 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"forbidden calls", test_forbidden_call},
        {"crashes", test_crashes},
        {"killed from outside", test_killed},
        {"ending what never began", test_end_of_nothing},
    };

#if defined(__SANITIZE_ADDRESS__)
    puts("skipped: AddressSanitizer needs memory and system calls that the sandbox denies");
    return HARNESS_SKIPPED;
#endif
    return harness_run("process", tests, HARNESS_COUNT(tests));
}
