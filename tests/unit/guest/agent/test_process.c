/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor makes of a worker's end. */
#include "unit/harness.h"

#include "guest/agent/process.h"
#include "guest/engine/kernels/kernels.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
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

static atomic_bool *stands; /* in memory that both processes see */

static void waits_for_ever(void)
{
    atomic_store(stands, true);
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

/* --- every kind of fault -------------------------------------------------------------------------------- */

/* x86-64's alignment check: the only SIGBUS that needs no file. */
static void misaligns(void)
{
    static const long words[2];

    __asm__ volatile("pushfq\n orq $0x40000, (%%rsp)\n popfq\n mov (%0), %%rax\n" ::"r"((const char *)words + 1)
                     : "rax", "memory", "cc");
}

static void divides_by_zero(void)
{
    volatile int zero = 0, seven = 7;

    zero = seven / zero;
}

static void breaks(void)
{
    __asm__ volatile("ud2");
}

static unsigned overflows(unsigned depth)
{
    volatile unsigned frame[1024];

    frame[depth % 1024] = 1;
    return depth == 0 ? 0 : frame[depth % 1024] + overflows(depth + 1) + frame[0]; /* 2^32 pages: no stack has them */
}

static void overflows_its_stack(void)
{
    (void)overflows(1);
}

static void overflow_as_work(void *argument, size_t first, size_t last)
{
    (void)argument;
    if (first > 0 && last > first)
        (void)overflows(1);
}

/* The handler's own writes fault as well: the page that it writes to is gone. */
static struct sandbox_report *lost;

static void faults_twice(void)
{
    (void)munmap(lost, sizeof *lost);
    faults();
}

static void stops_at_a_breakpoint(void)
{
    __asm__ volatile("int3");
}

static void ends_well(void)
{
    _exit(0);
}

static void pretends(void)
{
    _exit(SANDBOX_EXIT_TRAP);
}

static void test_every_fault(void)
{
    static const struct {
        void (*work)(void);
        enum message_failure_code code;
        int signal;
        const char *text;
    } cases[] = {
        {faults, MESSAGE_FAILURE_WORKER_CRASHED, SIGSEGV,
         "the worker died of SIGSEGV at address 0xabc0, instruction 0x"},
        {misaligns, MESSAGE_FAILURE_WORKER_CRASHED, SIGBUS, "the worker died of SIGBUS at address 0x"},
        {breaks, MESSAGE_FAILURE_WORKER_CRASHED, SIGILL, "the worker died of SIGILL at address 0x"},
        {divides_by_zero, MESSAGE_FAILURE_WORKER_CRASHED, SIGFPE, "the worker died of SIGFPE at address 0x"},
        {overflows_its_stack, MESSAGE_FAILURE_WORKER_CRASHED, SIGSEGV, "the worker died of SIGSEGV at address 0x7f"},
        {stops_at_a_breakpoint, MESSAGE_FAILURE_WORKER_CRASHED, SIGTRAP, "the worker died of SIGTRAP"},
        {abort, MESSAGE_FAILURE_WORKER_CRASHED, SIGABRT, "the worker died of SIGABRT"},
        {ends_well, MESSAGE_FAILURE_INTERNAL, 0, "the worker ended with status 0 and no result"},
        {pretends, MESSAGE_FAILURE_INTERNAL, 0, "the worker ended with status 119 and no result"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        char text[PROCESS_CAUSE_MAX];
        struct message_failure failure = end_of(cases[i].work, text);

        CU_ASSERT_EQUAL(failure.code, cases[i].code);
        CU_ASSERT_EQUAL(failure.signal, cases[i].signal);
        CU_ASSERT_EQUAL(strncmp(text, cases[i].text, strlen(cases[i].text)), 0);
        if (strncmp(text, cases[i].text, strlen(cases[i].text)) != 0)
            printf("(%s) ", text);
    }
}

/* An overflow of one of the engine's threads, which are smaller. */
static void test_thread_overflow(void)
{
    struct process process = {.input = -1, .output = -1};
    char text[PROCESS_CAUSE_MAX];
    struct message_failure failure;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&process.report), 0);
    process.pid = fork();
    if (process.pid == 0) {
        const struct sandbox_profile profile = {.report = process.report};
        struct kernels *kernels;

        if (sandbox_enter(&profile, NULL) < 0 ||
            kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 2, &kernels, NULL) < 0 || sandbox_seal(NULL) < 0)
            _exit(1);
        kernels_parallel(kernels, 2, overflow_as_work, NULL);
        _exit(7);
    }
    process_describe_end(&process, text, &failure);
    CU_ASSERT_EQUAL(failure.code, MESSAGE_FAILURE_WORKER_CRASHED);
    CU_ASSERT_EQUAL(failure.signal, SIGSEGV);
    CU_ASSERT_NOT_EQUAL(failure.address, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ", instruction 0x"));
}

/* A fault within the handler: the process ends of it, at once, and what is not known is not said. */
static void test_double_fault(void)
{
    struct process process = {.input = -1, .output = -1};
    char text[PROCESS_CAUSE_MAX];
    struct message_failure failure;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&process.report), 0);
    lost = process.report;
    process.pid = fork();
    if (process.pid == 0) {
        const struct sandbox_profile profile = {.report = process.report};

        if (sandbox_enter(&profile, NULL) < 0 || sandbox_seal(NULL) < 0)
            _exit(1);
        faults_twice();
        _exit(7);
    }
    process_describe_end(&process, text, &failure);
    CU_ASSERT_EQUAL(failure.code, MESSAGE_FAILURE_WORKER_CRASHED);
    CU_ASSERT_EQUAL(failure.signal, SIGSEGV);
    CU_ASSERT_STRING_EQUAL(text, "the worker died of SIGSEGV");
}

/* --- ends from outside ------------------------------------------------------------------------------------- */

/* Signals from elsewhere: the kernel's SIGKILL when memory runs out, and one that looks like a fault. */
static void test_killed(void)
{
    static const struct {
        int signal;
        enum message_failure_code code;
    } cases[] = {{SIGKILL, MESSAGE_FAILURE_MEMORY}, {SIGSEGV, MESSAGE_FAILURE_WORKER_CRASHED}};

    stands = mmap(NULL, sizeof *stands, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(stands != MAP_FAILED);
    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        char text[PROCESS_CAUSE_MAX];
        struct message_failure failure;
        struct process process;

        atomic_store(stands, false);
        process = start(waits_for_ever);
        while (!atomic_load(stands)) /* until its handlers do */
            (void)usleep(1000);
        CU_ASSERT_EQUAL(kill(process.pid, cases[i].signal), 0);
        process_describe_end(&process, text, &failure);
        CU_ASSERT_EQUAL(failure.code, cases[i].code);
        CU_ASSERT_EQUAL(failure.signal, cases[i].signal);
    }
    (void)munmap(stands, sizeof *stands);
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
        {"forbidden calls", test_forbidden_call},          {"crashes", test_crashes},
        {"every kind of fault", test_every_fault},         {"an overflow of a thread's stack", test_thread_overflow},
        {"a fault within the handler", test_double_fault}, {"killed from outside", test_killed},
        {"ending what never began", test_end_of_nothing},
    };

#if defined(__SANITIZE_ADDRESS__)
    puts("skipped: AddressSanitizer needs memory and system calls that the sandbox denies");
    return HARNESS_SKIPPED;
#endif
    return harness_run("process", tests, HARNESS_COUNT(tests));
}
