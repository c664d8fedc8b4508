/* SPDX-License-Identifier: Apache-2.0 */
/* Every system call that is not on the list, by each entry: it ends the worker, with its number and its place. */
#include "unit/harness.h"

#define SANDBOX_RULE_TEXTS
#include "guest/sandbox/rules.h"
#include "unit/guest/sandbox/every_call.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define NUMBERS      600 /* beyond the last of any kernel so far, and those of x32 */
#define NUMBERS_32   460
#define FINISHED     42
#define NOT_CONFINED 43
#define NO_SUCH      0x5a5a5a5aL /* an argument that no condition has */

struct attempt {
    long (*make)(long number, long argument);
    long number, argument;
    int32_t reported;
    const char *place;
};

static struct attempt by_64(long number, long argument)
{
    return (struct attempt){every_call_64, number, argument, (int32_t)number, every_call_syscall};
}

static struct attempt by_x32(long number)
{
    return (struct attempt){every_call_64, number | SANDBOX_CALL_X32, 0, (int32_t)number | SANDBOX_CALL_X32,
                            every_call_syscall};
}

static struct attempt by_32(long number)
{
    return (struct attempt){every_call_32, number, 0, (int32_t)number | SANDBOX_CALL_32_BIT, every_call_int80};
}

/*
 * Of these newer kernels (Linux 6.11 and 6.17) ask no filter: they are the tails of a probe that root has set on the
 * program, and without one the first is SIGILL, the second an error. Older kernels don't know them, and their filters
 * see them.
 */
static bool is_probe(long number)
{
    return number == 335 || number == 336;
}

static bool is_listed(long number, unsigned profiles)
{
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (rules[i].number == number && (rules[i].profile & profiles) != 0)
            return true;
    return false;
}

static bool is_listed_whole(long number, unsigned profiles)
{
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (rules[i].number == number && (rules[i].profile & profiles) != 0 &&
            (rules[i].conditions[0].mask == 0 || rules[i].error != 0))
            return true;
    return false;
}

/* --- workers -------------------------------------------------------------------------------------------- */

/* Whether a confined worker that makes the call ends of it, with a report that says so. */
static bool is_caught(const struct attempt *attempt, struct sandbox_report *report)
{
    const struct sandbox_profile profile = {.report = report};
    int status = 0;
    pid_t child;

    memset(report, 0, sizeof *report);
    child = fork();
    if (child == 0) {
        if (sandbox_enter(&profile, NULL) < 0 || sandbox_seal(NULL) < 0)
            _exit(NOT_CONFINED);
        (void)attempt->make(attempt->number, attempt->argument);
        _exit(FINISHED);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_EXIT_TRAP &&
           report->event == SANDBOX_FORBIDDEN_CALL && report->system_call == attempt->reported &&
           report->address == (uint64_t)(uintptr_t)attempt->place;
}

static void expect_caught(struct attempt attempt, struct sandbox_report *report)
{
    bool caught = is_caught(&attempt, report);

    CU_ASSERT(caught);
    if (!caught)
        printf("(call 0x%lx was not caught: event %d, number 0x%x, at 0x%llx) ", (unsigned long)attempt.number,
               report->event, (unsigned)report->system_call, (unsigned long long)report->address);
}

static struct sandbox_report *new_report(void)
{
    struct sandbox_report *report = NULL;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&report), 0);
    return report;
}

static void test_every_number(void)
{
    static const long beyond[] = {1023, 4096, 65535, 0x1fffffff, 0x7fffffffL & ~SANDBOX_CALL_X32, -1, -2, INT32_MIN};
    struct sandbox_report *report = new_report();
    unsigned listed = 0;

    for (long number = 0; number < NUMBERS; number++)
        if (is_listed(number, RULE_worker))
            listed++;
        else if (!is_probe(number))
            expect_caught(by_64(number, 0), report);
    for (size_t i = 0; i < HARNESS_COUNT(beyond); i++)
        if ((beyond[i] & SANDBOX_CALL_32_BIT) == 0 || beyond[i] < 0)
            expect_caught(by_64(beyond[i], 0), report);
    printf("(%d numbers, %u of them allowed) ", NUMBERS, listed);
    CU_ASSERT(listed > 0 && listed < 25);
    sandbox_report_unmap(report);
}

static void test_probes(void)
{
    struct sandbox_report *report = new_report();

    for (long number = 335; number <= 336; number++) {
        const struct sandbox_profile profile = {.report = report};
        const struct attempt attempt = by_64(number, 0);
        int status = 0;
        pid_t child;

        if (is_caught(&attempt, report))
            continue;
        child = fork();
        if (child == 0) {
            if (sandbox_enter(&profile, NULL) < 0 || sandbox_seal(NULL) < 0)
                _exit(NOT_CONFINED);
            _exit(every_call_64(number, 0) < 0 ? FINISHED : 1);
        }
        CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
        CU_ASSERT((WIFSIGNALED(status) && WTERMSIG(status) == SIGILL && report->signal == SIGILL) ||
                  (WIFEXITED(status) && WEXITSTATUS(status) == FINISHED));
    }
    sandbox_report_unmap(report);
}

/* A call that is allowed with some arguments is caught with others. */
static void test_conditions(void)
{
    struct sandbox_report *report = new_report();
    unsigned tried = 0;

    for (long number = 0; number < NUMBERS; number++)
        if (is_listed(number, RULE_worker) && !is_listed_whole(number, RULE_worker)) {
            expect_caught(by_64(number, number == __NR_mmap ? PROT_EXEC : NO_SUCH), report);
            tried++;
        }
    CU_ASSERT_EQUAL(tried, 4);                  /* clock_gettime, getrusage, mmap, tgkill */
    expect_caught(by_64(__NR_mmap, 0), report); /* of a file */
    sandbox_report_unmap(report);
}

static void test_x32(void)
{
    struct sandbox_report *report = new_report();

    for (long number = 0; number < NUMBERS; number++)
        expect_caught(by_x32(number), report);
    sandbox_report_unmap(report);
}

/* A kernel without 32-bit calls faults instead. */
static void test_32_bit(void)
{
    struct sandbox_report *report = new_report();
    const struct attempt first = by_32(20); /* getpid */

    (void)is_caught(&first, report);
    if (report->event == SANDBOX_FAULT) {
        printf("(this kernel has no 32-bit calls: int 0x80 is a fault, and reported) ");
        CU_ASSERT_EQUAL(report->instruction, (uint64_t)(uintptr_t)every_call_int80);
    } else {
        for (long number = 0; number < NUMBERS_32; number++)
            expect_caught(by_32(number), report);
    }
    sandbox_report_unmap(report);
}

/* --- the supervisor ------------------------------------------------------------------------------------------ */

/* What a guarded process says as it makes the call; false where it went on. */
static bool is_supervisor_caught(const struct attempt *attempt)
{
    char text[256] = "", expected[128];
    int channel[2], status = 0;
    pid_t child;
    ssize_t size;

    CU_ASSERT_EQUAL_FATAL(pipe(channel), 0);
    child = fork();
    if (child == 0) {
        (void)dup2(channel[1], STDERR_FILENO);
        if (sandbox_guard(-1, NULL) < 0)
            _exit(NOT_CONFINED);
        (void)attempt->make(attempt->number, attempt->argument);
        _exit(FINISHED);
    }
    (void)close(channel[1]);
    size = read(channel[0], text, sizeof text - 1);
    (void)close(channel[0]);
    (void)snprintf(expected, sizeof expected,
                   "lazaret-agent: the supervisor made the forbidden system call %u at 0x%llx\n",
                   (unsigned)attempt->reported, (unsigned long long)(uintptr_t)attempt->place);
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == SANDBOX_EXIT_TRAP &&
           size == (ssize_t)strlen(expected) && strcmp(text, expected) == 0;
}

static void test_supervisor(void)
{
    static const unsigned all = RULE_worker | RULE_entry | RULE_supervisor;
    static const long grave[] = {__NR_execve,       __NR_execveat,       __NR_socket,    __NR_connect,
                                 __NR_mount,        __NR_umount2,        __NR_ptrace,    __NR_init_module,
                                 __NR_finit_module, __NR_delete_module,  __NR_bpf,       __NR_kexec_load,
                                 __NR_open,         __NR_openat,         __NR_unshare,   __NR_setns,
                                 __NR_pivot_root,   __NR_chroot,         __NR_unlinkat,  __NR_iopl,
                                 __NR_ioperm,       __NR_mknodat,        __NR_linkat,    __NR_process_vm_writev,
                                 __NR_move_mount,   __NR_fsopen,         __NR_open_tree, __NR_userfaultfd,
                                 __NR_keyctl,       __NR_io_uring_setup, __NR_vfork,     __NR_fork};

    for (size_t i = 0; i < HARNESS_COUNT(grave); i++)
        CU_ASSERT(!is_listed(grave[i], all) || grave[i] == __NR_openat);
    for (long number = 0; number < NUMBERS_32; number++) {
        struct attempt attempt = by_64(number, 0);
        bool caught =
            (is_listed(number, all) && number != __NR_openat) || is_probe(number) || is_supervisor_caught(&attempt);

        CU_ASSERT(caught);
        if (!caught)
            printf("(%ld) ", number);
    }
}

/* Namespaces by clone, and identities other than the workers'. */
static void test_supervisor_conditions(void)
{
    static const struct {
        long number, argument;
    } cases[] = {{__NR_clone, CLONE_NEWUSER}, {__NR_clone, CLONE_NEWNS}, {__NR_setresuid, 0},
                 {__NR_setresgid, 0},         {__NR_kill, SIGTERM},      {__NR_prctl, PR_SET_PTRACER},
                 {__NR_prlimit64, 1},         {__NR_reboot, NO_SUCH},    {__NR_fcntl, F_DUPFD},
                 {__NR_mmap, PROT_EXEC},      {__NR_mprotect, PROT_EXEC}};

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct attempt attempt = by_64(cases[i].number, cases[i].argument);

        CU_ASSERT(is_supervisor_caught(&attempt));
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"every number of a worker", test_every_number},
        {"what newer kernels let through", test_probes},
        {"arguments that are not allowed", test_conditions},
        {"every number by the x32 entry", test_x32},
        {"every number by the 32-bit entry", test_32_bit},
        {"every number of the supervisor", test_supervisor},
        {"the supervisor's arguments", test_supervisor_conditions},
    };

#if defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__)
    puts("skipped: AddressSanitizer needs memory and system calls that the sandbox denies; the entries are x86-64's");
    return HARNESS_SKIPPED;
#endif
    return harness_run("every system call", tests, HARNESS_COUNT(tests));
}
