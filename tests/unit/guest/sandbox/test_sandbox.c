/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that do what they may not: each attempt ends them and is reported. */
#include "unit/harness.h"

#include "guest/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FINISHED      42
#define NOT_CONFINED  43
#define OTHER_USER    65534u
#define ADDRESS_SPACE ((uint64_t)1 << 30)

static int output[2]; /* kept by the worker at [1] */

/* Runs `work` in a confined worker; returns the wait status. */
static int run_worker(void (*work)(void), struct sandbox_report *report)
{
    const int keep[] = {output[1]};
    struct sandbox_profile profile = {
        .report = report, .keep_fds = keep, .keep_fd_count = 1, .address_space_max = ADDRESS_SPACE};
    int status = 0;
    pid_t child;

    memset(report, 0, sizeof *report);
    child = fork();
    if (child == 0) {
        if (sandbox_enter(&profile, NULL) < 0 || sandbox_seal(NULL) < 0)
            _exit(NOT_CONFINED);
        work();
        _exit(FINISHED);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    return status;
}

static void call_open(void)
{
    (void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void call_socket(void)
{
    (void)syscall(SYS_socket, 1, 1, 0);
}

static void call_fork(void)
{
    (void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void call_execve(void)
{
    char *arguments[] = {NULL};

    (void)syscall(SYS_execve, "/bin/true", arguments, arguments);
}

static void call_ptrace(void)
{
    (void)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void call_kill(void)
{
    (void)syscall(SYS_kill, getpid(), 0);
}

static void call_tgkill_parent(void)
{
    (void)syscall(SYS_tgkill, 1, 1, 0);
}

static void call_sigaction(void)
{
    (void)signal(SIGSYS, SIG_IGN);
}

static void call_mmap_executable(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void call_mmap_file(void)
{
    (void)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, output[1], 0);
}

static void call_mprotect_executable(void)
{
    static char page[8192];

    (void)mprotect((void *)((uintptr_t)(page + 4095) & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC);
}

static void call_prlimit(void)
{
    (void)syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, NULL);
}

static void call_dup(void)
{
    (void)syscall(SYS_dup, output[1]);
}

static void call_other_clock(void)
{
    struct timespec now;

    (void)syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now);
}

static void call_ioctl(void)
{
    (void)syscall(SYS_ioctl, output[1], 0x5401, 0);
}

static void test_forbidden_calls(void)
{
    static const struct {
        void (*work)(void);
        int number;
    } attempts[] = {
        {call_open, SYS_openat},
        {call_socket, SYS_socket},
        {call_fork, SYS_clone},
        {call_execve, SYS_execve},
        {call_ptrace, SYS_ptrace},
        {call_kill, SYS_kill},
        {call_tgkill_parent, SYS_tgkill},
        {call_sigaction, SYS_rt_sigaction},
        {call_mmap_executable, SYS_mmap},
        {call_mmap_file, SYS_mmap},
        {call_mprotect_executable, SYS_mprotect},
        {call_prlimit, SYS_prlimit64},
        {call_dup, SYS_dup},
        {call_other_clock, SYS_clock_gettime},
        {call_ioctl, SYS_ioctl},
    };
    struct sandbox_report *report = NULL;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&report), 0);
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        int status = run_worker(attempts[i].work, report);

        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_EXIT_TRAP);
        CU_ASSERT_EQUAL(report->event, SANDBOX_FORBIDDEN_CALL);
        CU_ASSERT_EQUAL(report->system_call, attempts[i].number);
        CU_ASSERT_NOT_EQUAL(report->address, 0);
    }
    sandbox_report_unmap(report);
}

static void *thread_opens(void *argument)
{
    pthread_barrier_t *barrier = argument;

    (void)pthread_barrier_wait(barrier); /* it runs */
    (void)pthread_barrier_wait(barrier); /* the filter stands */
    call_open();
    return NULL;
}

/* The filter reaches threads that were there before it. */
static void test_other_thread(void)
{
    struct sandbox_report *report = NULL;
    int status = 0;
    pid_t child;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&report), 0);
    child = fork();
    if (child == 0) {
        struct sandbox_profile profile = {.report = report};
        pthread_barrier_t barrier;
        pthread_t thread;

        if (sandbox_enter(&profile, NULL) < 0 || pthread_barrier_init(&barrier, NULL, 2) != 0 ||
            pthread_create(&thread, NULL, thread_opens, &barrier) != 0)
            _exit(NOT_CONFINED);
        (void)pthread_barrier_wait(&barrier);
        if (sandbox_seal(NULL) < 0)
            _exit(NOT_CONFINED);
        (void)pthread_barrier_wait(&barrier);
        (void)pthread_join(thread, NULL);
        _exit(FINISHED);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_EXIT_TRAP);
    CU_ASSERT_EQUAL(report->event, SANDBOX_FORBIDDEN_CALL);
    CU_ASSERT_EQUAL(report->system_call, SYS_openat);
    sandbox_report_unmap(report);
}

static void compute(void)
{
    struct rusage usage;
    struct timespec now;
    char *large = malloc((size_t)64 << 20);

    if (large == NULL || getrusage(RUSAGE_SELF, &usage) < 0 || clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0 ||
        clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        _exit(1);
    memset(large, 1, (size_t)64 << 20);
    large = realloc(large, (size_t)128 << 20);
    if (large == NULL || write(output[1], "ok", 2) != 2)
        _exit(1);
    free(large);
}

static void exhaust_memory(void)
{
    if (malloc((size_t)2 << 30) != NULL || errno != ENOMEM)
        _exit(1);
}

static void write_elsewhere(void)
{
    if (write(STDERR_FILENO, "x", 1) >= 0 || errno != EBADF)
        _exit(1);
}

static void test_allowed_work(void)
{
    void (*const work[])(void) = {compute, exhaust_memory, write_elsewhere};
    struct sandbox_report *report = NULL;
    char bytes[2];

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&report), 0);
    for (size_t i = 0; i < sizeof work / sizeof work[0]; i++) {
        int status = run_worker(work[i], report);

        CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == FINISHED);
        CU_ASSERT_EQUAL(report->event, SANDBOX_NOTHING);
    }
    CU_ASSERT_EQUAL(read(output[0], bytes, 2), 2);
    sandbox_report_unmap(report);
}

static void fault(void)
{
    *(volatile int *)(uintptr_t)0x1234 = 1;
}

static void test_fault(void)
{
    struct sandbox_report *report = NULL;
    int status;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&report), 0);
    status = run_worker(fault, report);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CU_ASSERT_EQUAL(report->event, SANDBOX_FAULT);
    CU_ASSERT_EQUAL(report->signal, SIGSEGV);
    CU_ASSERT_EQUAL(report->address, 0x1234);
    status = run_worker(abort, report);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    sandbox_report_unmap(report);
}

/* Whether this user namespace has the workers' identity. */
static bool has_worker_identity(void)
{
    unsigned long long inner, outer, count;
    FILE *file = fopen("/proc/self/uid_map", "r");
    bool has = false;

    while (file != NULL && fscanf(file, "%llu %llu %llu", &inner, &outer, &count) == 3)
        has |= SANDBOX_UID >= inner && SANDBOX_UID - inner < count;
    if (file != NULL)
        (void)fclose(file);
    return has;
}

/* What the kernel says of a process that entered, read before the seal. */
static void test_identity(void)
{
    char line[256], expected[64];
    unsigned seen = 0;
    int channel[2], status = 0;
    pid_t child;
    FILE *file;

    CU_ASSERT_EQUAL_FATAL(pipe(channel), 0);
    child = fork();
    if (child == 0) {
        int self = open("/proc/self/status", O_RDONLY);
        const int keep[] = {channel[1], self};
        struct sandbox_profile profile = {.keep_fds = keep, .keep_fd_count = 2};
        char bytes[4096];
        ssize_t count;

        if (sandbox_enter(&profile, NULL) < 0)
            _exit(NOT_CONFINED);
        count = read(self, bytes, sizeof bytes);
        _exit(count > 0 && write(channel[1], bytes, (size_t)count) == count ? FINISHED : 1);
    }
    (void)close(channel[1]);
    file = fdopen(channel[0], "r");
    (void)snprintf(expected, sizeof expected, "Uid:\t%u\t%u\t%u\t%u\n", SANDBOX_UID, SANDBOX_UID, SANDBOX_UID,
                   SANDBOX_UID);
    while (fgets(line, sizeof line, file) != NULL)
        seen += strcmp(line, "CapBnd:\t0000000000000000\n") == 0 || strcmp(line, "CapEff:\t0000000000000000\n") == 0 ||
                strcmp(line, "CapPrm:\t0000000000000000\n") == 0 || strcmp(line, "NoNewPrivs:\t1\n") == 0 ||
                strcmp(line, expected) == 0;
    CU_ASSERT_EQUAL(seen, geteuid() != 0 ? 3 : has_worker_identity() ? 5 : 4);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == FINISHED);
    (void)fclose(file);
}

/* Another user than root is confined too, but for the identity that it keeps. */
static void test_without_root(void)
{
    struct sandbox_report *report = NULL;
    int status = 0;
    pid_t child;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&report), 0);
    child = fork();
    if (child == 0) {
        struct sandbox_profile profile = {.report = report};

        if (geteuid() == 0 && has_worker_identity() && setresuid(OTHER_USER, OTHER_USER, OTHER_USER) < 0)
            _exit(1);
        if (sandbox_enter(&profile, NULL) < 0 || sandbox_seal(NULL) < 0)
            _exit(NOT_CONFINED);
        call_open();
        _exit(FINISHED);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_EXIT_TRAP);
    CU_ASSERT_EQUAL(report->system_call, SYS_openat);
    sandbox_report_unmap(report);
}

/* Stage one alone forbids files where the kernel has Landlock. */
static void open_after_enter(void)
{
    struct sandbox_profile profile = {0};

    if (sandbox_enter(&profile, NULL) < 0)
        _exit(NOT_CONFINED);
    _exit(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? FINISHED : 1);
}

static void test_landlock(void)
{
    int status = 0;
    pid_t child;

    if (sandbox_landlock_abi() == 0) {
        puts("(this kernel has no Landlock)");
        return;
    }
    child = fork();
    if (child == 0)
        open_after_enter();
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == FINISHED);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"forbidden calls are reported with number and address", test_forbidden_calls},
        {"the filter holds for every thread", test_other_thread},
        {"computing is allowed", test_allowed_work},
        {"faults are reported", test_fault},
        {"identity, capabilities, no_new_privs", test_identity},
        {"without root", test_without_root},
        {"Landlock", test_landlock},
    };

#if defined(__SANITIZE_ADDRESS__)
    puts("skipped: AddressSanitizer needs memory and system calls that the sandbox denies");
    return HARNESS_SKIPPED;
#endif
    if (pipe(output) < 0)
        return 1;
    return harness_run("sandbox", tests, HARNESS_COUNT(tests));
}
